"""A described network in the forms that runtimes load: ONNX, ONNX Runtime's own format, or Caffe's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from colorizer.engines import CaffeForm, EngineName
from colorizer.engines.ncnn.form import NcnnModel
from colorizer.errors import WeightsError, shown
from colorizer.networks.base import Model
from colorizer.networks.descriptor.model import Descriptor

ENGINES: tuple[EngineName, ...] = ("onnxruntime", "openvino", "opencv")
"""Those that load ONNX."""


@dataclass(frozen=True)
class DescribedForms:
    """See `Loadable`."""

    model: Model
    descriptor: Descriptor

    @property
    def path(self) -> Path:
        """The file that holds the weights."""
        return self.model.weights

    @property
    def outputs(self) -> tuple[str, ...]:
        """The one output that is read."""
        return (self.descriptor.output.tensor,)

    @property
    def engines(self) -> tuple[EngineName, ...]:
        """The engines that may load it."""
        return ("onnxruntime",) if "ort" in self.model.files else ENGINES

    def onnx(self) -> bytes | Path:
        """The file itself.

        Raises
        ------
        WeightsError
            The files are Caffe's, and cannot be converted.
        """
        if "caffemodel" in self.model.files:
            from colorizer.networks.described.caffe import converted

            return converted(self.model, self.descriptor)
        return self.model.weights

    def ncnn(self) -> NcnnModel:
        """There is none.

        Raises
        ------
        WeightsError
            Always.
        """
        raise WeightsError(f"{shown(self.path)}: ncnn loads no ONNX", remedy=f"take {' or '.join(self.engines)}")

    def caffe(self) -> CaffeForm | None:
        """Caffe's own files, where the network comes from such."""
        if "caffemodel" not in self.model.files:
            return None
        output = self.descriptor.output.tensor
        from colorizer.networks.described.caffe import maker_of

        layer = maker_of(self.model.files["prototxt"], output)
        return CaffeForm(self.model.files["prototxt"], self.model.files["caffemodel"], {}, {output: layer})
