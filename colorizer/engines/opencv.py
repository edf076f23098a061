"""The Caffe route: prototxt and caffemodel through `cv2.dnn`, as Zhang, Isola and Efros' release is run everywhere.

The release's files leave two layers empty: the class colours (`class8_ab`) and the factor on the logits
(`conv8_313_rh`). Both are injected after loading and before the first pass. OpenCV 5 has no Caffe importer, and that of
OpenCV 4 reads no weights in double precision; there, the converted model is taken.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.caffe.network import cut_at_logits, read_network
from colorizer.engines.base import Setup, cause, failed_pass, unloadable
from colorizer.errors import EngineError, WeightsError, shown
from colorizer.networks import Model
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.contract import BIN_COUNT, CENTRES_LAYER, INPUT_BLOB, OUTPUT_BLOB, SCALE_LAYER
from colorizer.networks.zhang.converted import onnx_model


class OpenCVEngine:
    """A network in `cv2.dnn`; see `Engine`. One pass at a time.

    As it comes, OpenCV 4 convolves after Winograd, which is less exact here: ab is off by up to 0.2 where plain
    convolutions stay within 0.015. Which of them is faster differs from CPU to CPU.

    Parameters
    ----------
    model
        Files that were checked to belong together.
    colors
        Temperature and bin centres.
    setup
        float32 on the CPU; float32 or fp16 with CUDA.

    Raises
    ------
    WeightsError
        The files are no network that OpenCV can load.
    EngineError
        OpenCV is absent, or lacks what the setup asks for.
    """

    def __init__(self, model: Model, colors: Colors, setup: Setup) -> None:
        cv2 = import_cv2()
        self.name = setup.named(f"OpenCV {cv2.__version__}")
        self._error = cv2.error
        self._lock = threading.Lock()
        try:
            self._net, self._output = _loaded(cv2, model, colors, setup)
            if not setup.as_it_comes:
                direct(cv2, self._net, setup)
        except OSError as error:
            raise WeightsError(f"{shown(model.caffemodel)}: cannot read the model ({error.strerror})") from error
        except cv2.error as error:
            raise unloadable(model.caffemodel, self.name, _opencv_cause(error), elsewhere=False) from error

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Predicted chroma; see `Engine.ab`."""
        with self._lock:
            try:
                self._net.setInput(lightness, INPUT_BLOB)
                # a copy: OpenCV hands out its own buffer, which the next pass overwrites
                ab: npt.NDArray[np.float32] = self._net.forward(self._output).copy()
            except self._error as error:
                raise failed_pass(self.name, lightness, _opencv_cause(error)) from error
        return ab


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
        raise EngineError(
            f"OpenCV cannot be imported ({error}); on a machine without a screen install opencv-python-headless "
            "in place of opencv-python: pip uninstall opencv-python; pip install 'opencv-python-headless>=4.10'"
        ) from error
    return cv2


def has_caffe_importer(cv2: Any) -> bool:
    """Whether this OpenCV reads Caffe's files: 4 does, 5 does not."""
    return hasattr(cv2.dnn, "readNetFromCaffe")


def read_onnx(cv2: Any, onnx: bytes, setup: Setup) -> Any:
    """A network from ONNX bytes."""
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


def _loaded(cv2: Any, model: Model, colors: Colors, setup: Setup) -> tuple[Any, str]:
    """The network, and what its output is called there."""
    cut = cut_at_logits(read_network(model.prototxt)) if setup.cut else None
    if has_caffe_importer(cv2):
        # what fails is either damaged, and converting it says where, or only OpenCV cannot read it
        with contextlib.suppress(cv2.error):
            return _from_caffe(cv2, model, colors), cut.layers[-1].name if cut else OUTPUT_BLOB
    return read_onnx(cv2, onnx_model(model, colors, cut=setup.cut), setup), cut.output if cut else OUTPUT_BLOB


def _from_caffe(cv2: Any, model: Model, colors: Colors) -> Any:
    # buffers, since cv2 opens no file whose name the Windows code page cannot spell
    weights = np.memmap(model.caffemodel, np.uint8, mode="r")
    net = cv2.dnn.readNetFromCaffe(np.fromfile(model.prototxt, np.uint8), weights)
    scale = np.full([1, BIN_COUNT], colors.scale, np.float32)
    for layer, blob in ((SCALE_LAYER, scale), (CENTRES_LAYER, colors.kernels)):
        net.getLayer(net.getLayerId(layer)).blobs = [blob]
    return net


def _opencv_cause(error: Exception) -> str:
    return cause(Exception(str(error).rsplit("error:", maxsplit=1)[-1]))
