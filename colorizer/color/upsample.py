"""From the network's ab, at a quarter of its input, to the full size of the picture, strip by strip."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


class Upsampler:
    """Enlarges ab, or maps of more channels, bilinearly between pixel centres, some rows at a time.

    Rows are the same whichever way the picture is cut into strips.

    Parameters
    ----------
    ab
        (h, w, C) float32, of two channels in CIE Lab units or of any others.
    height, width
        Full size, in pixels.
    """

    def __init__(self, ab: Floats, height: int, width: int) -> None:
        # a and b lie in planes of their own, as those who compute with them want it
        grid = np.moveaxis(ab, -1, 0)
        self._height = height
        before, share = _positions(ab.shape[1], width, 0, width)
        after = np.minimum(before + 1, ab.shape[1] - 1)
        self._wide = np.take(grid, before, 2) + share * (np.take(grid, after, 2) - np.take(grid, before, 2))
        self._down = np.diff(self._wide, axis=1, append=self._wide[:, -1:])

    def rows(self, top: int, bottom: int) -> Floats:
        """Rows `top` to `bottom`, bottom excluded: (bottom - top, W, C) float32."""
        above, share = _positions(self._wide.shape[1], self._height, top, bottom)
        result = np.empty((len(self._wide), bottom - top, self._wide.shape[2]), np.float32)
        # between two rows of the grid lie many that mix them
        for row in range(above[0], above[-1] + 1):
            first, last = np.searchsorted(above, (row, row + 1))
            mixed = result[:, first:last]
            np.multiply(share[first:last, None], self._down[:, row, None], out=mixed)
            mixed += self._wide[:, row, None]
        return np.moveaxis(result, 0, -1)


def _positions(size: int, full: int, first: int, last: int) -> tuple[Indices, Floats]:
    """Where pixels of the enlarged axis lie in the small one: the pixel before, and the share of the one after it."""
    position = np.clip((np.arange(first, last) + 0.5) * (size / full) - 0.5, 0, size - 1)
    before = position.astype(np.intp)
    return before, (position - before).astype(np.float32)
