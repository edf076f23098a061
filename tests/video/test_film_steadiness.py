"""Steady colour: against motion that is known, since the films are made, and never over a cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from films import Picture, noisy, pan, to_grey

from colorizer import Colorizer, Settings
from colorizer.color import chroma_plane
from colorizer.temporal import DEFAULT_STEADINESS, State, Step, follow
from colorizer.video.encoding import Encoding, Layout
from colorizer.video.frame import Frame
from colorizer.video.painting import Manner, Painter
from colorizer.video.segments import Memory

Floats = npt.NDArray[np.float32]

STEP = 2.0
SIZE = (240, 320)


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(Settings(model="lite", engine="opencv"))


def chroma_of(frames: list[Picture], colorizer: Colorizer, manner: Manner) -> list[Floats]:
    """The ab that a film's frames get, at the size of a frame."""
    encoding = Encoding(full_range=True)
    fed = ((number, Frame(frame[..., 0], None, Layout(8, None), encoding)) for number, frame in enumerate(frames))
    predictions = Painter(colorizer, manner).predict(fed, Memory(None, None))
    size = (SIZE[1], SIZE[0])
    return [np.asarray(cv2.resize(one.ab, size), np.float32) for one in predictions if one.ab is not None]


def change_along_motion(planes: list[Floats]) -> float:
    """Mean absolute change of chroma along the pan: STEP pixels to the left and a fifth of that up in each frame."""
    changes = []
    for before, now in pairwise(planes):
        place = np.array([[1, 0, -STEP], [0, 1, -STEP * 0.2]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = cv2.warpAffine(now, place, (SIZE[1], SIZE[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        changes.append(np.abs(back - before)[8:-8, 8:-8].mean())
    return float(np.mean(changes))


def mean_chroma(planes: list[Floats]) -> float:
    return float(np.mean([np.hypot(plane[..., 0], plane[..., 1]).mean() for plane in planes]))


def error_of(planes: list[Floats], originals: list[Picture]) -> float:
    truth = [chroma_plane(frame) for frame in originals]
    return float(np.mean([np.hypot(*np.moveaxis(a - b, -1, 0)).mean() for a, b in zip(planes, truth, strict=True)]))


def test_noisy_film_is_four_times_steadier_at_the_same_chroma(photographs: list[Path], colorizer: Colorizer) -> None:
    names = ("moose", "dahlia", "meadow-and-mountain")
    measured = []
    for photo in (path for path in photographs if path.stem in names):
        original = pan(photo, 14, SIZE, STEP)
        film = noisy(to_grey(original), 14.0)
        for manner in (Manner(0.0, 1), Manner(DEFAULT_STEADINESS, 1)):
            planes = chroma_of(film, colorizer, manner)
            measured.append((change_along_motion(planes), mean_chroma(planes), error_of(planes, original)))
    single, steady = np.mean(measured[0::2], axis=0), np.mean(measured[1::2], axis=0)
    assert single[0] > 4 * steady[0]
    assert abs(steady[1] / single[1] - 1) < 0.03
    assert steady[2] < single[2] * 1.015


def test_no_chroma_crosses_a_cut(photographs: list[Path], colorizer: Colorizer) -> None:
    by_name = {path.stem: path for path in photographs}
    first = to_grey(pan(by_name["dahlia"], 6, SIZE))
    second = to_grey(pan(by_name["forest-stream"], 6, SIZE))
    for manner in (Manner(DEFAULT_STEADINESS, 1), Manner(DEFAULT_STEADINESS, None)):
        joined = chroma_of(first + second, colorizer, manner)
        alone = chroma_of(second, colorizer, manner)
        assert np.array_equal(joined[6], alone[0])
        assert np.array_equal(joined[-1], alone[-1])


def test_keyframe_mode_asks_seldom_and_stays_near_the_prediction(photographs: list[Path], colorizer: Colorizer) -> None:
    film = to_grey(pan(photographs[0], 24, SIZE, STEP))
    painter = Painter(colorizer, Manner(DEFAULT_STEADINESS, 6))
    fed = ((n, Frame(f[..., 0], None, Layout(8, None), Encoding(full_range=True))) for n, f in enumerate(film))
    planes = [one.ab for one in painter.predict(fed, Memory(None, None))]
    assert 4 <= painter.asked <= 8
    every_frame = chroma_of(film, colorizer, Manner(0.0, 1))
    last = planes[-1]
    assert last is not None
    difference = np.hypot(*np.moveaxis(cv2.resize(last, (SIZE[1], SIZE[0])) - every_frame[-1], -1, 0))
    assert difference.mean() < 6


def test_chroma_follows_what_moves() -> None:
    rng = np.random.default_rng(2)
    ground = cv2.GaussianBlur(rng.uniform(0, 100, (96, 160)).astype(np.float32), (0, 0), 2)
    lightness = np.asarray((ground - ground.mean()) * 4 + 50, np.float32)
    color = np.zeros((96, 160, 3), np.float32)
    color[30:60, 40:80] = (40, -20, np.hypot(40, 20))
    moved = np.roll(lightness, 5, axis=1)
    step = follow(State(lightness, color), moved, lambda: np.zeros((24, 40, 2), np.float32), every=4)
    assert not step.asked
    assert np.abs(step.ab[35:55, 50:80] - (40, -20)).mean() < 1.5
    assert np.abs(step.ab[35:55, 100:140]).mean() < 0.5


def test_a_scene_begins_anew_when_the_size_changes() -> None:
    small = np.full((32, 32), 50, np.float32)
    large = np.full((64, 64), 50, np.float32)

    def step(state: State | None, lightness: Floats) -> Step:
        return follow(state, lightness, lambda: np.ones((8, 8, 2), np.float32))

    assert step(step(None, small).state, large).new_scene
    assert not step(step(None, small).state, small).new_scene
