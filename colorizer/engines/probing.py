"""Whether a runtime computes on an accelerator here, and how quickly: found out by real forward passes.

Lists of devices and build switches say what could be; drivers and libraries of versions that do not fit show only when
something is computed. So a small convolution is, and compared; then a larger network is timed against the CPU.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from colorizer.engines.base import CaffeForm, Device, EngineName, Runtime, Setup, cause
from colorizer.engines.devices import ACCELERATORS, Accelerator
from colorizer.engines.loading import load
from colorizer.engines.ncnn.form import NcnnModel
from colorizer.engines.onnx_form import Graph, Node, Value, model_bytes, tensor
from colorizer.errors import EngineError

_SIDE = 16
_CHANNELS = 4
_TOLERANCE = 1e-2  # of sums of nine small numbers; fp16 has three digits

_TIMED_SIDE, _TIMED_CHANNELS, _TIMED_LAYERS = 96, 64, 6
_ROUNDS = 3

_LIBRARIES: dict[Device, tuple[str, ...]] = {
    "cuda": ("*onnxruntime_providers_cuda*",),
    "tensorrt": ("*onnxruntime_providers_tensorrt*",),
    "rocm": ("*onnxruntime_providers_migraphx*", "*onnxruntime_providers_rocm*"),
    "directml": ("*DirectML*",),
}
"""Files beside ONNX Runtime's own, without which it has not been built with what they are for."""

_DRIVERS: dict[Device, str] = {"gpu": "/dev/dri/renderD*", "npu": "/dev/accel/accel*"}
"""Devices that Linux has where a driver has found such hardware."""


@functools.cache
def refusal(engine: EngineName, device: Device) -> str | None:
    """Run a convolution on an accelerator; None where that works, else why not."""
    found = next(each for each in ACCELERATORS if (each.engine, each.device) == (engine, device))
    try:
        return _not_built(found) or _compared(_run_small(found))
    except Exception as error:  # drivers and runtimes raise what they like; each means that there is none
        return cause(error)


@functools.cache
def gain(engine: EngineName, device: Device) -> float:
    """How many times as fast as the CPU an accelerator that works is, in one runtime; 0 where it fails.

    One pass of six convolutions, 2.4 GFLOP, once warm.
    """
    found = next(each for each in ACCELERATORS if (each.engine, each.device) == (engine, device))
    network = _Probe(_TIMED_CHANNELS, _TIMED_LAYERS)
    try:
        on_device, on_cpu = (
            _seconds(load(network, engine, setup)) for setup in (Setup(device, found.precisions[0]), Setup())
        )
    except Exception:
        return 0.0
    return on_cpu / on_device


def _seconds(runtime: Runtime) -> float:
    given = {"x": np.linspace(0, 1, _TIMED_SIDE**2, dtype=np.float32).reshape(1, 1, _TIMED_SIDE, _TIMED_SIDE)}
    runtime.run(given)
    times = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        runtime.run(given)
        times.append(time.perf_counter() - begun)
    return min(times)


def _not_built(found: Accelerator) -> str | None:
    """Why there can be none, as far as files tell: on most machines the answer is no, and an import costs a picture."""
    if found.engine == "onnxruntime":
        spec = importlib.util.find_spec("onnxruntime")
        if spec is None or spec.origin is None:
            return "ONNX Runtime is not installed"
        wanted = _LIBRARIES.get(found.device, ("*",))
        if not any(list(Path(spec.origin).parent.glob(f"capi/{each}")) for each in wanted):
            return f"ONNX Runtime as installed is built without {found.name}"
    elif found.engine == "openvino":
        pattern = Path(_DRIVERS[found.device])
        if sys.platform == "linux" and not list(pattern.parent.glob(pattern.name)):
            return f"no driver for {found.name} is loaded ({pattern})"
    elif found.engine == "opencv":
        from colorizer.engines.opencv import import_cv2

        cv2 = import_cv2()
        if cv2.dnn.DNN_TARGET_CUDA not in cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_CUDA):
            return f"OpenCV {cv2.__version__} as installed is built without CUDA"
        if not cv2.cuda.getCudaEnabledDeviceCount():
            return f"OpenCV {cv2.__version__} finds no CUDA device"
    return None


@dataclass(frozen=True)
class _Probe:
    """A network of convolutions without padding, all of ones; see `Loadable`."""

    channels: int
    layers: int
    path: Path = Path("probe")
    outputs: tuple[str, ...] = ("y",)

    def onnx(self) -> bytes:
        nodes, tensors, into = [], [], 1
        for place in range(self.layers):
            kernels = np.full((self.channels, into, 3, 3), 1.0 / (1 if place == 0 else 9 * into), np.float32)
            tensors.append(tensor(f"kernels{place}", kernels))
            before = "x" if place == 0 else f"v{place - 1}"
            after = "y" if place == self.layers - 1 else f"v{place}"
            shape = {"kernel_shape": (3, 3)}
            nodes.append(Node("Conv", f"conv{place}", (before, f"kernels{place}"), (after,), shape))
            into = self.channels
        side = _SIDE if self.layers == 1 else _TIMED_SIDE
        inner = side - 2 * self.layers
        outputs = (Value("y", (1, self.channels, inner, inner)),)
        graph = Graph("probe", tuple(nodes), (Value("x", (1, 1, side, side)),), outputs)
        return model_bytes(graph, tensors, "1")

    def ncnn(self) -> NcnnModel:
        raise EngineError("there is no accelerator in ncnn")

    def caffe(self) -> CaffeForm | None:
        return None


def _input() -> npt.NDArray[np.float32]:
    return np.linspace(0, 1, _SIDE * _SIDE, dtype=np.float32).reshape(1, 1, _SIDE, _SIDE)


def _run_small(found: Accelerator) -> npt.NDArray[np.float32]:
    runtime = load(_Probe(_CHANNELS, 1), found.engine, Setup(found.device, found.precisions[0]))
    return runtime.run({"x": _input()})["y"]


def _compared(found: npt.NDArray[np.float32]) -> str | None:
    windows = np.lib.stride_tricks.sliding_window_view(_input()[0, 0], (3, 3))
    if found.shape[1:] != (_CHANNELS, *windows.shape[:2]) or not np.allclose(
        found, windows.sum((2, 3)), rtol=_TOLERANCE
    ):
        raise EngineError("it computes a convolution wrongly")
    return None
