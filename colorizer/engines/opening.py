"""From what the user asks for to an engine that is ready: chosen, opened, and if that fails, the next best.

Everything that touches the machine is here or in the engines' own modules; `choice` only decides.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.caffe.onnx_export import CONVERTER_VERSION
from colorizer.engines.base import Engine, EngineName, Precision, Setup
from colorizer.engines.choice import COSTS, LARGE_MODEL, LONG_RUN, PRECISIONS, Choice, EngineRequest, rank
from colorizer.engines.cuda import probe_cuda
from colorizer.engines.precision import (
    SAMPLES,
    judge,
    remember,
    remembered,
    sample_planes,
    verdict_key,
)
from colorizer.errors import ColorizerError, EngineError, WeightsError
from colorizer.io.machine import usable_cores
from colorizer.networks import Model
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.contract import RELEASE_TEMPERATURE
from colorizer.networks.zhang.converted import model_key

MODULES: dict[EngineName, str] = {"opencv": "cv2", "onnxruntime": "onnxruntime", "ncnn": "ncnn", "openvino": "openvino"}

REDUCING: EngineName = "openvino"
"""The engine that computes in reduced precision on a CPU, where that has instructions for it."""

USUAL_GAIN = 0.4
"""Part of a pass that reduced precision saves where a CPU has it; tells whether a trial is worth its own time."""


@dataclass(frozen=True)
class Opened:
    """An engine, and how it came to be chosen."""

    engine: Engine
    choice: Choice  # its precision is what was taken
    threads: int = 1  # of the CPU

    @property
    def name(self) -> str:
        """See `Engine.name`."""
        return self.engine.name

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Predicted chroma; see `Engine.ab`."""
        return self.engine.ab(lightness)


def open_engine(
    model: Model,
    *,
    temperature: float = RELEASE_TEMPERATURE,
    centres: npt.NDArray[np.number[Any]] | None = None,
    asked: EngineRequest | None = None,
) -> Opened:
    """Load a model into the engine that suits the job.

    Parameters
    ----------
    model
        Files that were checked to belong together.
    temperature
        Of the annealed mean.
    centres
        (313, 2) colours of the classes; the built-in table by default.
    asked
        What the user wants, and for how much work; by default the best for a run of unknown length.

    Raises
    ------
    UsageError
        What is asked for excludes each other.
    WeightsError
        The files are no network that the runtime can load.
    EngineError
        The runtime is absent, or cannot do what is asked for.
    """
    asked = asked or EngineRequest()
    colors = Colors(temperature, bin_centres() if centres is None else centres)
    size = _size(model)
    choices = rank(asked, installed_engines(), size, probe_cuda)
    failures: list[ColorizerError] = []
    for choice in choices:
        try:
            opened = replace(_open(model, colors, choice, asked, size), threads=asked.threads or usable_cores())
        except (EngineError, WeightsError) as error:
            failures.append(error)
            continue
        if not failures:
            return opened
        said = "; ".join(map(str, failures))
        return replace(opened, choice=replace(opened.choice, why=f"{opened.choice.why}, after this: {said}"))
    raise failures[0]


def open_logits(model: Model, opened: Opened) -> Engine:
    """The network of an engine that is open, cut at its logits, in an engine of the same kind.

    Returns
    -------
    Engine
        Its `ab` gives logits, (N, 313, H/4, W/4) float32.

    Raises
    ------
    WeightsError
        The files have gone, or are no network that the runtime can load.
    """
    precision: Precision = "fp32" if opened.choice.precision == "auto" else opened.choice.precision
    setup = Setup(opened.choice.device, precision, opened.threads, cut=True)
    # neither temperature nor centres are in what is left of the network
    return load_engine(model, Colors(RELEASE_TEMPERATURE, bin_centres()), opened.choice.engine, setup)


def installed_engines() -> tuple[EngineName, ...]:
    """The engines whose packages are there; nothing is imported."""
    return tuple(name for name, module in MODULES.items() if _is_installed(module))


def load_engine(model: Model, colors: Colors, engine: EngineName, setup: Setup) -> Engine:
    """Load a model into this engine.

    Raises
    ------
    WeightsError
        The files are no network that the runtime can load.
    EngineError
        The runtime is absent, or lacks what the setup asks for.
    """
    if engine == "openvino":
        from colorizer.engines.openvino import OpenVINOEngine

        return OpenVINOEngine(model, colors, setup)
    if engine == "ncnn":
        from colorizer.engines.ncnn.engine import NcnnEngine

        return NcnnEngine(model, colors, setup)
    if engine == "onnxruntime":
        from colorizer.engines.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(model, colors, setup)
    from colorizer.engines.opencv import OpenCVEngine

    return OpenCVEngine(model, colors, setup)


