"""What the tests compare with: colour science in float64, from the standards, sharing no code with the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def lightness64(code: npt.NDArray[Any]) -> Doubles:
    """L* (CIE 15) of sRGB (IEC 61966-2-1) code values.

    (H, W) grey or (H, W, 3) RGB; integers of any depth, or floats in 0..1.
    """
    full = np.iinfo(code.dtype).max if np.issubdtype(code.dtype, np.integer) else 1
    value = code.astype(np.float64) / full
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    luminance = linear if code.ndim == 2 else linear @ np.array([0.2126729, 0.7151522, 0.0721750])
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


def hue_distance(ab: npt.NDArray[Any], other: npt.NDArray[Any]) -> Doubles:
    """Angle between two chroma planes (..., 2), in degrees, 0..180."""
    angle = np.arctan2(ab[..., 1], ab[..., 0]) - np.arctan2(other[..., 1], other[..., 0])
    turned: Doubles = np.abs(np.degrees((angle + np.pi) % (2 * np.pi) - np.pi))
    return turned
