"""From lightness and chroma to linear sRGB, chroma yielding where sRGB cannot hold both.

A predicted colour often lies outside the sRGB gamut. Clipping R, G and B one by one would then move lightness and hue.
Here a and b shrink by one factor, at constant L and hue, until the colour fits.

The factor is where the way from grey to the wanted colour leaves the gamut: where R, G or B becomes 0 or 1. A small
table of how far that is for each lightness and hue gives it to a few per cent, and Newton's method sharpens that; the
answer is verified, and where it does not hold, bisection takes over.

The arithmetic is laid out for speed: few passes over rows of colours that stay in the processor's cache, each by NumPy
or OpenCV; (1, n), since OpenCV takes a (n,) array for a column. Chroma is counted in the f of CIE Lab, X and Z in one
array: f(X) - f(Y) = a / 500 and f(Z) - f(Y) = -b / 200.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.lab import F_BLACK, F_EDGE, F_SLOPE, WHITE, XYZ_TO_RGB

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MARGIN = 2e-6
"""Linear light beyond 0 or 1 that counts as rounding: it moves L by less than 0.002."""

_LINE = 1 / F_SLOPE

# White is R = G = B = 1, so each row of this matrix sums to 1, and each of R, G and B is Y + its share of X - Y + its
# share of Z - Y, with X, Y and Z relative to the white point.
_PER_X, _, _PER_Z = (XYZ_TO_RGB * WHITE).T
_PER_X_COLUMN, _PER_Z_COLUMN = (shares[:, None].astype(np.float32) for shares in (_PER_X, _PER_Z))

_LIGHTNESSES, _HUES = 64, 256
"""Size of the table. Finer ones save few bisections and take longer to make than a small picture does."""

_FAR = np.float32(0.02)
"""A step of Newton's method that calls for another: at the sharp edges of the boundary, as at yellow near white."""

_VIVID = 2.0
"""A chroma, in the f of Lab, that no lightness can hold."""

_WITHIN = np.float32(0.998)
"""The share of the factor found that is used, so that rounding does not lead out again."""

_BISECTIONS = 14

CHUNK_COLORS = 1 << 16
"""Colours out of gamut that are worked on at a time: enough of them to hide Python's own time."""

_MOST_REMAPPED = 32_000
"""cv2.remap takes rows of less than 2^15."""

_GREY = np.float32(1e-6)
"""The least chroma, in the f of Lab: greys come here where rounding puts them beyond black or white."""

# np.clip is vectorized; np.maximum with a number is not, and cv2.max takes a 1 x 1 picture for a number
_ZERO, _ONE, _INFINITY = np.float32(0), np.float32(1), np.float32(np.inf)


def fitting_rgb(fy: Floats, chroma: Floats) -> Floats:
    """Linear light of the wanted lightness and hue, with as much of the wanted chroma as sRGB can hold.

    Parameters
    ----------
    fy
        (1, n) float32 f(Y).
    chroma
        (2, n) float32 f(X) - f(Y) and f(Z) - f(Y).

    Returns
    -------
    ndarray, (3, n) float32: R, G and B; in 0..1 to within `MARGIN`, if Y is
    """
    linear = linear_rgb(fy, chroma)
    outside = np.flatnonzero(outside_gamut(linear))
    for start in range(0, outside.size, CHUNK_COLORS):
        places = outside[start : start + CHUNK_COLORS]
        fitting = _reduced(np.take(fy, places, axis=1), np.take(chroma, places, axis=1))
        for plane, values in zip(linear, fitting, strict=True):
            plane[places] = values
    return linear


def fitting_rgb_of_few(fy: Floats, chroma: Floats) -> Floats:
    """As `fitting_rgb`, for `CHUNK_COLORS` colours at most, nearly all of them out of gamut: all are reduced first."""
    linear = linear_rgb(fy, chroma)
    reduced = _reduced(fy, chroma)
    np.copyto(reduced, linear, where=~outside_gamut(linear))
    return reduced


