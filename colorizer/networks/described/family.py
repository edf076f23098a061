"""The families whose networks a descriptor describes, as the registry knows them: one core, and the rules of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from colorizer.engines import EngineRequest, open_runtime
from colorizer.errors import OptionRef, Remedy, UsageError, WeightsError, shown
from colorizer.networks.base import Model
from colorizer.networks.described import files as model_files
from colorizer.networks.described.admission import ensure_tried
from colorizer.networks.described.forms import DescribedForms
from colorizer.networks.descriptor.model import Descriptor
from colorizer.networks.descriptor.rules import RULES
from colorizer.settings import Settings

if TYPE_CHECKING:
    from colorizer.networks.described.network import DescribedNetwork


@dataclass(frozen=True)
class DescribedFamily:
    """All networks that some descriptors describe; see `Family`.

    Parameters
    ----------
    name
        Of its rules.
    """

    name: str
    roles: ClassVar[tuple[str, ...]] = model_files.ROLES
    file_sets: ClassVar[tuple[tuple[str, ...], ...]] = model_files.FILE_SETS
    temperature: ClassVar[None] = None

    @property
    def stride(self) -> int:
        """What sides are usually multiples of, in pixels."""
        return RULES[self.name].step

    def files_at(self, path: Path, companion: Path | None) -> Mapping[str, Path]:
        """The model and its other files, by role.

        Raises
        ------
        WeightsError
            A file is missing, or there are several that it may be.
        UsageError
            A second file is named, and none is needed.
        """
        if companion is not None:
            raise UsageError(
                f"{shown(path)} is a model without a prototxt", option=OptionRef("prototxt", shown(companion))
            )
        return model_files.files_at(path)

    def check(self, files: Mapping[str, Path]) -> int:
        """Refuse files that are no model, before a runtime sees them; the usual stride in pixels.

        Raises
        ------
        WeightsError
            With the cause and the file in its message.
        """
        model_files.check_files(files)
        return self.stride

    def diagnose(self, path: Path, role: str) -> None:
        """Return if the file may be what its role says; see `Family.diagnose`.

        Raises
        ------
        WeightsError
            It is something else.
        """
        model_files.diagnose(path, role)

    def loadable(self, model: Model, settings: Settings) -> DescribedForms:  # noqa: ARG002 - there is nothing to set
        """A model in the forms that runtimes load.

        Raises
        ------
        WeightsError
            It has no descriptor.
        """
        return DescribedForms(model, _descriptor(model))

    def open(self, model: Model, settings: Settings, request: EngineRequest) -> DescribedNetwork:
        """Load a model; one that is new here is first loaded and run in a process of its own.

        Raises
        ------
        UsageError
            What is asked for excludes each other.
        WeightsError
            The files are no network that a runtime can load, or it does not do what its descriptor says.
        MissingExtraError, EngineError
            The runtime is not installed, does not load, or cannot do what is asked for.
        """
        # here, since it needs OpenCV, and the catalogue asks families for less
        from colorizer.networks.described.network import DescribedNetwork

        if request.as_it_comes:
            raise UsageError("computes with Zhang et al.'s networks alone", option="compat")
        forms = self.loadable(model, settings)
        request = replace(request, able=forms.engines)
        ensure_tried(model, forms.descriptor, request)
        return DescribedNetwork(open_runtime(forms, request), forms.descriptor)


def _descriptor(model: Model) -> Descriptor:
    if model.descriptor is None:
        raise WeightsError(f"{model.name}: has no descriptor", remedy=Remedy.DESCRIBE)
    return model.descriptor


AB = DescribedFamily("ab")
GREY_RGB_TO_AB = DescribedFamily("grey-rgb-to-ab")
RGB = DescribedFamily("rgb")
HINTED = DescribedFamily("hinted")
