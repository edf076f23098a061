"""Guidance at the picture's full size: edges are the picture's own, and hinted places have exactly their colours.

What hints change is known at the working size. It is brought to full size by a guided filter with the picture's
lightness as the guide (He, Sun and Tang 2013; He and Sun 2015 for the coefficients at a lower resolution): around each
place the change is a line over lightness, so that it ends where the picture's lightness does; what lightness does
not tell of it there stays as it was computed. Everything goes strip by strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import lightness
from colorizer.color.upsample import Upsampler
from colorizer.guidance.hints import Guidance
from colorizer.guidance.placing import Placed, placed

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

WINDOW = 15
"""Of the guided filter, in pixels of the working size."""

FLAT = 0.03
"""Standard deviation of L (0..1) in a window below which lightness tells no edges, but grain."""

_ALIKE = 10.0
"""In L: around a hinted place what differs by so much from it is of another thing."""

_LEAST_FEATHER = 1.5


@dataclass(frozen=True)
class Lines:
    """The change as a line over lightness at each place, with bounds: (h, w, 2) float32 each, at the working size."""

    slope: Floats
    offset: Floats
    least: Floats
    most: Floats

    @classmethod
    def of(cls, change: Floats, shade: Floats) -> Lines:
        """The lines of a change.

        Parameters
        ----------
        change
            (h, w, 2) float32.
        shade
            (h, w) float32, L / 100.
        """
        window = (WINDOW, WINDOW)

        def mean(plane: Floats) -> Floats:
            return np.asarray(cv2.blur(plane, window, borderType=cv2.BORDER_REFLECT), np.float32)

        light = mean(shade)
        variance = mean(shade * shade) - light * light
        average = mean(change)
        covariance = mean(change * shade[..., None]) - average * light[..., None]
        slope = covariance / (variance + np.float32(FLAT**2))[..., None]
        varied = np.maximum(mean(change * change) - average * average, 0) + np.float32(1e-3)
        told = mean(covariance * slope / varied)
        slope, offset = mean(slope), mean(average - slope * light[..., None])
        # as far as lightness does not tell it, the line goes through the change itself, of which nothing is lost then
        offset += (1 - np.clip(told, 0, 1)) ** 2 * (change - slope * shade[..., None] - offset)
        around = np.ones(window, np.uint8)
        least, most = (np.asarray(find(change, around), np.float32) for find in (cv2.erode, cv2.dilate))
        return cls(slope, offset, least, most)


class FullSize:
    """Guidance for a picture of a given size; see `colorizer.color.strips.Adjustment`.

    Parameters
    ----------
    lines
        What changes.
    items
        The hints.
    height, width
        Of the picture that is rendered.
    tones
        L of the picture at each hint, as `Painted` has it.
    """

    def __init__(self, lines: Lines, items: Sequence[Placed], height: int, width: int, tones: Sequence[float]) -> None:
        maps = np.concatenate([lines.slope, lines.offset, lines.least, lines.most], axis=2)
        self._upsampler = Upsampler(maps, height, width)
        self._painted = Painted(items, tones)

    def adjust(self, rows: slice, lightness: Floats, wanted: Floats) -> Floats:
        """The chroma to render, for the strip's rows and lightness; see `colorizer.color.strips.Adjustment`."""
        slope, offset, least, most = np.split(self._upsampler.rows(rows.start, rows.stop), 4, axis=2)
        slope *= (lightness * np.float32(0.01))[..., None]
        slope += offset
        np.clip(slope, least, most, out=slope)
        return self._painted.paint(rows, lightness, wanted, slope)


