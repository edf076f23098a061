"""What `lite` learns from: photographs read, aged, cropped and mixed as said, and encoded as the paper does."""

from __future__ import annotations

import tarfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from conftest import PHOTOS
from hypothesis import given
from hypothesis import strategies as st

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.networks.zhang.bins import bin_centres
from training.ageing import Ageing, aged_lightness
from training.photographs import Photographs
from training.samples import Augmentation, Batch, Feed, crop, mix, sample
from training.targets import class_weights, prior_of, soft_table

UNTOUCHED = Ageing().scaled(0)
WHOLE = Augmentation(smallest_crop=1, aspect=1, mixing=0, ageing=UNTOUCHED)


def photograph(name: str = "raccoon.jpg") -> npt.NDArray[np.uint8]:
    return np.asarray(Photographs([PHOTOS / name])[0])


def test_tars_folders_and_files_hold_the_same_photographs(tmp_path: Path) -> None:
    names = ["dahlia.jpg", "raccoon.jpg"]
    folder = tmp_path / "folder" / "deeper"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("no picture")
    for name in names:
        (folder / name).write_bytes((PHOTOS / name).read_bytes())
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        tar.add(folder, "pictures")
    sources = ([tmp_path / "all.tar"], [tmp_path / "folder"], [PHOTOS / name for name in names])
    found = [Photographs(source) for source in sources]
    assert [len(photographs) for photographs in found] == [2, 2, 2]
    expected = np.asarray(cv2.imread(str(PHOTOS / "dahlia.jpg")))[..., ::-1]
    for photographs in found:
        position = next(i for i, name in enumerate(photographs.names) if "dahlia" in name)
        np.testing.assert_array_equal(photographs[position], expected)
    assert len(Photographs([tmp_path / "folder"], limit=1)) == 1


def test_no_pictures_and_damaged_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no photographs in"):
        Photographs([tmp_path])
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8 torn")
    with pytest.raises(ValueError, match=r"torn\.jpg: no picture"):
        Photographs([tmp_path])[0]


def test_without_age_lightness_is_the_pictures_own() -> None:
    pixels = photograph()
    light = aged_lightness(pixels, UNTOUCHED, np.random.default_rng(1))
    np.testing.assert_allclose(light, lightness(pixels), atol=0.02)


