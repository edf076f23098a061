"""DDColor's graph at full size with made-up weights: what its contract costs, where the real weights are not at hand.

    python scripts/ddcolor_graph.py OUT.onnx [--encoder large] [--size 512]

The networks of Kang et al. (ICCV 2023): ImageNet's normalisation; ConvNeXt-T or -L (Liu et al. 2022) with a norm
beside each stage; a U-Net of pixel shuffles with blur as pixel decoder; a transformer of nine layers over 100 queries
and three scales as colour decoder; the queries' maps and the picture joined by a 1x1 convolution. Layers and channels
were read in the authors' code; the weights have the size of their checkpoints, 220 and 912 MB, and positions that are
written out add 22 MB. ab comes out in Lab units and unbounded: [1, 3, size, size] in 0..1 -> [1, 2, size, size].
`scripts/benchmark.py networks` measures it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 512
DECODER = 512  # channels of the pixel decoder
QUERIES, HIDDEN, HEADS, FEED_FORWARD, LAYERS = 100, 256, 8, 2048, 9  # of the colour decoder
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SCALE = 25.0  # brings ab to some tens of Lab units with the made-up weights
OPSET = 17  # from which on there is LayerNormalization

DESCRIPTOR = {
    "version": 1,
    "family": "grey-rgb-to-ab",
    "inputs": [{"tensor": "input", "holds": "grey-rgb", "range": "0..1"}],
    "output": {"tensor": "output", "holds": "ab"},
}


@dataclass(frozen=True)
class Encoder:
    """A ConvNeXt: blocks and channels of its four stages."""

    depths: tuple[int, ...]
    widths: tuple[int, ...]


ENCODERS = {
    "tiny": Encoder((3, 3, 9, 3), (96, 192, 384, 768)),
    "large": Encoder((3, 3, 27, 3), (192, 384, 768, 1536)),
}


class Drawn:
    """A graph whose weights are drawn as it grows."""

    def __init__(self, seed: int = 2023) -> None:
        self._rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """A tensor; its name."""
        name = f"t{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape: int, inputs: int) -> str:
        """Normal weights of a size that keeps activations ordinary, where so many inputs are summed."""
        return self.constant(self._rng.normal(0, inputs**-0.5, shape))

    def add(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """An operation; the name of its output."""
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def conv(self, value: str, into: int, out: int, kernel: int, **more: Any) -> str:
        """A convolution with bias."""
        group = more.get("group", 1)
        weights = self.weights(out, into // group, kernel, kernel, inputs=into // group * kernel**2)
        return self.add("Conv", [value, weights, self.constant(np.zeros(out))], **more)

    def linear(self, value: str, into: int, out: int) -> str:
        """A matrix over the last axis, with bias."""
        product = self.add("MatMul", [value, self.weights(into, out, inputs=into)])
        return self.add("Add", [product, self.constant(np.zeros(out))])

    def layer_norm(self, value: str, channels: int) -> str:
        """LayerNorm over the last axis."""
        scale, shift = self.constant(np.ones(channels)), self.constant(np.zeros(channels))
        return self.add("LayerNormalization", [value, scale, shift], axis=-1, epsilon=1e-6)

    def norm(self, value: str, channels: int) -> str:
        """LayerNorm over the channels of NCHW, by way of NHWC."""
        last = self.add("Transpose", [value], perm=[0, 2, 3, 1])
        return self.add("Transpose", [self.layer_norm(last, channels)], perm=[0, 3, 1, 2])

    def batch_norm(self, value: str, channels: int) -> str:
        """BatchNorm as it is when nothing is learned any more."""
        ones, zeros = np.ones(channels), np.zeros(channels)
        figures = [self.constant(each) for each in (ones, zeros, zeros, ones)]
        return self.add("BatchNormalization", [value, *figures])

    def reshaped(self, value: str, *shape: int) -> str:
        """The same numbers in another shape."""
        return self.add("Reshape", [value, self.constant(shape, np.int64)])


def encoded(drawn: Drawn, encoder: Encoder, value: str) -> list[str]:
    """ConvNeXt; each stage's answer after its norm, the finest first."""
    widths = encoder.widths
    value = drawn.norm(drawn.conv(value, 3, widths[0], 4, strides=[4, 4]), widths[0])
    stages = []
    for place, (depth, width) in enumerate(zip(encoder.depths, widths, strict=True)):
        if place:
            value = drawn.conv(drawn.norm(value, widths[place - 1]), widths[place - 1], width, 2, strides=[2, 2])
        for _ in range(depth):
            value = _block(drawn, value, width)
        stages.append(drawn.norm(value, width))
    return stages