def _open(model: Model, colors: Colors, choice: Choice, asked: EngineRequest, size: int) -> Opened:
    threads = asked.threads or usable_cores()

    def load(engine: EngineName, precision: Precision) -> Engine:
        return load_engine(model, colors, engine, Setup(choice.device, precision, threads, asked.as_it_comes))

    if choice.precision != "auto":
        return Opened(load(choice.engine, choice.precision), choice)
    long = _worth_a_trial(choice.engine, asked.pictures, size)
    if choice.engine == REDUCING:
        return _open_after_trial(model, colors, choice, load, long=long)
    exact = replace(choice, precision="fp32")
    # a run that is long enough is worth the import of another runtime
    if long and asked.engine == "auto" and REDUCING in installed_engines():
        try:
            return _open_after_trial(model, colors, choice, load, long=long)
        except (EngineError, WeightsError) as error:
            exact = replace(exact, why=f"{choice.why}; nothing less tried, since {REDUCING} fails: {error}")
    return Opened(load(choice.engine, "fp32"), exact)


def _open_after_trial(
    model: Model, colors: Colors, choice: Choice, load: Callable[[EngineName, Precision], Engine], *, long: bool
) -> Opened:
    """The engine of a choice in float32, or the one that computes in less where a trial has found that good enough."""
    from colorizer.engines.openvino import reduced_precision

    exact = replace(choice, precision="fp32")
    reduced, machine = reduced_precision()
    if reduced is None:
        return Opened(load(choice.engine, "fp32"), exact)
    centres = hashlib.sha256(colors.kernels.tobytes()).hexdigest()
    parts = (model_key(model), CONVERTER_VERSION, f"{colors.scale:.9g}", centres, machine, reduced, choice.engine)
    verdict = remembered(key := verdict_key(*parts))
    tried: dict[Precision, Engine] = {}
    if verdict is None:
        if not long:
            why = f"{choice.why}; {reduced} is tried in longer runs only"
            return Opened(load(choice.engine, "fp32"), replace(exact, why=why))
        tried = {"fp32": load(choice.engine, "fp32"), reduced: load(REDUCING, reduced)}
        verdict = judge(tried["fp32"], tried[reduced], sample_planes(model.stride))
        remember(key, verdict)
    rival = reduced if choice.engine == REDUCING else f"{REDUCING} in {reduced}"
    why = f"{choice.why}; {rival} {'taken' if verdict.holds else 'left'}, tried here: {verdict}"
    taken = replace(choice, engine=REDUCING, precision=reduced) if verdict.holds else exact
    precision: Precision = reduced if verdict.holds else "fp32"
    return Opened(tried.get(precision) or load(taken.engine, precision), replace(taken, why=why))


def _worth_a_trial(engine: EngineName, pictures: int | None, size: int) -> bool:
    cost = COSTS[engine][size >= LARGE_MODEL]
    gain = cost.one_pass * USUAL_GAIN * (LONG_RUN if pictures is None else pictures)
    return gain > 2 * (cost.start + (SAMPLES + 1) * cost.one_pass)


def _size(model: Model) -> int:
    try:
        return model.caffemodel.stat().st_size
    except OSError:
        return 0  # whoever loads it says what is wrong


def _is_installed(module: str) -> bool:
    if module in sys.modules:
        return True
    spec = importlib.util.find_spec(module)
    # a mere folder of that name in the working directory has no origin
    return spec is not None and spec.origin is not None


def runtime_version(engine: EngineName) -> tuple[str, tuple[Precision, ...]]:
    """Version of an engine's runtime, and what it computes in on this CPU; the runtime is imported.

    Raises
    ------
    EngineError
        It is not there or does not load.
    """
    if engine == "openvino":
        from colorizer.engines.openvino import import_openvino, precisions, the_core, version_of

        return version_of(import_openvino()), precisions(the_core())
    if engine == "ncnn":
        from colorizer.engines.ncnn.engine import import_ncnn

        return str(import_ncnn().__version__), PRECISIONS["ncnn", "cpu"]
    if engine == "onnxruntime":
        from colorizer.engines.onnxruntime import import_onnxruntime

        return str(import_onnxruntime().__version__), PRECISIONS["onnxruntime", "cpu"]
    from colorizer.engines.opencv import import_cv2

    return str(import_cv2().__version__), PRECISIONS["opencv", "cpu"]
