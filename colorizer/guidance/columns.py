"""What hints' places have in common with all others, kept while hints move: of twenty that are there, one is new.

Each place's is computed by itself, so that it is the same to the last bit whatever was there before it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from colorizer.color.strips import worthwhile
from colorizer.guidance.kernel import Doubles, Objects, Reach, closeness, shared
from colorizer.guidance.metric import Floats
from colorizer.guidance.scene import Coordinates, Scene

MOST_KEPT = 24
"""Hints; each takes half a megabyte."""

_PLACES = 1 << 13
"""Worked on at a time, so that intermediate results stay in the processor's cache."""

Key = tuple[float, ...]


@dataclass(frozen=True)
class Column:
    """One hint's; `colorizer.guidance.kernel` has what they are."""

    shared: Floats  # (H W,)
    own: Floats  # (H W,)


class Columns:
    """What is kept of a picture and its last hints; safe to share between threads.

    Parameters
    ----------
    scene
        The picture.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Column] = OrderedDict()
        self._walks: OrderedDict[tuple[float, float], Floats] = OrderedDict()
        self._square = (scene.scale * scene.scale).mean(axis=1)

    def walks(self, points: Doubles) -> Floats:
        """How far everything is from (n, 2) points, along the picture: (n, h, w), on the walking grid."""
        keys = [(float(x), float(y)) for x, y in points]
        with self._lock:
            found = {key: self._walks[key] for key in keys if key in self._walks}
        missing = [index for index, key in enumerate(keys) if key not in found]
        if missing:
            made = self.scene.walks(points[missing])
            found |= {keys[index]: walk for index, walk in zip(missing, made, strict=True)}
        with self._lock:
            for key in keys[-MOST_KEPT:]:
                self._walks[key] = found[key]
                self._walks.move_to_end(key)
            while len(self._walks) > MOST_KEPT:
                self._walks.popitem(last=False)
        return np.stack([found[key] for key in keys])

    def of(
        self, places: Sequence[Key], reach: Reach, at: Coordinates, objects: Objects, threads: int | None
    ) -> list[Column]:
        """The columns of hints, computed where they are not kept.

        Parameters
        ----------
        places
            x and y of each, pixels of the working size, and what else tells their places apart.
        reach
            Of each.
        at, objects
            Where they lie for the kernel's two parts.
        threads
            How many compute.
        """
        keys: list[Key] = [(*place, float(carry)) for place, carry in zip(places, reach.carry, strict=True)]
        walks = self.walks(np.array([place[:2] for place in places]))
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
        missing = [index for index, key in enumerate(keys) if key not in found]

        def make(index: int) -> Column:
            one = slice(index, index + 1)
            return self._made(at.take(one), reach.take(one), objects.take(one), walks[index])

        if len(missing) > 1 and worthwhile(threads) > 1:
            with ThreadPoolExecutor(worthwhile(threads)) as pool:
                made = list(pool.map(make, missing))
        else:
            made = [make(index) for index in missing]
        found |= {keys[index]: column for index, column in zip(missing, made, strict=True)}
        with self._lock:
            for key in keys:
                self._kept[key] = found[key]
                self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return [found[key] for key in keys]

    def _made(self, at: Coordinates, reach: Reach, hint: Objects, walk: Floats) -> Column:
        scene = self.scene
        count = len(scene.scale)
        close = closeness(scene, walk).reshape(-1, 1)
        column = Column(np.empty(count, np.float32), np.empty(count, np.float32))
        for first in range(0, count, _PLACES):
            rows = slice(first, first + _PLACES)
            here = scene.places.take(rows)
            column.shared[rows] = shared(scene, here, at, reach)[:, 0]
            column.own[rows] = hint.reach(scene, here, scene.at_places(close, rows), self._square[rows])[:, 0]
        return column
