"""`unet-gan` and `color-gan`: U-Nets of eight levels with the discriminators that they are trained against.

Both are pix2pix' (Isola et al. 2017) at 256 x 256 pixels. `unet-gan` is Shariatnia's "Image Colorization Tutorial"
(PyTorch): L to ab. `color-gan` is TensorFlow's pix2pix tutorial (Keras): grey to RGB. They differ in their norms, in
where there is one, in the slope of LeakyReLU, and in what the skips carry.
"""

from __future__ import annotations

from torch import Tensor, nn

from colorizer.training.networks.layers import KerasNorm, as_pix2pix_begins, joined

_WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)
"""Channels on the way down, at 128 pixels to 1."""

_DROPPED = 0.5


class UNet(nn.Module):
    """`unet-gan`'s generator, L*/50 - 1 to ab/110: 54,409,858 trained parameters.

    On the way down LeakyReLU comes before each convolution but the first, in place, so that skips carry what it made.
    """

    def __init__(self) -> None:
        super().__init__()
        last = len(_WIDTHS) - 1
        self.down = nn.ModuleList()
        for place, (inputs, outputs) in enumerate(zip((1, *_WIDTHS), _WIDTHS, strict=False)):
            layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)]
            if 0 < place < last:
                layers.append(nn.BatchNorm2d(outputs))
            self.down.append(nn.Sequential(*layers))
        self.up = nn.ModuleList()
        for place in reversed(range(len(_WIDTHS))):
            inputs = _WIDTHS[place] * (1 if place == last else 2)
            if place == 0:
                layers = [nn.ConvTranspose2d(inputs, 2, 4, 2, 1), nn.Tanh()]
            else:
                layers = [nn.ConvTranspose2d(inputs, _WIDTHS[place - 1], 4, 2, 1, bias=False)]
                layers.append(nn.BatchNorm2d(_WIDTHS[place - 1]))
                if 4 <= place < last:
                    layers.append(nn.Dropout(_DROPPED))
            self.up.append(nn.Sequential(*layers))
        self.leaky, self.relu = nn.LeakyReLU(0.2), nn.ReLU()
        as_pix2pix_begins(self)

    def forward(self, seen: Tensor) -> Tensor:
        """(N, 1, 256, 256) to (N, 2, 256, 256)."""
        skips: list[Tensor] = []
        x = seen
        for place, level in enumerate(self.down):
            x = level(self.leaky(x) if place else x)
            skips.append(x)
        x = self.up[0](self.relu(x))
        for level, skip in zip(list(self.up)[1:], reversed(skips[:-1]), strict=True):
            # the next level down had activated what it took, in place
            x = level(self.relu(joined(self.leaky(skip), x)))
        return x


def patches() -> nn.Module:
    """`unet-gan`'s discriminator, L and ab to logits of 30 x 30 patches: 2,765,633 parameters."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, outputs, stride in ((64, 128, 2), (128, 256, 2), (256, 512, 1)):
        layers += [nn.Conv2d(inputs, outputs, 4, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    return as_pix2pix_begins(nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 1)))


class KerasUNet(nn.Module):
    """`color-gan`'s generator, grey to RGB, both -1..1: 54,423,811 parameters with the norms' running figures."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        for place, (inputs, outputs) in enumerate(zip((1, *_WIDTHS), _WIDTHS, strict=False)):
            # 4 x 4 with stride 2: Keras' "same" is PyTorch's padding of 1
            layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)]
            if place:
                layers.append(KerasNorm(outputs))
            self.down.append(nn.Sequential(*layers, nn.LeakyReLU(0.3)))
        self.up = nn.ModuleList()
        last = len(_WIDTHS) - 1
        for place in reversed(range(1, len(_WIDTHS))):
            inputs = _WIDTHS[place] * (1 if place == last else 2)
            layers = [nn.ConvTranspose2d(inputs, _WIDTHS[place - 1], 4, 2, 1, bias=False)]
            layers.append(KerasNorm(_WIDTHS[place - 1]))
            if place > last - 3:
                layers.append(nn.Dropout(_DROPPED))
            self.up.append(nn.Sequential(*layers, nn.ReLU()))
        self.head = nn.Sequential(nn.ConvTranspose2d(2 * _WIDTHS[0], 3, 4, 2, 1), nn.Tanh())
        as_pix2pix_begins(self)

    def forward(self, seen: Tensor) -> Tensor:
        """(N, 1, 256, 256) to (N, 3, 256, 256)."""
        skips: list[Tensor] = []
        x = seen
        for level in self.down:
            x = level(x)
            skips.append(x)
        for level, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = joined(level(x), skip)
        return self.head(x)


def keras_patches() -> nn.Module:
    """`color-gan`'s discriminator, grey and RGB to logits of 30 x 30 patches: 2,768,385 parameters."""
    layers: list[nn.Module] = [nn.Conv2d(4, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.3)]
    for inputs, outputs in ((64, 128), (128, 256)):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), KerasNorm(outputs), nn.LeakyReLU(0.3)]
    layers += [nn.ZeroPad2d(1), nn.Conv2d(256, 512, 4, bias=False), KerasNorm(512), nn.LeakyReLU(0.3)]
    return as_pix2pix_begins(nn.Sequential(*layers, nn.ZeroPad2d(1), nn.Conv2d(512, 1, 4)))