def _block(drawn: Drawn, value: str, width: int) -> str:
    spread = drawn.conv(value, width, width, 7, pads=[3] * 4, group=width)
    last = drawn.layer_norm(drawn.add("Transpose", [spread], perm=[0, 2, 3, 1]), width)
    narrow = drawn.linear(_gelu(drawn, drawn.linear(last, width, 4 * width)), 4 * width, width)
    scaled = drawn.add("Mul", [narrow, drawn.constant(np.full(width, 0.2))])
    return drawn.add("Add", [value, drawn.add("Transpose", [scaled], perm=[0, 3, 1, 2])])


def _gelu(drawn: Drawn, value: str) -> str:
    """The value / 2 * (1 + erf(value / sqrt 2))."""
    erf = drawn.add("Erf", [drawn.add("Mul", [value, drawn.constant(2**-0.5)])])
    half = drawn.add("Mul", [value, drawn.constant(0.5)])
    return drawn.add("Mul", [half, drawn.add("Add", [erf, drawn.constant(1.0)])])


def pixel_decoder(drawn: Drawn, widths: tuple[int, ...], stages: list[str]) -> tuple[list[str], str]:
    """The U-Net: its answers at 1/16, 1/8 and 1/4, and at full size."""
    value, channels, scales = stages[-1], widths[-1], []
    for place in (2, 1, 0):
        out = DECODER if place else DECODER // 2
        beside = drawn.batch_norm(stages[place], widths[place])
        joined = drawn.add("Relu", [drawn.add("Concat", [_up(drawn, value, channels, out, 2), beside], axis=1)])
        mixed = drawn.add("Relu", [drawn.conv(joined, out + widths[place], out, 3, pads=[1] * 4)])
        value, channels = drawn.batch_norm(mixed, out), out
        scales.append(value)
    return scales, _up(drawn, value, channels, channels, 4)


def _up(drawn: Drawn, value: str, into: int, out: int, factor: int) -> str:
    """A pixel shuffle of a 1x1 convolution, blurred over 2x2 pixels (Sugawara et al. 2018)."""
    wide = drawn.add("Relu", [drawn.conv(value, into, out * factor**2, 1)])
    large = drawn.add("DepthToSpace", [wide], blocksize=factor, mode="CRD")
    sides = drawn.constant([0, 0, 1, 1, 0, 0, 0, 0], np.int64)  # one row above, one column to the left
    return drawn.add("AveragePool", [drawn.add("Pad", [large, sides], mode="edge")], kernel_shape=[2, 2])


