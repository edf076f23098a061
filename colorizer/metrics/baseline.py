"""What a network must beat: the one tint that, laid over every picture of a set, earns the highest AuC.

The true colours of the set are gathered in a histogram of fixed size; the search needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colorizer.errors import InputError
from colorizer.metrics.auc import LAST_THRESHOLD
from colorizer.metrics.classes import (
    CELLS,
    FIRST_CELL,
    Counts,
    Plane,
    Weighting,
    cells,
    check_ab,
    class_of_cell,
    in_strips,
)
from colorizer.networks.zhang.contract import BIN_COUNT

# the search: a grid over the sRGB gamut, then ever finer steps around the best point, in Lab units
_LIMIT = 112
_FIRST_STEP = 16.0
_LAST_STEP = 0.125


class ColorHistogram:
    """The true colours of a set of pictures: pixels in each 1 x 1 cell of the ab plane.

    Attributes
    ----------
    counts
        (256, 256) int64: rows a, columns b; cell i spans [i - 128, i - 127) Lab units, and colours outside -128..128
        count in the outermost cells. Tables add up.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.counts: Counts = np.zeros((CELLS, CELLS), np.int64)

    def add(self, true_ab: Plane) -> None:
        """Take in the true ab of a picture: (..., 2), CIE Lab units.

        Raises
        ------
        InputError
            No ab plane, no pixels, or values that are not finite.
        """
        check_ab(true_ab)
        for (true,) in in_strips(true_ab):
            row, column = cells(true)
            self.counts += np.bincount(row * CELLS + column, minlength=CELLS**2).reshape(CELLS, CELLS)

    def merge(self, other: ColorHistogram) -> None:
        """Take in all that another one has seen."""
        self.counts += other.counts

    @property
    def bin_counts(self) -> Counts:
        """Pixels of each of the 313 classes, (313,) int64."""
        counts = np.zeros(BIN_COUNT, np.int64)
        np.add.at(counts, class_of_cell(), self.counts)
        return counts


@dataclass(frozen=True)
class ConstantTint:
    """One ab for every pixel, and the AuC it earns on the set it was chosen for."""

    a: float  # CIE Lab units
    b: float
    auc: float  # 0..1, from cells of side 1: within 0.008 of `CumulativeAbError`, which measures it exactly


def best_constant_tint(histogram: ColorHistogram, weighting: Weighting = "raw") -> ConstantTint:
    """The constant ab that maximises AuC over a set.

    While no error exceeds 150, AuC is 1 - (mean error) / 150, so the best tint is the geometric median of the true
    colours: a concave problem with one summit, found on a grid over the gamut and then by ever finer steps.

    Parameters
    ----------
    histogram
        The true colours of the set.
    weighting
        `raw` or `equal_bins`, as in `CumulativeAbError`. Each has its own best tint.

    Raises
    ------
    InputError
        The histogram is empty.

    Notes
    -----
    The tint is fitted to the very pictures it is measured on, which flatters it a little: no tint does better, and that
    is the point of the baseline.
    """
    rows, columns = np.nonzero(histogram.counts)
    if rows.size == 0:
        raise InputError("there are no pixels to measure; add a picture first")
    a, b = rows + (FIRST_CELL + 0.5), columns + (FIRST_CELL + 0.5)
    weight = histogram.counts[rows, columns].astype(np.float64)
    if weighting == "equal_bins":
        weight /= histogram.bin_counts[class_of_cell()[rows, columns]]
    weight /= weight.sum()

    def auc(tint: tuple[float, float]) -> float:
        error = np.minimum(np.hypot(a - tint[0], b - tint[1]), LAST_THRESHOLD)
        return 1 - float((weight * error).sum()) / LAST_THRESHOLD

    grid = [float(value) for value in np.arange(-_LIMIT, _LIMIT + 1, _FIRST_STEP)]
    best_auc, best = max((auc((x, y)), (x, y)) for x in grid for y in grid)
    step = _FIRST_STEP / 2
    while step >= _LAST_STEP:
        around = [(best[0] + i * step, best[1] + j * step) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
        found_auc, found = max((auc(tint), tint) for tint in around)
        if found_auc > best_auc:
            best_auc, best = found_auc, found
        else:
            step /= 2
    return ConstantTint(a=best[0], b=best[1], auc=best_auc)
