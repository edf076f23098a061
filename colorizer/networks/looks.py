"""Several looks at one picture, each at a size of its own, and one answer made of them.

A small look shows what a picture is of, a large one finds small things and where they end; a network that was trained
for the small one is not as good at the large one. Their distributions over colours are joined in the log domain: the
logits, enlarged bilinearly to the finest grid, are averaged and normalised anew. That is the geometric mean of what the
looks think (a logarithmic opinion pool; Hinton 2002, "products of experts"): a colour that either look holds for
impossible stays so, where an arithmetic mean would blend contrary answers into brown. Where a network has no
distribution, ab is averaged.

What a look adds to each place's logits alike (their normaliser) does not matter, neither to the mean nor to enlarging.

There are two ways to what a network sees: one begins with a picture's pixels, the other with lightness that is known
already, as film has it in its luma plane. Whatever is coloured, be it a picture, a frame of a film or one of a numbered
sequence, goes one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.strips import shrunk_lightnesses
from colorizer.networks.base import ColorNetwork, Floats, Model, NetworkInput, Prediction
from colorizer.networks.distribution import Distribution, annealed_mean
from colorizer.networks.view import NetworkView
from colorizer.settings import Settings

Seen: TypeAlias = tuple[NetworkInput, ...]
"""What a network sees of one and the same picture, from the smallest look to the largest."""


@runtime_checkable
class Distributing(Protocol):
    """A network with a distribution over colours, whose logits can be had; what joining in the log domain needs."""

    @property
    def temperature(self) -> float | None:
        """Of the annealed mean."""

    @property
    def centres(self) -> Floats:
        """(C, 2) float32, CIE Lab units: the classes' colours."""

    def logits_of(self, seen: NetworkInput) -> Floats:
        """Logits over the classes, before they are scaled by 1/T: (N, C, h, w) float32.

        Raises
        ------
        EngineError
            The runtime failed.
        """


@dataclass(frozen=True)
class Looks:
    """How a network looks at pictures: once, or several times at rising sizes."""

    views: tuple[NetworkView, ...]

    @classmethod
    def of(cls, model: Model, settings: Settings) -> Looks:
        """As the settings want it, or else as suits the model.

        Raises
        ------
        UsageError
            The network does not take a size.
        """
        return cls(tuple(NetworkView.of(model, settings, size) for size in model.sizes_for(settings)))

    @property
    def recipe(self) -> str:
        """In words, for reports: "stretch 224 + 448"."""
        return f"{self.views[0].fit} {' + '.join(str(view.size) for view in self.views)}"

    def of_pixels(self, pixels: npt.NDArray[Any], threads: int | None = None) -> Seen:
        """What the network sees of a picture, which is read once.

        Parameters
        ----------
        pixels
            (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.
        threads
            How many compute; None: the cores that this process may use.
        """
        sizes = [view.size_for(*pixels.shape[:2]) for view in self.views]
        shrunk = shrunk_lightnesses(pixels, sizes, threads)
        return tuple(view.of_lightness(one) for view, one in zip(self.views, shrunk, strict=True))

    def of_lightness(self, height: int, width: int, shrunk: Callable[[tuple[int, int]], Floats]) -> Seen:
        """What the network sees of lightness that is known already, as film has it in its luma plane.

        Parameters
        ----------
        height, width
            Of the picture.
        shrunk
            Given a height and a width, its lightness at that size: (height, width) float32, L in 0..100.
        """
        return tuple(view.of_lightness(shrunk(view.size_for(height, width))) for view in self.views)


def predict(network: ColorNetwork, seen: Seen, *, distribution: bool = False) -> Prediction:
    """The colours for pictures that were looked at once or several times.

    Parameters
    ----------
    network
        Which network.
    seen
        What it sees, in rising sizes.
    distribution
        As for `ColorNetwork.predict`.

    Returns
    -------
    Prediction
        On the grid of the last look, which is the finest.

    Raises
    ------
    EngineError
        The runtime failed.
    """
    if len(seen) == 1:
        return network.predict(seen[0], distribution=distribution)
    temperature = network.temperature
    if temperature is None or not isinstance(network, Distributing):
        return Prediction(joined([network.predict(look).ab for look in seen]))
    logits = joined([network.logits_of(look) for look in seen])
    ab = np.stack([annealed_mean(one, network.centres, temperature) for one in logits])
    said = tuple(Distribution.of(one, network.centres) for one in logits) if distribution else None
    return Prediction(ab, said)


def joined(answers: Sequence[Floats]) -> Floats:
    """The mean of maps, on the grid of the last one.

    Parameters
    ----------
    answers
        (N, C, h, w) float32 each, of one N and C; the last may be overwritten.

    Returns
    -------
    ndarray, (N, C, h, w) float32, of the last one's h and w
    """
    *others, finest = answers
    result = np.ascontiguousarray(finest, np.float32)
    height, width = result.shape[2:]
    planes = result.reshape(-1, height, width)
    enlarged = np.empty((height, width), np.float32)
    for other in others:
        # plane by plane, whose memory stays in the cache
        for plane, small in zip(planes, other.reshape(-1, *other.shape[2:]), strict=True):
            cv2.resize(small, (width, height), dst=enlarged, interpolation=cv2.INTER_LINEAR)
            np.add(plane, enlarged, out=plane)
    result *= np.float32(1 / len(answers))
    return result
