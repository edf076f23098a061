"""A network of Caffe's as ncnn takes it: a text of layers, and the bytes of their weights in the same order.

ncnn began with Caffe's layers and still has them, so each becomes one of its own, with four exceptions, for speed.

A convolution with gaps in its kernel (`dilation`) keeps ncnn from Winograd's method, which takes a third of the time;
so its input is taken apart (`ncnn_phases`). Classes are filled up with some that are never met, since ncnn computes
16 channels at once if there are that many. What a 3x3 convolution sees of the one channel of lightness becomes nine,
shifted, of which a 1x1 convolution makes the same: ncnn's code for it takes a quarter of the time. And a deconvolution
that doubles the size becomes a 3x3 convolution that makes the four pixels of each place as channels (Shi et al. 2016):
more than half of its kernels is zero, and by Winograd's method it still takes two thirds of the time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from colorizer.caffe.caffemodel import CaffeModel
from colorizer.caffe.conversion import Conversion, Numbers
from colorizer.caffe.layers import Convolution, Layer, Window
from colorizer.caffe.ncnn_phases import Blob, Phases
from colorizer.caffe.network import Network
from colorizer.caffe.weighted_mean import WeightedMean, result_of
from colorizer.engines.ncnn.form import Graph, NcnnModel

_MULTIPLY = 2  # of ncnn's BinaryOp
_ADD = 1  # of ncnn's Eltwise

_REMAINDER = -233  # of Crop's sizes: all that is not cut off

_TOGETHER = 16
"""Channels that ncnn computes at once, if their number is a multiple; classes are filled up to one."""

_NEVER = -1e30
"""Logit of a class that is none."""

_SAME = Window(kernel=(3, 3), stride=(1, 1), pad=(1, 1), dilation=(1, 1))
_POINT = Window(kernel=(1, 1), stride=(1, 1), pad=(0, 0), dilation=(1, 1))
_DOUBLING = Window(kernel=(4, 4), stride=(2, 2), pad=(1, 1), dilation=(1, 1))

_SEEN = np.zeros((2, 3, 4), np.float32)
"""Of `_DOUBLING`, on one axis: by which of the four taps an even or odd pixel sees each of its place's neighbours."""
_SEEN[[0, 0, 1, 1], [0, 1, 1, 2], [3, 1, 2, 0]] = 1

_POINTWISE = frozenset(("BatchNorm", "ReLU", "ReLU6"))
"""Layers of Caffe's that treat each pixel by itself, whatever its place."""


def convert(network: Network, weights: CaffeModel, mean: WeightedMean) -> NcnnModel:
    """The ncnn model of a network and its weights, which were checked to belong together.

    Returns
    -------
    NcnnModel
        Its blobs for the input and the result have Caffe's names, and are (C, H, W) float32. A network that was cut
        gives what its last layer makes.

    Raises
    ------
    WeightsError
        A layer has no equal in ncnn that is known here.
    """
    conversion = _Conversion(network, weights, mean)
    conversion.run()
    return conversion.finished(result_of(network, mean))


