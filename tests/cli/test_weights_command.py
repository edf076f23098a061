"""`colorize weights list, path, import, verify, remove`, as a user sees them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from synthetic import RELEASE_PROTOTXT, small_pair

from colorizer.caffe.caffemodel import Blob, BlobLayer, read_caffemodel, write_caffemodel
from colorizer.networks.zhang.bins import bin_centres


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return small_pair(tmp_path_factory.mktemp("made"))


@pytest.fixture
def pair(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """A well-formed model that no catalogue knows."""
    prototxt, caffemodel = (Path(shutil.copy(path, tmp_path)) for path in made)
    return prototxt, caffemodel


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "home" / "weights"


@pytest.fixture
def catalog(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """A catalogue that knows the pair as `tested`."""
    files = [
        {
            "name": f"tested{path.suffix}",
            "role": path.suffix[1:],
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in made
    ]
    path = tmp_path / "catalog.json"
    model = {"name": "tested", "title": "a model to test with", "licence": "none", "files": files}
    path.write_text(json.dumps({"models": [model]}))
    return path


def names(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()} if store.is_dir() else set()


def refused(done: subprocess.CompletedProcess[str], *phrases: str) -> None:
    """One line on stderr, with these phrases, and status 2."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("colorize: ")
    for phrase in phrases:
        assert phrase in done.stderr


def test_list_is_a_table_on_stdout(colorize_process: Command) -> None:
    done = colorize_process("weights", "list")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["NAME", "STATE", "SIZE", "WHAT"]
    assert rows[1][:3] == ["zhang16", "not", "installed"]
    assert rows[3][:3] == ["lite", "built", "in"]


def test_list_verbose_shows_licence_hash_and_mirrors(colorize: Command) -> None:
    text = colorize("weights", "list", "-v").stdout
    assert "BSD-2-Clause" in text
    assert "f5af1e602646328c792e1094f9876fe9cd4c09ac46fa886e5708a1abc89137b1" in text
    assert "https://storage.openvinotoolkit.org/" in text
    assert "dead when last seen" in text


def test_path_names_the_store_and_a_models_files(colorize: Command, store: Path) -> None:
    assert colorize("weights", "path").stdout == f"{store}\n"
    caffemodel, prototxt = colorize("weights", "path", "lite").stdout.splitlines()
    assert Path(caffemodel).is_file()
    assert Path(prototxt).name == "lite.prototxt"


def test_path_of_a_missing_model_gives_the_command(colorize: Command) -> None:
    refused(colorize("weights", "path", "zhang16"), "colorize weights download zhang16")


def test_a_model_of_the_catalogue_is_known_by_its_hash_whatever_it_is_called(
    colorize: Command, pair: tuple[Path, Path], store: Path, catalog: Path
) -> None:
    renamed = pair[1].rename(pair[1].with_name("download (1).bin"))
    done = colorize("weights", "import", pair[0], renamed, COLORIZER_CATALOG=str(catalog))
    assert done.returncode == 0, done.stderr
    assert names(store) == {
        name + suffix for name in ("tested.prototxt", "tested.caffemodel") for suffix in ("", ".record.json")
    }
    listed = colorize("weights", "list", "--catalog", catalog).stdout
    assert any(line.split()[:2] == ["tested", "installed"] for line in listed.splitlines())
    verified = colorize("weights", "verify", "tested", COLORIZER_CATALOG=str(catalog))
    assert verified.returncode == 0, verified.stderr
    assert "SHA-256 right, loads, one forward pass" in verified.stderr


def test_an_unknown_pair_needs_a_name_and_is_taken_with_a_warning(
    colorize: Command, pair: tuple[Path, Path], store: Path
) -> None:
    refused(colorize("weights", "import", *pair), "small.caffemodel", "in no catalogue", "--name NAME")
    assert names(store) == set()
    done = colorize("weights", "import", "--name", "mine", *pair)
    assert done.returncode == 0, done.stderr
    assert "nothing is known of where it comes from" in done.stderr
    assert {"mine.prototxt", "mine.caffemodel"} <= names(store)
    assert "mine" in colorize("weights", "list").stdout
    assert colorize("weights", "path", "mine").stdout.splitlines()[0] == str(store / "mine.caffemodel")
    again = colorize("weights", "import", "--name", "mine", *pair)
    assert again.returncode == 0, again.stderr


