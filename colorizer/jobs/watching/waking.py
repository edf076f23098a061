"""Being woken when something changes in a folder: by the system, or by the clock where the system does not tell.

What changed is not asked: the folder is looked at whenever there is reason to. So an event that is lost, doubled or
late costs time, and never a picture.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
        "nfs4", "prl_fs", "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav",
    }
)  # fmt: skip
"""What other machines may change without this one being told."""

_FUSE = "fuse"
"""Begin of the names of what programs serve: mostly other machines' files. `fuseblk` is a local disk."""

_WAIT = 0.2
"""Seconds that are waited at a time, since a signal does not end a wait on every system."""


class Waker:
    """Waits until there is reason to look at a folder again.

    Parameters
    ----------
    folder
        With all below it; None where the system is not asked, since it lies elsewhere.
    ignored
        Where changes mean nothing; None: nowhere.
    native
        Whether the system is asked to tell of changes.

    Attributes
    ----------
    native
        Whether it does.
    trouble
        Why it does not any more, in words; empty where nothing went wrong.
    """

    def __init__(self, folder: Path | None, ignored: Path | None, *, native: bool) -> None:
        self.native = native
        self.trouble = ""
        self._folder, self._ignored = folder, ignored
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen, or begin anew: a folder that has come back is another one for the system."""
        self.end()
        if self.native and self._folder is not None:
            self._ended = threading.Event()
            self._thread = threading.Thread(
                target=self._listen, args=(self._folder, self._ended), name="watch", daemon=True
            )
            self._thread.start()

    def end(self) -> None:
        """Listen no more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def clear(self) -> None:
        """Forget what has changed so far, since a look comes now."""
        self._changed.clear()

    def wait(self, seconds: float, is_over: Callable[[], bool]) -> None:
        """Wait for a change, at most so long, and not beyond the moment when `is_over` says so."""
        while seconds > 0 and not is_over() and not self._changed.wait(min(_WAIT, seconds)):
            seconds -= _WAIT

    def _listen(self, folder: Path, ended: threading.Event) -> None:
        from watchfiles import watch

        settled = False
        try:
            for changes in watch(
                folder,
                watch_filter=self._matters,
                debounce=200,
                rust_timeout=1000,
                yield_on_timeout=True,
                stop_event=ended,
                raise_interrupt=False,
                force_polling=False,
                ignore_permission_denied=True,
            ):
                # a first time in any case: what changed before the system listened, it does not tell
                if changes or not settled:
                    self._changed.set()
                settled = True
        except Exception as error:  # such as no more watches to be had; what a library of Rust raises is no contract
            self.trouble = " ".join(str(error).split()) or type(error).__name__
            self.native = False
            self._changed.set()

    def _matters(self, _: object, path: str) -> bool:
        return self._ignored is None or not Path(path).is_relative_to(self._ignored)


def can_be_told() -> bool:
    """Whether the package that asks the system is installed."""
    from importlib.util import find_spec

    return find_spec("watchfiles") is not None


def is_on_network(folder: Path) -> bool:
    """Whether a folder lies on a drive that other machines may change, as far as the system says."""
    import psutil

    place = Path(os.path.realpath(folder))
    if sys.platform == "win32" and str(place).startswith("\\\\"):
        return True
    kind, options, depth = "", "", -1
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        if len(mount.parts) > depth and (mount == place or mount in place.parents):
            kind, options, depth = partition.fstype.lower(), partition.opts, len(mount.parts)
    if sys.platform == "win32":
        return "remote" in options.split(",")
    return kind in NETWORK_FILE_SYSTEMS or (kind.startswith(_FUSE) and kind != "fuseblk")
