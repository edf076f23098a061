"""What runtimes have in common: tensors in, tensors out, and the forms of a network that they load.

Nothing here or in the other modules of this room knows what the tensors mean; that is the networks' business.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from colorizer.engines.ncnn.form import NcnnModel
from colorizer.errors import EngineError, Message, MissingExtraError, OptionRef, Remedy, WeightsError, shown

EngineName = Literal["opencv", "onnxruntime", "ncnn", "openvino"]
Precision = Literal["fp32", "bf16", "fp16"]
Device = Literal["cpu", "cuda", "tensorrt", "rocm", "directml", "coreml", "gpu", "npu"]
"""Where a runtime computes; "gpu" and "npu" are OpenVINO's. Who asks for "gpu" means any that works: see `devices`."""

Array: TypeAlias = npt.NDArray[np.float32]
Tensors: TypeAlias = Mapping[str, Array]
"""Arrays by the names that the network gives its inputs or outputs."""


class Runtime(Protocol):
    """A network, loaded and ready. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Runtime and version, and how it computes where that is not in float32 on the CPU; for reports."""

    def run(self, inputs: Tensors) -> dict[str, Array]:
        """One forward pass.

        Parameters
        ----------
        inputs
            Of every input its array, float32; it is brought to the type that the network wants.

        Returns
        -------
        dict
            Of every output its array, float32; the caller's own.

        Raises
        ------
        EngineError
            The runtime failed.
        """


@dataclass(frozen=True)
class CaffeForm:
    """Caffe's two files, for a runtime that reads them by itself."""

    prototxt: Path
    caffemodel: Path
    blobs: Tensors  # by layer: weights to be set after loading, where the files leave a layer empty
    outputs: Mapping[str, str]  # by output: the layer that makes it


class Loadable(Protocol):
    """A network in the forms that runtimes load; each is made when it is asked for.

    A form that a network cannot have raises `WeightsError`, with the reason.
    """

    @property
    def path(self) -> Path:
        """The file that holds the weights; for messages, and its size tells how long a pass takes."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what a pass gives."""

    def onnx(self) -> bytes | Path:
        """An ONNX model; the file where it is one, which may have its tensors in others beside it."""

    def ncnn(self) -> NcnnModel:
        """What ncnn loads."""

    def caffe(self) -> CaffeForm | None:
        """Caffe's files, None where the network does not come from such."""


@dataclass(frozen=True)
class Setup:
    """How a runtime computes."""

    device: Device = "cpu"
    precision: Precision = "fp32"
    threads: int = 1  # of the CPU
    as_it_comes: bool = False  # leave the runtime's own choices of speed over exactness alone

    def named(self, runtime: str) -> str:
        """A runtime's name with what differs from float32 on the CPU."""
        differs = [word for word, usual in ((self.device, "cpu"), (self.precision, "fp32")) if word != usual]
        return ", ".join([runtime, *differs])


def import_runtime(module: str, name: str) -> Any:
    """The module of a runtime, which is an extra of this package under the module's name.

    Raises
    ------
    MissingExtraError
        It is not installed.
    EngineError
        It is installed and does not load.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if getattr(error, "name", None) == module:
            raise missing_runtime(name, module) from error
        raise EngineError(
            f"{name} cannot be imported ({cause(error)})", remedy=Remedy.REINSTALL, package=module
        ) from error


def missing_runtime(name: str, extra: str) -> MissingExtraError:
    """What to raise, or to tell, of a runtime that is not installed."""
    return MissingExtraError(Message(f"{name} is not installed", None, Remedy.INSTALL_EXTRA, {"extra": extra}))


def unloadable(path: Path, runtime: str, why: str, *, other: EngineName = "opencv") -> WeightsError:
    """What to raise where a runtime cannot load a network that another may load."""
    text = f"{shown(path)}: {runtime} cannot load this network (it says: {why})"
    return WeightsError(text, remedy=Remedy.VERIFY_OR_TRY, what=OptionRef("engine", other))


def failed_pass(runtime: str, inputs: Tensors, why: str) -> EngineError:
    """What to raise where a runtime fails on an input."""
    sizes = " and ".join(" x ".join(map(str, array.shape)) for array in inputs.values())
    text = f"{runtime} failed on this network, given {sizes} numbers (it says: {why})"
    return EngineError(text, remedy=Remedy.CHOOSE_ANOTHER, what=OptionRef("engine"))


def cause(error: BaseException) -> str:
    """The telling part of a runtime's message, in one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST_CAUSE else text[:_LONGEST_CAUSE] + " ..."


_LONGEST_CAUSE = 300
