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

import numpy as np
import numpy.typing as npt

from colorizer.color.strips import worthwhile
from colorizer.guidance.columns import MOST_KEPT, Columns
from colorizer.guidance.kernel import Doubles, Objects, Reach, closeness, shared
from colorizer.guidance.metric import Floats
from colorizer.guidance.scene import Coordinates, Scene

MOST_POINTS = 512
"""That are solved for; of more, neighbours are joined."""

_LEAST_PATCH = 3.0
"""Pixels of the working size over which a hint's surroundings are averaged."""

_LEAST_NOISE = 0.25
"""Variance, in squares of CIE Lab units, that keeps the solve well-behaved for hints at one place."""

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


def spread(
    columns: Columns, told: Told, base: Floats, right: Floats | None = None, threads: int | None = None
) -> Floats:
    """The change that hints make.

    Parameters
    ----------
    columns
        What hints' places have in common with others, of the picture.
    told
        The hints.
    base
        (H, W, 2) float32 ab, what there would be without them, at the working size.
    right
        (H, W, 2) float32 ab, what hints that say `keep` want; None: `base`.
    threads
        How many compute; None: the cores that this process may use.

    Returns
    -------
    ndarray, (H, W, 2) float32, CIE Lab units, to be added
    """
    scene = columns.scene
    height, width = scene.size
    if not len(told):
        return np.zeros((height, width, 2), np.float32)
    told = joined(told, scene.size)
    at, doubt, present = _at_hints(scene, told, base)
    kept = present if right is None else _at_hints(scene, told, right)[2]
    error = np.where(told.keep[:, None], kept, told.ab) - present
    mean_square = (doubt * doubt).mean(axis=1)
    surprise = (error * error).mean(axis=1) / mean_square
    first, second = scene.metric.surprise
    trust = mean_square * (first + second * surprise)
    # what is right holds its object as firmly as the firmest hint
    trust = np.where(told.keep, trust.max(), trust)
    reach, hints = Reach.of(told.carry), Objects(at.own, mean_square)

    walks = columns.walks(told.points)
    common = shared(scene, at, at, reach.between(np.eye(len(told))))
    near = closeness(scene, scene.between(told.points, walks))
    own = hints.reach(scene, at, near, mean_square) * trust[None]
    answer = []
    for channel in range(2):
        matrix = common * doubt[:, channel, None] * doubt[None, :, channel] + own
        noise = scene.metric.noise**2 * (told.carry * doubt[:, channel] ** 2 + trust) + _LEAST_NOISE
        matrix[np.diag_indices(len(told))] += noise
        answer.append(np.linalg.solve(matrix, error[:, channel]))
    weights = np.stack(answer, axis=1)
    of_doubt, of_objects = ((each * weights).astype(np.float32) for each in (doubt, trust[:, None]))

    if np.ptp(told.carry) == 0 and len(told) <= MOST_KEPT:
        places = [(float(x), float(y), float(patch)) for (x, y), patch in zip(told.points, told.patch, strict=True)]
        found = columns.of(places, reach, at, hints, threads)
        change = np.stack([each.shared for each in found]).T @ of_doubt
        change *= scene.scale
        change += np.stack([each.own for each in found]).T @ of_objects
        return np.asarray(change.reshape(height, width, 2), np.float32)

    close = np.ascontiguousarray(closeness(scene, walks).reshape(len(told), -1).T)
    change = np.empty((height * width, 2), np.float32)

    def fill(rows: slice) -> None:
        here, scale = scene.places.take(rows), scene.scale[rows]
        local = hints.reach(scene, here, scene.at_places(close, rows), (scale * scale).mean(axis=1))
        # how far colours come here from is as at the hints, by how near each is
        nearness = local + np.float32(1e-6)
        nearness /= nearness.sum(axis=1, keepdims=True)
        far = shared(scene, here, at, reach.between(nearness))
        change[rows] = scale * (far @ of_doubt) + local @ of_objects

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


def reached(scene: Scene, told: Told, base: Floats) -> Floats:
    """How far each place belongs to what hints speak of themselves: (H, W) float32, 1 at a hint, 0 where none reaches.

    Parameters
    ----------
    scene
        The picture.
    told, base
        As for `spread`.
    """
    height, width = scene.size
    if not len(told):
        return np.zeros((height, width), np.float32)
    told = joined(told, scene.size)
    at, doubt, _ = _at_hints(scene, told, base)
    hints = Objects(at.own, (doubt * doubt).mean(axis=1))
    close = np.ascontiguousarray(closeness(scene, scene.walks(told.points)).reshape(len(told), -1).T)
    found = np.empty(height * width, np.float32)
    for first in range(0, height * width, _PLACES):
        rows = slice(first, min(first + _PLACES, height * width))
        here, scale = scene.places.take(rows), scene.scale[rows]
        near = hints.reach(scene, here, scene.at_places(close, rows), (scale * scale).mean(axis=1))
        found[rows] = near.max(axis=1)
    return found.reshape(height, width)


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
