"""Another family, as small as one can be: a single file, ONNX under another suffix, of grey in 0..1 to ab / 110.

Its network is a map that anyone can compute, so that a wrong range, scale or channel shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from colorizer.engines import EngineRequest, Opened, open_runtime
from colorizer.engines.ncnn.form import NcnnModel
from colorizer.engines.onnx_form import Graph, Node, Value, model_bytes, tensor
from colorizer.errors import UsageError, WeightsError, shown
from colorizer.networks import Model, NetworkInput, Prediction
from colorizer.settings import Settings

SCALE = 110.0
SLOPES = np.array([0.5, -0.25], np.float32)
"""a / 110 and b / 110 for white; proportional to the grey."""


def known_ab(lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(h, w) L to (h, w, 2) ab, as the network is meant."""
    ab: npt.NDArray[np.float32] = (lightness / 100)[..., None] * SLOPES * np.float32(SCALE)
    return ab


def write_network(path: Path) -> Path:
    """The network's file."""
    node = Node("Conv", "ab", ("grey", "slopes"), ("ab",), {"kernel_shape": (1, 1)})
    inputs, outputs = Value("grey", ("n", 1, "height", "width")), Value("ab", ("n", 2, "height", "width"))
    graph = Graph("toy", (node,), (inputs,), (outputs,))
    path.write_bytes(model_bytes(graph, [tensor("slopes", SLOPES.reshape(2, 1, 1, 1))], "1"))
    return path


@dataclass(frozen=True)
class ToyForms:
    """The file, which is ONNX."""

    path: Path
    outputs: ClassVar[tuple[str, ...]] = ("ab",)

    def onnx(self) -> bytes:
        return self.path.read_bytes()

    def ncnn(self) -> NcnnModel:
        raise WeightsError(f"{shown(self.path)}: there is no form of it for ncnn")

    def caffe(self) -> None:
        return None


@dataclass(frozen=True)
class ToyNetwork:
    """The network in a runtime."""

    engine: Opened
    temperature: ClassVar[None] = None
    traits: ClassVar[tuple[str, ...]] = ()

    def predict(self, seen: NetworkInput, *, distribution: bool = False) -> Prediction:  # noqa: ARG002 - it has none
        found = self.engine.run({"grey": seen.lightness / np.float32(100)})["ab"]
        return Prediction(found * np.float32(SCALE))


@dataclass(frozen=True)
class ToyFamily:
    """See `colorizer.networks.base.Family`."""

    roles: ClassVar[tuple[str, ...]] = ("toy",)
    file_sets: ClassVar[tuple[tuple[str, ...], ...]] = (("toy",),)
    stride: ClassVar[int] = 1
    temperature: ClassVar[None] = None

    def files_at(self, path: Path, companion: Path | None) -> Mapping[str, Path]:
        if companion is not None:
            raise UsageError(f"{shown(path)} needs no second file")
        return {"toy": path}

    def check(self, files: Mapping[str, Path]) -> int:
        self.diagnose(files["toy"], "toy")
        return self.stride

    def diagnose(self, path: Path, role: str) -> None:
        if b"grey" not in path.read_bytes():
            raise WeightsError(f"{shown(path)} is no toy, but some other {role}")

    def loadable(self, model: Model, settings: Settings) -> ToyForms:  # noqa: ARG002 - there is nothing to set
        return ToyForms(model.weights)

    def open(self, model: Model, settings: Settings, request: EngineRequest) -> ToyNetwork:
        return ToyNetwork(open_runtime(self.loadable(model, settings), request))


TOY = ToyFamily()
