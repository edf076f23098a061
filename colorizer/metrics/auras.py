"""Auras: colour that a result spills beyond the outline of what it belongs to, such as a roof's brown in the sky.

A mean over all pixels hardly sees them, for they are narrow; an eye sees little else. Two measures, both at strong
edges of *lightness*, which a colorizer could have seen: the error in a band beside them, and how far the colour of one
side reaches into the other, as a distance.

Takes arrays of one picture: lightness (H, W) float32, L in 0..100, and ab (H, W, 2), CIE Lab units (D65). Source: this
project; the distance is that of edge spread functions (ISO 12233), taken of chroma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.metrics.classes import Plane, check_ab
from colorizer.metrics.pictures import ab_distance

Floats = npt.NDArray[np.float32]

EDGE_BLUR = 1.0
"""Standard deviation in pixels of the blur before gradients are taken, against grain."""

EDGE_SLOPE = 8.0
"""L per pixel after that blur: what a step of 20 L leaves."""

BAND = (2.0, 12.0)
"""Pixels from the nearest strong edge: beyond what JPEG's halved chroma blurs, and as far as auras are seen."""

REACH_SHARE, SHORTEST_REACH = 0.1, 12
"""How far beside an edge colour is followed: a share of the picture's short side, and at least so many pixels."""

BLURRED = 3
"""Pixels beside an edge that the original's own blur may take."""

FLAT_AB, FLAT_LIGHTNESS = 6.0, 10.0
"""A side is of one colour where the original's ab and L stay this near to their mean."""

TRUE_STEP, SEEN_STEP = 10.0, 5.0
"""ab between the two sides: of the original at least this, and of the result, to tell how far it reaches."""

SPILLED = 0.1
"""Share of the other side's colour that counts as bleeding."""

MOST_SIDES = 4000
"""Of a picture; spread evenly where there are more."""

LONGEST_SIDE = 32767
"""Of a picture that OpenCV can look up values in."""

_BEYOND = cv2.BORDER_REPLICATE


