"""What engines have in common: the protocol, and how one is set up."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from colorizer.errors import EngineError, WeightsError, shown

EngineName = Literal["opencv", "onnxruntime", "ncnn", "openvino"]
Precision = Literal["fp32", "bf16", "fp16"]
Device = Literal["cpu", "cuda"]


class Engine(Protocol):
    """A network, loaded and ready. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Runtime and version, and how it computes where that is not in float32 on the CPU; for reports."""

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Predicted chroma.

        Parameters
        ----------
        lightness
            (N, 1, H, W) float32, L - 50; H and W multiples of the model's stride.

        Returns
        -------
        ndarray, (N, 2, H/4, W/4) float32, CIE Lab units

        Raises
        ------
        EngineError
            The runtime failed.
        """


@dataclass(frozen=True)
class Setup:
    """How an engine computes."""

    device: Device = "cpu"
    precision: Precision = "fp32"
    threads: int = 1  # of the CPU
    as_it_comes: bool = False  # leave the runtime's own choices of speed over exactness alone
    cut: bool = False  # end the network at its logits: an engine's `ab` then gives (N, 313, H/4, W/4) of these

    def named(self, runtime: str) -> str:
        """A runtime's name with what differs from float32 on the CPU."""
        differs = [word for word, usual in ((self.device, "cpu"), (self.precision, "fp32")) if word != usual]
        return ", ".join([runtime, *differs])


def import_runtime(module: str, name: str) -> Any:
    """The module of a runtime, which is an extra of this package under the module's name.

    Raises
    ------
    EngineError
        It is not there or does not load; the message says how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if getattr(error, "name", None) == module:
            raise EngineError(f"{name} is not installed: pip install 'colorize-photos[{module}]'") from error
        raise EngineError(
            f"{name} cannot be imported ({cause(error)}); try pip install --force-reinstall {module}"
        ) from error


def unloadable(caffemodel: Path, engine: str, why: str, *, elsewhere: bool = True) -> WeightsError:
    """What to raise where a runtime cannot load a network; `elsewhere`: whether OpenCV is worth a try."""
    remedy = "run `colorize weights verify`" + (", or try --engine opencv" if elsewhere else "")
    return WeightsError(f"{shown(caffemodel)}: {engine} cannot load this network ({why}); {remedy}")


def failed_pass(engine: str, lightness: npt.NDArray[np.float32], why: str) -> EngineError:
    """What to raise where a runtime fails on an input."""
    return EngineError(f"{engine} failed on an input of {lightness.shape}: {why}")


def cause(error: BaseException) -> str:
    """The telling part of a runtime's message, in one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST_CAUSE else text[:_LONGEST_CAUSE] + " ..."


_LONGEST_CAUSE = 300
