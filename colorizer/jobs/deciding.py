"""A network for many machines: which engine, device and precision is decided once, and its files go where work is done.

So all results are alike, whatever else is installed on the machine that makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from colorizer.colorizer import Colorizer
from colorizer.errors import OptionRef, UsageError
from colorizer.jobs.executors.base import DistantExecutor
from colorizer.networks import Model
from colorizer.settings import Settings

_DEVICES = ("auto", "cpu", "gpu", "cuda", "tensorrt", "rocm")
"""Those that machines of a cluster have."""


@dataclass(frozen=True)
class NetworkFiles:
    """A network that can be opened on any machine that is given its files.

    Attributes
    ----------
    settings
        How to colour.
    model
        The model that they stand for on the machine where they were given.
    pictures
        How many are to come.
    """

    settings: Settings
    model: Model
    pictures: int

    @property
    def files(self) -> tuple[Path, ...]:
        """What the network is read from; see `ReadsFiles`."""
        centres = self.settings.bin_centres
        return (*self.model.files.values(), *([] if centres is None else [centres]))

    def at(self, places: Mapping[Path, Path]) -> NetworkFiles:
        """The same, where files lie elsewhere."""
        files = {role: places.get(path, path) for role, path in self.model.files.items()}
        centres = self.settings.bin_centres
        settings = replace(self.settings, bin_centres=None if centres is None else places.get(centres, centres))
        return replace(self, settings=settings, model=replace(self.model, files=files))

    def open(self) -> Colorizer:
        """Load it.

        Raises
        ------
        EngineError, MissingExtraError, WeightsError
            The runtime is not to be had, or does not load the network.
        """
        return Colorizer(self.settings, pictures=self.pictures, model=self.model)


@dataclass(frozen=True)
class _Decision:
    """What a machine takes where it is left to it: called there."""

    network: NetworkFiles

    @property
    def files(self) -> tuple[Path, ...]:
        return self.network.files

    def placed(self, places: Mapping[Path, Path]) -> _Decision:
        return _Decision(self.network.at(places))

    def __call__(self) -> Settings:
        return self.network.open().decided()


def decided(network: NetworkFiles, executor: DistantExecutor) -> NetworkFiles:
    """A network whose settings leave nothing to the machines.

    Where they have GPUs, and the settings do not forbid them, one of these machines decides; else this one does, for
    the CPU.

    Parameters
    ----------
    network
        What is asked for.
    executor
        Whose machines they are; told to use GPUs, where that is decided.

    Raises
    ------
    UsageError
        The cluster has no such device.
    EngineError, MissingExtraError, WeightsError
        The runtime is not to be had, or does not load the network.
    """
    settings = network.settings
    if settings.device not in _DEVICES:
        raise UsageError("is for one machine, not for a cluster", option=OptionRef("device", settings.device))
    if settings.compat:
        return network
    if settings.device != "cpu":
        found = executor.on_a_gpu(_Decision(network))
        if found is not None and found.device != "cpu":
            executor.use_gpus()
            return _under(found, network)
        if found is None and settings.device != "auto":
            raise UsageError("no machine of the cluster has a GPU", option=OptionRef("device", settings.device))
    on_the_cpu = replace(network, settings=replace(settings, device="cpu"))
    return _under(_Decision(on_the_cpu)(), network)


def _under(found: Settings, network: NetworkFiles) -> NetworkFiles:
    taken = replace(network.settings, engine=found.engine, device=found.device, precision=found.precision)
    return replace(network, settings=taken)
