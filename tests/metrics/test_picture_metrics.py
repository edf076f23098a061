"""Errors, structure, edges, lightness, colourfulness: against scikit-image, plain loops and cases done by hand."""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import skimage.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from colorizer.cli.wording import worded
from colorizer.errors import InputError, MissingExtraError
from colorizer.metrics import (
    CumulativeAbError,
    ab_distance,
    ab_error,
    absolute_colorfulness,
    chroma_edges,
    chroma_ratio,
    colorfulness,
    colorization_accuracy,
    delta_colorfulness,
    edge_error,
    lightness_deviation,
    mean_chroma,
    psnr,
    rgb_error,
    ssim,
)

Bytes = npt.NDArray[np.uint8]

# scikit-image has no types
peak_ratio: Callable[..., float] = skimage.metrics.peak_signal_noise_ratio


def picture(seed: int, height: int = 48, width: int = 64) -> Bytes:
    """Soft coloured patches with some grain."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(30, 220, (4, 4, 3)).repeat(-(-height // 4), axis=0).repeat(-(-width // 4), axis=1)
    grain = rng.normal(0, 6, (height, width, 3))
    return np.clip(patches[:height, :width] + grain, 0, 255).astype(np.uint8)


def greyed(rgb: Bytes) -> Bytes:
    return np.repeat(rgb.mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)


@pytest.mark.parametrize("shape", [(48, 64), (1100, 700)])
def test_rgb_errors_equal_scikit_image(shape: tuple[int, int]) -> None:
    true, predicted = picture(1, *shape), picture(2, *shape)
    found = rgb_error(true, predicted)
    one, other = true / 255, predicted / 255
    assert found.mse == pytest.approx(skimage.metrics.mean_squared_error(one, other), rel=1e-12)
    assert found.rmse == pytest.approx(math.sqrt(found.mse), rel=1e-12)
    assert found.mae == pytest.approx(np.abs(one - other).mean(), rel=1e-12)
    assert psnr(true, predicted) == pytest.approx(peak_ratio(one, other, data_range=1), rel=1e-12)


def test_ab_errors_are_over_both_channels() -> None:
    true = np.random.default_rng(3).normal(0, 30, (9, 11, 2))
    predicted = true + np.array([3.0, -4.0])
    found = ab_error(true, predicted)
    assert found.mse == pytest.approx((9 + 16) / 2)
    assert found.rmse == pytest.approx(5 / math.sqrt(2))
    assert found.mae == pytest.approx(3.5)
    assert np.allclose(ab_distance(true, predicted), 5)


def test_a_constant_offset_in_rgb_has_the_errors_done_by_hand() -> None:
    true = np.full((5, 6, 3), 100, np.uint8)
    found = rgb_error(true, true + np.uint8(51))
    assert (found.mse, found.rmse, found.mae) == pytest.approx((0.04, 0.2, 0.2))
    assert psnr(true, true + np.uint8(51)) == pytest.approx(10 * math.log10(25))


def test_swapped_channels_have_the_errors_done_by_hand() -> None:
    red = np.zeros((3, 3, 3), np.uint8)
    red[..., 0] = 255
    found = rgb_error(red, red[..., ::-1])
    assert (found.mse, found.mae) == pytest.approx((2 / 3, 2 / 3))


def test_identical_pictures_are_perfect() -> None:
    true = picture(4)
    assert rgb_error(true, true).mse == 0
    assert psnr(true, true) == math.inf
    assert ssim(true, true) == pytest.approx(1, abs=1e-12)
    assert lightness_deviation(true, true).maximum == 0


def test_bit_depths_compare_on_one_scale() -> None:
    true = picture(5)
    deep = true.astype(np.uint16) * 257
    assert rgb_error(true, deep).mae == pytest.approx(0, abs=1e-15)
    assert rgb_error(true, true.astype(np.float32) / np.float32(255)).mae == pytest.approx(0, abs=1e-7)


def ssim_by_hand(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """Wang et al. 2004 at each window that lies inside, plainly."""
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    values = []
    for channel in range(3):
        for y in range(5, one.shape[0] - 5):
            for x in range(5, one.shape[1] - 5):
                p, q = (plane[y - 5 : y + 6, x - 5 : x + 6, channel] / 255 for plane in (one, other))
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                covariance = (window * (p - mp) * (q - mq)).sum()
                numerator = (2 * mp * mq + 0.01**2) * (2 * covariance + 0.03**2)
                values.append(numerator / ((mp**2 + mq**2 + 0.01**2) * (vp + vq + 0.03**2)))
    return float(np.mean(values))


def test_ssim_is_that_of_the_paper() -> None:
    true = picture(6, 20, 22)
    predicted = np.clip(true + np.random.default_rng(6).normal(0, 15, true.shape), 0, 255).astype(np.uint8)
    assert ssim(true, predicted) == pytest.approx(ssim_by_hand(true, predicted), abs=1e-9)
    assert ssim(true, predicted) < 0.99


def test_ssim_of_a_tiny_picture_is_refused() -> None:
    with pytest.raises(InputError, match="11 pixels"):
        ssim(picture(7)[:10], picture(7)[:10])


def test_ssim_without_scikit_image_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_scikit_image(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        if name.startswith("skimage"):
            raise ImportError(name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without_scikit_image)
    with pytest.raises(MissingExtraError, match="SSIM needs scikit-image") as caught:
        ssim(picture(8), picture(8))
    assert re.search(r"pip install .*\[evaluate\]", worded(caught.value))


def test_accuracy_is_a_point_of_the_cumulative_curve() -> None:
    true = np.random.default_rng(9).normal(0, 25, (5000, 2))
    errors = CumulativeAbError()
    errors.add(true, true * 0.5)
    for threshold in (5, 10, 20):
        found = colorization_accuracy(true, true * 0.5, threshold)
        assert found == pytest.approx(errors.curve()[threshold], abs=1e-3)
    assert colorization_accuracy(true, true, 0) == 1


def test_accuracy_counts_within_a_disc_and_takes_in_its_rim() -> None:
    true = np.zeros((3, 2))
    predicted = np.array([[6.0, 8.0], [9.0, 9.0], [0.0, 10.0]])
    assert colorization_accuracy(true, predicted) == pytest.approx(2 / 3)


def colorfulness_by_loops(rgb: Bytes, absolute: bool) -> float:
    rg = [float(r) - float(g) for r, g, b in rgb.reshape(-1, 3)]
    yb = [(float(r) + float(g)) / 2 - float(b) for r, g, b in rgb.reshape(-1, 3)]
    if absolute:
        rg, yb = [abs(v) for v in rg], [abs(v) for v in yb]
    means = [sum(v) / len(v) for v in (rg, yb)]
    variances = [sum((x - m) ** 2 for x in v) / len(v) for v, m in zip((rg, yb), means, strict=True)]
    return math.sqrt(sum(variances)) + 0.3 * math.sqrt(sum(m * m for m in means))


def test_both_kinds_of_colourfulness_equal_plain_loops() -> None:
    rgb = picture(10)
    assert colorfulness(rgb) == pytest.approx(colorfulness_by_loops(rgb, absolute=False), rel=1e-9)
    assert absolute_colorfulness(rgb) == pytest.approx(colorfulness_by_loops(rgb, absolute=True), rel=1e-9)
    assert abs(colorfulness(rgb) - absolute_colorfulness(rgb)) > 1


def test_grey_has_no_colourfulness() -> None:
    grey = greyed(picture(11))
    assert colorfulness(grey) == absolute_colorfulness(grey) == 0


def test_half_red_half_green_shows_how_the_two_kinds_differ() -> None:
    rgb = np.zeros((2, 2, 3), np.uint8)
    rgb[0, :, 0] = 200
    rgb[1, :, 1] = 200
    # R - G is +-200 and (R + G) / 2 - B is 100 everywhere; with absolute values nothing varies
    assert colorfulness(rgb) == pytest.approx(200 + 0.3 * 100)
    assert absolute_colorfulness(rgb) == pytest.approx(0.3 * math.hypot(200, 100))


def test_colourfulness_is_the_same_at_every_bit_depth() -> None:
    rgb = picture(12)
    assert colorfulness(rgb.astype(np.uint16) * 257) == pytest.approx(colorfulness(rgb), rel=1e-12)
    assert colorfulness(rgb.astype(np.float64) / 255) == pytest.approx(colorfulness(rgb), rel=1e-12)


def test_delta_colourfulness_is_the_difference_of_the_means() -> None:
    assert delta_colorfulness([30, 50], [10, 40]) == 15
    assert delta_colorfulness([30, 50], [50, 30]) == 0
    assert delta_colorfulness(38.21, 31.60) == pytest.approx(6.61)
    with pytest.raises(InputError, match="no colourfulness"):
        delta_colorfulness([], [1])


@settings(deadline=None, max_examples=50)
@given(factor=st.floats(0, 3), seed=st.integers(0, 1000))
def test_chroma_ratio_is_the_factor_by_which_ab_was_scaled(factor: float, seed: int) -> None:
    true = np.random.default_rng(seed).normal(5, 20, (8, 9, 2))
    assert chroma_ratio(true, true * factor) == pytest.approx(factor, abs=1e-9)
    assert chroma_ratio(true, -true) == pytest.approx(1)


def test_chroma_of_grey_is_nothing_and_its_ratio_undefined() -> None:
    grey, red = np.zeros((4, 4, 2)), np.full((4, 4, 2), (30.0, 40.0))
    assert mean_chroma(grey) == 0
    assert mean_chroma(red) == 50
    assert chroma_ratio(red, grey) == 0
    assert math.isnan(chroma_ratio(grey, red))


def test_edges_lie_where_the_colour_steps() -> None:
    ab = np.zeros((6, 20, 2))
    ab[:, 10:] = (9, 12)
    expected = np.zeros((6, 20), bool)
    expected[:, 9:11] = True
    assert np.array_equal(chroma_edges(ab), expected)
    assert not chroma_edges(ab * 0.6).any()


def test_error_near_edges_counts_pixels_up_to_five_away() -> None:
    true = np.zeros((6, 40, 2))
    true[:, 20:] = (30, 0)
    predicted = true.copy()
    # edges at columns 19 and 20, near are 14..25; wrong by 8 at columns 14 and 26
    predicted[:, 14, 1] += 8
    predicted[:, 26, 1] += 8
    found = edge_error(true, predicted)
    assert found.share_near == pytest.approx(12 / 40)
    assert found.near == pytest.approx(8 / 12)
    assert found.elsewhere == pytest.approx(8 / 28)


def test_distance_to_edges_is_euclidean() -> None:
    rng = np.random.default_rng(13)
    true = np.zeros((30, 40, 2))
    true[8:12, 5:9] = (0, 60)
    predicted = true + rng.normal(0, 10, true.shape)
    ys, xs = np.nonzero(chroma_edges(true))
    near = np.zeros((30, 40), bool)
    for y in range(30):
        for x in range(40):
            near[y, x] = min((y - p) ** 2 + (x - q) ** 2 for p, q in zip(ys, xs, strict=True)) <= 25
    error = np.hypot(*np.moveaxis(true - predicted, -1, 0))
    found = edge_error(true, predicted)
    assert found.near == pytest.approx(error[near].mean())
    assert found.elsewhere == pytest.approx(error[~near].mean())


def test_blurred_colours_err_more_near_edges_than_elsewhere() -> None:
    true = np.zeros((20, 80, 2))
    true[:, 40:] = (50, -30)
    kernel = np.ones(9) / 9
    padded = np.pad(true, ((0, 0), (4, 4), (0, 0)), mode="edge")
    blurred = np.stack([np.stack([np.convolve(row, kernel, "valid") for row in padded[..., c]]) for c in (0, 1)], -1)
    found = edge_error(true, blurred)
    assert found.near > 10 * found.elsewhere


def test_a_picture_without_edges_has_no_error_near_them() -> None:
    flat = np.full((5, 5, 2), 7.0)
    found = edge_error(flat, flat + 1)
    assert math.isnan(found.near)
    assert found.elsewhere == pytest.approx(math.sqrt(2))
    assert found.share_near == 0
    assert edge_error(np.zeros((1, 7, 2)), np.zeros((1, 7, 2))).elsewhere == 0


def test_lightness_deviation_is_that_of_lab() -> None:
    true = picture(14)
    predicted = np.clip(true.astype(int) + 3, 0, 255).astype(np.uint8)
    expected = np.abs(rgb2lab(true)[..., 0] - rgb2lab(predicted)[..., 0])
    found = lightness_deviation(true, predicted)
    assert found.mean == pytest.approx(expected.mean(), abs=1e-3)
    assert found.maximum == pytest.approx(expected.max(), abs=1e-2)


def test_lightness_of_grey_is_compared_with_that_of_colour() -> None:
    grey = np.full((4, 4), 128, np.uint8)
    assert lightness_deviation(grey, np.repeat(grey[..., None], 3, axis=-1)).maximum < 1e-3
    white = np.full((4, 4, 3), 255, np.uint8)
    assert lightness_deviation(np.zeros((4, 4), np.uint8), white).mean == pytest.approx(100, abs=1e-3)


def test_pictures_that_do_not_fit_are_refused_in_one_line() -> None:
    rgb = picture(15)
    for measure in (rgb_error, psnr, ssim, lightness_deviation):
        with pytest.raises(InputError, match="compared") as refusal:
            measure(rgb, rgb[:20])
        assert "\n" not in str(refusal.value)
    for measure in (rgb_error, psnr, ssim):
        with pytest.raises(InputError, match="RGB"):
            measure(rgb[..., 0], rgb[..., 0])
    with pytest.raises(InputError, match="RGB"):
        colorfulness(rgb[..., :2])
    with pytest.raises(InputError, match="lightness"):
        lightness_deviation(rgb[..., :2], rgb)
    with pytest.raises(InputError, match="edges"):
        chroma_edges(np.zeros((5, 2)))
    with pytest.raises(InputError, match="finite"):
        rgb_error(np.full((2, 2, 3), np.nan), np.zeros((2, 2, 3)))
