"""Faces: ratio, hue and error of the skin in a box, against numbers that were put there."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from colorizer.metrics.faces import Box, face_score

Floats = npt.NDArray[np.float32]

SKIN = np.array([14.0, 16.0])
BOX = Box(20, 10, 30, 40)


def of_color(skin: npt.ArrayLike, around: npt.ArrayLike = (0, 0)) -> Floats:
    """A picture of 100 x 80 with a face of that colour in the box."""
    ab = np.empty((100, 80, 2), np.float32)
    ab[...] = around
    y, x = np.mgrid[0:100, 0:80] + 0.5
    ab[((x - 35) / 15) ** 2 + ((y - 30) / 20) ** 2 <= 1] = skin
    return ab


def test_a_face_is_measured_by_its_skin_alone() -> None:
    true = of_color(SKIN, (-30, 40))
    found = face_score(true, of_color(SKIN / 2, (50, -50)), BOX)
    assert found is not None
    assert found.size == pytest.approx(30 / 80)
    assert found.chroma_ratio == pytest.approx(0.5)
    assert found.hue_error == pytest.approx(0, abs=1e-4)
    assert found.ab_error == pytest.approx(math.hypot(*SKIN) / 2)


@pytest.mark.parametrize("turn", [0, 30, 90, 179, 200, -170])
def test_hues_differ_by_an_angle_of_at_most_half_a_turn(turn: float) -> None:
    angle = math.radians(turn)
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ SKIN
    found = face_score(of_color(SKIN), of_color(turned), BOX)
    assert found is not None
    assert found.hue_error == pytest.approx(min(turn % 360, -turn % 360), abs=1e-3)
    assert found.chroma_ratio == pytest.approx(1)


def test_a_grey_result_has_no_hue_and_a_grey_original_no_ratio() -> None:
    found = face_score(of_color(SKIN), of_color((0, 0)), BOX)
    assert found is not None
    assert math.isnan(found.hue_error)
    assert found.chroma_ratio == 0
    assert face_score(of_color((2, 2)), of_color(SKIN), BOX) is None


@pytest.mark.parametrize("box", [Box(200, 10, 30, 40), Box(-60, 0, 30, 40), Box(79.9, 99.9, 0.01, 0.01)])
def test_faces_outside_the_picture_are_left_out(box: Box) -> None:
    assert face_score(of_color(SKIN, SKIN), of_color(SKIN, SKIN), box) is None


def test_a_face_that_is_cut_off_is_measured_as_far_as_it_is_there() -> None:
    true, found = of_color(SKIN, SKIN), of_color(SKIN * 0.8, SKIN * 0.8)
    score = face_score(true, found, Box(-15, -20, 30, 40))
    assert score is not None
    assert score.chroma_ratio == pytest.approx(0.8)
