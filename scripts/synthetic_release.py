"""Make a caffemodel of exactly the release's layers, names and shapes, with made-up weights.

    python scripts/synthetic_release.py OUT.caffemodel

The release's 129 MB are a download; tests and benchmarks of the large network's path need not wait for it. The weights
are drawn so that the network behaves like a trained one where it matters: every activation is finite and of ordinary
size, the logits have a standard deviation of 1 to 2, and a and b vary over the picture. The colours mean nothing.

The same bytes come out everywhere: the numbers are PCG64's raw integers, and what is done with them is exact in
integers or rounded once in float32.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from math import ceil, sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt

from colorizer.caffe.caffemodel import Blob, BlobLayer, write_caffemodel
from colorizer.caffe.layers import Layer, Shape
from colorizer.caffe.network import Network, network_from_message, read_network
from colorizer.caffe.prototxt import Field, Message, dumps, parse
from colorizer.networks.zhang.contract import CENTRES_LAYER, SCALE_LAYER

RELEASE_PROTOTXT = Path(__file__).resolve().parent.parent / "weights" / "colorization_deploy_v2.prototxt"
DEFAULT_SEED = 2016
SMALL_DIVISOR = 8

# The gains and statistics were found once, by running the network in float64 on two photographs, layer by layer, and
# noting what keeps its activations at a standard deviation of about 1 and takes their mean out; then rounded.
LIGHTNESS_GAIN = 0.03
"""Of the first layer: lightness has a standard deviation of about 25."""
RELU_VARIANCE = 0.34
"""Variance of a rectified normal variable, which most layers read; a BatchNorm's output has 1."""
NORM_MEAN, NORM_VARIANCE = 0.35, 0.29
"""Of the activations that reach a BatchNorm."""
RELEASE_LOGIT_GAIN, SMALL_LOGIT_GAIN = 0.9, 2.0
"""They bring the logits to a standard deviation of about 1.5."""

BIAS = 0.05
"""Largest bias."""
LOGIT_BIAS = 0.3
NORM_SPREAD = 0.3
"""By up to this share a BatchNorm's statistics differ from channel to channel."""
NORM_FACTOR = 999.98
"""About where Caffe's moving average ends: 1 / (1 - 0.999)."""

_HALF_RANGE = 1 << 23  # integers below it in magnitude are float32 numbers exactly
_INPUTS_LAYER, _LOGITS_LAYER = "bw_conv1_1", "conv8_313"

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]


def make_release(path: Path, seed: int = DEFAULT_SEED) -> None:
    """Write a caffemodel that goes with the release's prototxt: 32,235,392 numbers, 129 MB, in a few seconds."""
    network = read_network(RELEASE_PROTOTXT)
    write_caffemodel(path, network.name, _layers(network, seed, RELEASE_LOGIT_GAIN))


def make_small(prototxt: Path, caffemodel: Path, seed: int = DEFAULT_SEED) -> None:
    """Write a pair of the same layers with an eighth of the channels (2 MB), for tests that need a quick network."""
    message = _divided(parse(RELEASE_PROTOTXT.read_text(encoding="utf-8"), RELEASE_PROTOTXT))
    prototxt.write_text(dumps(message), encoding="utf-8")
    network = network_from_message(message, prototxt)
    write_caffemodel(caffemodel, network.name, _layers(network, seed, SMALL_LOGIT_GAIN))


def _divided(message: Message) -> Message:
    """The prototxt with every `num_output` divided, but for those that the contract fixes."""
    if message.text("name") in (_LOGITS_LAYER, CENTRES_LAYER):
        return message
    fields = []
    for entry in message.fields:
        if isinstance(entry.value, Message):
            fields.append(replace(entry, value=_divided(entry.value)))
        elif entry.name == "num_output" and isinstance(entry.value, int):
            fields.append(Field(entry.name, entry.value // SMALL_DIVISOR))
        else:
            fields.append(entry)
    return Message(tuple(fields))


def _layers(network: Network, seed: int, logit_gain: float) -> Iterator[BlobLayer]:
    """Every layer that has weights of its own, one in memory at a time."""
    bits = np.random.PCG64(seed)
    for layer, shapes in network.blob_shapes:
        if layer.name not in (SCALE_LAYER, CENTRES_LAYER):
            blobs = _norm(bits, shapes[0]) if layer.type == "BatchNorm" else _kernels(bits, layer, shapes, logit_gain)
            yield BlobLayer(layer.name, layer.type, tuple(Blob(blob.shape, blob) for blob in blobs))


def _kernels(
    bits: np.random.PCG64, layer: Layer, shapes: tuple[Shape, ...], logit_gain: float
) -> tuple[Floats, Floats]:
    """Kernels that keep the variance (He et al. 2015) and sum to nothing, so that a common mean is not handed on."""
    kernels = _integers(bits, shapes[0])
    kernel_area = shapes[0][2] * shapes[0][3]
    if layer.type == "Deconvolution":
        vertical, horizontal = layer.convolution.window.stride
        fan_in = shapes[0][0] * kernel_area // (vertical * horizontal)
        within = (0, 2, 3)
    else:
        fan_in = shapes[0][1] * kernel_area
        within = (1, 2, 3)
    if layer.name == _INPUTS_LAYER:
        gain = LIGHTNESS_GAIN
    else:
        kernels -= (kernels.sum(within, np.int64, keepdims=True) // (kernels.size // shapes[1][0])).astype(np.int32)
        gain = 1.0 if layer.bottoms[0].endswith("norm") else 1 / sqrt(RELU_VARIANCE)
    bias = BIAS
    if layer.name == _LOGITS_LAYER:
        gain, bias = gain * logit_gain, LOGIT_BIAS
    # a uniform variable from -1 to 1 has variance 1/3
    return _scaled(kernels, gain * sqrt(3 / fan_in)), _scaled(_integers(bits, shapes[1]), bias)


def _norm(bits: np.random.PCG64, shape: Shape) -> tuple[Floats, Floats, Floats]:
    factor = np.array([NORM_FACTOR], np.float32)
    mean, variance = (np.float32(1) + _scaled(_integers(bits, shape), NORM_SPREAD) for _ in range(2))
    return mean * np.float32(NORM_MEAN) * factor, variance * np.float32(NORM_VARIANCE) * factor, factor


def _integers(bits: np.random.PCG64, shape: Shape) -> Integers:
    """Uniform integers of 24 bits about zero: two from each raw number, whatever the machine's byte order."""
    count = int(np.prod(shape))
    halves = np.asarray(bits.random_raw(ceil(count / 2)), "<u8").view("<u4")[:count]
    drawn: Integers = (halves >> np.uint32(8)).astype(np.int32) - np.int32(_HALF_RANGE)
    return drawn.reshape(shape)


def _scaled(integers: Integers, limit: float) -> Floats:
    """The integers as numbers from -limit to limit: one rounding, in the product."""
    scaled: Floats = integers.astype(np.float32) * np.float32(limit / _HALF_RANGE)
    return scaled


def main() -> None:
    """Write the file that the command line names."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python scripts/synthetic_release.py OUT.caffemodel")
    path = Path(sys.argv[1])
    make_release(path)
    print(f"{path}: {path.stat().st_size} bytes, for {RELEASE_PROTOTXT.name}")


if __name__ == "__main__":
    main()
