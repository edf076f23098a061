"""Steady colour: against motion that is known, since the films are made, and never over a cut."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise, repeat
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from films import Picture, noisy, pan, to_grey

from colorizer import Colorizer, Settings
from colorizer.color.pixels import chroma_plane
from colorizer.color.ycbcr import ColorEncoding, PlaneLayout
from colorizer.film.coloring import FilmState, FrameColorizer, FrameLook, SteadyingOptions
from colorizer.film.frame import Frame
from colorizer.film.handover import load_looks, save_looks, with_flows
from colorizer.film.motion import frame_features
from colorizer.film.options import DEFAULT_STEADINESS, film_settings
from colorizer.film.temporal import FrameInput, Step, TemporalState, next_step, steady
from colorizer.settings import Sizes

Floats = npt.NDArray[np.float32]

STEP = 2.0
SIZE = (240, 320)


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(film_settings(Settings(model="lite", engine="opencv")))


def chroma_of(frames: list[Picture], colorizer: Colorizer, steadying: SteadyingOptions) -> list[Floats]:
    """The ab that a film's frames get, at the size of a frame."""
    encoding = ColorEncoding(full_range=True)
    fed = ((number, Frame(frame[..., 0], None, PlaneLayout(8, None), encoding)) for number, frame in enumerate(frames))
    predictions = FrameColorizer(colorizer, steadying).predict(fed, FilmState())
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


def check_steadiness(photos: list[Path], colorizer: Colorizer, frames: int) -> None:
    """Photographs that pan: each is steadier at its chroma, and all together have less error."""
    errors = []
    for photo in photos:
        original = pan(photo, frames, SIZE, STEP)
        film = noisy(to_grey(original), 14.0)
        single, steady = (chroma_of(film, colorizer, SteadyingOptions(share, 1)) for share in (0.0, DEFAULT_STEADINESS))
        assert change_along_motion(single) > 4 * change_along_motion(steady), photo.stem
        assert abs(mean_chroma(steady) / mean_chroma(single) - 1) < 0.03, photo.stem
        errors.append((error_of(single, original), error_of(steady, original)))
    before, after = np.mean(errors, axis=0)
    assert after < before


@pytest.mark.slow
def test_noisy_film_is_four_times_steadier_at_the_same_chroma_with_less_error(
    photographs: list[Path], colorizer: Colorizer
) -> None:
    # bright and flat, and with a large sky: hard for the flow
    names = ("two-dogs", "windmill")
    check_steadiness([path for path in photographs if path.stem in names], colorizer, 24)


@pytest.mark.slow
def test_every_photograph_is_steadier(photographs: list[Path], colorizer: Colorizer) -> None:
    check_steadiness(photographs, colorizer, 24)


def test_what_moves_before_a_flat_ground_takes_no_colour_along() -> None:
    """A textured disc over a smooth wall of the same mean lightness, each with a colour of its own, as predicted."""
    rng = np.random.default_rng(5)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (160, 160)).astype(np.float32), (0, 0), 2) * 90
    y, x = np.mgrid[0:160, 0:160].astype(np.float32)
    wall, disc = np.array([-20, 30], np.float32), np.array([40, -10], np.float32)

    def frame_input(number: int) -> FrameInput[npt.NDArray[np.bool_]]:
        inside = (x - 50 - 4 * number) ** 2 + (y - 80) ** 2 < 30**2
        moved = np.roll(texture, 4 * number, axis=1)
        grain = rng.normal(0, 3, inside.shape)
        lightness = (50 + y / 20 + np.where(inside, moved, 0) + grain).astype(np.float32)
        ab = np.where(inside[..., None], disc, wall) + rng.normal(0, 6, (160, 160, 2))
        return FrameInput(inside, lightness, lambda: ab.astype(np.float32))

    shots = list(steady([frame_input(number) for number in range(14)], None, steadiness=DEFAULT_STEADINESS, every=1))
    assert len(shots) == 14
    assert [shot.new_scene for shot in shots] == [True] + [False] * 13
    for shot in shots[4:-4]:
        near = cv2.dilate(shot.item.astype(np.uint8), np.ones((17, 17))) > 0
        well_inside = cv2.erode(shot.item.astype(np.uint8), np.ones((9, 9))) > 0
        for area, color in ((near & ~shot.item, wall), (well_inside, disc)):
            assert np.linalg.norm(shot.ab[area].mean(axis=0) - color) < 6
        assert np.linalg.norm(shot.ab[~near] - wall, axis=-1).mean() < 6 * 1.25 / 2


