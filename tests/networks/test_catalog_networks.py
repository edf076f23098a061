"""The catalogue's networks of other people: what it says of each, how they arrive, and which of them `auto` takes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command
from made_ideepcolor import known_ab, write_pair
from made_networks import (
    FREE,
    ab_of_colored,
    ab_of_grey,
    ab_of_lightness,
    ddcolor_net,
    deoldify_net,
    hinted_net,
    lightness_net,
    unit_rgb_net,
)
from weights_server import Server, serving

from colorizer import Colorizer, Settings
from colorizer.errors import WeightsError
from colorizer.networks import Catalog, ModelSpec, NetworkInput, load_catalog, open_network, resolve_model
from colorizer.networks.catalog import AUTO_ORDER
from colorizer.networks.described.files import model_of
from colorizer.networks.store import open_store

CATALOG = load_catalog()
DESCRIBED = [spec for spec in CATALOG if spec.descriptor is not None]

MADE: dict[str, tuple[Callable[[Path], Path], Callable[..., Any]]] = {
    "ddcolor": (ddcolor_net, ab_of_grey),
    "ddcolor-artistic": (lambda path: ddcolor_net(path, FREE), ab_of_grey),
    "ddcolor-tiny": (ddcolor_net, ab_of_grey),
    "deoldify-artistic": (deoldify_net, ab_of_colored),
    "deoldify-stable": (unit_rgb_net, ab_of_colored),
    "siggraph17": (hinted_net, ab_of_lightness),
    "eccv16": (lightness_net, ab_of_lightness),
}
"""Networks of the contracts that the files are said to be of."""


def test_every_network_is_made_here() -> None:
    assert {spec.name for spec in DESCRIBED} == set(MADE)
    assert set(AUTO_ORDER) <= {spec.name for spec in CATALOG}
    for spec in DESCRIBED:
        assert spec.licence
        assert spec.description
        assert not spec.non_commercial
        assert all(mirror.url.startswith("https://") for file in spec.files for mirror in file.mirrors)


@pytest.mark.parametrize("spec", DESCRIBED, ids=lambda spec: spec.name)
def test_its_descriptor_reads_a_network_of_its_contract(spec: ModelSpec, tmp_path: Path) -> None:
    make, expected = MADE[spec.name]
    assert spec.descriptor is not None
    model = replace(model_of({"onnx": make(tmp_path / "net.onnx")}, spec.descriptor, spec.name), spec=spec)
    network = open_network(model, Settings(engine="onnxruntime", precision="fp32", device="cpu"))
    height, width = model.descriptor.sizes.fixed or (96, 128) if model.descriptor else (96, 128)
    lightness = np.random.default_rng(2).uniform(0, 100, (1, 1, height, width)).astype(np.float32)
    found = network.predict(NetworkInput(lightness)).ab[0].transpose(1, 2, 0)
    np.testing.assert_allclose(found, expected(lightness[0, 0]), atol=0.05)


def installed(names: list[str], folder: Path) -> Catalog:
    """The catalogue, with the hashes of made networks in place of the real ones' for some."""
    models = []
    for spec in CATALOG:
        if spec.name in names and spec.descriptor is not None:
            (file,) = spec.files
            path = MADE[spec.name][0](folder / file.name)
            content = path.read_bytes()
            file = replace(file, size=len(content), sha256=hashlib.sha256(content).hexdigest())
            models.append(replace(spec, files=(file,)))
        else:
            models.append(spec)
    return Catalog(tuple(models))


def test_auto_takes_the_first_of_its_order_that_is_here_and_intact(tmp_path: Path) -> None:
    said = {}
    catalog = installed([], tmp_path)
    for name in [name for name in reversed(AUTO_ORDER) if name in MADE]:
        here = [spec.name for spec in DESCRIBED if open_store(tmp_path).is_installed(spec)]
        catalog = installed([*here, name], tmp_path)
        model = resolve_model("auto", weights_dir=tmp_path, catalog=catalog)
        assert model.name == name
        said[name] = str(model.note)
    assert said == {name: f"using {name}" for name in said}
    path = resolve_model("ddcolor", weights_dir=tmp_path, catalog=catalog).weights
    path.write_bytes(path.read_bytes()[:-1])
    model = resolve_model("auto", weights_dir=tmp_path, catalog=catalog)
    assert model.name == "ddcolor-artistic"
    assert str(model.note).startswith("using ddcolor-artistic, since ")


# by the command, from a server of our own


