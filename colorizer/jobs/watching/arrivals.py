"""Which pictures have arrived completely: those whose files have been at rest for a while.

Nobody says when a file that is being written is finished. So a picture counts as complete when neither its size nor
its time of change has moved between two looks that are far enough apart. What was renamed or moved in is at rest from
the beginning, and on a disk of this machine, whose clock the files' times are of, its age says so at once. What turns
out not to be whole fails, and counts again when it has changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from colorizer.io.address import Address


@dataclass(frozen=True)
class Sight:
    """How a picture was seen.

    Attributes
    ----------
    state
        Changes when the picture, or what is said of it, does.
    modified
        When its file was last changed, in seconds of the file system's clock.
    """

    state: Hashable
    modified: float


@dataclass
class _Known:
    sight: Sight
    since: float
    handed_out: bool = False


class Arrivals:
    """What is known of the pictures in a folder.

    Parameters
    ----------
    settle
        Seconds of rest that make a file complete.
    same_clock
        Whether files' times are of this machine's clock.
    """

    def __init__(self, settle: float, *, same_clock: bool) -> None:
        self._settle = settle
        self._same_clock = same_clock
        self._known: dict[Address, _Known] = {}

    def complete(self, seen: Mapping[Address, Sight], now: float, wall: float) -> list[Address]:
        """Those of a look that are complete and have not been handed out as they are now; they are then.

        Parameters
        ----------
        seen
            All that is there.
        now, wall
            When the look began: by a clock that never jumps, and by that of the calendar, in seconds.
        """
        for gone in self._known.keys() - seen.keys():
            del self._known[gone]
        ready = []
        for path, sight in seen.items():
            known = self._known.get(path)
            if known is None or known.sight != sight:
                at_rest = self._same_clock and self._settle <= wall - sight.modified
                known = self._known[path] = _Known(sight, now - self._settle if at_rest else now)
            if not known.handed_out and now - known.since >= self._settle:
                known.handed_out = True
                ready.append(path)
        return ready

    def due(self, now: float) -> float | None:
        """Seconds until the next one may be complete; None where none is awaited."""
        moments = [known.since + self._settle for known in self._known.values() if not known.handed_out]
        return max(0.0, min(moments) - now) if moments else None

    def is_as_handed_out(self, path: Address, state: Hashable) -> bool:
        """Whether a picture is still as it was when it was handed out."""
        known = self._known.get(path)
        return known is not None and known.sight.state == state

    def again(self, paths: Iterable[Address]) -> None:
        """Hand these out once more, although nothing about them has changed."""
        for path in paths:
            self._known.pop(path, None)
