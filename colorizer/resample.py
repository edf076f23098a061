"""From full-size lightness to what the network sees: which size, and how to get there.

The network was trained on pictures shrunk by averaging. Area resampling is that average, exact for any ratio; it is
separable, so a picture can be fed strip by strip and never needs to be whole. Where the network's input is larger than
the picture, pixels in between are interpolated linearly instead.
"""

from __future__ import annotations

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


def _row_weights(source: int, target: int, top: int, bottom: int) -> Floats:
    """(target, bottom - top) share of source rows in each target row; over all rows the shares sum to 1."""
    pixel = np.arange(top, bottom)
    if source < target:
        position = np.clip((np.arange(target) + 0.5) * (source / target) - 0.5, 0, source - 1)
        near: Floats = np.clip(1 - np.abs(position[:, None] - pixel), 0, None).astype(np.float32)
        return near
    edges = np.arange(target + 1) * (source / target)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    shares: Floats = (np.clip(covered, 0, None) * (target / source)).astype(np.float32)
    return shares


class Shrinker:
    """Area resampling of a picture that comes in strips.

    Parameters
    ----------
    source, target
        Height and width of the picture and of the result, in pixels.
    """

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        self._height = source[0]
        self._columns_by = cv2.INTER_AREA if source[1] >= target[1] else cv2.INTER_LINEAR
        self._result = np.zeros(target, np.float32)

    def add(self, top: int, strip: Floats) -> None:
        """Take in rows `top` onwards: (rows, W) float32. Each row is given once."""
        rows, columns = len(strip), self._result.shape[1]
        narrow = cv2.resize(strip, (columns, rows), interpolation=self._columns_by).reshape(rows, columns)
        self._result += _row_weights(self._height, len(self._result), top, top + rows) @ narrow

    def result(self) -> Floats:
        """The picture at its target size, once all strips are in."""
        return self._result
