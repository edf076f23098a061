"""Pictures in colour, and palettes, that say something of another picture's colours.

A reference of the same scene: its places are hints. The network's error on it, which is known, is carried over to
places of the picture that look alike to the network and are as light, wherever they lie, by the kernel of
`colorizer.guidance.field`.

A palette, of a picture or of named colours: the network's classes are weighted until their mean over the picture is the
palette's, or half-way there (Sinkhorn and Knopp 1967, one side of it), and the annealed mean is taken of that.

That two pictures show the same cannot be told from how well they match, so people say which of the two is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane
from colorizer.color.resample import fitted
from colorizer.guidance.hints import ab_of
from colorizer.guidance.kernel import near
from colorizer.guidance.metric import Floats
from colorizer.guidance.scene import Coordinates, Scene
from colorizer.networks.distribution import Distribution, annealed_mean

PALETTE_STRENGTH = 0.5
"""How much of the way to a palette is gone: of 1, any photograph's palette is as likely to harm as to help."""

TRUST = 0.8
"""Correlation of errors at places that look alike in two pictures of one scene."""

MOST_PLACES = 400
"""Of all references that are solved for."""

_NOISE = 0.5
_LEAST_NOISE = 1.0
_STEP = 4  # pixels of the working size between places that are computed
_LINEAR = 4  # which amplitude is that of predicted chroma

_SOFTNESS = 6.0
"""Standard deviation, in ab, with which a picture's colour counts for the classes around it."""

_NAMED_SOFTNESS = 12.0
_SHADES = (1.0, 0.6, 0.25)
"""Of a named colour's chroma: things of one colour have paler parts."""

_ROUNDS, _PACE = 10, 0.7
_MIX = 0.02
"""Of an even palette, so that no colour is forbidden."""

_MOST_WEIGHT = 6.0
"""Of a class, as a logarithm."""

_SAMPLE_SIDE = 96
_TINY = 1e-12


@dataclass(frozen=True)
class Known:
    """A reference that shows the same scene: prepared as a picture is, and how far the network is off.

    Attributes
    ----------
    scene
        As of the picture.
    error
        (H, W, 2) float32, what is to be added to the network's ab, at the working size.
    """

    scene: Scene
    error: Floats


def change_by_scenes(scene: Scene, references: Sequence[Known]) -> Floats:
    """What references of the same scene change: (h, w, 2) float32, CIE Lab units, on a coarse grid.

    Parameters
    ----------
    scene
        The picture.
    references
        At least one.
    """
    each = MOST_PLACES // len(references)
    told = [_sampled(known, each) for known in references]
    places_of_all = zip(*(_parts(one[0]) for one in told), strict=True)
    hints = _without_place(Coordinates(*(np.concatenate(parts) for parts in places_of_all)))
    doubt, error = (np.concatenate([one[index] for one in told]) for index in (1, 2))

    height, width = scene.size
    rows, columns = np.arange(0, height, _STEP), np.arange(0, width, _STEP)
    index = (rows[:, None] * width + columns[None]).ravel()
    places, scale = _without_place(scene.places.take(index)), scene.scale[index]
    amplitudes = scene.metric.amplitudes
    known, wanted = _alike(amplitudes, hints, hints), TRUST * _alike(amplitudes, places, hints)
    change = np.empty((len(index), 2), np.float32)
    for channel in range(2):
        own = doubt[:, channel].astype(np.float64)
        matrix = known * own[:, None] * own[None]
        matrix[np.diag_indices(len(own))] += _NOISE**2 * own**2 + _LEAST_NOISE
        weights = np.linalg.solve(matrix, error[:, channel])
        change[:, channel] = scale[:, channel] * (wanted @ (own * weights))
    return change.reshape(len(rows), len(columns), 2)


def palette_of_picture(pixels: npt.NDArray[Any], centres: Floats) -> Floats:
    """How much of a picture each class's colour has.

    Parameters
    ----------
    pixels
        (H, W, 3) RGB.
    centres
        (C, 2) ab of the classes.

    Returns
    -------
    ndarray, (C,) float32, summing up to 1
    """
    return _shares(chroma_plane(fitted(pixels, _SAMPLE_SIDE)).reshape(-1, 2), centres, _SOFTNESS)


def palette_of_colors(colors: Sequence[str], centres: Floats) -> Floats:
    """The same of named colours, as `Hint.color` writes them; each has as large a part."""
    ab = np.array([ab_of(color) if color.startswith("#") else (0.0, 0.0) for color in colors], np.float32)
    return _shares(np.concatenate([ab * np.float32(share) for share in _SHADES]), centres, _NAMED_SOFTNESS)


def change_by_palette(
    distribution: Distribution, palette: Floats, temperature: float, strength: float = PALETTE_STRENGTH
) -> Floats:
    """What a palette changes: (h, w, 2) float32, CIE Lab units.

    Parameters
    ----------
    distribution
        What the network thinks of the picture.
    palette
        (C,) how much of each class there should be.
    temperature
        Of the annealed mean.
    strength
        How much of the way to go.
    """
    count, height, width = distribution.logits.shape
    logits = distribution.logits.reshape(count, -1).astype(np.float32)
    probable = np.exp(logits)
    probable /= probable.sum(axis=0)
    goal = (1 - _MIX) * palette + _MIX / count
    weight = np.zeros(count, np.float32)
    for _ in range(_ROUNDS):
        shares = probable * np.exp(weight)[:, None]
        shares /= shares.sum(axis=0)
        weight += np.float32(_PACE) * (np.log(goal) - np.log(shares.mean(axis=1) + np.float32(1e-6)))
        weight = np.clip(weight, -_MOST_WEIGHT, _MOST_WEIGHT)
    moved = (logits + np.float32(strength) * weight[:, None]).reshape(count, height, width)
    change = annealed_mean(moved, distribution.centres, temperature) - annealed_mean(
        distribution.logits, distribution.centres, temperature
    )
    return np.ascontiguousarray(change.transpose(1, 2, 0))


def _parts(found: Coordinates) -> tuple[Floats, ...]:
    return found.alike, found.same, found.near, found.chroma, found.own


def _without_place(found: Coordinates) -> Coordinates:
    """Where things lie in one picture says nothing of where they lie in another."""
    return Coordinates(found.alike[:, :-2], found.same, found.near, found.chroma, found.own)


def _sampled(known: Known, count: int) -> tuple[Coordinates, Floats, Floats]:
    """Coordinates, doubt and error at places spread over a reference."""
    height, width = known.scene.size
    index = np.random.default_rng(0).permutation(height * width)[:count]
    return known.scene.places.take(index), known.scene.scale[index], known.error.reshape(-1, 2)[index]


def _alike(amplitudes: Floats, a: Coordinates, b: Coordinates) -> npt.NDArray[np.float64]:
    """What errors have in common, as shares of the doubt, of places in different pictures."""
    total = amplitudes[0] * near(a.alike, b.alike) + amplitudes[_LINEAR] * (a.chroma @ b.chroma.T)
    if amplitudes[1]:
        total = total + amplitudes[1] * near(a.same, b.same)
    return np.asarray(total, np.float64)


def _shares(ab: Floats, centres: Floats, softness: float) -> Floats:
    squared = ((ab[:, None] - centres[None]) ** 2).sum(axis=-1)
    weights = np.exp(-0.5 * squared / softness**2)
    weights /= weights.sum(axis=1, keepdims=True) + _TINY
    return np.asarray(weights.mean(axis=0), np.float32)
