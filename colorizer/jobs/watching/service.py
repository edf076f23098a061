"""Telling a service manager how it goes, by systemd's protocol: a datagram to the socket that it names.

Source: sd_notify(3), which promises that the protocol is stable and may be spoken without libsystemd.
"""

from __future__ import annotations

import contextlib
import os
import socket

SOCKET_VARIABLE = "NOTIFY_SOCKET"


def notify(**states: str) -> bool:
    """Tell the manager, where there is one that wants to know: `notify(READY="1", STATUS="watching")`.

    Returns
    -------
    bool
        Whether it was told; who is not listened to goes on all the same.
    """
    address = os.environ.get(SOCKET_VARIABLE, "")
    family = getattr(socket, "AF_UNIX", None)
    if not address or family is None:
        return False
    if address.startswith("@"):  # Linux's abstract names
        address = "\0" + address[1:]
    text = "\n".join(f"{name}={' '.join(value.split())}" for name, value in states.items())
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.sendall(text.encode("utf-8", "backslashreplace"))
        return True
    return False
