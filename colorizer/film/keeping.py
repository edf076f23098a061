"""Which frames of a film are in colour already: `--keep-color`, decided by several frames ahead.

A frame by itself may be dark, or in the middle of a fade from grey. So the frames of its scene that are to come have a
vote each. A scene begins as most of them say; later it changes only where nearly all of many say so, as in a dissolve
from grey to colour. What is decided for a frame depends on the decision before and on what is ahead, on nothing else,
so that a run can go on anywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Generic, TypeVar

Item = TypeVar("Item")

FRAMES_AHEAD = 8
"""Frames that have a vote, from the one in question on; a third of a second."""

_LEAST_VOTES = 6
"""Votes without which a scene's beginning decides."""

_TO_CHANGE = 0.8
"""Share of the votes that changes the decision within a scene."""


@dataclass(frozen=True)
class Vote(Generic[Item]):
    """A frame, and what it says."""

    item: Item
    new_scene: bool
    in_color: bool | None  # None: too dark to tell


def judged(votes: Iterable[Vote[Item]], keeping: bool | None) -> Iterator[tuple[Item, bool | None]]:
    """Each frame with whether it is in colour already; None where nothing tells.

    Parameters
    ----------
    votes
        The frames in order.
    keeping
        What was decided for the frame before the first one.
    """
    waiting: deque[Vote[Item]] = deque()
    for vote in votes:
        waiting.append(vote)
        if len(waiting) == FRAMES_AHEAD:
            keeping = _decided(waiting, keeping)
            yield waiting.popleft().item, keeping
    while waiting:
        keeping = _decided(waiting, keeping)
        yield waiting.popleft().item, keeping


def _decided(waiting: deque[Vote[Item]], keeping: bool | None) -> bool | None:
    first = waiting[0]
    rest = takewhile(lambda vote: not vote.new_scene, islice(waiting, 1, None))
    told = [vote.in_color for vote in (first, *rest) if vote.in_color is not None]
    if first.new_scene or keeping is None:
        return sum(told) * 2 > len(told) if told else None
    against = sum(answer != keeping for answer in told)
    return not keeping if len(told) >= _LEAST_VOTES and against >= _TO_CHANGE * len(told) else keeping
