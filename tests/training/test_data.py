"""What networks learn from: photographs found, split, aged, cropped and mixed as said, in the scale of a contract."""

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
from colorizer.errors import InputError, TrainingError
from colorizer.networks.zhang.bins import bin_centres
from colorizer.training.catalog import TRAINABLE
from colorizer.training.contract import Contract
from colorizer.training.data.ageing import Ageing, aged_lightness
from colorizer.training.data.feed import Batch, Feed, mix
from colorizer.training.data.photographs import Photographs, is_for_validation, looked_through, sources, split
from colorizer.training.data.samples import ab_of, crop, middle, sample, seen_of, target_of
from colorizer.training.lite.targets import class_weights, prior_of, soft_table
from colorizer.training.recipe import Augmentation, LiteRecipe, Recipe

UNTOUCHED = Ageing().scaled(0)
WHOLE = Augmentation()
AB = Contract("lightness", 1.0, 0.0, "ab", 1.0)

Pixels = npt.NDArray[np.uint8]


def read(name: str = "raccoon.jpg") -> Pixels:
    return np.ascontiguousarray(np.asarray(cv2.imread(str(PHOTOS / name)))[..., ::-1])


def all_of(*paths: Path, side: int = 4096, limit: int | None = None) -> Photographs:
    return Photographs(sources(paths)[:limit], side)


def test_tars_folders_and_files_hold_the_same_photographs(tmp_path: Path) -> None:
    names = ["dahlia.jpg", "raccoon.jpg"]
    folder = tmp_path / "folder" / "deeper"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("no picture")
    for name in names:
        (folder / name).write_bytes((PHOTOS / name).read_bytes())
    with tarfile.open(tmp_path / "all.tar", "w") as tar, tarfile.open(tmp_path / "all.tar.gz", "w:gz") as packed:
        tar.add(folder, "pictures")
        packed.add(folder, "pictures")
    inputs = (
        [tmp_path / "all.tar"],
        [tmp_path / "all.tar.gz"],
        [tmp_path / "folder"],
        [PHOTOS / name for name in names],
    )
    for these in inputs:
        photographs = all_of(*these)
        assert len(photographs) == 2
        place = next(i for i, source in enumerate(photographs.sources) if "dahlia" in source.name)
        np.testing.assert_array_equal(photographs[place], read("dahlia.jpg"))


def test_every_format_that_colorize_reads_is_one_to_learn_from(tmp_path: Path) -> None:
    pixels = read()[:64, :80]
    for suffix in ("png", "tiff", "bmp", "webp"):
        assert cv2.imwrite(str(tmp_path / f"a.{suffix}"), pixels[..., ::-1])
    assert cv2.imwrite(str(tmp_path / "deep.png"), pixels[..., ::-1].astype(np.uint16) * 257)
    photographs = all_of(tmp_path)
    assert len(photographs) == 5
    for index, source in enumerate(photographs.sources):
        if not source.name.endswith("webp"):
            np.testing.assert_array_equal(photographs[index], pixels)


def test_photographs_are_shrunk_to_their_side_and_remembered_within_memory() -> None:
    photographs = Photographs(sources([PHOTOS / "raccoon.jpg", PHOTOS / "dahlia.jpg"]), 100, memory=100 * 200 * 3)
    assert min(photographs[0].shape[:2]) == 100
    assert photographs[0] is photographs[0]
    assert photographs[1] is not photographs[1]  # no room for another one
    larger = Photographs(sources([PHOTOS / "raccoon.jpg"]), 10_000)
    np.testing.assert_array_equal(larger[0], read())  # a smaller one stays as it is


def test_grey_and_damaged_photographs_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8 torn")
    cv2.imwrite(str(tmp_path / "grey.png"), read()[:64, :64, 0])
    cv2.imwrite(str(tmp_path / "grey-in-rgb.png"), np.repeat(read()[:64, :64, :1], 3, 2))
    cv2.imwrite(str(tmp_path / "photo.png"), read("dahlia.jpg")[:64, :64])
    advanced: list[None] = []
    found = looked_through(all_of(tmp_path), lambda: advanced.append(None))
    assert len(advanced) == 4
    assert [Path(source.name).name for source in found.usable.sources] == ["photo.png"]
    assert sorted(Path(name).name for name in found.grey) == ["grey-in-rgb.png", "grey.png"]
    assert ["torn.jpg" in str(error) for error in found.unreadable] == [True]
    with pytest.raises(InputError, match="no such file or folder"):
        all_of(tmp_path / "nothing")


