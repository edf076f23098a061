"""Every contract through a real server: what comes back is the rendering of the ab that its network gives."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from serving import Server, serving

from colorizer import Colorizer, Settings
from colorizer.networks.described.caffe import IDEEPCOLOR as PACKED_DESCRIPTOR

sys.path.append(str(Path(__file__).parent.parent / "networks"))

from closed_form import answer_by_closed_form
from made_ideepcolor import IDEEPCOLOR, PROTOTXT
from made_networks import CONTRACTS, Contract

EXACT = ("--engine", "onnxruntime", "--precision", "fp32", "--device", "cpu")
GLOBAL = "global"


def as_png(grey: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(grey).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    with Image.open(Path(__file__).parent.parent / "photos" / "astronaut.jpg") as picture:
        picture.thumbnail((90, 60))
        return np.asarray(picture.convert("L"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: a catalogue of those in ONNX, and ideepcolor's pair as an import leaves it."""
    folder = tmp_path_factory.mktemp("models")
    entries = []
    for contract in CONTRACTS:
        name = contract.name.lower()
        content = contract.make(folder / f"{name}.onnx").read_bytes()
        file = {"name": f"{name}.onnx", "role": "onnx", "size": len(content)}
        file["sha256"] = hashlib.sha256(content).hexdigest()
        entries.append(
            {
                "name": name,
                "family": contract.descriptor["family"],
                "title": f"made, of contract {contract.name}",
                "licence": "MIT",
                "descriptor": contract.descriptor,
                "files": [file],
            }
        )
    (folder / "catalog.json").write_text(json.dumps({"models": entries}))
    for name in (IDEEPCOLOR.name.lower(), GLOBAL):
        (folder / name).mkdir()
        IDEEPCOLOR.make(folder / name / "net.onnx")
        (folder / name / "model.colorize.json").write_text(json.dumps(PACKED_DESCRIPTOR))
    wiring = PROTOTXT.replace('top: "data_l_ab_mask"', 'top: "data_l_ab_mask" top: "glob_ab_313_mask"', 1)
    (folder / GLOBAL / "deploy_nodist.prototxt").write_text(wiring)
    return folder


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables: dict[str, Any] = {"COLORIZER_CATALOG": str(models / "catalog.json")}
    options = ("--model", "lite", "--weights-dir", str(models), *EXACT)
    with serving(tmp_path_factory.mktemp("serving"), *options, **variables) as running:
        yield running


def by_one_request(server: Server, model: str, data: bytes) -> bytes:
    answer = server.post("/api/colorize", data, params={"name": "scan.png", "model": model})
    assert answer.status_code == 200, answer.text
    return answer.content


def by_the_page(server: Server, model: str, data: bytes) -> bytes:
    added = server.post("/api/pictures", data, params={"name": "scan.png", "model": model})
    assert added.status_code == 202, added.text
    address = added.headers["Location"]
    assert server.ended(address)["state"] == "ready"
    content = server.get(f"{address}/result").content
    server.delete(address)
    return content


@pytest.mark.parametrize("contract", [*CONTRACTS, IDEEPCOLOR], ids=lambda contract: contract.name)
def test_a_server_renders_the_known_ab(
    contract: Contract, grey: np.ndarray, server: Server, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = contract.name.lower()
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)
    monkeypatch.setenv("COLORIZER_CATALOG", str(models / "catalog.json"))
    answer_by_closed_form(contract, monkeypatch)
    settings: dict[str, Any] = {"engine": "onnxruntime", "precision": "fp32", "device": "cpu", "weights_dir": models}
    expected = Colorizer(Settings(model=name, **settings)).colorize(grey, order="rgb")
    assert np.ptp(expected, axis=2).max() > 20
    for way in (by_one_request, by_the_page):
        found = np.asarray(Image.open(io.BytesIO(way(server, name, as_png(grey)))))
        difference = np.abs(found.astype(int) - expected.astype(int))
        assert difference.max() <= 1, way.__name__
        assert difference.mean() < 0.03, way.__name__


def test_ideepcolors_global_variant_is_refused_with_the_reason(server: Server, grey: np.ndarray) -> None:
    answer = server.post("/api/colorize", as_png(grey), params={"name": "scan.png", "model": GLOBAL})
    assert answer.status_code >= 400
    assert "SpatialRepLayer" in answer.text
    assert server.get("/api/models").status_code == 200
