"""Hints as networks see them that take them as inputs: a, b, and a mask that is 1 where they hold.

Zhang et al. 2017 train with blocks of 1 to 9 pixels a side, of the colour's mean, on pictures of 256 x 256, and their
program places blocks of 7. A point is such a block here; a stroke is as wide, and a region is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from colorizer.guidance.finish import away
from colorizer.guidance.placing import Placed
from colorizer.guidance.scene import enlarged

Floats = npt.NDArray[np.float32]

BLOCK = 7 / 256
"""Width of a block, as a share of the network's input's longer side."""


def hint_planes(items: Sequence[Placed], full: tuple[int, int], size: tuple[int, int], unguided: Floats) -> Floats:
    """Planes for a network's input; where hints overlap, they have the mean.

    Parameters
    ----------
    items
        The hints.
    full, size
        Height and width of the picture, and of the input.
    unguided
        (h, w, 2) float32, what the network says without hints, at any size: those that say `keep` want it.

    Returns
    -------
    ndarray, (1, 3, height, width) float32
        a and b in CIE Lab units, and 1; 0 elsewhere.
    """
    height, width = size
    scale = np.array([width / full[1], height / full[0]])
    half = max(BLOCK * max(size) / 2, 0.5)
    own = enlarged(unguided, size)
    total, count = np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.float32)
    for item in items:
        points = (item.points + 0.5) * scale - 0.5
        if item.hint.shape == "point":
            # a block's middle is a pixel's: it has as many of them wherever it lies
            x, y = np.clip(np.rint(points[0]), 0, [width - 1, height - 1])
            rows, columns = (np.abs(np.arange(side) - at) <= half for side, at in ((height, y), (width, x)))
            within = rows[:, None] & columns[None]
        else:
            reach = 0.0 if item.hint.shape == "region" else half
            within = away(replace(item, points=points), 0, height, 0, width) <= reach
        keep = item.hint.meaning == "keep"
        total[within] += own[within] if keep else np.asarray(item.hint.target, np.float32)
        count += within
    planes = np.zeros((1, 3, height, width), np.float32)
    held = count > 0
    planes[0, :2, held] = total[held] / count[held][:, None]
    planes[0, 2] = held
    return planes
