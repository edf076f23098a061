"""ONNX Runtime's own format (.ort), made by its conversion tool: told by that runtime, and loaded by it alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from made_networks import CONTRACTS, Contract
from PIL import Image

from colorizer import Colorizer, Settings
from colorizer.engines import EngineName
from colorizer.errors import UsageError, WeightsError
from colorizer.networks.described.locating import model_at

pytest.importorskip("onnxruntime")

BY_NAME = {contract.name: contract for contract in CONTRACTS}
CONVERTED = ("C2a", "C3", "C5b")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks of several contracts, converted."""
    made, folder = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("ort")
    for name in CONVERTED:
        BY_NAME[name].make(made / f"{name}.onnx")
    tool = [sys.executable, "-m", "onnxruntime.tools.convert_onnx_models_to_ort"]
    subprocess.run([*tool, made, "--optimization_style", "Fixed"], capture_output=True, check=True)
    for name in CONVERTED:
        shutil.copy(made / f"{name}.ort", folder)
    return folder


@pytest.fixture
def grey(photographs: list[Path]) -> np.ndarray:
    with Image.open(photographs[0]) as picture:
        picture.thumbnail((90, 60))
        return np.asarray(picture.convert("L"))


def opened(model: Path, engine: EngineName = "onnxruntime") -> Colorizer:
    return Colorizer(Settings(model=str(model), engine=engine, precision="fp32", device="cpu"))


@pytest.mark.parametrize("contract", [BY_NAME[name] for name in CONVERTED], ids=lambda each: each.name)
def test_what_it_is_is_told_by_the_runtime(
    contract: Contract, folder: Path, grey: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)
    model = model_at(folder / f"{contract.name}.ort")
    assert model.descriptor is not None
    assert model.descriptor.family == contract.descriptor["family"]
    colorizer = opened(folder / f"{contract.name}.ort")
    (seen,) = colorizer.view.of_pixels(grey)
    np.testing.assert_allclose(colorizer.predict(grey), contract.ab(seen.lightness[0, 0]), atol=0.05)


@pytest.mark.parametrize("engine", ["openvino", "opencv"])
def test_other_runtimes_refuse_it_in_one_line(engine: EngineName, folder: Path) -> None:
    with pytest.raises(UsageError, match="does not load a network of this kind; take onnxruntime") as caught:
        opened(folder / "C2a.ort", engine)
    assert "\n" not in str(caught.value)


def test_it_is_imported_with_what_was_found_out(folder: Path, colorize: Command, tmp_path: Path) -> None:
    done = colorize("weights", "import", str(folder / "C5b.ort"))
    assert done.returncode == 0, done.stderr
    assert "C5b.ort: family rgb: three channels in" in done.stderr
    assert "C5b.ort: RGB 0..255 in and out" in done.stderr
    assert "imported as c5b" in done.stderr
    (descriptor,) = Path(tmp_path).rglob("C5b.colorize.json")
    assert [part["name"] for part in json.loads(descriptor.read_text())["files"]] == ["C5b.ort"]
    assert (descriptor.parent / "C5b.ort").is_file()
    Image.fromarray(np.full((40, 60), 128, np.uint8)).save(tmp_path / "photo.png")
    done = colorize("photo.png", "--model", "c5b", "--engine", "onnxruntime")
    assert done.returncode == 0, done.stderr


def test_the_content_counts_and_not_the_name(
    folder: Path, grey: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)
    contract = BY_NAME["C2a"]
    shutil.copy(folder / "C2a.ort", tmp_path / "one.onnx")
    contract.make(tmp_path / "made.onnx").rename(tmp_path / "other.ort")
    for name in ("one", "other"):
        (tmp_path / f"{name}.colorize.json").write_text(json.dumps(contract.descriptor))
    one, other = (opened(tmp_path / name).predict(grey) for name in ("one.onnx", "other.ort"))
    np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("kept", [slice(None, -1000), slice(None, 8)])
def test_a_damaged_one_is_named(kept: slice, folder: Path, colorize: Command, tmp_path: Path) -> None:
    content = (folder / "C3.ort").read_bytes()
    (tmp_path / "net.ort").write_bytes(content[kept].ljust(len(content), b"\0"))
    done = colorize("weights", "import", "net.ort")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "net.ort: " in done.stderr


def test_a_descriptor_names_its_tensors(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "C2a.ort", tmp_path / "net.ort")
    descriptor = {"family": "ab", "inputs": [{"holds": "lightness"}], "output": {"holds": "ab"}}
    (tmp_path / "net.colorize.json").write_text(json.dumps({**descriptor, "size": {"fixed": 256}}))
    with pytest.raises(WeightsError, match="names no tensor for an input or the output"):
        model_at(tmp_path / "net.ort")
