"""From what a user wrote to two files that belong together."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from synthetic import RELEASE_PROTOTXT, small_pair

from colorizer.cli.wording import worded
from colorizer.errors import ColorizerError, UsageError, WeightsError
from colorizer.io.records import read_record
from colorizer.networks import Catalog, FileSpec, ModelSpec, load_catalog, resolve_model
from colorizer.networks.store import packaged_weights
from colorizer.networks.zhang.contract import RELEASE_TEMPERATURE


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A prototxt and a caffemodel of the contract."""
    return small_pair(tmp_path_factory.mktemp("made"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store for each test."""
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COLORIZER_CATALOG", raising=False)
    return tmp_path / "home" / "weights"


@pytest.fixture
def pair(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The same pair in a folder of its own, to be damaged at will."""
    folder = tmp_path / "pair"
    folder.mkdir()
    prototxt, caffemodel = (Path(shutil.copy(path, folder)) for path in made)
    return prototxt, caffemodel


def spec_of(prototxt: Path, caffemodel: Path, name: str = "tested") -> ModelSpec:
    files = []
    for path in (prototxt, caffemodel):
        content = path.read_bytes()
        role = "prototxt" if path is prototxt else "caffemodel"
        files.append(FileSpec(path.name, role, len(content), hashlib.sha256(content).hexdigest()))
    return ModelSpec(name, "", "", "none", "stretch", 8, tuple(files), temperature=RELEASE_TEMPERATURE)


def test_a_caffemodel_finds_the_prototxt_of_its_own_name(pair: tuple[Path, Path]) -> None:
    prototxt, caffemodel = pair
    (prototxt.parent / "other.prototxt").write_text("name: 'other'")
    model = resolve_model(str(caffemodel))
    assert (model.files["prototxt"], model.files["caffemodel"]) == (prototxt, caffemodel)
    assert (model.name, model.fit, model.stride) == ("small", "stretch", 8)


def test_a_caffemodel_finds_the_only_prototxt_beside_it(pair: tuple[Path, Path]) -> None:
    prototxt = pair[0].rename(pair[0].with_name("network.prototxt"))
    assert resolve_model(str(pair[1])).files["prototxt"] == prototxt


def test_a_prototxt_finds_its_caffemodel(pair: tuple[Path, Path]) -> None:
    assert resolve_model(str(pair[0])).files["caffemodel"] == pair[1]


def test_a_folder_stands_for_the_one_pair_in_it(pair: tuple[Path, Path]) -> None:
    model = resolve_model(str(pair[0].parent))
    assert (model.files["prototxt"], model.files["caffemodel"]) == pair


def test_of_two_pairs_in_a_folder_none_is_taken(pair: tuple[Path, Path]) -> None:
    shutil.copy(pair[1], pair[1].with_name("second.caffemodel"))
    with pytest.raises(WeightsError, match=r"holds 2 \.caffemodel files"):
        resolve_model(str(pair[0].parent))


def test_a_prototxt_may_lie_elsewhere(pair: tuple[Path, Path], tmp_path: Path) -> None:
    prototxt = pair[0].rename(tmp_path / "elsewhere.txt")
    assert resolve_model(str(pair[1]), prototxt=prototxt).files["prototxt"] == prototxt


def test_other_weights_in_the_layers_of_a_known_model_have_its_defaults(tmp_path: Path) -> None:
    lite = resolve_model("lite")
    layers, weights = tmp_path / "mine.prototxt", tmp_path / "mine.caffemodel"
    layers.write_bytes(lite.files["prototxt"].read_bytes())
    weights.write_bytes(lite.files["caffemodel"].read_bytes())
    mine = resolve_model(str(tmp_path))
    assert (mine.name, mine.temperature, mine.sizes, mine.fit) == ("mine", 0.9, (224, 448), lite.fit)
    layers.write_text(layers.read_text() + "# of somebody else's making\n")
    other = resolve_model(str(tmp_path))
    assert (other.temperature, other.sizes) == (RELEASE_TEMPERATURE, (224,))


def test_a_caffemodel_without_a_prototxt_says_what_it_needs(pair: tuple[Path, Path]) -> None:
    pair[0].unlink()
    with pytest.raises(WeightsError, match=r"holds no \.prototxt file.*prototxt") as caught:
        resolve_model(str(pair[1]))
    assert worded(caught.value).endswith("name it with --prototxt")


def test_files_that_do_not_belong_together_are_refused(pair: tuple[Path, Path]) -> None:
    with pytest.raises(WeightsError, match="do not belong together"):
        resolve_model(str(pair[1]), prototxt=RELEASE_PROTOTXT)


def test_a_truncated_caffemodel_says_so(pair: tuple[Path, Path]) -> None:
    with pair[1].open("rb+") as file:
        file.truncate(1_000_000)
    with pytest.raises(WeightsError, match="truncated"):
        resolve_model(str(pair[1]))


def test_a_missing_path_is_no_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        resolve_model(str(tmp_path / "none.caffemodel"))


def test_an_unknown_name_is_told_the_nearest_one_and_how_a_path_is_written() -> None:
    with pytest.raises(UsageError, match=r"unknown model 'zhang61', perhaps zhang16; .*[/\\]zhang61\.onnx"):
        resolve_model("zhang61")


@pytest.mark.parametrize("name", ["zhang16", "zhang16-norebal"])
def test_a_known_name_that_is_not_installed_gives_the_command(name: str) -> None:
    with pytest.raises(WeightsError, match=f"download {name}$") as caught:
        resolve_model(name)
    assert worded(caught.value).endswith(f"colorize weights download {name}")


@pytest.mark.parametrize("name", ["", "x" * 5000, "x" * 5000 + ".caffemodel", "a\0b", "a\0b.caffemodel", "new\nline"])
def test_an_impossible_name_is_an_error_in_one_line(name: str) -> None:
    with pytest.raises(ColorizerError) as caught:
        resolve_model(name)
    assert str(caught.value).isprintable()


def test_a_name_wins_over_a_file_and_dot_slash_means_the_file(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair[0].parent.rename(pair[0].parent.with_name("zhang16"))
    monkeypatch.chdir(pair[0].parent.parent)
    with pytest.raises(WeightsError, match="not installed"):
        resolve_model("zhang16")
    assert resolve_model(os.path.join(".", "zhang16")).files["caffemodel"] == Path("zhang16", "small.caffemodel")  # noqa: PTH118


def test_a_prototxt_alone_needs_a_model(pair: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="belongs to a caffemodel, and none is named; give model") as caught:
        resolve_model("auto", prototxt=pair[0])
    assert worded(caught.value).startswith("--prototxt ")
    assert worded(caught.value).endswith("give --model")


def test_a_model_of_the_store_is_hashed_once_and_again_when_it_changes(pair: tuple[Path, Path], home: Path) -> None:
    catalog = Catalog((spec_of(*pair),))
    shutil.copytree(pair[0].parent, home)
    caffemodel = home / pair[1].name
    resolve_model("tested", catalog=catalog)
    record = read_record(caffemodel)
    assert record is not None
    assert record.mtime_ns == caffemodel.stat().st_mtime_ns
    content = bytearray(caffemodel.read_bytes())
    content[-1] ^= 1
    caffemodel.write_bytes(content)
    os.utime(caffemodel, ns=(record.mtime_ns + 10**9, record.mtime_ns + 10**9))
    for _ in range(2):
        with pytest.raises(WeightsError, match="SHA-256 differs"):
            resolve_model("tested", catalog=catalog)


def test_an_unchanged_file_is_not_read_again(pair: tuple[Path, Path], home: Path) -> None:
    """The record is believed: a change that leaves size and time alone is found by `verify`, not at every start."""
    catalog = Catalog((spec_of(*pair),))
    shutil.copytree(pair[0].parent, home)
    caffemodel = home / pair[1].name
    resolve_model("tested", catalog=catalog)
    stat = caffemodel.stat()
    content = bytearray(caffemodel.read_bytes())
    content[-1] ^= 1
    caffemodel.write_bytes(content)
    os.utime(caffemodel, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert resolve_model("tested", catalog=catalog).files["caffemodel"] == caffemodel


def test_weights_dir_is_searched_before_the_users_own_store(
    pair: tuple[Path, Path], home: Path, tmp_path: Path
) -> None:
    catalog = Catalog((spec_of(*pair),))
    shutil.copytree(pair[0].parent, home)
    shutil.copytree(pair[0].parent, tmp_path / "given")
    assert resolve_model("tested", catalog=catalog).files["caffemodel"].parent == home
    assert (
        resolve_model("tested", catalog=catalog, weights_dir=tmp_path / "given").files["caffemodel"].parent
        == tmp_path / "given"
    )


@pytest.mark.parametrize("damage", ["missing", "damaged", "truncated"])
def test_auto_takes_the_large_model_where_it_is_right_and_says_why_not(
    pair: tuple[Path, Path], home: Path, damage: str
) -> None:
    lite = load_catalog().find("lite")
    assert lite is not None
    catalog = Catalog((spec_of(*pair, name="zhang16"), lite))
    shutil.copytree(pair[0].parent, home)
    model = resolve_model("auto", catalog=catalog)
    assert (model.name, str(model.note)) == ("zhang16", "using zhang16")
    caffemodel = home / pair[1].name
    if damage == "missing":
        caffemodel.unlink()
    else:
        content = caffemodel.read_bytes()
        caffemodel.write_bytes(content[:-1] + (b"" if damage == "truncated" else bytes([content[-1] ^ 1])))
        os.utime(caffemodel, (1, 1))
    fallen_back = resolve_model("auto", catalog=catalog)
    assert fallen_back.name == "lite"
    assert fallen_back.note is not None
    note = worded(fallen_back.note)
    assert note.startswith("using lite (built in)")
    assert "colorize weights download zhang16" in note
    expected = {"missing": "richer colours", "damaged": "SHA-256 differs", "truncated": "1 of"}
    assert expected[damage] in note


def test_a_catalogue_of_ones_own_is_held_to_the_contract(pair: tuple[Path, Path], home: Path) -> None:
    text = pair[0].read_text()
    pair[0].write_text(text.replace("class8_ab", "class9_ab"))
    shutil.copytree(pair[0].parent, home)
    with pytest.raises(WeightsError, match="another network"):
        resolve_model("tested", catalog=Catalog((spec_of(*pair),)))


def test_the_built_in_model_is_there_and_needs_no_store() -> None:
    model = resolve_model("lite")
    assert (model.fit, model.stride) == ("stretch", 32)
    assert model.files["prototxt"].parent == model.files["caffemodel"].parent == packaged_weights()


def test_the_catalogue_is_in_step_with_the_files_of_the_package() -> None:
    for spec in load_catalog():
        for file in spec.files:
            if file.packaged:
                content = (packaged_weights() / file.name).read_bytes()
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256), (
                    f"{file.name} and the catalogue differ; run: python scripts/update_catalog.py"
                )


def test_the_catalogue_states_the_release_as_everybody_has_it() -> None:
    """Sizes and hashes as published by OpenVINO's model zoo and learnopencv."""
    stated = {
        "zhang16": (128946764, "f5af1e602646328c792e1094f9876fe9cd4c09ac46fa886e5708a1abc89137b1"),
        "zhang16-norebal": (128946454, "6ab42a7fa853eb7ca822b9a0a2997a08a29c819c985c3e70b460c6be9c8b2159"),
    }
    for name, expected in stated.items():
        spec = load_catalog().find(name)
        assert spec is not None
        file = spec.file("caffemodel")
        assert (file.size, file.sha256) == expected
        assert file.mirrors


GOOD: dict[str, Any] = {
    "name": "own",
    "title": "t",
    "licence": "l",
    "files": [
        {"name": f"own.{role}", "role": role, "size": 1, "sha256": "0" * 64} for role in ("prototxt", "caffemodel")
    ],
}


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"name": "Own Model"}, "lower-case"),
        ({"name": "zhang16"}, "taken"),
        ({"name": "con"}, "lower-case"),
        ({"licence": None}, "missing"),
        ({"fit": "squeeze"}, "stretch, aspect"),
        ({"stride": 0}, "pixels"),
        ({"files": []}, "one prototxt and one caffemodel"),
        ({"files": [GOOD["files"][0], {**GOOD["files"][1], "name": "../own.caffemodel"}]}, "file's name"),
        ({"files": [GOOD["files"][0], {**GOOD["files"][1], "sha256": "12"}]}, "64 hexadecimal"),
        ({"files": [GOOD["files"][0], {**GOOD["files"][1], "size": "1"}]}, "type int"),
        ({"files": [GOOD["files"][0], {**GOOD["files"][1], "packaged": True}]}, "built-in catalogue only"),
        ({"files": [GOOD["files"][0], {**GOOD["files"][1], "mirrors": [{"url": "file:///x"}]}]}, "https://"),
        ({"files": [GOOD["files"][0], {**GOOD["files"][1], "name": "lite.caffemodel"}]}, "taken"),
    ],
)
def test_a_wrong_catalogue_says_which_field_is_wrong(tmp_path: Path, change: dict[str, object], phrase: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"models": [GOOD | change]}))
    with pytest.raises(WeightsError, match=phrase) as caught:
        load_catalog(path)
    assert "own.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"models": 1}', '{"models": [1]}', "[" * 100_000, "\xff"])
def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(WeightsError, match=r"own\.json"):
        load_catalog(path)


def test_a_catalogue_of_ones_own_comes_after_the_built_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"models": [GOOD]}))
    monkeypatch.setenv("COLORIZER_CATALOG", str(path))
    assert [spec.name for spec in load_catalog()][-1] == "own"
    assert replace(load_catalog()).find("own") is not None
