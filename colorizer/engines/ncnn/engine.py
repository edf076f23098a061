"""ncnn: the network in its own form, on the CPU in float32; by Winograd's method the fastest for a large one."""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.caffe.ncnn_export import INPUT, OUTPUT, convert
from colorizer.engines.base import Setup, failed_pass, import_runtime, unloadable
from colorizer.engines.ncnn.form import NcnnModel
from colorizer.networks import Model
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.converted import converted

_REDUCED = (
    "use_fp16_packed",
    "use_fp16_storage",
    "use_fp16_arithmetic",
    "use_bf16_packed",
    "use_bf16_storage",
)
"""What ncnn does by itself where a CPU can, at less than float32's precision."""


class NcnnEngine:
    """A network in ncnn; see `Engine`. One pass at a time, and within a batch one picture at a time.

    Parameters
    ----------
    model
        Files that were checked to belong together.
    colors
        Temperature and bin centres.
    setup
        float32 on the CPU.

    Raises
    ------
    WeightsError
        The files are no network that can be converted.
    EngineError
        ncnn is absent.
    """

    def __init__(self, model: Model, colors: Colors, setup: Setup) -> None:
        ncnn = import_ncnn()
        self.name = setup.named(f"ncnn {ncnn.__version__}")
        self._ncnn = ncnn
        self._lock = threading.Lock()
        network = converted(model, colors, convert, cut=setup.cut)
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = setup.threads
        options.use_vulkan_compute = False
        # tiles of 6x6 lose three times the precision of those of 4x4 and, measured, gain nothing
        options.use_winograd63_convolution = False
        for name in _REDUCED:
            if hasattr(options, name):  # not each version has each
                setattr(options, name, False)
        if not load(self._net, network):
            raise unloadable(model.caffemodel, self.name, "it refused what was converted")

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Predicted chroma; see `Engine.ab`."""
        if lightness.ndim != 4:
            raise failed_pass(self.name, lightness, "not (N, 1, H, W)")
        with self._lock:
            return np.stack([self._one(lightness, np.ascontiguousarray(plane)) for plane in lightness])

    def _one(self, lightness: npt.NDArray[np.float32], plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        extractor = self._net.create_extractor()
        # a copy, which a layer that works in place may write to; on memory of others it crashes
        extractor.input(INPUT, self._ncnn.Mat(plane).clone())
        status, ab = extractor.extract(OUTPUT)
        if status != 0:
            raise failed_pass(self.name, lightness, f"status {status}; perhaps too little memory")
        return np.array(ab, np.float32)


def import_ncnn() -> Any:
    """The module `ncnn`.

    Raises
    ------
    EngineError
        It is not there or does not load; the message says how to get it.
    """
    return import_runtime("ncnn", "ncnn")


def load(net: Any, model: NcnnModel) -> bool:
    """Hand a model over to a `ncnn.Net`, which copies it; whether it took it."""
    return bool(net.load_param_mem(model.param) == 0 and net.load_model(_reader(model)) == 0)


def _reader(model: NcnnModel) -> Any:
    """What ncnn reads the weights through.

    The binding's other ways are a file, which a large network takes 0.2 s to write, and bytes, of which ncnn keeps the
    address where Python does not keep the bytes.
    """

    class Reader(import_ncnn().DataReader):  # type: ignore[misc]  # ncnn has no types
        def __init__(self) -> None:
            super().__init__()
            self.left = deque(numbers.reshape(-1).view(np.uint8) for numbers in model.weights)

        def read(self, buffer: object, size: int) -> int:
            """Fill `size` bytes at an address; how many there were."""
            target = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(_address(buffer, None)))
            done = 0
            while done < size and self.left:
                source = self.left.popleft()
                part = source[: size - done]
                target[done : done + part.size] = part
                done += part.size
                if part.size < source.size:
                    self.left.appendleft(source[part.size :])
            return done

    return Reader()


_address = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
"""Of a pointer as pybind11 wraps it: in a capsule without a name."""
