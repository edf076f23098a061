"""How far places are from others along the picture, where each step has a price.

Raster scans, back and forth (Rosenfeld and Pfaltz 1966, with prices): in each row a walk along it is a running minimum,
and a step from the row before is one addition. Columns, and all starting places, are computed side by side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

FAR = np.float32(1e4)
"""The distance of what no walk has reached yet."""

_DIAGONAL = np.float32(np.sqrt(2) / 2)
"""A diagonal step costs the mean of the two ways around the corner, times the square root of 2."""

ROUNDS = 2
"""Down and up again, so many times: enough for all but labyrinths."""


def walked(down: Floats, right: Floats, starts: Indices, rounds: int = ROUNDS) -> Floats:
    """The length of the cheapest walk from each start to every place.

    Parameters
    ----------
    down
        (h - 1, w) price of a step to the row below.
    right
        (h, w - 1) price of a step to the column on the right.
    starts
        (n, 2) row and column.
    rounds
        How often rows are gone through down and up.

    Returns
    -------
    ndarray, (n, h, w) float32
    """
    height, width = len(right), down.shape[1]
    count = len(starts)
    # rows first, so that a row of all starts lies together
    distance = np.full((height, count, width), FAR, np.float32)
    distance[starts[:, 0], np.arange(count), starts[:, 1]] = 0
    toll = np.zeros((height, width), np.float32)
    np.cumsum(right, axis=1, out=toll[:, 1:])
    order = [(row, row - 1) for row in range(height)] + [(row, row + 1) for row in range(height - 1, -1, -1)]
    for _ in range(rounds):
        for row, before in order:
            here = distance[row]
            if 0 <= before < height:
                step, there = down[min(row, before)], distance[before]
                np.minimum(here, there + step, out=here)
                np.minimum(here[:, 1:], there[:, :-1] + _DIAGONAL * (step[1:] + right[row]), out=here[:, 1:])
                np.minimum(here[:, :-1], there[:, 1:] + _DIAGONAL * (step[:-1] + right[row]), out=here[:, :-1])
            rightwards = np.minimum.accumulate(here - toll[row], axis=1) + toll[row]
            leftwards = np.minimum.accumulate((here + toll[row])[:, ::-1], axis=1)[:, ::-1] - toll[row]
            np.minimum(rightwards, leftwards, out=distance[row])
    found: Floats = distance.transpose(1, 0, 2)
    return found