def test_centres_of_ones_own_stay_with_their_model(
    colorize: Command, colorize_process: Command, pair: tuple[Path, Path], store: Path
) -> None:
    own = pair[0].with_name("own.npy")
    np.save(own, bin_centres() * 0.5)
    done = colorize_process("weights", "import", "--name", "mine", *pair, own)
    assert done.returncode == 0, done.stderr
    assert (store / "mine.npy").read_bytes() == own.read_bytes()
    assert colorize("weights", "verify", "mine").returncode == 0


def test_what_is_built_in_is_recognised_and_not_copied(colorize: Command, tmp_path: Path, store: Path) -> None:
    np.save(tmp_path / "pts_in_hull.npy", bin_centres())
    text = RELEASE_PROTOTXT.read_text(encoding="utf-8")
    (tmp_path / "upstream.prototxt").write_text("# as upstream spells it\n" + text.replace("\n", "\n\n"))
    done = colorize("weights", "import", "pts_in_hull.npy", "upstream.prototxt", RELEASE_PROTOTXT)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("nothing to import") == 3
    assert names(store) == set()


def test_a_name_must_be_free_and_possible(colorize: Command, pair: tuple[Path, Path], store: Path) -> None:
    for name in ("zhang16", "auto", "Mine", "../mine", "con"):
        refused(colorize("weights", "import", "--name", name, *pair), "--name")
    assert names(store) == set()


def test_another_model_of_the_same_name_is_not_overwritten(
    colorize: Command, pair: tuple[Path, Path], store: Path
) -> None:
    colorize("weights", "import", "--name", "mine", *pair)
    before = (store / "mine.caffemodel").read_bytes()
    with_other_weights(pair[1], 0.5)
    refused(
        colorize("weights", "import", "--name", "mine", *pair), "another model has this name", "weights remove mine"
    )
    assert (store / "mine.caffemodel").read_bytes() == before


def with_other_weights(caffemodel: Path, value: float) -> None:
    """Overwrite the first number of the first layer's weights."""
    model = read_caffemodel(caffemodel)
    layers = []
    for index, layer in enumerate(model.layers):
        blobs = [np.array(blob.data) for blob in layer.blobs]
        if index == 0:
            blobs[0].flat[0] = value
        layers.append(BlobLayer(layer.name, layer.type, tuple(Blob(data.shape, data) for data in blobs)))
    changed = caffemodel.with_suffix(".changed")
    write_caffemodel(changed, model.name, layers)
    del model
    changed.replace(caffemodel)


def lfs_pointer(path: Path) -> Path:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:f5af\nsize 128946764\n")
    return path


def web_page(path: Path) -> Path:
    path.write_bytes(b"<!DOCTYPE html>\n<html><title>Virus scan warning</title></html>")
    return path


def truncated(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-1000])
    return path


