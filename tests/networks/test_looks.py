"""Several looks at one picture: joined as the geometric mean of what they think, on the finest grid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import toy_family
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from synthetic import lightness_like

from colorizer import Colorizer, Settings
from colorizer.cli.main import run
from colorizer.color.strips import shrunk_lightness, shrunk_lightnesses
from colorizer.errors import UsageError, WeightsError
from colorizer.networks import load_catalog, resolve_model
from colorizer.networks.distribution import annealed_mean
from colorizer.networks.looks import joined
from colorizer.networks.registry import FAMILIES

Doubles = npt.NDArray[np.float64]

CPU: dict[str, Any] = {"engine": "onnxruntime", "precision": "fp32", "device": "cpu"}


def picture(height: int = 150, width: int = 220) -> npt.NDArray[np.uint8]:
    light = lightness_like(height, width)[0, 0] + 50
    return np.asarray(np.clip(light * 2.55, 0, 255), np.uint8)


def lite(**settings: Any) -> Colorizer:
    return Colorizer(Settings(model="lite", **CPU, **settings))


def enlarged(planes: Doubles, height: int, width: int) -> Doubles:
    """(..., h, w) to (..., height, width), linearly between pixel centres."""
    for axis, full in ((-2, height), (-1, width)):
        size = planes.shape[axis]
        centres, wanted = (np.arange(size) + 0.5) / size, (np.arange(full) + 0.5) / full
        planes = np.apply_along_axis(lambda row, at, of: np.interp(at, of, row), axis, planes, wanted, centres)
    return planes


def test_two_looks_are_the_normalised_geometric_mean_of_their_distributions() -> None:
    pixels, temperature = picture(), 0.7
    said = [lite(size=size).distribution(pixels) for size in (64, 96)]
    logs = []
    for each in said:
        logits = each.logits.astype(np.float64)
        logs.append(enlarged(logits - np.log(np.exp(logits).sum(axis=0)), 24, 24))
    pooled = np.exp(sum(logs) / 2)
    sharpened = (pooled / pooled.sum(axis=0)) ** (1 / temperature)
    expected = np.tensordot(sharpened / sharpened.sum(axis=0), said[0].centres.astype(np.float64), (0, 0))
    both = lite(size=(64, 96), temperature=temperature)
    found = both.predict(pixels)
    assert found.shape == (24, 24, 2)
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.abs(found - enlarged(said[0].ab(temperature).T.astype(np.float64), 24, 24).T).max() > 1
    np.testing.assert_allclose(both.distribution(pixels).ab(temperature), found, atol=0.05)


def test_of_a_network_without_distribution_ab_is_averaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(FAMILIES, "toy", "toy_family:TOY")
    network, pixels = toy_family.write_network(tmp_path / "toy.toy"), picture()
    found = Colorizer(Settings(model=str(network), size="96,40", **CPU)).predict(pixels)
    small, large = (toy_family.known_ab(shrunk_lightness(pixels, (side, side))).astype(np.float64) for side in (40, 96))
    np.testing.assert_allclose(found, (enlarged(small.T, 96, 96).T + large) / 2, atol=0.01)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.integers(1, 9), st.floats(0.1, 3), st.integers(0, 9))
def test_what_a_look_adds_to_all_classes_alike_does_not_matter(
    height: int, width: int, tall: int, wide: int, temperature: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 40, (6, 2))
    small, large = (rng.normal(0, 3, (1, 6, *size)).astype(np.float32) for size in ((height, width), (tall, wide)))
    shift = rng.normal(0, 3, (1, 1, height, width)).astype(np.float32)
    usual, moved = (
        annealed_mean(joined([each, large.copy()])[0], centres, temperature) for each in (small, small + shift)
    )
    np.testing.assert_allclose(usual, moved, atol=0.02)


def test_looks_that_agree_change_nothing() -> None:
    maps = [np.full((1, 3, size, size), 2.5, np.float32) for size in (4, 7, 9)]
    np.testing.assert_allclose(joined(maps), np.full((1, 3, 9, 9), 2.5), rtol=1e-6)


@pytest.mark.parametrize("sizes", [[(40, 64), (100, 160)], [(8, 8)], [(300, 200), (7, 9), (64, 64)]])
def test_a_picture_read_once_is_seen_as_if_read_for_each_look(sizes: list[tuple[int, int]]) -> None:
    pixels = picture(120, 170)
    for size, found in zip(sizes, shrunk_lightnesses(pixels, sizes), strict=True):
        np.testing.assert_array_equal(found, shrunk_lightness(pixels, size))


def test_a_model_looks_as_the_catalogue_says_and_once_when_it_has_to_be_fast() -> None:
    usual = lite()
    assert [view.size for view in usual.view.views] == [224, 448]
    assert "stretch 224 + 448" in usual.recipe()
    assert lite(size="auto", fast=True).recipe() == lite(size=224).recipe()
    pixels = picture(64, 90)
    np.testing.assert_array_equal(usual.predict(pixels), lite(size=[448, 224, 448]).predict(pixels))
    # one network serves looks once and several times, whichever it was loaded for
    once = usual.with_settings(Settings(model="lite", **CPU, fast=True))
    np.testing.assert_array_equal(once.colorize(pixels), lite(size=224).colorize(pixels))


@pytest.mark.parametrize(
    ("given", "kept"),
    [(224, 224), ("224", 224), ("448, 224", (224, 448)), ([96, 64, 96], (64, 96)), ((320,), 320), ("auto", "auto")],
)
def test_sizes_are_read_from_numbers_lists_and_text(given: Any, kept: Any) -> None:
    assert Settings(size=given).size == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "expected auto"),
        ("224,", "expected auto"),
        ("22 4", "expected auto"),
        ("\u0664\u0664\u0668", "expected auto"),
        (True, "expected auto"),
        (None, "expected auto"),
        (224.0, "expected auto"),
        ((), "expected 1 to 4 sizes"),
        ("64,96,128,160,192", "expected 1 to 4 sizes"),
        ("224,16", "size=16: expected a number from 32 to 2048"),
        ("4096", "size=4096"),
    ],
)
def test_what_are_no_sizes_is_refused(given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Settings(size=given)


def test_fast_and_several_sizes_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="fast: looks once; leave out size=224,448"):
        Settings(size=(448, 224), fast=True)
    assert Settings(size=320, fast=True).size == 320


def test_a_size_that_the_network_does_not_take_is_named(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Image.fromarray(picture(30, 40)).save(tmp_path / "a.png")
    assert run([str(tmp_path / "a.png"), "--model", "lite", "--size", "224,330"]) == 2
    assert "--size 330: lite takes multiples of 32; try 320" in capfd.readouterr().err


def test_another_look_is_another_result_for_a_folder(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(picture(30, 40)).save(folder / "a.png")
    command = [str(folder), "-o", str(output), "--model", "lite", "--jobs", "1", "--update"]
    results = []
    for option in (["--size", "64"], ["--size", "64,96"], ["--size", "96,64"]):
        assert run([*command, *option]) == 0
        results.append((output / "a.png").read_bytes())
    said = capfd.readouterr().err.splitlines()
    assert results[0] != results[1]
    assert b"stretch 64 + 96" in results[1]
    assert results[1] == results[2]
    assert "kept" not in said[-2]
    assert "kept" in said[-1]


def test_a_folder_done_with_the_models_own_sizes_is_done_for_whoever_names_them(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(picture(30, 40)).save(folder / "a.png")
    command = [str(folder), "-o", str(output), "--model", "lite", "--jobs", "1", "--update"]
    said = []
    for options in ([], ["--size", "448,224"], ["--fast"], ["--size", "224"]):
        assert run([*command, *options]) == 0
        said.append("kept" in capfd.readouterr().err.splitlines()[-1])
    assert said == [False, True, False, True]


@pytest.mark.parametrize(
    ("sizes", "words"),
    [([], "1 to 4 sizes"), ([224, 230], "multiples of its stride"), (["x"], "must be like"), (224, "type list")],
)
def test_a_catalogue_with_sizes_that_cannot_be_is_refused(sizes: Any, words: str, tmp_path: Path) -> None:
    spec = {
        "name": "own",
        "title": "own",
        "licence": "own",
        "stride": 32,
        "sizes": sizes,
        "files": [
            {"name": f"own.{role}", "role": role, "size": 1, "sha256": "0" * 64} for role in ("prototxt", "caffemodel")
        ],
    }
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"models": [spec]}))
    with pytest.raises(WeightsError, match=words):
        load_catalog(path)
    path.write_text(json.dumps({"models": [spec | {"sizes": [448, 224]}]}))
    own = load_catalog(path).find("own")
    assert own is not None
    assert own.sizes == (224, 448)


def test_networks_of_others_look_once() -> None:
    assert resolve_model("lite").sizes == (224, 448)
    zhang16 = load_catalog().find("zhang16")
    assert zhang16 is not None
    assert zhang16.sizes == (224,)
