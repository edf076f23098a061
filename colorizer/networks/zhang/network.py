"""A network of Zhang, Isola and Efros' contract, loaded: L - 50 in; ab out, or the distribution before it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.engines import EngineRequest, Opened, Runtime, open_alike, open_runtime
from colorizer.networks.base import Floats, Model, NetworkInput, Prediction
from colorizer.networks.distribution import Distribution
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.contract import INPUT_BLOB, MIDDLE_LIGHTNESS, OUTPUT_BLOB, RELEASE_TEMPERATURE
from colorizer.networks.zhang.forms import ZhangForms
from colorizer.networks.zhang.precision import ColorTrial


class ZhangNetwork:
    """A network of the contract in a runtime; see `ColorNetwork`.

    Parameters
    ----------
    forms
        The network, whole or cut at its logits, with temperature and bin centres set. The other of the two is loaded
        when it is first asked for.
    engine
        Where it is open.
    """

    def __init__(self, forms: ZhangForms, engine: Opened) -> None:
        self.engine = engine
        self._forms = forms
        self._runtimes: dict[bool, Runtime] = {forms.cut: engine.runtime}
        self._guard = threading.Lock()

    @property
    def temperature(self) -> float:
        """Of the annealed mean."""
        return self._forms.colors.temperature

    @property
    def traits(self) -> tuple[str, ...]:
        """What was set, for reports."""
        return (f"T = {self.temperature:.4g}",)

    def predict(self, seen: NetworkInput, *, distribution: bool = False) -> Prediction:
        """The colours for pictures; see `ColorNetwork.predict`.

        Raises
        ------
        EngineError
            The runtime failed.
        WeightsError
            The distribution is asked for, and the files have gone meanwhile.
        """
        centred = seen.lightness - np.float32(MIDDLE_LIGHTNESS)
        if not distribution:
            return Prediction(self.ab(centred))
        said = tuple(Distribution.of(logits, self.centres) for logits in self.logits(centred))
        ab = np.stack([each.ab(self.temperature).transpose(2, 0, 1) for each in said])
        return Prediction(ab, said)

    @property
    def centres(self) -> Floats:
        """(313, 2) float32, the classes' colours, CIE Lab units."""
        return np.asarray(self._forms.colors.centres, np.float32)

    def logits_of(self, seen: NetworkInput) -> Floats:
        """Logits over the classes; see `Distributing` in `colorizer.networks.looks`, and `logits`.

        Raises
        ------
        EngineError
            The runtime failed.
        WeightsError
            The files have gone meanwhile.
        """
        return self.logits(seen.lightness - np.float32(MIDDLE_LIGHTNESS))

    def ab(self, centred: Floats) -> Floats:
        """Chroma, in the contract's own terms.

        Parameters
        ----------
        centred
            (N, 1, H, W) float32, L - 50; H and W multiples of the model's stride.

        Returns
        -------
        ndarray, (N, 2, H/4, W/4) float32, CIE Lab units

        Raises
        ------
        EngineError
            The runtime failed.
        WeightsError
            It has to be loaded for this, and the files have gone meanwhile.
        """
        return self._runtime(cut=False).run({INPUT_BLOB: centred})[OUTPUT_BLOB]

    def logits(self, centred: Floats) -> Floats:
        """Logits over the classes, before they are scaled by 1/T: (N, 313, H/4, W/4) float32.

        Raises
        ------
        WeightsError
            The files have gone meanwhile.
        EngineError
            The runtime failed.
        """
        (found,) = self._runtime(cut=True).run({INPUT_BLOB: centred}).values()
        return found

    def _runtime(self, *, cut: bool) -> Runtime:
        with self._guard:
            if cut not in self._runtimes:
                self._runtimes[cut] = open_alike(replace(self._forms, cut=cut), self.engine)
            return self._runtimes[cut]


def open_zhang(
    model: Model,
    *,
    temperature: float = RELEASE_TEMPERATURE,
    centres: npt.NDArray[np.number[Any]] | None = None,
    request: EngineRequest | None = None,
) -> ZhangNetwork:
    """Load a network of the contract into the runtime that suits the job.

    Parameters
    ----------
    model
        Files that were checked to belong together.
    temperature
        Of the annealed mean.
    centres
        (313, 2) colours of the classes; the built-in table by default.
    request
        What the user wants, and for how much work; by default the best for a run of unknown length.

    Raises
    ------
    UsageError
        What is asked for excludes each other.
    WeightsError
        The files are no network that the runtime can load.
    MissingExtraError, EngineError
        The runtime is not installed, does not load, or cannot do what is asked for.
    """
    return open_forms(forms_of(model, temperature, centres), request)


def forms_of(model: Model, temperature: float, centres: npt.NDArray[np.number[Any]] | None) -> ZhangForms:
    """A model with its colours set; without centres, with the built-in table."""
    return ZhangForms(model, Colors(temperature, bin_centres() if centres is None else centres))


def open_forms(forms: ZhangForms, request: EngineRequest | None) -> ZhangNetwork:
    """Load a network whose colours are set; see `open_zhang`.

    Raises
    ------
    UsageError, WeightsError, MissingExtraError, EngineError
        As `open_zhang`.
    """
    return ZhangNetwork(forms, open_runtime(forms, request, ColorTrial(forms)))
