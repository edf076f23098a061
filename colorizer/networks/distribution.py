"""What a network thinks of a picture before it settles on colours: how probable each of some colours is, everywhere.

The annealed mean (Zhang et al. 2016, equation 5; see `colorizer.networks.zhang.bins`) is the last and the cheapest step
of a pass. Who keeps the logits before it can have the colours at any temperature without the network.

They are kept in half precision, as distances below the largest logit at their place. Softmax does not see such a
shift, and near 0, where the probable colours are, float16 resolves most finely. Rounding a distance m moves the
exponent by m 2^-11 / T at most, under a weight of e^(-m/T): at every temperature no more than 2^-11 / e, by which two
colours as far apart as 200 shift their mean by less than 0.04.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import OptionRef, UsageError
from colorizer.settings import LARGEST_TEMPERATURE, SMALLEST_TEMPERATURE

_LOWEST = np.finfo(np.float16).min

_PLACES = 1 << 11
"""Places computed at a time: their weights stay in the processor's cache."""


@dataclass(frozen=True)
class Distribution:
    """A picture's colours as the network weighs them; see `Colorizer.distribution`.

    Attributes
    ----------
    logits
        (C, h, w) float16 for C classes, less the largest at each place.
    centres
        (C, 2) float32, CIE Lab units: the classes' colours.

    Examples
    --------
    >>> import numpy as np
    >>> from colorizer import Colorizer, Settings
    >>> grey = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
    >>> distribution = Colorizer(Settings(model="lite")).distribution(grey)
    >>> calm, vivid = distribution.ab(1), distribution.ab(0.3)
    >>> calm.shape == vivid.shape, calm.dtype
    (True, dtype('float32'))
    """

    logits: npt.NDArray[np.float16]
    centres: npt.NDArray[np.float32]

    @classmethod
    def of(cls, logits: npt.NDArray[np.float32], centres: npt.NDArray[np.number[Any]]) -> Distribution:
        """Keep what a network says.

        Parameters
        ----------
        logits
            (C, h, w) float32, before they are scaled by 1/T.
        centres
            (C, 2), the classes' colours, CIE Lab units.
        """
        below = np.maximum(logits - logits.max(axis=0), _LOWEST)
        return cls(below.astype(np.float16), np.asarray(centres, np.float32))

    def ab(self, temperature: float) -> npt.NDArray[np.float32]:
        """The annealed mean at a temperature.

        Parameters
        ----------
        temperature
            T, from 0.01 to 10; 1 is the plain mean, towards 0 the mode.

        Returns
        -------
        ndarray, (h, w, 2) float32, CIE Lab units
            That of `Colorizer.predict` within 0.05.

        Raises
        ------
        UsageError
            The temperature is outside its range.
        """
        if not SMALLEST_TEMPERATURE <= temperature <= LARGEST_TEMPERATURE:
            raise UsageError(
                f"expected a number from {SMALLEST_TEMPERATURE:g} to {LARGEST_TEMPERATURE:g}",
                option=OptionRef("temperature", f"{temperature:g}"),
            )
        _, height, width = self.logits.shape
        ab = annealed_mean(self.logits, self.centres, temperature)
        return np.ascontiguousarray(ab.transpose(1, 2, 0)).reshape(height, width, 2)


def annealed_mean(
    logits: npt.NDArray[np.floating[Any]], centres: npt.NDArray[np.number[Any]], temperature: float
) -> npt.NDArray[np.float32]:
    """The mean of the classes' colours under a distribution that is sharpened by a temperature.

    Zhang et al. 2016, equation 5: exp(z / T) / sum, of logits z; see `colorizer.networks.zhang.bins`.

    Parameters
    ----------
    logits
        (C, h, w), up to a number of each place's own.
    centres
        (C, 2), the classes' colours, CIE Lab units.
    temperature
        T, above 0.

    Returns
    -------
    ndarray, (2, h, w) float32, CIE Lab units
    """
    count, height, width = logits.shape
    places = logits.reshape(count, -1)
    # a row of ones sums up the weights on the way
    rows = np.concatenate([np.asarray(centres, np.float32).T, np.ones((1, count), np.float32)])
    sums = np.empty((len(rows), height * width), np.float32)
    scale = np.float32(1 / temperature)
    for first in range(0, height * width, _PLACES):
        weights = places[:, first : first + _PLACES].astype(np.float32)
        weights -= weights.max(axis=0)
        weights *= scale
        np.exp(weights, out=weights)
        np.matmul(rows, weights, out=sums[:, first : first + _PLACES])
    ab = sums[:2] / sums[2]
    return np.asarray(ab, np.float32).reshape(2, height, width)
