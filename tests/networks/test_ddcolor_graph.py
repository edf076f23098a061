"""DDColor's kinds of layers, attention among them, over a small encoder: all runtimes agree, and with ONNX."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from colorizer import Colorizer, Settings
from colorizer.engines import EngineName
from colorizer.networks.described.feeding import grey_code

SCRIPT = Path(__file__).parents[2] / "scripts" / "ddcolor_graph.py"
SIZE = 32
CLOSE = 0.05  # CIE Lab units


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = runpy.run_path(str(SCRIPT))
    path = tmp_path_factory.mktemp("ddcolor") / "small.onnx"
    onnx.save(script["ddcolor_like"](script["Encoder"]((1, 1, 1, 1), (8, 16, 24, 32)), SIZE), path)
    path.with_suffix(".colorize.json").write_text(json.dumps(script["DESCRIPTOR"]))
    return path


@pytest.fixture
def grey(monkeypatch: pytest.MonkeyPatch) -> npt.NDArray[np.uint8]:
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)
    return np.random.default_rng(5).integers(0, 256, (SIZE, SIZE), np.uint8)


def opened(model: Path, engine: EngineName) -> Colorizer:
    return Colorizer(Settings(model=str(model), engine=engine, precision="fp32", device="cpu"))


def test_three_runtimes_agree(model: Path, grey: npt.NDArray[np.uint8]) -> None:
    engines: tuple[EngineName, ...] = ("onnxruntime", "openvino", "opencv")
    first, *others = (opened(model, engine).predict(grey) for engine in engines)
    assert np.ptp(first) > 5
    for other in others:
        np.testing.assert_allclose(other, first, atol=CLOSE)


@pytest.mark.slow
def test_it_is_what_onnx_defines(model: Path, grey: npt.NDArray[np.uint8]) -> None:
    colorizer = opened(model, "onnxruntime")
    (seen,) = colorizer.view.of_pixels(grey)
    fed = np.repeat(grey_code(seen.lightness[:, 0])[:, None], 3, axis=1)
    defined: Any = ReferenceEvaluator(str(model)).run(None, {"input": fed})
    np.testing.assert_allclose(colorizer.predict(grey).transpose(2, 0, 1), defined[0][0], atol=CLOSE)
