"""Chroma solved for a given Y': against a float64 computation of its own, and against what a player would show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2xyz, rgb2lab

from colorizer.color.chroma_planes import (
    ab_at_chroma,
    chroma_planes,
    converted_luma,
    lightness_of_luma,
    luma_at_chroma,
    solved_chroma,
)
from colorizer.color.ycbcr import ColorEncoding, PlaneLayout, code_range, guess_matrix

Doubles = npt.NDArray[np.float64]

XYZ_TO_RGB = np.linalg.inv(
    np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
)


def shown_rgb(luma: Doubles, chroma: Doubles, encoding: ColorEncoding) -> Doubles:
    """R'G'B' as a player computes them: (..., 3), unclipped."""
    red_share, blue_share = encoding.luma_coefficients
    red = luma + 2 * (1 - red_share) * chroma[..., 1]
    blue = luma + 2 * (1 - blue_share) * chroma[..., 0]
    green = (luma - red_share * red - blue_share * blue) / (1 - red_share - blue_share)
    return np.stack([red, green, blue], axis=-1)


def luma_of_lab(lightness: Doubles, ab: Doubles, encoding: ColorEncoding) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Y' of Lab colours by scikit-image's XYZ, and which of them a screen can show."""
    linear = lab2xyz(np.concatenate([lightness[..., None], ab], axis=-1)) @ XYZ_TO_RGB.T
    rgb = np.where(linear > 0.0031308, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055, 12.92 * linear)
    red_share, blue_share = encoding.luma_coefficients
    luma = rgb @ np.array([red_share, 1 - red_share - blue_share, blue_share])
    return luma, ((linear >= 0) & (linear <= 1)).all(axis=-1)


@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_colours_that_fit_come_out_with_their_hue_and_chroma_at_the_given_luma(matrix: int) -> None:
    rng = np.random.default_rng(3)
    lightness, ab = rng.uniform(25, 95, 4000), np.clip(rng.normal(0, 22, (4000, 2)), -60, 60)
    encoding = ColorEncoding(matrix)
    luma, fits = luma_of_lab(lightness, ab, encoding)
    chroma = solved_chroma(luma[None].astype(np.float32), ab[None].astype(np.float32), encoding)[0]
    shown = rgb2lab(np.clip(shown_rgb(luma, chroma.astype(np.float64), encoding), 0, 1)[None])[0]
    assert fits.sum() > 1500
    error = np.hypot(*(shown[fits, 1:] - ab[fits]).T)
    assert error.mean() < 0.35
    assert np.percentile(error, 99) < 3


@settings(deadline=None, max_examples=60)
@given(
    matrix=st.sampled_from([1, 6, 9]),
    luma=st.floats(0, 1),
    a=st.floats(-128, 128),
    b=st.floats(-128, 128),
)
def test_whatever_is_wanted_the_colour_can_be_shown(matrix: int, luma: float, a: float, b: float) -> None:
    encoding = ColorEncoding(matrix)
    level = np.full((1, 1), luma, np.float32)
    chroma = solved_chroma(level, np.array([[[a, b]]], np.float32), encoding).astype(np.float64)
    rgb = shown_rgb(level.astype(np.float64), chroma, encoding)
    assert rgb.min() > -1e-3
    assert rgb.max() < 1 + 1e-3


def test_vivid_colours_keep_their_hue_and_give_up_chroma() -> None:
    rng = np.random.default_rng(5)
    angle, luma = rng.uniform(0, 2 * np.pi, 500), rng.uniform(0.15, 0.85, 500)
    wanted = 120 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    encoding = ColorEncoding()
    chroma = solved_chroma(luma[None].astype(np.float32), wanted[None].astype(np.float32), encoding)[0]
    shown = rgb2lab(np.clip(shown_rgb(luma, chroma.astype(np.float64), encoding), 0, 1)[None])[0, :, 1:]
    turn = np.angle(np.exp(1j * (np.arctan2(shown[:, 1], shown[:, 0]) - angle)))
    assert np.abs(turn).mean() < np.radians(1.5)
    assert np.hypot(*shown.T).mean() > 30


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("chroma", [(2, 2), (1, 2), (1, 1)])
def test_no_chroma_is_exactly_the_middle_code(chroma: tuple[int, int], bits: int, full_range: bool) -> None:
    top = (1 << bits) - 1
    luma = np.linspace(0, top, 41 * 33).reshape(41, 33).astype(np.uint8 if bits == 8 else np.uint16)
    layout, encoding = PlaneLayout(bits, chroma), ColorEncoding(full_range=full_range)
    blue, red = chroma_planes(luma, np.zeros((3, 3, 2), np.float32), layout, encoding)
    assert blue.shape == red.shape == layout.chroma_size(41, 33)
    assert blue.dtype == luma.dtype
    assert (blue == 1 << (bits - 1)).all()
    assert (red == 1 << (bits - 1)).all()


@pytest.mark.parametrize(("bits", "full_range"), [(8, False), (8, True), (10, False), (10, True)])
def test_code_values_are_those_of_the_standard(bits: int, full_range: bool) -> None:
    luma = np.full((8, 8), 600 >> (10 - bits), np.uint8 if bits == 8 else np.uint16)
    ab = np.full((2, 2, 2), 20, np.float32)
    encoding = ColorEncoding(full_range=full_range)
    blue, red = chroma_planes(luma, ab, PlaneLayout(bits, (2, 2)), encoding)
    unit = 1 << (bits - 8)
    span = (1 << bits) - 1 if full_range else 224 * unit
    level = luma[0, 0] / ((1 << bits) - 1) if full_range else (luma[0, 0] - 16 * unit) / (219 * unit)
    chroma = np.array([int(blue[0, 0]) - 128 * unit, int(red[0, 0]) - 128 * unit]) / span
    shown = rgb2lab(shown_rgb(np.array(level), chroma, encoding)[None, None])[0, 0]
    assert np.abs(shown[1:] - 20).max() < (1.2 if bits == 8 else 0.6)


def test_luma_of_a_chroma_sample_follows_its_siting() -> None:
    luma = np.zeros((4, 8), np.uint8)
    luma[:, 3] = 80
    left = luma_at_chroma(luma, (2, 2), ColorEncoding(siting="left"))
    centre = luma_at_chroma(luma, (2, 2), ColorEncoding(siting="centre"))
    assert np.allclose(left[0], [0, 20, 20, 0])
    assert np.allclose(centre[0], [0, 40, 0, 0])


def test_predicted_chroma_lands_where_the_samples_lie() -> None:
    grid = np.linspace(0, 63, 64, dtype=np.float32)
    ramp = np.stack([np.broadcast_to(grid, (16, 64)), np.zeros((16, 64))], axis=-1).astype(np.float32)
    left = ab_at_chroma(ramp, (16, 64), (2, 2), ColorEncoding(siting="left"))[4, 4:28, 0]
    centre = ab_at_chroma(ramp, (16, 64), (2, 2), ColorEncoding(siting="centre"))[4, 4:28, 0]
    assert np.allclose(left, np.arange(4, 28) * 2, atol=0.05)
    assert np.allclose(centre, np.arange(4, 28) * 2 + 0.5, atol=0.05)


def test_fields_of_interlaced_frames_do_not_mix() -> None:
    luma = np.zeros((32, 32), np.uint8)
    luma[0::2], luma[1::2] = 200, 60
    ab = np.full((2, 2, 2), 25, np.float32)
    layout, encoding = PlaneLayout(8, (2, 2)), ColorEncoding()
    mixed = chroma_planes(luma, ab, layout, encoding, interlaced=True)
    for field, code in ((0, 200), (1, 60)):
        alone = chroma_planes(np.full((32, 32), code, np.uint8), ab, layout, encoding)
        for both, one in zip(mixed, alone, strict=True):
            assert np.array_equal(both[field::2], one[field::2])


def test_lightness_of_luma_is_that_of_the_grey_it_shows() -> None:
    for bits, full_range in ((8, True), (8, False), (10, False)):
        scale = code_range(bits, full_range=full_range)
        grey = np.linspace(0, 1, 64)
        luma = np.rint(scale.black + grey * scale.luma_span).astype(np.uint8 if bits == 8 else np.uint16)
        seen = lightness_of_luma(np.tile(luma, (8, 1)), (8, 64), bits, full_range=full_range)
        exact = (luma - scale.black) / scale.luma_span
        assert np.abs(seen[0] - rgb2lab(np.repeat(exact[:, None], 3, axis=1)[None])[0, :, 0]).max() < 0.02


def test_depth_is_changed_without_moving_black_and_white() -> None:
    assert converted_luma(np.array([[16, 235]], np.uint8), 8, 10, full_range=False).tolist() == [[64, 940]]
    assert converted_luma(np.array([[0, 255]], np.uint8), 8, 10, full_range=True).tolist() == [[0, 1023]]
    same = np.array([[3, 4]], np.uint8)
    assert converted_luma(same, 8, 8, full_range=False) is same


def test_untagged_films_are_taken_as_players_take_them() -> None:
    assert guess_matrix(2, 480, 640) == 6
    assert guess_matrix(2, 720, 1280) == 1
    assert guess_matrix(9, 480, 640) == 9
