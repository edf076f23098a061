"""From lightness and chroma to linear sRGB, chroma yielding where sRGB cannot hold both.

A predicted colour often lies outside the sRGB gamut. Clipping R, G and B one by one would then move lightness and hue.
Here a and b shrink by one factor, at constant L and hue, until the colour fits.

The factor is where the way from grey to the wanted colour leaves the gamut: the first place where R, G or B becomes 0
or 1. Newton's method finds it from grey outwards in a few steps; the answer is verified, and where it does not hold,
bisection takes over.

The arithmetic is laid out for speed: few passes over whole planes, each by NumPy or OpenCV. Chroma is counted in the f
of CIE Lab: dx = f(X) - f(Y) = a / 500 and dz = f(Z) - f(Y) = -b / 200.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.lab import F_BLACK, F_EDGE, F_SLOPE, WHITE, XYZ_TO_RGB

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MARGIN = 2e-6
"""Linear light beyond 0 or 1 that counts as rounding: it moves L by less than 0.002."""

_LINE = 1 / F_SLOPE

# White is R = G = B = 1, so each row of this matrix sums to 1, and each of R, G and B is Y + its share of X - Y + its
# share of Z - Y, with X, Y and Z relative to the white point.
_PER_X, _, _PER_Z = (XYZ_TO_RGB * WHITE).T
_FROM_DIFFERENCES = np.stack([np.ones(3), _PER_X, _PER_Z], axis=1)

_NEWTON_STEPS = 4
"""Calm colours take two, very vivid ones five."""

_WITHIN = np.float32(0.998)
"""The share of the factor found that is used, so that rounding does not lead out again."""

_BISECTIONS = 14

_LIST = 1 << 16
"""Colours out of gamut that are worked on at a time."""

# np.clip is vectorized; np.maximum with a number is not, and cv2.max takes a 1 x 1 picture for a number
_ZERO, _ONE, _INFINITY = np.float32(0), np.float32(1), np.float32(np.inf)


def fitting_rgb(fy: Floats, dx: Floats, dz: Floats) -> Floats:
    """Linear light of the wanted lightness and hue, with as much of the wanted chroma as sRGB can hold.

    Parameters
    ----------
    fy, dx, dz
        (H, W) float32 f(Y), f(X) - f(Y) and f(Z) - f(Y).

    Returns
    -------
    ndarray, (H, W, 3) float32 RGB; in 0..1 to within `MARGIN`, if Y is
    """
    linear = linear_rgb(fy, dx, dz)
    outside = np.flatnonzero(outside_gamut(linear))
    colors = linear.reshape(-1, 3)
    for start in range(0, outside.size, _LIST):
        places = outside[start : start + _LIST]
        colors[places] = _reduced(*(np.take(plane, places)[None] for plane in (fy, dx, dz)))
    return linear


def linear_rgb(fy: Floats, dx: Floats, dz: Floats) -> Floats:
    """Linear light, in and out of gamut.

    The inverse of Lab's f is a straight line plus, beyond the edge, what the cube adds to it: no branches. Y itself
    never depends on the chroma, and where that is 0 so are X - Y and Z - Y, and the result is exactly grey.

    Parameters
    ----------
    fy, dx, dz
        (H, W) float32 f(Y), f(X) - f(Y) and f(Z) - f(Y).

    Returns
    -------
    ndarray, (H, W, 3) float32 RGB
    """
    luminance, added = _luminance(fy)
    differences = [_difference(_beyond_edge(fy, chroma), chroma, added) for chroma in (dx, dz)]
    return np.asarray(cv2.transform(cv2.merge([luminance, *differences]), _FROM_DIFFERENCES), np.float32)


def outside_gamut(linear: Floats) -> Mask:
    """Which colours sRGB cannot hold: (H, W, 3) linear light to (H, W)."""
    mask: Mask = cv2.inRange(linear, (-MARGIN,) * 3, (1 + MARGIN,) * 3) == 0
    return mask


def _luminance(fy: Floats) -> tuple[Floats, Floats]:
    """Y, and of it what the cube is above the line."""
    beyond = fy - np.float32(F_EDGE)
    added = _cube_over_line(np.clip(beyond, _ZERO, _INFINITY, out=beyond))
    return np.asarray(cv2.addWeighted(fy, _LINE, added, 1, -_LINE * F_BLACK), np.float32), added


def _beyond_edge(fy: Floats, chroma: Floats) -> Floats:
    """How far f(X) or f(Z) is beyond the edge."""
    beyond: Floats = np.asarray(cv2.addWeighted(fy, 1, chroma, 1, -F_EDGE), np.float32)
    return np.clip(beyond, _ZERO, _INFINITY, out=beyond)


def _cube_over_line(beyond: Floats) -> Floats:
    """What f^3 is above its tangent at the edge e: t^2 (t + 3 e) with t = f - e."""
    result: Floats = beyond + np.float32(3 * F_EDGE)
    result *= beyond
    result *= beyond
    return result


def _difference(beyond: Floats, chroma: Floats, added: Floats) -> Floats:
    """X - Y or Z - Y of a chroma dx or dz."""
    difference: Floats = _cube_over_line(beyond)
    difference -= added
    cv2.scaleAdd(chroma, _LINE, difference, dst=difference)
    return difference


def _reduced(fy: Floats, dx: Floats, dz: Floats) -> Floats:
    """Linear light, (n, 3), of (1, n) colours that are out of gamut as they are."""
    factor = _newton_factor(fy, dx, dz)
    factor *= _WITHIN
    linear: Floats = linear_rgb(fy, dx * factor, dz * factor)[0]
    failed = np.flatnonzero(outside_gamut(linear[None]))
    if failed.size:
        colors = [plane[:, failed] for plane in (fy, dx, dz)]
        factor = _bisected_factor(*colors)
        linear[failed] = linear_rgb(colors[0], colors[1] * factor, colors[2] * factor)[0]
    return linear


def _newton_factor(fy: Floats, dx: Floats, dz: Floats) -> Floats:
    """The factor at which R, G or B first becomes 0 or 1; at each step as if each kept the slope that it has there."""
    luminance, added = _luminance(fy)
    # The first step is from grey, where R = G = B = Y and every slope is that of f(Y).
    from_grey = _inverse_slope(np.clip(fy - np.float32(F_EDGE), _ZERO, _INFINITY))
    factor = _distance_to_face(np.repeat(luminance, 3, axis=0), _each_primary(from_grey * dx, from_grey * dz))
    np.clip(factor, _ZERO, _ONE, out=factor)
    for _ in range(1, _NEWTON_STEPS):
        differences, slopes = [], []
        for chroma in (dx, dz):
            now = chroma * factor
            beyond = _beyond_edge(fy, now)
            differences.append(_difference(beyond, now, added))
            slopes.append(_inverse_slope(beyond) * chroma)
        factor += _distance_to_face(_each_primary(*differences) + luminance, _each_primary(*slopes))
        np.clip(factor, _ZERO, _ONE, out=factor)
    return factor


def _inverse_slope(beyond: Floats) -> Floats:
    """Slope of the inverse of Lab's f: 3 f^2, and below the edge that of the edge."""
    slope: Floats = beyond + np.float32(F_EDGE)
    slope *= slope
    slope *= np.float32(3)
    return slope


def _each_primary(x: Floats, z: Floats) -> Floats:
    """(3, n): what X - Y and Z - Y, or slopes of them, give to R, G and B."""
    sums: Floats = np.multiply(x, _PER_X[:, None].astype(np.float32))
    sums += z * _PER_Z[:, None].astype(np.float32)
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


def _bisected_factor(fy: Floats, dx: Floats, dz: Floats) -> Floats:
    """The largest factor in 0..1 with which the colour fits, to one part in 2^14."""
    inside = np.zeros_like(fy)
    step = np.float32(0.5)
    for _ in range(_BISECTIONS):
        tried = inside + step
        inside = np.where(outside_gamut(linear_rgb(fy, dx * tried, dz * tried)), inside, tried)
        step *= np.float32(0.5)
    return inside
