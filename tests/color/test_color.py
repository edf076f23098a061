"""Pixels to Lab and back, against float64 and scikit-image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import hue_distance, lightness64
from skimage.color import lab2xyz, rgb2lab
from skimage.color.colorconv import rgb_from_xyz

from colorizer.color.lab import encode_srgb
from colorizer.color.pixels import check_pixels, chroma_plane, lightness, quantize, recombine
from colorizer.errors import InputError

EVERY_GREY = np.arange(256, dtype=np.uint8)[None]
EVERY_DEEP_GREY = np.arange(65536, dtype=np.uint16).reshape(256, 256)


def random_rgb(seed: int, dtype: Any = np.uint8) -> Any:
    full = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, full, (64, 80, 3), dtype, endpoint=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lightness_and_chroma_are_those_of_scikit_image(dtype: Any) -> None:
    rgb = random_rgb(1, dtype)
    expected = rgb2lab(rgb / np.iinfo(dtype).max)
    np.testing.assert_allclose(lightness(rgb), expected[..., 0], atol=0.002)
    np.testing.assert_allclose(chroma_plane(rgb), expected[..., 1:], atol=0.02)


@pytest.mark.parametrize("grey", [EVERY_GREY, EVERY_DEEP_GREY])
def test_lightness_of_every_grey_is_exact(grey: Any) -> None:
    np.testing.assert_allclose(lightness(grey), lightness64(grey), atol=1e-5)
    np.testing.assert_allclose(lightness(np.dstack([grey] * 3)), lightness64(grey), atol=1e-4)


@pytest.mark.parametrize("grey", [EVERY_GREY, EVERY_DEEP_GREY])
def test_without_chroma_every_grey_comes_back_as_itself(grey: Any) -> None:
    no_color = np.zeros((*grey.shape, 2), np.float32)
    np.testing.assert_array_equal(recombine(lightness(grey), no_color, grey.dtype), np.dstack([grey] * 3))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colors_that_fit_come_back_as_themselves(dtype: Any) -> None:
    rgb = random_rgb(2, dtype)
    back = recombine(lightness(rgb), chroma_plane(rgb), dtype)
    assert np.abs(back.astype(np.int64) - rgb).max() <= (0 if dtype == np.uint8 else 3)


def test_float_pixels_go_both_ways() -> None:
    rgb = (random_rgb(3) / 255).astype(np.float32)
    np.testing.assert_allclose(recombine(lightness(rgb), chroma_plane(rgb), np.float32), rgb, atol=1e-4)


@pytest.mark.parametrize(
    ("dtype", "mean", "largest"), [(np.uint8, 0.10, 0.30), (np.uint16, 0.002, 0.005)], ids=["8 bits", "16 bits"]
)
def test_lightness_survives_any_chroma(dtype: Any, mean: float, largest: float) -> None:
    generator = np.random.default_rng(4)
    wanted = np.linspace(0, 100, 200 * 300, dtype=np.float32).reshape(200, 300)
    ab = generator.normal(0, 60, (200, 300, 2)).astype(np.float32)
    error = np.abs(lightness64(recombine(wanted, ab, dtype)) - wanted)
    assert error.mean() < mean
    assert error.max() < largest


@given(
    light=st.floats(5, 95),
    a=st.floats(-128, 128),
    b=st.floats(-128, 128),
)
def test_only_chroma_yields_never_hue_or_lightness(light: float, a: float, b: float) -> None:
    wanted = np.array([[[a, b]]], np.float32)
    rgb = recombine(np.array([[light]], np.float32), wanted, np.float64)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    found = rgb2lab(rgb)
    assert abs(found[0, 0, 0] - light) < 0.01
    chroma, got = np.hypot(a, b), np.hypot(*found[0, 0, 1:])
    assert got <= chroma + 0.05
    if got > 2:
        assert hue_distance(found[..., 1:], wanted)[0, 0] < 1


def test_chroma_yields_no_more_than_it_must() -> None:
    """Where chroma was reduced, one part in a hundred more of it would leave the gamut."""
    generator = np.random.default_rng(5)
    light = generator.uniform(10, 90, (50, 50)).astype(np.float32)
    wanted = generator.normal(0, 100, (50, 50, 2)).astype(np.float32)
    lab = rgb2lab(recombine(light, wanted, np.float64))
    reduced = np.hypot(*np.moveaxis(lab[..., 1:], -1, 0)) < np.hypot(*np.moveaxis(wanted, -1, 0)) - 1
    lab[..., 1:] *= 1.01
    linear = lab2xyz(lab) @ rgb_from_xyz.T
    assert reduced.mean() > 0.5
    assert np.all((linear.min(axis=-1) < 0) | (linear.max(axis=-1) > 1), where=reduced)


def test_layout_and_float_type_of_the_planes_do_not_matter() -> None:
    generator = np.random.default_rng(6)
    light = generator.uniform(0, 100, (30, 40)).astype(np.float32)
    ab = generator.normal(0, 50, (30, 40, 2)).astype(np.float32)
    expected = recombine(light, ab, np.uint8)
    others: list[Any] = [np.asfortranarray(light), light[:, ::-1].copy()[:, ::-1], light.astype(np.float64)]
    for other in others:
        np.testing.assert_array_equal(recombine(other, np.asfortranarray(ab), np.uint8), expected)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros(5, np.uint8),
        np.zeros((2, 2, 5), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((2, 2), np.int32),
        np.zeros((2, 2), bool),
        np.full((2, 2), np.nan, np.float32),
        np.full((2, 2), np.inf),
        np.full((2, 2), 255.0),
        np.full((2, 2), -1.0, np.float32),
        None,
        [[1, 2], [3, 4]],
    ],
    ids=["1-d", "5 channels", "empty", "int32", "bool", "NaN", "infinity", "0..255", "-1..1", "None", "list"],
)
def test_what_is_no_picture_is_refused(pixels: Any) -> None:
    with pytest.raises(InputError):
        check_pixels(pixels)


def test_8_bits_are_the_finer_depths_rounded_in_and_out_of_gamut() -> None:
    """OpenCV's conversion, which 8 bits go through, against the one of this package."""
    generator = np.random.default_rng(7)
    light = generator.uniform(0, 100, (300, 400)).astype(np.float32)
    ab = generator.normal(0, 30, (300, 400, 2)).astype(np.float32)
    fine = recombine(light, ab, np.float32) * 255
    assert 0.2 < ((fine < 0.5) | (fine > 254.5)).any(axis=-1).mean() < 0.8
    assert np.abs(recombine(light, ab, np.uint8) - fine).max() < 0.6


