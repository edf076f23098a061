"""Which runtime, device and precision a job gets: pure decisions, on facts that the caller brings.

What is fastest for one picture from cold is not what is fastest for ten thousand: a runtime that computes quickly may
take long to start. So each engine has a start and a pass, measured, and the least sum for the job's length wins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from colorizer.engines.base import Device, EngineName, Precision
from colorizer.engines.devices import ACCELERATORS, Accelerator, meant_by, named
from colorizer.errors import EngineError, Message, MissingExtraError, OptionRef, Remedy, UsageError

LONG_RUN = 1000
"""Pictures that a job of unknown length is taken to have."""

PICTURES_WORTH_A_GPU = 20
"""Starting CUDA takes seconds, in which a CPU colours so many pictures."""

GAIN_WORTH_A_GPU = 1.5
"""Times the CPU's speed from which on a GPU is taken without being asked for; measured on this machine by one pass."""

LARGE_MODEL = 32_000_000
"""Bytes of weights from which on a network counts as large: Zhang et al.'s release has 129 million, `lite` 7."""

PRECISIONS: dict[tuple[EngineName, Device], tuple[Precision, ...]] = {
    ("opencv", "cpu"): ("fp32",),
    ("onnxruntime", "cpu"): ("fp32",),
    ("ncnn", "cpu"): ("fp32",),
    ("openvino", "cpu"): ("fp32", "bf16", "fp16"),
    **{(each.engine, each.device): each.precisions for each in ACCELERATORS},
}
"""What each engine computes in; of OpenVINO's reduced ones, a CPU has some or none."""


class Cost(NamedTuple):
    """Seconds: from cold until ready, and of one pass at 224 x 224 in float32."""

    start: float
    one_pass: float


COSTS: dict[EngineName, tuple[Cost, Cost]] = {
    "opencv": (Cost(0.04, 0.036), Cost(0.34, 0.71)),
    "onnxruntime": (Cost(0.09, 0.012), Cost(0.68, 0.30)),
    "ncnn": (Cost(0.09, 0.014), Cost(0.60, 0.14)),
    "openvino": (Cost(0.26, 0.010), Cost(0.60, 0.28)),
}
"""For a small network (`lite`) and a large one (the release's), once cv2 is imported, which every command needs; on 2
cores of an AVX-512 CPU (docs/performance.md). Only ratios matter."""


@dataclass(frozen=True)
class EngineRequest:
    """What the user wants, and for how much work."""

    engine: EngineName | Literal["auto"] = "auto"
    precision: Precision | Literal["auto"] = "auto"
    device: Device | Literal["auto"] = "auto"  # "gpu": any GPU
    threads: int | None = None  # None: the cores that this process may use
    pictures: int | None = None  # to come; None: unknown
    passes: float = 1.0  # work of each picture, in passes at the usual size
    able: tuple[EngineName, ...] | None = None  # engines that load such a network; None: all
    as_it_comes: bool = False  # OpenCV with its own choices of speed over exactness


@dataclass(frozen=True)
class Choice:
    """What is to be opened, and why."""

    engine: EngineName
    device: Device
    precision: Precision | Literal["auto"]  # auto: float32, unless less is found to be exact enough
    why: str


def rank(
    asked: EngineRequest,
    installed: Sequence[EngineName],
    model_bytes: int,
    probe: Callable[[EngineName, Device], str | None],
    gain: Callable[[EngineName, Device], float] = lambda *_: math.inf,
) -> tuple[Choice, ...]:
    """The choices for a job, best first; only `auto` leaves more than one.

    Parameters
    ----------
    asked
        What the user wants.
    installed
        The engines that are there.
    model_bytes
        Size of the file of weights.
    probe
        Tells why an engine cannot use an accelerator; None where it can.
    gain
        Tells how many times as fast as the CPU it is; asked where nobody wants that device by name.

    Raises
    ------
    UsageError
        What is asked for excludes each other.
    MissingExtraError
        Nothing installed computes in that precision.
    EngineError
        An accelerator is asked for and does not work here.
    """
    if asked.able is not None:
        if asked.engine not in ("auto", *asked.able):
            raise UsageError(
                "does not load a network of this kind",
                option=OptionRef("engine", asked.engine),
                remedy=f"take {' or '.join(asked.able)}",
            )
        installed = tuple(name for name in installed if name in asked.able)
        if not installed and asked.engine == "auto":
            text = f"this network needs {' or '.join(asked.able)}, and none of them is installed"
            raise MissingExtraError(Message(text, None, Remedy.INSTALL_EXTRA, {"extra": asked.able[0]}))
    if asked.as_it_comes:
        return (Choice("opencv", "cpu", "fp32", "as it comes, for comparisons"),)
    refused: dict[str, list[str]] = {}
    if asked.device != "cpu":
        wanted = _accelerators(asked)
        if asked.device != "auto" or (wanted and _worth_a_gpu(asked)):
            for each in (each for each in wanted if each.engine in installed):
                why = probe(each.engine, each.device)
                if why is None and asked.device == "auto":
                    times = gain(each.engine, each.device)
                    why = f"{times:.1f} times the CPU's speed, tried here" if times < GAIN_WORTH_A_GPU else None
                if why is None:
                    precision = each.precisions[0] if asked.precision == "auto" else asked.precision
                    return (Choice(each.engine, each.device, precision, _WORKS),)
                refused.setdefault(each.name, []).append(why)
            if asked.device != "auto":
                raise _unavailable(asked.device, wanted, refused)
            if not refused:
                refused["CUDA"] = ["no engine that is installed here knows CUDA"]
    choices = _on_the_cpu(asked, installed, model_bytes)
    if not refused:
        return choices
    said = ", ".join(f"no {name} ({'; '.join(whys)})" for name, whys in refused.items())
    return tuple(replace(each, why=f"{each.why}; {said}") for each in choices)


