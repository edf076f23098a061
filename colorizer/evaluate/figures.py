"""What the tables show: each figure, how it is made of the sums over a set, what it means, which way is better.

`colorizer.metrics` defines what is computed of one picture and warns of the pitfalls; here stands what becomes of a
set. Shares and AuC are given in percent, as papers print them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
import numpy.typing as npt

from colorizer.evaluate.bootstrap import ClassAreas, Means, interval
from colorizer.evaluate.faces import LARGE, FaceSums
from colorizer.evaluate.measure import Measurement, Scores
from colorizer.metrics import inverse_prior_weights, smoothed_prior

Doubles = npt.NDArray[np.float64]

SCORE_NAMES = tuple(item.name for item in fields(Scores))

PERCENT = 100.0


class Sums:
    """All that a candidate's figures are made of, for the set and for each resampled set.

    Parameters
    ----------
    resamples
        Number of resampled sets.
    """

    def __init__(self, resamples: int) -> None:
        self._means = Means(resamples, len(SCORE_NAMES))
        self._areas = ClassAreas(resamples)
        self._classes = np.zeros(0, np.int64)
        self.faces = FaceSums()

    def add(self, weights: Doubles, measurement: Measurement) -> None:
        """Take in a picture with its weight in each set (`Weights.next`)."""
        self._means.add(weights, np.array(astuple(measurement.scores)))
        self._areas.add(weights, measurement.errors)
        self.faces.add(weights, measurement.faces)
        counts = measurement.errors.sum(axis=1)
        self._classes = counts + self._classes if self._classes.size else counts

    def mean(self, name: str) -> Doubles:
        """Mean of a score over the pictures, (1 + resamples,)."""
        return np.asarray(self._means.means()[:, SCORE_NAMES.index(name)])

    def auc_raw(self) -> Doubles:
        """AuC with the same weight for each pixel."""
        return self._areas.raw()

    def auc_equal_bins(self) -> Doubles:
        """AuC with the same weight for each class of true colour."""
        return self._areas.equal_bins()

    def auc_inverse_prior(self) -> Doubles:
        """AuC with the paper's weights; the prior is the set's own, smoothed, and stays when it is resampled."""
        weights = inverse_prior_weights(smoothed_prior(self._classes))
        return self._areas.weighted(np.where(np.isfinite(weights), weights, 0))


@dataclass(frozen=True)
class Figure:
    """A row of the table.

    Attributes
    ----------
    key
        As programs call it.
    title
        As people do, with the unit.
    digits
        Behind the point.
    better
        Which way, in a word.
    compute
        From a candidate's sums, (1 + resamples,).
    definition
        What it is, in a sentence.
    original
        The same of the original pictures, where they have it.
    """

    key: str
    title: str
    digits: int
    better: str
    compute: Callable[[Sums], Doubles]
    definition: str
    original: Callable[[Sums], Doubles] | None = None

    def shown(self, value: float) -> str:
        """A value with its digits."""
        return f"{value:.{self.digits}f}"


@dataclass(frozen=True)
class Value:
    """A figure of a set, and the 95 % bootstrap interval, where there are pictures enough.

    The value is `math.nan` where there is none: leaving it grey has no hue, and bleeds nowhere. `ahead` tells
    whether it is better than that of every baseline, in each of the 95 % intervals of the difference.
    """

    value: float
    low: float | None = None
    high: float | None = None
    ahead: bool = False


def value_of(values: Doubles, pictures: int, *, ahead: bool = False) -> Value:
    """The set's own value and its interval, of (1 + resamples,)."""
    low, high = interval(values, pictures) or (None, None)
    # always the same NaN, so that equal results are equal
    return Value(math.nan if np.isnan(values[0]) else float(values[0]), low, high, ahead)


def _mean(name: str, factor: float = 1.0) -> Callable[[Sums], Doubles]:
    return lambda sums: sums.mean(name) * factor


def _root(name: str) -> Callable[[Sums], Doubles]:
    return lambda sums: np.sqrt(sums.mean(name))


def _chroma_ratio(sums: Sums) -> Doubles:
    return sums.mean("mean_chroma") / sums.mean("true_mean_chroma")