def color_decoder(drawn: Drawn, scales: list[str], full: str, size: int) -> str:
    """Queries that look at the three scales in turn and at each other; a map for each of them."""
    memories = []
    for value, into, shrunk in zip(scales, (DECODER, DECODER, DECODER // 2), (16, 8, 4), strict=True):
        flat = drawn.reshaped(drawn.conv(value, into, HIDDEN, 1), 1, HIDDEN, -1)
        memory = drawn.add("Transpose", [flat], perm=[0, 2, 1])
        memory = drawn.add("Add", [memory, drawn.weights(1, 1, HIDDEN, inputs=1)])  # the scale's own embedding
        memories.append((memory, drawn.constant(_positions(size // shrunk))))
    place, queries = drawn.weights(1, QUERIES, HIDDEN, inputs=1), drawn.weights(1, QUERIES, HIDDEN, inputs=1)
    for layer in range(LAYERS):
        memory, positions = memories[layer % len(memories)]
        keys = drawn.add("Add", [memory, positions])
        seen = _attention(drawn, drawn.add("Add", [queries, place]), keys, memory)
        queries = drawn.layer_norm(drawn.add("Add", [queries, seen]), HIDDEN)
        placed = drawn.add("Add", [queries, place])
        queries = drawn.layer_norm(drawn.add("Add", [queries, _attention(drawn, placed, placed, queries)]), HIDDEN)
        wide = drawn.add("Relu", [drawn.linear(queries, HIDDEN, FEED_FORWARD)])
        queries = drawn.layer_norm(drawn.add("Add", [queries, drawn.linear(wide, FEED_FORWARD, HIDDEN)]), HIDDEN)
    embedded = drawn.layer_norm(queries, HIDDEN)
    for last in (False, False, True):
        embedded = drawn.linear(embedded, HIDDEN, HIDDEN)
        embedded = embedded if last else drawn.add("Relu", [embedded])
    maps = drawn.add("MatMul", [embedded, drawn.reshaped(full, 1, HIDDEN, -1)])
    return drawn.reshaped(maps, 1, QUERIES, size, size)


def _attention(drawn: Drawn, queries: str, keys: str, values: str) -> str:
    """Attention with several heads (Vaswani et al. 2017), over (1, n, HIDDEN)."""

    def heads(value: str, *order: int) -> str:
        split = drawn.reshaped(drawn.linear(value, HIDDEN, HIDDEN), 1, -1, HEADS, HIDDEN // HEADS)
        return drawn.add("Transpose", [split], perm=list(order))

    product = drawn.add("MatMul", [heads(queries, 0, 2, 1, 3), heads(keys, 0, 2, 3, 1)])
    scaled = drawn.add("Mul", [product, drawn.constant((HIDDEN // HEADS) ** -0.5)])
    mixed = drawn.add("MatMul", [drawn.add("Softmax", [scaled], axis=-1), heads(values, 0, 2, 1, 3)])
    joined = drawn.reshaped(drawn.add("Transpose", [mixed], perm=[0, 2, 1, 3]), 1, -1, HIDDEN)
    return drawn.linear(joined, HIDDEN, HIDDEN)


def _positions(side: int) -> npt.NDArray[np.float64]:
    """Sines and cosines of where a pixel is, y before x: (1, side * side, HIDDEN)."""
    each = HIDDEN // 2
    turns = np.arange(1, side + 1) / side * 2 * np.pi
    angles = turns[:, None] / 10000 ** (2 * (np.arange(each) // 2) / each)
    waves = np.where(np.arange(each) % 2 == 0, np.sin(angles), np.cos(angles))
    y, x = (np.broadcast_to(axis, (side, side, each)) for axis in (waves[:, None], waves[None, :]))
    return np.concatenate([y, x], axis=-1).reshape(1, side * side, HIDDEN)


def ddcolor_like(encoder: Encoder, size: int = SIZE) -> onnx.ModelProto:
    """The model; `size` is a multiple of 32."""
    drawn = Drawn()
    centred = drawn.add("Sub", ["input", drawn.constant(np.reshape(MEAN, (1, 3, 1, 1)))])
    value = drawn.add("Div", [centred, drawn.constant(np.reshape(STD, (1, 3, 1, 1)))])
    scales, full = pixel_decoder(drawn, encoder.widths, encoded(drawn, encoder, value))
    maps = color_decoder(drawn, scales, full, size)
    ab = drawn.conv(drawn.add("Concat", [maps, value], axis=1), QUERIES + 3, 2, 1)
    drawn.add("Mul", [ab, drawn.constant(SCALE)], "output")
    graph = helper.make_graph(
        drawn.nodes,
        "ddcolor-like",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2, size, size])],
        drawn.tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def write(target: Path, encoder: str = "tiny", size: int = SIZE) -> None:
    """The model, and its descriptor beside it."""
    onnx.save(ddcolor_like(ENCODERS[encoder], size), target)
    target.with_suffix(".colorize.json").write_text(json.dumps(DESCRIPTOR, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Write the model with its descriptor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--encoder", choices=ENCODERS, default="tiny")
    parser.add_argument("--size", type=int, default=SIZE, help="of its sides; a multiple of 32")
    asked = parser.parse_args()
    write(asked.target, asked.encoder, asked.size)
    print(f"{asked.target}: {asked.target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