def test_black_and_white_take_no_color() -> None:
    light = np.array([[0, 0, 100, 100]], np.float32)
    ab = np.array([[[0, 0], [60, -60], [0, 0], [60, -60]]], np.float32)
    for dtype, full in ((np.uint8, 255), (np.uint16, 65535)):
        expected = np.array([[[0] * 3, [0] * 3, [full] * 3, [full] * 3]], dtype)
        np.testing.assert_array_equal(recombine(light, ab, dtype), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_greys_beside_colours_out_of_gamut_stay_grey(dtype: Any) -> None:
    light = np.tile(np.concatenate([np.linspace(0, 2, 500), np.linspace(98, 100, 500)]).astype(np.float32), (8, 1))
    ab = np.zeros((*light.shape, 2), np.float32)
    ab[::2] = (90, -90)
    result = recombine(light, ab, dtype)
    assert np.ptp(result[1::2].astype(np.int64), axis=-1).max() <= (1 if dtype == np.uint8 else 3)


@given(seed=st.integers(0, 1000))
def test_without_colour_every_lightness_is_grey(seed: int) -> None:
    light = np.random.default_rng(seed).uniform(0, 100, (40, 50)).astype(np.float32)
    for dtype in (np.uint8, np.uint16):
        result = recombine(light, np.zeros((40, 50, 2), np.float32), dtype).astype(np.int64)
        assert np.ptp(result, axis=-1).max() <= (0 if dtype == np.uint8 else 3)


def test_the_fast_srgb_encoding_is_the_exact_one_to_a_hundredth_of_a_deep_code_value() -> None:
    linear = np.linspace(0, 1, 100_001)
    fast = quantize(linear.astype(np.float32), np.dtype(np.float32))
    np.testing.assert_allclose(fast, encode_srgb(linear), atol=0.02 / 65535, rtol=0)
