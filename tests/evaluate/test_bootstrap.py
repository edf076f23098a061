"""Sums of one pass, against tables that are kept whole and sets that are really drawn again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorizer.evaluate.bootstrap import ClassAreas, Means, Weights, column_areas, interval
from colorizer.metrics import CumulativeAbError, area_under, inverse_prior_weights, smoothed_prior

RESAMPLES = 12


def table(seed: int) -> CumulativeAbError:
    """The errors of a picture of random colours."""
    rng = np.random.default_rng(seed)
    errors = CumulativeAbError()
    true = rng.normal(0, 25, (200, 2))
    errors.add(true, true + rng.normal(0, rng.uniform(1, 90), (200, 2)))
    return errors


def test_areas_of_columns_are_those_under_single_errors() -> None:
    for column, area in enumerate(column_areas()):
        counts = np.zeros((313, 152), np.int64)
        counts[7, column] = 3
        assert area == pytest.approx(area_under(CumulativeAbError(counts).curve()), abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
def test_auc_of_each_resampled_set_is_that_of_its_whole_table(seeds: list[int]) -> None:
    areas, weights = ClassAreas(RESAMPLES), Weights(RESAMPLES)
    pictures = [(table(seed), weights.next()) for seed in seeds]
    for errors, weight in pictures:
        areas.add(weight, errors.counts)
    prior = smoothed_prior(sum(errors.bin_counts for errors, _ in pictures))  # type: ignore[arg-type]
    by_class = inverse_prior_weights(prior)
    for resample in range(1 + RESAMPLES):
        whole = CumulativeAbError(sum((e.counts * int(w[resample]) for e, w in pictures), np.zeros((313, 152), int)))
        if not whole.counts.any():
            assert math.isnan(areas.raw()[resample])
            continue
        expected = whole.result(prior=prior)
        assert areas.raw()[resample] == pytest.approx(expected.auc_raw, abs=1e-12)
        assert areas.equal_bins()[resample] == pytest.approx(expected.auc_equal_bins, abs=1e-12)
        assert areas.weighted(by_class)[resample] == pytest.approx(expected.auc_inverse_prior, abs=1e-9)


def test_the_first_row_is_the_set_itself() -> None:
    weights, means = Weights(RESAMPLES), Means(RESAMPLES, 2)
    values = np.random.default_rng(3).normal(size=(40, 2))
    for row in values:
        means.add(weights.next(), row)
    np.testing.assert_allclose(means.means()[0], values.mean(axis=0))


def test_missing_values_are_left_out_and_infinite_ones_stay_where_they_were_drawn() -> None:
    means = Means(1, 3)
    means.add(np.array([1.0, 0.0]), np.array([math.nan, 2.0, math.inf]))
    means.add(np.array([1.0, 2.0]), np.array([4.0, 6.0, 1.0]))
    np.testing.assert_array_equal(means.means(), [[4, 4, math.inf], [4, 6, 1]])
    assert np.isnan(Means(1, 1).means()).all()


def test_the_interval_agrees_with_sets_really_drawn_again() -> None:
    values = np.random.default_rng(4).gamma(2.0, 3.0, 300)
    weights, means = Weights(2000), Means(2000, 1)
    for value in values:
        means.add(weights.next(), np.array([value]))
    found = interval(means.means()[:, 0], len(values))
    drawn = np.random.default_rng(5).choice(values, (4000, len(values))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert found is not None
    np.testing.assert_allclose(found, (low, high), atol=0.1 * (high - low))


def test_weights_are_the_same_in_every_run_and_of_mean_one() -> None:
    first, second = Weights(50_000), Weights(50_000)
    np.testing.assert_array_equal(first.next(), second.next())
    drawn = first.next()
    assert drawn[0] == 1
    assert drawn[1:].mean() == pytest.approx(1, abs=0.02)
    assert drawn[1:].var() == pytest.approx(1, abs=0.04)


def test_one_picture_has_no_interval() -> None:
    assert interval(np.array([1.0, 2.0, 3.0]), 1) is None
    assert interval(np.array([1.0, math.nan]), 5) is None
