"""What sets the families apart: what a network of each must be fed, may be fed, and gives."""

from __future__ import annotations

from dataclasses import dataclass

from colorizer.networks.descriptor.model import Holds

_HINTS = ("hint-a", "hint-b", "hint-mask", "hint-red", "hint-green", "hint-blue")


@dataclass(frozen=True)
class Rules:
    """One family's."""

    needs: tuple[tuple[str, ...], ...]  # of each of these, some channel of an input
    may: tuple[str, ...]  # channels that inputs may hold
    gives: tuple[Holds, ...]  # what the output may hold
    size: int  # usual short side in pixels, where a descriptor does not say
    step: int  # usual step in pixels


RULES: dict[str, Rules] = {
    "ab": Rules((("lightness",),), ("lightness", "zero"), ("ab", "lab"), 256, 8),
    "grey-rgb-to-ab": Rules((("grey",),), ("grey", "zero"), ("ab",), 512, 32),
    "rgb": Rules((("grey",),), ("grey", "zero"), ("rgb",), 512, 32),
    "hinted": Rules(
        (("lightness", "grey"), _HINTS), ("lightness", "grey", "zero", *_HINTS), ("ab", "rgb", "lab"), 256, 8
    ),
}
"""By the family's name: L to ab in any scale (eccv16, student networks); neutral RGB to ab (DDColor); neutral RGB to
RGB, whose chroma is taken (DeOldify, pix2pix); and those that are fed hints as well (siggraph17, ideepcolor)."""
