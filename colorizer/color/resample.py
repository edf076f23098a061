"""From full-size lightness to what the network sees: which size, and how to get there.

The network was trained on pictures shrunk by averaging. Area resampling is that average, exact for any ratio; it is
separable, so a picture can be fed strip by strip and never needs to be whole. Where the network's input is larger than
the picture, pixels in between are interpolated linearly instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.settings import Fit

Floats = npt.NDArray[np.float32]

LONGEST_ASPECT = 4
"""Beyond this ratio of sides the network's input stops growing and the picture is squeezed into it."""


def network_size(height: int, width: int, *, fit: Fit, size: int, stride: int) -> tuple[int, int]:
    """Size of the network's input for a picture.

    Parameters
    ----------
    height, width
        Of the picture, in pixels.
    fit
        "stretch": a square (Zhang et al. 2016). "aspect": the short side is `size`, the long side follows.
    size
        Short side in pixels, a multiple of `stride`.
    stride
        The model's: both sides become multiples of it.

    Returns
    -------
    height, width
    """
    if fit == "stretch":
        return size, size
    ratio = min(max(height, width) / min(height, width), LONGEST_ASPECT)
    long_side = max(size, round(size * ratio / stride) * stride)
    return (long_side, size) if height > width else (size, long_side)


class _Row(NamedTuple):
    """What goes into a row of the result: from which source row on, and the shares of that one and of those after."""

    begin: int
    shares: Floats


@lru_cache(maxsize=8)  # pictures of a folder tend to be of one size
def _rows(source: int, target: int) -> tuple[_Row, ...]:
    return tuple(_row(source, target, row) for row in range(target))


def _row(source: int, target: int, row: int) -> _Row:
    if source < target:
        position = min(max((row + 0.5) * source / target - 0.5, 0), source - 1)
        above = int(position)
        return _Row(above, np.array([1 - (position - above), position - above], np.float32))
    begin, end = row * source / target, (row + 1) * source / target
    pixel = np.arange(int(begin), math.ceil(end))
    covered = np.minimum(end, pixel + 1) - np.maximum(begin, pixel)
    return _Row(int(begin), (covered * (target / source)).astype(np.float32))


def fitted(pixels: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """A picture reduced to a longest side by averaging; as it is where it is no larger.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, C).
    side
        In pixels.

    Returns
    -------
    ndarray, (h, w) or (h, w, C) of its dtype
    """
    height, width = pixels.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    return small.reshape(size[1], size[0], *pixels.shape[2:])


@dataclass(frozen=True)
class Part:
    """What a strip contributes to a smaller picture: (n, w) float32, to be added to its rows `top` onwards."""

    top: int
    rows: Floats


class Shrinker:
    """Area resampling of a picture that comes in strips.

    Threads may shrink strips side by side; the parts, added up in a fixed order, always give the same sums.

    Parameters
    ----------
    source, target
        Height and width of the picture and of the result, in pixels.
    """

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        self._height, self._width = source
        self._result = np.zeros(target, np.float32)

    def shrink(self, top: int, strip: Floats) -> Part:
        """The part of rows `top` onwards: (rows, W) float32."""
        # The direction that leaves less to do for the other one comes first.
        if self._height >= len(self._result):
            first, rows = self._mix_rows(top, strip)
            return Part(first, self._resize_columns(rows))
        return Part(*self._mix_rows(top, self._resize_columns(strip)))

    def add(self, part: Part) -> None:
        """Take in a part; each once."""
        self._result[part.top : part.top + len(part.rows)] += part.rows

    def result(self) -> Floats:
        """The picture at its target size, once all parts are in."""
        return self._result

    def _mix_rows(self, top: int, strip: Floats) -> tuple[int, Floats]:
        source, target = self._height, len(self._result)
        bottom = top + len(strip)
        # A row between two others belongs to both, where the picture is enlarged.
        reach = int(source < target)
        first = max(math.floor((top - reach) * target / source) - reach, 0)
        last = min(math.ceil((bottom + reach) * target / source) + reach, target)
        rows = np.zeros((last - first, strip.shape[1]), np.float32)
        for (begin, shares), mixed in zip(_rows(source, target)[first:last], rows, strict=True):
            low, high = max(begin, top), min(begin + len(shares), bottom)
            if low < high:
                np.einsum("r,rw->w", shares[low - begin : high - begin], strip[low - top : high - top], out=mixed)
        return first, rows

    def _resize_columns(self, rows: Floats) -> Floats:
        width = self._result.shape[1]
        how = cv2.INTER_AREA if self._width >= width else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(rows, (width, len(rows)), interpolation=how), np.float32).reshape(-1, width)
