"""Engines run a network; each is a module of its own behind one small protocol."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from colorizer.contract import RELEASE_TEMPERATURE
from colorizer.models import Model


class Engine(Protocol):
    """A network, loaded and ready."""

    @property
    def name(self) -> str:
        """Runtime and version, for reports."""

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Predicted chroma.

        Parameters
        ----------
        lightness
            (N, 1, H, W) float32, L - 50; H and W multiples of the model's stride.

        Returns
        -------
        ndarray, (N, 2, H/4, W/4) float32, CIE Lab units

        Raises
        ------
        EngineError
            The runtime failed.
        """


def open_engine(
    model: Model,
    *,
    temperature: float = RELEASE_TEMPERATURE,
    centres: npt.NDArray[np.float32] | None = None,
    as_it_comes: bool = False,
) -> Engine:
    """Load a model.

    Parameters
    ----------
    model
        Files that were checked to belong together.
    temperature
        Of the annealed mean.
    centres
        (313, 2) colours of the classes; the built-in table by default.
    as_it_comes
        Leave the runtime's own choices of speed over exactness alone.

    Raises
    ------
    WeightsError
        The files are no network that the runtime can load.
    EngineError
        The runtime is absent or cannot load this kind of file.
    """
    from colorizer.engines.opencv import OpenCVEngine

    return OpenCVEngine(model, temperature=temperature, centres=centres, winograd=as_it_comes)
