"""Whether a runtime computes on an NVIDIA GPU here: found out by a real forward pass, of one convolution.

Lists of devices and build switches say what could be; drivers, CUDA and cuDNN of versions that do not fit show only
when something is computed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from colorizer.engines.base import EngineName, Setup, cause
from colorizer.engines.onnx_form import Graph, Node, Value, model_bytes, tensor
from colorizer.errors import EngineError

CUDA_ENGINES: tuple[EngineName, ...] = ("onnxruntime", "opencv")

_SIDE = 16
_KERNELS = (4, 1, 3, 3)
_TOLERANCE = 1e-2  # of sums of nine small numbers; fp16 has three digits


def probe_cuda(engine: EngineName) -> str | None:
    """Run a convolution on the GPU; None where that works, else why not."""
    try:
        return _probe_onnxruntime() if engine == "onnxruntime" else _probe_opencv()
    except Exception as error:  # drivers and runtimes raise what they like; each means that there is no CUDA
        return cause(error)


def _probe_onnxruntime() -> str | None:
    # looked up, not imported: on most machines the answer is no, and the import would cost more than a picture
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        return "ONNX Runtime is not installed"
    if not list(Path(spec.origin).parent.glob("capi/*onnxruntime_providers_cuda*")):
        return "ONNX Runtime as installed is built without CUDA"
    from colorizer.engines.onnxruntime import import_onnxruntime, open_session

    session = open_session(import_onnxruntime(), _model(), Setup(device="cuda"))
    return _compared(session.run(None, {"x": _input()})[0])


def _probe_opencv() -> str | None:
    from colorizer.engines.opencv import direct, import_cv2, read_onnx

    cv2 = import_cv2()
    if cv2.dnn.DNN_TARGET_CUDA not in cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_CUDA):
        return f"OpenCV {cv2.__version__} as installed is built without CUDA"
    if not cv2.cuda.getCudaEnabledDeviceCount():
        return f"OpenCV {cv2.__version__} finds no CUDA device"
    setup = Setup(device="cuda")
    net = read_onnx(cv2, _model(), setup)
    direct(cv2, net, setup)
    net.setInput(_input(), "x")
    return _compared(net.forward())


def _model() -> bytes:
    node = Node("Conv", "y", ("x", "kernels"), ("y",), {"kernel_shape": (3, 3)})
    shape = (1, 1, _SIDE, _SIDE)
    inner = (1, _KERNELS[0], _SIDE - 2, _SIDE - 2)
    graph = Graph("probe", (node,), (Value("x", shape),), (Value("y", inner),))
    return model_bytes(graph, [tensor("kernels", np.ones(_KERNELS, np.float32))], "1")


def _input() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.linspace(0, 1, _SIDE * _SIDE, dtype=np.float32).reshape(1, 1, _SIDE, _SIDE)


def _compared(found: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> str | None:
    windows = np.lib.stride_tricks.sliding_window_view(_input()[0, 0], (3, 3))
    if found.shape[1:] != (_KERNELS[0], *windows.shape[:2]) or not np.allclose(
        found, windows.sum((2, 3)), rtol=_TOLERANCE
    ):
        raise EngineError("it computes a convolution wrongly")
    return None
