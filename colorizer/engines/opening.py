"""From what the user asks for to a runtime that is ready: chosen, opened, and if that fails, the next best.

Everything that touches the machine is here or in the runtimes' own modules; `choice` only decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from colorizer.engines.base import Array, EngineName, Loadable, Precision, Runtime, Setup, Tensors, cause
from colorizer.engines.choice import COSTS, LARGE_MODEL, LONG_RUN, PRECISIONS, Choice, EngineRequest, rank
from colorizer.engines.loading import installed_engines, load
from colorizer.engines.probing import gain, refusal
from colorizer.errors import ColorizerError, EngineError, MissingExtraError, WeightsError
from colorizer.io.machine import usable_cores

REDUCING: EngineName = "openvino"
"""The engine that computes in reduced precision on a CPU, where that has instructions for it."""

USUAL_GAIN = 0.4
"""Part of a pass that reduced precision saves where a CPU has it; tells whether a trial is worth its own time."""

_FAILURES = (EngineError, MissingExtraError, WeightsError)
"""What makes the next best runtime be tried."""


class Verdict(Protocol):
    """What a trial of reduced precision has found; `str()` says it in words."""

    @property
    def holds(self) -> bool:
        """Whether the reduced precision is to be taken."""


class PrecisionTrial(Protocol):
    """How a network finds out whether less than float32 will do.

    What less precision does to a result depends on the weights, and what of that matters on what the result is for; so
    the network tries, and the runtimes are only run.
    """

    @property
    def passes(self) -> int:
        """How many passes a trial takes in each precision."""

    def remembered(self, conditions: tuple[str, ...]) -> Verdict | None:
        """The verdict of an earlier trial under these conditions: machine, precision, and what it was compared with."""

    def run(self, exact: Runtime, reduced: Runtime, conditions: tuple[str, ...]) -> Verdict:
        """Compare both, and remember the verdict."""


@dataclass(frozen=True)
class Opened:
    """A runtime with a network in it, and how it came to be chosen."""

    runtime: Runtime
    choice: Choice  # its precision is what was taken
    threads: int = 1  # of the CPU

    @property
    def name(self) -> str:
        """See `Runtime.name`."""
        return self.runtime.name

    def run(self, inputs: Tensors) -> dict[str, Array]:
        """One forward pass; see `Runtime.run`.

        Raises
        ------
        EngineError
            The runtime failed.
        """
        return self.runtime.run(inputs)


def open_runtime(
    network: Loadable, request: EngineRequest | None = None, trial: PrecisionTrial | None = None
) -> Opened:
    """Load a network into the runtime that suits the job.

    Parameters
    ----------
    network
        In the forms that runtimes load.
    request
        What the user wants, and for how much work; by default the best for a run of unknown length.
    trial
        Of reduced precision; without one, nothing less than float32 is taken unless it is asked for.

    Raises
    ------
    UsageError
        What is asked for excludes each other.
    WeightsError
        The network is none that the runtime can load.
    MissingExtraError
        The runtime that is asked for is not installed.
    EngineError
        It does not load, or cannot do what is asked for.
    """
    request = request or EngineRequest()
    size = _size(network)
    choices = rank(request, installed_engines(), size, refusal, gain)
    failures: list[ColorizerError] = []
    for choice in choices:
        try:
            opened = _open(network, choice, request, trial, size)
        except _FAILURES as error:
            failures.append(error)
            continue
        if not failures:
            return opened
        said = "; ".join(map(str, failures))
        return replace(opened, choice=replace(opened.choice, why=f"{opened.choice.why}, after this: {said}"))
    raise failures[0]


def open_alike(network: Loadable, opened: Opened) -> Runtime:
    """Another network, or another part of it, in a runtime of the same kind and set-up as one that is open.

    Raises
    ------
    WeightsError
        The files have gone, or are no network that the runtime can load.
    """
    precision: Precision = "fp32" if opened.choice.precision == "auto" else opened.choice.precision
    return load(network, opened.choice.engine, Setup(opened.choice.device, precision, opened.threads))


def _open(network: Loadable, choice: Choice, request: EngineRequest, trial: PrecisionTrial | None, size: int) -> Opened:
    threads = request.threads or usable_cores()

    def opened(choice: Choice, runtime: Runtime | None = None) -> Opened:
        precision: Precision = "fp32" if choice.precision == "auto" else choice.precision
        setup = Setup(choice.device, precision, threads, request.as_it_comes)
        return Opened(runtime or load(network, choice.engine, setup), choice, threads)

    if choice.precision != "auto":
        return opened(choice)
    exact = replace(choice, precision="fp32")
    if trial is None:
        return opened(exact)
    long = _worth_a_trial(choice.engine, request, size, trial.passes)
    if choice.engine == REDUCING:
        return _open_after_trial(choice, trial, opened, long=long)
    # a run that is long enough is worth the import of another runtime
    if long and request.engine == "auto" and REDUCING in installed_engines():
        try:
            return _open_after_trial(choice, trial, opened, long=long)
        except _FAILURES as error:
            exact = replace(exact, why=f"{choice.why}; nothing less tried, since {REDUCING} fails: {cause(error)}")
    return opened(exact)


def _open_after_trial(choice: Choice, trial: PrecisionTrial, opened: Callable[..., Opened], *, long: bool) -> Opened:
    """The engine of a choice in float32, or the one that computes in less where a trial has found that good enough."""
    from colorizer.engines.openvino import reduced_precision

    exact = replace(choice, precision="fp32")
    precision, machine = reduced_precision()
    if precision is None:
        return opened(exact)
    reduced = replace(choice, engine=REDUCING, precision=precision)
    conditions = (machine, precision, choice.engine)
    verdict = trial.remembered(conditions)
    tried: dict[Precision, Runtime] = {}
    if verdict is None:
        if not long:
            return opened(replace(exact, why=f"{choice.why}; {precision} is tried in longer runs only"))
        tried = {"fp32": opened(exact).runtime, precision: opened(reduced).runtime}
        verdict = trial.run(tried["fp32"], tried[precision], conditions)
    rival = precision if choice.engine == REDUCING else f"{REDUCING} in {precision}"
    why = f"{choice.why}; {rival} {'taken' if verdict.holds else 'left'}, tried here: {verdict}"
    taken = replace(reduced if verdict.holds else exact, why=why)
    return opened(taken, tried.get(precision if verdict.holds else "fp32"))


def _worth_a_trial(engine: EngineName, request: EngineRequest, size: int, passes: int) -> bool:
    cost = COSTS[engine][size >= LARGE_MODEL]
    to_come = LONG_RUN if request.pictures is None else request.pictures
    gain = cost.one_pass * request.passes * USUAL_GAIN * to_come
    return gain > 2 * (cost.start + (passes + 1) * cost.one_pass)


def _size(network: Loadable) -> int:
    try:
        return network.path.stat().st_size
    except OSError:
        return 0  # whoever loads it says what is wrong


def runtime_version(engine: EngineName) -> tuple[str, tuple[Precision, ...]]:
    """Version of an engine's runtime, and what it computes in on this CPU; the runtime is imported.

    Raises
    ------
    MissingExtraError
        It is not installed.
    EngineError
        It does not load.
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
