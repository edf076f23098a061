"""What a model without a descriptor is found to be, and what is asked for because it cannot be told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import Command
from made_networks import (
    CONTRACTS,
    Maker,
    ddcolor_net,
    deoldify_net,
    hinted_net,
    lightness_net,
    normalised_net,
    unit_rgb_net,
)
from onnx.external_data_helper import convert_model_to_external_data
from PIL import Image

from colorizer.engines import EngineRequest
from colorizer.errors import WeightsError
from colorizer.networks.described.recognition import recognise
from colorizer.networks.descriptor.model import InputTensor, OutputTensor
from colorizer.networks.descriptor.reading import parse_descriptor

REQUEST = EngineRequest("onnxruntime", "fp32", "cpu")


def found(path: Path, **said: Any) -> dict[str, Any]:
    descriptor: dict[str, Any] = recognise({"onnx": path}, REQUEST, **said)["descriptor"]
    return descriptor


@pytest.mark.parametrize("name", ["C2a", "C3", "C4-512", "C4-256", "C4-dyn", "C5b", "C5b-256", "C5u"])
def test_a_contract_is_found_out_by_shapes_and_by_running(name: str, tmp_path: Path) -> None:
    contract = next(each for each in CONTRACTS if each.name == name)
    path = contract.make(tmp_path / "net.onnx") if name != "C5u" else unit_rgb_net(tmp_path / "net.onnx", tint=0.2)
    has = parse_descriptor(found(path), "found")
    should = parse_descriptor(contract.descriptor, "known")
    assert has.family == should.family
    assert has.sizes.fixed == should.sizes.fixed
    tensors: list[tuple[InputTensor | OutputTensor, InputTensor | OutputTensor]]
    tensors = [*zip(has.inputs, should.inputs, strict=True), (has.output, should.output)]
    for one, other in tensors:
        assert (one.tensor, one.layout) == (other.tensor, other.layout)
        np.testing.assert_allclose(one.scale, other.scale)
        np.testing.assert_allclose(one.offset, other.offset, atol=1e-12)
    assert has.canary is not None


def scaled_ab(path: Path, *, into: float, out: float) -> Path:
    """Three channels, used up to `into`; tanh, times `out`."""
    make = Maker()
    unit = make.affine("x", [1 / into] * 3, [0] * 3)
    limited = make.add("Clip", [unit, make.constant(0), make.constant(1)])
    squashed = make.add("Tanh", [make.mixed(limited, [[0.9, 0, 0], [0, -0.7, 0]], [-0.2, 0.3])])
    make.add("Mul", [squashed, make.constant(out)], "y")
    return make.save(path, {"x": [1, 3, 96, 96]}, {"y": [1, 2, 96, 96]})


@pytest.mark.parametrize(
    ("into", "out", "expected"),
    [
        (1, 110, ("0..1", None)),
        (255, 110, ("0..255", None)),
        (1, 1, ("0..1", 110)),
        (255, 1, ("0..255", 110)),
    ],
)
def test_scales_of_grey_and_of_ab_are_told_apart(
    into: float, out: float, expected: tuple[str, float | None], tmp_path: Path
) -> None:
    descriptor = found(scaled_ab(tmp_path / "net.onnx", into=into, out=out))
    assert (descriptor["inputs"][0]["range"], descriptor["output"].get("scale")) == expected


def plain(inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]) -> Callable[[Path], Path]:
    """Outputs that are constants: shapes are all that matters."""

    def make(path: Path) -> Path:
        maker = Maker()
        for name, shape in outputs.items():
            maker.add("Identity", [maker.constant(np.zeros([4 if isinstance(s, str) else s for s in shape]))], name)
        for name in inputs:
            maker.add("Identity", [name], f"{name}_unused")
        return maker.save(path, inputs, outputs)

    return make


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (plain({"x": [1, 3, 224, 224]}, {"y": [1, 1000]}), "no colouring network of a known family"),
        (plain({"x": [1, 3, 64, 64]}, {"y": [1, 7, 64, 64]}), "its output is of shape"),
        (plain({"x": [1, 1, 64, 64]}, {"y": [1, 313, 16, 16]}), "313 classes"),
        (plain({"x": [1, 16]}, {"y": [1, 2, 8, 8]}), "its inputs are x"),
        (plain({"x": [1, "c", "h", "w"]}, {"y": [1, "d", "h", "w"]}), "--layout|which side|how many channels"),
        ("unlimited", "works with .* alike, which cannot be told .* input_range="),
        (normalised_net, "works with .* and with imagenet alike"),
        ("centred", "lightness as 0..100, -50..50, 0..1 or -1..1"),
        (plain({"x": [1, 6, 64, 64]}, {"y": [1, 2, 64, 64]}), "6 channels"),
    ],
)
def test_what_cannot_be_told_is_asked_for_and_what_is_none_is_refused(
    make: Callable[[Path], Path] | str, said: str, tmp_path: Path
) -> None:
    make = MAKERS[make] if isinstance(make, str) else make
    with pytest.raises(WeightsError, match=said):
        found(make(tmp_path / "net.onnx"))


def unlimited(path: Path) -> Path:
    """RGB in any range: what it is fed, a little tinted."""
    make = Maker()
    make.mixed("x", np.diag([0.98, 1.0, 0.97]), [0, 0, 0], "y")
    return make.save(path, {"x": [1, 3, 64, 64]}, {"y": [1, 3, 64, 64]})


def centred(path: Path) -> Path:
    """L / 50 - 1 in, ab / 110 out."""
    make = Maker()
    make.add("Tanh", [make.mixed("x", [[0.5], [-0.3]], [0.1, 0.2])], "y")
    return make.save(path, {"x": [1, 1, 64, 64]}, {"y": [1, 2, 64, 64]})


MAKERS = {"unlimited": unlimited, "centred": centred}


def test_what_was_asked_for_can_be_said(tmp_path: Path) -> None:
    assert found(unlimited(tmp_path / "a.onnx"), input_range="0..1")["inputs"][0]["range"] == "0..1"
    descriptor = found(centred(tmp_path / "b.onnx"), input_range="-1..1")
    assert (descriptor["inputs"][0]["range"], descriptor["output"]["scale"]) == ("-1..1", 110)
    descriptor = found(centred(tmp_path / "b.onnx"), input_range="-1..1", output_range="-128..128")
    assert descriptor["output"]["range"] == "-128..128"


# from here on by the command, with the model tried in a process of its own


def photo(folder: Path, photographs: list[Path]) -> None:
    with Image.open(photographs[1]) as picture:
        picture.thumbnail((120, 90))
        picture.convert("L").save(folder / "photo.png")


def test_a_model_is_imported_used_and_removed(colorize: Command, tmp_path: Path, photographs: list[Path]) -> None:
    ddcolor_net(tmp_path / "My Net (v2).onnx", (64, 64))
    photo(tmp_path, photographs)
    done = colorize("weights", "import", "My Net (v2).onnx")
    assert done.returncode == 0, done.stderr
    assert "family grey-rgb-to-ab: three channels in" in done.stderr
    assert "sees 64 x 64 pixels alone" in done.stderr
    assert "RGB 0..1 in, ab in Lab units out" in done.stderr
    assert "imported as my-net-v2" in done.stderr
    assert re.search(r"^my-net-v2 +your own", colorize("weights", "list").stdout, re.MULTILINE)
    assert "SHA-256 right" in colorize("weights", "verify", "my-net-v2").stderr
    done = colorize("photo.png", "-o", "out.png", "--model", "my-net-v2", "--engine", "onnxruntime")
    assert done.returncode == 0, done.stderr
    assert np.ptp(np.asarray(Image.open(tmp_path / "out.png")), axis=2).max() > 20
    assert "size 96: my-net-v2 sees 64 x 64" in colorize("photo.png", "--model", "my-net-v2", "--size", "96").stderr
    assert colorize("weights", "remove", "my-net-v2").returncode == 0
    assert "my-net-v2" not in colorize("weights", "list").stdout


def test_weights_in_a_file_of_their_own_belong_to_the_model(
    colorize: Command, tmp_path: Path, photographs: list[Path]
) -> None:
    model = onnx.load(lightness_net(tmp_path / "whole.onnx", (64, 64)))
    convert_model_to_external_data(model, location="numbers.data", size_threshold=0)
    onnx.save(model, tmp_path / "net.onnx")
    photo(tmp_path, photographs)
    done = colorize("weights", "import", "net.onnx", "--name", "parted")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "home" / "weights" / "parted"
    parts = json.loads((folder / "net.colorize.json").read_text())["files"]
    assert [(each["name"], each["role"]) for each in parts] == [("net.onnx", "model"), ("numbers.data", "data")]
    for engine in ("onnxruntime", "openvino"):
        done = colorize("photo.png", "-o", f"{engine}.png", "--model", "parted", "--engine", engine)
        assert done.returncode == 0, done.stderr
    data = bytearray((folder / "numbers.data").read_bytes())
    data[-1] ^= 1
    (folder / "numbers.data").write_bytes(data)
    done = colorize("photo.png", "-o", "again.png", "--model", "parted")
    assert "numbers.data: changed since its descriptor was written" in done.stderr
    (folder / "numbers.data").unlink()
    done = colorize("photo.png", "-o", "again.png", "--model", "parted")
    assert "its tensors are in numbers.data, which is not beside it" in done.stderr
    assert colorize("weights", "remove", "parted").returncode == 0


def test_a_descriptor_that_comes_along_is_taken_and_gets_a_canary(colorize: Command, tmp_path: Path) -> None:
    hinted_net(tmp_path / "net.onnx", (64, 64))
    contract = next(each for each in CONTRACTS if each.name == "C3")
    (tmp_path / "net.colorize.json").write_text(json.dumps(contract.descriptor | {"size": {"fixed": 64}}))
    done = colorize("weights", "import", "net.onnx", "net.colorize.json", "--name", "hints")
    assert done.returncode == 0, done.stderr
    kept = json.loads((tmp_path / "home/weights/hints/net.colorize.json").read_text())
    assert kept["canary"]["mean"] == pytest.approx([18.0, -6.0], abs=0.01)
    done = colorize("weights", "import", "net.onnx", "--name", "others", "--input-range", "0..1")
    assert "says what the model is" in done.stderr


def test_a_wrong_range_is_caught_by_the_canary(colorize: Command, tmp_path: Path, photographs: list[Path]) -> None:
    deoldify_net(tmp_path / "net.onnx", (64, 64))
    photo(tmp_path, photographs)
    assert colorize("weights", "import", "net.onnx", "--name", "old").returncode == 0
    path = tmp_path / "home/weights/old/net.colorize.json"
    path.write_text(path.read_text().replace('"0..255"', '"0..1"'))
    done = colorize("photo.png", "--model", "old")
    assert done.returncode == 2
    assert "answers to a ramp of grey with ab" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_by_its_path_needs_no_descriptor_where_it_can_be_told(
    colorize: Command, tmp_path: Path, photographs: list[Path]
) -> None:
    photo(tmp_path, photographs)
    unit_rgb_net(tmp_path / "net.onnx", (64, 64), tint=0.2)
    assert colorize("photo.png", "-o", "a.png", "--model", "net.onnx").returncode == 0
    unlimited(tmp_path / "open.onnx")
    done = colorize("photo.png", "-o", "b.png", "--model", "open.onnx")
    assert done.returncode == 2
    assert "colorize weights import FILE --input-range" in done.stderr
