"""The Caffe route: prototxt and caffemodel through `cv2.dnn`, as Zhang, Isola and Efros' release is run everywhere.

The release's files leave two layers empty: the class colours (`class8_ab`) and the factor on the logits
(`conv8_313_rh`). Both are injected after loading and before the first pass.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from colorizer.bins import bin_centres
from colorizer.contract import (
    BIN_COUNT,
    CENTRES_LAYER,
    INPUT_BLOB,
    OUTPUT_BLOB,
    RELEASE_SCALE,
    RELEASE_TEMPERATURE,
    SCALE_LAYER,
)
from colorizer.errors import EngineError, WeightsError, shown

if TYPE_CHECKING:
    from colorizer.models import Model


class OpenCVEngine:
    """A network in `cv2.dnn`, on the CPU; see `Engine`. Safe to call from several threads, one pass at a time.

    Parameters
    ----------
    model
        Files that were checked to belong together.
    temperature
        Of the annealed mean.
    centres
        (313, 2) colours of the classes; the built-in table by default.
    winograd
        OpenCV's Winograd convolutions: on by default there, but slower for these networks and less exact (ab off by up
        to 0.2 where the plain ones stay within 0.015).
    """

    def __init__(
        self,
        model: Model,
        *,
        temperature: float = RELEASE_TEMPERATURE,
        centres: npt.NDArray[np.float32] | None = None,
        winograd: bool = False,
    ) -> None:
        cv2 = _import_cv2()
        self.name = f"OpenCV {cv2.__version__}"
        self._lock = threading.Lock()
        try:
            # buffers, since cv2 opens no file whose name the Windows code page cannot spell
            self._net = cv2.dnn.readNetFromCaffe(
                np.fromfile(model.prototxt, np.uint8), np.memmap(model.caffemodel, np.uint8, mode="r")
            )
            self._inject(SCALE_LAYER, np.full([1, BIN_COUNT], _scale(temperature), np.float32))
            colors = bin_centres() if centres is None else centres
            self._inject(CENTRES_LAYER, np.ascontiguousarray(colors.T.reshape(2, BIN_COUNT, 1, 1), np.float32))
        except OSError as error:
            raise WeightsError(f"{shown(model.caffemodel)}: cannot read the model ({error.strerror})") from error
        except cv2.error as error:
            raise WeightsError(
                f"{shown(model.caffemodel)}: {self.name} cannot load this network ({_cause(error)}); "
                "run `colorize weights verify`"
            ) from error
        self._error = cv2.error
        self._net.enableWinograd(winograd)

    def _inject(self, layer: str, blob: npt.NDArray[np.float32]) -> None:
        self._net.getLayer(self._net.getLayerId(layer)).blobs = [blob]

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Predicted chroma; see `Engine.ab`."""
        with self._lock:
            try:
                self._net.setInput(lightness, INPUT_BLOB)
                # a copy: OpenCV hands out its own buffer, which the next pass overwrites
                ab: npt.NDArray[np.float32] = self._net.forward(OUTPUT_BLOB).copy()
            except self._error as error:
                raise EngineError(f"{self.name} failed on an input of {lightness.shape}: {_cause(error)}") from error
        return ab


def _scale(temperature: float) -> float:
    return RELEASE_SCALE if temperature == RELEASE_TEMPERATURE else 1.0 / temperature


def _import_cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise EngineError(
            f"OpenCV cannot be imported ({error}); on a machine without a screen install opencv-python-headless "
            "in place of opencv-python: pip uninstall opencv-python; pip install 'opencv-python-headless>=4.10,<5'"
        ) from error
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        raise EngineError(
            f"the installed OpenCV {cv2.__version__} has no Caffe importer (removed in OpenCV 5); "
            "install one that has: pip install 'opencv-python-headless>=4.10,<5'"
        )
    return cv2


def _cause(error: Exception) -> str:
    """The one telling line of OpenCV's message."""
    return " ".join(str(error).split("error:")[-1].split())
