"""How the colours of a shot are changed towards those of an earlier one: by what is added to each thing all through it.

At places of some of its frames it is known what to add to the chroma. What lies near them and has their colour and
lightness gets the same; so does, with less weight, what has their colour and lightness anywhere (Gaussian process
regression, Rasmussen and Williams 2006, equation 2.25, with a kernel of two parts). Places that are another thing than
in the earlier shot, as somebody who walked in, are known to get nothing.

That is carried along the motion to all frames of the shot: a thing gets the same in each of them, so what changes in it
still does. What comes into sight is changed by its colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.film.guidance.layers import Anchor, Planes, ShotFrames, carried
from colorizer.film.guidance.store import PlaneStore
from colorizer.guidance.kernel import near

Floats = npt.NDArray[np.float32]

CHROMA, LIGHTNESS = 15.0, 30.0
"""Lengths over which colours are alike, in a and b, and in L."""

_PLACE = 0.1
"""The same of places, as a share of width and height."""

_ANYWHERE = 0.2
"""Share of the variance that does not depend on the place."""

_NOISE = 0.3
"""Variance of what is known at a place, as a share of that of the change itself."""

_MOST_PLACES = 600
"""That are solved for."""

_COARSE = 4
"""Changes are computed at this fraction of the size: that of most networks' answers."""

_BLUR = 1.0
"""Standard deviation, in cells of that, of the lightness's blur: grain is no colour."""

_LEAST_TRUST, _OTHER = 0.5, 0.3
"""From which on a place is the same, and below which, where both frames show it, it is another thing."""


@dataclass(frozen=True)
class Told:
    """What is to be added to the chroma at n places.

    Attributes
    ----------
    colors
        (n, 3) float32, their L, a and b in lengths over which colours are alike.
    places
        (n, 2) float32, x and y, likewise.
    change
        (n, 2) float32, CIE Lab units.
    doubt
        (n,) float32, variance of that as a share of the change's own.
    """

    colors: Floats
    places: Floats
    change: Floats
    doubt: Floats

    @classmethod
    def of(cls, lightness: Floats, ab: Floats, wanted: Floats, trust: Floats, seen: Floats) -> Told:
        """Of places of a frame.

        Parameters
        ----------
        lightness
            (h, w) float32 L.
        ab, wanted
            (h', w', 2) float32, CIE Lab units: the chroma, and what it should be, at any size.
        trust
            (h, w) float32, 0..1, in what is wanted.
        seen
            (h, w) float32, whether the earlier frame shows the place; 0 or 1.
        """
        colors, places = _coordinates(lightness, ab)
        size = _coarse_size(lightness)
        own, goal, sure, both = (
            np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32).reshape(len(places), -1)
            for plane in (ab, wanted, trust, seen)
        )
        same, other = sure[:, 0] >= _LEAST_TRUST, (both[:, 0] > 1 - 1 / _COARSE) & (sure[:, 0] < _OTHER)
        change = (goal - own) * same[:, None]
        doubt = np.float32(_NOISE) / np.where(same, sure[:, 0], 1)
        known = same | other
        return cls(colors[known], places[known], change[known], doubt[known])


@dataclass(frozen=True)
class Shift:
    """What is added, as far as colour and place say.

    Attributes
    ----------
    colors, places
        As of `Told`.
    weights
        (n, 2) float32, CIE Lab units.
    """

    colors: Floats
    places: Floats
    weights: Floats

    @classmethod
    def fitted(cls, told: Sequence[Told]) -> Shift:
        """That fits what is told; of many places some are taken."""
        colors, places, change, doubt = (
            np.concatenate([getattr(one, name) for one in told]) for name in ("colors", "places", "change", "doubt")
        )
        some = np.random.default_rng(0).permutation(len(colors))[:_MOST_PLACES]
        colors, places = colors[some], places[some]
        matrix = _alike(near(colors, colors), near(places, places)).astype(np.float64)
        matrix[np.diag_indices(len(some))] += doubt[some]
        weights = np.linalg.solve(matrix, change[some].astype(np.float64))
        return cls(colors, places, weights.astype(np.float32))

    def here(self, lightness: Floats, ab: Floats) -> Floats:
        """What is added to a frame in which places are told: (h, w, 2) float32, CIE Lab units.

        Parameters
        ----------
        lightness
            (h, w) float32 L.
        ab
            (h', w', 2) float32, CIE Lab units, at any size.
        """
        colors, places = _coordinates(lightness, ab)
        alike = _alike(near(colors, self.colors), near(places, self.places))
        return _grown(alike @ self.weights, lightness, lightness.shape)

    def anywhere(self, lightness: Floats, ab: Floats) -> Floats:
        """What is added to a frame by its colours alone: (h', w', 2) float32, CIE Lab units, as large as `ab`."""
        colors, _ = _coordinates(lightness, ab)
        return _grown(np.float32(_ANYWHERE) * near(colors, self.colors) @ self.weights, lightness, ab.shape)


