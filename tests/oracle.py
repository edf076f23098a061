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


_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab_of(code: npt.NDArray[Any]) -> Doubles:
    """CIE Lab (D65) of (..., 3) sRGB code values; integers of any depth, or floats in 0..1."""
    full = np.iinfo(code.dtype).max if np.issubdtype(code.dtype, np.integer) else 1
    value = code.astype(np.float64) / full
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    relative = linear @ (_TO_XYZ / _WHITE[:, None]).T
    root = np.where(relative > 216 / 24389, np.cbrt(relative), (24389 / 27 * relative + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def shrunk_to_gamut(lightness: Doubles, ab: tuple[float, float]) -> Doubles:
    """A chroma (2,) moved along constant hue until sRGB holds it, at each of (n,) lightnesses: (n, 2), by bisection."""
    low, high = np.zeros(len(lightness)), np.ones(len(lightness))
    for _ in range(30):
        share = np.where(_holds(lightness, ab, high), high, (low + high) / 2)
        fits = _holds(lightness, ab, share)
        low, high = np.where(fits, share, low), np.where(fits, high, share)
    moved: Doubles = low[:, None] * np.array(ab)
    return moved


def _holds(lightness: Doubles, ab: tuple[float, float], share: Doubles) -> npt.NDArray[np.bool_]:
    y = (lightness + 16) / 116
    root = np.stack([y + share * ab[0] / 500, y, y - share * ab[1] / 200], axis=-1)
    relative = np.where(root > 6 / 29, root**3, (116 * root - 16) * 27 / 24389)
    linear = (relative * _WHITE) @ np.linalg.inv(_TO_XYZ).T
    held: npt.NDArray[np.bool_] = ((linear > -1e-4) & (linear < 1 + 1e-4)).all(axis=-1)
    return held
