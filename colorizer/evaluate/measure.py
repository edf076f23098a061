"""One picture, coloured by every candidate and scored. What is compared are pixels, as anyone would see them.

A picture is left out where it has no colour to measure. Sepia prints are measured: they cannot be told from colour
photographs of mist, snow and sea.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.evaluate.candidates import Candidate
from colorizer.evaluate.faces import FaceBoxes
from colorizer.evaluate.protocol import Protocol, resized
from colorizer.evaluate.sources import Entry
from colorizer.metrics import (
    CumulativeAbError,
    ab_distance,
    ab_error,
    absolute_colorfulness,
    area_under,
    color_difference,
    colorfulness,
    colorization_accuracy,
    edge_error,
    lightness_deviation,
    mean_chroma,
    psnr,
    rgb_error,
    ssim,
)
from colorizer.metrics.auras import Sides, aura_band, aura_error, bleeding_distance, flat_sides
from colorizer.metrics.faces import Box, FaceScore, face_score
from colorizer.metrics.pictures import SSIM_WINDOW

Pixels = npt.NDArray[Any]
Counts = npt.NDArray[np.int64]

GREY_CHROMA = 2.0
"""Mean chroma in Lab units, up to which a picture counts as grey: what codecs and scanners make of grey ones."""

LAST_CHROMA = 128
"""Chroma is counted in steps of 1 Lab unit up to here; sRGB's largest is 134, of blue."""

EXAMPLE_SIDE = 256
"""Longer side of example pictures, in pixels."""


@dataclass(frozen=True)
class Scores:
    """One result against its original; `colorizer.metrics` defines each. `true_...` are the original's own.

    ab in CIE Lab units, RGB in 0..1, PSNR in dB, AuC and shares in 0..1; NaN where a figure does not exist.
    """

    auc_raw: float
    accuracy: float  # within 10 Lab units
    ab_distance: float  # mean
    ab_mse: float
    ab_rmse: float
    ab_mae: float
    ciede2000: float  # mean
    psnr: float
    ssim: float
    rgb_mse: float
    rgb_rmse: float
    rgb_mae: float
    absolute_colorfulness: float
    true_absolute_colorfulness: float
    colorfulness: float
    true_colorfulness: float
    mean_chroma: float
    true_mean_chroma: float
    edge_error_near: float
    edge_error_elsewhere: float
    aura_error: float
    bleeding: float  # as a share of the short side
    true_bleeding: float
    lightness_mean: float
    lightness_maximum: float


@dataclass(frozen=True)
class Example:
    """A small copy of a result, to look at."""

    pixels: npt.NDArray[np.uint8]  # (h, w, 3) RGB
    error: npt.NDArray[np.float32]  # (h, w) ab distance, CIE Lab units


@dataclass(frozen=True)
class Measurement:
    """What one candidate made of one picture."""

    scores: Scores
    errors: Counts  # (313, 152), as `CumulativeAbError.counts`
    chroma: Counts  # (129,) pixels by whole Lab units of chroma
    example: Example | None
    faces: tuple[FaceScore, ...] = ()


@dataclass(frozen=True)
class Measured:
    """One picture, measured for every candidate, in their order."""

    name: str
    true_chroma: Counts
    original: npt.NDArray[np.uint8] | None  # (h, w, 3) RGB, small
    enlarged: bool
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Truth:
    """The picture to compare with."""

    pixels: Pixels  # (H, W, 3) RGB
    ab: npt.NDArray[np.float32]  # (H, W, 2), CIE Lab units
    enlarged: bool
    faces: tuple[Box, ...] = ()


def read_truth(entry: Entry, protocol: Protocol, max_pixels: int, boxes: FaceBoxes | None = None) -> Truth | None:
    """The picture to compare with; None where it has no colour.

    Raises
    ------
    InputError
        The picture cannot be read.
    """
    pixels = entry.read(max_pixels).pixels
    if pixels.ndim != 3:
        return None
    prepared = protocol.prepare(pixels)
    ab = chroma_plane(prepared)
    if mean_chroma(ab) < GREY_CHROMA:
        return None
    faces = tuple(protocol.moved(box, *pixels.shape[:2]) for box in boxes.of(entry.name)) if boxes else ()
    return Truth(prepared, ab, protocol.enlarges(pixels), faces)


