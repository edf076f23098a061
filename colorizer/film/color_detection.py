"""Which frames of a film are in colour already and pass as they are, for the setting `keep_color`.

A frame by itself does not tell: it may be dark, or in the middle of a fade from grey. So each decision looks at a
window of the frames to come, up to the end of the scene. At the first frame of a scene the majority decides; within a
scene the decision changes only where nearly all of a full window contradict it, as in a dissolve from grey to colour.

A decision depends on the one before and on the window, on nothing else, so that a run can be resumed at any frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Generic, TypeVar

Item = TypeVar("Item")

FRAMES_AHEAD = 8
"""Length of the window, from the frame in question on; a third of a second."""

_ENOUGH = 6
"""Frames of the window that must tell something before a decision is changed within a scene."""

_TO_CHANGE = 0.8
"""Share of them that has to contradict the decision."""


@dataclass(frozen=True)
class ColorCheck(Generic[Item]):
    """A frame, and whether it looks as if it were in colour."""

    item: Item
    new_scene: bool
    in_color: bool | None  # None: too dark to tell


def decide_in_color(checks: Iterable[ColorCheck[Item]], in_color: bool | None) -> Iterator[tuple[Item, bool | None]]:
    """Each frame with whether its scene is in colour already; None where nothing tells.

    Parameters
    ----------
    checks
        The frames in order.
    in_color
        What was decided for the frame before the first one; None if there is none.
    """
    window: deque[ColorCheck[Item]] = deque()
    for check in checks:
        window.append(check)
        if len(window) == FRAMES_AHEAD:
            in_color = _decision(window, in_color)
            yield window.popleft().item, in_color
    while window:
        in_color = _decision(window, in_color)
        yield window.popleft().item, in_color


def _decision(window: deque[ColorCheck[Item]], before: bool | None) -> bool | None:
    first = window[0]
    rest = takewhile(lambda check: not check.new_scene, islice(window, 1, None))
    answers = [check.in_color for check in (first, *rest) if check.in_color is not None]
    if first.new_scene or before is None:
        return sum(answers) * 2 > len(answers) if answers else None
    against = sum(answer != before for answer in answers)
    return not before if len(answers) >= _ENOUGH and against >= _TO_CHANGE * len(answers) else before
