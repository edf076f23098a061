"""Listens, serves until a signal, and ends cleanly."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from colorizer.errors import OptionRef, Remedy, UsageError
from colorizer.io.machine import usable_cores
from colorizer.settings import Settings
from colorizer.web.app import Service
from colorizer.web.connection import TimeLimitedProtocol
from colorizer.web.folder import private_folder
from colorizer.web.limits import MAX_HEAD, Limits
from colorizer.web.networks import Networks
from colorizer.web.security import AccessControl, SecurityMiddleware

BACKLOG = 256
STOP_SECONDS = 5
"""For answers under way when the server is stopped."""

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes
    ----------
    settings
        The model and how networks are run.
    host, port
        Where to listen; port 0 takes a free one.
    names
        Further host names that the server is known by.
    token
        What clients have to show; None: one is made where other machines can reach the server.
    workers
        Pictures coloured at a time; None: by the cores that there are.
    open_browser
        Whether to open the page, where there is a desktop.
    limits
        How much is taken on.
    """

    settings: Settings = field(default_factory=Settings)
    host: str = "127.0.0.1"
    port: int = 0
    names: Sequence[str] = ()
    token: str | None = None
    workers: int | None = None
    open_browser: bool = False
    limits: Limits = field(default_factory=Limits)


def serve_until_stopped(options: ServerOptions, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it.

    Parameters
    ----------
    options
        How to serve.
    say
        Told the page's address once the server listens.

    Raises
    ------
    UsageError
        The address cannot be listened on.
    ColorizerError
        The model cannot be loaded.
    """
    token = _checked_token(options)
    sockets = listen(options.host, options.port)
    with contextlib.ExitStack() as stack:
        for opened in sockets:
            stack.callback(opened.close)
        networks = Networks(options.settings)
        folder = stack.enter_context(private_folder())
        port = sockets[0].getsockname()[1]
        names = {*options.names, *_own_names(options.host)}
        access = AccessControl(names, any_address=_is_any(options.host), token=token, port=port)
        service = Service(networks, folder, options.limits, options.workers or min(2, usable_cores()))
        address = _address(options.host, port, token)

        def listening() -> None:
            say(address)
            if options.open_browser and has_desktop():
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        protocol = type("Protocol", (TimeLimitedProtocol,), {"body_seconds": options.limits.upload_time + 60})
        # what libraries log (of a form that is damaged, say) goes to stderr where nobody else takes it
        nowhere = logging.NullHandler()
        logging.getLogger().addHandler(nowhere)
        stack.callback(logging.getLogger().removeHandler, nowhere)
        config = uvicorn.Config(
            SecurityMiddleware(service.application(), access),
            http=protocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            limit_concurrency=options.limits.max_connections,
            timeout_graceful_shutdown=STOP_SECONDS,
            h11_max_incomplete_event_size=MAX_HEAD,
        )
        _Server(config, listening).run(sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on a host's addresses, all on one port.

    Raises
    ------
    UsageError
        The host is unknown or none of this machine, or the port is taken or not allowed.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            "no such name or address; leave it out for this machine alone", option=OptionRef("host", host)
        ) from error
    opened: list[socket.socket] = []
    failures: list[OSError] = []
    for family, kind, protocol, _, (address, _, *rest) in dict.fromkeys(found):
        if opened:
            port = opened[0].getsockname()[1]  # that the first was given
        try:
            opened.append(_listening(family, kind, protocol, (address, port, *rest)))
        except OSError as error:
            failures.append(error)
    taken = [error for error in failures if error.errno in (errno.EADDRINUSE, errno.EACCES)]
    if taken or not opened:
        for one in opened:
            one.close()
        raise _refused(host, port, taken[0] if taken else failures[0])
    return opened


def _listening(family: Any, kind: Any, protocol: int, place: Any) -> socket.socket:
    opened = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":  # there, the other option would let two servers share a port
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(place)
        opened.listen(BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def _refused(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"port {port} of {host} is in use, perhaps by another `colorize serve`",
            remedy=Remedy.ANOTHER_PORT,
            what=OptionRef("port"),
        )
    if error.errno == errno.EACCES:
        return UsageError(
            f"may not be used by this user on {host}; take one from 1024 on", option=OptionRef("port", f"{port}")
        )
    return UsageError(
        f"cannot be listened on ({error.strerror}); give an address of this machine", option=OptionRef("host", host)
    )


def has_desktop() -> bool:
    """Whether a browser would likely open before the user's eyes."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Within this, requests and errors are printed: what `security` logs of them, which uvicorn would only repeat."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("colorize: %(message)s"))
    logger = logging.getLogger("colorizer.web")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _checked_token(options: ServerOptions) -> str | None:
    token = options.token
    if token is not None and not (
        len(token) >= 16 and token.isascii() and token.replace("-", "").replace("_", "").isalnum()
    ):
        raise UsageError("expected at least 16 letters, digits, - or _; leave it out to have one made", option="token")
    return secrets.token_urlsafe(24) if token is None and not _is_loopback(options.host) else token


def _own_names(host: str) -> set[str]:
    """What the Host header may say where the server listens on a host, but for bare addresses where that is any."""
    if _is_any(host):
        return {*_LOOPBACK_NAMES, socket.gethostname()}
    return {host, *_LOOPBACK_NAMES} if _is_loopback(host) else {host}


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _address(host: str, port: int, token: str | None) -> str:
    name = socket.gethostname() if _is_any(host) else host
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


class _Server(uvicorn.Server):
    """Uvicorn's, which says when it listens, and for which a signal is the way to end, not an error.

    What is overridden is no public interface; see `colorizer.web.connection`.
    """

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if sys.platform == "win32":
            numbers.append(signal.SIGBREAK)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