def gzipped(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    return packed


def zipped(path: Path) -> Path:
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(path, path.name)
    return archive


def torch_file(path: Path) -> Path:
    model = path.with_suffix(".pth")
    with zipfile.ZipFile(model, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02.")
    return model


def onnx_file(path: Path) -> Path:
    model = path.with_suffix(".onnx")
    model.write_bytes(b"\x08\x08\x12\x07pytorch\x1a\x032.4\x3a\x04\x0a\x02\x12\x00")
    return model


def not_a_number(path: Path) -> Path:
    with_other_weights(path, float("nan"))
    return path


def flipped(path: Path) -> Path:
    with_other_weights(path, 0.25)
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


WRONG = [
    (lfs_pointer, ["Git LFS pointer"]),
    (web_page, ["web page"]),
    (truncated, ["truncated", "1000 of", "bytes are missing"]),
    (gzipped, ["gzip", "python -m gzip -d tested.caffemodel.gz"]),
    (zipped, ["zip archive", "python -m zipfile -e tested.zip"]),
    (torch_file, ["PyTorch"]),
    (onnx_file, ["ONNX"]),
    (not_a_number, ["NaN"]),
    (flipped, ["has the name but not the content of tested.caffemodel", "SHA-256"]),
    (empty, ["empty"]),
]


@pytest.mark.parametrize(("spoil", "phrases"), WRONG, ids=[spoil.__name__ for spoil, _ in WRONG])
def test_each_wrong_file_is_named_for_what_it_is(
    colorize: Command,
    pair: tuple[Path, Path],
    store: Path,
    catalog: Path,
    spoil: Callable[[Path], Path],
    phrases: list[str],
) -> None:
    wrong = spoil(pair[1].rename(pair[1].with_name("tested.caffemodel")))
    done = colorize("weights", "import", pair[0].name, wrong.name, COLORIZER_CATALOG=str(catalog))
    refused(done, wrong.name, *phrases)
    assert names(store) == set()


def test_a_pair_that_does_not_belong_together_is_refused(
    colorize: Command, pair: tuple[Path, Path], store: Path
) -> None:
    done = colorize("weights", "import", "--name", "mine", RELEASE_PROTOTXT, pair[1].name)
    refused(done, "do not belong together", "bw_conv1_1")
    assert names(store) == set()


def test_the_prototxt_of_another_network_is_refused(colorize: Command, pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "other.prototxt").write_text(
        'name: "other"\ninput: "data"\ninput_shape { dim: 1 dim: 3 dim: 224 dim: 224 }\n'
        'layer { name: "relu" type: "ReLU" bottom: "data" top: "data" }\n'
    )
    refused(colorize("weights", "import", "--name", "mine", "other.prototxt", pair[1].name), "another network")


def test_a_lonely_prototxt_asks_for_its_weights(colorize: Command, pair: tuple[Path, Path]) -> None:
    refused(colorize("weights", "import", pair[0].name), "give the caffemodel as well")


def test_a_missing_file_is_named(colorize: Command) -> None:
    refused(colorize("weights", "import", "none.caffemodel"), "none.caffemodel")


def test_verify_finds_what_size_and_time_do_not_show(colorize: Command, pair: tuple[Path, Path], store: Path) -> None:
    colorize("weights", "import", "--name", "mine", *pair)
    installed = store / "mine.caffemodel"
    stat = installed.stat()
    content = bytearray(installed.read_bytes())
    content[-1] ^= 1
    installed.write_bytes(content)
    os.utime(installed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    done = colorize("weights", "verify")
    assert done.returncode == 1
    assert "changed since" in done.stderr
    assert "lite: SHA-256 right" in done.stderr


def test_verify_checks_the_built_in_model(colorize_process: Command) -> None:
    done = colorize_process("weights", "verify")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith("colorize: lite: SHA-256 right, loads, one forward pass")


def test_remove_deletes_a_model_and_its_traces(colorize: Command, pair: tuple[Path, Path], store: Path) -> None:
    colorize("weights", "import", "--name", "mine", *pair)
    done = colorize("weights", "remove", "mine")
    assert done.returncode == 0, done.stderr
    assert names(store) == set()
    refused(colorize("weights", "remove", "mine"), "unknown model")


def test_remove_deletes_a_begun_download(
    colorize: Command, made: tuple[Path, Path], store: Path, catalog: Path
) -> None:
    assert made
    store.mkdir(parents=True)
    (store / "tested.caffemodel.part").write_bytes(b"begun")
    (store / "tested.caffemodel.part.json").write_text("{}")
    listed = colorize("weights", "list", COLORIZER_CATALOG=str(catalog)).stdout
    assert any(line.split()[:2] == ["tested", "incomplete"] for line in listed.splitlines())
    assert colorize("weights", "remove", "tested", COLORIZER_CATALOG=str(catalog)).returncode == 0
    assert {name for name in names(store) if not name.endswith(".lock")} == set()


def test_what_is_built_in_cannot_be_removed(colorize: Command) -> None:
    refused(colorize("weights", "remove", "lite"), "built in")


def test_what_is_not_there_cannot_be_removed(colorize: Command) -> None:
    refused(colorize("weights", "remove", "zhang16"), "not installed")


def test_built_in_models_are_not_downloaded(colorize: Command) -> None:
    done = colorize("weights", "download", "lite")
    assert (done.returncode, done.stdout) == (0, "")
    assert "built in" in done.stderr


def test_an_unknown_model_is_not_downloaded(colorize: Command) -> None:
    refused(
        colorize("weights", "download", "zhang61"), "unknown model 'zhang61', perhaps zhang16", "colorize weights list"
    )


def test_a_catalogue_that_is_none_is_named(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text("[]")
    refused(colorize("weights", "list", "--catalog", "own.json"), "own.json")
