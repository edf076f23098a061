"""Lightness and ab from pixels, and pixels from lightness and ab.

The signal chain, both ways: sRGB code values -> linear light -> XYZ -> CIE Lab (D65, 2 degrees). Everything here is
float32, strip by strip over NumPy arrays; nothing knows of files or networks.

The way back is where colorizers lose the original's lightness: a predicted ab often lies outside the sRGB gamut, and
clipping R, G and B one by one then moves L. Here chroma yields instead: a and b shrink by one factor, at constant L and
hue, until the colour fits. Code values are rounded to nearest, never truncated.

Sources: IEC 61966-2-1 (sRGB), CIE 15:2004 (Lab).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[Any]

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
LUMA = RGB_TO_XYZ[1].astype(np.float32)
"""Weights of linear R, G and B in luminance Y."""

# CIE 15: f(t) is a cube root, with a straight line near black
_EDGE = (6 / 29) ** 3
_SLOPE = (29 / 6) ** 2 / 3
_OFFSET = 4 / 29

# sRGB transfer function: a power, with a straight line near black
_LINEAR_END, _CODE_END, _LINEAR_SLOPE = 0.0031308, 0.04045, 12.92

GAMUT_MARGIN = 2e-6
"""Linear light beyond 0 or 1 that counts as rounding: it moves L by less than 0.002."""

_BISECTIONS = 12
"""Chroma is found to one part in 4096 of itself."""

FULL_SCALE: dict[np.dtype[Any], int] = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


def decode_srgb(code: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Linear light from sRGB code values in 0..1, any float dtype."""
    return np.where(code <= _CODE_END, code / _LINEAR_SLOPE, ((np.maximum(code, 0) + 0.055) / 1.055) ** 2.4)


