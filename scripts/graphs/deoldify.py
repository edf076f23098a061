"""DeOldify (Antic 2018), artistic and stable: grey RGB in, RGB out, in the range that each file of the catalogue has.

A ResNet (He et al. 2016) as encoder, of 34 or 101 layers; two convolutions in the middle; a U-Net of pixel shuffles
with blur, with self-attention (Zhang et al. 2019) at an eighth of the size; the picture itself joined at the end,
before a residual block and a sigmoid stretched to -3..3. Layers and channels were read in the authors' code
(`DynamicUnetDeep` with a factor of 1.5, `DynamicUnetWide` with 2) and fastai's, and the parameters have the size of the
checkpoints, 255 and 874 MB. Spectral norm is part of the weights when a network is exported. Assumed is what exporters
add: sides that are free, and the scaling of the range inside the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphs.drawn import Drawn, Tensors

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SMALL = 0.2  # of what residual blocks add, so that activations stay ordinary with the made-up weights
LIMIT = 3.0  # of the sigmoid


@dataclass(frozen=True)
class ResNet:
    """How many blocks each stage has, and how much wider it ends than its 3x3 convolutions are."""

    depths: tuple[int, ...]
    widening: int
    stages: tuple[int, ...] = (64, 128, 256, 512)  # channels, before they are widened

    def width(self, stage: int) -> int:
        """Channels that a stage ends with."""
        return self.stages[stage] * self.widening


@dataclass(frozen=True)
class DeOldify:
    """A network: encoder, channels of its U-Net's blocks, and range of its values."""

    encoder: ResNet
    shuffled: tuple[int, ...]  # after each block's pixel shuffle
    convolved: tuple[tuple[int, ...], ...]  # after each of its convolutions
    names: tuple[str, str]
    top: float  # 1 or 255


ARTISTIC = DeOldify(
    ResNet((3, 4, 6, 3), 1),
    (256, 384, 384, 336),
    ((768, 768), (768, 768), (672, 672), (300, 300)),
    ("input", "output"),
    255,
)
STABLE = DeOldify(ResNet((3, 4, 23, 3), 4), (512, 512, 512, 256), ((512,), (512,), (512,), (256,)), ("gray", "rgb"), 1)


def draw(drawn: Drawn, network: DeOldify) -> Tensors:
    """The network; sides are multiples of 16."""
    given, found = network.names
    picture = drawn.affine(given, 1 / STD / network.top, -MEAN / STD)
    *skips, value = encoded(drawn, network.encoder, picture)
    value = drawn.add("Relu", [drawn.batch_norm(value, network.encoder.width(3))])
    channels = network.encoder.width(3)
    for out in (2 * channels, channels):
        value = _convolved(drawn, value, channels if out > channels else 2 * channels, out)
    beside = [network.encoder.width(2), network.encoder.width(1), network.encoder.width(0), network.encoder.stages[0]]
    for place, (skip, width) in enumerate(zip(reversed(skips), beside, strict=True)):
        value = drawn.shuffled(value, channels, network.shuffled[place], 2, norm=True)
        value = _as_large_as(drawn, value, skip)
        value = drawn.add("Relu", [drawn.add("Concat", [value, drawn.batch_norm(skip, width)], axis=1)])
        channels = network.shuffled[place] + width
        for out in network.convolved[place]:
            value, channels = _convolved(drawn, value, channels, out), out
        if place == 1:
            value = _attention(drawn, value, channels)
    large = _as_large_as(drawn, drawn.shuffled(value, channels, channels, 2), picture)
    value, channels = drawn.add("Concat", [large, picture], axis=1), channels + 3
    inner = value
    for _ in range(2):
        inner = drawn.add("Relu", [drawn.conv(inner, channels, channels, 3)])
    rgb = drawn.conv(drawn.add("Add", [value, inner]), channels, 3, 1)
    normal = drawn.affine(drawn.add("Sigmoid", [rgb]), [2 * LIMIT] * 3, [-LIMIT] * 3)
    unit = drawn.add("Clip", [drawn.affine(normal, STD, MEAN), drawn.constant(0), drawn.constant(1)])
    drawn.add("Mul", [unit, drawn.constant(network.top)], found)
    sides: list[int | str] = [1, 3, "height", "width"]
    return {given: sides}, {found: sides}


def encoded(drawn: Drawn, encoder: ResNet, value: str) -> list[str]:
    """What a ResNet has at a half, a quarter, an eighth, a 16th and a 32nd of the size."""
    channels = encoder.stages[0]
    value = drawn.conv(value, 3, channels, 7, bias=False, strides=[2, 2])
    found = [drawn.add("Relu", [drawn.batch_norm(value, channels)])]
    value = drawn.add("MaxPool", found, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage, depth in enumerate(encoder.depths):
        for block in range(depth):
            stride = 2 if stage and not block else 1
            value, channels = _block(drawn, value, channels, encoder, stage, stride), encoder.width(stage)
        found.append(value)
    return found


def _block(drawn: Drawn, value: str, into: int, encoder: ResNet, stage: int, stride: int) -> str:
    """Two convolutions of 3x3, or one between two of 1x1; with a stride where the 3x3 begins."""
    inner, out = encoder.stages[stage], encoder.width(stage)
    steps = [(into, out, 3, stride), (out, out, 3, 1)]
    if encoder.widening > 1:
        steps = [(into, inner, 1, 1), (inner, inner, 3, stride), (inner, out, 1, 1)]
    added = value
    for place, (before, after, kernel, step) in enumerate(steps):
        last = place == len(steps) - 1
        added = drawn.conv(added, before, after, kernel, bias=False, strides=[step, step])
        added = drawn.batch_norm(added, after, SMALL if last else 1)
        added = added if last else drawn.add("Relu", [added])
    if stride > 1 or into != out:
        beside = drawn.conv(value, into, out, 1, bias=False, strides=[stride, stride])
        value = drawn.batch_norm(beside, out)
    return drawn.add("Relu", [drawn.add("Add", [value, added])])


def _convolved(drawn: Drawn, value: str, into: int, out: int) -> str:
    return drawn.batch_norm(drawn.add("Relu", [drawn.conv(value, into, out, 3, bias=False)]), out)


def _attention(drawn: Drawn, value: str, channels: int) -> str:
    """Every pixel looks at every other, and what it sees is added."""

    def flat(out: int) -> str:
        return drawn.reshaped(drawn.conv(value, channels, out, 1, bias=False), 1, out, -1)

    queries, keys, values = flat(channels // 8), flat(channels // 8), flat(channels)
    product = drawn.add("MatMul", [drawn.add("Transpose", [queries], perm=[0, 2, 1]), keys])
    mixed = drawn.add("MatMul", [values, drawn.add("Softmax", [product], axis=1)])
    seen = drawn.add("Reshape", [mixed, drawn.add("Shape", [value])])
    return drawn.add("Add", [value, drawn.add("Mul", [seen, drawn.learned(np.array([SMALL]))])])


def _as_large_as(drawn: Drawn, value: str, other: str) -> str:
    """The nearest pixels, where sides that are no multiples of 32 were rounded up on their way down."""
    count, sides = _part(drawn, value, 0, 2), _part(drawn, other, 2, 4)
    shape = drawn.add("Concat", [count, sides], axis=0)
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return drawn.add("Resize", [value, "", "", shape], **how)


def _part(drawn: Drawn, value: str, start: int, end: int) -> str:
    bounds: Sequence[str] = [drawn.constant([each], np.int64) for each in (start, end)]
    return drawn.add("Slice", [drawn.add("Shape", [value]), *bounds])