def entry(content: bytes, **more: Any) -> dict[str, Any]:
    spec = CATALOG.find("deoldify-stable")
    assert spec is not None
    assert spec.descriptor is not None
    file = {"name": "stable.onnx", "role": "onnx", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return {
        "name": "stable",
        "family": "rgb",
        "title": "a made one",
        "licence": "CC BY-NC 4.0",
        "non_commercial": True,
        "descriptor": dict(spec.descriptor.source),
        "files": [{**file, "sources": 1, **more}],
    }


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return unit_rgb_net(tmp_path / "made.onnx").read_bytes()


@pytest.fixture
def server(content: bytes) -> Iterator[Server]:
    with serving({"stable.onnx": content}) as running:
        yield running


def write_catalog(folder: Path, model: dict[str, Any]) -> Path:
    path = folder / "own.json"
    path.write_text(json.dumps({"models": [model]}))
    return path


def test_a_network_is_downloaded_by_its_hash_and_its_trust_is_told(
    colorize: Command, server: Server, content: bytes, tmp_path: Path
) -> None:
    own = {"COLORIZER_CATALOG": str(write_catalog(tmp_path, entry(content)))}
    done = colorize("weights", "download", "stable", "--mirror", server.url, **own)
    assert done.returncode == 0, done.stderr
    assert "its SHA-256 is right; its SHA-256 is recorded from one source" in done.stderr
    listed = colorize("weights", "list", "-v", **own).stdout
    assert re.search(r"^stable +installed", listed, re.MULTILINE)
    assert "licence: CC BY-NC 4.0\n    not for commercial use\n" in listed
    assert "(its SHA-256 is recorded from one source)" in listed
    assert "SHA-256 right, loads" in colorize("weights", "verify", "stable", **own).stderr
    assert colorize("weights", "path", "stable", **own).stdout.strip().endswith("stable.onnx")
    assert colorize("weights", "remove", "stable", **own).returncode == 0


def test_a_file_of_unknown_size_is_as_large_as_the_server_says(
    colorize: Command, server: Server, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # only the built-in catalogue may leave a size open
    spec = next(spec for spec in CATALOG if spec.name == "deoldify-stable")
    (file,) = spec.files
    changed = replace(file, sha256=hashlib.sha256(content).hexdigest(), size=0, name="stable.onnx")
    models = tuple(replace(each, files=(changed,)) if each is spec else each for each in CATALOG)
    monkeypatch.setattr("colorizer.cli.weights.load_catalog", lambda _: Catalog(models))
    done = colorize("weights", "download", "deoldify-stable", "--mirror", server.url)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "weights" / "stable.onnx").read_bytes() == content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"descriptor": None}, "'descriptor' is missing"),
        ({"family": "ab"}, "'family' is ab, and its descriptor says rgb"),
        ({"descriptor": {"version": 1, "family": "rgb"}}, "stable: 'inputs' is missing"),
    ],
)
def test_an_entry_without_a_fitting_descriptor_is_refused(
    change: dict[str, Any], said: str, content: bytes, tmp_path: Path
) -> None:
    model = {name: value for name, value in (entry(content) | change).items() if value is not None}
    with pytest.raises(WeightsError, match=said):
        load_catalog(write_catalog(tmp_path, model))


def test_what_no_download_can_be_checked_of_is_brought_along(colorize: Command, tmp_path: Path) -> None:
    place = "colorization.eecs.berkeley.edu"
    for words in (("weights", "download", "ideepcolor"), ("weights", "path", "ideepcolor")):
        done = colorize(*words)
        assert done.returncode == 2
        assert place in done.stderr
        assert "colorize weights import FILE... --name ideepcolor" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    write_pair(tmp_path)
    done = colorize("weights", "import", "model.caffemodel", "deploy_nodist.prototxt", "--name", "ideepcolor")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ideepcolor +your own", colorize("weights", "list").stdout, re.MULTILINE)
    colorizer = Colorizer(
        Settings(model="ideepcolor", weights_dir=tmp_path / "home" / "weights", engine="onnxruntime", device="cpu")
    )
    grey = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (64, 1))
    (seen,) = colorizer.view.of_pixels(grey)
    np.testing.assert_allclose(colorizer.predict(grey).transpose(2, 0, 1), known_ab(seen.lightness[0, 0]), atol=0.05)
    assert colorize("weights", "remove", "ideepcolor").returncode == 0
    assert re.search(r"^ideepcolor +import only", colorize("weights", "list").stdout, re.MULTILINE)
