"""ncnn: the network in its own form, on the CPU in float32; by Winograd's method the fastest for a large one."""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from typing import Any

import numpy as np

from colorizer.engines.base import Array, Loadable, Setup, Tensors, failed_pass, import_runtime, unloadable
from colorizer.engines.ncnn.form import NcnnModel

_REDUCED = (
    "use_fp16_packed",
    "use_fp16_storage",
    "use_fp16_arithmetic",
    "use_bf16_packed",
    "use_bf16_storage",
)
"""What ncnn does by itself where a CPU can, at less than float32's precision."""


class Ncnn:
    """A network in ncnn; see `Runtime`. One pass at a time, and within a batch one picture at a time.

    Parameters
    ----------
    network
        What is loaded, in ncnn's form.
    setup
        float32 on the CPU.

    Raises
    ------
    WeightsError
        The network cannot be converted, or is refused.
    MissingExtraError
        ncnn is not installed.
    EngineError
        It does not load.
    """

    def __init__(self, network: Loadable, setup: Setup) -> None:
        ncnn = import_ncnn()
        self.name = setup.named(f"ncnn {ncnn.__version__}")
        self._ncnn = ncnn
        self._lock = threading.Lock()
        model = network.ncnn()
        self._outputs = model.outputs
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = setup.threads
        options.use_vulkan_compute = False
        # tiles of 6x6 lose three times the precision of those of 4x4 and, measured, gain nothing
        options.use_winograd63_convolution = False
        for name in _REDUCED:
            if hasattr(options, name):  # not each version has each
                setattr(options, name, False)
        if not load(self._net, model):
            raise unloadable(network.path, self.name, "it refused what was converted")

    def run(self, inputs: Tensors) -> dict[str, Array]:
        """One forward pass; see `Runtime.run`."""
        if any(array.ndim != 4 for array in inputs.values()):
            raise failed_pass(self.name, inputs, "not (N, C, H, W)")
        with self._lock:
            pictures = [
                self._one(inputs, [np.ascontiguousarray(planes) for planes in picture])
                for picture in zip(*inputs.values(), strict=True)
            ]
        return {name: np.stack([results[place] for results in pictures]) for place, name in enumerate(self._outputs)}

    def _one(self, inputs: Tensors, picture: list[Array]) -> list[Array]:
        """The outputs for one picture of a batch."""
        extractor = self._net.create_extractor()
        for name, planes in zip(inputs, picture, strict=True):
            # a copy, which a layer that works in place may write to; on memory of others it crashes
            extractor.input(name, self._ncnn.Mat(planes).clone())
        results = []
        for name in self._outputs:
            status, result = extractor.extract(name)
            if status != 0:
                raise failed_pass(self.name, inputs, f"status {status}; perhaps too little memory")
            results.append(np.array(result, np.float32))
        return results


def import_ncnn() -> Any:
    """The module `ncnn`.

    Raises
    ------
    MissingExtraError
        It is not installed.
    EngineError
        It does not load.
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
