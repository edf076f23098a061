"""How different two colours look: CIEDE2000.

Knows colours in CIE Lab units and nothing of pictures' files or of networks.

Source: CIE 142-2001, written down by Sharma, Wu and Dalal 2005, whose equation numbers stand in the comments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.color.strips import strips
from colorizer.errors import InputError
from colorizer.metrics.classes import Doubles
from colorizer.metrics.pictures import check_rgb

_CHROMA_KNEE = 25.0**7
"""Below a chroma of 25 the a axis is stretched, and above it blue hues are rotated."""


def _hue(a: Doubles, b: Doubles) -> Doubles:
    """Hue angle in radians, 0..2 pi; 0 for grey (equation 7)."""
    return np.mod(np.arctan2(b, a), 2 * np.pi)


def ciede2000(lab: npt.NDArray[Any], other: npt.NDArray[Any]) -> Doubles:
    """CIEDE2000 colour difference, kL = kC = kH = 1.

    Range: 0 to about 120 within sRGB; 1 is about the smallest difference seen side by side. Colour space: CIE Lab.
    Pitfalls: made for differences up to about 5; above, an order more than a measure. Symmetric, but no metric in the
    mathematical sense, and discontinuous (slightly) where hues are opposite.

    Parameters
    ----------
    lab, other
        (..., 3) L, a, b; shapes that broadcast.

    Returns
    -------
    ndarray, (...) float64

    Raises
    ------
    InputError
        The last axis is not 3 long.
    """
    if lab.shape[-1:] != (3,) or other.shape[-1:] != (3,):
        raise InputError(f"arrays of shapes {lab.shape} and {other.shape} are no Lab colours; expected (..., 3)")
    light1, a1, b1 = np.moveaxis(lab.astype(np.float64), -1, 0)
    light2, a2, b2 = np.moveaxis(other.astype(np.float64), -1, 0)

    mean_chroma7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean_chroma7 / (mean_chroma7 + _CHROMA_KNEE))  # 1 + G, (4)
    chroma1, chroma2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    hue1, hue2 = _hue(a1 * stretch, b1), _hue(a2 * stretch, b2)

    # (10) and (14); their exceptions for grey change nothing, since there d_hue is 0 whatever the hues
    turn = hue2 - hue1
    far = np.abs(turn) > np.pi
    turn = turn - 2 * np.pi * np.sign(turn) * far
    hue_sum = hue1 + hue2
    hue = (hue_sum + 2 * np.pi * np.where(hue_sum < 2 * np.pi, 1, -1) * far) / 2

    d_light = light2 - light1
    d_chroma = chroma2 - chroma1
    d_hue = 2 * np.sqrt(chroma1 * chroma2) * np.sin(turn / 2)  # (11)
    light = (light1 + light2) / 2
    chroma = (chroma1 + chroma2) / 2

    uneven = (  # T, (15)
        1
        - 0.17 * np.cos(hue - np.radians(30))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.radians(6))
        - 0.20 * np.cos(4 * hue - np.radians(63))
    )
    offset = (light - 50) ** 2
    d_light /= 1 + 0.015 * offset / np.sqrt(20 + offset)  # (18)
    d_chroma /= 1 + 0.045 * chroma  # (19)
    d_hue /= 1 + 0.015 * chroma * uneven  # (20)
    blue = np.radians(30) * np.exp(-(((np.degrees(hue) - 275) / 25) ** 2))  # (16)
    chroma7 = chroma**7
    rotation = -np.sin(2 * blue) * 2 * np.sqrt(chroma7 / (chroma7 + _CHROMA_KNEE))  # (17), (21)
    squared = d_light**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue
    distance: Doubles = np.sqrt(np.maximum(squared, 0))
    return distance


@dataclass(frozen=True)
class ColorDifference:
    """CIEDE2000 over the pixels of a picture."""

    mean: float
    median: float
    percentile_95: float
    percentile_99: float
    maximum: float


def color_difference(true: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> ColorDifference:
    """CIEDE2000 between a picture and its original: mean and percentiles over the pixels.

    Definition, pitfalls: `ciede2000`. Range: 0 to about 120, lower is better. Colour space: CIE Lab, D65, from sRGB.
    Source: Sharma, Wu and Dalal 2005. Of a colorization that keeps L, only chroma and hue contribute.

    Parameters
    ----------
    true, predicted
        (H, W, 3) RGB of one shape; uint8, uint16, or float in 0..1, sRGB-encoded.

    Raises
    ------
    InputError
        No RGB pictures, or shapes differ.
    """
    check_rgb(true, predicted)
    parts = [ciede2000(_lab(true[rows]), _lab(predicted[rows])).ravel() for rows in strips(*true.shape[:2])]
    difference = np.concatenate(parts)
    median, percentile_95, percentile_99 = np.percentile(difference, [50, 95, 99])
    return ColorDifference(
        mean=float(difference.mean()),
        median=float(median),
        percentile_95=float(percentile_95),
        percentile_99=float(percentile_99),
        maximum=float(difference.max()),
    )


def _lab(rgb: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.concatenate([lightness(rgb)[..., None], chroma_plane(rgb)], axis=-1)
