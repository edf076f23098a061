"""CIEDE2000 against the pairs that Sharma, Wu and Dalal published, and against scikit-image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import skimage.color

from colorizer.errors import InputError
from colorizer.metrics import ciede2000, color_difference

# scikit-image has no types
their_ciede2000: Callable[..., npt.NDArray[Any]] = skimage.color.deltaE_ciede2000
their_lab: Callable[..., npt.NDArray[Any]] = skimage.color.rgb2lab

# Sharma, Wu and Dalal 2005, table 1: L, a, b, L, a, b, difference
SHARMA = np.array(
    [
        [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
        [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
        [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
        [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
        [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
        [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
        [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
        [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
        [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
        [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ]
)

# in these two the hues are opposite to the last bit, where the formula jumps and rounding decides
OPPOSITE = [9, 13]


def test_the_published_pairs() -> None:
    assert len(SHARMA) == 34
    found = ciede2000(SHARMA[:, :3], SHARMA[:, 3:6])
    assert np.abs(np.delete(found - SHARMA[:, 6], OPPOSITE)).max() < 5.1e-5
    assert np.abs(found - SHARMA[:, 6]).max() < 0.06


def test_the_published_pairs_the_other_way_round() -> None:
    there, back = ciede2000(SHARMA[:, :3], SHARMA[:, 3:6]), ciede2000(SHARMA[:, 3:6], SHARMA[:, :3])
    assert np.allclose(np.delete(there, OPPOSITE), np.delete(back, OPPOSITE), atol=1e-12)


def test_random_colours_equal_scikit_image() -> None:
    rng = np.random.default_rng(1)
    low, high = [0, -110, -110], [100, 110, 110]
    lab, other = rng.uniform(low, high, (20_000, 3)), rng.uniform(low, high, (20_000, 3))
    near = lab + rng.normal(0, 3, lab.shape)
    for second in (other, near):
        assert np.allclose(ciede2000(lab, second), their_ciede2000(lab, second), atol=1e-9)


def test_greys_differ_by_lightness_alone() -> None:
    black, white = np.zeros(3), np.array([100.0, 0, 0])
    assert ciede2000(black, white) == pytest.approx(100)
    assert ciede2000(white, white) == 0


def test_a_pictures_figures_are_the_mean_and_percentiles_of_its_pixels() -> None:
    rng = np.random.default_rng(2)
    true = rng.integers(0, 256, (600, 500, 3), dtype=np.uint8)
    predicted = np.clip(true + rng.normal(0, 20, true.shape), 0, 255).astype(np.uint8)
    found = color_difference(true, predicted)
    expected = their_ciede2000(their_lab(true), their_lab(predicted))
    assert found.mean == pytest.approx(expected.mean(), abs=2e-3)
    assert found.median == pytest.approx(np.percentile(expected, 50), abs=5e-3)
    assert found.percentile_95 == pytest.approx(np.percentile(expected, 95), abs=2e-2)
    assert found.percentile_99 == pytest.approx(np.percentile(expected, 99), abs=2e-2)
    assert found.maximum == pytest.approx(expected.max(), abs=0.1)
    assert color_difference(true, true).maximum == 0


def test_what_cannot_be_compared_is_refused() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(InputError, match="compared"):
        color_difference(picture, picture[:2])
    with pytest.raises(InputError, match="RGB"):
        color_difference(picture[..., 0], picture[..., 0])
    with pytest.raises(InputError, match="Lab"):
        ciede2000(np.zeros(2), np.zeros(2))