class Painted:
    """Hinted places, which have exactly what was said, and a soft edge around them.

    Parameters
    ----------
    items
        The hints, in pixels of the picture that is rendered.
    tones
        L of the picture at each.
    """

    def __init__(self, items: Sequence[Placed], tones: Sequence[float]) -> None:
        self._items = [(item, tone, *_bounds(item)) for item, tone in zip(items, tones, strict=True)]

    def paint(self, rows: slice, lightness: Floats, base: Floats, change: Floats) -> Floats:
        """Rows with the change, or with what was said where something was.

        Parameters
        ----------
        rows, lightness
            As for `FullSize.adjust`.
        base
            (n, W, 2), what there would be otherwise, which hints that say `keep` ask for.
        change
            (n, W, 2); overwritten.
        """
        change += base
        here = [entry for entry in self._items if entry[4] < rows.stop and entry[5] >= rows.start]
        if not here:
            return change
        inside, said = np.zeros(lightness.shape, np.float32), np.zeros_like(base)
        weight, blend, open_ = np.zeros_like(inside), np.zeros_like(base), np.ones_like(inside)
        for item, tone, left, right, top, bottom, feather in here:
            first, last = max(int(top), rows.start), min(int(bottom) + 1, rows.stop)
            low, high = max(int(left), 0), min(int(right) + 1, lightness.shape[1])
            if first >= last or low >= high:
                continue
            part = np.s_[first - rows.start : last - rows.start, low:high]
            distance = away(item, first, last, low, high)
            within = (distance <= item.radius).astype(np.float32)
            target = base[part] if item.hint.meaning == "keep" else np.asarray(item.hint.target, np.float32)
            inside[part] += within
            said[part] += within[..., None] * target
            soft = np.clip(1 - (distance - item.radius) / feather, 0, 1).astype(np.float32)
            soft = soft * soft * (3 - 2 * soft) * np.exp(-0.5 * ((lightness[part] - tone) / np.float32(_ALIKE)) ** 2)
            weight[part] += soft
            blend[part] += soft[..., None] * target
            open_[part] *= 1 - soft
        touched = np.nonzero(weight)
        share = (1 - open_[touched])[:, None]
        change[touched] += share * (blend[touched] / weight[touched][:, None] - change[touched])
        exact = np.nonzero(inside)
        change[exact] = said[exact] / inside[exact][:, None]
        return change


def _bounds(item: Placed) -> tuple[float, float, float, float, float]:
    """Left, right, top, bottom of what a hint touches, and the width of its soft edge."""
    feather = max(item.radius, _LEAST_FEATHER)
    reach = item.radius + feather
    (left, top), (right, bottom) = item.points.min(axis=0) - reach, item.points.max(axis=0) + reach
    return float(left), float(right), float(top), float(bottom), feather


def away(item: Placed, first: int, last: int, low: int, high: int) -> Floats:
    """Of each pixel of some rows and columns from a point, a stroke, or the inside of a region: (rows, columns)."""
    y, x = np.arange(first, last, dtype=np.float64)[:, None], np.arange(low, high, dtype=np.float64)[None]
    points = item.points
    if len(points) == 1:
        return np.asarray(np.hypot(x - points[0, 0], y - points[0, 1]), np.float32)
    closed = item.hint.shape == "region"
    starts, ends = (points, np.roll(points, -1, axis=0)) if closed else (points[:-1], points[1:])
    nearest = np.full((last - first, high - low), np.inf)
    inside = np.zeros(nearest.shape, np.bool_)
    for (x0, y0), (x1, y1) in zip(starts, ends, strict=True):
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / length, 0, 1) if length else np.zeros(nearest.shape)
        np.minimum(nearest, np.hypot(x - x0 - along * dx, y - y0 - along * dy), out=nearest)
        if closed and y0 != y1:
            # even-odd rule: edges that a ray to the right crosses
            crosses = ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * dx / dy)
            inside ^= crosses
    if closed:
        nearest[inside] = 0
    return nearest.astype(np.float32)


@dataclass(frozen=True)
class Guided:
    """Chroma with guidance, to be rendered at any size.

    Attributes
    ----------
    vivid
        (h, w, 2) float32, the network's part, with saturation and strength in it.
    own_share
        Share of the picture's own chroma that is added.
    lines
        What guidance changes; None where there is none.
    """

    vivid: Floats
    own_share: float
    lines: Lines | None = None


def full_size(
    guided: Guided, guidance: Guidance, pixels: Pixels, size: tuple[int, int] | None = None
) -> FullSize | None:
    """Guidance for a picture that is rendered; None where there is none.

    Parameters
    ----------
    guided
        Chroma with guidance.
    guidance
        The same, with hints in fractions.
    pixels
        The picture.
    size
        Height and width of the chroma to make; None: the picture's.

    Raises
    ------
    InputError
        A hint is outside the picture.
    """
    if guided.lines is None:
        return None
    height, width = size or pixels.shape[:2]
    items = placed(guidance.hints, height, width)
    scale = np.array([pixels.shape[1] / width, pixels.shape[0] / height])
    return FullSize(guided.lines, items, height, width, [_tone(pixels, item, scale) for item in items])


def _tone(pixels: Pixels, item: Placed, scale: npt.NDArray[np.float64]) -> float:
    """L of the picture at a hint, whose places are to be multiplied by `scale`."""
    column, row = np.clip((item.points[0] + 0.5) * scale, 0, [pixels.shape[1] - 1, pixels.shape[0] - 1]).astype(int)
    return float(lightness(pixels[row : row + 1, column : column + 1])[0, 0])