def linear_rgb(fy: Floats, chroma: Floats) -> Floats:
    """Linear light, in and out of gamut.

    The inverse of Lab's f is a straight line plus, beyond the edge, what the cube adds to it: no branches. Y itself
    never depends on the chroma, and where that is 0 so are X - Y and Z - Y, and the result is exactly grey.

    Parameters
    ----------
    fy
        (1, n) float32 f(Y).
    chroma
        (2, n) float32 f(X) - f(Y) and f(Z) - f(Y).

    Returns
    -------
    ndarray, (3, n) float32: R, G and B
    """
    luminance, added = _luminance(fy)
    x, z = np.split(_differences(_beyond_edge(fy, chroma), chroma, added), 2)
    linear = np.empty((3, x.size), np.float32)
    for row, per_x, per_z in zip(np.split(linear, 3), _PER_X, _PER_Z, strict=True):
        cv2.scaleAdd(x, per_x, luminance, dst=row)
        cv2.scaleAdd(z, per_z, row, dst=row)
    return linear


def outside_gamut(linear: Floats) -> Mask:
    """Which colours sRGB cannot hold: (3, n) linear light to (n,)."""
    red, green, blue = linear
    extreme = np.maximum(red, green)
    np.maximum(extreme, blue, out=extreme)
    mask: Mask = extreme > np.float32(1 + MARGIN)
    np.minimum(red, green, out=extreme)
    np.minimum(extreme, blue, out=extreme)
    mask |= extreme < np.float32(-MARGIN)
    return mask


def _luminance(fy: Floats) -> tuple[Floats, Floats]:
    """Y, and of it what the cube is above the line."""
    beyond = fy - np.float32(F_EDGE)
    added = _cube_over_line(np.clip(beyond, _ZERO, _INFINITY, out=beyond))
    return np.asarray(cv2.addWeighted(fy, _LINE, added, 1, -_LINE * F_BLACK), np.float32), added


def _beyond_edge(fy: Floats, chroma: Floats) -> Floats:
    """How far f(X) and f(Z) are beyond the edge."""
    beyond: Floats = chroma + (fy - np.float32(F_EDGE))
    return np.clip(beyond, _ZERO, _INFINITY, out=beyond)


def _cube_over_line(beyond: Floats) -> Floats:
    """What f^3 is above its tangent at the edge e: t^2 (t + 3 e) with t = f - e."""
    result: Floats = beyond + np.float32(3 * F_EDGE)
    result *= beyond
    result *= beyond
    return result


def _differences(beyond: Floats, chroma: Floats, added: Floats) -> Floats:
    """X - Y and Z - Y of a chroma."""
    differences: Floats = _cube_over_line(beyond)
    differences -= added
    cv2.scaleAdd(chroma, _LINE, differences, dst=differences)
    return differences


def _reduced(fy: Floats, chroma: Floats) -> Floats:
    """Linear light, (3, n), of colours that are out of gamut as they are."""
    factor = _newton_factor(fy, chroma)
    factor *= _WITHIN
    linear: Floats = linear_rgb(fy, chroma * factor)
    failed = np.flatnonzero(outside_gamut(linear))
    if failed.size:
        fy, chroma = np.take(fy, failed, axis=1), np.take(chroma, failed, axis=1)
        linear[:, failed] = linear_rgb(fy, chroma * _bisected_factor(fy, chroma))
    return linear


@lru_cache(maxsize=1)
def _largest_chroma() -> Floats:
    """(_LIGHTNESSES, _HUES + 1): how long a chroma can be, for f(Y) from black to white, hue all the way around."""
    hue = np.linspace(0, 2 * np.pi, _HUES + 1)
    fy = np.repeat(np.linspace(F_BLACK, 1, _LIGHTNESSES, dtype=np.float32), hue.size)[None]
    around = np.tile(_VIVID * np.stack([np.cos(hue), np.sin(hue)]), _LIGHTNESSES).astype(np.float32)
    length: Floats = _bisected_factor(fy, around).reshape(_LIGHTNESSES, hue.size) * np.float32(_VIVID)
    return length


