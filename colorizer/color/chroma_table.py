"""Cb and Cr for a wanted hue and chroma at a given Y', as a table.

A film keeps its own Y', which is not L*: colours of one L* but different chroma differ in Y'. So for each Y', a and b
the lightness L is sought at which the colour (L, a, b) has just that Y'; its Cb and Cr are the answer. Where no
displayable colour has them, a and b shrink by one factor, at constant hue, until R', G' and B' fit into 0..1.

The table holds the answers on a grid. In between they are interpolated linearly, which cannot lead out of gamut: the
displayable colours are a cube in R'G'B', a sheared cube in Y'CbCr, and both are convex.

R'G'B' are taken as sRGB code values, since that is what screens show them as. Formulas: `colorizer.color.lab`.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer import __version__
from colorizer.color.lab import (
    A_SCALE,
    B_SCALE,
    F_BLACK,
    F_EDGE,
    F_SLOPE,
    L_BLACK,
    L_SCALE,
    RGB_TO_XYZ,
    WHITE,
    XYZ_TO_RGB,
    encode_srgb,
)
from colorizer.color.ycbcr import ColorEncoding
from colorizer.io.cache import cache_folder, keep, kept

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

LEVELS = 97
"""Values of Y', black to white."""

REACH = 128.0
"""The table spans a and b from -REACH to REACH."""

SIDE = 65
"""Values of a, and of b."""

_PARTS = 32
"""Parts that are computed side by side, each small enough for the processor's cache."""

_RAYS = 360
"""Hues at which the edge of the gamut is sought; between them it is interpolated."""

_BISECTIONS_OF_CHROMA = 11  # to within _MOST_CHROMA / 2^11, a tenth of a unit of ab
_BISECTIONS_OF_LIGHTNESS = 4  # to within 100 / 2^4, from where the secants converge
_SECANT_STEPS = 3
_MOST_CHROMA = 182.0  # in the corners of the table

# Linear BT.2020 to XYZ: its primaries with the white point D65, BT.2020-2 table 3
_WIDE_PRIMARIES = np.array([[0.708, 0.292], [0.170, 0.797], [0.131, 0.046]])


def rgb_matrix(encoding: ColorEncoding) -> npt.NDArray[Any]:
    """(3, 3) from XYZ to linear R, G and B of the film's primaries."""
    if not encoding.wide_gamut:
        return XYZ_TO_RGB
    x, y = _WIDE_PRIMARIES.T
    primaries = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    return np.asarray(np.linalg.inv(primaries * np.linalg.solve(primaries, RGB_TO_XYZ.sum(axis=1))))


def encoded_rgb(lightness: Doubles, a: Doubles, b: Doubles, to_rgb: npt.NDArray[Any]) -> Doubles:
    """R'G'B', (3, ...) float64, of Lab colours, in gamut or not: the transfer function goes on beyond 0 and 1."""
    fy = (lightness + L_BLACK) / L_SCALE
    f = np.stack([fy + a / A_SCALE, fy, fy - b / B_SCALE])
    xyz = np.where(f > F_EDGE, f**3, (f - F_BLACK) / F_SLOPE)
    linear = np.tensordot(to_rgb * WHITE, xyz, axes=1)
    return encode_srgb(linear)


def _lightness_at(luma: Doubles, a: Doubles, b: Doubles, weights: Doubles, to_rgb: npt.NDArray[Any]) -> Doubles:
    """L at which the colour has the luma; bisection, then secants, which a kink of the formulas cannot throw off."""
    low, high = np.zeros_like(luma), np.full_like(luma, 100.0)
    for _ in range(_BISECTIONS_OF_LIGHTNESS):
        middle = (low + high) / 2
        under = np.tensordot(weights, encoded_rgb(middle, a, b, to_rgb), axes=1) < luma
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    found = (low + high) / 2
    for _ in range(_SECANT_STEPS):
        step = 0.01
        here = np.tensordot(weights, encoded_rgb(found, a, b, to_rgb), axes=1)
        there = np.tensordot(weights, encoded_rgb(found + step, a, b, to_rgb), axes=1)
        slope = np.maximum((there - here) / step, 1e-4)  # near black the curve is flat, and a step would leave it
        found = np.clip(found + (luma - here) / slope, low - 1, high + 1)
    return found


def _weights(encoding: ColorEncoding) -> Doubles:
    red, blue = encoding.luma_coefficients
    return np.array([red, 1 - red - blue, blue])


