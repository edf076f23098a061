"""Sums over a set of pictures, and how far they would differ for another set of the same kind.

The bootstrap (Efron 1979) draws sets of as many pictures from the one at hand, with replacement, and looks at the
spread of a figure over them. Drawn picture by picture, how often each appears is nearly Poisson distributed with mean 1
and independent of the others (Hanley and MacGibbon 2006), so that all resampled sets are summed up in one pass: here in
rows, of which the first is the set itself, with weight 1 for each picture.

AuC needs no table of errors for each resampled set. The area under a curve is linear in the errors, so that of each
class of colour the number of pixels and their area suffice: 2 x 313 numbers for each, instead of 313 x 152.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.metrics.auc import LAST_THRESHOLD
from colorizer.networks.zhang.contract import BIN_COUNT

Doubles = npt.NDArray[np.float64]

RESAMPLES = 1000
"""Resampled sets: 2.5 % and 97.5 % then have 25 of them outside, and AuC takes 5 MB a candidate."""

_SEED = 2016
_LEVELS = (2.5, 97.5)

FEWEST_PICTURES = 2


class Weights:
    """How often each picture appears in the set itself and in each resampled set; the same for every run.

    Parameters
    ----------
    resamples
        Number of resampled sets.
    """

    def __init__(self, resamples: int) -> None:
        self._random = np.random.default_rng(_SEED)
        self._resamples = resamples

    def next(self) -> Doubles:
        """Weights of the next picture, (1 + resamples,)."""
        return np.concatenate([[1.0], self._random.poisson(1.0, self._resamples)])


class Means:
    """Weighted means of several values over pictures, (1 + resamples, values); NaN values are left out."""

    def __init__(self, resamples: int, values: int) -> None:
        self._sums = np.zeros((1 + resamples, values))
        self._weights = np.zeros((1 + resamples, values))

    def add(self, weights: Doubles, values: Doubles) -> None:
        """Take in a picture's values."""
        known = ~np.isnan(values)
        # a picture of weight 0 takes no part, even with an infinite value
        taken = (weights[:, None] > 0) & known
        with np.errstate(invalid="ignore"):
            self._sums += np.where(taken, weights[:, None] * np.where(known, values, 0), 0)
        self._weights += np.where(taken, weights[:, None], 0)

    def means(self) -> Doubles:
        """The means, (1 + resamples, values); NaN where there are no values."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self._sums / self._weights)


def column_areas() -> Doubles:
    """What an error in each column of a table of `CumulativeAbError` adds to the area under the curve, (152,), 0..1.

    An error that threshold c is the first to admit lets the curve rise at c: by the trapezoid rule that leaves an area
    of (150 - c + 1/2) / 150; all of it at 0, where nothing lies before, and none beyond the last threshold.
    """
    columns = np.arange(LAST_THRESHOLD + 2)
    areas = (LAST_THRESHOLD - columns + 0.5) / LAST_THRESHOLD
    areas[0], areas[-1] = 1, 0
    return areas


class ClassAreas:
    """Pixels and area under their curve, of each class of true colour: all that AuC needs, in any weighting."""

    def __init__(self, resamples: int) -> None:
        self._pixels = np.zeros((1 + resamples, BIN_COUNT))
        self._areas = np.zeros((1 + resamples, BIN_COUNT))
        self._of_column = column_areas()

    def add(self, weights: Doubles, errors: npt.NDArray[np.integer[Any]]) -> None:
        """Take in a picture's table of errors, (313, 152)."""
        pixels = errors.sum(axis=1)
        (classes,) = np.nonzero(pixels)
        self._pixels[:, classes] += weights[:, None] * pixels[classes]
        self._areas[:, classes] += weights[:, None] * (errors[classes] @ self._of_column)

    def raw(self) -> Doubles:
        """AuC with the same weight for each pixel, (1 + resamples,)."""
        return self.weighted(np.ones(BIN_COUNT))

    def equal_bins(self) -> Doubles:
        """AuC with the same weight for each class that occurs in the set, or in the resampled set."""
        occurs = self._pixels > 0
        shares = np.divide(self._areas, self._pixels, out=np.zeros_like(self._areas), where=occurs)
        with np.errstate(invalid="ignore"):
            return np.asarray(shares.sum(axis=1) / occurs.sum(axis=1))

    def weighted(self, by_class: Doubles) -> Doubles:
        """AuC with a weight for each pixel by its class, (313,)."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self._areas @ by_class) / (self._pixels @ by_class))


def interval(values: Doubles, pictures: int) -> tuple[float, float] | None:
    """The middle 95 % of the resampled sets' values (percentile method); None for too few pictures to tell.

    Parameters
    ----------
    values
        (1 + resamples,), the set's own first.
    pictures
        How many there were.
    """
    resampled = values[1:][np.isfinite(values[1:])]
    if pictures < FEWEST_PICTURES or not resampled.size:
        return None
    low, high = np.percentile(resampled, _LEVELS)
    return float(low), float(high)
