"""On real photographs the metrics rank what a person would rank: original, slight noise, faded, grey."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from colorizer.color.pixels import chroma_plane, lightness, recombine
from colorizer.metrics import (
    ColorHistogram,
    CumulativeAbError,
    absolute_colorfulness,
    area_under,
    best_constant_tint,
    chroma_ratio,
    color_difference,
    colorfulness,
    lightness_deviation,
)

SIDE = 224


@pytest.fixture(scope="module")
def pictures(photographs: list[Path]) -> list[npt.NDArray[np.uint8]]:
    """The photographs in colour, small."""
    small = []
    for path in photographs:
        with Image.open(path) as image:
            small.append(np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)))
    return small


def auc_of_all(pictures: list[npt.NDArray[np.uint8]], predict: Any) -> CumulativeAbError:
    errors = CumulativeAbError()
    for rgb in pictures:
        errors.add(chroma_plane(rgb), predict(chroma_plane(rgb)))
    return errors


def test_original_beats_noise_beats_fading_beats_grey(pictures: list[npt.NDArray[np.uint8]]) -> None:
    rng = np.random.default_rng(1)
    ladder = [
        auc_of_all(pictures, predict).result()
        for predict in (
            lambda ab: ab,
            lambda ab: ab + rng.normal(0, 2, ab.shape),
            lambda ab: ab * 0.5,
            lambda ab: ab * 0,
        )
    ]
    for better, worse in pairwise(ladder):
        assert better.auc_raw > worse.auc_raw
        assert better.auc_equal_bins > worse.auc_equal_bins
        assert better.auc_inverse_prior > worse.auc_inverse_prior
    grey = ladder[-1]
    assert 0.75 < grey.auc_raw < 0.95
    assert grey.auc_equal_bins < grey.auc_raw - 0.1


def test_the_best_tint_beats_grey_and_is_beaten_by_half_the_truth(pictures: list[npt.NDArray[np.uint8]]) -> None:
    colours = ColorHistogram()
    for rgb in pictures:
        colours.add(chroma_plane(rgb))
    for weighting in ("raw", "equal_bins"):
        tint = best_constant_tint(colours, weighting)
        tinted, grey, half = (
            area_under(auc_of_all(pictures, predict).curve(weighting))
            for predict in (
                lambda ab, t=tint: np.broadcast_to((t.a, t.b), ab.shape),
                lambda ab: ab * 0,
                lambda ab: ab * 0.5,
            )
        )
        assert grey < tinted < half
        assert tint.auc == pytest.approx(tinted, abs=0.004)


def test_a_faded_photograph_is_less_colourful_and_keeps_its_lightness(pictures: list[npt.NDArray[np.uint8]]) -> None:
    for rgb in pictures:
        ab = chroma_plane(rgb)
        faded = recombine(lightness(rgb), ab * np.float32(0.5), np.uint8)
        grey = recombine(lightness(rgb), ab * 0, np.uint8)
        assert colorfulness(rgb) > colorfulness(faded) > colorfulness(grey) == pytest.approx(0, abs=0.5)
        assert absolute_colorfulness(rgb) > absolute_colorfulness(faded) > absolute_colorfulness(grey)
        assert chroma_ratio(ab, chroma_plane(faded)) == pytest.approx(0.5, abs=0.03)
        assert color_difference(rgb, faded).mean < color_difference(rgb, grey).mean
        assert lightness_deviation(rgb, faded).maximum < 0.35
