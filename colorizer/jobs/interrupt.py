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


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[Interruption]:
    """Within this, the first signal calls `stop`, and the second raises KeyboardInterrupt."""
    interruption = Interruption(stop)
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # signals are the main thread's
        return
    before: dict[signal.Signals, Any] = {number: signal.signal(number, interruption) for number in _SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
