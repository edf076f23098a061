"""A second family needs a module and a line in the registry; everything else follows."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import toy_family
from PIL import Image

from colorizer import Colorizer, Settings
from colorizer.cli.main import run
from colorizer.color.strips import shrunk_lightness, with_chroma
from colorizer.engines import EngineName
from colorizer.errors import UsageError, WeightsError
from colorizer.networks import load_catalog, loadable, resolve_model
from colorizer.networks.registry import FAMILIES
from colorizer.networks.verify import verify_model
from colorizer.web.coloring import Source, prepare, preview_after
from colorizer.web.folder import private_folder

Grey = npt.NDArray[np.uint8]

CPU = {"precision": "fp32", "device": "cpu"}


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in the registry."""
    monkeypatch.setitem(FAMILIES, "toy", "toy_family:TOY")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return toy_family.write_network(tmp_path / "toy.toy")


@pytest.fixture
def grey(photographs: list[Path]) -> Grey:
    with Image.open(photographs[0]) as picture:
        picture.thumbnail((300, 200))
        return np.asarray(picture.convert("L"))


def opened(network: Path, engine: EngineName = "onnxruntime", **settings: object) -> Colorizer:
    return Colorizer(Settings(model=str(network), engine=engine, **CPU, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["opencv", "onnxruntime", "openvino"])
def test_its_ab_is_the_known_one_in_every_runtime_that_loads_it(network: Path, engine: EngineName, grey: Grey) -> None:
    colorizer = opened(network, engine, size=224)
    expected = toy_family.known_ab(shrunk_lightness(grey, (224, 224)))
    assert np.ptp(expected[..., 0]) > 20
    np.testing.assert_allclose(colorizer.predict(grey), expected, atol=0.05)
    np.testing.assert_array_equal(colorizer.colorize(grey, order="rgb"), with_chroma(grey, colorizer.predict(grey)))
    assert colorizer.recipe().startswith("toy in ")
    assert "T =" not in colorizer.recipe()


def test_a_runtime_that_cannot_have_it_says_so(network: Path) -> None:
    with pytest.raises(WeightsError, match="no form of it for ncnn"):
        opened(network, "ncnn")


def test_lightness_is_seen_like_pixels(network: Path, grey: Grey) -> None:
    colorizer = opened(network)
    seen = colorizer.view.of_pixels(grey)
    again = colorizer.view.of_lightness(len(grey), len(grey[0]), lambda size: shrunk_lightness(grey, size))
    for look, other in zip(seen, again, strict=True):
        np.testing.assert_array_equal(look.lightness, other.lightness)
    np.testing.assert_array_equal(colorizer.predict_seen(seen), colorizer.predict(grey))


def test_what_needs_a_distribution_says_so(network: Path, grey: Grey) -> None:
    with pytest.raises(UsageError, match="no distribution over colours; leave out temperature"):
        opened(network, temperature=0.5)
    with pytest.raises(UsageError, match="no distribution"):
        opened(network).distribution(grey)


def test_the_command_takes_its_file(
    network: Path,
    grey: Grey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(grey).save("in.png")
    options = ("--engine", "onnxruntime", "--precision", "fp32", "--device", "cpu")
    assert run(["in.png", "-o", "out.png", "--model", network.name, *options]) == 0
    expected = opened(network).colorize(grey, order="rgb")
    np.testing.assert_array_equal(np.asarray(Image.open("out.png")), expected)


def test_a_catalogue_knows_it_by_its_hash(network: Path, tmp_path: Path) -> None:
    content = network.read_bytes()
    file = {"name": "toy.toy", "role": "toy", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    entry = {"name": "toy", "family": "toy", "title": "A toy", "licence": "none", "files": [file]}
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps({"models": [entry]}))
    known = load_catalog(catalog)
    model = resolve_model("toy", catalog=known, weights_dir=tmp_path)
    assert (model.family, model.stride, model.temperature, model.weights) == ("toy", 1, None, network)
    assert verify_model("toy", known, tmp_path).hashed
    assert loadable(model).onnx() == content
    for change, said in (
        ({"family": "none"}, "one of zhang, .*hinted, toy"),
        ({"files": [{**file, "role": "x"}]}, "must be toy"),
    ):
        catalog.write_text(json.dumps({"models": [entry | change]}))
        with pytest.raises(WeightsError, match=said):
            load_catalog(catalog)


def test_the_page_shows_it_without_a_temperature(network: Path, grey: Grey, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    Image.fromarray(grey).save(path)
    colorizer = opened(network)
    with private_folder(tmp_path) as folder:
        source = Source(path, "in.png")
        view = prepare(source, colorizer, max_pixels=10**6, folder=folder, cancelled=threading.Event())
        assert view.temperature is None
        assert preview_after(view, 128, None, colorizer).startswith(b"\xff\xd8")
