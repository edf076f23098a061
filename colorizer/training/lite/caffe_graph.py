"""`lite` in Caffe's words: from trained parameters to the two halves of a Caffe network, wiring and blobs.

Knows how the network is put together and nothing of PyTorch: it takes NumPy arrays under the names of
`network`. Three things differ from the trained form, all of them exact:

- BatchNorm is folded into the convolution before it: W' = W g / sqrt(v + eps), b' = beta - m g / sqrt(v + eps).
- The division of the input by 50 is folded into the first convolution.
- The encoder's stride-2 convolutions pad as TensorFlow's "same" does, for an even input one row and column more at the
  bottom and right. Caffe pads symmetrically, so the kernel grows by a first row and column of zeros, and the padding at
  the top and left by one. That holds at every stride when the sides are multiples of 32, the network's stride.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colorizer.caffe.caffemodel import Blob, BlobLayer
from colorizer.caffe.prototxt import Message, Value, Word
from colorizer.networks.zhang.contract import (
    CENTRES_LAYER,
    INPUT_BLOB,
    MIDDLE_LIGHTNESS,
    NETWORK_SIZE,
    OUTPUT_BLOB,
    SCALE_LAYER,
)

NETWORK_NAME = "lite"
LOGITS = "conv8_313"
DISTRIBUTION = "class8_313_rh"

Parameters = Mapping[str, npt.NDArray[np.float64]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CaffeNetwork:
    """The two halves of a Caffe network, as the writers in `colorizer.caffe` take them."""

    prototxt: Message
    layers: tuple[BlobLayer, ...]


def lite_graph(parameters: Parameters, block_strides: tuple[int, ...]) -> CaffeNetwork:
    """The Caffe network of trained parameters; the decoder's widths are those of the arrays.

    Parameters
    ----------
    parameters
        Weights and buffers by name, and each BatchNorm's `eps`.
    block_strides
        Stride of each block of the encoder.
    """
    graph = _Graph()
    graph.add("Input", INPUT_BLOB, [], input_param=Message.of(shape=Message.of(dim=[1, 1, NETWORK_SIZE, NETWORK_SIZE])))
    at4, at8, at16, at32 = _encoder(graph, parameters, block_strides)
    x = at32
    for name, skip in (("fuse16", at16), ("fuse8", at8), ("fuse4", at4)):
        x = _fuse(graph, parameters, name, x, skip)
    graph.convolution(LOGITS, x, parameters["logits.weight"], parameters["logits.bias"])
    # the blobs of these two are injected by whoever loads the network
    graph.add("Scale", SCALE_LAYER, [LOGITS], scale_param=Message.of(bias_term=False))
    graph.add("Softmax", DISTRIBUTION, [SCALE_LAYER])
    head = Message.of(num_output=2, bias_term=False, kernel_size=1)
    graph.add("Convolution", CENTRES_LAYER, [DISTRIBUTION], top=OUTPUT_BLOB, convolution_param=head)
    return CaffeNetwork(Message.of(name=NETWORK_NAME, layer=list(graph.wiring)), tuple(graph.blobs))


class _Graph:
    """Layers in the order of the pass. Every method returns the name of the blob that comes out."""

    def __init__(self) -> None:
        self.wiring: list[Value] = []
        self.blobs: list[BlobLayer] = []

    def add(self, kind: str, name: str, bottoms: list[str], *blobs: Floats, top: str = "", **settings: Value) -> str:
        """A layer of any type; its output blob is called like the layer unless `top` says otherwise."""
        bottom: list[Value] = list(bottoms)
        self.wiring.append(Message.of(name=name, type=kind, bottom=bottom, top=top or name, **settings))
        if blobs:
            self.blobs.append(BlobLayer(name, kind, tuple(Blob(blob.shape, blob) for blob in blobs)))
        return top or name

    def convolution(
        self, name: str, bottom: str, weight: Floats, bias: Floats, *, stride: int = 1, depthwise: bool = False
    ) -> str:
        """Size-keeping or size-halving convolution; kernels of even size are those grown for TensorFlow's padding."""
        outputs, _, kernel, _ = weight.shape
        settings: dict[str, Value] = {"num_output": outputs, "kernel_size": kernel}
        if kernel > 1:
            settings["pad"] = (kernel - 1) // 2
        if stride > 1:
            settings["stride"] = stride
        if depthwise:
            settings["group"] = outputs
        return self.add("Convolution", name, [bottom], weight, bias, convolution_param=Message.of(**settings))

    def activation(self, kind: str, blob: str) -> str:
        """ReLU or ReLU6, in place."""
        return self.add(kind, f"{blob}_{kind.lower()}", [blob], top=blob)

    def sum(self, name: str, first: str, second: str) -> str:
        return self.add("Eltwise", name, [first, second], eltwise_param=Message.of(operation=Word("SUM")))

    def upsampling(self, name: str, bottom: str, weight: Floats) -> str:
        """Twice the size, every channel by itself."""
        channels = len(weight)
        settings = Message.of(num_output=channels, bias_term=False, kernel_size=4, stride=2, pad=1, group=channels)
        return self.add("Deconvolution", name, [bottom], weight, convolution_param=settings)


