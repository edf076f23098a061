"""The family as the registry knows it: which files its models have, how they are checked, and how they are opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from colorizer.engines import EngineRequest
from colorizer.networks.base import Model
from colorizer.networks.zhang import files as pairs
from colorizer.networks.zhang.bins import load_bin_centres
from colorizer.networks.zhang.contract import RELEASE_STRIDE, RELEASE_TEMPERATURE
from colorizer.networks.zhang.forms import ZhangForms
from colorizer.networks.zhang.network import ZhangNetwork, forms_of, open_forms
from colorizer.settings import Settings


@dataclass(frozen=True)
class ZhangFamily:
    """All networks of the contract; see `Family`."""

    roles: ClassVar[tuple[str, ...]] = pairs.ROLES
    file_sets: ClassVar[tuple[tuple[str, ...], ...]] = (pairs.ROLES,)
    stride: ClassVar[int] = RELEASE_STRIDE
    temperature: ClassVar[float] = RELEASE_TEMPERATURE

    def files_at(self, path: Path, companion: Path | None) -> Mapping[str, Path]:
        """Caffemodel and prototxt; see `files.files_at`.

        Raises
        ------
        WeightsError
            A file is missing, or there are several that it may be.
        UsageError
            A prototxt is named twice.
        """
        return pairs.files_at(path, companion)

    def check(self, files: Mapping[str, Path]) -> int:
        """Refuse files that are no network of the contract, or do not belong together; the stride in pixels.

        Raises
        ------
        WeightsError
            With the cause and the file in its message.
        """
        return pairs.check_files(files["prototxt"], files["caffemodel"])

    def diagnose(self, path: Path, role: str) -> None:
        """Refuse a file that is known to be something else; see `colorizer.caffe.diagnose`.

        Raises
        ------
        WeightsError
            With what it is.
        """
        from colorizer.caffe.diagnose import diagnose

        diagnose(path, "prototxt" if role == "prototxt" else "caffemodel")

    def loadable(self, model: Model, settings: Settings) -> ZhangForms:
        """The forms of a model, with the temperature and bin centres of the settings, else its own.

        Raises
        ------
        WeightsError
            The bin centres cannot be read, or are none.
        """
        temperature = model.temperature if settings.temperature is None else settings.temperature
        if temperature is None or settings.compat:
            temperature = RELEASE_TEMPERATURE
        centres = settings.bin_centres or model.files.get("bin_centres")
        return forms_of(model, temperature, load_bin_centres(centres) if centres else None)

    def open(self, model: Model, settings: Settings, request: EngineRequest) -> ZhangNetwork:
        """Load a model; see `Family.open`.

        Raises
        ------
        UsageError
            What is asked for excludes each other.
        WeightsError
            The files are no network that a runtime can load.
        MissingExtraError, EngineError
            The runtime is not installed, does not load, or cannot do what is asked for.
        """
        forms = self.loadable(model, settings)
        # several looks are joined before the annealed mean is taken
        return open_forms(replace(forms, cut=len(model.sizes_for(settings)) > 1), request)


ZHANG = ZhangFamily()
