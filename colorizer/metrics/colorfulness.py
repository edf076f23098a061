"""How much colour a picture has, and how much of the original's a colorization reaches.

None of these asks whether the colours are right: they stand beside an error, and tell faded results from bold ones.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.strips import strips
from colorizer.errors import InputError
from colorizer.metrics.classes import Plane, check_ab, in_strips
from colorizer.metrics.pictures import check_rgb, unit_range

Pixels = npt.NDArray[Any]

EIGHT_BIT = 255.0

MEAN_WEIGHT = 0.3
"""Weight of the mean beside the spread (Hasler and Suesstrunk 2003, M3; fitted to judgements by people)."""


def _spread_and_mean(pixels: Pixels, absolute: bool) -> float:
    """Spread of the opponents R - G and (R + G) / 2 - B in 0..255, plus their weighted mean."""
    check_rgb(pixels)
    total, squares = np.zeros(2), np.zeros(2)
    for rows in strips(*pixels.shape[:2]):
        red, green, blue = np.moveaxis(unit_range(pixels[rows]) * EIGHT_BIT, -1, 0)
        opponents = np.stack([red - green, (red + green) / 2 - blue])
        total += (np.abs(opponents) if absolute else opponents).sum(axis=(1, 2))
        squares += (opponents * opponents).sum(axis=(1, 2))
    count = pixels.shape[0] * pixels.shape[1]
    mean_squared = (total / count) ** 2
    spread = np.maximum(squares / count - mean_squared, 0)
    return math.sqrt(float(spread.sum())) + MEAN_WEIGHT * math.sqrt(float(mean_squared.sum()))


def colorfulness(pixels: Pixels) -> float:
    """Colourfulness after Hasler and Suesstrunk.

    Definition: with rg = R - G and yb = (R + G) / 2 - B: sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2).
    Range: 0 (grey) to about 300; photographs lie near 40; the authors call 15 slightly, 33 moderately, 45 averagely,
    59 quite, 82 highly and 109 extremely colourful. Colour space: sRGB code values in 0..255.
    Source: Hasler and Suesstrunk 2003, M3.
    Pitfalls: says how much colour, not whether it is right: noise and false rainbows score high. The figures of DDColor
    and of the papers that use its code are `absolute_colorfulness`.

    Parameters
    ----------
    pixels
        (H, W, 3) RGB; uint8, uint16, or float in 0..1.

    Raises
    ------
    InputError
        No RGB picture.
    """
    return _spread_and_mean(pixels, absolute=False)


def absolute_colorfulness(pixels: Pixels) -> float:
    """Colourfulness as DDColor computes it ("CF").

    Definition: `colorfulness` with the absolute opponents |R - G| and |(R + G) / 2 - B|. Range, colour space: as there.
    Source: DDColor (Kang et al. 2023), its code (basicsr/metrics/colorfulness.py).
    Pitfalls: never mixed with `colorfulness`. The absolute values move spread into the mean, which weighs 0.3: a
    picture half red and half green loses most of its score; one of a single hue keeps it.

    Parameters
    ----------
    pixels
        As in `colorfulness`.

    Raises
    ------
    InputError
        No RGB picture.
    """
    return _spread_and_mean(pixels, absolute=True)


def delta_colorfulness(true_scores: npt.ArrayLike, predicted_scores: npt.ArrayLike) -> float:
    """How far the colourfulness of a set of results is from that of the originals.

    Definition: |mean of the results' scores - mean of the originals'|. Range: 0..inf, lower is better.
    Colour space: that of the scores. Source: DDColor (Kang et al. 2023), table 1, where the scores are
    `absolute_colorfulness`.
    Pitfalls: a difference of means, not a mean of differences: too bold here and too pale there cancel, and 0 says
    nothing about any one picture.

    Parameters
    ----------
    true_scores, predicted_scores
        Colourfulness of each picture, of one kind; also two plain numbers.

    Raises
    ------
    InputError
        No scores.
    """
    true, predicted = np.asarray(true_scores, np.float64), np.asarray(predicted_scores, np.float64)
    if not true.size or not predicted.size:
        raise InputError("there are no colourfulness scores to compare; measure a picture first")
    return abs(float(predicted.mean()) - float(true.mean()))


def mean_chroma(ab: Plane) -> float:
    """Mean over the pixels of sqrt(a^2 + b^2), CIE Lab units.

    Raises
    ------
    InputError
        No ab plane, no pixels, or values that are not finite.
    """
    check_ab(ab)
    chroma = (np.hypot(strip[:, 0], strip[:, 1], dtype=np.float64) for (strip,) in in_strips(ab))
    return sum(float(strip.sum()) for strip in chroma) / (ab.size // 2)


def chroma_ratio(true_ab: Plane, predicted_ab: Plane) -> float:
    """How vivid a result is beside its original.

    Definition: mean chroma of the result / mean chroma of the original (`mean_chroma`). Range: 0..inf; 1 is as vivid
    as the original, below 1 faded, above 1 gaudy. Colour space: ab of CIE Lab, D65. Source: this project.
    Pitfalls: right amounts of wrong colours score 1. Nearly grey originals make it leap: over a set take the ratio of
    the means, or the median.

    Parameters
    ----------
    true_ab, predicted_ab
        (..., 2), CIE Lab units.

    Returns
    -------
    float
        NaN where the original has no chroma at all.

    Raises
    ------
    InputError
        No ab planes, shapes differ, or values that are not finite.
    """
    check_ab(true_ab, predicted_ab)
    true = mean_chroma(true_ab)
    return mean_chroma(predicted_ab) / true if true > 0 else math.nan
