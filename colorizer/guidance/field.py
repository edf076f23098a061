"""How a hint's colour spreads: Gaussian-process regression of the network's error on what hints say of it.

A hint is a place and the colour it has. Where that differs from the prediction, the network erred; by how much
elsewhere? The error is taken for a Gaussian process (kriging; Krige 1951, Rasmussen and Williams 2006, equation 2.25)
with two parts:

- what a network gets wrong together: places that look alike to it, are of like lightness and near each other, in
  proportion to its own doubt at both places;
- what the hint says of its own object: distances along the picture, over which changes of lightness and of look are
  dear, as in Levin, Lischinski and Weiss 2004; the stronger, the more the hint surprises.

The answer is linear in the hints' colours, and takes an n x n solve and n exponentials a place.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.strips import worthwhile
from colorizer.guidance.metric import Floats
from colorizer.guidance.scene import Coordinates, Scene

Doubles = npt.NDArray[np.float64]

MOST_POINTS = 512
"""That are solved for; of more, neighbours are joined."""

USERS_LINEAR = 0.3
"""Factor on the term that is proportional to predicted chroma, up to the default carry: it tints whole pictures. At a
carry of 1 it is 1."""

_USERS_CARRY = 0.4
_LEAST_PATCH = 3.0
"""Pixels of the working size over which a hint's surroundings are averaged."""

_LEAST_NOISE = 0.25
"""Variance, in squares of CIE Lab units, that keeps the solve well-behaved for hints at one place."""

_LINEAR = 4
"""Which amplitude is that term's."""

_PLACES = 1 << 13


@dataclass(frozen=True)
class Told:
    """What n points of hints say.

    Attributes
    ----------
    points
        (n, 2) x and y, pixels of the working size.
    ab
        (n, 2) wanted.
    keep
        (n,) bool; these want what there is.
    carry
        (n,) 0..1.
    patch
        (n,) width of what they speak of, pixels of the working size.
    """

    points: Doubles
    ab: Doubles
    keep: npt.NDArray[np.bool_]
    carry: Doubles
    patch: Doubles

    def __len__(self) -> int:
        return len(self.points)


def spread(scene: Scene, told: Told, base: Floats, threads: int | None = None, right: Floats | None = None) -> Floats:
    """The change that hints make.

    Parameters
    ----------
    scene
        The picture.
    told
        The hints.
    base
        (H, W, 2) float32 ab, what there would be without them, at the working size.
    threads
        How many compute; None: the cores that this process may use.
    right
        (H, W, 2) float32 ab, what hints that say `keep` want; None: `base`.

    Returns
    -------
    ndarray, (H, W, 2) float32, CIE Lab units, to be added
    """
    height, width = scene.size
    if not len(told):
        return np.zeros((height, width, 2), np.float32)
    told = joined(told, scene.size)
    metric = scene.metric
    at, doubt, present = _at_hints(scene, told, base)
    kept = present if right is None else _at_hints(scene, told, right)[2]
    error = np.where(told.keep[:, None], kept, told.ab) - present
    mean_square = (doubt * doubt).mean(axis=1)
    surprise = (error * error).mean(axis=1) / mean_square
    trust = mean_square * (metric.surprise[0] + metric.surprise[1] * surprise)
    if told.keep.any():
        # what is right holds its object as firmly as the firmest hint
        trust = np.where(told.keep, trust.max(), trust)

    walks, between = scene.distances(told.points)
    carried = np.sqrt(told.carry[:, None] * told.carry[None])
    linear = _linear(told.carry)
    shared = _shared(scene, at, at, np.sqrt(linear[:, None] * linear[None])) * carried
    hints = _Objects(at.own, mean_square, trust)
    own = hints.reach(scene, at.own, _closeness(scene, between), mean_square)
    answer = []
    for channel in range(2):
        matrix = shared * doubt[:, channel, None] * doubt[None, :, channel] + own
        noise = metric.noise**2 * (told.carry * doubt[:, channel] ** 2 + trust) + _LEAST_NOISE
        matrix[np.diag_indices(len(told))] += noise
        answer.append(np.linalg.solve(matrix, error[:, channel]))
    weights = np.stack(answer, axis=1)

    close = np.ascontiguousarray(_closeness(scene, walks).reshape(len(told), -1).T)
    alike = bool(np.ptp(told.carry) == 0)
    change = np.empty((height * width, 2), np.float32)
    carry, linear = told.carry.astype(np.float32), linear.astype(np.float32)
    of_doubt, of_objects = (doubt * weights).astype(np.float32), weights.astype(np.float32)

    def fill(rows: slice) -> None:
        here, scale = scene.places.take(rows), scene.scale[rows]
        local = hints.reach(scene, here.own, scene.at_places(close, rows), (scale * scale).mean(axis=1))
        if alike:
            reach, share = carry[None], linear[None]
        else:
            # how far colours come here from is as at the hints, by how near each is
            nearness = local / trust.astype(np.float32) + np.float32(1e-6)
            nearness /= nearness.sum(axis=1, keepdims=True)
            reach = np.sqrt((nearness @ carry)[:, None] * carry[None])
            share = np.sqrt((nearness @ linear)[:, None] * linear[None])
        common = _shared(scene, here, at, share)
        common *= reach
        change[rows] = scale * (common @ of_doubt) + local @ of_objects

    parts = [slice(first, min(first + _PLACES, height * width)) for first in range(0, height * width, _PLACES)]
    count = worthwhile(threads)
    if count == 1:
        for rows in parts:
            fill(rows)
    else:
        with ThreadPoolExecutor(count) as pool:
            for _ in pool.map(fill, parts):
                pass
    return change.reshape(height, width, 2)


