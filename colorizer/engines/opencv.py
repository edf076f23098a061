"""OpenCV: Caffe's files through `cv2.dnn`, or an ONNX model.

Files may leave layers empty; their weights are set after loading and before the first pass. OpenCV 5 has no Caffe
importer, and that of OpenCV 4 reads no weights in double precision; there, the ONNX model is taken.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from colorizer.engines.base import Array, CaffeForm, Loadable, Setup, Tensors, cause, failed_pass, unloadable
from colorizer.engines.onnx_file import read_onnx_file
from colorizer.errors import EngineError, Remedy, WeightsError, shown


class OpenCV:
    """A network in `cv2.dnn`; see `Runtime`. One pass at a time.

    As it comes, OpenCV 4 convolves after Winograd, which is less exact here: results are off by up to 0.2 where plain
    convolutions stay within 0.015. Which of them is faster differs from CPU to CPU.

    Parameters
    ----------
    network
        What is loaded: Caffe's files where there are some and OpenCV reads them, else ONNX.
    setup
        float32 on the CPU; float32 or fp16 with CUDA.

    Raises
    ------
    WeightsError
        The files are no network that OpenCV can load.
    EngineError
        OpenCV is absent, or lacks what the setup asks for.
    """

    def __init__(self, network: Loadable, setup: Setup) -> None:
        cv2 = import_cv2()
        self.name = setup.named(f"OpenCV {cv2.__version__}")
        self._error = cv2.error
        self._lock = threading.Lock()
        try:
            self._net, self._outputs = _loaded(cv2, network, setup)
            if not setup.as_it_comes:
                direct(cv2, self._net, setup)
        except OSError as error:
            raise WeightsError(f"{shown(network.path)}: cannot read the model ({error.strerror})") from error
        except cv2.error as error:
            raise unloadable(network.path, self.name, _opencv_cause(error), other="onnxruntime") from error

    def run(self, inputs: Tensors) -> dict[str, Array]:
        """One forward pass; see `Runtime.run`."""
        with self._lock:
            try:
                for name, array in inputs.items():
                    self._net.setInput(array, name)
                # copies: OpenCV hands out its own buffers, which the next pass overwrites
                return {name: self._net.forward(layer).copy() for name, layer in self._outputs.items()}
            except self._error as error:
                raise failed_pass(self.name, inputs, _opencv_cause(error)) from error


def import_cv2() -> Any:
    """The module `cv2`.

    Raises
    ------
    EngineError
        It is not there or does not load; the message says how to get one.
    """
    try:
        import cv2
    except ImportError as error:
        raise EngineError(f"OpenCV cannot be imported ({cause(error)})", remedy=Remedy.INSTALL_OPENCV) from error
    return cv2


def has_caffe_importer(cv2: Any) -> bool:
    """Whether this OpenCV reads Caffe's files: 4 does, 5 does not."""
    return hasattr(cv2.dnn, "readNetFromCaffe")


def read_onnx(cv2: Any, onnx: bytes | Path, setup: Setup) -> Any:
    """A network from ONNX, given by its bytes or its file."""
    # a file by its name only where its tensors are in others: cv2 opens none that the Windows code page cannot spell
    named = isinstance(onnx, Path) and bool(read_onnx_file(onnx).external)
    if isinstance(onnx, Path):
        buffer = os.fspath(onnx) if named else np.fromfile(onnx, np.uint8)
    else:
        buffer = np.frombuffer(onnx, np.uint8)
    if setup.device == "cuda" and hasattr(cv2.dnn, "ENGINE_CLASSIC"):
        # the new engine of OpenCV 5 knows the CPU alone
        return cv2.dnn.readNetFromONNX(buffer, engine=cv2.dnn.ENGINE_CLASSIC)
    return cv2.dnn.readNetFromONNX(buffer)


def direct(cv2: Any, net: Any, setup: Setup) -> None:
    """Tell a network where and how to compute, whatever the build's own defaults are."""
    net.enableWinograd(False)
    if setup.device == "cuda":
        half = setup.precision == "fp16"
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
        net.setPreferableTarget(cv2.dnn.DNN_TARGET_CUDA_FP16 if half else cv2.dnn.DNN_TARGET_CUDA)
        return
    if has_caffe_importer(cv2):  # OpenCV 5 has nothing else, and warns when told
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    if setup.threads < cv2.getNumThreads():
        cv2.setNumThreads(setup.threads)


def _loaded(cv2: Any, network: Loadable, setup: Setup) -> tuple[Any, Mapping[str, str]]:
    """The network, and by output what it is called there."""
    files = network.caffe()
    if files is not None and has_caffe_importer(cv2):
        # what fails is either damaged, and converting it says where, or only OpenCV cannot read it
        with contextlib.suppress(cv2.error):
            return _from_caffe(cv2, files), files.outputs
    return read_onnx(cv2, network.onnx(), setup), {name: name for name in network.outputs}


def _from_caffe(cv2: Any, files: CaffeForm) -> Any:
    # buffers, since cv2 opens no file whose name the Windows code page cannot spell
    weights = np.memmap(files.caffemodel, np.uint8, mode="r")
    net = cv2.dnn.readNetFromCaffe(np.fromfile(files.prototxt, np.uint8), weights)
    for layer, blob in files.blobs.items():
        net.getLayer(net.getLayerId(layer)).blobs = [blob]
    return net


def _opencv_cause(error: Exception) -> str:
    return cause(Exception(str(error).rsplit("error:", maxsplit=1)[-1]))
