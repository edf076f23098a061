"""`autoencoder`, `xception` and `cnn8`: three encoders and decoders that were compared on Flickr8k at 128 x 128 pixels.

All see L* as it is, 0..100, and answer with ab in CIE Lab units. The printed table of each is kept, to the digit where
a count is printed. Activations are not printed for the first two: ReLU within, none at the end, is chosen, since their
losses show that ab is not squeezed into a smaller range.
"""

from __future__ import annotations

from torch import Tensor, nn

from colorizer.training.networks.layers import Conv, ConvT, SameConv2d, Up, as_keras_begins, chain, frozen
from colorizer.training.networks.xception import Xception

_NARROWEST = (256, 8, 8)
"""Channels, height and width where `autoencoder` is narrowest, at 128 pixels."""


class Autoencoder(nn.Module):
    """Four strided convolutions, two dense layers, four strided transposed convolutions: 9,753,154 parameters."""

    def __init__(self) -> None:
        super().__init__()
        channels, height, width = _NARROWEST
        self.encoder = chain(1, [Conv(32, stride=2), Conv(64, stride=2), Conv(128, stride=2), Conv(256, stride=2)])
        flat = channels * height * width
        self.dense = as_keras_begins(nn.Sequential(nn.Linear(flat, 256), nn.ReLU(), nn.Linear(256, flat), nn.ReLU()))
        self.decoder = chain(
            256,
            [ConvT(256, stride=2), ConvT(128, stride=2), ConvT(64, stride=2), ConvT(2, stride=2, then="none")],
        )

    def forward(self, lightness: Tensor) -> Tensor:
        """L* (N, 1, 128, 128) to ab (N, 2, 128, 128), CIE Lab units."""
        dense = self.dense(self.encoder(lightness).flatten(1))
        return self.decoder(dense.unflatten(1, _NARROWEST))


class XceptionColorizer(nn.Module):
    """Xception without its head, and five transposed convolutions: 30,981,992 parameters, 10,120,512 of them trained.

    Parameters
    ----------
    trained_encoder
        Train Xception too, where there are no weights to freeze.
    """

    def __init__(self, *, trained_encoder: bool = False) -> None:
        super().__init__()
        self.to_rgb = as_keras_begins(SameConv2d(1, 3, 3))
        self.backbone = Xception()
        self.trained_encoder = trained_encoder
        if not trained_encoder:
            frozen(self.backbone)
        self.decoder = chain(
            2048,
            [*(ConvT(each, stride=2) for each in (512, 128, 64, 32)), ConvT(2, stride=2, then="none")],
        )

    def train(self, mode: bool = True) -> XceptionColorizer:
        """Train or not; a frozen encoder never does, its norms' running figures included."""
        super().train(mode)
        if not self.trained_encoder:
            self.backbone.eval()
        return self

    def forward(self, lightness: Tensor) -> Tensor:
        """L* (N, 1, H, W) to ab (N, 2, H, W), CIE Lab units; H and W multiples of 32."""
        return self.decoder(self.backbone(self.to_rgb(lightness)))


class EightBlocks(nn.Module):
    """Eight blocks after Zhang, Isola and Efros 2016, with ab at the end in place of classes: 32,161,474 parameters.

    The paper prints no count and no table; strides, dilations and kernels are those of the network that it follows. It
    says that a norm ends each block and also that one follows each convolution: the former is chosen, as in the
    original; and of its two ends, with and without 313 channels before the last layer, the one without.
    """

    def __init__(self) -> None:
        super().__init__()
        down = [(64, 1), (64, 2)], [(128, 1), (128, 2)], [(256, 1), (256, 1), (256, 2)]
        rows = [
            Conv(width, stride=stride, norm=place == len(block) - 1)
            for block in down
            for place, (width, stride) in enumerate(block)
        ]
        rows += [Conv(512, dilation=dilation, norm=place == 2) for dilation in (1, 2, 2, 1) for place in range(3)]
        self.blocks = chain(1, rows)
        self.last = chain(512, [ConvT(256, kernel=4, stride=2), Conv(256), Conv(256, norm=True)])
        self.head = chain(256, [Conv(2, kernel=1, then="none"), Up(4)])

    def forward(self, lightness: Tensor) -> Tensor:
        """L* (N, 1, H, W) to ab (N, 2, H, W), CIE Lab units; H and W multiples of 8."""
        return self.head(self.last(self.blocks(lightness)))
