"""`full` and `koalarization`: an encoder that meets what Inception-ResNet-v2 says of the picture, fused at an eighth.

After Baldassarre, Gonzalez Morin and Rodes-Guirao 2017 ("Deep Koalarization") and Wallner's tutorial, whose `full` is
their network with other widths. Both give Inception-ResNet-v2 the picture's grey as RGB at 299 x 299 pixels. The grey
is computed from L* inside, so a trained network is one file with one input.

The tutorial normalizes pictures of 0..1 as if they were 0..255: its Inception sees -1..-0.992, a nearly black picture
whatever is on it, and tells nearly nothing. That is not copied: here it sees -1..1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorizer.color.lab import (
    F_BLACK,
    F_EDGE,
    F_SLOPE,
    GAIN,
    GAMMA,
    L_BLACK,
    L_SCALE,
    LINEAR_END,
    LINEAR_SLOPE,
    OFFSET,
)
from colorizer.training.networks.inception_resnet_v2 import CLASSES, SIDE, InceptionResNetV2
from colorizer.training.networks.layers import Conv, Row, Up, as_keras_begins, chain, frozen, joined, repeated

FEATURES = 256
"""Channels where the two meet."""

BACKGROUND_CLASSES = CLASSES + 1
"""TensorFlow's release counts "background" as class 0; weights of timm's have it no more, and it is zero then."""

_ENCODER = (
    *(Conv(64, stride=2), Conv(128), Conv(128, stride=2), Conv(256), Conv(256, stride=2)),
    *(Conv(512), Conv(512), Conv(FEATURES)),
)


def grey_code(lightness: Tensor) -> Tensor:
    """SRGB code values 0..1 of the neutral greys of L* 0..100."""
    f = (lightness + L_BLACK) / L_SCALE
    luminance = torch.where(f > F_EDGE, f**3, (f - F_BLACK) / F_SLOPE).clamp(0, 1)
    power = GAIN * luminance.clamp(min=LINEAR_END) ** (1 / GAMMA) - OFFSET
    return torch.where(luminance > LINEAR_END, power, luminance * LINEAR_SLOPE)


class Fusion(nn.Module):
    """An encoder to 256 channels at an eighth, the classes of the picture beside them, and a decoder.

    Parameters
    ----------
    classes
        1000 probabilities, or 1001 logits.
    decoder
        Its table.
    to_lightness
        Factor and offset from what the network sees to L*.
    trained_encoder
        Train Inception-ResNet-v2 too, where there are no weights to freeze.
    """

    def __init__(
        self,
        classes: int,
        decoder: tuple[Row, ...],
        to_lightness: tuple[float, float],
        *,
        trained_encoder: bool = False,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.to_lightness = to_lightness
        self.trained_encoder = trained_encoder
        self.encoder = chain(1, _ENCODER)
        self.backbone = InceptionResNetV2()
        if not trained_encoder:
            frozen(self.backbone)
        self.fuse = as_keras_begins(nn.Conv2d(FEATURES + classes, FEATURES, 1))
        self.decoder = chain(FEATURES, decoder)

    def train(self, mode: bool = True) -> Fusion:
        """Train or not; a frozen encoder never does, its norms' running figures included."""
        super().train(mode)
        if not self.trained_encoder:
            self.backbone.eval()
        return self

    def forward(self, seen: Tensor) -> Tensor:
        """(N, 1, H, W) to (N, 2, H, W), -1..1; H and W multiples of 8."""
        features = self.encoder(seen)
        told = repeated(self.said_of(seen), features)
        return self.decoder(functional.relu(self.fuse(joined(features, told))))

    def said_of(self, seen: Tensor) -> Tensor:
        """What Inception-ResNet-v2 says of the picture, (N, classes)."""
        factor, offset = self.to_lightness
        grey = grey_code(seen * factor + offset) * 2 - 1
        small = functional.interpolate(grey, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        logits = self.backbone(small.expand(-1, 3, -1, -1))
        if self.classes == CLASSES:
            return torch.softmax(logits, 1)
        return functional.pad(logits, (self.classes - CLASSES, 0))


def full(*, trained_encoder: bool = False) -> Fusion:
    """`full`: sees L* 0..100; 6,541,202 parameters beside Inception-ResNet-v2's."""
    decoder = (Conv(128), Up(), Conv(64), Up(), Conv(32), Conv(16), Conv(2, then="tanh"), Up())
    return Fusion(CLASSES, decoder, (1.0, 0.0), trained_encoder=trained_encoder)


def koalarization(*, trained_encoder: bool = False) -> Fusion:
    """`koalarization`: sees L*/50 - 1; 6,574,050 parameters beside Inception-ResNet-v2's."""
    decoder = (Conv(128), Up(), Conv(64), Conv(64), Up(), Conv(32), Conv(2, then="tanh"), Up())
    return Fusion(BACKGROUND_CLASSES, decoder, (50.0, 50.0), trained_encoder=trained_encoder)
