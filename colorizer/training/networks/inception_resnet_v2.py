"""Inception-ResNet-v2 (Szegedy et al. 2017): what is in a picture, as 1,000 numbers, by weights others have trained.

The names of its parameters are those of timm's `inception_resnet_v2`, so weights of that kind load as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES = 1000
SIDE = 299
"""Pixels that it was trained at."""


class _Unit(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int = 1, *, pad: bool = True
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = tuple(side // 2 if pad else 0 for side in sides)
        self.conv = nn.Conv2d(inputs, outputs, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class _Branches(nn.Module):
    """What several ways make of the same picture, side by side."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.count = len(branches)
        for place, branch in enumerate(branches):
            setattr(self, f"branch{place}", branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([getattr(self, f"branch{place}")(x) for place in range(self.count)], 1)


class _Residual(_Branches):
    """Branches whose outcome, scaled, is added to what came in."""

    def __init__(self, channels: int, joined: int, scale: float, *branches: nn.Module, relu: bool = True) -> None:
        super().__init__(*branches)
        self.scale = scale
        self.conv2d = nn.Conv2d(joined, channels, 1)
        self.relu = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv2d(super().forward(x)) * self.scale + x)


def _way(inputs: int, *steps: tuple[int, int | tuple[int, int]], last: int = 1) -> nn.Sequential:
    """Units one after the other: outputs and kernel of each; `last` is the last one's stride, then without padding."""
    units = []
    for place, (outputs, kernel) in enumerate(steps):
        strided = last > 1 and place == len(steps) - 1
        units.append(_Unit(inputs, outputs, kernel, last if strided else 1, pad=not strided))
        inputs = outputs
    return nn.Sequential(*units)


def _block35() -> _Residual:
    ways = _Unit(320, 32, 1), _way(320, (32, 1), (32, 3)), _way(320, (32, 1), (48, 3), (64, 3))
    return _Residual(320, 128, 0.17, *ways)


def _block17() -> _Residual:
    return _Residual(1088, 384, 0.1, _Unit(1088, 192, 1), _way(1088, (128, 1), (160, (1, 7)), (192, (7, 1))))


def _block8(scale: float = 0.2, *, relu: bool = True) -> _Residual:
    ways = _Unit(2080, 192, 1), _way(2080, (192, 1), (224, (1, 3)), (256, (3, 1)))
    return _Residual(2080, 448, scale, *ways, relu=relu)


class InceptionResNetV2(nn.Module):
    """RGB in -1..1, (N, 3, 299, 299), to the logits of ImageNet's classes, (N, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = _Unit(3, 32, 3, 2, pad=False)
        self.conv2d_2a = _Unit(32, 32, 3, pad=False)
        self.conv2d_2b = _Unit(32, 64, 3)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = _Unit(64, 80, 1)
        self.conv2d_4a = _Unit(80, 192, 3, pad=False)
        self.maxpool_5a = nn.MaxPool2d(3, 2)
        self.mixed_5b = _Branches(
            _Unit(192, 96, 1),
            _way(192, (48, 1), (64, 5)),
            _way(192, (64, 1), (96, 3), (96, 3)),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), _Unit(192, 64, 1)),
        )
        self.repeat = nn.Sequential(*(_block35() for _ in range(10)))
        self.mixed_6a = _Branches(
            _Unit(320, 384, 3, 2, pad=False),
            _way(320, (256, 1), (256, 3), (384, 3), last=2),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_1 = nn.Sequential(*(_block17() for _ in range(20)))
        self.mixed_7a = _Branches(
            _way(1088, (256, 1), (384, 3), last=2),
            _way(1088, (256, 1), (288, 3), last=2),
            _way(1088, (256, 1), (288, 3), (320, 3), last=2),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_2 = nn.Sequential(*(_block8() for _ in range(9)))
        self.block8 = _block8(1.0, relu=False)
        self.conv2d_7b = _Unit(2080, 1536, 1)
        self.classif = nn.Linear(1536, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the classes."""
        x = self.maxpool_3a(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))))
        x = self.maxpool_5a(self.conv2d_4a(self.conv2d_3b(x)))
        x = self.repeat(self.mixed_5b(x))
        x = self.repeat_1(self.mixed_6a(x))
        x = self.block8(self.repeat_2(self.mixed_7a(x)))
        return self.classif(self.conv2d_7b(x).mean((2, 3)))