def _factor_of_table(fy: Floats, chroma: Floats) -> Floats:
    """The factor at which colours out of gamut would be at its boundary, to a few per cent."""
    length, column = cv2.cartToPolar(chroma[:1], chroma[1:])
    column *= np.float32(_HUES / (2 * np.pi))
    row = fy - np.float32(F_BLACK)
    row *= np.float32((_LIGHTNESSES - 1) / (1 - F_BLACK))
    table, factor = _largest_chroma(), np.empty_like(fy)
    for start in range(0, factor.size, _MOST_REMAPPED):
        some = np.s_[:, start : start + _MOST_REMAPPED]
        factor[some] = cv2.remap(table, column[some], row[some], cv2.INTER_LINEAR)
    factor /= np.clip(length, _GREY, _INFINITY)
    return np.clip(factor, _ZERO, _ONE, out=factor)


def _newton_factor(fy: Floats, chroma: Floats) -> Floats:
    """The factor, 1 at most, at which R, G or B becomes 0 or 1."""
    factor = _factor_of_table(fy, chroma)
    step = _newton_step(fy, chroma, factor)
    factor += step
    np.clip(factor, _ZERO, _ONE, out=factor)
    far = np.flatnonzero(np.abs(step) > _FAR)
    if far.size:
        nearer = np.take(factor, far)[None]
        nearer += _newton_step(np.take(fy, far, axis=1), np.take(chroma, far, axis=1), nearer)
        factor[0, far] = np.clip(nearer, _ZERO, _ONE)[0]
    return factor


def _newton_step(fy: Floats, chroma: Floats, factor: Floats) -> Floats:
    """How much further on R, G or B would become 0 or 1 if each kept the slope that it has here."""
    luminance, added = _luminance(fy)
    now = chroma * factor
    beyond = _beyond_edge(fy, now)
    slopes = _inverse_slopes(beyond)
    slopes *= chroma
    values = _each_primary(_differences(beyond, now, added))
    values += luminance
    return _distance_to_face(values, _each_primary(slopes))


def _inverse_slopes(beyond: Floats) -> Floats:
    """Slopes of the inverse of Lab's f: 3 f^2, and below the edge that of the edge."""
    slope: Floats = beyond + np.float32(F_EDGE)
    slope *= slope
    slope *= np.float32(3)
    return slope


def _each_primary(differences: Floats) -> Floats:
    """(3, n): what X - Y and Z - Y, or slopes of them, give to R, G and B."""
    sums: Floats = differences[0] * _PER_X_COLUMN
    sums += differences[1] * _PER_Z_COLUMN
    return sums


def _distance_to_face(values: Floats, slopes: Floats) -> Floats:
    """How far on R, G or B is 0 or 1, whichever is first, if their slopes stay: (3, n) each to (1, n).

    (1 - value) / slope for one that rises, (0 - value) / slope for one that falls; not a number for one that stays.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        per_slope = np.reciprocal(slopes, out=slopes)
        values *= per_slope
        np.clip(per_slope, _ZERO, _INFINITY, out=per_slope)
        per_slope -= values
    nearest: Floats = np.fmin.reduce(per_slope, axis=0, keepdims=True)
    return nearest


def _bisected_factor(fy: Floats, chroma: Floats) -> Floats:
    """The largest factor in 0..1 with which the colour fits, to one part in 2^14."""
    inside = np.zeros_like(fy)
    step = np.float32(0.5)
    for _ in range(_BISECTIONS):
        tried = inside + step
        inside = np.where(outside_gamut(linear_rgb(fy, chroma * tried)), inside, tried)
        step *= np.float32(0.5)
    return inside