@dataclass(frozen=True)
class FrameShift:
    """The same of one frame.

    Attributes
    ----------
    shift
        What colours say.
    planes
        (h, w, 3) float32: what was carried here, in a and b, CIE Lab units, and the trust in that, 0..1.
    """

    shift: Shift
    planes: Floats

    def applied(self, ab: Floats, lightness: Floats) -> Floats:
        """The changed chroma.

        Parameters
        ----------
        ab
            (h', w', 2) float32, CIE Lab units.
        lightness
            (h, w) float32 L.
        """
        both = cv2.resize(self.planes, ab.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        added, trust = both[..., :2], both[..., 2:]
        return np.asarray(ab + trust * added + (1 - trust) * self.shift.anywhere(lightness, ab), np.float32)


class ShotShift:
    """What is added to each frame of a shot.

    Parameters
    ----------
    shift
        What colours and places say.
    frames
        The shot.
    known
        By their places in the shot, what is added to frames in which it is told, (h, w, 2); in their order.
    """

    def __init__(self, shift: Shift, frames: ShotFrames, known: Sequence[tuple[int, Floats]]) -> None:
        self._shift = shift
        self._store = PlaneStore((frames.height, frames.width, 3), frames.folder)
        nothing = np.zeros((frames.height, frames.width), np.float32)
        anchors = [Anchor(place, Planes(nothing, added)) for place, added in known]
        for place, (planes, trust) in enumerate(carried(frames, anchors)):
            self._store.put(place, np.dstack([planes.added, trust]))

    def at(self, place: int) -> FrameShift:
        """What is added to a frame, by its place in the shot."""
        return FrameShift(self._shift, self._store.get(place))

    def close(self) -> None:
        """Let go of it."""
        self._store.close()


def _alike(colors: Floats, places: Floats) -> Floats:
    """The kernel, of the likeness of colours and of places."""
    share = np.float32(_ANYWHERE)
    return np.asarray(colors * (share + (1 - share) * places), np.float32)


def _coordinates(lightness: Floats, ab: Floats) -> tuple[Floats, Floats]:
    """Of a frame's coarse places: their colours (n, 3), and where they are (n, 2), in lengths."""
    size = _coarse_size(lightness)
    light = cv2.GaussianBlur(cv2.resize(lightness, size, interpolation=cv2.INTER_AREA), (0, 0), _BLUR)
    chroma = cv2.resize(ab, size, interpolation=cv2.INTER_AREA)
    colors = np.dstack([light / LIGHTNESS, chroma / CHROMA]).reshape(-1, 3)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    places = np.dstack([x / size[0], y / size[1]]).reshape(-1, 2) / _PLACE
    return np.asarray(colors, np.float32), np.asarray(places, np.float32)


def _coarse_size(lightness: Floats) -> tuple[int, int]:
    """Width and height."""
    height, width = lightness.shape
    return max(1, width // _COARSE), max(1, height // _COARSE)


def _grown(change: Floats, lightness: Floats, shape: tuple[int, ...]) -> Floats:
    """A change at coarse places, (n, 2), at the size of a picture of some shape."""
    width, height = _coarse_size(lightness)
    grown = cv2.resize(change.reshape(height, width, 2), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown, np.float32)
