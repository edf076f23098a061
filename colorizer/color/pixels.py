"""Lightness and ab from pixels, and pixels from lightness and ab.

The signal chain, both ways: sRGB code values -> linear light -> XYZ -> CIE Lab (D65, 2 degrees). Everything here is
float32 and meant for strips of a picture; nothing knows of files or networks.

The way back is where colorizers lose the original's lightness: by clipping colours that are out of gamut, and by
truncating code values. Here chroma yields until the colour fits (`colorizer.color.gamut`), and code values are
rounded to nearest. The formulas and their sources stand in `colorizer.color.lab`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.gamut import CHUNK_COLORS, fitting_rgb, fitting_rgb_of_few
from colorizer.color.lab import (
    A_SCALE,
    B_SCALE,
    F_BLACK,
    F_EDGE,
    F_SLOPE,
    GAIN,
    GAMMA,
    L_BLACK,
    L_SCALE,
    LINEAR_END,
    LINEAR_SLOPE,
    RGB_TO_XYZ,
    WHITE,
    decode_srgb,
    lab_f,
    lightness_of,
)
from colorizer.errors import InputError

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[Any]

_OVERSHOOT = 0.5
"""How far floats may lie outside 0..1, as sharpening and resampling leave them; they are clipped."""

FULL_SCALE: dict[np.dtype[Any], int] = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}

# a and b as differences of f
_AB_TO_F = np.array([[1 / A_SCALE], [-1 / B_SCALE]], np.float32)


@lru_cache(maxsize=2)
def _linear_table(full_scale: int) -> Floats:
    """Linear light of each code value of an integer depth."""
    return decode_srgb(np.arange(full_scale + 1) / full_scale).astype(np.float32)


@lru_cache(maxsize=2)
def _lightness_table(full_scale: int) -> Floats:
    """L of each grey code value of an integer depth."""
    return lightness_of(decode_srgb(np.arange(full_scale + 1) / full_scale)).astype(np.float32)


def _look_up(table: Floats, pixels: Pixels) -> Floats:
    if pixels.dtype == np.uint8:
        return np.asarray(cv2.LUT(pixels, table), np.float32)
    return np.take(table, pixels)


def linear_light(pixels: Pixels) -> Floats:
    """Linear light from code values.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, 3); uint8, uint16, or float in 0..1, sRGB-encoded.

    Returns
    -------
    ndarray, the same shape, float32, 0..1
    """
    if pixels.dtype in FULL_SCALE:
        return _look_up(_linear_table(FULL_SCALE[pixels.dtype]), pixels)
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
    if pixels.ndim == 2 and pixels.dtype in FULL_SCALE:
        return _look_up(_lightness_table(FULL_SCALE[pixels.dtype]), pixels)
    linear = linear_light(pixels)
    luminance = linear if pixels.ndim == 2 else np.asarray(cv2.transform(linear, RGB_TO_XYZ[1:2]), np.float32)
    # As `lightness_of` without branches: the cube root from the edge on, and what the line lacks of it up to there. By
    # OpenCV's power, since NumPy's cube root is slow where it is not vectorized.
    edge = F_EDGE**3
    root = cv2.pow(np.clip(luminance, np.float32(edge), np.float32(np.inf)), 1 / 3)
    line = np.clip(luminance, np.float32(0), np.float32(edge), out=luminance)
    at_edge = L_SCALE * F_SLOPE * edge + L_BLACK
    return np.asarray(cv2.addWeighted(root, L_SCALE, line, L_SCALE * F_SLOPE, -at_edge, dst=root), np.float32)


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
    fx, fy, fz = np.moveaxis(lab_f(linear_light(pixels) @ to_relative_xyz), -1, 0)
    return np.stack([A_SCALE * (fx - fy), B_SCALE * (fy - fz)], axis=-1).astype(np.float32, copy=False)


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
    wanted = np.dtype(dtype)
    light = np.ascontiguousarray(lightness, np.float32).reshape(1, -1)
    chroma = np.ascontiguousarray(np.moveaxis(ab, -1, 0), np.float32).reshape(2, -1)
    if wanted == np.uint8 and chroma.any():  # without colour R, G and B have to be the same, not nearly so
        return _recombined_8_bits(light, chroma).reshape(*lightness.shape, 3)
    planes = quantize(fitting_rgb(*_in_f(light, chroma)), wanted if wanted in FULL_SCALE else np.dtype(np.float32))
    return np.asarray(cv2.merge(list(planes))).reshape(*lightness.shape, 3).astype(wanted, copy=False)


def _recombined_8_bits(light: Floats, chroma: Floats) -> Pixels:
    """(n, 3) code values: by OpenCV where R, G and B are all clear of 0 and 255, and else as at other depths.

    OpenCV's conversion is one pass in place of thirty, and within a tenth of a code value. It clips what is out of
    gamut, so every such colour is among those that have 0 or 255 in them.
    """
    rgb = cv2.cvtColor(cv2.merge([light, *np.split(chroma, 2)]), cv2.COLOR_Lab2RGB)
    codes = np.asarray(cv2.convertScaleAbs(rgb, alpha=255), np.uint8)
    at_limits = np.flatnonzero(cv2.inRange(codes, (1, 1, 1), (254, 254, 254)) == 0)
    result = codes.reshape(-1, 3)
    for start in range(0, at_limits.size, CHUNK_COLORS):
        places = at_limits[start : start + CHUNK_COLORS]
        linear = fitting_rgb_of_few(*_in_f(np.take(light, places, axis=1), np.take(chroma, places, axis=1)))
        for plane, values in zip(result.T, quantize(linear, np.dtype(np.uint8)), strict=True):
            plane[places] = values
    return result


def _in_f(light: Floats, chroma: Floats) -> tuple[Floats, Floats]:
    """L and ab, (1, n) and (2, n), in the f of Lab: f(Y), and f(X) and f(Z) without it."""
    fy = light + np.float32(L_BLACK)
    fy *= np.float32(1 / L_SCALE)
    return np.clip(fy, np.float32(F_BLACK), np.float32(1), out=fy), chroma * _AB_TO_F


def quantize(linear: Floats, dtype: np.dtype[Any]) -> Pixels:
    """Code values of linear light in any arrangement, clipped to 0..1 first; integers are rounded to nearest.

    As `encode_srgb` without branches: the line up to its end, and what the power adds beyond. In float32 and by OpenCV,
    since whole pictures go through here; it differs by a hundredth of a code value of 16 bits.
    """
    power = cv2.pow(np.clip(linear, np.float32(LINEAR_END), np.float32(1)), 1 / GAMMA)
    line = np.clip(linear, np.float32(0), np.float32(LINEAR_END))
    code = cv2.addWeighted(power, GAIN, line, LINEAR_SLOPE, -GAIN * LINEAR_END ** (1 / GAMMA), dst=line)
    if dtype == np.uint8:
        return np.asarray(cv2.convertScaleAbs(code, alpha=255))
    if dtype in FULL_SCALE:
        code *= FULL_SCALE[dtype]
        code += np.float32(0.5)
        return code.astype(dtype)
    return np.clip(code, 0, 1).astype(dtype)


def check_pixels(pixels: object) -> None:
    """Refuse what is no picture.

    Raises
    ------
    InputError
        No array; not (H, W) or (H, W, 1..4); empty; not uint8, uint16 or float; float values that are not finite or lie
        far outside 0..1.
    """
    if not isinstance(pixels, np.ndarray):
        reason = "; cv2.imread gives that for a file it cannot read" if pixels is None else ""
        raise InputError(f"{type(pixels).__name__} is no picture; expected a NumPy array{reason}")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= 4):
        raise InputError(f"an array of shape {pixels.shape} is no picture; expected (H, W) or (H, W, 1..4)")
    if pixels.size == 0:
        raise InputError(f"an array of shape {pixels.shape} holds no pixels")
    if pixels.dtype not in FULL_SCALE and not np.issubdtype(pixels.dtype, np.floating):
        raise InputError(f"pixels of type {pixels.dtype} are not understood; expected uint8, uint16 or float in 0..1")
    if np.issubdtype(pixels.dtype, np.floating):
        low, high = float(pixels.min()), float(pixels.max())
        if not np.isfinite([low, high]).all():
            raise InputError("the picture holds values that are not finite; replace NaN and infinity first")
        if low < -_OVERSHOOT or high > 1 + _OVERSHOOT:
            raise InputError(f"float pixels from {low:g} to {high:g}; scale them to 0..1 first")