@pytest.mark.parametrize("steadiness", [0.0, 0.5, 0.9])
def test_the_state_after_a_frame_does_not_depend_on_what_comes(steadiness: float) -> None:
    rng = np.random.default_rng(4)
    ground = cv2.GaussianBlur(rng.uniform(0, 100, (64, 96)).astype(np.float32), (0, 0), 2)
    planes = [np.asarray(np.roll(ground, 2 * number, axis=1), np.float32) for number in range(10)]
    answers = rng.normal(0, 20, (10, 16, 24, 2)).astype(np.float32)
    inputs = [FrameInput(n, plane, partial(answers.__getitem__, n)) for n, plane in enumerate(planes)]
    whole = list(steady(inputs, None, steadiness=steadiness, every=1))
    resumed = list(steady(inputs[4:], whole[3].state, steadiness=steadiness, every=1))
    assert [shot.item for shot in whole] == list(range(10))
    for one, other in zip(whole[4:], resumed, strict=True):
        assert np.array_equal(one.ab, other.ab)
        assert np.array_equal(one.state.color, other.state.color)
    if not steadiness:
        alone = cv2.resize(answers[5], (96, 64), interpolation=cv2.INTER_LINEAR)
        assert np.allclose(whole[5].ab, alone, atol=1e-4)


def test_no_chroma_crosses_a_cut(photographs: list[Path], colorizer: Colorizer) -> None:
    by_name = {path.stem: path for path in photographs}
    first = to_grey(pan(by_name["dahlia"], 6, SIZE))
    second = to_grey(pan(by_name["forest-stream"], 6, SIZE))
    for steadying in (SteadyingOptions(DEFAULT_STEADINESS, 1), SteadyingOptions(DEFAULT_STEADINESS, None)):
        joined = chroma_of(first + second, colorizer, steadying)
        alone = chroma_of(second, colorizer, steadying)
        assert np.array_equal(joined[6], alone[0])
        assert np.array_equal(joined[-1], alone[-1])


def test_keyframe_mode_asks_seldom_and_stays_near_the_prediction(photographs: list[Path], colorizer: Colorizer) -> None:
    film = to_grey(pan(photographs[0], 24, SIZE, STEP))
    frame_colorizer = FrameColorizer(colorizer, SteadyingOptions(DEFAULT_STEADINESS, 6))
    fed = (
        (n, Frame(f[..., 0], None, PlaneLayout(8, None), ColorEncoding(full_range=True))) for n, f in enumerate(film)
    )
    planes = [one.ab for one in frame_colorizer.predict(fed, FilmState())]
    assert 4 <= frame_colorizer.network_calls <= 8
    every_frame = chroma_of(film, colorizer, SteadyingOptions(0.0, 1))
    last = planes[-1]
    assert last is not None
    difference = np.hypot(*np.moveaxis(cv2.resize(last, (SIZE[1], SIZE[0])) - every_frame[-1], -1, 0))
    assert difference.mean() < 6


def test_chroma_follows_what_moves() -> None:
    rng = np.random.default_rng(2)
    ground = cv2.GaussianBlur(rng.uniform(0, 100, (96, 160)).astype(np.float32), (0, 0), 2)
    lightness = np.asarray((ground - ground.mean()) * 4 + 50, np.float32)
    color = np.zeros((96, 160, 4), np.float32)
    color[30:60, 40:80] = (40, -20, np.hypot(40, 20), 1)
    moved = np.roll(lightness, 5, axis=1)
    step = next_step(
        TemporalState(frame_features(lightness), color),
        moved,
        lambda: np.zeros((24, 40, 2), np.float32),
        steadiness=0.8,
        every=4,
    )
    assert step.prediction is None
    assert np.abs(step.ab[35:55, 50:80] - (40, -20)).mean() < 1.5
    assert np.abs(step.ab[35:55, 100:140]).mean() < 0.5


def test_a_scene_begins_anew_when_the_size_changes() -> None:
    small = np.full((32, 32), 50, np.float32)
    large = np.full((64, 64), 50, np.float32)

    def step(state: TemporalState | None, lightness: Floats) -> Step:
        return next_step(state, lightness, lambda: np.ones((8, 8, 2), np.float32), steadiness=0.8)

    assert step(step(None, small).state, large).new_scene
    assert not step(step(None, small).state, small).new_scene


def test_a_film_is_looked_at_once_unless_it_is_given_several_sizes(photographs: list[Path]) -> None:
    assert film_settings(Settings(model="lite")) == Settings(model="lite", fast=True)
    several = Settings(model="lite", engine="opencv", size=(64, 96))
    assert film_settings(several) == several
    luma = np.asarray(cv2.cvtColor(pan(photographs[0], 1)[0], cv2.COLOR_RGB2GRAY))
    frame = Frame(luma, None, PlaneLayout(8, None), ColorEncoding(full_range=True))

    def color(size: Sizes) -> Floats:
        frame_colorizer = FrameColorizer(Colorizer(replace(several, size=size)), SteadyingOptions(0.0, 1))
        (one,) = frame_colorizer.predict(iter([(None, frame)]), FilmState())
        assert one.ab is not None
        return one.ab

    assert color((64, 96)).shape == color(96).shape == (24, 24, 2)
    assert np.abs(color((64, 96)) - color(96)).max() > 1


