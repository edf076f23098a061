"""A network of Caffe's as an ONNX model, for the runtimes that do not read Caffe.

Layer by layer; every operator means exactly what Caffe's layer does. Weights are stored in float32 whatever the
caffemodel holds. Batch, height and width stay open. A BatchNorm becomes one ONNX node and is left to the runtime: after
a ReLU and before a zero-padded convolution, as in the release, its shift folds into neither (the padding is zero after
the shift, not before it), and where a convolution precedes it every runtime folds it by itself.

The weighted mean at the end is computed as one: softmax and values give sum(c * e^z) / sum(e^z), and one convolution
makes both sums. Measured, that takes a quarter of what ONNX Runtime's softmax over channels takes alone.

The factor on the logits and the values are constants, so that a runtime may fold the factor into the convolution before
it. They are the last bytes of the file and their length never changes: `with_mean` sets them anew without reading the
rest. Inputs with
default values would be more usual, but OpenVINO and OpenCV take such defaults for constants, and ONNX Runtime folds
nothing that may change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.caffe.caffemodel import CaffeModel
from colorizer.caffe.conversion import Conversion, Numbers
from colorizer.caffe.layers import Layer
from colorizer.caffe.network import Network
from colorizer.caffe.weighted_mean import NO_MEAN, WeightedMean, result_of
from colorizer.engines.onnx_form import Attribute, Graph, Node, Value, model_bytes, tensor
from colorizer.errors import shown

CONVERTER_VERSION = "1"
"""Raised with every change of what comes out, so that models converted before are converted again."""

_FLOAT_BYTES = 4
_RELU6_LIMITS = {"relu6.low": 0.0, "relu6.high": 6.0}


def convert(network: Network, weights: CaffeModel, mean: WeightedMean = NO_MEAN) -> bytes:
    """The ONNX model of a network and its weights, which were checked to belong together.

    Returns
    -------
    bytes
        Of the file: input and output have the names of Caffe's blobs and are (N, C, H, W) float32. A network that was
        cut gives what its last layer makes.

    Raises
    ------
    WeightsError
        A layer has no equal in ONNX that is known here.
    """
    conversion = _Conversion(network, weights, mean)
    conversion.run()
    (entry,), result = network.inputs, result_of(network, mean)
    whole = network.layer(mean.mean_layer) is not None
    graph = Graph(
        shown(network.name) or "colorize",
        tuple(conversion.graph),
        (Value(entry.name, ("batch", entry.shape[1], "height", "width")),),
        (Value(result, ("batch", network.channels(result), "ab_height", "ab_width")),),
    )
    tensors = [*conversion.tensors.values(), *(_mean_tensors(mean) if whole else ())]
    return model_bytes(graph, tensors, CONVERTER_VERSION)


def with_mean(model: bytes, mean: WeightedMean) -> bytes:
    """The same model with another factor on the logits and other values.

    Raises
    ------
    ValueError
        The bytes do not end as `convert` makes them.
    """
    scale, values = _mean_tensors(mean)
    start = len(model) - len(scale) - len(values)
    head = scale[:-_FLOAT_BYTES]  # all but the number
    if start < 0 or not model.startswith(head, start):
        raise ValueError("no model that was converted here")
    if model.endswith(scale + values):
        return model
    return b"".join((memoryview(model)[:start], scale, values))


def _mean_tensors(mean: WeightedMean) -> tuple[bytes, bytes]:
    # the last output sums over the classes
    kernels = np.concatenate([mean.kernels, np.ones_like(mean.kernels[:1])])
    scale, values = mean.tensor_names
    return tensor(scale, np.array([mean.scale], np.float32)), tensor(values, kernels)


class _Conversion(Conversion[str]):
    """Nodes and tensors so far, and under which name each blob of Caffe's was last written."""

    def __init__(self, network: Network, weights: CaffeModel, mean: WeightedMean) -> None:
        (entry,) = network.inputs
        super().__init__(network, weights, entry.name, "to ONNX")
        self.mean = mean
        self._network = network
        self._entry = entry.name
        self.graph: list[Node] = []
        self.tensors: dict[str, bytes] = {}
        self._last_writer = {top: layer.name for layer in network.layers for top in layer.tops}

    def converted(self, layer: Layer, inputs: Sequence[str]) -> str:
        """The name of a layer's output."""
        convert_layer = _CONVERTERS.get(layer.type)
        if convert_layer is None:
            raise self.unknown(layer)
        top = layer.tops[0]
        # the blob's own name belongs to the last layer that writes it, so that the result keeps its name
        last = self._last_writer[top] == layer.name and top != self._entry
        name = top if last else f"{top}/{layer.name}"
        convert_layer(self, layer, [*inputs], name)
        return name

    def sliced(self, layer: Layer, value: str) -> Sequence[str]:
        """The names of a Slice's outputs."""
        counts = layer.slices(self._network.channels(layer.bottoms[0]))
        parts = self.constant(f"{layer.name}.parts", np.array(counts, np.int64))
        names = [f"{top}/{layer.name}" for top in layer.tops]
        self.node("Split", [value, parts], *names, axis=1)
        return names

    def feeds_mean_alone(self, layer: Layer) -> bool:
        """Whether nothing but the layer of the mean reads what a layer makes."""
        return [reader.name for reader in self._layers if layer.tops[0] in reader.bottoms] == [self.mean.mean_layer]

    def node(self, op: str, inputs: Sequence[str], *outputs: str, **attributes: Attribute) -> str:
        """Add an operation; the name of its first output."""
        self.graph.append(Node(op, outputs[0], tuple(inputs), outputs, attributes))
        return outputs[0]

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add a tensor, unless there is one of that name; its name."""
        if name not in self.tensors:
            self.tensors[name] = tensor(name, values)
        return name


def _convolution(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:
    if layer.name == to.mean.mean_layer:
        sums = to.node("Conv", [*inputs, to.mean.tensor_names[1]], f"{output}.sums")
        parts = to.constant(f"{output}.parts", np.array([len(to.mean.kernels), 1], np.int64))
        weighted, weight = f"{output}.weighted", f"{output}.weight"
        to.node("Split", [sums, parts], weighted, weight, axis=1)
        to.node("Div", [weighted, weight], output)
        return
    parameters, window = layer.convolution, layer.convolution.window
    transposed = layer.type == "Deconvolution"
    kernels, *bias = to.blobs(layer)
    # Caffe's and ONNX's kernels lie alike: (outputs, inputs / group), for a deconvolution (inputs, outputs / group)
    lead = -1 if transposed else parameters.outputs
    follow = parameters.outputs // parameters.group if transposed else -1
    weights = [to.constant(f"{layer.name}.kernels", kernels.reshape(lead, follow, *window.kernel))]
    if parameters.bias:
        weights.append(to.constant(f"{layer.name}.bias", bias[0]))
    to.node(
        "ConvTranspose" if transposed else "Conv",
        [*inputs, *weights],
        output,
        kernel_shape=window.kernel,
        strides=window.stride,
        pads=(*window.pad, *window.pad),
        dilations=window.dilation,
        group=parameters.group,
    )


def _batch_norm(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:
    mean, variance, eps = to.statistics(layer)
    statistics = {"scale": np.ones_like(mean), "shift": np.zeros_like(mean), "mean": mean, "variance": variance}
    names = [to.constant(f"{layer.name}.{role}", values) for role, values in statistics.items()]
    to.node("BatchNormalization", [*inputs, *names], output, epsilon=eps)


def _scale(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:
    if layer.name == to.mean.scale_layer:
        to.node("Mul", [*inputs, to.mean.tensor_names[0]], output)
        return
    factor, *shift = (_per_channel(blob) for blob in to.blobs(layer))
    scaled = f"{output}.scaled" if shift else output
    to.node("Mul", [*inputs, to.constant(f"{layer.name}.factor", factor)], scaled)
    if shift:
        to.node("Add", [scaled, to.constant(f"{layer.name}.shift", shift[0])], output)


def _relu(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:
    slope = layer.params.number("negative_slope")
    if slope:
        to.node("LeakyRelu", inputs, output, alpha=slope)
    else:
        to.node("Relu", inputs, output)


def _relu6(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:  # noqa: ARG001
    limits = [to.constant(name, np.array(value)) for name, value in _RELU6_LIMITS.items()]
    to.node("Clip", [*inputs, *limits], output)


def _eltwise(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:
    to.check_plain_sum(layer)
    to.node("Sum" if len(inputs) != 2 else "Add", inputs, output)


def _concat(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:  # noqa: ARG001
    to.node("Concat", inputs, output, axis=1)


def _softmax(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:
    to.check_over_classes(layer)
    if to.feeds_mean_alone(layer):
        # not divided by its sum, which the layer of the mean does for few outputs in place of many classes
        highest = to.node("ReduceMax", inputs, f"{output}.highest", axes=(1,), keepdims=1)
        to.node("Exp", [to.node("Sub", [*inputs, highest], f"{output}.below")], output)
    else:
        to.node("Softmax", inputs, output, axis=1)


def _tanh(to: _Conversion, layer: Layer, inputs: list[str], output: str) -> None:  # noqa: ARG001
    to.node("Tanh", inputs, output)


def _per_channel(values: Numbers) -> Numbers:
    return values.reshape(1, -1, 1, 1)


_CONVERTERS: dict[str, Callable[[_Conversion, Layer, list[str], str], None]] = {
    "BatchNorm": _batch_norm,
    "Concat": _concat,
    "Convolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "Deconvolution": _convolution,
    "Eltwise": _eltwise,
    "ReLU": _relu,
    "ReLU6": _relu6,
    "Scale": _scale,
    "Softmax": _softmax,
    "TanH": _tanh,
}
