"""From the network's ab, at a quarter of its input, to the full size of the picture, strip by strip."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


class Upsampler:
    """Enlarges ab bilinearly between pixel centres, some rows at a time.

    Rows are the same whichever way the picture is cut into strips.

    Parameters
    ----------
    ab
        (h, w, 2) float32, CIE Lab units.
    height, width
        Full size, in pixels.
    """

    def __init__(self, ab: Floats, height: int, width: int) -> None:
        # a and b lie in planes of their own, as those who compute with them want it
        grid = np.moveaxis(ab, -1, 0)
        self._height = height
        self._wide = _interpolated(grid, *_positions(ab.shape[1], width, 0, width), axis=2)

    def rows(self, top: int, bottom: int) -> Floats:
        """Rows `top` to `bottom`, bottom excluded: (bottom - top, W, 2) float32."""
        above, share = _positions(self._wide.shape[1], self._height, top, bottom)
        return np.moveaxis(_interpolated(self._wide, above, share[:, None], axis=1), 0, -1)


def _positions(size: int, full: int, first: int, last: int) -> tuple[Indices, Floats]:
    """Where pixels of the enlarged axis lie in the small one: the pixel before, and the share of the one after it."""
    position = np.clip((np.arange(first, last) + 0.5) * (size / full) - 0.5, 0, size - 1)
    before = position.astype(np.intp)
    return before, (position - before).astype(np.float32)


def _interpolated(planes: Floats, before: Indices, share: Floats, axis: int) -> Floats:
    result: Floats = np.take(planes, np.minimum(before + 1, planes.shape[axis] - 1), axis)
    nearer = np.take(planes, before, axis)
    result -= nearer
    result *= share
    result += nearer
    return result
