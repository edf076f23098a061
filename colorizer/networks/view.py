"""One look of a network at a picture: the size that it sees. How pictures get there: `colorizer.networks.looks`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colorizer.color.resample import network_size
from colorizer.errors import OptionRef, Remedy, UsageError
from colorizer.networks.base import Model, NetworkInput
from colorizer.settings import Fit, Settings

GRAIN = 8
"""Pixels that sides are multiples of where a picture of kept aspect is put into a fixed size: the answer may have an
eighth of the places, and its part that is the picture's has to end on one."""


@dataclass(frozen=True)
class NetworkView:
    """How pictures are brought to the size that a network sees."""

    fit: Fit
    size: int  # short side, in pixels
    stride: int  # pixels; both sides are multiples of it
    fixed: tuple[int, int] | None = None  # height and width, of a network that takes no other size

    @classmethod
    def of(cls, model: Model, settings: Settings, size: int) -> NetworkView:
        """A look at one size, with the aspect that the settings want, or else that suits the model.

        Raises
        ------
        UsageError
            The network does not take that size.
        """
        fit = model.fit if settings.fit == "auto" else settings.fit
        sizes = None if model.descriptor is None else model.descriptor.sizes
        if sizes is not None and sizes.fixed is not None:
            if size != sizes.default:
                height, width = sizes.fixed
                raise UsageError(
                    f"{model.name} sees {height} x {width} pixels and no other size",
                    option=OptionRef("size", str(size)),
                    remedy=Remedy.LEAVE_OUT,
                    what=OptionRef("size"),
                )
            return cls(fit, size, GRAIN, sizes.fixed)
        if sizes is not None and not sizes.low <= size <= sizes.high:
            raise UsageError(
                f"{model.name} takes {sizes.low} to {sizes.high} pixels", option=OptionRef("size", str(size))
            )
        if size % model.stride:
            raise UsageError(
                f"{model.name} takes multiples of {model.stride}",
                option=OptionRef("size", str(size)),
                remedy=f"try {max(1, round(size / model.stride)) * model.stride}",
            )
        return cls(fit, size, model.stride)

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what the network sees of a picture of that height and width."""
        if self.fixed is not None:
            return self.fixed if self.fit == "stretch" else _inscribed(height, width, self.fixed)
        return network_size(height, width, fit=self.fit, size=self.size, stride=self.stride)

    def of_lightness(self, lightness: npt.NDArray[np.float32]) -> NetworkInput:
        """What the network sees of lightness that has the right size: (h, w) float32, L in 0..100; see `size_for`."""
        return NetworkInput(lightness[None, None])


def _inscribed(height: int, width: int, frame: tuple[int, int]) -> tuple[int, int]:
    """The largest size of a picture's aspect that a frame holds, in whole grains; the rest is filled up."""
    ratio = min(frame[0] / height, frame[1] / width)
    grown = (
        min(max(round(side * ratio / GRAIN), 1) * GRAIN, limit)
        for side, limit in zip((height, width), frame, strict=True)
    )
    return next(grown), next(grown)
