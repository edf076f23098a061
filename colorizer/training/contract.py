"""What a network in training sees and gives, and in which scale: the same words that its descriptor is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from colorizer.networks.descriptor.model import VERSION

Sees = Literal["lightness", "grey"]
Gives = Literal["ab", "rgb"]

OUTPUT_CHANNELS: dict[Gives, int] = {"ab": 2, "rgb": 3}

INPUT_TENSOR = "seen"
OUTPUT_TENSORS: dict[Gives, str] = {"ab": "ab", "rgb": "rgb"}


@dataclass(frozen=True)
class Contract:
    """Values of tensors are natural value * scale + offset: L* 0..100, grey and RGB as sRGB code 0..1, ab in Lab units.

    Attributes
    ----------
    sees
        One channel: L*, or the sRGB code value of the neutral grey of that L*.
    see_scale, see_offset
        Of it.
    gives
        ab, or RGB of which the chroma is taken.
    give_scale, give_offset
        Of it.
    """

    sees: Sees
    see_scale: float
    see_offset: float
    gives: Gives
    give_scale: float
    give_offset: float = 0.0

    @property
    def channels(self) -> int:
        """Of the output."""
        return OUTPUT_CHANNELS[self.gives]

    def descriptor(self, size: dict[str, int], title: str) -> dict[str, Any]:
        """The descriptor of a network of this contract, as JSON has it.

        Parameters
        ----------
        size
            Its field of that name.
        title
            Of the network, for people.
        """
        natural = {"scale": 1 / self.give_scale, "offset": -self.give_offset / self.give_scale}
        return {
            "version": VERSION,
            "family": self.gives if self.gives == "rgb" else "ab",
            "title": title,
            "inputs": [
                {"tensor": INPUT_TENSOR, "holds": [self.sees], "scale": self.see_scale, "offset": self.see_offset}
            ],
            "output": {"tensor": OUTPUT_TENSORS[self.gives], "holds": self.gives, **natural},
            "size": size,
        }
