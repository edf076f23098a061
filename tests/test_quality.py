"""Does `lite` know colours? Free photographs turned grey, coloured again, and compared with what they were.

Twenty-three pictures are few; the figures of a larger set stand in the documentation. These bounds hold the network
that is shipped, and would catch swapped channels, a lost sign, or chroma that is faded or exaggerated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from colorizer import Colorizer, Settings
from colorizer.metrics import AbAccuracy, ColorHistogram, CumulativeAbError, best_constant_tint

FOUR_POINTS = 0.04


@dataclass(frozen=True)
class Result:
    lite: AbAccuracy
    grey: AbAccuracy
    tint: AbAccuracy
    chroma_ratio: float


def lightness_alone(rgb: Any) -> Any:
    """The grey picture of the same CIE lightness, as the papers take it: (H, W, 3) RGB to (H, W) uint8."""
    light = rgb2lab(rgb)[..., :1]
    return np.rint(lab2rgb(np.concatenate([light, light * 0, light * 0], axis=-1))[..., 0] * 255).astype(np.uint8)


def mean_chroma(ab: Any) -> float:
    return float(np.hypot(ab[..., 0], ab[..., 1]).mean())


@pytest.fixture(scope="module")
def result(photographs: list[Path]) -> Result:
    colorizer = Colorizer(Settings(model="lite"))
    pairs = []
    histogram = ColorHistogram()
    for path in photographs:
        rgb = np.asarray(cv2.imread(str(path)))[..., ::-1]
        grey = lightness_alone(rgb)
        true, predicted = (rgb2lab(pixels)[..., 1:] for pixels in (rgb, colorizer.colorize(grey, order="rgb")))
        pairs.append((true, predicted))
        histogram.add(true)
    best = best_constant_tint(histogram, "equal_bins")
    lite, none, tint = CumulativeAbError(), CumulativeAbError(), CumulativeAbError()
    for true, predicted in pairs:
        lite.add(true, predicted)
        none.add(true, np.zeros_like(true))
        tint.add(true, np.full_like(true, [best.a, best.b]))
    ratio = np.mean([mean_chroma(predicted) for _, predicted in pairs]) / np.mean(
        [mean_chroma(true) for true, _ in pairs]
    )
    return Result(lite.result(), none.result(), tint.result(), float(ratio))


def test_colours_are_nearer_the_truth_than_grey(result: Result) -> None:
    assert result.lite.auc_raw > result.grey.auc_raw


def test_rare_colours_count_and_are_found(result: Result) -> None:
    """With the 313 classes weighted equally: four points above grey, and above the best single tint."""
    assert result.lite.auc_equal_bins >= result.grey.auc_equal_bins + FOUR_POINTS
    assert result.lite.auc_equal_bins > result.tint.auc_equal_bins


def test_colours_are_neither_faded_nor_exaggerated(result: Result) -> None:
    assert 0.5 <= result.chroma_ratio <= 1.4


def mean_ab(colored: Any, rows: slice, columns: slice) -> Any:
    return rgb2lab(colored)[rows, columns, 1:].mean(axis=(0, 1))


@pytest.mark.parametrize(
    ("photograph", "place", "b_sign", "a_sign", "what"),
    [
        ("windmill", (slice(0, 60), slice(0, 60)), -1, 0, "blue sky"),
        ("mountain-path", (slice(0, 20), slice(0, 60)), -1, 0, "blue sky"),
        ("forest-stream", (slice(0, 60), slice(0, 120)), 1, -1, "green leaves"),
        ("astronaut", (slice(45, 75), slice(95, 125)), 1, 1, "skin"),
    ],
)
def test_sky_leaves_and_skin_have_their_colours(
    photograph: str, place: tuple[slice, slice], b_sign: int, a_sign: int, what: str, photographs: list[Path]
) -> None:
    path = next(path for path in photographs if path.stem == photograph)
    grey = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    a, b = mean_ab(Colorizer(Settings(model="lite")).colorize(grey, order="rgb"), *place)
    assert b * b_sign > 4, what
    assert a * a_sign >= 0, what
