"""Samples in arrays, worked on in strips over threads: other depths, tables looked up, light fitted into the gamut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.lab import RGB_TO_XYZ
from colorizer.color.pixels import FULL_SCALE
from colorizer.color.strips import each_strip
from colorizer.io.machine import usable_cores

Pixels = npt.NDArray[Any]

_LUMA = RGB_TO_XYZ[1]
_GAMUT_MARGIN = 1e-5
"""Linear light beyond 0 or 1 that counts as rounding."""


def rescaled(pixels: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """The same picture in another sample type, rounded to nearest: full scale for integers, 0..1 for floats."""
    if pixels.dtype == dtype:
        return pixels
    return in_strips(lambda strip: scaled(strip, dtype), pixels, pixels.shape[2:], dtype)


def scaled(pixels: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """The same of a strip."""
    full, stored = FULL_SCALE.get(dtype), FULL_SCALE.get(pixels.dtype)
    result: Pixels
    if pixels.dtype == dtype:
        result = pixels
    elif stored is None:
        result = pixels.astype(dtype) if full is None else np.rint(pixels * pixels.dtype.type(full)).astype(dtype)
    elif full is None:
        result = pixels.astype(dtype) / dtype.type(stored)
    elif dtype == np.uint16:
        result = pixels.astype(np.uint16) * np.uint16(257)
    else:
        result = ((pixels.astype(np.uint32) * 255 + 32895) >> 16).astype(np.uint8)  # x / 257, rounded, for every x
    return result


def straightened(samples: Pixels, alpha: Pixels) -> Pixels:
    """Colours no longer multiplied by their alpha; deeper than before, so that they can be multiplied again."""
    share = rescaled(alpha, np.dtype(np.float32))
    share = share if samples.ndim == 2 else share[..., None]
    light = rescaled(samples, np.dtype(np.float32)) / np.where(share > 0, share, 1)
    dtype = np.dtype(np.uint16 if samples.dtype in FULL_SCALE else np.float32)
    return rescaled(np.clip(light, 0, 1), dtype)


def looked_up(samples: Pixels, table: Pixels) -> Pixels:
    """Rows of a table, (N,) or (N, C), for samples that are indices: (H, W, ...) to (H, W, ..., C)."""
    # in strips: NumPy makes 8 bytes of every index first
    return in_strips(
        lambda strip: np.take(table, strip, axis=0), samples, samples.shape[2:] + table.shape[1:], table.dtype
    )


def in_strips(
    convert: Callable[[Pixels], Pixels], samples: Pixels, channels: tuple[int, ...], dtype: np.dtype[Any]
) -> Pixels:
    """Rows of a few at a time, over threads, so that the intermediate floats stay small."""
    height, width = samples.shape[:2]
    result = np.empty((height, width, *channels), dtype)

    def work(rows: slice) -> None:
        result[rows] = convert(samples[rows])

    for _ in each_strip(work, height, width, usable_cores()):
        pass
    return result


def fitted(linear: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Linear light outside 0..1 drawn towards the grey of its luminance until it fits; changed in place."""
    outside = np.any((linear < -_GAMUT_MARGIN) | (linear > 1 + _GAMUT_MARGIN), axis=-1)
    if outside.any():
        away = linear[outside].astype(np.float64)
        grey = np.clip(away @ _LUMA, 0, 1)[:, None]
        away -= grey
        room = np.where(away > 0, 1 - grey, grey) / np.maximum(np.abs(away), np.finfo(np.float64).tiny)
        linear[outside] = grey + np.minimum(1, room.min(axis=-1, keepdims=True)) * away
    return linear
