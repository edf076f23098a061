"""What `colorize` finds on this machine: versions, engines, devices, models, what auto chooses, and a timed pass each.

Looks at everything and stops at nothing: what does not work is part of the answer. The same facts serve the command's
text and its JSON.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colorizer import __version__
from colorizer.engines import Choice, Device, EngineName, Precision
from colorizer.engines.base import missing_runtime
from colorizer.engines.choice import COSTS
from colorizer.engines.devices import ACCELERATORS, Accelerator
from colorizer.engines.loading import installed_engines
from colorizer.engines.opening import runtime_version
from colorizer.engines.probing import gain, refusal
from colorizer.errors import ColorizerError, EngineError, Remedy
from colorizer.io.cache import cache_folder
from colorizer.io.machine import usable_cores
from colorizer.jobs.executors.cluster.connection import ask_all, connected
from colorizer.jobs.executors.cluster.versions import PACKAGES as CLUSTER_PACKAGES
from colorizer.jobs.executors.cluster.versions import difference, installed
from colorizer.jobs.executors.cluster.versions import refusal as no_work
from colorizer.networks import (
    ColorNetwork,
    Model,
    NetworkInput,
    load_catalog,
    open_network,
    open_store,
    resolve_model,
)
from colorizer.networks.inventory import inventory
from colorizer.settings import DEFAULT_SIZE, Settings

PACKAGES = ("numpy", "pillow", "click", "platformdirs", "requests", "tqdm")
ONE_PICTURE, LONG_RUN = "one picture", "a long run"
TIMED_PASSES = 5

CLUSTER_SECONDS = 30.0
"""In which machines of a cluster have to answer."""

_MIDDLE_GREY = 50.0

Words = Callable[[ColorizerError], str]


@dataclass(frozen=True)
class System:
    """The machine, and what runs there."""

    colorize: str  # versions
    python: str
    platform: str
    processor: str
    cores: int
    usable_cores: int  # what binding and control groups leave to this process
    packages: dict[str, str]
    weights_folder: str
    cache_folder: str


@dataclass(frozen=True)
class EngineState:
    """An engine: whether it is there and loads, and what it computes in on this machine's CPU."""

    name: EngineName
    installed: bool
    version: str = ""
    precisions: tuple[Precision, ...] = ()
    problem: str = ""  # in words, with the remedy


@dataclass(frozen=True)
class DeviceState:
    """A device that networks may run on."""

    name: str
    available: bool
    what: str  # what it is, or why it is not there


@dataclass(frozen=True)
class ModelState:
    """A model that is known."""

    name: str
    state: str
    title: str


@dataclass(frozen=True)
class Auto:
    """What auto chooses for a job, and why."""

    job: str
    model: str
    choice: Choice | None
    problem: str = ""


@dataclass(frozen=True)
class TimedPass:
    """One engine on one device in one precision: seconds to load, of the first pass and of those after it."""

    engine: EngineName
    device: str
    precision: Precision
    load: float = 0.0
    first: float = 0.0
    usual: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class ClusterMachine:
    """A machine of a cluster."""

    name: str
    cores: int  # that Ray gives out
    gpus: int
    memory: int  # bytes, likewise
    versions: dict[str, str]  # of Python, colorize and what results depend on; empty where it does not answer
    problem: str = ""  # why it does no work for this one
    differences: str = ""  # packages that differ from this machine's, in words


@dataclass(frozen=True)
class Report:
    """All of it."""

    system: System
    engines: tuple[EngineState, ...]
    devices: tuple[DeviceState, ...]
    models: tuple[ModelState, ...]
    auto: tuple[Auto, ...]
    passes: tuple[TimedPass, ...]

    @property
    def healthy(self) -> bool:
        """Whether pictures can be coloured, and nothing that is installed is broken."""
        broken = any(engine.installed and engine.problem for engine in self.engines)
        return all(auto.choice for auto in self.auto) and not broken and not any(timed.problem for timed in self.passes)


def examine(model_name: str, weights_dir: Path | None = None, *, words: Words = str) -> Report:
    """Look at everything; takes a few seconds.

    Parameters
    ----------
    model_name
        What is run: `auto`, a name, or a path, as `resolve_model` takes it.
    weights_dir
        Folder to search first.
    words
        Puts what is wrong into words for whoever asks.
    """
    installed = installed_engines()
    engines = tuple(_engine(name, installed, words) for name in COSTS)
    devices = _devices(installed, words)
    models = _models(weights_dir, words)
    try:
        model = resolve_model(model_name, weights_dir=weights_dir)
    except ColorizerError as error:
        auto = tuple(Auto(job, model_name, None, words(error)) for job in (ONE_PICTURE, LONG_RUN))
        return Report(_system(weights_dir), engines, devices, models, auto, ())
    choices = tuple(_auto(job, model, pictures, words) for job, pictures in ((ONE_PICTURE, 1), (LONG_RUN, None)))
    passes = tuple(_passes(model, engines, devices, words))
    return Report(_system(weights_dir), engines, devices, models, choices, passes)