def encode_srgb(linear: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Code values in 0..1 from linear light in 0..1, any float dtype."""
    return np.where(linear <= _LINEAR_END, linear * _LINEAR_SLOPE, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=2)
def _linear_table(full_scale: int) -> Floats:
    """Linear light of each code value of an integer depth."""
    return decode_srgb(np.arange(full_scale + 1) / full_scale).astype(np.float32)


@lru_cache(maxsize=2)
def _lightness_table(full_scale: int) -> Floats:
    """L of each grey code value of an integer depth."""
    return _lightness_of(decode_srgb(np.arange(full_scale + 1) / full_scale)).astype(np.float32)


def _lightness_of(luminance: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return 116.0 * _f(luminance) - 16.0


def _f(t: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.where(t > _EDGE, np.cbrt(t), _SLOPE * t + _OFFSET)


def _f_inverse(f: Floats) -> Floats:
    return np.where(f > np.float32(6 / 29), f * f * f, (f - np.float32(_OFFSET)) * np.float32(1 / _SLOPE))


def linear_light(pixels: Pixels) -> Floats:
    """Linear light from code values.

    Parameters
    ----------
    pixels
        Any shape; uint8, uint16, or float in 0..1, sRGB-encoded.

    Returns
    -------
    ndarray, the same shape, float32, 0..1
    """
    if pixels.dtype in FULL_SCALE:
        return np.take(_linear_table(FULL_SCALE[pixels.dtype]), pixels)
    return decode_srgb(np.clip(pixels, 0.0, 1.0).astype(np.float32, copy=False)).astype(np.float32, copy=False)


def lightness(pixels: Pixels) -> Floats:
    """CIE L* of a picture.

    Parameters
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1, sRGB-encoded.

    Returns
    -------
    ndarray, (H, W) float32, 0..100
    """
    if pixels.ndim == 2:
        if pixels.dtype in FULL_SCALE:
            return np.take(_lightness_table(FULL_SCALE[pixels.dtype]), pixels)
        luminance = linear_light(pixels)
    else:
        luminance = linear_light(pixels) @ LUMA
    return _lightness_of(luminance).astype(np.float32, copy=False)


def chroma_plane(pixels: Pixels) -> Floats:
    """CIE a* and b* of a picture.

    Parameters
    ----------
    pixels
        (H, W, 3) RGB; uint8, uint16, or float in 0..1, sRGB-encoded.

    Returns
    -------
    ndarray, (H, W, 2) float32, CIE Lab units
    """
    to_relative_xyz = (RGB_TO_XYZ / WHITE[:, None]).T.astype(np.float32)
    fx, fy, fz = np.moveaxis(_f(linear_light(pixels) @ to_relative_xyz), -1, 0)
    return np.stack([500 * (fx - fy), 200 * (fy - fz)], axis=-1).astype(np.float32, copy=False)


def _linear_rgb(fy: Floats, ab: Floats) -> Floats:
    """Linear light, in and out of gamut: (N,) f(Y) and (N, 2) ab to (N, 3) RGB."""
    f = np.empty((len(fy), 3), np.float32)
    f[:, 0] = fy + ab[:, 0] * np.float32(1 / 500)
    f[:, 1] = fy
    f[:, 2] = fy - ab[:, 1] * np.float32(1 / 200)
    linear: Floats = _f_inverse(f) @ (XYZ_TO_RGB * WHITE).T.astype(np.float32)
    return linear


def _outside(linear: Floats) -> npt.NDArray[np.bool_]:
    outside: npt.NDArray[np.bool_] = np.any((linear < -GAMUT_MARGIN) | (linear > 1 + GAMUT_MARGIN), axis=1)
    return outside


def _fitting_rgb(fy: Floats, ab: Floats) -> Floats:
    """The most chromatic colour that fits, along the line from grey to the wanted colour: bisection on the factor."""
    inside = np.zeros(len(fy), np.float32)
    step = np.float32(0.5)
    for _ in range(_BISECTIONS):
        tried = inside + step
        inside = np.where(_outside(_linear_rgb(fy, ab * tried[:, None])), inside, tried)
        step *= np.float32(0.5)
    return _linear_rgb(fy, ab * inside[:, None])


def recombine(lightness: Floats, ab: Floats, dtype: npt.DTypeLike) -> Pixels:
    """RGB pixels of a given lightness and chroma; chroma yields where sRGB cannot hold both.

    Parameters
    ----------
    lightness
        (H, W) float32, L in 0..100.
    ab
        (H, W, 2) float32, CIE Lab units.
    dtype
        uint8, uint16 or a float type.

    Returns
    -------
    ndarray, (H, W, 3) of `dtype`, RGB, sRGB-encoded: full scale for integers, 0..1 for floats
    """
    fy = ((lightness + np.float32(16)) * np.float32(1 / 116)).ravel()
    flat_ab = ab.reshape(-1, 2)
    linear = _linear_rgb(fy, flat_ab)
    outside = np.flatnonzero(_outside(linear))
    if outside.size:
        linear[outside] = _fitting_rgb(fy[outside], flat_ab[outside])
    np.clip(linear, 0, 1, out=linear)
    return quantize(linear, np.dtype(dtype)).reshape(*lightness.shape, 3)


_ROOT_STEPS = 1 << 14


@lru_cache(maxsize=1)
def _code_table() -> npt.NDArray[np.uint8]:
    """8-bit code values over the square root of linear light.

    The root spreads the dark tones, so that 2^14 steps meet each code's rounding threshold to 0.03 of a code.
    """
    root = np.linspace(0, 1, _ROOT_STEPS + 1)
    codes: npt.NDArray[np.uint8] = np.rint(encode_srgb(root * root) * 255).astype(np.uint8)
    return codes


def quantize(linear: Floats, dtype: np.dtype[Any]) -> Pixels:
    """Code values, rounded to nearest, of linear light in 0..1 (any shape)."""
    if dtype == np.uint8:
        steps = np.sqrt(linear)
        steps *= _ROOT_STEPS
        steps += np.float32(0.5)
        return np.take(_code_table(), steps.astype(np.uint16))
    code = encode_srgb(linear)
    return (np.rint(code * FULL_SCALE[dtype]) if dtype in FULL_SCALE else code).astype(dtype)


def check_pixels(pixels: Pixels) -> None:
    """Refuse what is no picture.

    Raises
    ------
    InputError
        Not (H, W) or (H, W, 1..4); empty; not uint8, uint16 or float; float values that are not finite.
    """
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= 4):
        raise InputError(f"an array of shape {pixels.shape} is no picture; expected (H, W) or (H, W, 1..4)")
    if pixels.size == 0:
        raise InputError(f"an array of shape {pixels.shape} holds no pixels")
    if pixels.dtype not in FULL_SCALE and not np.issubdtype(pixels.dtype, np.floating):
        raise InputError(f"pixels of type {pixels.dtype} are not understood; expected uint8, uint16 or float in 0..1")
    if np.issubdtype(pixels.dtype, np.floating) and not np.isfinite(pixels).all():
        raise InputError("the picture holds values that are not finite; replace NaN and infinity first")
