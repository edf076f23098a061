"""What the conversions to other forms have in common: the walk over the layers, and what each layer says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from colorizer.caffe.caffemodel import CaffeModel
from colorizer.caffe.layers import Layer, quoted
from colorizer.caffe.network import Network
from colorizer.errors import Remedy, WeightsError, shown

_CAFFE_EPS = 1e-5  # BatchNormParameter's default
_SUM = ("SUM", "1")  # EltwiseParameter.EltwiseOp, by name and by number

Numbers = npt.NDArray[np.floating[Any]]
Value = TypeVar("Value")


class Statistics(NamedTuple):
    """What a BatchNorm subtracts, and by the root of what (and `eps`) it divides."""

    mean: Numbers
    variance: Numbers
    eps: float


class Conversion(ABC, Generic[Value]):
    """A network on its way to another form, where `Value` says what holds a blob of Caffe's.

    Caffe's layers may work in place, whereas a value of other forms is made once: a blob is what was made of it last.

    Parameters
    ----------
    network
        What is converted.
    weights
        Its weights, which were checked to belong to it.
    entry
        What holds the input.
    form
        The other form's name, as it follows "cannot be converted"; for messages.
    """

    def __init__(self, network: Network, weights: CaffeModel, entry: Value, form: str) -> None:
        self.values = {each.name: entry for each in network.inputs}
        self._layers = network.layers
        self._weights = weights
        self._form = form

    def run(self) -> None:
        """Convert all layers, in order.

        Raises
        ------
        WeightsError
            A layer has no equal in the other form that is known here.
        """
        for layer in self._layers:
            if layer.type == "Silence":
                continue
            inputs = [self.values[bottom] for bottom in layer.bottoms]
            if layer.type == "Slice":
                self.values.update(zip(layer.tops, self.sliced(layer, inputs[0]), strict=True))
                continue
            # Split and Dropout hand on what they get
            made = inputs[0] if layer.type in ("Split", "Dropout") else self.converted(layer, inputs)
            self.values.update((top, made) for top in layer.tops)

    @abstractmethod
    def converted(self, layer: Layer, inputs: Sequence[Value]) -> Value:
        """What holds a layer's output, once it is converted."""

    def sliced(self, layer: Layer, value: Value) -> Sequence[Value]:  # noqa: ARG002 - for those that can
        """What holds each output of a Slice.

        Raises
        ------
        WeightsError
            The other form has no equal that is known here.
        """
        raise self.unknown(layer)

    def blobs(self, layer: Layer) -> list[Numbers]:
        """The numbers of a layer's blobs, flat."""
        found = self._weights.layer(layer.name)
        return [blob.data.reshape(-1) for blob in found.blobs] if found else []

    def statistics(self, layer: Layer) -> Statistics:
        """A BatchNorm's numbers; Caffe stores sums and the factor by which they are too large."""
        mean, variance, factor = self.blobs(layer)
        weight = np.float32(0 if factor[0] == 0 else 1 / factor[0])
        return Statistics(mean * weight, variance * weight, layer.params.number("eps", _CAFFE_EPS))

    def check_plain_sum(self, layer: Layer) -> None:
        """Refuse an Eltwise that does anything but add."""
        if layer.params.word("operation", _SUM[0]) not in _SUM or "coeff" in layer.params:
            raise self.no_equal(layer, "is an Eltwise that is no plain sum")

    def check_over_classes(self, layer: Layer) -> None:
        """Refuse a Softmax over anything but the channels."""
        if layer.params.integer("axis", 1) != 1:
            raise self.no_equal(layer, "is a Softmax along another axis than the classes")

    def unknown(self, layer: Layer) -> WeightsError:
        """The error for a type of layer that the other form or its module lacks."""
        return self.no_equal(layer, f"is of type {quoted(layer.type)}")

    def no_equal(self, layer: Layer, what: str) -> WeightsError:
        """The error for a layer that the other form or its module lacks."""
        name = shown(self._weights.path) if self._weights.path else "this network"
        return WeightsError(
            f"{name} cannot be converted {self._form}: layer {quoted(layer.name)} {what}", remedy=Remedy.READ_AS_CAFFE
        )
