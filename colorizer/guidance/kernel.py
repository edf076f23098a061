"""How alike the network's errors are at two places: the kernel that `colorizer.guidance.field` regresses by.

Its first part is what a network gets wrong together, as shares of its doubt at both places. Its second is what a hint
says of its own object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.guidance.metric import Floats
from colorizer.guidance.scene import Coordinates, Scene, half_square

Doubles = npt.NDArray[np.float64]
AnyFloats = npt.NDArray[np.floating[Any]]

USERS_LINEAR = 0.3
"""Factor on the term that is proportional to predicted chroma, up to the default carry: it tints whole pictures. At a
carry of 1 it is 1."""

_USERS_CARRY = 0.4
_LINEAR = 4
"""Which amplitude is that term's."""


@dataclass(frozen=True)
class Reach:
    """How far hints go: (n,) of each, or (m, n) of pairs of places and hints.

    Attributes
    ----------
    carry
        0..1, factor on the first part.
    linear
        Factor on its linear term.
    """

    carry: AnyFloats
    linear: AnyFloats

    @classmethod
    def of(cls, carry: Doubles) -> Reach:
        """Of n hints."""
        share = np.clip((carry - _USERS_CARRY) / (1 - _USERS_CARRY), 0, 1)
        return cls(carry, USERS_LINEAR + (1 - USERS_LINEAR) * share)

    def take(self, rows: slice) -> Reach:
        """Of some of the hints."""
        return Reach(self.carry[rows], self.linear[rows])

    def between(self, nearness: AnyFloats) -> Reach:
        """Of places and hints, by how near each of m places is to each of the n hints, (m, n) with sums of 1."""
        pairs = ((nearness @ np.asarray(each, np.float32))[:, None] * each for each in (self.carry, self.linear))
        return Reach(*(np.sqrt(pair) for pair in pairs))


def shared(scene: Scene, a: Coordinates, b: Coordinates, reach: Reach) -> Floats:
    """What errors at (n,) and (m,) places have in common, as shares of the doubt at both: (n, m).

    Parameters
    ----------
    scene
        The picture.
    a, b
        The places.
    reach
        For each pair, or for each of the second, which are hints.
    """
    amplitudes = scene.metric.amplitudes
    total = amplitudes[0] * near(a.alike, b.alike, a.half(0))
    if amplitudes[1]:
        total += amplitudes[1] * near(a.same, b.same, a.half(1))
    total += amplitudes[2] * near(a.near, b.near, a.half(2))
    total += amplitudes[3]
    total += amplitudes[_LINEAR] * (a.chroma @ b.chroma.T) * np.asarray(reach.linear, np.float32)
    return np.asarray(total * np.asarray(reach.carry, np.float32), np.float32)


def closeness(scene: Scene, distance: Floats) -> Floats:
    """Of distances along the picture: 1 at the hint, towards 0 far away."""
    return np.asarray(np.exp(np.float32(-0.5) * distance ** np.float32(scene.prices.power)), np.float32)


@dataclass(frozen=True)
class Objects:
    """What n hints say of their own objects: their look, and the mean of the squared doubt there."""

    look: Floats  # (n, k)
    square: Doubles  # (n,)

    def take(self, rows: slice) -> Objects:
        """Of some of the hints."""
        return Objects(self.look[rows], self.square[rows])

    def reach(self, scene: Scene, places: Coordinates, close: Floats, square: AnyFloats) -> Floats:
        """How firmly m places lie on the hints' objects: (m, n), 1 at the hints.

        Places have a closeness to each hint along the picture (m, n), and a squared doubt (m,).
        """
        prices, metric = scene.prices, scene.metric
        # likeness to the power of `feature`, and min(1, square / the hint's) to that of `timidity`, in one exponential
        exponent = _away(places.own, self.look, places.half(3))
        here, there = (np.log(each).astype(np.float32) for each in (square, self.square))
        exponent += np.float32(metric.timidity / 2) * np.minimum(0, here[:, None] - there[None])
        exponent *= np.float32(prices.feature)
        found = np.exp(exponent, out=exponent)
        found *= close
        return found


def near(a: Floats, b: Floats, half: Floats | None = None) -> Floats:
    """exp(-d^2 / 2) of the distances between rows: (n, m) float32; `half` is that of the first, where it is known."""
    exponent = _away(a, b, half)
    return np.asarray(np.exp(exponent, out=exponent), np.float32)


def _away(a: Floats, b: Floats, half: Floats | None = None) -> Floats:
    """-d^2 / 2 of the distances between rows: (n, m) float32."""
    inner = a @ b.T
    inner -= (half_square(a) if half is None else half)[:, None]
    inner -= half_square(b)[None]
    return np.asarray(np.minimum(inner, 0, out=inner), np.float32)
