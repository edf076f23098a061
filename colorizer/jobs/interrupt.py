"""Ctrl-C and SIGTERM in two steps: first stop in good order, then at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the user has asked to stop."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.requested = False
        self._stop = stop

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signals call
        """Handle a signal: the first asks to stop, the second ends.

        Raises
        ------
        KeyboardInterrupt
            At the second.
        """
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._stop()


class _Remembering:
    """Does what Python does at Ctrl-C, and remembers it."""

    arrived = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signals call
        self.arrived = True
        raise KeyboardInterrupt


@contextmanager
def remembered() -> Iterator[None]:
    """Within this, a Ctrl-C whose exception gets lost is made up for by `interruptible`.

    Python drops what is raised in a callback, and every import ends with one: a command that begins with dozens of them
    may not hear of a Ctrl-C in its first half second.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # whoever started us ignores it or handles it
        return
    signal.signal(signal.SIGINT, _Remembering())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class TerminatedError(KeyboardInterrupt):
    """SIGTERM has come; it takes the way of Ctrl-C."""


@contextmanager
def terminable() -> Iterator[None]:
    """Within this, SIGTERM ends what is done as Ctrl-C does: files are put away, work under way is kept.

    Raises
    ------
    TerminatedError
        Where SIGTERM arrives.
    KeyboardInterrupt
        At Ctrl-C; or at once, for one that was lost within `remembered`.
    """

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signals call
        raise TerminatedError

    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    earlier = signal.getsignal(signal.SIGINT)
    before = signal.signal(signal.SIGTERM, end)
    try:
        if isinstance(earlier, _Remembering) and earlier.arrived:
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[Interruption]:
    """Within this, the first signal calls `stop`, and the second raises KeyboardInterrupt.

    Raises
    ------
    KeyboardInterrupt
        At the second; or at once, for one that was lost within `remembered`.
    """
    interruption = Interruption(stop)
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # signals are the main thread's
        return
    before: dict[signal.Signals, Any] = {number: signal.signal(number, interruption) for number in _SIGNALS}
    try:
        earlier = before[signal.SIGINT]
        if isinstance(earlier, _Remembering) and earlier.arrived:
            raise KeyboardInterrupt
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
