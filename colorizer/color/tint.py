"""Is a picture really in colour, or a black-and-white one on toned paper?

A toned print (sepia, cyanotype, yellowed paper) has one colour for each lightness: ab is a function of L. A colour
photograph has many. So a smooth curve of ab over L is fitted, and what it leaves unexplained is the colour that only a
colour photograph has.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness

EXAMINED_SIDE = 128
"""Pictures are judged at this size, where grain, stains and JPEG's chroma noise have averaged out."""

CURVE_DEGREE = 3

TONED_RESIDUAL = 5.0
"""Root mean square distance in ab from the curve, up to which a picture counts as toned."""


def unexplained_chroma(rgb: npt.NDArray[Any]) -> float:
    """Root mean square distance in ab from the best curve over L.

    Parameters
    ----------
    rgb
        (H, W, 3) RGB; uint8, uint16, or float in 0..1.
    """
    height, width = rgb.shape[:2]
    size = min(width, EXAMINED_SIDE), min(height, EXAMINED_SIDE)
    small = cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
    tone = lightness(small).ravel().astype(np.float64) / 100
    ab = chroma_plane(small).reshape(-1, 2)
    curve = np.vander(tone, CURVE_DEGREE + 1)
    fitted = curve @ np.linalg.lstsq(curve, ab, rcond=None)[0]
    return float(np.sqrt(np.mean(np.sum((ab - fitted) ** 2, axis=1))))


def is_really_color(rgb: npt.NDArray[Any]) -> bool:
    """Whether a picture holds colours that no toning explains: (H, W, 3) RGB."""
    return unexplained_chroma(rgb) > TONED_RESIDUAL
