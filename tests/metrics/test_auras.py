"""Auras: pictures of two colours whose edge is sharp, shifted or a ramp of known width."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorizer.errors import InputError
from colorizer.metrics.auras import aura_band, aura_error, bleeding_distance, flat_sides

Floats = npt.NDArray[np.float32]

SIDE = 200
SKY, ROOF = np.array([-4.0, -25.0]), np.array([18.0, 30.0])


def offset(angle: float, height: int = SIDE, width: int = SIDE) -> npt.NDArray[np.float64]:
    """Distance of each pixel from an edge through the middle; positive on the sky's side."""
    y, x = np.mgrid[0:height, 0:width]
    turn = math.radians(angle)
    return np.asarray((y - (height - 1) / 2) * math.sin(turn) + (x - (width - 1) / 2) * math.cos(turn))


def mixed(sky: npt.NDArray[np.float64]) -> Floats:
    """ab of a picture with so much of the sky's colour."""
    return np.asarray(sky[..., None] * SKY + (1 - sky[..., None]) * ROOF, np.float32)


def scene(angle: float = 90.0) -> tuple[Floats, Floats]:
    """Lightness and ab of a roof before the sky."""
    away = offset(angle)
    sky = np.clip(away + 0.5, 0, 1)
    return np.asarray(30 + 45 * sky, np.float32), mixed(sky)


@pytest.mark.parametrize("angle", [0, 90, 30, 135])
@pytest.mark.parametrize("width", [8, 16, 24])
def test_of_a_ramp_four_tenths_lie_beyond_the_edge(angle: float, width: int) -> None:
    light, true = scene(angle)
    sides = flat_sides(light, true)
    assert len(sides.rows) > 100
    # the ramp has a tenth of the other colour left at 0.4 of its width; the colours far inside are not yet pure there
    found = bleeding_distance(sides, mixed(np.clip(offset(angle) / width + 0.5, 0, 1)))
    inside = np.clip(np.arange(-(20 // 3), -1) / width + 0.5, 0, 1).mean()
    expected = (0.5 - 0.1 * (1 - inside)) * width
    assert found == pytest.approx(expected, abs=0.5)


def test_a_sharp_result_does_not_bleed_and_a_plain_one_cannot() -> None:
    light, true = scene()
    sides = flat_sides(light, true)
    assert bleeding_distance(sides, true) < 1
    assert math.isnan(bleeding_distance(sides, np.zeros_like(true)))
    assert math.isnan(bleeding_distance(sides, np.full_like(true, 17)))


def test_bleeding_counts_whatever_the_colours_and_however_far_they_are_from_the_truth() -> None:
    light, true = scene(30)
    sides, blurred = flat_sides(light, true), mixed(np.clip(offset(30) / 12 + 0.5, 0, 1))
    turned = np.stack([-0.4 * blurred[..., 1] + 5, 0.4 * blurred[..., 0] - 9], axis=-1)
    assert bleeding_distance(sides, turned) == pytest.approx(bleeding_distance(sides, blurred), abs=0.01)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 360), st.integers(0, 2**16))
def test_more_blur_bleeds_further(angle: float, seed: int) -> None:
    light, true = scene(angle)
    light = light + np.random.default_rng(seed).normal(0, 0.5, light.shape).astype(np.float32)
    sides = flat_sides(light, true)
    distances = [bleeding_distance(sides, cv2.GaussianBlur(true, (0, 0), sigma)) for sigma in (1, 3, 5)]
    assert distances[0] < distances[1] < distances[2]


def test_where_nothing_bleeds_by_definition_nothing_is_measured() -> None:
    light, true = scene()
    nothing = (
        (np.full_like(light, 50), true),  # no edge of lightness
        (light, np.zeros_like(true)),  # one colour on both sides
        (light, true + np.random.default_rng(1).normal(0, 9, true.shape)),  # sides of many colours
        (light[:9, :9], true[:9, :9]),  # too small to look beside anything
    )
    for lightness, ab in nothing:
        sides = flat_sides(lightness, ab)
        assert not len(sides.rows)
        assert math.isnan(bleeding_distance(sides, ab))


def test_the_band_lies_beside_edges_and_not_on_them() -> None:
    light, true = scene()
    rows = np.arange(SIDE)
    slopes = np.abs(np.gradient(cv2.GaussianBlur(light, (0, 0), 1)[:, 0]))
    strong = rows[slopes >= 8]
    away = np.abs(rows[:, None] - strong).min(axis=1)
    band = (away >= 2) & (away <= 12)
    assert int(band.sum()) == 2 * 11
    for wrong in (band, ~band):
        predicted = true.copy()
        predicted[wrong] += np.array([3, 4], np.float32)
        assert aura_error(aura_band(light), true, predicted) == pytest.approx(5 if wrong is band else 0, abs=1e-4)


def test_without_an_edge_there_is_no_band() -> None:
    light, true = scene()
    assert math.isnan(aura_error(aura_band(np.full_like(light, 50)), true, true))
    with pytest.raises(InputError, match="cannot be compared"):
        aura_error(aura_band(light), true, true[1:])
