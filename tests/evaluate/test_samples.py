"""What is kept of single pictures: an even sample, and the best and worst, against sorting all of them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from colorizer.evaluate.measure import Example, Measured, Measurement, Scores
from colorizer.evaluate.samples import SAMPLE_SIZE, Exhibit, Extremes, Reservoir

NOTHING = np.zeros(0, np.int64)
PIXELS = np.zeros((1, 1, 3), np.uint8)


def measured(number: float) -> Measured:
    scores = Scores(**{item.name: number for item in fields(Scores)})
    return Measured("", NOTHING, None, False, (Measurement(scores, NOTHING, NOTHING, None),))


def exhibit(gain: float) -> Exhibit:
    return Exhibit("", gain, 0.0, PIXELS, Example(PIXELS, np.zeros((1, 1), np.float32)))


@given(gains=st.lists(st.integers(-9, 9), max_size=40), count=st.integers(1, 6))
def test_extremes_are_the_ends_of_the_sorted_gains(gains: list[int], count: int) -> None:
    extremes = Extremes(count)
    for gain in gains:
        extremes.add(exhibit(gain))
    ranked = sorted(gains, reverse=True)
    best = [shown.gain for shown in extremes.best()]
    assert best == [gain for gain in ranked[:count] if gain > 0]
    worst = [shown.gain for shown in extremes.worst()]
    assert worst == sorted(worst)
    if len(gains) >= 2 * count:
        assert worst == ranked[::-1][:count]
    assert not {id(shown) for shown in extremes.best()} & {id(shown) for shown in extremes.worst()}


def test_a_sample_of_few_is_all_and_of_many_is_even() -> None:
    few = Reservoir()
    for number in range(20):
        few.add(measured(number))
    np.testing.assert_array_equal(few.points().true_chroma, np.arange(20))
    many, count = Reservoir(), 5000
    for number in range(count):
        many.add(measured(number))
    drawn = many.points().true_chroma
    assert len(np.unique(drawn)) == SAMPLE_SIZE
    quarters = np.bincount((drawn // (count // 4)).astype(int), minlength=4)
    assert quarters.min() > SAMPLE_SIZE / 4 * 0.75