_WORKS = "a convolution on it came out right"


def _unavailable(device: str, wanted: Sequence[Accelerator], refused: Mapping[str, Sequence[str]]) -> EngineError:
    name = named(device)
    if not refused:
        said = f"no engine that is installed here knows {'any' if device == 'gpu' else name}"
    elif device == "gpu":
        said = "; ".join(f"{each}: {'; '.join(whys)}" for each, whys in refused.items())
    else:
        said = "; ".join(refused[name])
    text = f"no {name}: {said}"
    if any(each.device == "cuda" for each in wanted):
        return EngineError(text, remedy=Remedy.GET_CUDA)
    how = wanted[0].how if wanted else "this system has none"
    return EngineError(text, remedy=f"for {name}, {how}")


def seconds_on_cpu(engine: EngineName, pictures: int | None, model_bytes: int, passes: float = 1.0) -> float:
    """How long an engine would take for a job, on the machine where the costs were measured."""
    cost = COSTS[engine][model_bytes >= LARGE_MODEL]
    return cost.start + cost.one_pass * passes * (LONG_RUN if pictures is None else pictures)


def _accelerators(asked: EngineRequest) -> tuple[Accelerator, ...]:
    """Those that a request stands for, in the order in which they are tried."""
    meant = meant_by(asked.device)
    able = tuple(each for each in meant if asked.engine in ("auto", each.engine))
    wanted = tuple(each for each in able if asked.precision == "auto" or asked.precision in each.precisions)
    if asked.device == "auto":
        return wanted
    name = named(asked.device)
    if meant and not able:
        knows = any(each.engine == asked.engine for each in ACCELERATORS)
        raise UsageError(
            f"knows no {name}" if knows else "computes on the CPU alone",
            option=OptionRef("engine", asked.engine),
            remedy=f"for {name} take {' or '.join(dict.fromkeys(each.engine for each in meant))}",
        )
    if able and not wanted:
        engines = " or ".join(dict.fromkeys(each.engine for each in able))
        raise UsageError(f"is not available with {name} in {engines}", option=OptionRef("precision", asked.precision))
    return wanted


def _worth_a_gpu(asked: EngineRequest) -> bool:
    return asked.pictures is None or asked.pictures >= PICTURES_WORTH_A_GPU


def _on_the_cpu(asked: EngineRequest, installed: Sequence[EngineName], model_bytes: int) -> tuple[Choice, ...]:
    if asked.engine != "auto":
        if asked.precision not in ("auto", *PRECISIONS[asked.engine, "cpu"]):
            raise UsageError(
                f"{asked.engine} computes in fp32 on the CPU",
                option=OptionRef("precision", asked.precision),
                remedy=Remedy.TAKE,
                what=OptionRef("engine", "openvino"),
            )
        # whether it is installed is said, with the remedy, by its own module
        return (Choice(asked.engine, "cpu", asked.precision, "as asked for"),)
    able = [n for n in COSTS if asked.precision == "auto" or asked.precision in PRECISIONS[n, "cpu"]]
    found = sorted(
        (name for name in able if name in installed),
        key=lambda name: seconds_on_cpu(name, asked.pictures, model_bytes, asked.passes),
    )
    if not found:
        package = able[-1]
        text = f"precision {asked.precision} needs another engine on the CPU, which is not installed"
        raise MissingExtraError(Message(text, None, Remedy.INSTALL_EXTRA, {"extra": package}))
    job = (
        "a run of unknown length"
        if asked.pictures is None
        else f"{asked.pictures} picture{'' if asked.pictures == 1 else 's'}"
    )
    quickest = f"quickest for {job}, of {', '.join(found)}" if len(found) > 1 else "the only one installed"
    return tuple(
        Choice(name, "cpu", asked.precision, quickest if name == found[0] else f"the next after {found[0]}")
        for name in found
    )
