"""What a caller sets in every network of the contract: 1/T and the bin centres, as the layers take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from colorizer.networks.zhang.contract import (
    BIN_COUNT,
    CENTRES_LAYER,
    RELEASE_SCALE,
    RELEASE_TEMPERATURE,
    SCALE_LAYER,
)


@dataclass(frozen=True)
class Colors:
    """The sharpness of the annealed mean, and the colours that it is a mean of; a `WeightedMean`."""

    temperature: float
    centres: npt.NDArray[np.number[Any]]  # (313, 2), CIE Lab units

    scale_layer: ClassVar[str] = SCALE_LAYER
    mean_layer: ClassVar[str] = CENTRES_LAYER
    tensor_names: ClassVar[tuple[str, str]] = ("inverse_temperature", "bin_centres")

    @property
    def scale(self) -> float:
        """The factor on the logits, 1/T."""
        return RELEASE_SCALE if self.temperature == RELEASE_TEMPERATURE else 1.0 / self.temperature

    @property
    def kernels(self) -> npt.NDArray[np.float32]:
        """The centres as the weights of a 1x1 convolution from the classes to ab, (2, 313, 1, 1)."""
        return np.ascontiguousarray(self.centres.T.reshape(2, BIN_COUNT, 1, 1), np.float32)
