"""Sizes of the network's input, and area resampling, against plain float64 integrals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorizer.color.resample import LONGEST_ASPECT, Shrinker, network_size


def shrink(picture: npt.NDArray[Any], target: tuple[int, int], strip: int) -> npt.NDArray[Any]:
    shrinker = Shrinker((picture.shape[0], picture.shape[1]), target)
    for top in range(0, len(picture), strip):
        shrinker.add(shrinker.shrink(top, picture[top : top + strip]))
    return shrinker.result()


def area_mean(picture: npt.NDArray[Any], target: tuple[int, int]) -> npt.NDArray[Any]:
    """Mean over each target pixel's rectangle, by the integral image interpolated at its corners."""
    integral = np.zeros((picture.shape[0] + 1, picture.shape[1] + 1))
    integral[1:, 1:] = picture.astype(np.float64).cumsum(0).cumsum(1)
    rows = np.linspace(0, picture.shape[0], target[0] + 1)
    columns = np.linspace(0, picture.shape[1], target[1] + 1)
    by_row = np.stack([np.interp(columns, np.arange(integral.shape[1]), line) for line in integral])
    corners = np.stack([np.interp(rows, np.arange(len(integral)), line) for line in by_row.T], axis=1)
    sums = corners[1:, 1:] - corners[:-1, 1:] - corners[1:, :-1] + corners[:-1, :-1]
    mean: npt.NDArray[Any] = sums * target[0] * target[1] / picture.size
    return mean


@settings(deadline=None)
@given(height=st.integers(8, 300), width=st.integers(8, 300), strip=st.integers(1, 64), seed=st.integers(0, 99))
def test_shrinking_is_the_mean_over_each_pixels_area_whatever_the_strips(
    height: int, width: int, strip: int, seed: int
) -> None:
    picture = np.random.default_rng(seed).uniform(0, 100, (height, width)).astype(np.float32)
    np.testing.assert_allclose(shrink(picture, (8, 8), strip), area_mean(picture, (8, 8)), atol=0.01)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 700), (224, 224), (100, 90)])
def test_every_size_reaches_the_network_with_its_brightness(size: tuple[int, int]) -> None:
    np.testing.assert_allclose(shrink(np.full(size, 37.0, np.float32), (224, 224), 7), 37, rtol=1e-4)


def test_stretch_is_a_square_and_aspect_keeps_the_ratio() -> None:
    assert network_size(1000, 3000, fit="stretch", size=224, stride=32) == (224, 224)
    assert network_size(1000, 1600, fit="aspect", size=224, stride=32) == (224, 352)
    assert network_size(1500, 1000, fit="aspect", size=224, stride=8) == (336, 224)
    assert network_size(1, 5000, fit="aspect", size=224, stride=8) == (224, 224 * LONGEST_ASPECT)


@given(
    height=st.integers(1, 50_000),
    width=st.integers(1, 50_000),
    size=st.sampled_from([64, 224, 512]),
    stride=st.sampled_from([8, 32]),
)
def test_the_networks_sides_are_multiples_of_its_stride(height: int, width: int, size: int, stride: int) -> None:
    sides = network_size(height, width, fit="aspect", size=size, stride=stride)
    assert all(side % stride == 0 for side in sides)
    assert min(sides) == size
    assert max(sides) <= size * LONGEST_ASPECT
