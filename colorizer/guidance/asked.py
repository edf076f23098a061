"""What guidance asks of a network, and what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from colorizer.networks.descriptor.model import Spreading
from colorizer.networks.distribution import Distribution

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Said:
    """What a network said of a picture.

    Attributes
    ----------
    model
        The network's name.
    ab
        (h, w, 2) float32, CIE Lab units.
    distribution
        Where that comes from; None where the network has none.
    temperature
        Of the annealed mean that made it.
    """

    model: str
    ab: Floats
    distribution: Distribution | None
    temperature: float = 1.0


class Asked(Protocol):
    """Whoever asks the network of pictures, as `colorizer.Colorizer` does."""

    @property
    def spreading(self) -> Spreading:
        """Who spreads hints; the network alone or both where it is fed them."""

    def said(self, pixels: Pixels) -> Said:
        """What the network says of a picture.

        Raises
        ------
        EngineError
            The runtime failed.
        """

    def fed(self, pixels: Pixels, planes: Callable[[tuple[int, int]], Floats]) -> Floats:
        """What a network says that is fed hints.

        Parameters
        ----------
        pixels
            The picture.
        planes
            Given a height and a width, the hints at that size, as `colorizer.networks.base.NetworkInput` has them.

        Returns
        -------
        ndarray, (h, w, 2) float32, CIE Lab units

        Raises
        ------
        EngineError
            The runtime failed.
        """
