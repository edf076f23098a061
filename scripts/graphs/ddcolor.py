"""DDColor (Kang et al., ICCV 2023) with a tiny or a large encoder: RGB 0..1 in, ab in Lab units and unbounded out.

ImageNet's normalisation; ConvNeXt-T or -L (Liu et al. 2022) with a norm beside each stage; a U-Net of pixel shuffles
with blur as pixel decoder; a transformer of nine layers over 100 queries and three scales as colour decoder; the
queries' maps and the picture joined by a 1x1 convolution. Layers and channels were read in the authors' code, and the
parameters have the size of their checkpoints, 220 and 912 MB; positions that are written out add 22 MB. The size is
fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.drawn import Drawn, Tensors

SIZE = 512
DECODER = 512  # channels of the pixel decoder
QUERIES, HIDDEN, HEADS, FEED_FORWARD, LAYERS = 100, 256, 8, 2048, 9  # of the colour decoder
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SCALE = 25.0  # brings ab to some tens of Lab units with the made-up weights


@dataclass(frozen=True)
class Encoder:
    """A ConvNeXt: blocks and channels of its four stages."""

    depths: tuple[int, ...]
    widths: tuple[int, ...]


TINY = Encoder((3, 3, 9, 3), (96, 192, 384, 768))
LARGE = Encoder((3, 3, 27, 3), (192, 384, 768, 1536))


def draw(drawn: Drawn, encoder: Encoder, size: int = SIZE) -> Tensors:
    """The network; `size` is a multiple of 32."""
    value = drawn.affine("input", 1 / STD, -MEAN / STD)
    scales, full = pixel_decoder(drawn, encoder.widths, encoded(drawn, encoder, value))
    maps = color_decoder(drawn, scales, full, size)
    ab = drawn.conv(drawn.add("Concat", [maps, value], axis=1), QUERIES + 3, 2, 1)
    drawn.add("Mul", [ab, drawn.constant(SCALE)], "output")
    return {"input": [1, 3, size, size]}, {"output": [1, 2, size, size]}


def encoded(drawn: Drawn, encoder: Encoder, value: str) -> list[str]:
    """ConvNeXt; each stage's answer after its norm, the finest first."""
    widths = encoder.widths
    value = _norm(drawn, drawn.conv(value, 3, widths[0], 4, strides=[4, 4], pads=[0] * 4), widths[0])
    stages = []
    for place, (depth, width) in enumerate(zip(encoder.depths, widths, strict=True)):
        if place:
            value = drawn.conv(
                _norm(drawn, value, widths[place - 1]), widths[place - 1], width, 2, strides=[2, 2], pads=[0] * 4
            )
        for _ in range(depth):
            value = _block(drawn, value, width)
        stages.append(_norm(drawn, value, width))
    return stages


def _layer_norm(drawn: Drawn, value: str, channels: int) -> str:
    """LayerNorm over the last axis."""
    scale, shift = drawn.learned(np.ones(channels)), drawn.learned(np.zeros(channels))
    return drawn.add("LayerNormalization", [value, scale, shift], axis=-1, epsilon=1e-6)


def _norm(drawn: Drawn, value: str, channels: int) -> str:
    """LayerNorm over the channels of NCHW, by way of NHWC."""
    last = drawn.add("Transpose", [value], perm=[0, 2, 3, 1])
    return drawn.add("Transpose", [_layer_norm(drawn, last, channels)], perm=[0, 3, 1, 2])


def _block(drawn: Drawn, value: str, width: int) -> str:
    spread = drawn.conv(value, width, width, 7, group=width)
    last = _layer_norm(drawn, drawn.add("Transpose", [spread], perm=[0, 2, 3, 1]), width)
    narrow = drawn.linear(_gelu(drawn, drawn.linear(last, width, 4 * width)), 4 * width, width)
    scaled = drawn.add("Mul", [narrow, drawn.learned(np.full(width, 0.2))])
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
        joined = drawn.add("Relu", [drawn.add("Concat", [drawn.shuffled(value, channels, out, 2), beside], axis=1)])
        mixed = drawn.add("Relu", [drawn.conv(joined, out + widths[place], out, 3)])
        value, channels = drawn.batch_norm(mixed, out), out
        scales.append(value)
    return scales, drawn.shuffled(value, channels, channels, 4)


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
        queries = _layer_norm(drawn, drawn.add("Add", [queries, seen]), HIDDEN)
        placed = drawn.add("Add", [queries, place])
        queries = _layer_norm(drawn, drawn.add("Add", [queries, _attention(drawn, placed, placed, queries)]), HIDDEN)
        wide = drawn.add("Relu", [drawn.linear(queries, HIDDEN, FEED_FORWARD)])
        queries = _layer_norm(drawn, drawn.add("Add", [queries, drawn.linear(wide, FEED_FORWARD, HIDDEN)]), HIDDEN)
    embedded = _layer_norm(drawn, queries, HIDDEN)
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
