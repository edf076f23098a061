"""What is kept of single pictures, however many there are: a fair sample, and the best and worst of all."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.evaluate.measure import Example, Measured

SAMPLE_SIZE = 500
"""Points in a scatter plot that can still be told apart."""

_SEED = 1985


@dataclass(frozen=True)
class Points:
    """Some pictures as points, drawn evenly from the whole set.

    Attributes
    ----------
    true_chroma
        (N,) mean chroma of the original, CIE Lab units.
    chroma, distance
        (N, candidates) mean chroma of the result; mean ab distance from the original.
    """

    true_chroma: npt.NDArray[np.float64]
    chroma: npt.NDArray[np.float64]
    distance: npt.NDArray[np.float64]


class Reservoir:
    """An even sample of a set whose length nobody knows: algorithm R (Vitter 1985)."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(_SEED)
        self._seen = 0
        self._rows: list[list[tuple[float, float, float]]] = []

    def add(self, measured: Measured) -> None:
        """Take in a picture, perhaps in place of an earlier one."""
        scores = [measurement.scores for measurement in measured.measurements]
        row = [(score.true_mean_chroma, score.mean_chroma, score.ab_distance) for score in scores]
        self._seen += 1
        if len(self._rows) < SAMPLE_SIZE:
            self._rows.append(row)
            return
        place = int(self._random.integers(self._seen))
        if place < SAMPLE_SIZE:
            self._rows[place] = row

    def points(self) -> Points:
        """The sample."""
        table: npt.NDArray[Any] = np.array(self._rows, np.float64)
        return Points(true_chroma=table[:, 0, 0], chroma=table[:, :, 1], distance=table[:, :, 2])


@dataclass(frozen=True)
class Exhibit:
    """A picture that stands out.

    Attributes
    ----------
    name
        Of the picture.
    gain
        How much nearer its result is to the truth than grey is: mean ab distance, CIE Lab units; negative is farther.
    distance
        Mean ab distance of the result.
    original
        (h, w, 3) RGB, small.
    example
        The result, small, and its errors.
    """

    name: str
    gain: float
    distance: float
    original: npt.NDArray[np.uint8]
    example: Example


class Extremes:
    """The pictures that a candidate helped most and harmed most, compared with leaving them grey.

    By gain over grey and not by error: the smallest errors are those of pictures with hardly any colour.

    Parameters
    ----------
    count
        How many of each.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._best: list[tuple[float, int, Exhibit]] = []
        self._worst: list[tuple[float, int, Exhibit]] = []

    def add(self, exhibit: Exhibit) -> None:
        """Take in a picture."""
        self._seen += 1
        # of equals the earlier are the best and the later the worst, so that none is both before it must be
        for heap, sign in ((self._best, 1), (self._worst, -1)):
            heapq.heappush(heap, (sign * exhibit.gain, -sign * self._seen, exhibit))
            if len(heap) > self._count:
                heapq.heappop(heap)

    def best(self) -> tuple[Exhibit, ...]:
        """The largest gains above 0, largest first."""
        ranked = sorted(self._best, key=lambda item: item[:2], reverse=True)
        return tuple(exhibit for gain, _, exhibit in ranked if gain > 0)

    def worst(self) -> tuple[Exhibit, ...]:
        """The largest losses, or smallest gains, worst first; none that are among the best."""
        best = {id(exhibit) for exhibit in self.best()}
        ranked = sorted(self._worst, key=lambda item: item[:2], reverse=True)
        return tuple(exhibit for _, _, exhibit in ranked if id(exhibit) not in best)