def joined(told: Told, size: tuple[int, int], most: int = MOST_POINTS) -> Told:
    """The same hints as no more than so many points: those in one cell of a grid become one, with their mean colour.

    The grid is as fine as that allows; it does not depend on the hints' order.
    """
    side = 1
    while len(told) > most:
        cells, keep = (told.points / side).astype(np.intp), told.keep
        key = (cells[:, 1] * (max(size) + 1) + cells[:, 0]) * 2 + keep
        _, group = np.unique(key, return_inverse=True)
        count = np.bincount(group)

        def mean(values: Doubles, group: npt.NDArray[np.intp] = group, count: npt.NDArray[np.intp] = count) -> Doubles:
            columns = values.reshape(len(values), -1).T
            sums = np.stack([np.bincount(group, column) for column in columns], axis=1) / count[:, None]
            return np.asarray(sums.reshape(-1, *values.shape[1:]))

        told = Told(
            mean(told.points), mean(told.ab), mean(keep.astype(np.float64)) > 0.5, mean(told.carry), mean(told.patch)
        )
        side *= 2
    return told


def _at_hints(scene: Scene, told: Told, base: Floats) -> tuple[Coordinates, Doubles, Doubles]:
    """Coordinates, doubt and base of each hint, as means over its patch."""
    height, width = scene.size
    flat = base.reshape(-1, 2)
    names = ("alike", "same", "near", "chroma", "own")
    found: dict[str, list[Floats]] = {name: [] for name in (*names, "scale", "base")}
    for (x, y), patch in zip(told.points, np.maximum(told.patch, _LEAST_PATCH), strict=True):
        size = round(patch)
        left = int(np.clip(round(x - (size - 1) / 2), 0, width - 1))
        top = int(np.clip(round(y - (size - 1) / 2), 0, height - 1))
        rows = np.arange(top, min(top + size, height))[:, None] * width + np.arange(left, min(left + size, width))
        index = rows.ravel()
        for name in names:
            found[name].append(getattr(scene.places, name)[index].mean(axis=0))
        found["scale"].append(scene.scale[index].mean(axis=0))
        found["base"].append(flat[index].mean(axis=0))
    stacked = {name: np.stack(values) for name, values in found.items()}
    doubt, present = stacked.pop("scale").astype(np.float64), stacked.pop("base").astype(np.float64)
    return Coordinates(**stacked), doubt, present


def _linear(carry: Doubles) -> Doubles:
    """The factor on the linear term, by how far hints go."""
    share = np.clip((carry - _USERS_CARRY) / (1 - _USERS_CARRY), 0, 1)
    return np.asarray(USERS_LINEAR + (1 - USERS_LINEAR) * share)


def _shared(scene: Scene, a: Coordinates, b: Coordinates, linear: npt.NDArray[np.floating[Any]]) -> Floats:
    """What errors have in common, as shares of the doubt at both places: (n, m)."""
    amplitudes = scene.metric.amplitudes
    total = amplitudes[0] * near(a.alike, b.alike)
    if amplitudes[1]:
        total += amplitudes[1] * near(a.same, b.same)
    total += amplitudes[2] * near(a.near, b.near)
    total += amplitudes[3]
    return np.asarray(total + amplitudes[_LINEAR] * (a.chroma @ b.chroma.T) * linear, np.float32)


def _closeness(scene: Scene, distance: Floats) -> Floats:
    """Of distances along the picture: 1 at the hint, towards 0 far away."""
    return np.asarray(np.exp(np.float32(-0.5) * distance ** np.float32(scene.prices.power)), np.float32)


@dataclass(frozen=True)
class _Objects:
    """What hints say of their own objects: of n of them, the look, the mean squared doubt, and the part's variance."""

    look: Floats  # (n, k)
    square: Doubles  # (n,)
    trust: Doubles  # (n,)

    def reach(self, scene: Scene, look: Floats, close: Floats, square: npt.NDArray[np.floating[Any]]) -> Floats:
        """Covariance of m places with the hints, by lying on the same objects: (m, n), CIE Lab units squared.

        Places have a look (m, k), a closeness to each hint along the picture (m, n), and a squared doubt (m,).
        """
        prices, metric = scene.prices, scene.metric
        # likeness to the power of `feature`, and min(1, square / the hint's) to that of `timidity`, in one exponential
        exponent = _away(look, self.look)
        here, there = (np.log(each).astype(np.float32) for each in (square, self.square))
        exponent += np.float32(metric.timidity / 2) * np.minimum(0, here[:, None] - there[None])
        exponent *= np.float32(prices.feature)
        found = np.exp(exponent, out=exponent)
        found *= close
        found *= self.trust.astype(np.float32)[None]
        return found


def near(a: Floats, b: Floats) -> Floats:
    """exp(-d^2 / 2) of the distances between rows: (n, m) float32."""
    exponent = _away(a, b)
    return np.asarray(np.exp(exponent, out=exponent), np.float32)


def _away(a: Floats, b: Floats) -> Floats:
    """-d^2 / 2 of the distances between rows: (n, m) float32."""
    inner = a @ b.T
    inner -= np.float32(0.5) * np.einsum("ij,ij->i", a, a)[:, None]
    inner -= np.float32(0.5) * np.einsum("ij,ij->i", b, b)[None]
    return np.asarray(np.minimum(inner, 0, out=inner), np.float32)
