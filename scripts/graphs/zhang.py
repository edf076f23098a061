"""Zhang et al.'s networks as PyTorch has them: eccv16 (ECCV 2016) and siggraph17 (SIGGRAPH 2017).

Both have the same seven blocks. eccv16 gives the plain mean of 313 classes, enlarged four times bilinearly, and its
files have a fixed size; siggraph17 adds ab and mask of hints to its input, has shortcuts across, and gives ab by tanh
at full size. Layers and channels were read in public copies of the authors' code; their 32.24 and 34.05 million
parameters are what Open Model Zoo states. siggraph17's head of 529 classes, which an answer in ab leaves out, is not
among them.
"""

from __future__ import annotations

import numpy as np

from graphs.drawn import Drawn, Tensors

Blocks = tuple[tuple[int, int], ...]
"""Channels and convolutions of each."""

BLOCKS: Blocks = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3), (512, 3), (512, 3))
DILATED = (4, 5)  # the fifth and the sixth
HALVED = 3  # blocks after which sides are half as long
CLASSES = 313
SIDE = 256  # of eccv16's files
AB = 110.0


def eccv16(drawn: Drawn, blocks: Blocks = BLOCKS, side: int = SIDE) -> Tensors:
    """L 0..100 in, ab in Lab units out; `side` is a multiple of 8."""
    value, channels = drawn.affine("l_channel", [0.01], [-0.5]), 1
    for place, (out, count) in enumerate(blocks):
        for step in range(count):
            stride = 2 if place < HALVED and step == count - 1 else 1
            value, channels = _convolved(drawn, value, channels, out, place, stride), out
        value = drawn.batch_norm(value, out)
    half = channels // 2
    value = drawn.add("Relu", [_raised(drawn, value, channels, half)])
    for _ in range(2):
        value = drawn.add("Relu", [drawn.conv(value, half, half, 3)])
    classes = drawn.add("Softmax", [drawn.conv(value, half, CLASSES, 1)], axis=1)
    mean = drawn.add("Conv", [classes, drawn.weights(2, CLASSES, 1, 1, inputs=1)])  # the classes' a and b
    scales = drawn.constant([1, 1, 4, 4])
    how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    large = drawn.add("Resize", [mean, "", scales], **how)
    drawn.add("Mul", [large, drawn.constant(AB)], "ab_channels")
    return {"l_channel": [1, 1, side, side]}, {"ab_channels": [1, 2, side, side]}


def siggraph17(drawn: Drawn, blocks: Blocks = BLOCKS) -> Tensors:
    """L 0..100, ab hints in Lab units and a mask in, ab in Lab units out; sides are multiples of 8."""
    light = drawn.affine("L", [0.01], [-0.5])
    hints = drawn.affine("hint_ab", [1 / AB] * 2, [0, 0])
    value, channels = drawn.add("Concat", [light, hints, "hint_mask"], axis=1), 4
    found = []
    for place, (out, count) in enumerate(blocks):
        if 0 < place <= HALVED:
            value = _every_second(drawn, value)
        for _ in range(count):
            value, channels = _convolved(drawn, value, channels, out, place), out
        value = drawn.batch_norm(value, out)
        found.append(value)
    for shortcut, like, count in ((2, 2, 2), (1, 1, 1), (0, 1, 1)):
        out = blocks[like][0]
        raised = _raised(drawn, value, channels, out)
        value = drawn.add("Add", [raised, drawn.conv(found[shortcut], blocks[shortcut][0], out, 3)])
        value, channels = drawn.add("Relu", [value]), out
        for _ in range(count):
            value = drawn.conv(value, out, out, 3)
            value = drawn.add("LeakyRelu", [value], alpha=0.2) if shortcut == 0 else drawn.add("Relu", [value])
        value = value if shortcut == 0 else drawn.batch_norm(value, out)
    ab = drawn.add("Tanh", [drawn.conv(value, channels, 2, 1)])
    drawn.add("Mul", [ab, drawn.constant(AB)], "ab")
    sides: list[int | str] = ["height", "width"]
    return {"L": [1, 1, *sides], "hint_ab": [1, 2, *sides], "hint_mask": [1, 1, *sides]}, {"ab": [1, 2, *sides]}


def _convolved(drawn: Drawn, value: str, into: int, out: int, block: int, stride: int = 1) -> str:
    reach = 2 if block in DILATED else 1
    convolved = drawn.conv(value, into, out, 3, strides=[stride, stride], dilations=[reach, reach])
    return drawn.add("Relu", [convolved])


def _raised(drawn: Drawn, value: str, into: int, out: int) -> str:
    return drawn.conv(value, into, out, 4, up=True, strides=[2, 2], pads=[1] * 4)


def _every_second(drawn: Drawn, value: str) -> str:
    starts, ends, axes, steps = ([0, 0], [np.iinfo(np.int64).max] * 2, [2, 3], [2, 2])
    return drawn.add("Slice", [value, *(drawn.constant(each, np.int64) for each in (starts, ends, axes, steps))])