def test_a_damaged_tar_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        tar.add(PHOTOS / "dahlia.jpg", "dahlia.jpg")
    whole = (tmp_path / "all.tar").read_bytes()
    (tmp_path / "all.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"all\.tar"):
        Photographs(sources([tmp_path / "all.tar"]), 64)[0]


def test_the_split_goes_by_file_names_alone_and_has_its_share() -> None:
    names = [f"IMG_{number:04}.jpg" for number in range(4000)]
    apart = [is_for_validation(name, 0.1) for name in names]
    assert 0.08 < np.mean(apart) < 0.12
    assert apart == [is_for_validation(f"album.tar:deep/er/{name}", 0.1) for name in names]
    assert not any(is_for_validation(name, 0) for name in names)
    larger = [is_for_validation(name, 0.3) for name in names]
    assert all(more for more, less in zip(larger, apart, strict=True) if less)
    learn, validate = split(all_of(PHOTOS), 0.25)
    together = sorted(source.name for part in (learn, validate) for source in part.sources)
    assert together == sorted(source.name for source in all_of(PHOTOS).sources)


@pytest.mark.parametrize(("share", "words"), [(0.0, "none of 23"), (0.9999999, "all 23")])
def test_a_split_that_leaves_one_side_empty_is_refused_with_the_remedy(share: float, words: str) -> None:
    with pytest.raises(TrainingError, match=rf"{words}.*validation_share"):
        split(all_of(PHOTOS), share)


@pytest.mark.parametrize("name", list(TRAINABLE))
def test_targets_are_in_the_scale_of_the_contract_and_come_back_as_ab(name: str) -> None:
    contract = TRAINABLE[name].contract
    pixels = middle(read("dahlia.jpg"), 32)
    target = target_of(pixels, contract)
    assert target.shape == (contract.channels, 32, 32)
    natural = (target - contract.give_offset) / contract.give_scale
    expected = chroma_plane(pixels) if contract.gives == "ab" else pixels / 255
    np.testing.assert_allclose(natural.transpose(1, 2, 0), expected, atol=1e-3)
    np.testing.assert_allclose(ab_of(target, contract), chroma_plane(pixels), atol=0.05)
    low, high = seen_of(np.array([0, 100], np.float32), contract)
    assert (low, high) == pytest.approx(
        (contract.see_offset, contract.see_offset + contract.see_scale * 100 ** (contract.sees == "lightness")),
        abs=1e-4,
    )


def photograph(name: str = "raccoon.jpg") -> Pixels:
    return read(name)


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
    levels = lightness(pixels[:1])[0, 0], lightness(pixels[:1])[0, -1]
    colors = chroma_plane(pixels)[0, 0], chroma_plane(pixels)[0, -1]
    shaken = Augmentation(smallest_crop=0.3, aspect=1.4, flip=True, rotation=20, shear=10, zoom=0.2)
    for seed in range(20):
        seen, clean, target = sample(pixels, 64, AB, shaken, np.random.default_rng(seed))
        assert seen.shape == (1, 64, 64)
        np.testing.assert_array_equal(clean, seen)
        assert target.shape == (2, 64, 64)
        found = 0
        for level, color in zip(levels, colors, strict=True):
            there = np.abs(seen[0] - level) < 0.05
            found += int(there.sum())
            np.testing.assert_allclose(target[:, there].T, np.broadcast_to(color, (there.sum(), 2)), atol=1)
        assert found > 64 * 64 / 2


def test_what_teachers_see_is_the_same_place_without_its_age() -> None:
    aged, clean, _ = sample(photograph(), 64, AB, Augmentation(ageing=100), np.random.default_rng(3))
    assert np.abs(aged - clean).max() > 1
    assert np.corrcoef(aged.ravel(), clean.ravel())[0, 1] > 0.5


def test_a_whole_square_is_only_mirrored_and_only_where_that_is_wanted() -> None:
    square = photograph()[:128, :128]
    for flip, expected in (
        (True, {square.tobytes(), np.ascontiguousarray(square[:, ::-1]).tobytes()}),
        (False, {square.tobytes()}),
    ):
        recipe = Augmentation(flip=flip)
        assert {crop(square, 128, recipe, np.random.default_rng(seed)).tobytes() for seed in range(20)} == expected


def test_a_crop_beyond_the_picture_shows_all_of_it_smaller_with_its_mirror_image_around() -> None:
    pixels = photograph()[:120, :120]
    wide = Augmentation(smallest_crop=2.0, largest_crop=2.0)
    shown = crop(pixels, 240, wide, np.random.default_rng(1))
    np.testing.assert_array_equal(shown[60:180, 60:180], pixels)
    np.testing.assert_array_equal(shown[60:180, :60], pixels[:, 60:0:-1])
    # a stretched one of a long picture, too
    long = crop(photograph()[:60, :200], 64, Augmentation(largest_crop=3.0, aspect=1.5), np.random.default_rng(2))
    assert long.shape == (64, 64, 3)


@pytest.mark.parametrize("size", [32, 33])
def test_a_mosaic_is_four_photographs_at_half_the_size_with_their_own_colours(tmp_path: Path, size: int) -> None:
    for number in range(12):  # each of one colour
        color = np.random.default_rng(number).integers(40, 216, 3).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), np.broadcast_to(color, (20, 24, 3)))
    photographs = all_of(tmp_path)
    known = [(lightness(pixels)[0, 0], *chroma_plane(pixels)[0, 0]) for pixels in (photographs[n] for n in range(12))]
    feed = Feed(photographs, AB, Recipe(batch=6, mosaic=1.0))
    batch = feed.batch(0, size)
    half = -(-size // 2)
    met = set()
    for number, seen, target in zip(feed.numbers(0), batch.seen, batch.target, strict=True):
        planes = np.concatenate([seen, target])
        assert planes.shape == (3, size, size)
        corners = [planes[:, rows, columns] for rows in _halves(half) for columns in _halves(half)]
        for corner in corners:
            np.testing.assert_allclose(corner, np.broadcast_to(corner[:, :1, :1], corner.shape), atol=1e-4)
        shown = [int(np.argmin([np.abs(corner[:, 0, 0] - color).max() for color in known])) for corner in corners]
        for corner, which in zip(corners, shown, strict=True):
            np.testing.assert_allclose(corner[:, 0, 0], known[which], atol=1e-3)
        assert shown[0] == number
        met.update(shown[1:])
    assert len(met) > 3


def _halves(half: int) -> tuple[slice, slice]:
    return slice(half), slice(half, None)


def test_turning_moves_the_picture_about_its_middle() -> None:
    # a dot in the middle stays there, whatever rotation, shear and zoom do to what is around it
    pixels = np.zeros((65, 65, 3), np.uint8)
    pixels[31:34, 31:34] = 255
    for seed in range(10):
        turned = crop(pixels, 65, Augmentation(rotation=90, shear=20, zoom=0.3), np.random.default_rng(seed))
        assert turned[32, 32, 0] > 200
        rows, columns = np.nonzero(turned[..., 0] > 100)
        assert abs(rows.mean() - 32) < 0.6
        assert abs(columns.mean() - 32) < 0.6


@given(seed=st.integers(0, 1000))
def test_mixing_moves_rectangles_of_all_planes_together(seed: int) -> None:
    numbers = np.arange(4, dtype=np.float32)[:, None, None, None]
    planes = np.broadcast_to(numbers, (4, 1, 32, 32)).copy()
    mixed = mix(Batch(planes, planes + 10, np.concatenate([planes, planes], 1)), np.random.default_rng(seed))
    np.testing.assert_array_equal(mixed.seen[:, 0], mixed.target[:, 0])
    np.testing.assert_array_equal(mixed.clean, mixed.seen + 10)
    for own, other in ((0, 3), (1, 0), (2, 1), (3, 2)):
        assert set(np.unique(mixed.target[own])) == {own, other}


def test_batches_depend_on_seed_and_step_alone() -> None:
    photographs = all_of(PHOTOS, side=40)
    recipe = Recipe(batch=4, mixing=0.5, seed=3, flip=True, rotation=10)
    steps = [(step, 32) for step in range(2, 9)]
    late = list(Feed(photographs, AB, recipe, threads=3).batches(iter(steps[3:])))
    for ahead, again in zip(list(Feed(photographs, AB, recipe).batches(iter(steps)))[3:], late, strict=True):
        np.testing.assert_array_equal(ahead.seen, again.seen)
        np.testing.assert_array_equal(ahead.target, again.target)
    changed = Feed(photographs, AB, Recipe(batch=4, seed=4)).batch(5, 32)
    assert not np.array_equal(changed.seen, late[0].seen)


def test_sizes_that_are_mixed_have_about_as_many_pixels_in_a_batch() -> None:
    feed = Feed(all_of(PHOTOS, side=64), AB, LiteRecipe(batch=8, size=32, mixed_sizes=True))
    assert [feed.batch(0, size).seen.shape[::2] for size in (32, 48, 64, 128)] == [(8, 32), (4, 48), (2, 64), (1, 128)]
    unmixed = Feed(all_of(PHOTOS, side=64), AB, LiteRecipe(batch=8, size=32))
    assert unmixed.batch(0, 64).seen.shape[0] == 8


def test_an_epoch_meets_each_photograph_once() -> None:
    feed = Feed(all_of(PHOTOS, limit=12), AB, Recipe(batch=4))
    assert feed.per_epoch == 3
    met = [number for step in range(3) for number in feed.numbers(step)]
    assert sorted(met) == list(range(12))
    assert met != [number for step in range(3, 6) for number in feed.numbers(step)]


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