def measure(
    entry: Entry,
    candidates: Sequence[Candidate],
    protocol: Protocol,
    *,
    max_pixels: int,
    examples: bool,
    boxes: FaceBoxes | None = None,
) -> Measured | None:
    """Measure one picture; None where it has no colour.

    Parameters
    ----------
    entry
        The picture.
    candidates
        Who colours it.
    protocol
        What is compared.
    max_pixels
        Larger ones are refused.
    examples
        Whether small copies of the results are wanted.
    boxes
        Where faces are.

    Raises
    ------
    InputError
        The picture cannot be read.
    """
    truth = read_truth(entry, protocol, max_pixels, boxes)
    if truth is None:
        return None
    own = _original(truth)
    return Measured(
        name=entry.name,
        true_chroma=_chroma_counts(truth.ab),
        original=_small(truth.pixels) if examples else None,
        enlarged=truth.enlarged,
        measurements=tuple(
            _measurement(truth, own, candidate.color(truth.pixels), examples) for candidate in candidates
        ),
    )


@dataclass(frozen=True)
class _Original:
    colorfulness: float
    absolute_colorfulness: float
    mean_chroma: float
    aura_band: npt.NDArray[np.bool_]
    sides: Sides
    bleeding: float


def _original(truth: Truth) -> _Original:
    light = lightness(truth.pixels)
    sides = flat_sides(light, truth.ab)
    return _Original(
        colorfulness(truth.pixels),
        absolute_colorfulness(truth.pixels),
        mean_chroma(truth.ab),
        aura_band(light),
        sides,
        bleeding_distance(sides, truth.ab) / min(light.shape),
    )


def _measurement(truth: Truth, own: _Original, result: Pixels, examples: bool) -> Measurement:
    true, true_ab = truth.pixels, truth.ab
    ab = chroma_plane(result)
    errors = CumulativeAbError()
    errors.add(true_ab, ab)
    distance = ab_distance(true_ab, ab)
    of_ab, of_rgb = ab_error(true_ab, ab), rgb_error(true, result)
    edges, light = edge_error(true_ab, ab), lightness_deviation(true, result)
    scores = Scores(
        auc_raw=area_under(errors.curve()),
        accuracy=colorization_accuracy(true_ab, ab),
        ab_distance=float(distance.mean()),
        ab_mse=of_ab.mse,
        ab_rmse=of_ab.rmse,
        ab_mae=of_ab.mae,
        ciede2000=color_difference(true, result).mean,
        psnr=psnr(true, result),
        ssim=ssim(true, result) if min(true.shape[:2]) >= SSIM_WINDOW else math.nan,
        rgb_mse=of_rgb.mse,
        rgb_rmse=of_rgb.rmse,
        rgb_mae=of_rgb.mae,
        absolute_colorfulness=absolute_colorfulness(result),
        true_absolute_colorfulness=own.absolute_colorfulness,
        colorfulness=colorfulness(result),
        true_colorfulness=own.colorfulness,
        mean_chroma=mean_chroma(ab),
        true_mean_chroma=own.mean_chroma,
        edge_error_near=edges.near,
        edge_error_elsewhere=edges.elsewhere,
        aura_error=aura_error(own.aura_band, true_ab, ab),
        bleeding=bleeding_distance(own.sides, ab) / min(true.shape[:2]),
        true_bleeding=own.bleeding,
        lightness_mean=light.mean,
        lightness_maximum=light.maximum,
    )
    example = Example(_small(result), _shrunk(distance.astype(np.float32)[..., None])[..., 0]) if examples else None
    faces = tuple(score for box in truth.faces if (score := face_score(true_ab, ab, box)) is not None)
    return Measurement(scores, errors.counts, _chroma_counts(ab), example, faces)


def _chroma_counts(ab: Pixels) -> Counts:
    chroma = np.minimum(np.hypot(ab[..., 0], ab[..., 1]), LAST_CHROMA).astype(np.intp)
    return np.bincount(chroma.ravel(), minlength=LAST_CHROMA + 1).astype(np.int64)


def _shrunk(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = EXAMPLE_SIDE / max(height, width)
    return pixels if scale >= 1 else resized(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def _small(pixels: Pixels) -> npt.NDArray[np.uint8]:
    small = _shrunk(pixels)
    if small.dtype == np.uint8:
        return small
    full = np.iinfo(small.dtype).max if np.issubdtype(small.dtype, np.integer) else 1
    return np.rint(np.clip(small / full, 0, 1) * 255).astype(np.uint8)
