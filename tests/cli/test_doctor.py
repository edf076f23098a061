"""`colorize doctor` and `colorize weights export`, as a user sees them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import Command, run_python
from in_process import run_in_process
from reference import reference_ab
from synthetic import lightness_like, small_pair

from colorizer import __version__
from colorizer.engines.onnxruntime import import_onnxruntime
from colorizer.networks import resolve_model
from colorizer.networks.zhang.bins import bin_centres

onnxruntime = import_onnxruntime()

ENGINES = {"opencv", "onnxruntime", "ncnn", "openvino"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("doctor")


@pytest.fixture(scope="module")
def report(home: Path) -> dict[str, Any]:
    """What the command prints, run once for all who only look at it."""
    environment = os.environ | {"COLORIZER_HOME": str(home)}
    done = run_in_process(["doctor", "--json", "--model", "lite"], cwd=home, environment=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_json_has_all_parts_and_their_fields(report: dict[str, Any], home: Path) -> None:
    assert set(report) == {"system", "engines", "devices", "models", "auto", "passes", "healthy"}
    assert report["healthy"] is True
    system = report["system"]
    assert system["colorize"] == __version__
    assert 1 <= system["usable_cores"] <= system["cores"]
    assert system["packages"]["numpy"] == np.__version__
    assert Path(system["cache_folder"]) == home / "cache"
    assert {engine["name"] for engine in report["engines"]} == ENGINES
    for engine in report["engines"]:
        assert set(engine) == {"name", "installed", "version", "precisions", "problem"}
        assert engine["installed"]
        assert engine["version"]
        assert engine["precisions"][0] == "fp32"
        assert not engine["problem"]
    devices = ["cpu", "cuda", "tensorrt", "rocm", "directml", "coreml", "gpu", "npu"]
    assert [device["name"] for device in report["devices"]] == devices
    assert all(device["what"] for device in report["devices"])
    assert {"lite", "zhang16", "zhang16-norebal"} <= {model["name"] for model in report["models"]}


def test_every_engine_makes_a_timed_pass_in_each_precision(report: dict[str, Any]) -> None:
    expected = {(engine["name"], precision) for engine in report["engines"] for precision in engine["precisions"]}
    on_the_cpu = [timed for timed in report["passes"] if timed["device"] == "cpu"]
    assert {(timed["engine"], timed["precision"]) for timed in on_the_cpu} == expected
    for timed in report["passes"]:
        assert not timed["problem"]
        assert min(timed["usual"], timed["first"]) > 0
        assert timed["load"] > 0


def test_what_auto_chooses_is_told_for_one_picture_and_for_many_with_the_reason(report: dict[str, Any]) -> None:
    assert [auto["job"] for auto in report["auto"]] == ["one picture", "a long run"]
    for auto in report["auto"]:
        assert auto["model"] == "lite"
        assert auto["choice"]["engine"] in ENGINES
        assert auto["choice"]["precision"] in ("fp32", "bf16", "fp16")
        assert auto["choice"]["why"]


def test_the_text_tells_the_same_on_stdout(colorize: Command) -> None:
    done = colorize("doctor")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for said in (f"colorize {__version__}", "Engines", "Devices", "Models", "What auto chooses", "One pass", *ENGINES):
        assert said in done.stdout
    assert "built in" in done.stdout


def test_a_model_that_is_not_there_is_part_of_the_answer(colorize_process: Command) -> None:
    done = colorize_process("doctor", "--json", "--model", "zhang16")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["healthy"] is False
    assert "colorize weights download zhang16" in report["auto"][0]["problem"]


def test_a_runtime_that_is_broken_is_part_of_the_answer(tmp_path: Path) -> None:
    (tmp_path / "openvino.py").write_text("raise ImportError('libopenvino.so is cut short')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from colorizer.cli.main import run;"
        "sys.exit(run(['doctor', '--json', '--model', 'lite']))"
    )
    done = run_python(code, tmp_path, COLORIZER_HOME=str(tmp_path / "home"))
    assert done.returncode == 1, done.stderr
    engines = {engine["name"]: engine for engine in json.loads(done.stdout)["engines"]}
    assert "libopenvino.so is cut short" in engines["openvino"]["problem"]
    assert not engines["onnxruntime"]["problem"]


def test_an_exported_model_is_valid_and_paints_the_same(colorize_process: Command, tmp_path: Path) -> None:
    prototxt, caffemodel = small_pair(tmp_path)
    done = colorize_process("weights", "export", caffemodel, "out.onnx", "--temperature", "0.7")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "small -> out.onnx" in done.stderr
    data = (tmp_path / "out.onnx").read_bytes()
    onnx.checker.check_model(data, full_check=True)
    lightness = lightness_like(64, 96)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (found,) = session.run(["class8_ab"], {"data_l": lightness})
    np.testing.assert_allclose(found, reference_ab(prototxt, caffemodel, lightness, 0.7, bin_centres()), atol=0.05)


def test_a_named_model_is_exported_with_its_own_temperature_and_other_centres(
    colorize: Command, tmp_path: Path
) -> None:
    np.save(tmp_path / "grey.npy", np.zeros((313, 2)))
    assert colorize("weights", "export", "lite", "grey.onnx", "--bin-centres", "grey.npy", "-q").stderr == ""
    assert colorize("weights", "export", "lite", "lite.onnx").returncode == 0
    lite = resolve_model("lite")
    lightness = lightness_like(64, 64)
    assert lite.temperature is not None
    for name, centres in (("grey", np.zeros((313, 2))), ("lite", bin_centres())):
        session = onnxruntime.InferenceSession((tmp_path / f"{name}.onnx").read_bytes())
        (found,) = session.run(None, {"data_l": lightness})
        expected = reference_ab(lite.files["prototxt"], lite.files["caffemodel"], lightness, lite.temperature, centres)
        np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("lite", "there.onnx"), 1, "there.onnx: exists; --overwrite replaces it"),
        (("lite", "out.pb"), 2, "out.pb: expected a name that ends in .onnx"),
        (("lite", "nowhere/out.onnx"), 1, "create the folder nowhere first"),
        (("zhang16", "out.onnx"), 2, "colorize weights download zhang16"),
        (("lite", "out.onnx", "--temperature", "0"), 2, "--temperature 0"),
    ],
)
def test_an_export_that_cannot_be_says_why_and_writes_nothing(
    colorize: Command, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    (tmp_path / "there.onnx").write_bytes(b"mine")
    done = colorize("weights", "export", *arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "there.onnx").read_bytes() == b"mine"
    assert not (tmp_path / "out.onnx").exists()


def test_an_existing_export_is_replaced_when_told_to(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "there.onnx").write_bytes(b"mine")
    assert colorize("weights", "export", "lite", "there.onnx", "--overwrite").returncode == 0
    onnx.checker.check_model((tmp_path / "there.onnx").read_bytes())
