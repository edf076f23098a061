"""What engines keep between runs: whole or not at all, by content, and never needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from synthetic import lightness_like, small_pair

from colorizer.caffe.onnx_export import CONVERTER_VERSION
from colorizer.engines import EngineRequest
from colorizer.io.cache import cache_folder, keep, kept
from colorizer.networks import Model, resolve_model
from colorizer.networks.zhang import converted
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.network import open_zhang

COLORS = Colors(0.38, bin_centres())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty COLORIZER_HOME."""
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def small(tmp_path: Path) -> Model:
    return resolve_model(str(small_pair(tmp_path)[1]))


def entries() -> list[Path]:
    return sorted((cache_folder() / "onnx").glob("*.onnx"))


def test_a_model_is_converted_once_and_found_again_by_content(small: Model, tmp_path: Path) -> None:
    first = converted.onnx_model(small, COLORS)
    (entry,) = entries()
    written = entry.stat().st_mtime_ns
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in (small.files["prototxt"], small.files["caffemodel"]):
        shutil.copy(path, folder / f"renamed{path.suffix}")
    again = converted.onnx_model(resolve_model(str(folder)), COLORS)
    assert again == first
    assert entries() == [entry]
    assert entry.stat().st_mtime_ns == written


def test_other_weights_under_the_same_name_are_another_model(small: Model) -> None:
    first = converted.onnx_model(small, COLORS)
    data = bytearray(small.files["caffemodel"].read_bytes())
    data[-1000] ^= 1  # the least bit that counts: of one weight's mantissa, or of its neighbour's
    small.files["caffemodel"].write_bytes(data)
    assert converted.onnx_model(small, COLORS) != first
    assert len(entries()) == 2


def test_temperature_and_centres_need_no_entry_of_their_own(small: Model) -> None:
    for temperature in (0.2, 0.38, 1.0):
        converted.onnx_model(small, Colors(temperature, bin_centres()))
    assert len(entries()) == 1


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "unrecorded", "record broken"])
def test_a_damaged_entry_is_made_again(small: Model, damage: str) -> None:
    whole = converted.onnx_model(small, COLORS)
    (entry,) = entries()
    record = entry.with_name(entry.name + ".record.json")
    if damage == "cut":
        entry.write_bytes(whole[: len(whole) // 2])
    elif damage == "changed":
        entry.write_bytes(whole[:1000] + b"\0\0\0\0" + whole[1004:])
    elif damage == "emptied":
        entry.write_bytes(b"")
    elif damage == "unrecorded":
        record.unlink()
    else:
        record.write_text("{}")
    assert converted.onnx_model(small, COLORS) == whole
    assert kept(entry) == whole


def test_an_entry_that_was_merely_touched_is_taken(small: Model) -> None:
    converted.onnx_model(small, COLORS)
    (entry,) = entries()
    os.utime(entry, (1, 1))
    converted.onnx_model(small, COLORS)
    assert entry.stat().st_mtime == 1


def test_a_new_converter_replaces_what_the_old_one_made(small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    converted.onnx_model(small, COLORS)
    (old,) = entries()
    monkeypatch.setattr(converted, "CONVERTER_VERSION", CONVERTER_VERSION + "x")
    converted.onnx_model(small, COLORS)
    (new,) = entries()
    assert new != old
    assert {path.name for path in new.parent.iterdir()} == {new.name, new.name + ".record.json"}


def test_a_cache_that_cannot_be_written_costs_time_alone(small: Model, home: Path) -> None:
    home.write_text("a file where the folder should be")
    engine = open_zhang(small, request=EngineRequest("onnxruntime", device="cpu"))
    assert np.isfinite(engine.ab(lightness_like(64, 64))).all()


def test_two_processes_at_once_both_get_the_whole_model(small: Model, tmp_path: Path) -> None:
    code = (
        "import sys; from colorizer.networks.zhang import converted; from colorizer.networks import resolve_model;"
        "from colorizer.networks.zhang.colors import Colors;"
        "from colorizer.networks.zhang.bins import bin_centres; import hashlib;"
        "data = [converted.onnx_model(resolve_model(sys.argv[1]), Colors(0.38, bin_centres())) for _ in range(20)];"
        "print({hashlib.sha256(each).hexdigest() for each in data})"
    )
    command = [sys.executable, "-c", code, str(small.files["caffemodel"])]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) for _ in range(3)]
    said = {racer.communicate(timeout=60)[0] for racer in racers}
    assert all(racer.returncode == 0 for racer in racers)
    assert len(said) == 1
    assert len(entries()) == 1
    assert not list(cache_folder().rglob(".*"))


def test_what_killed_processes_left_is_removed_after_a_day(home: Path) -> None:
    folder = home / "cache" / "onnx"
    folder.mkdir(parents=True)
    (folder / ".old.part").write_bytes(b"half")
    os.utime(folder / ".old.part", (1, 1))
    (folder / ".new.part").write_bytes(b"half")
    keep(folder / "entry", b"whole")
    assert {path.name for path in folder.iterdir()} == {".new.part", "entry", "entry.record.json"}
