"""How different the colours of two pictures look: CIEDE2000 over all pixels.

Knows colours in CIE Lab units and nothing of pictures' files or of networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.difference import ciede2000
from colorizer.color.pixels import chroma_plane, lightness
from colorizer.color.strips import strips
from colorizer.metrics.pictures import check_rgb


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
