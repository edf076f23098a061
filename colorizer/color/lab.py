"""The colour spaces by their standards: sRGB code values <-> linear light -> XYZ, and the f of CIE Lab.

Formulas and their numbers only; `colorizer.color.pixels` applies them to pictures. Sources: IEC 61966-2-1 (sRGB),
CIE 15:2004 (Lab), white D65, 2 degrees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[Any]
"""An array of any float dtype."""

AB_LIMIT = 128.0
"""No colour that 8-bit sRGB holds lies beyond this in a or b."""

# XYZ of the white point D65, Y = 1
WHITE = np.array([0.95047, 1.0, 1.08883])

# xy chromaticities of the sRGB primaries
_PRIMARIES = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])


def _rgb_to_xyz() -> npt.NDArray[np.float64]:
    """Matrix from linear sRGB to XYZ: the primaries, scaled so that R = G = B = 1 is the white point."""
    x, y = _PRIMARIES.T
    primaries = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    return primaries * np.linalg.solve(primaries, WHITE)


RGB_TO_XYZ = _rgb_to_xyz()
XYZ_TO_RGB = np.linalg.inv(RGB_TO_XYZ)

# Lab: f(t) is the cube root of t, and below t = F_EDGE^3 its tangent. L = 116 f(Y) - 16, a = 500 (f(X) - f(Y)),
# b = 200 (f(Y) - f(Z)), where X, Y and Z are relative to the white point.
F_EDGE = 6 / 29
F_BLACK = 4 / 29
F_SLOPE = 1 / (3 * F_EDGE**2)
L_SCALE, L_BLACK = 116.0, 16.0
A_SCALE, B_SCALE = 500.0, 200.0

# sRGB transfer function: a power, with a straight line near black
LINEAR_END, CODE_END, LINEAR_SLOPE = 0.0031308, 0.04045, 12.92
GAMMA, GAIN, OFFSET = 2.4, 1.055, 0.055


def decode_srgb(code: Reals) -> Reals:
    """Linear light from sRGB code values in 0..1, any float dtype."""
    return np.where(code <= CODE_END, code / LINEAR_SLOPE, ((np.maximum(code, 0) + OFFSET) / GAIN) ** GAMMA)


def encode_srgb(linear: Reals) -> Reals:
    """SRGB code values in 0..1 from linear light in 0..1, any float dtype; beyond 0 and 1 the function goes on.

    `colorizer.color.pixels.quantize` has a faster form for whole pictures, in float32 and clipped to 0..1.
    """
    power = GAIN * np.maximum(linear, 0) ** (1 / GAMMA) - OFFSET
    return np.where(linear <= LINEAR_END, linear * LINEAR_SLOPE, power)


def lab_f(t: Reals) -> Reals:
    """The f of CIE Lab, from X, Y or Z relative to the white point."""
    return np.where(t > F_EDGE**3, np.cbrt(t), F_SLOPE * t + F_BLACK)


def lightness_of(luminance: Reals) -> Reals:
    """CIE L*, 0..100, from luminance Y in 0..1."""
    return L_SCALE * lab_f(luminance) - L_BLACK
