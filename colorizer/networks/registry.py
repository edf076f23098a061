"""Which families of networks there are, and the way from a model to a network that is ready.

A new family is a module with an object of the protocol `Family`, and a line here.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from colorizer.engines import EngineRequest, Loadable
from colorizer.errors import OptionRef, Remedy, UsageError
from colorizer.networks.base import ColorNetwork, Family, Model
from colorizer.settings import DEFAULT_SIZE, Settings

FAMILIES = {
    "zhang": "colorizer.networks.zhang.family:ZHANG",
    "ab": "colorizer.networks.described.family:AB",
    "grey-rgb-to-ab": "colorizer.networks.described.family:GREY_RGB_TO_AB",
    "rgb": "colorizer.networks.described.family:RGB",
    "hinted": "colorizer.networks.described.family:HINTED",
}
"""By name: the module, which is imported when it is needed, and the family in it. Files of unknown names are taken for
the first one's."""

DEFAULT_FAMILY = next(iter(FAMILIES))

_FOR_DISTRIBUTIONS = ("temperature", "bin_centres", "compat")
"""Settings for networks alone that give a distribution over colours."""


def family(name: str) -> Family:
    """The family of that name.

    Raises
    ------
    KeyError
        There is none.
    """
    module, attribute = FAMILIES[name].split(":")
    found: Family = getattr(importlib.import_module(module), attribute)
    return found


def family_of(path: Path) -> str:
    """The name of the family that a file is of, by what its name ends in."""
    kind = path.suffix.lower().removeprefix(".")
    return next((name for name in FAMILIES if kind in family(name).roles), DEFAULT_FAMILY)


def open_network(model: Model, settings: Settings | None = None, *, pictures: int | None = None) -> ColorNetwork:
    """Load a model into the runtime that suits the job.

    Parameters
    ----------
    model
        Files that were checked.
    settings
        Which runtime, precision and device, and what the family lets one set.
    pictures
        How many are to come, as far as known.

    Raises
    ------
    UsageError
        The settings exclude each other, or the network has nothing of what they set.
    WeightsError
        The files are no network that a runtime can load.
    MissingExtraError, EngineError
        The runtime is not installed, does not load, or cannot do what is asked for.
    """
    settings = settings or Settings()
    _check_settings(model, settings)
    request = EngineRequest(
        engine=settings.engine,
        precision=settings.precision,
        device=settings.device,
        threads=settings.threads,
        pictures=pictures,
        passes=sum((size / DEFAULT_SIZE) ** 2 for size in model.sizes_for(settings)),
        as_it_comes=settings.compat,
    )
    return family(model.family).open(model, settings, request)


def loadable(model: Model, settings: Settings | None = None) -> Loadable:
    """A model in the forms that runtimes and other programs load.

    Raises
    ------
    UsageError
        The network has nothing of what the settings set.
    WeightsError
        A file that the settings name is none that belongs to such a network.
    """
    settings = settings or Settings()
    _check_settings(model, settings)
    return family(model.family).loadable(model, settings)


def _check_settings(model: Model, settings: Settings) -> None:
    if model.temperature is not None:
        return
    for name in _FOR_DISTRIBUTIONS:
        if getattr(settings, name):
            raise UsageError(
                f"{model.name} gives ab alone and no distribution over colours",
                remedy=Remedy.LEAVE_OUT,
                what=OptionRef(name),
            )
