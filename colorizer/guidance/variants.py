"""Proposals to choose from: hints that the program gives itself.

A proposal is another answer at the places whose colour would settle most of the picture, and the spreading of hints
carries it over all that looks alike: it is coherent by construction, and a list of hints that can be edited.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colorizer.guidance.hints import Hint
from colorizer.guidance.kernel import near
from colorizer.guidance.metric import Floats
from colorizer.guidance.scene import Scene
from colorizer.guidance.suggestions import cover, distribution_at
from colorizer.networks.distribution import Distribution

MOST = 12
"""Proposals; further ones differ in improbable colours alone."""

PLACES = 2
"""That a proposal speaks of."""

TEMPERATURE = 1.2
APART = 16.0
"""In ab: colours that are proposed differ by so much from each other."""

_GRID = 56
_MARGIN = 0.04
"""Of the width and height, in which no place is chosen."""

_ONE_OBJECT = 0.3
"""Likeness beyond which two places are of one thing, which gets one colour."""

_ANSWERS = 9
_VARIETY = 0.12
"""What a unit of ab between two proposals is worth, as a logarithm of probability."""


@dataclass(frozen=True)
class _Choice:
    """Colours of a proposal at each place, and the logarithm of their probability."""

    colors: npt.NDArray[np.float64]  # (places, 2)
    weight: float


def variants(scene: Scene, distribution: Distribution, base: Floats, count: int) -> list[tuple[Hint, ...]]:
    """Hints of each proposal; the first ones are the same, however many are asked for.

    Parameters
    ----------
    scene
        The picture.
    distribution
        What the network thinks of it.
    base
        (H, W, 2) ab that there is without them, at the working size.
    count
        How many at most; pictures that leave little doubt have fewer.
    """
    height, width = scene.size
    points = doubtful_places(scene, PLACES)
    options: list[list[tuple[npt.NDArray[np.float64], float]]] = []
    for column, row in points:
        place = (column + 0.5) / width, (row + 0.5) / height
        colors, covered = cover(distribution_at(distribution, *place, TEMPERATURE), distribution.centres, _ANSWERS)
        own = np.asarray(base[row, column], np.float64)
        chosen = [(own, 1.0)]
        for color, share in zip(np.asarray(colors, np.float64), covered / covered.sum(), strict=True):
            if all(np.linalg.norm(color - other) > APART for other, _ in chosen):
                chosen.append((color, float(share)))
        options.append(chosen)
    pool = [
        _Choice(np.array([color for color, _ in each]), float(sum(np.log(share) for _, share in each)))
        for each in itertools.product(*options)
    ]
    used = [pool.pop(0).colors]
    found: list[tuple[Hint, ...]] = []
    while pool and len(found) < min(count, MOST):
        scores = [
            choice.weight + _VARIETY * min(np.linalg.norm(choice.colors - other, axis=1).sum() for other in used)
            for choice in pool
        ]
        best = pool.pop(int(np.argmax(scores)))
        if min(np.linalg.norm(best.colors - other, axis=1).max() for other in used) < APART:
            continue
        used.append(best.colors)
        found.append(
            tuple(
                Hint(
                    [(round((column + 0.5) / width, 4), round((row + 0.5) / height, 4))],
                    ab=[round(float(value), 1) for value in color],
                )
                for (column, row), color in zip(points, best.colors, strict=True)
            )
        )
    return found


def doubtful_places(scene: Scene, count: int) -> list[tuple[int, int]]:
    """Places whose colour would settle most: columns and rows of the working size, each of another thing.

    Greedy, by the doubt that is taken away from the whole picture.
    """
    height, width = scene.size
    step = max(1, max(height, width) // _GRID)
    rows, columns = np.mgrid[step // 2 : height : step, step // 2 : width : step]
    rows, columns = rows.ravel(), columns.ravel()
    places = scene.places.take(rows * width + columns)
    left = (scene.scale[rows * width + columns] ** 2).sum(axis=1)
    inner = (np.abs(columns / width - 0.5) < 0.5 - _MARGIN) & (np.abs(rows / height - 0.5) < 0.5 - _MARGIN)
    every_other = ((rows // step) % 2 == 0) & ((columns // step) % 2 == 0)
    candidates = np.flatnonzero(inner & every_other)
    if not len(candidates):
        candidates = np.arange(len(rows))
    chosen = places.take(candidates)
    likeness = np.sqrt(np.maximum(near(places.own, chosen.own), near(places.same, chosen.same) ** 2))
    taken, found = np.zeros(len(candidates), np.bool_), []
    for _ in range(count):
        gain = np.where(taken, -1, left @ likeness)
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        taken |= likeness[candidates, best] > _ONE_OBJECT
        found.append((int(columns[candidates[best]]), int(rows[candidates[best]])))
        left = left * (1 - likeness[:, best])
    return found
