"""One look of a network at a picture: the size that it sees. How pictures get there: `colorizer.networks.looks`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colorizer.color.resample import network_size
from colorizer.errors import OptionRef, UsageError
from colorizer.networks.base import Model, NetworkInput
from colorizer.settings import Fit, Settings


@dataclass(frozen=True)
class NetworkView:
    """How pictures are brought to the size that a network sees."""

    fit: Fit
    size: int  # short side, in pixels
    stride: int  # pixels; both sides are multiples of it

    @classmethod
    def of(cls, model: Model, settings: Settings, size: int) -> NetworkView:
        """A look at one size, with the aspect that the settings want, or else that suits the model.

        Raises
        ------
        UsageError
            The network does not take that size.
        """
        if size % model.stride:
            raise UsageError(
                f"{model.name} takes multiples of {model.stride}",
                option=OptionRef("size", str(size)),
                remedy=f"try {max(1, round(size / model.stride)) * model.stride}",
            )
        return cls(model.fit if settings.fit == "auto" else settings.fit, size, model.stride)

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what the network sees of a picture of that height and width."""
        return network_size(height, width, fit=self.fit, size=self.size, stride=self.stride)

    def of_lightness(self, lightness: npt.NDArray[np.float32]) -> NetworkInput:
        """What the network sees of lightness that has the right size: (h, w) float32, L in 0..100; see `size_for`."""
        return NetworkInput(lightness[None, None])