@given(seed=st.integers(0, 10_000), height=st.integers(4, 60), width=st.integers(4, 60))
def test_aged_lightness_is_lightness(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    light = aged_lightness(pixels, Ageing().scaled(100), np.random.default_rng(seed))
    assert light.shape == (height, width)
    assert light.min() >= 0
    assert light.max() <= 100
    np.testing.assert_array_equal(light, aged_lightness(pixels, Ageing().scaled(100), np.random.default_rng(seed)))


@pytest.mark.parametrize("effect", list(vars(Ageing())))
def test_each_effect_changes_the_picture_and_keeps_the_scene(effect: str) -> None:
    pixels = photograph()
    alone = Ageing(**{name: float(name == effect) for name in vars(Ageing())})
    fresh = lightness(pixels)
    for seed in range(8):
        light = aged_lightness(pixels, alone, np.random.default_rng(seed))
        assert np.abs(light - fresh).max() > 0.5
        assert np.corrcoef(light.ravel(), fresh.ravel())[0, 1] > 0.7


def test_plates_see_blue_lighter_and_red_darker_than_the_eye() -> None:
    red, blue = np.array([[[200, 40, 30]]], np.uint8), np.array([[[40, 60, 200]]], np.uint8)
    plate = Ageing(**{name: float(name == "plate") for name in vars(Ageing())})
    differences = []
    for seed in range(40):
        seen = [float(aged_lightness(c, plate, np.random.default_rng(seed))[0, 0]) for c in (red, blue)]
        fresh = [float(lightness(c)[0, 0]) for c in (red, blue)]
        differences.append((seen[0] - fresh[0], seen[1] - fresh[1]))
    mean = np.mean(differences, axis=0)
    assert mean[0] < -5
    assert mean[1] > 5


def test_a_sample_shows_the_same_place_in_both_planes() -> None:
    # vertical stripes of red and blue: the lightness tells where, whatever the crop and the mirror did
    pixels = np.zeros((200, 240, 3), np.uint8)
    pixels[:, :, 2] = 200
    pixels[:, :100] = (200, 0, 0)
    red, blue = lightness(pixels[:1])[0, 0] - 50, lightness(pixels[:1])[0, -1] - 50
    expected = {0: chroma_plane(pixels)[0, 0], 1: chroma_plane(pixels)[0, -1]}
    for seed in range(20):
        augmentation = Augmentation(smallest_crop=0.3, aspect=1.4, ageing=UNTOUCHED)
        light, clean, ab = sample(pixels, 64, augmentation, np.random.default_rng(seed))
        assert light.shape == (64, 64)
        np.testing.assert_array_equal(clean, light)
        assert ab.shape == (16, 16, 2)
        middle = light.reshape(16, 4, 16, 4).mean((1, 3))
        for level, color in ((red, expected[0]), (blue, expected[1])):
            there = np.abs(middle - level) < 0.05
            np.testing.assert_allclose(ab[there], np.broadcast_to(color, ab[there].shape), atol=1)
        assert (np.abs(middle - red) < 0.05).any() or (np.abs(middle - blue) < 0.05).any()


def test_what_teachers_see_is_the_same_place_without_its_age() -> None:
    old = Ageing(plate=0, tones=1, blur=0, vignette=0, stains=0, grain=0, scratches=0, codec=0)
    aged, clean, _ = sample(photograph(), 64, Augmentation(ageing=old), np.random.default_rng(3))
    assert np.abs(aged - clean).max() > 1
    assert np.corrcoef(aged.ravel(), clean.ravel())[0, 1] > 0.98


def test_a_whole_square_is_only_mirrored() -> None:
    square = photograph()[:128, :128]
    outcomes = {crop(square, 128, WHOLE, np.random.default_rng(seed)).tobytes() for seed in range(20)}
    assert outcomes == {square.tobytes(), np.ascontiguousarray(square[:, ::-1]).tobytes()}


@given(seed=st.integers(0, 1000))
def test_mixing_moves_rectangles_of_both_planes_together(seed: int) -> None:
    numbers = np.arange(4, dtype=np.float32)
    planes = np.broadcast_to(numbers[:, None, None, None], (4, 1, 32, 32))
    batch = Batch(
        planes.copy(),
        planes + 10,
        np.broadcast_to(numbers[:, None, None, None], (4, 8, 8, 2)).copy(),
    )
    mixed = mix(batch, np.random.default_rng(seed))
    np.testing.assert_array_equal(mixed.lightness[:, 0, ::4, ::4], mixed.ab[..., 0])
    np.testing.assert_array_equal(mixed.clean, mixed.lightness + 10)
    np.testing.assert_array_equal(np.kron(mixed.ab[0, ..., 0], np.ones((4, 4))), mixed.lightness[0, 0])
    for own, other in ((0, 3), (1, 0), (2, 1), (3, 2)):
        assert set(np.unique(mixed.ab[own])) <= {own, other}


def test_batches_depend_on_seed_and_step_alone() -> None:
    photographs = Photographs([PHOTOS])
    feed = Feed(photographs, Augmentation(mixing=0.5), 4, seed=3)
    other = Feed(photographs, Augmentation(mixing=0.5), 4, seed=3, threads=3)
    steps = [(step, 32) for step in range(2, 9)]
    late = list(other.batches(iter(steps[3:])))
    for ahead, again in zip(list(feed.batches(iter(steps)))[3:], late, strict=True):
        np.testing.assert_array_equal(ahead.lightness, again.lightness)
        np.testing.assert_array_equal(ahead.ab, again.ab)
    changed = Feed(photographs, Augmentation(mixing=0.5), 4, seed=4).batch(5, 32)
    assert not np.array_equal(changed.lightness, late[0].lightness)


def test_an_epoch_meets_each_photograph_once() -> None:
    photographs = Photographs([PHOTOS], limit=12)
    feed = Feed(photographs, WHOLE, 4, seed=1)
    met = [int(number) for step in range(3) for number in feed._numbers(step)]
    assert sorted(met) == list(range(12))
    assert met != [int(number) for step in range(3, 6) for number in feed._numbers(step)]


@given(a=st.integers(-110, 110), b=st.integers(-110, 110))
def test_soft_encoding_is_the_papers(a: int, b: int) -> None:
    classes, shares = soft_table()
    row = (a + 110) * 221 + b + 110
    distance = np.hypot(*(bin_centres() - (a, b)).T.astype(np.float64))
    nearest = np.sort(distance)[:5]
    np.testing.assert_allclose(distance[classes[row]], nearest, atol=1e-9)
    weights = np.exp(-(nearest**2 - nearest[0] ** 2) / (2 * 25))
    np.testing.assert_allclose(shares[row], weights / weights.sum(), atol=1e-6)


def test_weights_are_of_mean_one_and_between_none_and_the_papers() -> None:
    prior = prior_of([chroma_plane(photograph(name)) for name in ("raccoon.jpg", "dahlia.jpg")])
    assert prior.shape == (313,)
    assert prior.sum() == pytest.approx(1)
    np.testing.assert_allclose(class_weights(prior, 0), 1)
    paper = 1 / (0.5 * prior + 0.5 / 313)
    np.testing.assert_allclose(class_weights(prior, 1), paper / (prior * paper).sum())
    half = class_weights(prior, 0.5)
    assert (prior * half).sum() == pytest.approx(1)
    assert np.ptp(half) < np.ptp(class_weights(prior, 1))
