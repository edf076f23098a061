"""ONNX Runtime: an ONNX model on the CPU, or on what its build knows: CUDA, TensorRT, ROCm, DirectML, Core ML."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from colorizer.engines.base import (
    Array,
    Device,
    Loadable,
    Setup,
    Tensors,
    cause,
    failed_pass,
    import_runtime,
    unloadable,
)
from colorizer.engines.devices import ACCELERATORS
from colorizer.engines.onnx_file import OnnxFile, TensorInfo, is_ort_format
from colorizer.errors import EngineError

CPU_PROVIDER = "CPUExecutionProvider"
PROVIDERS: dict[Device, tuple[tuple[str, dict[str, str]], ...]] = {
    "cuda": (("CUDAExecutionProvider", {"use_tf32": "0"}),),  # TF32 keeps 10 bits of the mantissa and is on by default
    "tensorrt": (("TensorrtExecutionProvider", {}),),
    "rocm": (("MIGraphXExecutionProvider", {}), ("ROCMExecutionProvider", {})),
    "directml": (("DmlExecutionProvider", {}),),
    # Apple's Neural Engine computes in 16 bits
    "coreml": (("CoreMLExecutionProvider", {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"}),),
}
"""What ONNX Runtime calls each device, newest name first, and how to have it compute in float32."""

_NO_TF32_IN_TENSORRT = "NVIDIA_TF32_OVERRIDE"

_NO_TELEMETRY = ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED")
"""The second is what the first was called for a while."""

_FATAL_ONLY = 4  # of ONNX Runtime's severities
_NUMPY: dict[str, Any] = {"tensor(float16)": np.float16, "tensor(uint8)": np.uint8, "tensor(double)": np.float64}
"""Of the types of inputs; float32 are all others."""

_DTYPES = {"float": "float32", "double": "float64"}
"""What NumPy calls types that ONNX Runtime calls otherwise."""

_CPU_OPTIONS = {
    # reduced precision that it would take by itself on Arm; "0" is the default of today
    "mlas.enable_gemm_fastmath_arm64_bfloat16": "0",
    # threads that spin while they wait are taken from the stages before and after the network
    "session.intra_op.allow_spinning": "0",
}


class OnnxRuntime:
    """A network in ONNX Runtime; see `Runtime`. Several threads may run passes at a time, but with DirectML.

    Parameters
    ----------
    network
        What is loaded, as ONNX.
    setup
        float32, on the CPU or an accelerator.

    Raises
    ------
    WeightsError
        The network cannot be converted, or is refused.
    MissingExtraError
        ONNX Runtime is not installed.
    EngineError
        It does not load, or lacks what the setup asks for.
    """

    def __init__(self, network: Loadable, setup: Setup) -> None:
        ort = import_onnxruntime()
        self.name = setup.named(f"ONNX Runtime {ort.__version__}")
        try:
            self._session = open_session(ort, network.onnx(), setup)
        except ort_errors() as error:
            raise unloadable(network.path, self.name, cause(error)) from error
        # DirectML runs one pass of a session at a time
        self._turn = threading.Lock() if setup.device == "directml" else contextlib.nullcontext()
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._types = {each.name: _NUMPY.get(each.type, np.float32) for each in self._session.get_inputs()}

    def run(self, inputs: Tensors) -> dict[str, Array]:
        """One forward pass; see `Runtime.run`."""
        try:
            given = {
                name: array.astype(self._types.get(name, np.float32), copy=False) for name, array in inputs.items()
            }
            with self._turn:
                found = self._session.run(self._outputs, given)
            return {name: np.asarray(array, np.float32) for name, array in zip(self._outputs, found, strict=True)}
        except ort_errors() as error:
            raise failed_pass(self.name, inputs, cause(error)) from error


def import_onnxruntime() -> Any:
    """The module `onnxruntime`, without its telemetry.

    Its official builds report to Microsoft, by 1.31 on every system, unless the environment forbids it before the
    import (Privacy.md in the package).

    Raises
    ------
    MissingExtraError
        It is not installed.
    EngineError
        It does not load.
    """
    for variable in _NO_TELEMETRY:
        os.environ.setdefault(variable, "1")
    onnxruntime = import_runtime("onnxruntime", "ONNX Runtime")
    # what the variables do not reach: Windows' own event tracing
    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(_FATAL_ONLY)
    return onnxruntime


def open_session(ort: Any, model: bytes | Path, setup: Setup) -> Any:
    """A session for a model, given by its bytes or its file.

    Raises
    ------
    EngineError
        A device was asked for that this ONNX Runtime cannot use.
    """
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = setup.threads
    options.inter_op_num_threads = 1
    # a file by its name: those beside it are found, and are mapped and shared where the runtime can
    loaded = os.fspath(model) if isinstance(model, Path) else model
    if isinstance(model, Path):
        # not by what its name ends in
        options.add_session_config_entry("session.load_model_format", "ORT" if is_ort_format(model) else "ONNX")
    for name, value in _CPU_OPTIONS.items():
        options.add_session_config_entry(name, value)
    if setup.device == "cpu":
        return ort.InferenceSession(loaded, options, providers=[CPU_PROVIDER])
    name = next(each.name for each in ACCELERATORS if each.device == setup.device)
    built = ort.get_available_providers()
    known = [each for each in PROVIDERS[setup.device] if each[0] in built]
    if not known:
        raise EngineError(f"ONNX Runtime {ort.__version__} as installed has no {name}")
    if setup.device == "tensorrt":
        os.environ.setdefault(_NO_TF32_IN_TENSORRT, "0")
    # DirectML's own demand; without it, sessions are refused
    options.enable_mem_pattern = setup.device != "directml"
    session = ort.InferenceSession(loaded, options, providers=[known[0], CPU_PROVIDER])
    # where a device does not start, ONNX Runtime takes the next provider without an error
    if session.get_providers()[0] != known[0][0]:
        raise EngineError(f"ONNX Runtime {ort.__version__} cannot start {name}; its driver or libraries do not fit")
    return session


def told_by_session(path: Path) -> OnnxFile:
    """What a model says of its inputs and outputs once it is loaded: of one in ONNX Runtime's own format.

    Raises
    ------
    WeightsError
        It is refused.
    MissingExtraError, EngineError
        ONNX Runtime is not installed, or does not load.
    """
    ort = import_onnxruntime()
    try:
        session = open_session(ort, path, Setup())
    except ort_errors() as error:
        raise unloadable(path, f"ONNX Runtime {ort.__version__}", cause(error)) from error
    inputs, outputs = (tuple(map(_told, each)) for each in (session.get_inputs(), session.get_outputs()))
    return OnnxFile(path, inputs, outputs, {}, {}, (), 0)


def _told(each: Any) -> TensorInfo:
    kind = str(each.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(side if isinstance(side, int) else None for side in each.shape)
    return TensorInfo(each.name, _DTYPES.get(kind, kind), shape or None)


def ort_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes of its own without a common base."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    own = (value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception))
    return (RuntimeError, *own)
