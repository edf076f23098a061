"""How far predicted ab lies from the truth over a whole set of pictures: AuC of the cumulative error.

Knows ab planes in CIE Lab units and nothing of pixels, files or networks. The errors are gathered in one table of fixed
size, by class of the true colour, so that a set may be of any length, every weighting can be computed afterwards, and
the tables of two halves add up to the table of the whole.

Source: Zhang, Isola and Efros 2016, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError
from colorizer.metrics.classes import (
    Counts,
    Doubles,
    Plane,
    Weighting,
    check_ab,
    in_strips,
    inverse_prior_weights,
    nearest_bin,
    smoothed_prior,
)
from colorizer.networks.zhang.contract import BIN_COUNT

LAST_THRESHOLD = 150
"""The paper sweeps the threshold from 0 to 150, here in steps of 1."""

ERROR_ROUNDING = 1e-4
"""An error this far beyond a threshold counts as within it: float32 planes carry about 1e-5 of rounding."""

# one column per threshold, and one for the errors beyond the last
_COLUMNS = LAST_THRESHOLD + 2


def area_under(curve: Doubles) -> float:
    """Area under a curve over the thresholds 0, 1, ..., 150, by the trapezoid rule, divided by 150: 0..1."""
    return float((curve.sum() - (curve[0] + curve[-1]) / 2) / LAST_THRESHOLD)


@dataclass(frozen=True)
class AbAccuracy:
    """What `CumulativeAbError` found over a set of pictures; it defines the weightings."""

    pixels: int
    occupied_bins: int  # classes of true colour that occur, of 313
    auc_raw: float  # 0..1
    auc_equal_bins: float  # 0..1
    auc_inverse_prior: float  # 0..1


class CumulativeAbError:
    """AuC of the cumulative ab error over any number of pictures, in constant memory.

    Definition
        The curve: share of pixels whose predicted ab lies within a Euclidean distance t of the true ab, t = 0, 1, ...,
        150. AuC: the area under it by the trapezoid rule, divided by 150. Three weightings of the pixels, by the class
        (`nearest_bin`) of their *true* colour; acc_q(t) is the share within t among the n_q pixels of class q:

        `raw`
            every pixel weighs the same: sum n_q acc_q / sum n_q.
        `equal_bins`
            every class that occurs in the set weighs the same: the mean of acc_q over the classes with n_q > 0.
        `inverse_prior`
            the paper's: sum n_q w_q acc_q / sum n_q w_q with w_q = 1 / prior_q (`inverse_prior_weights`). The prior is
            the caller's (the paper's is ImageNet's), or else that of the set, `smoothed_prior` of n_q.
            With the set's own prior unsmoothed this would be `equal_bins`.
    Range
        0..1, higher is better; 1 only for ab equal everywhere. Papers print it in percent.
    Colour space
        ab of CIE Lab, D65.
    Source
        Zhang, Isola and Efros 2016, section 3.1.
    Pitfalls
        Grey scores 0.8 to 0.9 raw, since most of the world is nearly grey: compare with grey and with
        `best_constant_tint`, and read the rebalanced figure. `equal_bins` gives a class of three noisy pixels the
        weight of the sky; take many pictures. Rebalanced AuC is one figure of the set and not a mean over pictures.
        The size at which ab is compared (native, 256, 56) and the picture's encoding (JPEG's chroma at half size) move
        it; state them. Rebalanced figures of two sets do not compare unless the prior is the same. A curve in steps of
        1 with the trapezoid rule counts an error e as ceil(e) - 1/2: right on average, off by up to 0.0033 for a
        constant error, as a flat tint on a flat picture has.

    Attributes
    ----------
    counts
        (313, 152) int64: pixels by class of the true colour (row) and by the least whole threshold that admits the
        error (column; the last holds the errors beyond 150). Tables of several pictures add up, also weighted, as a
        bootstrap over pictures needs it.
    """

    def __init__(self, counts: npt.NDArray[np.integer[Any]] | None = None) -> None:
        """Start empty, or from a table of counts (copied).

        Raises
        ------
        InputError
            The table is not (313, 152).
        """
        if counts is not None and counts.shape != (BIN_COUNT, _COLUMNS):
            raise InputError(f"a table of ab errors is {BIN_COUNT} x {_COLUMNS}, not of shape {counts.shape}")
        self.counts: Counts = np.zeros((BIN_COUNT, _COLUMNS), np.int64) if counts is None else counts.astype(np.int64)

    def add(self, true_ab: Plane, predicted_ab: Plane) -> None:
        """Take in a picture, or any pixels.

        Parameters
        ----------
        true_ab, predicted_ab
            (..., 2) of one shape, CIE Lab units, any numeric dtype.

        Raises
        ------
        InputError
            Shapes differ, no pixels, or values that are not finite.
        """
        check_ab(true_ab, predicted_ab)
        for true, predicted in in_strips(true_ab, predicted_ab):
            difference = np.subtract(true, predicted, dtype=np.float64)
            error = np.hypot(difference[:, 0], difference[:, 1])
            column = np.clip(np.ceil(error - ERROR_ROUNDING), 0, _COLUMNS - 1).astype(np.intp)
            cell = nearest_bin(true).astype(np.intp) * _COLUMNS + column
            self.counts += np.bincount(cell, minlength=self.counts.size).reshape(self.counts.shape)

    def merge(self, other: CumulativeAbError) -> None:
        """Take in all that another one has seen."""
        self.counts += other.counts

    @property
    def bin_counts(self) -> Counts:
        """Pixels of each class of true colour, (313,) int64."""
        return np.asarray(self.counts.sum(axis=1))

    def _occupied(self) -> npt.NDArray[np.bool_]:
        occupied: npt.NDArray[np.bool_] = self.bin_counts > 0
        if not occupied.any():
            raise InputError("there are no pixels to measure; add a picture first")
        return occupied

    def _curve(self, weights: Doubles) -> Doubles:
        """Share of the weight within each threshold; `weights` are those of a pixel, by class."""
        occupied = self._occupied()
        within = np.cumsum((weights[occupied, None] * self.counts[occupied]).sum(axis=0))
        curve: Doubles = within[: LAST_THRESHOLD + 1] / within[-1]
        return curve

    def curve(self, weighting: Weighting = "raw") -> Doubles:
        """Share of pixels within each threshold 0..150, (151,) float64.

        Raises
        ------
        InputError
            Nothing was added.
        """
        if weighting == "raw":
            return self._curve(np.ones(BIN_COUNT))
        return self._curve(1 / np.maximum(self.bin_counts, 1))

    def inverse_prior_curve(self, prior: npt.NDArray[Any] | None = None, uniform_share: float = 0.0) -> Doubles:
        """Share of pixels within each threshold 0..150, each weighed by 1 / prior, (151,) float64.

        Parameters
        ----------
        prior, uniform_share
            As in `inverse_prior_weights`; without a prior that of the set, smoothed.

        Raises
        ------
        InputError
            Nothing was added; or the set shows a class that the prior holds to be impossible.
        """
        occupied = self._occupied()
        weights = inverse_prior_weights(smoothed_prior(self.bin_counts) if prior is None else prior, uniform_share)
        if np.isinf(weights[occupied]).any():
            raise InputError("the prior gives 0 to a colour class that occurs; smooth it, or set uniform_share above 0")
        return self._curve(weights)

    def result(self, prior: npt.NDArray[Any] | None = None, uniform_share: float = 0.0) -> AbAccuracy:
        """AuC in the three weightings.

        Parameters
        ----------
        prior, uniform_share
            For `auc_inverse_prior`; as in `inverse_prior_curve`.

        Raises
        ------
        InputError
            Nothing was added; or the prior does not fit.
        """
        return AbAccuracy(
            pixels=int(self.counts.sum()),
            occupied_bins=int(np.count_nonzero(self.bin_counts)),
            auc_raw=area_under(self.curve("raw")),
            auc_equal_bins=area_under(self.curve("equal_bins")),
            auc_inverse_prior=area_under(self.inverse_prior_curve(prior, uniform_share)),
        )
