"""`lite` as PyTorch sees it: lightness in, a distribution over the 313 colour classes out, at a quarter of the size.

Encoder: EfficientNet-Lite0 or a larger one of its family (`encoder`). Its first convolution is summed over the three
input channels, which is what a grey picture in RGB would have met. Decoder: three steps from stride 32 to stride 4,
each adding the encoder's features of that stride to the upsampled coarser ones. Head: a 1x1 convolution to the logits
of Zhang, Isola and Efros 2016.

Only what Caffe can say is used: (grouped) convolutions, BatchNorm that folds into them, ReLU, ReLU6, sums, and a fixed
grouped deconvolution for upsampling. `caffe_graph` writes it down in that language.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.contract import BIN_COUNT, MIDDLE_LIGHTNESS
from colorizer.training.lite.encoder import LITE0, Encoder
from colorizer.training.lite.operations import doubled

DECODER_WIDTHS = (256, 160, 128)
"""Channels of the decoder at strides 16, 8 and 4."""

UPSAMPLING_TAPS = (0.25, 0.75, 0.75, 0.25)
"""One axis of the kernel that doubles a size bilinearly, as a transposed convolution of stride 2 and padding 1; that is
what is written down for Caffe, and a checkpoint has it for its widths. `doubled` computes the same sooner."""


def convolution(inputs: int, outputs: int, kernel: int = 1, *, groups: int = 1, relu: bool = True) -> nn.Sequential:
    """Convolution that keeps the size, BatchNorm, and a ReLU unless told otherwise."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def refinement(channels: int) -> nn.Sequential:
    """A depthwise 5x5 and a pointwise convolution; the caller adds the result to what went in."""
    return nn.Sequential(convolution(channels, channels, 5, groups=channels), convolution(channels, channels))


class Fuse(nn.Module):
    """One step of the decoder: coarser features, upsampled, meet the encoder's features of twice their size.

    Parameters
    ----------
    coarse, skip, outputs
        Channels of the coarser features, of the encoder's, and of the result.
    """

    up: Tensor

    def __init__(self, coarse: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.skip = convolution(skip, outputs, relu=False)
        self.reduce = convolution(coarse, outputs, relu=False)
        taps = torch.tensor(UPSAMPLING_TAPS)
        self.register_buffer("up", torch.outer(taps, taps).expand(outputs, 1, 4, 4).clone())
        self.refine1 = refinement(outputs)
        self.refine2 = refinement(outputs)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """(N, coarse, h, w) and (N, skip, 2h, 2w) to (N, outputs, 2h, 2w)."""
        x = functional.relu(doubled(self.reduce(coarse)) + self.skip(skip))
        x = x + self.refine1(x)
        return x + self.refine2(x)


class Lite(nn.Module):
    """The network; see the module's own text.

    Parameters
    ----------
    widths
        Channels of the decoder at strides 16, 8 and 4.
    encoder
        Its number in the EfficientNet-Lite family.
    """

    centres: Tensor

    def __init__(self, widths: tuple[int, int, int] = DECODER_WIDTHS, *, encoder: int = LITE0) -> None:
        super().__init__()
        self.encoder = Encoder(encoder)
        _, at4, at8, at16, at32 = self.encoder.widths
        self.fuse16 = Fuse(at32, at16, widths[0])
        self.fuse8 = Fuse(widths[0], at8, widths[1])
        self.fuse4 = Fuse(widths[1], at4, widths[2])
        self.logits = nn.Conv2d(widths[2], BIN_COUNT, 1)
        self._drop_path = 0.0
        self._dropout = 0.0
        self.register_buffer("centres", torch.from_numpy(bin_centres().astype(np.float32)))

    @property
    def block_strides(self) -> tuple[int, ...]:
        """Stride of each block of the encoder; the first convolution before them has stride 2."""
        return self.encoder.block_strides

    @property
    def folded(self) -> bool:
        """Whether its norms are those that were folded into convolutions when it was written, and do nothing.

        Pictures must not move their running figures then: what comes after them was trained for what they were.
        """
        return not bool(self.encoder._bn0.running_mean.any())

    def regularize(self, *, drop_path: float, dropout: float) -> None:
        """Set what training drops by chance: residual blocks of the encoder, channels before the logits; 0..1 each."""
        self._drop_path = drop_path
        self._dropout = dropout

    def forward(self, lightness: Tensor) -> Tensor:
        """Logits (N, 313, H/4, W/4) for lightness (N, 1, H, W), L - 50, H and W multiples of 32."""
        return self.logits(self.features(lightness))

    def features(self, lightness: Tensor) -> Tensor:
        """What the logits are a linear map of: (N, C, H/4, W/4)."""
        _, at4, at8, at16, at32 = self.encoder(lightness / MIDDLE_LIGHTNESS, self._drop_path)
        x = self.fuse4(self.fuse8(self.fuse16(at32, at16), at8), at4)
        return functional.dropout2d(x, self._dropout, self.training)

    def annealed_mean(self, lightness: Tensor, scale: float) -> Tensor:
        """Chroma (N, 2, H/4, W/4) in CIE Lab units; `scale` is 1/T (Zhang et al. 2016, equation 5)."""
        distribution = torch.softmax(self(lightness).float() * scale, 1)
        return torch.einsum("nqhw,qc->nchw", distribution, self.centres)

    def predict(self, lightness: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
        """`annealed_mean` from array to array, without gradients."""
        with torch.inference_mode():
            return np.asarray(self.annealed_mean(torch.from_numpy(lightness), scale).numpy(), np.float32)

    def parameters_by_name(self) -> dict[str, npt.NDArray[np.float64]]:
        """All weights and buffers, and for each BatchNorm its `eps`, which a state dict leaves out."""
        arrays = {name: value.double().numpy() for name, value in self.state_dict().items()}
        for name, module in self.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                arrays[f"{name}.eps"] = np.float64(module.eps)
        return arrays