def _delta_colorfulness(sums: Sums) -> Doubles:
    return np.abs(sums.mean("absolute_colorfulness") - sums.mean("true_absolute_colorfulness"))


FIGURES = (
    Figure(
        "auc_raw",
        "AuC raw, %",
        2,
        "higher",
        lambda sums: sums.auc_raw() * PERCENT,
        "Area under the share of pixels whose ab lies within t of the truth, t = 0..150; every pixel weighs the same "
        "(Zhang et al. 2016).",
    ),
    Figure(
        "auc_equal_bins",
        "AuC equal bins, %",
        2,
        "higher",
        lambda sums: sums.auc_equal_bins() * PERCENT,
        "The same, every one of the 313 classes of true colour that occurs weighing the same: the grey majority no "
        "longer decides. Resampled sets lack some rare classes, so that its interval leans to higher values.",
    ),
    Figure(
        "auc_inverse_prior",
        "AuC rebalanced, %",
        2,
        "higher",
        lambda sums: sums.auc_inverse_prior() * PERCENT,
        "The same, pixels weighed by 1 / prior of their class as in the paper's rebalanced figure; but the prior is "
        "this set's, smoothed, and not ImageNet's.",
    ),
    Figure(
        "accuracy_10",
        "ab within 10, %",
        1,
        "higher",
        _mean("accuracy", PERCENT),
        "Share of pixels whose ab lies within 10 of the truth; mean over the pictures.",
    ),
    Figure(
        "ab_rmse",
        "ab RMSE",
        2,
        "lower",
        _root("ab_mse"),
        "Root of the mean squared error over a and b, CIE Lab units; the mean over pictures is taken before the root.",
    ),
    Figure("ab_mae", "ab MAE", 2, "lower", _mean("ab_mae"), "Mean absolute error over a and b, CIE Lab units."),
    Figure(
        "ciede2000",
        "CIEDE2000",
        2,
        "lower",
        _mean("ciede2000"),
        "Colour difference as an eye sees it (Sharma et al. 2005); mean over the pixels, then over the pictures.",
    ),
    Figure(
        "psnr",
        "PSNR, dB",
        2,
        "higher",
        _mean("psnr"),
        "Of RGB; mean of the pictures' values. Never alone: a bold wrong colour costs more than none.",
    ),
    Figure(
        "ssim",
        "SSIM",
        4,
        "higher",
        _mean("ssim"),
        "Of RGB, Gaussian window of sigma 1.5 (Wang et al. 2004). Hardly sees a wrong hue.",
    ),
    Figure("rgb_mse", "RGB MSE", 5, "lower", _mean("rgb_mse"), "Mean squared error of RGB in 0..1."),
    Figure(
        "rgb_rmse",
        "RGB RMSE",
        4,
        "lower",
        _root("rgb_mse"),
        "Its root; the mean over pictures is taken before the root.",
    ),
    Figure("rgb_mae", "RGB MAE", 4, "lower", _mean("rgb_mae"), "Mean absolute error of RGB in 0..1."),
    Figure(
        "absolute_colorfulness",
        "CF (DDColor)",
        2,
        "original's",
        _mean("absolute_colorfulness"),
        "Colourfulness as DDColor computes it, of absolute opponents; mean over the pictures. How much colour, not "
        "whether it is right.",
        _mean("true_absolute_colorfulness"),
    ),
    Figure(
        "delta_colorfulness",
        "delta CF (DDColor)",
        2,
        "lower",
        _delta_colorfulness,
        "How far the mean CF is from the originals'.",
    ),
    Figure(
        "colorfulness",
        "CF (Hasler)",
        2,
        "original's",
        _mean("colorfulness"),
        "Colourfulness after Hasler and Suesstrunk 2003; mean over the pictures. Not DDColor's.",
        _mean("true_colorfulness"),
    ),
    Figure(
        "chroma_ratio",
        "chroma ratio",
        3,
        "1",
        _chroma_ratio,
        "Mean chroma of the results / of the originals: below 1 faded, above 1 gaudy.",
    ),
    Figure(
        "edge_error_near",
        "ab error near edges",
        2,
        "lower",
        _mean("edge_error_near"),
        "Mean ab distance within 5 pixels of a chroma edge of the original: what bleeding costs.",
    ),
    Figure(
        "edge_error_elsewhere",
        "ab error elsewhere",
        2,
        "lower",
        _mean("edge_error_elsewhere"),
        "Mean ab distance of the other pixels.",
    ),
    Figure(
        "aura_error",
        "ab error beside edges",
        2,
        "lower",
        _mean("aura_error"),
        "Mean ab distance in the band 2 to 12 pixels beside strong edges of lightness: where auras are.",
    ),
    Figure(
        "bleeding",
        "bleeding, % of side",
        2,
        "lower",
        _mean("bleeding", PERCENT),
        "How far the colour across a strong edge of lightness reaches into a side that is of one colour in the "
        "original, until a tenth of it is left; in percent of the picture's short side. Mean over the pictures that "
        "have such sides, and in whose results the two sides differ.",
        _mean("true_bleeding", PERCENT),
    ),
    Figure(
        "lightness_mean",
        "L deviation",
        3,
        "lower",
        _mean("lightness_mean"),
        "Mean absolute difference of L, 0..100; what rounding to the pictures' depth costs, if all is well.",
    ),
    Figure(
        "lightness_maximum",
        "L deviation, largest",
        3,
        "lower",
        _mean("lightness_maximum"),
        "Largest difference of L in each picture; mean over the pictures.",
    ),
)


