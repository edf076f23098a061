"""How good a colorization is, in figures that papers report: each with its definition, range, source and pitfalls.

`auc` and `baseline` measure ab over whole sets of pictures, `pictures` a result against its original, `difference`
colours as an eye compares them (CIEDE2000), `colorfulness` how much colour there is, `video` steadiness in time;
`classes` holds the classes of colour that AuC weighs by. All take arrays; none reads a file or knows a network.
"""

from __future__ import annotations

from colorizer.color.difference import ciede2000
from colorizer.metrics.auc import AbAccuracy, CumulativeAbError, area_under
from colorizer.metrics.baseline import ColorHistogram, ConstantTint, best_constant_tint
from colorizer.metrics.classes import Weighting, inverse_prior_weights, nearest_bin, smoothed_prior
from colorizer.metrics.colorfulness import (
    absolute_colorfulness,
    chroma_ratio,
    colorfulness,
    delta_colorfulness,
    mean_chroma,
)
from colorizer.metrics.difference import ColorDifference, color_difference
from colorizer.metrics.pictures import (
    EdgeError,
    ErrorMoments,
    LightnessDeviation,
    ab_distance,
    ab_error,
    chroma_edges,
    colorization_accuracy,
    edge_error,
    lightness_deviation,
    psnr,
    rgb_error,
    ssim,
)
from colorizer.metrics.video import chroma_flicker, color_distribution_consistency, object_spread, warp_error

__all__ = [
    "AbAccuracy",
    "ColorDifference",
    "ColorHistogram",
    "ConstantTint",
    "CumulativeAbError",
    "EdgeError",
    "ErrorMoments",
    "LightnessDeviation",
    "Weighting",
    "ab_distance",
    "ab_error",
    "absolute_colorfulness",
    "area_under",
    "best_constant_tint",
    "chroma_edges",
    "chroma_flicker",
    "chroma_ratio",
    "ciede2000",
    "color_difference",
    "color_distribution_consistency",
    "colorfulness",
    "colorization_accuracy",
    "delta_colorfulness",
    "edge_error",
    "inverse_prior_weights",
    "lightness_deviation",
    "mean_chroma",
    "nearest_bin",
    "object_spread",
    "psnr",
    "rgb_error",
    "smoothed_prior",
    "ssim",
    "warp_error",
]