class _Conversion(Conversion[Blob]):
    """Layers and weights so far, and what holds each blob of Caffe's."""

    def __init__(self, network: Network, weights: CaffeModel, mean: WeightedMean) -> None:
        (entry,) = network.inputs
        super().__init__(network, weights, Blob(entry.name), "for ncnn")
        self.mean = mean
        self.entry = entry.name
        self.single = entry.shape[1] == 1
        self.graph = Graph(entry.name)
        self._phases = Phases(self.graph)
        self._makes_classes = _maker_of_classes(network, mean)
        self.known_classes = mean.kernels.shape[1]
        filled_up = -(-self.known_classes // _TOGETHER) * _TOGETHER
        self.classes = filled_up if self._makes_classes else self.known_classes

    def converted(self, layer: Layer, inputs: Sequence[Blob]) -> Blob:
        """What holds a layer's output; in phases as long as that goes."""
        convert_layer = _CONVERTERS.get(layer.type)
        if convert_layer is None:
            raise self.unknown(layer)
        if layer.type in _POINTWISE:
            name = convert_layer(self, layer, [inputs[0].name])
            return Blob(name, inputs[0].gaps, inputs[0].plane, clean=inputs[0].gaps == 1)
        if layer.type in _CONVOLUTIONS and (gaps := _gaps(layer.convolution)) > 1:
            apart = self._phases.taken_apart(inputs[0], gaps)
            return Blob(self.convolve(layer, [apart.name], _SAME), gaps, apart.plane, clean=False)
        return Blob(convert_layer(self, layer, [self._phases.whole(blob) for blob in inputs]))

    def convolve(self, layer: Layer, inputs: Sequence[str], window: Window) -> str:
        """A Convolution or Deconvolution of Caffe's with another window than its own, perhaps."""
        convolution = layer.convolution
        kernels, *bias = self.blobs(layer)
        if layer.name == self._makes_classes:
            kernels = _filled(kernels, self.classes * kernels.size // self.known_classes, 0)
            bias = [_filled(bias[0] if bias else np.zeros(self.known_classes, np.float32), self.classes, _NEVER)]
            convolution = replace(convolution, outputs=self.classes, bias=True)
        transposed = layer.type == "Deconvolution"
        if transposed:
            # Caffe has (inputs, outputs / group), ncnn within each group (outputs / group, inputs / group)
            by_group = kernels.reshape(convolution.group, -1, convolution.outputs // convolution.group, *window.kernel)
            kernels = by_group.swapaxes(1, 2)
        kind = "Deconvolution" if transposed else "Convolution"
        return self._convolution(kind, inputs, window, convolution, kernels, *bias)

    def doubled(self, layer: Layer, inputs: Sequence[str]) -> str:
        """A Deconvolution of Caffe's with the window `_DOUBLING` and one group."""
        convolution = layer.convolution
        kernels, *bias = self.blobs(layer)
        by_input = kernels.reshape(-1, convolution.outputs, 4, 4)
        of_each = np.einsum("yrk,xcl,iokl->oyxirc", _SEEN, _SEEN, by_input, optimize=True)
        four = replace(convolution, outputs=4 * convolution.outputs)
        each = self._convolution("Convolution", inputs, _SAME, four, of_each, *(np.repeat(part, 4) for part in bias))
        return self.graph.node("PixelShuffle", [each], {0: 2})

    def _convolution(
        self, kind: str, inputs: Sequence[str], window: Window, convolution: Convolution, *numbers: Numbers
    ) -> str:
        self.graph.numbers(*numbers, kernels=True)
        return self.graph.node(
            kind if convolution.group == 1 else f"{kind}DepthWise",
            inputs,
            {
                **_window_parameters(window),
                0: convolution.outputs,
                5: int(convolution.bias),
                6: numbers[0].size,
                **({7: convolution.group} if convolution.group > 1 else {}),
            },
        )

    def neighbourhood(self, plane: str) -> str:
        """The 3x3 pixels around each pixel of a single channel, zeros beyond the border, as nine channels."""
        framed = self.graph.node("Padding", [plane], {0: 1, 1: 1, 2: 1, 3: 1})
        places = itertools.product(range(3), range(3))
        rest = dict.fromkeys((3, 4, 5), _REMAINDER)
        shifted = [self.graph.node("Crop", [framed], {0: x, 1: y, **rest, 6: 2 - x, 7: 2 - y}) for y, x in places]
        return self.graph.node("Concat", shifted, {0: 0})

    def finished(self, output: str) -> NcnnModel:
        """All of it, with the blob of Caffe's that is the result."""
        return self.graph.finished(self._phases.whole(self.values[output]), output)


def _maker_of_classes(network: Network, mean: WeightedMean) -> str:
    """The name of the convolution that makes the logits, if they go to the mean and nowhere else; else none."""
    layers = [layer for layer in network.layers if layer.type != "Silence"]
    names = [layer.name for layer in layers]
    if mean.scale_layer not in names:
        return ""
    place = names.index(mean.scale_layer)
    chain = layers[place - 1 : place + 3]
    alone = all(
        first.tops == second.bottoms
        and first.tops[0] not in second.tops
        and sum(first.tops[0] in (*layer.bottoms, *layer.tops) for layer in layers) == 2
        for first, second in itertools.pairwise(chain)
    )
    kinds = [layer.type for layer in chain] == ["Convolution", "Scale", "Softmax", "Convolution"]
    whole = kinds and alone and chain[-1].name == mean.mean_layer and chain[0].convolution.group == 1
    return chain[0].name if whole else ""


def _filled(values: Numbers, size: int, value: float) -> Numbers:
    """Flat numbers, filled up to a size."""
    return np.concatenate([values, np.full(size - values.size, value, np.float32)])


def _gaps(convolution: Convolution) -> int:
    """d, if it is a 3x3 convolution with dilation d that keeps the size and mixes all channels; else 1."""
    window = convolution.window
    gaps = window.dilation[0]
    same = window == Window((3, 3), (1, 1), (gaps, gaps), (gaps, gaps))
    return gaps if same and convolution.group == 1 else 1


def _window_parameters(window: Window) -> dict[int, int]:
    (height, width), (down, right), (top, left), (rows, columns) = (
        window.kernel,
        window.stride,
        window.pad,
        window.dilation,
    )
    return {1: width, 11: height, 2: columns, 12: rows, 3: right, 13: down, 4: left, 14: top}


def _convolution(to: _Conversion, layer: Layer, inputs: list[str]) -> str:
    if layer.name != to.mean.mean_layer:
        if inputs == [to.entry] and to.single and layer.convolution.window == _SAME:
            return to.convolve(layer, [to.neighbourhood(to.entry)], _POINT)
        return to.convolve(layer, inputs, layer.convolution.window)
    values = to.mean.kernels[:, :, 0, 0]
    kernels = np.zeros((len(values), to.classes), np.float32)
    kernels[:, : to.known_classes] = values
    to.graph.numbers(kernels, kernels=True)
    return to.graph.node("Convolution", inputs, {0: len(kernels), 1: 1, 5: 0, 6: kernels.size})


def _deconvolution(to: _Conversion, layer: Layer, inputs: list[str]) -> str:
    convolution = layer.convolution
    if convolution.window == _DOUBLING and convolution.group == 1:
        return to.doubled(layer, inputs)
    return to.convolve(layer, inputs, convolution.window)


def _batch_norm(to: _Conversion, layer: Layer, inputs: list[str]) -> str:
    mean, variance, eps = to.statistics(layer)
    to.graph.numbers(np.ones_like(mean), mean, variance, np.zeros_like(mean))
    return to.graph.node("BatchNorm", inputs, {0: mean.size, 1: eps})


def _scale(to: _Conversion, layer: Layer, inputs: list[str]) -> str:
    if layer.name == to.mean.scale_layer:
        return to.graph.node("BinaryOp", inputs, {0: _MULTIPLY, 1: 1, 2: float(np.float32(to.mean.scale))})
    factor, *shift = to.blobs(layer)
    to.graph.numbers(factor, *shift)
    return to.graph.node("Scale", inputs, {0: factor.size, 1: len(shift)})


def _relu(to: _Conversion, layer: Layer, inputs: list[str]) -> str:
    return to.graph.node("ReLU", inputs, {0: float(layer.params.number("negative_slope"))})


def _relu6(to: _Conversion, layer: Layer, inputs: list[str]) -> str:  # noqa: ARG001
    return to.graph.node("Clip", inputs, {0: 0.0, 1: 6.0})


def _eltwise(to: _Conversion, layer: Layer, inputs: list[str]) -> str:
    to.check_plain_sum(layer)
    return to.graph.node("Eltwise", inputs, {0: _ADD})


def _concat(to: _Conversion, layer: Layer, inputs: list[str]) -> str:  # noqa: ARG001
    return to.graph.node("Concat", inputs, {0: 0})


def _softmax(to: _Conversion, layer: Layer, inputs: list[str]) -> str:
    to.check_over_classes(layer)
    return to.graph.node("Softmax", inputs, {0: 0, 1: 1})


_CONVOLUTIONS = ("Convolution", "ConvolutionDepthwise")

_CONVERTERS: dict[str, Callable[[_Conversion, Layer, list[str]], str]] = {
    "BatchNorm": _batch_norm,
    "Concat": _concat,
    "Convolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "Deconvolution": _deconvolution,
    "Eltwise": _eltwise,
    "ReLU": _relu,
    "ReLU6": _relu6,
    "Scale": _scale,
    "Softmax": _softmax,
}
