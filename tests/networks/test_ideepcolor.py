"""ideepcolor's contract: four channels packed in one blob of Caffe's, read by OpenCV 4 and converted elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_ideepcolor import PROTOTXT, known_ab, write_pair

from colorizer import Colorizer, Settings
from colorizer.engines import EngineName
from colorizer.errors import WeightsError
from colorizer.networks import NetworkInput, resolve_model
from colorizer.networks.described.caffe import IDEEPCOLOR
from colorizer.networks.described.locating import model_at


def opened(path: Path, engine: EngineName) -> Colorizer:
    return Colorizer(Settings(model=str(path), engine=engine, precision="fp32", device="cpu"))


@pytest.fixture(autouse=True)
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)


@pytest.mark.parametrize("engine", ["opencv", "onnxruntime", "openvino"])
def test_packed_hints_give_the_closed_form_in_every_runtime(engine: EngineName, tmp_path: Path) -> None:
    network = opened(write_pair(tmp_path), engine)._network
    lightness = np.random.default_rng(4).uniform(0, 100, (1, 1, 64, 80)).astype(np.float32)
    hints = np.zeros((1, 3, 64, 80), np.float32)
    hints[0, :, 8:24, 40:60] = np.array([45.0, -30.0, 1.0])[:, None, None]
    for told in (None, hints):
        found = network.predict(NetworkInput(lightness, told)).ab[0]
        np.testing.assert_allclose(found, known_ab(lightness[0, 0], None if told is None else told[0]), atol=0.05)


@pytest.mark.caffe_importer
def test_opencv_4_reads_the_two_files_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> bytes:
        raise AssertionError("converted")

    monkeypatch.setattr("colorizer.networks.described.caffe.converted", refuse)
    path = write_pair(tmp_path)
    lightness = np.linspace(0, 100, 64 * 64, dtype=np.float32).reshape(1, 1, 64, 64)
    found = opened(path, "opencv")._network.predict(NetworkInput(lightness)).ab[0]
    np.testing.assert_allclose(found, known_ab(lightness[0, 0]), atol=0.05)


def test_either_file_or_the_folder_names_it(tmp_path: Path) -> None:
    path = write_pair(tmp_path)
    for given in (path, tmp_path / "deploy_nodist.prototxt", tmp_path):
        model = resolve_model(str(given))
        assert (model.family, model.stride, model.weights) == ("hinted", 2, path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("pred_ab", "dist_ab"), "give classes and no chroma"),
        (("dim: 4", "dim: 3"), "not of 4 channels"),
        (('top: "data_l_ab_mask"', 'top: "data_l_ab_mask" top: "glob_ab_313_mask"'), "SpatialRepLayer"),
    ],
)
def test_other_variants_are_refused_with_the_reason(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    path = write_pair(tmp_path)
    (tmp_path / "deploy_nodist.prototxt").write_text(PROTOTXT.replace(*change))
    with pytest.raises(WeightsError, match=said):
        resolve_model(str(path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('top: "data_l_ab_mask"', 'top: "data_l_ab_mask" top: "glob_ab_313_mask"'), "SpatialRepLayer"),
        (("data_l_ab_mask", "data"), "its inputs are data, and its descriptor feeds data_l_ab_mask"),
        (("pred_ab", "dist_ab"), "nothing makes pred_ab"),
    ],
)
def test_a_descriptor_beside_it_is_held_to_its_wiring(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    path = write_pair(tmp_path)
    path.with_suffix(".colorize.json").write_text(json.dumps(IDEEPCOLOR))
    (tmp_path / "deploy_nodist.prototxt").write_text(PROTOTXT.replace(*change))
    with pytest.raises(WeightsError, match=said):
        model_at(tmp_path)
