"""A network of the contract in the forms that runtimes load: Caffe's own files, ONNX, and ncnn's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from colorizer.caffe.ncnn_export import convert as convert_to_ncnn
from colorizer.engines import CaffeForm
from colorizer.engines.ncnn.form import NcnnModel
from colorizer.networks.base import Model
from colorizer.networks.zhang.checks import cut_at_logits
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.contract import BIN_COUNT, CENTRES_LAYER, OUTPUT_BLOB, SCALE_LAYER
from colorizer.networks.zhang.converted import converted, onnx_model


@dataclass(frozen=True)
class ZhangForms:
    """The whole network, with temperature and bin centres set; or cut at its logits, which have neither."""

    model: Model
    colors: Colors
    cut: bool = False

    @property
    def path(self) -> Path:
        """The caffemodel."""
        return self.model.weights

    @property
    def outputs(self) -> tuple[str, ...]:
        """The one output: chroma, or the logits."""
        return (self._logits[0],) if self.cut else (OUTPUT_BLOB,)

    def onnx(self) -> bytes:
        """An ONNX model; see `Loadable.onnx`.

        Raises
        ------
        WeightsError
            The files are no network of the contract, do not belong together, or have a layer without an equal in ONNX.
        """
        return onnx_model(self.model, self.colors, cut=self.cut)

    def ncnn(self) -> NcnnModel:
        """What ncnn loads; see `Loadable.ncnn`.

        Raises
        ------
        WeightsError
            The files are no network of the contract, do not belong together, or have a layer without an equal in ncnn.
        """
        return converted(self.model, self.colors, convert_to_ncnn, cut=self.cut)

    def caffe(self) -> CaffeForm:
        """The two files, with what the release leaves empty: the classes' colours, and the factor on the logits."""
        outputs = dict([self._logits]) if self.cut else {OUTPUT_BLOB: OUTPUT_BLOB}
        scale = np.full([1, BIN_COUNT], self.colors.scale, np.float32)
        blobs = {SCALE_LAYER: scale, CENTRES_LAYER: self.colors.kernels}
        return CaffeForm(self.model.files["prototxt"], self.model.files["caffemodel"], blobs, outputs)

    @cached_property
    def _logits(self) -> tuple[str, str]:
        """The blob of the logits, and the layer that makes it."""
        from colorizer.caffe.network import read_network

        last = cut_at_logits(read_network(self.model.files["prototxt"])).layers[-1]
        return last.tops[0], last.name
