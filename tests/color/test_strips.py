"""Whole pictures in strips: any shape, the same result as in one piece, and little memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from colorizer.color.pixels import lightness, recombine
from colorizer.color.strips import WORTHWHILE_THREADS, shrunk_lightness, with_chroma
from colorizer.color.upsample import Upsampler

MIB = 1 << 20

MOST_EXTRA = WORTHWHILE_THREADS * 20 * MIB
"""Bytes beyond the picture and the result, at any size of picture."""


def some_ab(spread: float) -> Any:
    return np.random.default_rng(7).normal(0, spread, (56, 56, 2)).astype(np.float32)


def peak_beyond_input_and_result(pixels: Any, ab: Any) -> int:
    """NumPy and OpenCV report what they allocate for arrays to tracemalloc."""
    small = pixels[:8, :8].copy()
    with_chroma(small, ab)
    shrunk_lightness(small, (224, 224))
    tracemalloc.start()
    try:
        shrunk_lightness(pixels, (224, 224))
        result = with_chroma(pixels, ab)
        return tracemalloc.get_traced_memory()[1] - result.nbytes
    finally:
        tracemalloc.stop()


def test_memory_beyond_a_picture_of_25_megapixels_is_bounded() -> None:
    grey = np.random.default_rng(8).integers(0, 256, (5000, 5000), np.uint8)
    assert peak_beyond_input_and_result(grey, some_ab(60)) < MOST_EXTRA


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(10_000, 10_000), (10_000, 10_000, 3)], ids=["grey", "RGB"])
def test_memory_beyond_a_picture_of_100_megapixels_is_the_same(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(8).integers(0, 256, shape, np.uint8)
    assert peak_beyond_input_and_result(pixels, some_ab(20)) < MOST_EXTRA


@pytest.mark.parametrize("shape", [(1, 1), (1, 50_000), (50_000, 1), (3, 700), (1, 50_000, 3), (50_000, 1, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_shape_is_coloured_and_keeps_its_lightness(shape: tuple[int, ...], dtype: Any) -> None:
    height, width = shape[:2]
    ramp = np.linspace(0.1, 0.9, height * width).reshape(height, width)
    full = 1 if dtype == np.float32 else np.iinfo(dtype).max
    grey = (ramp * full).astype(dtype)
    pixels = grey if len(shape) == 2 else np.dstack([grey] * 3)
    small = shrunk_lightness(pixels, (224, 224))
    assert small.mean() == pytest.approx(lightness(pixels).mean(), abs=0.5)
    colored = with_chroma(pixels, some_ab(30))
    assert colored.shape == (*shape[:2], 3)
    assert colored.dtype == dtype
    assert np.abs(lightness(colored) - lightness(pixels)).max() < 0.4


def test_strips_give_what_one_piece_gives() -> None:
    rgb = np.random.default_rng(9).integers(0, 256, (700, 900, 3), np.uint8)
    ab = some_ab(30)
    whole = recombine(lightness(rgb), Upsampler(ab, 700, 900).rows(0, 700), np.uint8)
    small = shrunk_lightness(rgb, (224, 224))
    for threads in (None, 1, 3):
        np.testing.assert_array_equal(with_chroma(rgb, ab, threads=threads), whole)
        np.testing.assert_array_equal(shrunk_lightness(rgb, (224, 224), threads), small)