def aura_band(lightness: Floats) -> npt.NDArray[np.bool_]:
    """The pixels beside strong edges of lightness, (H, W), see `aura_error`; lightness is (H, W), L of the original."""
    strong = _slopes(lightness)[2] >= EDGE_SLOPE
    if not strong.any():
        return strong
    away = cv2.distanceTransform(np.logical_not(strong).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray((away >= BAND[0]) & (away <= BAND[1]))


def aura_error(band: npt.NDArray[np.bool_], true_ab: Plane, predicted_ab: Plane) -> float:
    """Error beside strong edges of lightness.

    Definition: mean ab distance over the pixels at least 2 and at most 12 pixels (Euclidean, pixel centres) from the
    nearest strong edge; an edge is a pixel where the gradient of L, central differences after a Gaussian blur of 1
    pixel, is 8 L per pixel or more (a step of 20 L). Range: 0 to about 200, lower is better; NaN without such a band.
    Pitfalls: depends on the size of the picture. It includes plain wrong colour: read it beside `ab_distance`.

    Parameters
    ----------
    band
        (H, W), as `aura_band` gives it.
    true_ab, predicted_ab
        (H, W, 2), CIE Lab units.

    Raises
    ------
    InputError
        No ab planes, shapes differ, or values that are not finite.
    """
    error = ab_distance(true_ab, predicted_ab)
    return float(error[band].mean()) if band.any() else math.nan


@dataclass(frozen=True)
class Sides:
    """Sides of strong lightness edges that are of one colour, another than the other side's, in the original.

    Attributes
    ----------
    rows, columns
        (N,) float32, of the edge's pixels.
    down, right
        (N,) float32, the unit vector from there into the side.
    reach
        Pixels, as far as the side is known to be of one colour.
    """

    rows: Floats
    columns: Floats
    down: Floats
    right: Floats
    reach: int

    def profiles(self, plane: Plane, first: int, last: int) -> Floats:
        """Values at whole distances from the edges, `first` to `last`: (N, last - first + 1, channels) float32."""
        away = np.arange(first, last + 1, dtype=np.float32)
        x = self.columns[:, None] + self.right[:, None] * away
        y = self.rows[:, None] + self.down[:, None] * away
        found = cv2.remap(np.asarray(plane, np.float32), x, y, cv2.INTER_LINEAR, borderMode=_BEYOND)
        return np.asarray(found, np.float32).reshape(*x.shape, -1)

    def chosen(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Sides:
        """Some of them."""
        return Sides(self.rows[which], self.columns[which], self.down[which], self.right[which], self.reach)


def flat_sides(lightness: Floats, true_ab: Plane) -> Sides:
    """Where in a picture bleeding can be told from colours that are there: see `bleeding_distance`.

    Raises
    ------
    InputError
        No ab plane, or values that are not finite.
    """
    check_ab(true_ab)
    height, width = lightness.shape
    reach = max(SHORTEST_REACH, round(REACH_SHARE * min(height, width)))
    if max(height, width) >= LONGEST_SIDE:
        nowhere = np.zeros(0, np.float32)
        return Sides(nowhere, nowhere, nowhere, nowhere, reach)
    down, right, slope = _slopes(lightness)
    rows, columns = np.nonzero(_crests(down, right, slope))
    norm = slope[rows, columns]
    y, x = np.tile(rows, 2).astype(np.float32), np.tile(columns, 2).astype(np.float32)
    step_y, step_x = down[rows, columns] / norm, right[rows, columns] / norm
    # an edge has two sides
    sides = Sides(y, x, np.concatenate([step_y, -step_y]), np.concatenate([step_x, -step_x]), reach)
    sides = sides.chosen(_inside(sides, height, width))
    if len(sides.rows) > MOST_SIDES:
        sides = sides.chosen(np.linspace(0, len(sides.rows) - 1, MOST_SIDES).astype(np.intp))
    if not len(sides.rows):
        return sides
    beyond = sides.profiles(true_ab, BLURRED, reach)
    light = sides.profiles(lightness, BLURRED, reach)
    flat = (_spread(beyond) <= FLAT_AB) & (_spread(light) <= FLAT_LIGHTNESS)
    step = np.linalg.norm(_within(sides, true_ab) - beyond.mean(axis=1), axis=-1)
    return sides.chosen(flat & (step >= TRUE_STEP))


def bleeding_distance(sides: Sides, ab: Plane) -> float:
    """How far chroma bleeds beyond an edge, in pixels.

    Definition: the sides of strong lightness edges (`aura_error`, the crest of the gradient alone) are taken on which
    the original has one colour for a tenth of the picture's short side (ab within 6 and L within 10 of their mean),
    and another colour across the edge (10 units of ab or more). From the edge outwards, the result's ab is split into
    the colour that it has far out on this side and the colour that it has across the edge; the distance is where the
    share of the latter falls to a tenth. Mean over the sides where the result has two colours (5 units apart).
    Range: 0 to three quarters of that tenth of the short side, lower is better; NaN where there is no such side.
    Pitfalls: the original's own distance is not 0: JPEG halves chroma. A result of one colour bleeds nowhere.

    Parameters
    ----------
    sides
        Of the original.
    ab
        (H, W, 2) of the result, CIE Lab units.
    """
    if not len(sides.rows):
        return math.nan
    far = sides.reach * 3 // 4
    profile = sides.profiles(ab, 0, sides.reach)
    outside = profile[:, far:].mean(axis=1)
    axis = _within(sides, ab) - outside
    length = np.linalg.norm(axis, axis=-1)
    seen = length >= SEEN_STEP
    if not seen.any():
        return math.nan
    share = ((profile - outside[:, None]) * axis[:, None]).sum(axis=-1)[seen, : far + 1] / (length[seen, None] ** 2)
    return float(_first_below(share, SPILLED).mean())


def _first_below(share: Floats, limit: float) -> Floats:
    """Where each row first falls to a limit, by linear interpolation; its end where it does not: (N,)."""
    below = share <= limit
    place = np.where(below.any(axis=1), below.argmax(axis=1), share.shape[1] - 1)
    lines = np.arange(len(share))
    after, before = share[lines, place], share[lines, np.maximum(place - 1, 0)]
    crossed = below[lines, place] & (place > 0)
    back = np.where(crossed, (limit - after) / np.where(crossed, before - after, 1), 0)
    return np.asarray(place - back, np.float32)


def _within(sides: Sides, plane: Plane) -> Floats:
    """The mean colour across the edge: (N, 2)."""
    return np.asarray(sides.profiles(plane, -(sides.reach // 3), -2).mean(axis=1), np.float32)


def _spread(profiles: Floats) -> Floats:
    """The largest distance from the mean, of each profile: (N,)."""
    return np.asarray(np.linalg.norm(profiles - profiles.mean(axis=1, keepdims=True), axis=-1).max(axis=1))


def _inside(sides: Sides, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Whether all of a side that is looked at lies in the picture."""
    fits = np.ones(len(sides.rows), np.bool_)
    for away in (-(sides.reach // 3), sides.reach):
        y, x = sides.rows + sides.down * away, sides.columns + sides.right * away
        fits &= (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
    return fits


def _slopes(lightness: Floats) -> tuple[Floats, Floats, Floats]:
    """Change of L downwards and to the right, per pixel, and its norm."""
    blurred = cv2.GaussianBlur(np.asarray(lightness, np.float32), (0, 0), EDGE_BLUR, borderType=_BEYOND)
    padded = np.pad(blurred, 1, mode="edge")
    half = np.float32(0.5)
    down = np.asarray((padded[2:, 1:-1] - padded[:-2, 1:-1]) * half, np.float32)
    right = np.asarray((padded[1:-1, 2:] - padded[1:-1, :-2]) * half, np.float32)
    return down, right, np.hypot(down, right)


def _crests(down: Floats, right: Floats, slope: Floats) -> npt.NDArray[np.bool_]:
    """Strong edges, one pixel wide: the slope is no less than on either side (non-maximum suppression; Canny 1986)."""
    strong = slope >= EDGE_SLOPE
    rows, columns = np.nonzero(strong)
    if not len(rows):
        return strong
    y, x = (np.asarray(each, np.float32) for each in (rows, columns))
    step_y, step_x = (each[strong] / slope[strong] for each in (down, right))
    highest = np.ones(len(rows), np.bool_)
    for sign in (-1, 1):
        beside = _sampled(slope, y + sign * step_y, x + sign * step_x)
        # of two equals the one uphill is taken
        highest &= slope[strong] >= beside if sign < 0 else slope[strong] > beside
    crests = np.zeros_like(strong)
    crests[rows[highest], columns[highest]] = True
    return crests


def _sampled(plane: Floats, y: Floats, x: Floats) -> Floats:
    """Values between pixels, (N,)."""
    # OpenCV's maps have sides of 32767 at most
    wide = 1 << 12
    across, down = (np.pad(each, (0, -len(y) % wide)).reshape(-1, wide) for each in (x, y))
    parts = [
        cv2.remap(plane, across[row : row + wide], down[row : row + wide], cv2.INTER_LINEAR, borderMode=_BEYOND)
        for row in range(0, len(across), wide)
    ]
    return np.asarray(np.concatenate(parts), np.float32).ravel()[: len(y)]
