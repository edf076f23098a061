"""Hints on a picture of a given size: where they are in pixels, what they say there, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness, recombine
from colorizer.errors import InputError
from colorizer.guidance.field import Told
from colorizer.guidance.hints import Guidance, Hint, hexadecimal_of, replace_guidance

Doubles = npt.NDArray[np.float64]

STROKE_STEP = 1 / 24
"""Of the longer side, between points of a stroke that are solved for."""

MOST_OF_A_STROKE = 16
REGION_GRID = 5
"""Points of a region that are solved for, in a row of its bounding box."""

LEAST_RADIUS = 0.75
"""Pixels: the nearest pixel is always within."""

_NEAR_COLORS = 10.0
"""In ab: hints that lie on each other and differ by more contradict each other."""

_MOST_REMARKS = 5

_VIVID = 8.0
_HELD = 0.5
"""A hint is told of where it asks for a chroma beyond the first, and less than this share of it has room."""


@dataclass(frozen=True)
class Placed:
    """A hint on a picture.

    Attributes
    ----------
    hint
        The hint.
    points
        (k, 2) x and y, in pixels.
    radius
        Half the width of its point or stroke, in pixels; of a region 0.
    """

    hint: Hint
    points: Doubles
    radius: float


def placed(hints: Iterable[Hint], height: int, width: int) -> list[Placed]:
    """Hints on a picture of a size, in an order that depends on nothing but what they are.

    Raises
    ------
    InputError
        One is outside the picture.
    """
    result = []
    for hint in sorted(set(hints), key=repr):
        points = np.array(hint.points, np.float64)
        size = np.array([width, height])
        if hint.pixels:
            if (points > size - 1).any():
                raise InputError(
                    f"the hint at {hint.place} is outside the picture, which has {width} x {height} pixels; "
                    "pixels are counted from 0"
                )
        else:
            points = np.clip(points * size - 0.5, 0, size - 1)
        radius = 0.0 if hint.shape == "region" else max(hint.size * max(height, width) / 2, LEAST_RADIUS)
        result.append(Placed(hint, points, radius))
    return result


def told(items: Sequence[Placed], full: tuple[int, int], working: tuple[int, int], carry: float) -> Told:
    """What hints say, as points at the working size.

    Parameters
    ----------
    items
        The hints.
    full, working
        Height and width of the picture, and of the maps.
    carry
        Of hints that have none of their own.
    """
    scale = np.array([working[1] / full[1], working[0] / full[0]])
    points: list[Doubles] = []
    values: list[tuple[float, float, bool, float, float]] = []
    for item in items:
        at = _samples(item, scale, working)
        hint = item.hint
        goes = carry if hint.carry is None else hint.carry
        points.append(at)
        patch = 2 * item.radius * float(scale.max())
        values += [(*hint.target, hint.meaning == "keep", goes, patch)] * len(at)
    table = np.array(values, np.float64).reshape(-1, 5)
    where = np.concatenate(points) if points else np.zeros((0, 2))
    return Told(where, table[:, :2], table[:, 2] > 0, table[:, 3], table[:, 4])


def remarks(guidance: Guidance, pixels: npt.NDArray[Any], alpha: npt.NDArray[Any] | None = None) -> tuple[str, ...]:
    """What is to be said of hints that cannot come out as they were meant; one line each.

    Parameters
    ----------
    guidance
        The hints.
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.
    alpha
        (H, W), or None.

    Raises
    ------
    InputError
        A hint is outside the picture.
    """
    height, width = pixels.shape[:2]
    items = placed(guidance.hints, height, width)
    if not items:
        return ()
    found = [*_contradictions(items)]
    columns, rows = np.rint([item.points[0] for item in items]).astype(np.intp).T
    light = lightness(pixels[rows, columns][None])
    wanted = np.array([[item.hint.target for item in items]], np.float32)
    possible = chroma_plane(recombine(light, wanted, np.float32))
    chroma, held = (np.hypot(each[0, :, 0], each[0, :, 1]) for each in (wanted, possible))
    crowded = (chroma > _VIVID) & (held < _HELD * chroma)
    hidden = np.zeros(len(items), np.bool_) if alpha is None else alpha[rows, columns] == 0
    for index in np.flatnonzero(hidden | crowded):
        hint, tone = items[index].hint, float(light[0, index])
        name = f"the hint at {hint.place}"
        if hidden[index]:
            found.append(f"{name} is on a transparent place; its colour goes on from there")
        if crowded[index]:
            place = "burnt out" if tone > 50 else "black"
            most = hexadecimal_of(hint.target, tone)
            found.append(f"{name} is on a place that is nearly {place} (L {tone:.0f}); {most} is possible there")
    more = len(found) - _MOST_REMARKS
    return (*found[:_MOST_REMARKS], *([f"the same or the like is to be said of {more} more"] if more > 0 else []))


def _samples(item: Placed, scale: Doubles, working: tuple[int, int]) -> Doubles:
    """Points of a hint at the working size: (k, 2)."""
    points = (item.points + 0.5) * scale - 0.5
    height, width = working
    if item.hint.shape == "point":
        return points
    if item.hint.shape == "stroke":
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
        total = float(lengths.sum())
        count = int(np.clip(round(total / (STROKE_STEP * max(working))) + 1, 1 if total < 1 else 2, MOST_OF_A_STROKE))
        along = np.concatenate([[0], np.cumsum(lengths)])
        at = np.linspace(0, total, count)
        return np.stack([np.interp(at, along, points[:, axis]) for axis in range(2)], axis=1)
    mask = np.zeros(working, np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    part = (np.arange(REGION_GRID) + 0.5) / REGION_GRID
    x, y = np.meshgrid(left + part * (right - left), top + part * (bottom - top))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    cells = np.clip(np.rint(grid).astype(int), 0, [width - 1, height - 1])
    inside: Doubles = grid[mask[cells[:, 1], cells[:, 0]] > 0]
    return inside if len(inside) else points.mean(axis=0, keepdims=True)


def _contradictions(items: Sequence[Placed]) -> Iterator[str]:
    """Pairs of points that lie on each other and want different colours; the first of them by name."""
    points = [item for item in items if item.hint.shape == "point"]
    if len(points) < 2:
        return
    radius = np.array([item.radius for item in points])
    at = np.stack([item.points[0] for item in points])
    wanted = np.array([item.hint.target for item in points])
    keep = np.array([item.hint.meaning == "keep" for item in points])
    cell = max(1.0, 2 * float(radius.max()))
    buckets: dict[tuple[int, int], list[int]] = {}
    for index, (x, y) in enumerate(at):
        buckets.setdefault((int(x // cell), int(y // cell)), []).append(index)
    pairs = []
    for index, (x, y) in enumerate(at):
        column, row = int(x // cell), int(y // cell)
        around = [(column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        near = [other for key in around for other in buckets.get(key, ()) if other > index]
        if not near:
            continue
        distance = np.hypot(*(at[near] - at[index]).T)
        differs = (np.hypot(*(wanted[near] - wanted[index]).T) > _NEAR_COLORS) | (keep[near] != keep[index])
        meets = distance < np.maximum(radius[near], radius[index])
        pairs += [(index, near[which]) for which in np.flatnonzero(meets & differs)]
    if pairs:
        one, other = (points[index].hint for index in pairs[0])
        more = f", and {len(pairs) - 1} more pairs" if len(pairs) > 1 else ""
        yield f"hints at {one.place} contradict each other ({one.color} and {other.color}{more}); the mean is taken"


def in_fractions(guidance: Guidance, full: tuple[int, int]) -> Guidance:
    """The same guidance with all hints in fractions; height and width are those of the picture that they are on.

    Raises
    ------
    InputError
        A hint is outside the picture.
    """
    if not any(hint.pixels for hint in guidance.hints):
        return guidance
    height, width = full
    placed((hint for hint in guidance.hints if hint.pixels), height, width)
    return replace_guidance(guidance, hints=tuple(_in_fractions(hint, height, width) for hint in guidance.hints))


def _in_fractions(hint: Hint, height: int, width: int) -> Hint:
    if not hint.pixels:
        return hint
    points = tuple(((x + 0.5) / width, (y + 0.5) / height) for x, y in hint.points)
    return replace(hint, points=points, pixels=False)
