"""`alpha` and `beta`: chains of convolutions that see L* 0..100 and answer with ab / 128.

Source: Wallner's tutorial "How to colorize black and white photos with just 100 lines of neural network code" (2017).

`full` of the same tutorial is in `fusion`.
"""

from __future__ import annotations

from torch import nn

from colorizer.training.networks.layers import Conv, Up, chain


def alpha() -> nn.Module:
    """32,202 parameters; sides are multiples of 8. Made to learn one picture by heart."""
    widths = [(8, 2), (8, 1), (16, 1), (16, 2), (32, 1), (32, 2)]
    down = [Conv(width, stride=stride) for width, stride in widths]
    return chain(1, [*down, Up(), Conv(32), Up(), Conv(16), Up(), Conv(2, then="tanh")])


def beta() -> nn.Module:
    """3,892,194 parameters; sides are multiples of 8."""
    widths = [(64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (256, 1), (128, 1)]
    down = [Conv(width, stride=stride) for width, stride in widths]
    return chain(1, [*down, Up(), Conv(64), Up(), Conv(32), Conv(2, then="tanh"), Up()])
