"""Layers as Keras has them, for networks that were published in it; and chains of layers, written as their tables are.

Keras' "same" padding is not PyTorch's: where a stride makes the padding odd, the odd row and column come at the bottom
and the right. A strided convolution with PyTorch's padding has the same size and sees everything shifted by one pixel;
a transposed one likewise. All sides here are multiples of the strides, so the padding is known without the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["relu", "tanh", "sigmoid", "none"]

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}

KERAS_NORM_MOMENTUM = 0.01
"""Keras' 0.99, said as PyTorch says it."""

KERAS_NORM_EPSILON = 1e-3


class SameConv2d(nn.Conv2d):
    """Convolution of Keras' "same" padding; sides are multiples of the stride.

    Parameters
    ----------
    inputs, outputs
        Channels.
    kernel, stride, dilation
        In pixels, both ways.
    bias
        Whether there is one.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1, bias: bool = True
    ) -> None:
        total = max((kernel - 1) * dilation + 1 - stride, 0)
        before, after = total // 2, total - total // 2
        super().__init__(inputs, outputs, kernel, stride=stride, dilation=dilation, padding=before, bias=bias)
        # what PyTorch's symmetric padding lacks at the bottom and right
        self.lacking = after - before

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        if not self.lacking:
            return super().forward(x)
        before = self.padding[0]
        x = functional.pad(x, (before, before + self.lacking, before, before + self.lacking))
        return functional.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """Transposed convolution of Keras' "same" padding: the gradient of `SameConv2d` with respect to its input.

    Parameters
    ----------
    inputs, outputs
        Channels.
    kernel, stride
        In pixels, both ways; the kernel is no smaller than the stride.
    bias
        Whether there is one.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, bias: bool = True) -> None:
        total = kernel - stride
        before = total // 2
        super().__init__(inputs, outputs, kernel, stride=stride, padding=before, bias=bias)
        self.surplus = total - 2 * before

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H * stride, W * stride)."""
        full = super().forward(x)
        return full[:, :, : -self.surplus, : -self.surplus] if self.surplus else full


class Nearest(nn.Module):
    """`UpSampling2D`: each pixel becomes a square of that many.

    Parameters
    ----------
    factor
        Pixels, both ways.
    """

    def __init__(self, factor: int = 2) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H * factor, W * factor)."""
        return functional.interpolate(x, scale_factor=float(self.factor), mode="nearest")


class KerasNorm(nn.BatchNorm2d):
    """`BatchNormalization` with Keras' defaults, whose running statistics are right from the first step on.

    Keras' begin at 0 and 1 and forget that slowly: a network that is evaluated by them answers nonsense for a hundred
    steps. Here the first hundred batches have equal weight; from there on it is Keras' average.

    Parameters
    ----------
    channels
        Of what comes in.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=KERAS_NORM_EPSILON, momentum=KERAS_NORM_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W), normalized."""
        if self.training:
            self.momentum = max(KERAS_NORM_MOMENTUM, 1 / (1 + int(self.num_batches_tracked)))
        return super().forward(x)


@dataclass(frozen=True)
class Conv:
    """A row of a table: a convolution and what follows it."""

    outputs: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    then: Activation = "relu"
    norm: bool = False


@dataclass(frozen=True)
class ConvT:
    """A row of a table: a transposed convolution and what follows it."""

    outputs: int
    kernel: int = 3
    stride: int = 1
    then: Activation = "relu"


@dataclass(frozen=True)
class Up:
    """A row of a table: `UpSampling2D`."""

    factor: int = 2


Row = Conv | ConvT | Up


def chain(inputs: int, rows: Sequence[Row]) -> nn.Sequential:
    """The layers of a table, one after the other, with Keras' padding and its first weights.

    Parameters
    ----------
    inputs
        Channels of what comes in.
    rows
        The table.
    """
    layers: list[nn.Module] = []
    for row in rows:
        if isinstance(row, Up):
            layers.append(Nearest(row.factor))
            continue
        if isinstance(row, Conv):
            layers.append(SameConv2d(inputs, row.outputs, row.kernel, stride=row.stride, dilation=row.dilation))
        else:
            layers.append(SameConvTranspose2d(inputs, row.outputs, row.kernel, stride=row.stride))
        if row.then != "none":
            layers.append(_ACTIVATIONS[row.then]())
        if isinstance(row, Conv) and row.norm:
            layers.append(KerasNorm(row.outputs))
        inputs = row.outputs
    return as_keras_begins(nn.Sequential(*layers))


def as_keras_begins(network: nn.Module) -> nn.Module:
    """Give the layers of a network the first weights of Keras: Glorot's uniform ones, and biases of zero."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def as_pix2pix_begins(network: nn.Module) -> nn.Module:
    """Give the layers of a network pix2pix' first weights: N(0, 0.02), and N(1, 0.02) for what scales after a norm."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
    return network


def parameter_count(network: nn.Module, *, trainable: bool = False) -> int:
    """How many numbers a network has, as Keras counts: a norm has four a channel, of which two are trained.

    Parameters
    ----------
    network
        Any.
    trainable
        Leave out what training does not change: frozen parameters, and running means and variances.
    """
    own = sum(each.numel() for each in network.parameters() if each.requires_grad or not trainable)
    if trainable:
        return own
    running = (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
    return own + sum(2 * layer.num_features for layer in running)


def frozen(module: nn.Module) -> nn.Module:
    """A module whose parameters are not trained."""
    return module.requires_grad_(False)


def repeated(vector: Tensor, like: Tensor) -> Tensor:
    """(N, C) as planes that are the same everywhere: (N, C, H, W), H and W as of another tensor."""
    return vector[:, :, None, None].expand(-1, -1, like.shape[2], like.shape[3])


def joined(*parts: Tensor) -> Tensor:
    """Channels of several tensors, one after the other."""
    return torch.cat(parts, 1)
