"""ncnn: the network in its own form, on the CPU in float32; by Winograd's method the fastest for a large one."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.caffe.colors import Colors
from colorizer.caffe.ncnn_export import INPUT, OUTPUT, convert
from colorizer.caffe.ncnn_file import NcnnModel
from colorizer.engines.base import Setup, cause, failed_pass, import_runtime, unloadable
from colorizer.engines.converted import converted
from colorizer.errors import EngineError
from colorizer.models import Model

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
        ncnn is absent, or there is no room for its temporary files.
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
        if not _load(self._net, network):
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


def _load(net: Any, model: NcnnModel) -> bool:
    """Hand a model over by way of files: of bytes, ncnn would keep addresses that Python does not keep alive."""
    try:
        with tempfile.TemporaryDirectory(prefix="colorize-") as folder:
            param, weights = Path(folder) / "model.param", Path(folder) / "model.bin"
            param.write_text(model.param, encoding="ascii")
            model.write_weights(weights)
            return bool(net.load_param(str(param)) == 0 and net.load_model(str(weights)) == 0)
    except OSError as error:
        size = sum(numbers.nbytes for numbers in model.weights)
        raise EngineError(f"no room for temporary files of {size} bytes: {cause(error)}; see TMPDIR") from error