def _faces(large: bool) -> tuple[Figure, ...]:
    size = "large" if large else "small"
    which = f"Of faces whose box is {LARGE:g} of the picture's short side {'or more' if large else 'at most'}: "
    return (
        Figure(
            f"face_chroma_ratio_{size}",
            f"{size} faces: chroma ratio",
            2,
            "1",
            lambda sums: sums.faces.chroma_ratio(large=large),
            f"{which}mean chroma of the skin / of the original's; median over the faces.",
        ),
        Figure(
            f"face_faded_{size}",
            f"{size} faces: faded, %",
            1,
            "lower",
            lambda sums: sums.faces.faded(large=large) * PERCENT,
            f"{which}share whose skin has less than half the original's chroma.",
        ),
        Figure(
            f"face_hue_error_{size}",
            f"{size} faces: hue error, degrees",
            1,
            "lower",
            lambda sums: sums.faces.hue_error(large=large),
            f"{which}angle between the skin's mean colour and the original's; median over the faces that have a hue.",
        ),
        Figure(
            f"face_ab_error_{size}",
            f"{size} faces: ab error",
            2,
            "lower",
            lambda sums: sums.faces.ab_error(large=large),
            f"{which}mean ab distance of the skin; mean over the faces.",
        ),
    )


FACE_FIGURES = (*_faces(large=False), *_faces(large=True))
"""What is measured besides, where faces are named."""


def figures_of(
    sums: Sums, baselines: Sequence[Sums], pictures: int, figures: Sequence[Figure] = FIGURES
) -> tuple[Value, ...]:
    """The values of figures, and whether they are ahead of those of the baselines that have any."""
    found = []
    for figure in figures:
        values = figure.compute(sums)
        others = [each for each in (figure.compute(baseline) for baseline in baselines) if not np.isnan(each[0])]
        gains = [_gain(figure, values, other) for other in others]
        spreads = [interval(gain, pictures) for gain in gains if gain is not None]
        ahead = bool(spreads) and all(spread is not None and spread[0] > 0 for spread in spreads)
        found.append(value_of(values, pictures, ahead=ahead))
    return tuple(found)


def _gain(figure: Figure, values: Doubles, baseline: Doubles) -> Doubles | None:
    """By how much better, for the set and each resampled set: the same pictures for both, so that luck cancels out."""
    if figure.better not in ("higher", "lower"):
        return None
    return values - baseline if figure.better == "higher" else baseline - values


def figures_of_originals(sums: Sums, pictures: int, figures: Sequence[Figure] = FIGURES) -> tuple[Value | None, ...]:
    """The originals' own values, where they have any."""
    return tuple(None if f.original is None else value_of(f.original(sums), pictures) for f in figures)
