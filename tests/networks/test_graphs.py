"""The catalogue's networks with made-up weights: at full size as large as the real ones, and runtimes agree on them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import cv2
import graphs
import numpy as np
import onnx
import pytest
from graphs import ddcolor, deoldify, ideepcolor, zhang
from graphs.drawn import Drawn, Tensors
from onnx.reference import ReferenceEvaluator

from colorizer import Colorizer, Settings
from colorizer.caffe.network import network_from_message
from colorizer.engines import EngineName
from colorizer.engines.opencv import has_caffe_importer
from colorizer.networks import NetworkInput
from colorizer.networks.described.answer import ab_of
from colorizer.networks.described.feeding import feed

CLOSE = 0.05  # CIE Lab units

PARAMETERS = {
    "eccv16": (32_236_000, 0.00001),
    "siggraph17": (34_051_100, 0.00001),
    # a checkpoint's bytes, four of them a number
    "ddcolor": (911_914_869 / 4, 0.001),
    "ddcolor-tiny": (220_372_845 / 4, 0.002),
    "deoldify-artistic": (255_144_681 / 4, 0.003),
    "deoldify-stable": (874_066_230 / 4, 0.003),
}
"""As Open Model Zoo states them, or as the authors' checkpoints are large; and how far off a graph may be, since a
checkpoint holds more than the parameters: averages that BatchNorm keeps, vectors of spectral norm, names."""


class Counted(Drawn):
    """Counts parameters and draws none."""

    def weights(self, *shape: int, inputs: float) -> str:
        assert inputs > 0
        self.parameters += prod(shape)
        return "drawn"


@pytest.mark.parametrize("name", graphs.GRAPHS)
def test_a_graph_has_as_many_parameters_as_the_network(name: str) -> None:
    counted = Counted()
    graphs.GRAPHS[name](counted)
    stated, tolerance = PARAMETERS[name]
    assert counted.parameters == pytest.approx(stated, rel=tolerance)


def test_ideepcolors_layers_are_those_of_its_prototxt(tmp_path: Path) -> None:
    network = network_from_message(ideepcolor.prototxt(), tmp_path / "made.prototxt")
    kinds = Counter(layer.type for layer in network.layers)
    assert (kinds["Convolution"], kinds["Deconvolution"], kinds["BatchNorm"]) == (31, 3, 9)
    counted = Counted()
    zhang.siggraph17(counted)
    learned = [
        sum(map(prod, shapes))
        for layer, shapes in network.blob_shapes
        if layer.type in ("Convolution", "Deconvolution")
    ]
    norms, halvings, a_second_bias = 2 * 2880, 64 + 128 + 256, 64  # siggraph17's norms have a scale and an offset
    assert sum(learned) - halvings - a_second_bias == counted.parameters - norms


NARROW = tuple((channels // 16, count) for channels, count in zhang.BLOCKS)
SMALL: dict[str, Callable[[Drawn], Tensors]] = {
    "ddcolor": lambda drawn: ddcolor.draw(drawn, ddcolor.Encoder((1, 1, 1, 1), (8, 16, 24, 32)), 32),
    "deoldify-artistic": lambda drawn: deoldify.draw(
        drawn,
        replace(
            deoldify.ARTISTIC,
            encoder=deoldify.ResNet((1, 2, 1, 1), 1, (8, 8, 16, 16)),
            shuffled=(8, 8, 8, 8),
            convolved=((16, 16), (16, 16), (8, 8), (8, 8)),
        ),
    ),
    "deoldify-stable": lambda drawn: deoldify.draw(
        drawn,
        replace(
            deoldify.STABLE,
            encoder=deoldify.ResNet((1, 2, 1, 1), 4, (8, 8, 8, 8)),
            shuffled=(8, 8, 8, 8),
            convolved=((16,), (16,), (8,), (8,)),
        ),
    ),
    "eccv16": lambda drawn: zhang.eccv16(drawn, NARROW, 64),
    "siggraph17": lambda drawn: zhang.siggraph17(drawn, NARROW),
}
"""The same kinds of layers, in fewer and narrower ones."""

SIDES = {"ddcolor": 32, "deoldify-artistic": 64, "deoldify-stable": 48, "eccv16": 64, "siggraph17": 40}
"""Of the pictures; 48 is no multiple of DeOldify's 32."""

FREE = ("deoldify-artistic", "deoldify-stable", "siggraph17")
"""Those that take any size."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them, small, with the catalogue's descriptors; a fixed size is the file's own."""
    folder = tmp_path_factory.mktemp("graphs")
    for name, draw in SMALL.items():
        drawn = Drawn()
        model = drawn.model(*draw(drawn))
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, folder / f"{name}.onnx")
        size = {"default": SIDES[name], "step": 8} if name in FREE else {"fixed": SIDES[name]}
        descriptor = graphs.descriptor(name) | {"size": size}
        (folder / f"{name}.colorize.json").write_text(json.dumps(descriptor))
    ideepcolor.write(folder / "ideepcolor.caffemodel", NARROW)
    return folder


def opened(model: Path, engine: EngineName, monkeypatch: pytest.MonkeyPatch) -> Colorizer:
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)
    return Colorizer(Settings(model=str(model), engine=engine, precision="fp32", device="cpu"))


def seen(side: int) -> NetworkInput:
    return NetworkInput(np.random.default_rng(5).uniform(0, 100, (1, 1, side, side)).astype(np.float32))


@pytest.mark.parametrize("name", [*SMALL, "ideepcolor"])
def test_three_runtimes_agree(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = folder / (f"{name}.onnx" if name in SMALL else f"{name}.caffemodel")
    side = SIDES.get(name, 64)
    engines: tuple[EngineName, ...] = ("onnxruntime", "openvino", "opencv")
    if name in FREE and has_caffe_importer(cv2):
        engines = engines[:2]  # OpenCV 4 joins no tensors whose sides are free
    first, *others = (opened(model, engine, monkeypatch)._network.predict(seen(side)).ab for engine in engines)
    assert first.shape == (1, 2, side, side)
    assert np.ptp(first) > 1
    for other in others:
        np.testing.assert_allclose(other, first, atol=CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_it_is_what_onnx_defines(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colorizer = opened(folder / f"{name}.onnx", "onnxruntime", monkeypatch)
    assert colorizer.model.descriptor is not None
    given = feed(seen(SIDES[name]), colorizer.model.descriptor)
    defined: Any = ReferenceEvaluator(str(folder / f"{name}.onnx")).run(None, given)
    expected = ab_of(defined[0], colorizer.model.descriptor.output)
    np.testing.assert_allclose(colorizer._network.predict(seen(SIDES[name])).ab, expected, atol=CLOSE)