def _encoder(graph: _Graph, parameters: Parameters, block_strides: tuple[int, ...]) -> list[str]:
    """EfficientNet-Lite without its classification head; returns the blobs at strides 4, 8, 16 and 32."""
    weight, bias = _folded(parameters, "encoder._conv_stem", "encoder._bn0")
    x = graph.convolution("enc_stem", INPUT_BLOB, _same_padded(weight / MIDDLE_LIGHTNESS), bias, stride=2)
    graph.activation("ReLU6", x)
    last_of_size = []
    for i, stride in enumerate(block_strides):
        if stride == 2:
            last_of_size.append(x)
        x = _inverted_bottleneck(graph, parameters, i, stride, x)
    _, *rest = last_of_size
    return [*rest, x]


def _inverted_bottleneck(graph: _Graph, parameters: Parameters, index: int, stride: int, bottom: str) -> str:
    source, name = f"encoder._blocks.{index}", f"enc{index}"
    x = bottom
    inputs = parameters[f"{source}._depthwise_conv.weight"].shape[0]
    if f"{source}._expand_conv.weight" in parameters:
        weight, bias = _folded(parameters, f"{source}._expand_conv", f"{source}._bn0")
        inputs = weight.shape[1]
        x = graph.convolution(f"{name}_expand", x, weight, bias)
        graph.activation("ReLU6", x)
    weight, bias = _folded(parameters, f"{source}._depthwise_conv", f"{source}._bn1")
    if stride == 2:
        weight = _same_padded(weight)
    x = graph.convolution(f"{name}_depthwise", x, weight, bias, stride=stride, depthwise=True)
    graph.activation("ReLU6", x)
    weight, bias = _folded(parameters, f"{source}._project_conv", f"{source}._bn2")
    x = graph.convolution(f"{name}_project", x, weight, bias)
    return graph.sum(f"{name}_sum", x, bottom) if stride == 1 and weight.shape[0] == inputs else x


def _fuse(graph: _Graph, parameters: Parameters, name: str, coarse: str, skip: str) -> str:
    reduced = graph.convolution(f"{name}_reduce", coarse, *_folded(parameters, f"{name}.reduce.0", f"{name}.reduce.1"))
    raised = graph.upsampling(f"{name}_up", reduced, parameters[f"{name}.up"])
    beside = graph.convolution(f"{name}_skip", skip, *_folded(parameters, f"{name}.skip.0", f"{name}.skip.1"))
    x = graph.activation("ReLU", graph.sum(f"{name}_sum", raised, beside))
    for step in ("refine1", "refine2"):
        depthwise = _folded(parameters, f"{name}.{step}.0.0", f"{name}.{step}.0.1")
        pointwise = _folded(parameters, f"{name}.{step}.1.0", f"{name}.{step}.1.1")
        refined = graph.convolution(f"{name}_{step}_depthwise", x, *depthwise, depthwise=True)
        refined = graph.convolution(f"{name}_{step}_pointwise", graph.activation("ReLU", refined), *pointwise)
        x = graph.sum(f"{name}_{step}_sum", x, graph.activation("ReLU", refined))
    return x


def _folded(parameters: Parameters, convolution: str, norm: str) -> tuple[Floats, Floats]:
    """Kernels (O, I / groups, k, k) and bias (O,) of a convolution without bias and the BatchNorm after it."""
    gain = parameters[f"{norm}.weight"] / np.sqrt(parameters[f"{norm}.running_var"] + parameters[f"{norm}.eps"])
    weight = parameters[f"{convolution}.weight"] * gain[:, None, None, None]
    return weight, parameters[f"{norm}.bias"] - parameters[f"{norm}.running_mean"] * gain


def _same_padded(weight: Floats) -> Floats:
    """Kernels with a first row and column of zeros, for symmetric padding to act as TensorFlow's; see above."""
    return np.pad(weight, ((0, 0), (0, 0), (1, 0), (1, 0)))
