"""OpenVINO: the converted model on the CPU, in float32 or in a reduced precision that the CPU has instructions for."""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.engines.base import Precision, Setup, cause, failed_pass, import_runtime, unloadable
from colorizer.errors import EngineError
from colorizer.networks import Model
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.converted import onnx_model

_TELEMETRY = "openvino_telemetry"
_HINTS: dict[Precision, str] = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
_CAPABILITIES: dict[Precision, str] = {"fp32": "FP32", "bf16": "BF16", "fp16": "FP16"}


class OpenVINOEngine:
    """A network in OpenVINO; see `Engine`. One pass at a time.

    The input's shape stays open: measured, that costs nothing here, and pictures of many shapes need one model.

    Parameters
    ----------
    model
        Files that were checked to belong together.
    colors
        Temperature and bin centres.
    setup
        On the CPU; precision as far as the CPU has it.

    Raises
    ------
    WeightsError
        The files are no network that can be converted.
    EngineError
        OpenVINO is absent, or lacks what the setup asks for.
    """

    def __init__(self, model: Model, colors: Colors, setup: Setup) -> None:
        ov = import_openvino()
        self.name = setup.named(f"OpenVINO {version_of(ov)}")
        self._lock = threading.Lock()
        core = the_core()
        if setup.precision not in precisions(core):
            precision = setup.precision
            raise EngineError(
                f"this CPU has no {precision} arithmetic ({machine(core)}); leave --precision {precision} out"
            )
        options = {
            "INFERENCE_PRECISION_HINT": _HINTS[setup.precision],  # by itself it takes bf16 where the CPU has it
            "EXECUTION_MODE_HINT": "ACCURACY",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(setup.threads),
            # pinned threads wait for their core while another one is idle
            "ENABLE_CPU_PINNING": "NO",
        }
        converted = onnx_model(model, colors, cut=setup.cut)
        try:
            self._request = core.compile_model(core.read_model(converted), "CPU", options).create_infer_request()
        except RuntimeError as error:
            raise unloadable(model.caffemodel, self.name, cause(error)) from error

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Predicted chroma; see `Engine.ab`."""
        with self._lock:
            try:
                self._request.infer({0: lightness}, share_inputs=True)
                # a copy: OpenVINO hands out its own buffer, which the next pass overwrites
                ab: npt.NDArray[np.float32] = self._request.get_output_tensor(0).data.copy()
            except RuntimeError as error:
                raise failed_pass(self.name, lightness, cause(error)) from error
        return ab


def import_openvino() -> Any:
    """The module `openvino`, without its telemetry.

    As packaged (2026.4), merely importing it starts a process that reports to Google Analytics and writes files to the
    user's home. It falls back to a stub of its own where the package for that is not installed.

    Raises
    ------
    EngineError
        It is not there or does not load; the message says how to get it.
    """
    hidden = _TELEMETRY not in sys.modules
    if hidden:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # Python's way to say: not to be found
    try:
        return import_runtime("openvino", "OpenVINO")
    finally:
        if hidden:
            sys.modules.pop(_TELEMETRY, None)


@functools.cache
def the_core() -> Any:
    """OpenVINO's `Core`, one for the process.

    What each loads for the CPU gives the thread a stack for signals, and takes it away when it ends. With several, one
    that ends out of turn leaves the thread with a stack that is gone, and the next signal (Ctrl-C, say) kills the
    process.

    Raises
    ------
    EngineError
        As `import_openvino`.
    """
    return import_openvino().Core()


def version_of(ov: Any) -> str:
    """Its version without the build's number."""
    return str(ov.__version__).split("-", maxsplit=1)[0]


def precisions(core: Any) -> tuple[Precision, ...]:
    """What the CPU computes in by instructions of its own."""
    has = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(precision for precision, name in _CAPABILITIES.items() if name in has)


def machine(core: Any) -> str:
    """The CPU, as it calls itself."""
    return " ".join(str(core.get_property("CPU", "FULL_DEVICE_NAME")).split())


def reduced_precision() -> tuple[Precision | None, str]:
    """The reduced precision that this CPU has, if any; and all that its results depend on, runtime and CPU.

    Raises
    ------
    EngineError
        OpenVINO is absent.
    """
    ov = import_openvino()
    core = the_core()
    reduced = next((precision for precision in precisions(core) if precision != "fp32"), None)
    return reduced, f"OpenVINO {ov.__version__} on {machine(core)}"
