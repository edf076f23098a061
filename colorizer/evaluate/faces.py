"""Faces of a set: where they are, what candidates made of them, and what that comes to, by size of face.

Each resampled set of the bootstrap takes pictures with all their faces. Of each face a few numbers are kept and how
often its picture appears in each resampled set, a byte each: with 1000 of them, a thousand faces take 1 MB a candidate.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError, UsageError, json_trouble, shown
from colorizer.metrics.faces import Box, FaceScore

Doubles = npt.NDArray[np.float64]

LARGE = 0.2
"""Share of the picture's short side from which on a face is a large one."""

FADED = 0.5
"""Of the original's chroma: below it a face looks grey."""

FORM = '{"picture.jpg": [[left, top, width, height], ...], ...}, in pixels'


@dataclass(frozen=True)
class FaceBoxes:
    """The faces of pictures.

    Attributes
    ----------
    by_name
        Of each picture, by its name or by the whole of its path as the set names it.
    """

    by_name: Mapping[str, tuple[Box, ...]]

    def of(self, name: str) -> tuple[Box, ...]:
        """The faces of a picture of the set; none of those that are not named."""
        whole = self.by_name.get(name)
        if whole is not None:
            return whole
        return self.by_name.get(name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1], ())


def read_boxes(path: Path) -> FaceBoxes:
    """Read the faces of pictures.

    Parameters
    ----------
    path
        A file in JSON: of each picture, by its file's name, boxes of left, top, width and height in pixels of the
        picture as it is looked at.

    Raises
    ------
    InputError
        The file cannot be read.
    UsageError
        It is not of that form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror}); check the name") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{shown(path)}: not JSON ({json_trouble(error)}); expected {FORM}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{shown(path)}: expected {FORM}")
    found = {}
    for name, boxes in content.items():
        if not isinstance(boxes, list) or not all(map(_is_box, boxes)):
            raise UsageError(f"{shown(path)}: {shown(name)}: no boxes of a face each; expected {FORM}")
        found[name] = tuple(Box(*map(float, box)) for box in boxes)
    return FaceBoxes(found)


def _is_box(given: Any) -> bool:
    if not isinstance(given, list) or len(given) != 4:
        return False
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in given)
    return numbers and all(map(math.isfinite, given)) and given[2] > 0 and given[3] > 0


class FaceSums:
    """The faces that a candidate coloured, and the weights of their pictures in each resampled set."""

    def __init__(self) -> None:
        self._scores: list[FaceScore] = []
        self._weights: list[npt.NDArray[np.uint8]] = []

    def add(self, weights: Doubles, faces: Sequence[FaceScore]) -> None:
        """Take in a picture's faces with its weight in each set."""
        kept = weights.astype(np.uint8)  # a Poisson number of mean 1 is never that large
        self._scores += faces
        self._weights += [kept] * len(faces)

    def count(self, *, large: bool) -> int:
        """How many faces there are of a size."""
        return len(self._chosen(large=large))

    def chroma_ratio(self, *, large: bool) -> Doubles:
        """Median of the skin's chroma / the original's, (1 + resamples,)."""
        return self._reduced(lambda score: score.chroma_ratio, weighted_median, large=large)

    def faded(self, *, large: bool) -> Doubles:
        """Share of the faces with less than half the original's chroma."""
        return self._reduced(lambda score: float(score.chroma_ratio < FADED), _weighted_mean, large=large)

    def hue_error(self, *, large: bool) -> Doubles:
        """Median of the angle between both hues, of those that have one."""
        return self._reduced(lambda score: score.hue_error, weighted_median, large=large)

    def ab_error(self, *, large: bool) -> Doubles:
        """Mean ab distance of the skin."""
        return self._reduced(lambda score: score.ab_error, _weighted_mean, large=large)

    def _chosen(self, *, large: bool) -> list[int]:
        return [place for place, score in enumerate(self._scores) if (score.size >= LARGE) == large]

    def _reduced(
        self, of: Callable[[FaceScore], float], reduce: Callable[[Doubles, Doubles], Doubles], *, large: bool
    ) -> Doubles:
        known = [(of(self._scores[place]), self._weights[place]) for place in self._chosen(large=large)]
        known = [(value, weights) for value, weights in known if not math.isnan(value)]
        if not known:
            return np.full(1, math.nan)
        values, weights = zip(*known, strict=True)
        return reduce(np.array(values), np.array(weights, np.float64))


def _weighted_mean(values: Doubles, weights: Doubles) -> Doubles:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(values @ weights / weights.sum(axis=0))


def weighted_median(values: Doubles, weights: Doubles) -> Doubles:
    """The median of values that count several times each.

    Parameters
    ----------
    values
        (N,).
    weights
        (N, sets): how often each counts, in each set.

    Returns
    -------
    ndarray, (sets,)
        The mean of both values in the middle where there is no single one; NaN where nothing counts.
    """
    order = np.argsort(values, kind="stable")
    values, counted = values[order], np.cumsum(weights[order], axis=0)
    total = counted[-1]
    lower = values[np.argmax(counted >= total / 2, axis=0)]
    upper = values[np.argmax(counted > total / 2, axis=0)]
    return np.asarray(np.where(total > 0, (lower + upper) / 2, math.nan))
