"""EfficientNet-Lite's encoder (Tan and Le 2019): inverted bottlenecks, ReLU6, no squeeze-and-excitation.

The names of its parameters are those of the package efficientnet-lite-pytorch, whose ImageNet weights and older
checkpoints of `lite` load as they are; `renamed` brings those of timm into them. Its padding is TensorFlow's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorizer.training.lite.operations import HalvingDepthwise
from colorizer.training.networks.layers import KERAS_NORM_EPSILON, KERAS_NORM_MOMENTUM, SameConv2d

LITE0 = 0
"""Number in the family of the encoder that ships."""

SCALES = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2), 3: (1.2, 1.4), 4: (1.4, 1.8)}
"""By number: how many times as wide and as deep as Lite0."""

STEM = 32

# repeats, kernel, stride, expansion, outputs of each stage; repeats of the first and last never grow
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)

_DIVISOR = 8
_LEAST_KEPT = 0.9
"""A width rounded to a multiple of 8 loses no more than a tenth."""


def _norm(channels: int) -> nn.BatchNorm2d:
    """`BatchNormalization` with Keras' defaults.

    Not `KerasNorm`, which would forget the statistics of trained weights that do not tell of how many batches they are.
    """
    return nn.BatchNorm2d(channels, eps=KERAS_NORM_EPSILON, momentum=KERAS_NORM_MOMENTUM)


class Bottleneck(nn.Module):
    """Wider, a depthwise convolution, narrower; around it where sizes allow.

    Parameters
    ----------
    inputs, outputs
        Channels.
    kernel, stride
        Of the depthwise convolution, in pixels.
    expansion
        How many times as wide it is within.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.stride, self.around = stride, stride == 1 and inputs == outputs
        self._expand_conv: nn.Module | None = None
        if expansion > 1:
            self._expand_conv = nn.Conv2d(inputs, wide, 1, bias=False)
            self._bn0 = _norm(wide)
        if stride == 2:
            self._depthwise_conv = HalvingDepthwise(wide, kernel)
        else:
            self._depthwise_conv = nn.Conv2d(wide, wide, kernel, padding=kernel // 2, groups=wide, bias=False)
        self._bn1 = _norm(wide)
        self._project_conv = nn.Conv2d(wide, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)

    def forward(self, x: Tensor, drop: float = 0.0) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride); the block is left out by chance `drop`."""
        y = x if self._expand_conv is None else functional.relu6(self._bn0(self._expand_conv(x)))
        y = self._bn2(self._project_conv(functional.relu6(self._bn1(self._depthwise_conv(y)))))
        if not self.around:
            return y
        if drop and self.training:
            kept = torch.rand((len(y), 1, 1, 1), dtype=y.dtype, device=y.device) >= drop
            y = y / (1 - drop) * kept
        return y + x


class Encoder(nn.Module):
    """Lightness to features at strides 2, 4, 8, 16 and 32.

    Parameters
    ----------
    number
        In the family.
    """

    def __init__(self, number: int = LITE0) -> None:
        super().__init__()
        self._conv_stem = SameConv2d(1, STEM, 3, stride=2, bias=False)
        self._bn0 = _norm(STEM)
        blocks = [Bottleneck(*shape) for shape in _blocks(number)]
        self._blocks = nn.ModuleList(blocks)
        self.block_strides = tuple(block.stride for block in blocks)
        """Stride of each block; the first convolution before them has stride 2."""
        self.taps = taps_of(self.block_strides)
        """Blocks whose output is the last of its size: at strides 2, 4, 8, 16 and 32."""
        self.widths = tuple(blocks[tap]._bn2.num_features for tap in self.taps)
        """Channels there."""

    def forward(self, x: Tensor, drop_path: float = 0.0) -> list[Tensor]:
        """Features of (N, 1, H, W) at each of the five sizes; blocks are left out by a chance that grows to that."""
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        features = []
        for place, block in enumerate(self._blocks):
            x = block(x, drop_path * place / len(self._blocks))
            if place in self.taps:
                features.append(x)
        return features


def taps_of(block_strides: tuple[int, ...]) -> tuple[int, ...]:
    """Index of the last block of each size: those before a block of stride 2, and the last of all."""
    return (*(i - 1 for i, stride in enumerate(block_strides) if stride == 2), len(block_strides) - 1)


def number_of(blocks: int, width: int) -> int | None:
    """The number in the family of an encoder with so many blocks and channels at its end; None where there is none."""
    return next(
        (number for number in SCALES if len(_blocks(number)) == blocks and _blocks(number)[-1][1] == width), None
    )


def _blocks(number: int) -> list[tuple[int, int, int, int, int]]:
    """Of each block: inputs, outputs, kernel, stride, expansion."""
    wider, deeper = SCALES[number]
    blocks = []
    inputs = STEM
    for place, (repeats, kernel, stride, expansion, width) in enumerate(STAGES):
        outputs = _rounded(width * wider)
        count = repeats if place in (0, len(STAGES) - 1) else math.ceil(repeats * deeper)
        for repeat in range(count):
            blocks.append((inputs, outputs, kernel, 1 if repeat else stride, expansion))
            inputs = outputs
    return blocks


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ImageNet weights in the names used here, for a picture of one channel; timm's names are translated.

    A grey picture meets the first convolution in all of its three input channels alike: their kernels are summed.
    """
    found_blocks = [match for name in state if (match := _TIMM_BLOCK.match(name))]
    blocks = sorted({_place(match) for match in found_blocks})
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        if match := _TIMM_BLOCK.match(name):
            first = match["stage"] == "0"
            part = (_FIRST_STAGE if first else _LATER_STAGES).get(match["part"])
            if part is not None:
                found[f"_blocks.{blocks.index(_place(match))}.{part}.{match['rest']}"] = value
        elif name.startswith("conv_stem."):
            found[f"_{name}"] = value
        elif name.startswith("bn1."):
            found[f"_bn0.{name.removeprefix('bn1.')}"] = value
        elif not name.startswith(("_conv_head.", "_bn1.", "_fc.", "conv_head.", "bn2.", "classifier.")):
            found[name] = value
    stem = found.get("_conv_stem.weight")
    if stem is not None:
        found["_conv_stem.weight"] = stem.sum(1, keepdim=True)
    return found


_TIMM_BLOCK = re.compile(r"blocks\.(?P<stage>\d+)\.(?P<place>\d+)\.(?P<part>\w+)\.(?P<rest>.+)")
_FIRST_STAGE = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
_LATER_STAGES = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}


def _place(match: re.Match[str]) -> tuple[int, int]:
    return int(match["stage"]), int(match["place"])


def _rounded(width: float) -> int:
    near = max(_DIVISOR, int(width + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return near if near >= _LEAST_KEPT * width else near + _DIVISOR
