"""Figures of a set: what one candidate has ahead of another, and that all of them are explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from colorizer.evaluate.bootstrap import Weights
from colorizer.evaluate.figures import FIGURES, Sums, Value, figures_of
from colorizer.evaluate.measure import Measurement, Scores

NONE = np.zeros(0, np.int64)
PAGE = (Path(__file__).parent.parent.parent / "docs" / "quality.md").read_text(encoding="utf-8")


def sums_of(psnr: npt.NDArray[np.float64]) -> Sums:
    """Pictures of these PSNRs, all else equal."""
    table = np.zeros((313, 152), np.int64)
    table[100, 20] = 5
    scores = Scores(**{item.name: 1.0 for item in fields(Scores)})
    weights, sums = Weights(400), Sums(400)
    for value in psnr:
        sums.add(weights.next(), Measurement(replace(scores, psnr=value), table, NONE, None))
    return sums


def psnr_of(values: Sequence[Value]) -> Value:
    return next(value for figure, value in zip(FIGURES, values, strict=True) if figure.key == "psnr")


def test_a_small_gain_on_every_picture_is_ahead_though_the_intervals_overlap() -> None:
    spread = np.random.default_rng(1).normal(25, 5, 60)
    grey = sums_of(spread)
    better = psnr_of(figures_of(sums_of(spread + 0.2), [grey], 60))
    plain = psnr_of(figures_of(grey, [], 60))
    assert better.ahead
    assert better.low is not None
    assert plain.high is not None
    assert better.low < plain.high
    assert not plain.ahead


@pytest.mark.parametrize(("gain", "ahead"), [(1.0, True), (0.05, False), (-1.0, False)])
def test_a_gain_must_be_larger_than_its_own_uncertainty(gain: float, ahead: bool) -> None:
    rng = np.random.default_rng(2)
    spread, noise = rng.normal(25, 5, 60), rng.normal(0, 1, 60)
    grey = sums_of(spread)
    found = figures_of(sums_of(spread + gain + noise - noise.mean()), [grey, sums_of(spread - 3)], 60)
    assert psnr_of(found).ahead is ahead
    equal = [value.ahead for figure, value in zip(FIGURES, found, strict=True) if figure.key != "psnr"]
    assert not any(equal)


def test_every_figure_is_explained_in_the_documentation() -> None:
    for figure in FIGURES:
        assert f"| {figure.title} |" in PAGE, figure.title
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