def check_keyframes(photo: Path, colorizer: Colorizer, frames: int) -> None:
    """Seldom asked, the network gives a noisy film the chroma that it has frame by frame."""
    film = noisy(to_grey(pan(photo, frames, SIZE, STEP)), 14.0)
    alone = chroma_of(film, colorizer, SteadyingOptions(0.0, 1))
    between = chroma_of(film, colorizer, SteadyingOptions(DEFAULT_STEADINESS, None))
    assert abs(mean_chroma(between) / mean_chroma(alone) - 1) < 0.05, photo.stem
    assert change_along_motion(between) < change_along_motion(alone) / 3, photo.stem


def test_keyframes_have_the_chroma_of_noisy_film(photographs: list[Path], colorizer: Colorizer) -> None:
    # the first answer for it has a fifth more chroma than most
    check_keyframes(next(path for path in photographs if path.stem == "forest-stream"), colorizer, 16)


@pytest.mark.slow
def test_keyframes_have_the_chroma_of_every_noisy_film(photographs: list[Path], colorizer: Colorizer) -> None:
    for photo in photographs:
        check_keyframes(photo, colorizer, 24)


def test_the_network_is_asked_once_where_there_is_no_grain(photographs: list[Path], colorizer: Colorizer) -> None:
    frame_colorizer = FrameColorizer(colorizer, SteadyingOptions(DEFAULT_STEADINESS, None))
    encoding = ColorEncoding(full_range=True)
    film = to_grey(pan(photographs[0], 8, SIZE, STEP))
    fed = ((n, Frame(f[..., 0], None, PlaneLayout(8, None), encoding)) for n, f in enumerate(film))
    assert len(list(frame_colorizer.predict(fed, FilmState()))) == 8
    assert frame_colorizer.network_calls <= 2


def test_motion_found_elsewhere_gives_the_same_chroma_to_the_bit(photographs: list[Path], tmp_path: Path) -> None:
    frames = [frame[..., 0].astype(np.float32) / 2.55 for frame in noisy(to_grey(pan(photographs[0], 5)), 3)]
    answers = [np.stack([frame[::2, ::2] - 50, 20 - frame[::2, ::2]], axis=-1) for frame in frames]
    looks = [FrameLook(frame, partial(np.asarray, answer), None) for frame, answer in zip(frames, answers, strict=True)]
    save_looks(tmp_path / "looks", list(with_flows(looks)), predicted=True)
    colorizer = FrameColorizer(Colorizer(film_settings(Settings(model="lite"))), SteadyingOptions(0.8, 1))
    handed_over = list(load_looks(tmp_path / "looks", colorizer, repeat(None), frames[0].shape))
    assert [look.flows is None for look in handed_over] == [True, False, False, False, False]
    here, there = (
        [one.ab for one in steady((FrameInput(0, *each) for each in given), None, steadiness=0.8, every=1)]
        for given in (
            [(look.lightness, look.predict) for look in looks],
            [(look.lightness, look.predict, look.flows) for look in handed_over],
        )
    )
    assert all(np.array_equal(one, other) for one, other in zip(here, there, strict=True))


def test_what_changes_its_colour_is_not_held_back() -> None:
    """A still picture whose answers, noisy ones, turn from red to green in the middle of the shot."""
    rng = np.random.default_rng(8)
    lightness = np.asarray(cv2.GaussianBlur(rng.uniform(0, 100, (64, 96)).astype(np.float32), (0, 0), 2), np.float32)
    red, green = np.array([30, 10], np.float32), np.array([-30, 10], np.float32)

    def frame_input(number: int) -> FrameInput[int]:
        ab = (red if number < 20 else green) + rng.normal(0, 5, (64, 96, 2))
        return FrameInput(number, lightness, lambda: ab.astype(np.float32))

    shots = list(steady([frame_input(number) for number in range(30)], None, steadiness=DEFAULT_STEADINESS, every=1))
    means = np.array([shot.ab.mean(axis=(0, 1)) for shot in shots])
    assert np.linalg.norm(means[10:17] - red, axis=1).max() < 2
    assert np.linalg.norm(means[24:] - green, axis=1).max() < 12
    assert np.linalg.norm(means[27:] - green, axis=1).max() < 5
