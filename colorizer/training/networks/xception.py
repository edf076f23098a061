"""Xception without its head (Chollet 2017), as an encoder whose weights others have trained.

The names of its parameters are those of timm's `legacy_xception`, so weights of that kind load as they are; so does
its padding, which is PyTorch's, since that is what those weights have met.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn


class _Separable(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.conv1(x))


class _Block(nn.Module):
    """Separable convolutions beside a way around them.

    Parameters
    ----------
    widths
        Channels before, between and after the convolutions.
    stride
        Of the way around, and of the pooling at the end.
    relu_first
        Whether a ReLU comes before the first of them.
    """

    def __init__(self, widths: tuple[int, ...], stride: int, *, relu_first: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.ReLU(), _Separable(inputs, outputs), nn.BatchNorm2d(outputs)]
        if not relu_first:
            layers = layers[1:]
        if stride > 1:
            layers.append(nn.MaxPool2d(3, stride, 1))
        self.rep = nn.Sequential(*layers)
        self.skip: nn.Module | None = None
        if stride > 1:
            self.skip = nn.Conv2d(widths[0], widths[-1], 1, stride=stride, bias=False)
            self.skipbn = nn.BatchNorm2d(widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        around = x if self.skip is None else self.skipbn(self.skip(x))
        return self.rep(x) + around


class Xception(nn.Module):
    """(N, 3, H, W) to 2048 channels at a 32nd of the size: 20,861,480 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 32, 3, 2, 0, bias=False), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 3, bias=False), nn.BatchNorm2d(64)
        self.block1 = _Block((64, 128, 128), 2, relu_first=False)
        self.block2 = _Block((128, 256, 256), 2)
        self.block3 = _Block((256, 728, 728), 2)
        for number in range(4, 12):
            setattr(self, f"block{number}", _Block((728,) * 4, 1))
        self.block12 = _Block((728, 728, 1024), 2)
        self.conv3, self.bn3 = _Separable(1024, 1536), nn.BatchNorm2d(1536)
        self.conv4, self.bn4 = _Separable(1536, 2048), nn.BatchNorm2d(2048)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Features of RGB in -1..1; H and W multiples of 32."""
        x = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        for number in range(1, 13):
            x = getattr(self, f"block{number}")(x)
        return self.relu(self.bn4(self.conv4(self.relu(self.bn3(self.conv3(x))))))