def _most_chroma(luma: Doubles, encoding: ColorEncoding) -> Doubles:
    """(levels, rays) the largest displayable chroma at each luma and hue."""
    weights, to_rgb = _weights(encoding), rgb_matrix(encoding)
    hue = np.arange(_RAYS) * (2 * np.pi / _RAYS)
    level = np.repeat(luma[:, None], _RAYS, axis=1)
    inside, step = np.zeros_like(level), _MOST_CHROMA / 2
    for _ in range(_BISECTIONS_OF_CHROMA):
        tried = inside + step
        a, b = tried * np.cos(hue), tried * np.sin(hue)
        rgb = encoded_rgb(_lightness_at(level, a, b, weights, to_rgb), a, b, to_rgb)
        fits = (rgb.min(axis=0) >= 0) & (rgb.max(axis=0) <= 1)
        inside = np.where(fits, tried, inside)
        step /= 2
    return inside


def solve(luma: Doubles, a: Doubles, b: Doubles, encoding: ColorEncoding, most: Doubles | None = None) -> Doubles:
    """Cb and Cr, (..., 2) float64 in -1/2..1/2, for Y' in 0..1 and the wanted a and b, all of one shape.

    Parameters
    ----------
    luma, a, b
        (...) float64; Y' in 0..1, CIE Lab units.
    encoding
        Whose matrix and primaries.
    most
        (...) the largest displayable chroma of each, where known; a and b shrink to it.
    """
    weights, to_rgb = _weights(encoding), rgb_matrix(encoding)
    if most is not None:
        # the same factor for a and b keeps the hue
        factor = np.minimum(1, most / np.maximum(np.hypot(a, b), 1e-9))
        a, b = a * factor, b * factor
    rgb = encoded_rgb(_lightness_at(luma, a, b, weights, to_rgb), a, b, to_rgb)
    red, blue = encoding.luma_coefficients
    chroma = np.stack([(rgb[2] - luma) / (2 * (1 - blue)), (rgb[0] - luma) / (2 * (1 - red))], axis=-1)
    return fitted(luma, chroma, encoding)


def fitted(luma: Doubles, chroma: Doubles, encoding: ColorEncoding) -> Doubles:
    """Cb and Cr shrunk at constant Y' until R'G'B' lie in 0..1; at the gamut's edge this is a matter of rounding."""
    red, blue = encoding.luma_coefficients
    green = 1 - red - blue
    over_r, over_b = 2 * (1 - red) * chroma[..., 1], 2 * (1 - blue) * chroma[..., 0]
    over_g = -(red * over_r + blue * over_b) / green
    over = np.stack([over_r, over_g, over_b])
    # how far each channel may go from Y' towards 1 or 0
    room = np.where(over > 0, 1 - luma, luma)
    factor = np.min(room / np.maximum(np.abs(over), 1e-12), axis=0)
    return np.asarray(chroma * np.clip(factor, 0, 1)[..., None])


@lru_cache(maxsize=4)
def chroma_table(encoding: ColorEncoding) -> Floats:
    """(LEVELS, SIDE, SIDE, 2) float32: Cb and Cr in -1/2..1/2 by Y', b and a.

    It takes a second or two to compute, longer than a picture does; so it is kept in the cache's folder.
    """
    shape = (LEVELS, SIDE, SIDE, 2)
    key = f"{__version__} {encoding.luma_coefficients} {encoding.wide_gamut} {shape} {REACH}"
    path = cache_folder() / "chroma" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.f32"
    data = kept(path)
    if data is not None and len(data) == np.prod(shape) * np.dtype(np.float32).itemsize:
        return np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)
    table = _computed(encoding)
    keep(path, table.astype("<f4").tobytes())
    return table


def _computed(encoding: ColorEncoding) -> Floats:
    luma = np.linspace(0, 1, LEVELS)
    # NumPy lets go of the interpreter's lock, so threads share the second that this takes
    with ThreadPoolExecutor() as pool:
        parts = pool.map(lambda some: _chroma_at(some, encoding), np.array_split(luma, _PARTS))
        return np.concatenate(list(parts)).astype(np.float32)


def _chroma_at(luma: Doubles, encoding: ColorEncoding) -> Doubles:
    """The table's tiles for some values of Y'."""
    most = _most_chroma(luma, encoding)
    axis = np.linspace(-REACH, REACH, SIDE)
    b, a = np.meshgrid(axis, axis, indexing="ij")
    ray = (np.arctan2(b, a) % (2 * np.pi)) * (_RAYS / (2 * np.pi))
    before = ray.astype(np.intp) % _RAYS
    share = ray - np.floor(ray)
    limit = most[:, before] * (1 - share) + most[:, (before + 1) % _RAYS] * share
    level, all_a, all_b = (np.array(plane) for plane in np.broadcast_arrays(luma[:, None, None], a, b))
    return solve(level, all_a, all_b, encoding, limit)
