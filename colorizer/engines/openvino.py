"""OpenVINO: an ONNX model on the CPU, in float32 or in a reduced precision that the CPU has instructions for; or on
Intel's GPUs and NPUs, where their drivers are.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from colorizer.engines.base import (
    Array,
    Loadable,
    Precision,
    Setup,
    Tensors,
    cause,
    failed_pass,
    import_runtime,
    unloadable,
)
from colorizer.errors import EngineError, OptionRef, Remedy

_TELEMETRY = "openvino_telemetry"
_HINTS: dict[Precision, str] = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
_CAPABILITIES: dict[Precision, str] = {"fp32": "FP32", "bf16": "BF16", "fp16": "FP16"}


class OpenVINO:
    """A network in OpenVINO; see `Runtime`. One pass at a time.

    The input's shape stays open: measured, that costs nothing here, and pictures of many shapes need one model.

    Parameters
    ----------
    network
        What is loaded, as ONNX.
    setup
        On the CPU, with precision as far as the CPU has it; or on another device.

    Raises
    ------
    WeightsError
        The network cannot be converted, or is refused.
    MissingExtraError
        OpenVINO is not installed.
    EngineError
        It does not load, or lacks what the setup asks for.
    """

    def __init__(self, network: Loadable, setup: Setup) -> None:
        ov = import_openvino()
        self.name = setup.named(f"OpenVINO {version_of(ov)}")
        self._lock = threading.Lock()
        core = the_core()
        target, options = _target(core, setup)
        form = network.onnx()
        # a file by its name: those beside it are found, and are mapped and shared where the runtime can
        onnx = os.fspath(form) if isinstance(form, Path) else form
        try:
            self._model = core.compile_model(core.read_model(onnx), target, options)
            self._request = self._model.create_infer_request()
            self._types = {
                name: each.get_element_type().to_dtype() for each in self._model.inputs for name in each.get_names()
            }
        except RuntimeError as error:
            raise unloadable(network.path, self.name, cause(error)) from error

    def run(self, inputs: Tensors) -> dict[str, Array]:
        """One forward pass; see `Runtime.run`."""
        with self._lock:
            try:
                given = {
                    name: array.astype(self._types.get(name, np.float32), copy=False) for name, array in inputs.items()
                }
                self._request.infer(given, share_inputs=True)
                # copies: OpenVINO hands out its own buffers, which the next pass overwrites
                return {
                    output.any_name: np.array(self._request.get_tensor(output).data, np.float32)
                    for output in self._model.outputs
                }
            except RuntimeError as error:
                raise failed_pass(self.name, inputs, cause(error)) from error


def _target(core: Any, setup: Setup) -> tuple[str, dict[str, str]]:
    """What OpenVINO calls the device, and how it is to compute there."""
    options = {
        "INFERENCE_PRECISION_HINT": _HINTS[setup.precision],  # by itself it takes bf16 where the CPU has it
        "EXECUTION_MODE_HINT": "ACCURACY",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
    }
    if setup.device != "cpu":
        target = setup.device.upper()
        there = list(core.available_devices)
        if not any(each.partition(".")[0] == target for each in there):
            raise EngineError(f"OpenVINO finds no {target} (it has {', '.join(there)})")
        return target, options
    if setup.precision not in precisions(core):
        raise EngineError(
            f"this CPU has no {setup.precision} arithmetic ({machine(core)})",
            remedy=Remedy.LEAVE_OUT,
            what=OptionRef("precision", setup.precision),
        )
    on_the_cpu = {
        "INFERENCE_NUM_THREADS": str(setup.threads),
        # pinned threads wait for their core while another one is idle
        "ENABLE_CPU_PINNING": "NO",
    }
    return "CPU", options | on_the_cpu


def import_openvino() -> Any:
    """The module `openvino`, without its telemetry.

    As packaged (2026.4), merely importing it starts a process that reports to Google Analytics and writes files to the
    user's home. It falls back to a stub of its own where the package for that is not installed.

    Raises
    ------
    MissingExtraError
        It is not installed.
    EngineError
        It does not load.
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
    MissingExtraError
        OpenVINO is not installed.
    EngineError
        It does not load.
    """
    ov = import_openvino()
    core = the_core()
    reduced = next((precision for precision in precisions(core) if precision != "fp32"), None)
    return reduced, f"OpenVINO {ov.__version__} on {machine(core)}"
