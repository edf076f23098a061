"""`ae-rgb-1`, `ae-rgb-2` and `ae-lab`: three autoencoders that were compared on landscape pictures at 160 x 160 pixels.

The printed tables do not give the printed counts; these chains do, and of all chains of 3 x 3 and 5 x 5 convolutions
of those widths they alone. Tables I and II of the paper are swapped. docs/student-networks.md has what was chosen.
"""

from __future__ import annotations

from torch import nn

from colorizer.training.networks.layers import Conv, ConvT, Up, chain

_BEGINNING = (Conv(64), Conv(64, stride=2), Conv(128), Conv(128, stride=2), Conv(256))


def ae_rgb_1() -> nn.Module:
    """Grey -1..1 to RGB 0..1: 2,953,955 parameters; sides are multiples of 8."""
    middle = (Conv(256, kernel=5), Conv(256, stride=2), Conv(64))
    return chain(1, [*_BEGINNING, *middle, Up(), Conv(32), Up(), Conv(16), Up(), Conv(3, then="sigmoid")])


def ae_rgb_2() -> nn.Module:
    """Grey -1..1 to RGB -1..1, at full resolution throughout: 2,879,491 parameters."""
    widths = (64, 64, 128, 128, 256, 256)
    down, up = [Conv(width) for width in widths], [ConvT(width) for width in reversed(widths)]
    return chain(1, [*down, *up, ConvT(3, then="tanh")])


def ae_lab() -> nn.Module:
    """L*/50 - 1 to ab/128: 2,585,042 parameters; sides are multiples of 8."""
    middle = (Conv(256, kernel=5), Conv(128, stride=2), Conv(64))
    return chain(1, [*_BEGINNING, *middle, Up(), Conv(32), Up(), Conv(16), Up(), Conv(2, then="tanh")])