def examine_cluster(address: str) -> tuple[ClusterMachine, ...]:
    """Look at the machines of a cluster; takes a few seconds.

    Parameters
    ----------
    address
        `auto`, or host and port of its head.

    Raises
    ------
    UsageError
        There is no such cluster.
    MissingExtraError
        Ray is not installed.
    """
    here = installed(CLUSTER_PACKAGES)
    with connected(address) as ray:
        answers = ask_all(ray, installed, CLUSTER_PACKAGES, seconds=CLUSTER_SECONDS)
    return tuple(
        ClusterMachine(
            machine.name,
            machine.cores,
            machine.gpus,
            machine.memory,
            versions or {},
            (no_work(here, versions) or "") if versions else "it does not answer",
            difference(here, versions) if versions else "",
        )
        for machine, versions in answers
    )


def _system(weights_dir: Path | None) -> System:
    packages = {name: _version(name) for name in PACKAGES}
    return System(
        __version__,
        platform.python_version(),
        platform.platform(),
        processor_name(),
        os.cpu_count() or 1,
        usable_cores(),
        packages,
        str(open_store(weights_dir).writable),
        str(cache_folder()),
    )


def processor_name() -> str:
    """The processor in words, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _engine(name: EngineName, installed: Sequence[EngineName], words: Words) -> EngineState:
    if name not in installed:
        return EngineState(name, False, problem=words(missing_runtime(name, name)))
    try:
        version, precisions = runtime_version(name)
    except ColorizerError as error:
        return EngineState(name, True, problem=words(error))
    return EngineState(name, True, version, precisions)


def _devices(installed: Sequence[EngineName], words: Words) -> tuple[DeviceState, ...]:
    cpu = DeviceState("cpu", True, f"{processor_name()}, {usable_cores()} cores to use")
    return cpu, *(_device(name, installed, words) for name in dict.fromkeys(each.device for each in ACCELERATORS))


def _device(name: Device, installed: Sequence[EngineName], words: Words) -> DeviceState:
    ways = [each for each in ACCELERATORS if each.device == name]
    if not any(sys.platform in each.systems for each in ways):
        return DeviceState(name, False, "not on this system")
    refusals = []
    for way in (each for each in ways if each.engine in installed):
        why = refusal(way.engine, name)
        if why is None:
            times = gain(way.engine, name)
            return DeviceState(name, True, f"works in {way.engine}, {times:.1f} times the CPU's speed")
        refusals.append(why)
    problem = "; ".join(refusals) or f"{' or '.join(each.engine for each in ways)} is not installed"
    remedy = Remedy.GET_CUDA if name == "cuda" else ways[0].how
    return DeviceState(name, False, words(EngineError(problem, remedy=remedy)))


def _working(devices: Sequence[DeviceState]) -> list[Accelerator]:
    there = [device.name for device in devices if device.available]
    return [each for each in ACCELERATORS if each.device in there and refusal(each.engine, each.device) is None]


def _models(weights_dir: Path | None, words: Words) -> tuple[ModelState, ...]:
    try:
        items = list(inventory(open_store(weights_dir), load_catalog()))
    except ColorizerError as error:
        return (ModelState("", "unreadable", words(error)),)
    return tuple(ModelState(item.name, item.state.value, item.title) for item in items)


def _auto(job: str, model: Model, pictures: int | None, words: Words) -> Auto:
    try:
        network = open_network(model, pictures=pictures)
    except ColorizerError as error:
        return Auto(job, model.name, None, words(error))
    return Auto(job, model.name, network.engine.choice)


def _passes(
    model: Model, engines: Sequence[EngineState], devices: Sequence[DeviceState], words: Words
) -> list[TimedPass]:
    passes = [
        _timed(model, engine.name, "cpu", precision, words) for engine in engines for precision in engine.precisions
    ]
    passes += [_timed(model, each.engine, each.device, each.precisions[0], words) for each in _working(devices)]
    return passes


def _timed(model: Model, engine: EngineName, device: Device, precision: Precision, words: Words) -> TimedPass:
    side = -(-DEFAULT_SIZE // model.stride) * model.stride
    seen = NetworkInput(np.full((1, 1, side, side), _MIDDLE_GREY, np.float32))
    try:
        begun = time.perf_counter()
        network = open_network(model, Settings(engine=engine, precision=precision, device=device, fast=True))
        load = time.perf_counter() - begun
        first, *others = (_seconds(network, seen) for _ in range(1 + TIMED_PASSES))
    except ColorizerError as error:
        return TimedPass(engine, device, precision, problem=words(error))
    return TimedPass(engine, device, precision, load, first, min(others))


def _seconds(network: ColorNetwork, seen: NetworkInput) -> float:
    begun = time.perf_counter()
    network.predict(seen)
    return time.perf_counter() - begun
