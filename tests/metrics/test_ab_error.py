"""AuC raw and rebalanced, classes, priors and the best constant tint, against plain loops and cases done by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorizer.errors import InputError
from colorizer.metrics import (
    AbAccuracy,
    ColorHistogram,
    CumulativeAbError,
    area_under,
    best_constant_tint,
    inverse_prior_weights,
    nearest_bin,
    smoothed_prior,
)
from colorizer.networks.zhang.bins import bin_centres

Doubles = npt.NDArray[np.float64]

# a constant error e: the curve is 0 below ceil(e) and 1 from there on; by the trapezoid rule 150 - ceil(e) + 1/2
AUC_OF_CONSTANT_15 = (150 - 15 + 0.5) / 150

GREY_BIN = int(np.flatnonzero((bin_centres() == 0).all(axis=1))[0])


def measured(true: npt.NDArray[Any], predicted: npt.NDArray[Any], **options: Any) -> AbAccuracy:
    errors = CumulativeAbError()
    errors.add(true, predicted)
    return errors.result(**options)


def scene(seed: int, pixels: int = 4000) -> Doubles:
    """Mostly nearly grey, some sky, grass and a few red things, as photographs have them."""
    rng = np.random.default_rng(seed)
    parts = [((2, 6), 5, 0.7), ((-5, -30), 6, 0.15), ((-25, 35), 7, 0.12), ((60, 45), 8, 0.03)]
    return np.concatenate([rng.normal(middle, spread, (int(pixels * share), 2)) for middle, spread, share in parts])


def auc_by_loops(true: Doubles, predicted: Doubles) -> tuple[float, float, float]:
    """Raw, equal bins and inverse smoothed prior, pixel by pixel and threshold by threshold, as the paper puts it."""
    centres = bin_centres().astype(float)
    class_of = [min(range(313), key=lambda q: math.dist(pixel, centres[q])) for pixel in true]
    distance = [math.dist(p, q) for p, q in zip(true, predicted, strict=True)]
    count = [class_of.count(q) for q in range(313)]
    occupied = [q for q in range(313) if count[q]]
    kernel = [[math.exp(-(math.dist(p, q) ** 2) / 50) for q in centres] for p in centres]
    prior = [sum(count[p] / len(true) * kernel[p][q] / sum(kernel[p]) for p in occupied) for q in range(313)]
    curves: list[list[float]] = [[], [], []]
    for threshold in range(151):
        within = [d <= threshold for d in distance]
        curves[0].append(sum(within) / len(within))
        by_class = [sum(w for w, c in zip(within, class_of, strict=True) if c == q) / count[q] for q in occupied]
        curves[1].append(sum(by_class) / len(by_class))
        total = sum(1 / prior[c] for c in class_of)
        curves[2].append(sum(w / prior[c] for w, c in zip(within, class_of, strict=True)) / total)
    raw, equal, inverse = (sum((y + z) / 2 for y, z in pairwise(c)) / 150 for c in curves)
    return raw, equal, inverse


def test_the_three_weightings_equal_plain_loops() -> None:
    rng = np.random.default_rng(5)
    true = scene(5, 120)
    predicted = true * 0.6 + rng.normal(0, 12, true.shape)
    found = measured(true, predicted)
    raw, equal, inverse = auc_by_loops(true, predicted)
    assert found.pixels == len(true)
    assert found.auc_raw == pytest.approx(raw, abs=1e-12)
    assert found.auc_equal_bins == pytest.approx(equal, abs=1e-12)
    assert found.auc_inverse_prior == pytest.approx(inverse, abs=1e-12)
    assert raw > equal + 0.01
    assert abs(equal - inverse) > 1e-5


def test_identical_planes_score_exactly_one() -> None:
    true = scene(1)
    found = measured(true, true)
    assert (found.auc_raw, found.auc_equal_bins, found.auc_inverse_prior) == (1, 1, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [(15, 0), (9, 12), (-12, 9), (0, -15)])
def test_a_constant_offset_of_norm_15_scores_what_the_trapezoid_rule_gives(
    offset: tuple[int, int], dtype: npt.DTypeLike
) -> None:
    true = scene(2).astype(dtype)
    predicted = true + np.array(offset, dtype)
    found = measured(true, predicted)
    for auc in (found.auc_raw, found.auc_equal_bins, found.auc_inverse_prior):
        assert auc == pytest.approx(AUC_OF_CONSTANT_15, abs=1e-9)


def test_swapped_channels_score_by_the_difference_of_a_and_b() -> None:
    true = np.full((7, 5, 2), (40.0, -20.0))
    # (40, -20) against (-20, 40): 60 sqrt(2) = 84.85, admitted from threshold 85 on
    assert measured(true, true[..., ::-1]).auc_raw == pytest.approx((150 - 85 + 0.5) / 150, abs=1e-12)


def test_errors_beyond_the_last_threshold_score_nothing() -> None:
    true = np.full((4, 2), (100.0, -110.0))
    assert measured(true, -true).auc_raw == 0


def test_half_right_and_half_off_by_one_class_scores_half_each() -> None:
    true = np.zeros((10, 2))
    predicted = np.zeros((10, 2))
    predicted[:5, 0] = 10
    assert measured(true, predicted).auc_raw == pytest.approx((1 + (150 - 10 + 0.5) / 150) / 2, abs=1e-12)


def test_equal_bins_averages_classes_and_not_pixels() -> None:
    # 99 grey pixels right, one blue pixel off by exactly 15: raw counts it once in a hundred, equal bins as one half
    true = np.zeros((100, 2))
    true[-1] = (20, -50)
    predicted = true.copy()
    predicted[-1, 1] += 15
    found = measured(true, predicted)
    assert found.occupied_bins == 2
    assert found.auc_raw == pytest.approx((99 + AUC_OF_CONSTANT_15) / 100, abs=1e-12)
    assert found.auc_equal_bins == pytest.approx((1 + AUC_OF_CONSTANT_15) / 2, abs=1e-12)


def test_inverse_prior_takes_the_callers_prior() -> None:
    true = np.zeros((100, 2))
    true[-1] = (20, -50)
    predicted = true.copy()
    predicted[-1, 1] += 15
    prior = np.full(313, 1.0)
    prior[GREY_BIN] = 33.0
    # 99 pixels of weight 1/33 and one of weight 1: shares 3/4 and 1/4
    found = measured(true, predicted, prior=prior)
    assert found.auc_inverse_prior == pytest.approx((3 + AUC_OF_CONSTANT_15) / 4, abs=1e-12)


def test_inverse_prior_with_only_uniform_share_is_raw() -> None:
    true = scene(3)
    found = measured(true, true * 0.5, uniform_share=1.0)
    assert found.auc_inverse_prior == pytest.approx(found.auc_raw, abs=1e-12)


def test_original_beats_slight_noise_beats_grey_in_every_weighting() -> None:
    true = scene(4)
    noisy = true + np.random.default_rng(4).normal(0, 3, true.shape)
    best, middle, worst = (measured(true, predicted) for predicted in (true, noisy, np.zeros_like(true)))
    assert best.auc_raw > middle.auc_raw > worst.auc_raw
    assert best.auc_equal_bins > middle.auc_equal_bins > worst.auc_equal_bins
    assert best.auc_inverse_prior > middle.auc_inverse_prior > worst.auc_inverse_prior


def test_rebalanced_auc_punishes_fading_more_than_raw() -> None:
    true = scene(6)
    faded = measured(true, true * 0.3)
    # noise that costs as much raw as the fading does, spread over all colours alike
    noise = np.random.default_rng(6).normal(0, 1, true.shape)
    scale = np.hypot(*(0.7 * true).T).mean() / np.hypot(*noise.T).mean()
    noisy = measured(true, true + scale * noise)
    assert faded.auc_raw == pytest.approx(noisy.auc_raw, abs=0.002)
    assert faded.auc_equal_bins < noisy.auc_equal_bins - 0.05
    assert faded.auc_inverse_prior < noisy.auc_inverse_prior - 0.05
    assert 1 - faded.auc_equal_bins > 2 * (1 - faded.auc_raw)


def test_the_curve_is_the_share_within_each_threshold() -> None:
    true = scene(7)
    predicted = true * 0.4
    errors = CumulativeAbError()
    errors.add(true, predicted)
    distance = np.hypot(*(true - predicted).T)
    assert np.allclose(errors.curve(), [(distance <= t).mean() for t in range(151)], atol=1e-3)
    assert area_under(errors.curve()) == errors.result().auc_raw
    assert errors.inverse_prior_curve().shape == errors.curve("equal_bins").shape == (151,)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), near=st.floats(0, 4), farther=st.floats(0, 4))
def test_auc_falls_as_the_error_grows(seed: int, near: float, farther: float) -> None:
    rng = np.random.default_rng(seed)
    true, error = rng.normal(0, 30, (60, 2)), rng.normal(0, 20, (60, 2))
    less, more = (measured(true, true + factor * error) for factor in (near, near + farther))
    assert more.auc_raw <= less.auc_raw
    assert more.auc_equal_bins <= less.auc_equal_bins + 1e-12
    assert more.auc_inverse_prior <= less.auc_inverse_prior + 1e-12
    assert 0 <= more.auc_equal_bins <= 1


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 99), min_size=1, max_size=4))
def test_parts_in_any_order_merge_to_the_whole(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 40, (100, 2))
    predicted = true + rng.normal(0, 25, (100, 2))
    whole, merged = CumulativeAbError(), CumulativeAbError()
    colours, merged_colours = ColorHistogram(), ColorHistogram()
    whole.add(true.reshape(10, 10, 2), predicted.reshape(10, 10, 2))
    colours.add(true)
    borders = [0, *sorted(cuts), 100]
    for part in rng.permutation(len(borders) - 1):
        rows = slice(borders[part], borders[part + 1])
        if rows.start < rows.stop:
            piece, piece_colours = CumulativeAbError(), ColorHistogram()
            piece.add(true[rows], predicted[rows])
            piece_colours.add(true[rows])
            merged.merge(piece)
            merged_colours.merge(piece_colours)
    assert np.array_equal(whole.counts, merged.counts)
    assert np.array_equal(colours.counts, merged_colours.counts)
    assert whole.result() == merged.result() == CumulativeAbError(merged.counts).result()


def test_a_picture_larger_than_a_strip_is_counted_whole() -> None:
    rng = np.random.default_rng(8)
    true = rng.uniform(-60, 60, (700, 900, 2)).astype(np.float32)
    errors, colours = CumulativeAbError(), ColorHistogram()
    errors.add(true, np.zeros_like(true))
    colours.add(true)
    distance = np.hypot(true[..., 0].astype(float), true[..., 1])
    column = np.ceil(distance - 1e-4).astype(int).ravel()
    assert np.array_equal(errors.counts.sum(axis=0), np.bincount(column, minlength=152))
    assert np.array_equal(errors.bin_counts, colours.bin_counts)
    assert colours.counts.sum() == 700 * 900


def test_memory_does_not_grow_with_the_pictures() -> None:
    errors = CumulativeAbError()
    size = errors.counts.nbytes
    for seed in range(3):
        errors.add(scene(seed), scene(seed + 1))
    assert errors.counts.nbytes == size < 400_000


def test_classes_are_the_nearest_centres_wherever_colours_occur() -> None:
    rng = np.random.default_rng(9)
    centres = bin_centres()
    ab = centres[rng.integers(0, 313, 20_000)] + rng.uniform(-4.999, 4.999, (20_000, 2))
    squared = ((ab[:, None] - centres) ** 2).sum(axis=-1)
    assert np.array_equal(nearest_bin(ab), np.argmin(squared, axis=1))
    assert np.array_equal(nearest_bin(centres), np.arange(313))


def test_classes_of_colours_beyond_the_table_are_nearest_to_within_a_cell() -> None:
    ab = np.random.default_rng(10).uniform(-140, 140, (5000, 2))
    held = np.clip(ab, -128, 128)
    distance = np.sqrt(((held[:, None] - bin_centres()) ** 2).sum(axis=-1))
    chosen = np.take_along_axis(distance, nearest_bin(ab)[:, None].astype(int), axis=1)[:, 0]
    assert (chosen - distance.min(axis=1)).max() <= math.sqrt(2) + 1e-9


def test_a_smoothed_prior_is_a_distribution_that_spreads_to_the_neighbours() -> None:
    counts = np.zeros(313)
    counts[GREY_BIN] = 7
    prior = smoothed_prior(counts)
    centres = bin_centres()
    neighbour = int(np.flatnonzero((centres == (10, 0)).all(axis=1))[0])
    assert prior.sum() == pytest.approx(1)
    assert prior[neighbour] / prior[GREY_BIN] == pytest.approx(math.exp(-100 / 50))
    assert np.argmax(prior) == GREY_BIN


def test_inverse_prior_weights_have_mean_one_under_the_prior() -> None:
    prior = smoothed_prior(np.random.default_rng(11).integers(0, 1000, 313))
    for uniform_share in (0.0, 0.5, 1.0):
        weights = inverse_prior_weights(prior, uniform_share)
        assert (prior * weights).sum() == pytest.approx(1)
        expected = 1 / ((1 - uniform_share) * prior + uniform_share / 313)
        assert np.allclose(weights / weights[0], expected / expected[0])


def test_the_raw_tint_is_the_geometric_median_of_the_colours() -> None:
    true = np.random.default_rng(12).laplace((9.5, -14.5), 6, (40_000, 2))
    colours = ColorHistogram()
    colours.add(true)
    tint = best_constant_tint(colours)
    assert (tint.a, tint.b) == pytest.approx((9.5, -14.5), abs=0.5)
    exact = measured(true, np.broadcast_to((tint.a, tint.b), true.shape)).auc_raw
    assert tint.auc == pytest.approx(exact, abs=0.002)


@pytest.mark.parametrize("weighting", ["raw", "equal_bins"])
def test_no_constant_scores_better_than_the_best_tint(weighting: Any) -> None:
    true = scene(13)
    colours = ColorHistogram()
    colours.add(true)
    tint = best_constant_tint(colours, weighting)

    def exact(a: float, b: float) -> float:
        errors = CumulativeAbError()
        errors.add(true, np.broadcast_to((a, b), true.shape))
        return area_under(errors.curve(weighting))

    best = exact(tint.a, tint.b)
    assert tint.auc == pytest.approx(best, abs=0.004)
    rivals = [exact(a, b) for a in range(-60, 80, 20) for b in range(-60, 80, 20)]
    nearby = [exact(tint.a + a, tint.b + b) for a in (-3, 0, 3) for b in (-3, 0, 3)]
    assert best >= max(*rivals, *nearby, exact(0, 0)) - 0.001
    assert best > exact(0, 0)


def test_the_two_weightings_have_tints_of_their_own() -> None:
    colours = ColorHistogram()
    colours.add(scene(14))
    raw, equal = best_constant_tint(colours, "raw"), best_constant_tint(colours, "equal_bins")
    assert math.hypot(raw.a - equal.a, raw.b - equal.b) > 5
    assert raw.auc > equal.auc


def test_what_is_no_ab_is_refused_in_one_line() -> None:
    errors = CumulativeAbError()
    plane = np.zeros((4, 4, 2))
    broken = plane.copy()
    broken[0, 0, 0] = np.nan
    for true, predicted in [
        (plane, plane[:2]),
        (plane[..., :1], plane[..., :1]),
        (plane[:0], plane[:0]),
        (plane, broken),
    ]:
        with pytest.raises(InputError) as refusal:
            errors.add(true, predicted)
        assert "\n" not in str(refusal.value)
    assert errors.counts.sum() == 0


def test_an_empty_set_says_so() -> None:
    for measure in (
        CumulativeAbError().result,
        CumulativeAbError().curve,
        lambda: best_constant_tint(ColorHistogram()),
    ):
        with pytest.raises(InputError, match="no pixels"):
            measure()


def test_priors_that_cannot_be_are_refused() -> None:
    errors = CumulativeAbError()
    errors.add(np.zeros((3, 2)), np.zeros((3, 2)))
    impossible = np.ones(313)
    impossible[GREY_BIN] = 0
    with pytest.raises(InputError, match="uniform_share"):
        errors.result(prior=impossible)
    assert errors.result(prior=impossible, uniform_share=0.5).auc_inverse_prior == 1
    for prior in (np.ones(312), -np.ones(313), np.zeros(313), np.full(313, np.nan)):
        with pytest.raises(InputError, match="313"):
            errors.result(prior=prior)
    with pytest.raises(InputError, match=r"0\.\.1"):
        errors.result(uniform_share=1.5)
    with pytest.raises(InputError, match="width"):
        smoothed_prior(np.ones(313), sigma=0)
    with pytest.raises(InputError, match="313 x 152"):
        CumulativeAbError(np.zeros((2, 2), np.int64))
