"""What a caller sets in a network that ends in a weighted mean of values: the values, and a factor on the logits.

Such a network scales its logits, makes weights of them by a softmax, and takes a mean by a 1x1 convolution. Its files
leave the factor and the values empty, since they are the caller's choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from colorizer.caffe.network import Network


class WeightedMean(Protocol):
    """The numbers to be set, and the layers that take them."""

    @property
    def scale_layer(self) -> str:
        """The Scale layer before the softmax."""

    @property
    def mean_layer(self) -> str:
        """The 1x1 convolution after it."""

    @property
    def scale(self) -> float:
        """The factor on the logits."""

    @property
    def kernels(self) -> npt.NDArray[np.float32]:
        """The values, as the weights of the convolution: (outputs, classes, 1, 1)."""

    @property
    def tensor_names(self) -> tuple[str, str]:
        """What the factor and the values are called where they are tensors of a model."""


@dataclass(frozen=True)
class NoMean:
    """Of a network that does not end in one."""

    scale_layer: str = ""
    mean_layer: str = ""
    scale: float = 1.0
    tensor_names: tuple[str, str] = ("", "")

    @property
    def kernels(self) -> npt.NDArray[np.float32]:
        """None."""
        return np.empty((0, 0, 1, 1), np.float32)


NO_MEAN = NoMean()


def result_of(network: Network, mean: WeightedMean) -> str:
    """The blob that a network gives: its weighted mean, or where it was cut before that, what its last layer makes."""
    layer = network.layer(mean.mean_layer)
    return (layer or network.layers[-1]).tops[0]
