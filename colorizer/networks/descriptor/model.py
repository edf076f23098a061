"""A descriptor: all that one must know of a network's file to run it, as data.

It lies beside the model (`net.colorize.json`) or stands in the catalogue. `reading` makes it from JSON and says what is
wrong with that; `schema.json` is the same rules for other programs. Here are its values, with every range
and normalization reduced to a factor and an offset for each channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from colorizer.settings import Fit

VERSION = 1
SUFFIX = ".colorize.json"
"""What a descriptor's name has in place of the model's suffix."""

Layout = Literal["NCHW", "NHWC"]
Dtype = Literal["float32", "float16", "uint8"]
Holds = Literal["ab", "rgb", "lab"]

Spreading = Literal["both", "network", "program"]
"""Who spreads hints: the network that is fed them; the program, and the network is fed none; or the network, and then
the program what is left at the hints."""

CHANNELS = (
    *("lightness", "grey", "zero"),
    *("hint-a", "hint-b", "hint-mask", "hint-red", "hint-green", "hint-blue"),
)
"""What a channel of an input may hold, in natural units: L* 0..100; the sRGB code value 0..1 of a neutral grey of that
L*; nothing; and of hints: a and b in CIE Lab units, whether there is one (0 or 1), its RGB in 0..1; all 0 elsewhere."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "lightness": ("lightness",),
    "grey-rgb": ("grey", "grey", "grey"),
    "hint-ab": ("hint-a", "hint-b"),
    "hint-mask": ("hint-mask",),
    "hint-rgb": ("hint-red", "hint-green", "hint-blue"),
}
"""Names for what inputs usually hold."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, R, G and B in 0..1."""

CHANNELS_OF: Mapping[Holds, int] = {"ab": 2, "rgb": 3, "lab": 3}


@dataclass(frozen=True)
class InputTensor:
    """One input: value = natural value * scale + offset, channel by channel."""

    tensor: str  # its name; "" for the file's only one
    channels: tuple[str, ...]  # of `CHANNELS`; none for a constant
    scale: tuple[float, ...]  # one a channel
    offset: tuple[float, ...]
    layout: Layout = "NCHW"
    dtype: Dtype = "float32"
    shape: tuple[int, ...] = ()  # of a constant
    value: float = 0.0  # of a constant


@dataclass(frozen=True)
class OutputTensor:
    """The output: natural value = value * scale + offset. ab and Lab in CIE Lab units, RGB in 0..1."""

    tensor: str  # its name; "" for the file's only one
    holds: Holds
    scale: tuple[float, ...]  # one a channel, in the file's own order
    offset: tuple[float, ...]
    layout: Layout = "NCHW"
    bgr: bool = False


@dataclass(frozen=True)
class Sizes:
    """Which sizes a network takes, in pixels."""

    default: int  # short side
    step: int = 1  # sides are multiples of it
    fixed: tuple[int, int] | None = None  # height and width, where it takes no other
    low: int = 1
    high: int = 1 << 20
    fit: Fit = "stretch"
    pad: Literal["edge", "reflect"] | float = "edge"  # what fills up a picture of kept aspect; a number is an L*


@dataclass(frozen=True)
class Canary:
    """What the network answers to a ramp of grey: catches a range or a file that is not what the descriptor says."""

    size: int  # pixels, both sides
    mean: tuple[float, float]  # of a and b, CIE Lab units
    spread: tuple[float, float]  # standard deviations of a and b
    tolerance: float = 2.0  # CIE Lab units, of each of the four


@dataclass(frozen=True)
class Part:
    """A file of the model, and how to know it."""

    name: str
    role: str  # "model" or "data"
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Descriptor:
    """All of it."""

    family: str
    inputs: tuple[InputTensor, ...]
    output: OutputTensor
    sizes: Sizes
    canary: Canary | None = None
    parts: tuple[Part, ...] = ()  # where it was imported; none in a descriptor written by hand
    title: str = ""
    licence: Mapping[str, Any] = field(default_factory=dict)  # as written: code, weights, non_commercial, attribution
    deterministic: bool = True
    spreading: Spreading = "both"  # of hints, where the network takes them
    source: Mapping[str, Any] = field(default_factory=dict)  # the JSON it was read from

    @property
    def takes_hints(self) -> bool:
        """Whether a channel holds hints."""
        return any(channel.startswith("hint-") for each in self.inputs for channel in each.channels)
