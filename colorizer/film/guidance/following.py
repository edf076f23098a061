"""Hints of a shot, followed along the motion to other frames of the shot, where they are spread anew.

A hint moves as what is within it moves. So a point stays on its object, a region turns and grows with it, and what of
an object comes into sight is reached from there. A hint whose place is hidden, or out of sight, is given up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.film.guidance.layers import ShotFrames
from colorizer.film.motion import FlowField, flow_fields
from colorizer.guidance.hints import Hint

Doubles = npt.NDArray[np.float64]

EVERY = 6
"""Frames from one on which hints are spread to the next."""

_LEAST_TRUST = 0.25
"""In a step, below which the motion of a place is not known."""

_IN_SIGHT = 0.35
"""Share of a hint's places whose motion has to be known; of fewer, what it speaks of is hidden."""

_NEAR = 0.04
"""Share of the width and height: a hint that is so near to one that was followed replaces it."""

_PLACES = 5
"""Of a point or a region that are followed, in a row."""

_ENOUGH = 6
"""Places by which turning and growing can be told from errors."""


@dataclass(frozen=True)
class _Followed:
    """A hint on its way: its points, and places within it, (k, 2) each, in pixels of the small frame."""

    hint: Hint
    points: Doubles
    places: Doubles


def followed_hints(frames: ShotFrames, own: Mapping[int, Sequence[Hint]]) -> dict[int, tuple[Hint, ...]]:
    """Hints by the places of frames in a shot: those that have some of their own, and others now and then.

    Parameters
    ----------
    frames
        The shot.
    own
        Hints in fractions.
    """
    stations = sorted({*own, *range(0, frames.count, EVERY), frames.count - 1})
    arrived: dict[int, list[Hint]] = {place: list(own.get(place, ())) for place in stations}
    for order, step in ((stations, 1), (stations[::-1], -1)):
        under_way: list[_Followed] = []
        for here, there in pairwise(order):
            mine = [_begun(hint, frames) for hint in own.get(here, ())]
            under_way = [*(one for one in under_way if not _is_replaced(one, mine, frames)), *mine]
            under_way = _followed(frames, under_way, here, there, step)
            known = [_begun(hint, frames) for hint in arrived[there]]
            arrived[there] += [_hint(one, frames) for one in under_way if not _is_replaced(one, known, frames)]
    return {place: tuple(hints) for place, hints in arrived.items() if hints}


def _begun(hint: Hint, frames: ShotFrames) -> _Followed:
    points = np.array(hint.points, np.float64) * (frames.width, frames.height) - 0.5
    part = (np.arange(_PLACES) + 0.5) / _PLACES
    if hint.shape == "stroke":
        along = [one + share * (other - one) for one, other in pairwise(points) for share in part]
        return _Followed(hint, points, np.concatenate([points, along]))
    x, y = (each.ravel() for each in np.meshgrid(part, part))
    if hint.shape == "region":
        low, high = points.min(axis=0), points.max(axis=0)
        grid = np.stack([x, y], axis=1) * (high - low) + low
        outline = points.astype(np.float32)
        inside = [cv2.pointPolygonTest(outline, (float(a), float(b)), measureDist=False) >= 0 for a, b in grid]
        return _Followed(hint, points, np.concatenate([grid[inside], points.mean(axis=0, keepdims=True)]))
    radius = hint.size / 2 * max(frames.width, frames.height)
    return _Followed(hint, points, points + (np.stack([x, y], axis=1) * 2 - 1) * radius)


def _followed(frames: ShotFrames, hints: list[_Followed], here: int, there: int, step: int) -> list[_Followed]:
    if not hints:
        return []
    before = frames.features(here)
    for place in range(here + step, there + step, step):
        now = frames.features(place)
        onward = flow_fields(before, now)[1] if step > 0 else flow_fields(now, before)[0]
        hints = [moved for one in hints if (moved := _moved(one, onward)) is not None]
        before = now
        if not hints:
            break
    return hints


def _moved(one: _Followed, onward: FlowField) -> _Followed | None:
    """A hint in the next frame; None where what it speaks of is no longer in sight."""
    height, width = onward.trust.shape
    position = onward.position
    there = np.asarray(_sampled(position, one.places), np.float64)
    trust = _sampled(onward.trust, one.places)
    known = trust >= _LEAST_TRUST
    if known.mean() < _IN_SIGHT:
        return None
    moved = _common_motion(one.places[known], there[known])
    points = one.points @ moved[:, :2].T + moved[:, 2]
    if one.hint.shape == "stroke":
        # a stroke may go over things that move apart
        sure = _sampled(onward.trust, one.points) >= _LEAST_TRUST
        points = np.where(sure[:, None], _sampled(position, one.points), points)
    middle = points.mean(axis=0)
    if (middle < 0).any() or (middle > (width - 1, height - 1)).any():
        return None
    return _Followed(one.hint, points, one.places @ moved[:, :2].T + moved[:, 2])


def _common_motion(before: Doubles, after: Doubles) -> Doubles:
    """The motion that most of some places have in common, (2, 3): moved, turned and grown, or moved alone."""
    spread = np.ptp(before, axis=0).max()
    if len(before) >= _ENOUGH and spread > _ENOUGH:
        found, _ = cv2.estimateAffinePartial2D(before, after, method=cv2.RANSAC, ransacReprojThreshold=1.0)
        if found is not None:
            return np.asarray(found, np.float64)
    shift = np.median(after - before, axis=0)
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]]])


def _sampled(planes: npt.NDArray[np.float32], places: Doubles) -> npt.NDArray[np.float32]:
    x, y = (np.ascontiguousarray(places[:, axis][None], np.float32) for axis in range(2))
    return np.asarray(cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0], np.float32)


def _is_replaced(one: _Followed, others: Sequence[_Followed], frames: ShotFrames) -> bool:
    reach = _NEAR * np.array([frames.width, frames.height])
    middle = one.points.mean(axis=0)
    return any((np.abs((middle - other.points.mean(axis=0)) / reach) < 1).all() for other in others)


def _hint(one: _Followed, frames: ShotFrames) -> Hint:
    points = np.clip((one.points + 0.5) / (frames.width, frames.height), 0, 1)
    return replace(one.hint, points=tuple((float(x), float(y)) for x, y in points))
