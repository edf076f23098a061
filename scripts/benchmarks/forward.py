"""The network alone: one pass of every engine, precision and device, against cv2.dnn as it comes; and cold starts.

`release` is the synthetic release (the same layers and sizes with made-up weights: a pass takes as long), `lite` the
network in the package. A cold start is a process of its own that imports what it needs, loads the network and makes
one pass; the converted model is in the cache already.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import click
import numpy as np
import numpy.typing as npt
from synthetic_release import RELEASE_PROTOTXT, make_release

from benchmarks.measure import json_option, machine, markdown_table, report, rounds_option, runtimes, take_turns
from colorizer.engines import EngineName, EngineRequest, Precision
from colorizer.engines.loading import installed_engines
from colorizer.engines.opening import runtime_version
from colorizer.errors import EngineError
from colorizer.io.machine import usable_cores
from colorizer.networks import Model, NetworkInput, Prediction, resolve_model
from colorizer.networks.looks import predict
from colorizer.networks.zhang.contract import NETWORK_SIZE
from colorizer.networks.zhang.network import ZhangNetwork, open_zhang

SCRIPTS = Path(__file__).parent.parent
YARDSTICK = "cv2.dnn as it comes"
NETWORKS = ("release", "lite")
LOOKS = (NETWORK_SIZE, 2 * NETWORK_SIZE)
"""Of `lite`, whose joining is timed with them."""

_COLD = """
import sys, time
begun = time.perf_counter()
sys.path.insert(0, {scripts!r})
import numpy, cv2  # what the command needs in any case
from pathlib import Path
from benchmarks.forward import contestant, model_named
needed = time.perf_counter()
engine = contestant(model_named({network!r}, Path({folder!r})), {engine!r}, {precision!r}, {as_it_comes!r}, {threads!r})
engine.ab(numpy.zeros((1, 1, {size}, {size}), numpy.float32))
print(time.perf_counter() - needed)
"""


@dataclass(frozen=True)
class Contestant:
    """One way to make a pass."""

    engine: EngineName
    precision: Precision
    as_it_comes: bool = False

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return YARDSTICK if self.as_it_comes else f"{self.engine} {self.precision}"


@dataclass(frozen=True)
class Result:
    """One row; seconds."""

    network: str
    contestant: str
    one_pass: float
    of_four: float  # per picture in a batch of four
    cold: float  # median of cold starts; 0 where not measured
    looks: float  # of two looks, joined; 0 where the network looks once


@click.command()
@click.option("--cold/--no-cold", default=True, help="Measure cold starts as well.")
@click.option("--threads", type=int, default=None, help="Threads of each engine.  [default: all cores]")
@rounds_option
@json_option
def forward(cold: bool, threads: int | None, rounds: int, json_file: Path | None) -> None:
    """One pass of the network in every engine, against cv2.dnn as it comes."""
    contestants = list(_contestants())
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for network in NETWORKS:
            model = model_named(network, folder)
            engines = {each.name: contestant(model, each.engine, each.precision, each.as_it_comes, threads)
                       for each in contestants}  # fmt: skip
            single, four = (
                take_turns({which: _pass(engine, batch) for which, engine in engines.items()}, rounds)
                for batch in (1, 4)
            )
            looks = (
                take_turns({which: _looks(engine) for which, engine in engines.items()}, rounds)
                if (network == "lite")
                else {}
            )
            for each in contestants:
                start = median(cold_start(network, folder, each, threads) for _ in range(3)) if cold else 0.0
                results.append(
                    Result(network, each.name, single[each.name], four[each.name] / 4, start, looks.get(each.name, 0.0))
                )
    facts = {"rounds": str(rounds), "threads": str(threads or usable_cores())}
    facts |= machine("numpy", *runtimes())
    header = [
        "network, engine",
        "one pass, ms",
        "times as fast",
        "in a batch of 4, ms",
        "two looks, ms",
        "cold start, ms",
    ]
    usual = {result.network: result.one_pass for result in results if result.contestant == YARDSTICK}
    rows = [
        [
            f"{result.network}, {result.contestant}",
            f"{result.one_pass * 1000:.1f}",
            f"{usual[result.network] / result.one_pass:.2f}",
            f"{result.of_four * 1000:.1f}",
            f"{result.looks * 1000:.1f}" if result.looks else "",
            f"{result.cold * 1000:.0f}" if cold else "",
        ]
        for result in results
    ]
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def model_named(network: str, folder: Path) -> Model:
    """The model to measure; the synthetic release is made in `folder` where it is not there yet."""
    if network == "lite":
        return resolve_model("lite")
    caffemodel = folder / "synthetic_release.caffemodel"
    if not caffemodel.exists():
        make_release(caffemodel)
    return resolve_model(str(caffemodel), prototxt=RELEASE_PROTOTXT)


def contestant(
    model: Model, engine: EngineName, precision: Precision, as_it_comes: bool, threads: int | None
) -> ZhangNetwork:
    """A network, loaded into an engine."""
    return open_zhang(
        model, request=EngineRequest(engine, precision, "cpu", threads=threads, pictures=1, as_it_comes=as_it_comes)
    )


def cold_start(network: str, folder: Path, each: Contestant, threads: int | None) -> float:
    """Seconds from a process that has cv2 to the end of a first pass."""
    code = _COLD.format(
        scripts=str(SCRIPTS),
        network=network,
        folder=str(folder),
        engine=each.engine,
        precision=each.precision,
        as_it_comes=each.as_it_comes,
        threads=threads,
        size=NETWORK_SIZE,
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _contestants() -> list[Contestant]:
    found = [Contestant("opencv", "fp32", as_it_comes=True)]
    for engine in installed_engines():
        try:
            _, precisions = runtime_version(engine)
        except EngineError as error:
            click.echo(f"left out: {error}", err=True)
            continue
        found += [Contestant(engine, precision) for precision in precisions]
    return found


def _looks(engine: ZhangNetwork) -> Callable[[], Prediction]:
    rng = np.random.default_rng(0)
    seen = tuple(NetworkInput(rng.uniform(0, 100, (1, 1, size, size)).astype(np.float32)) for size in LOOKS)
    return partial(predict, engine, seen)


def _pass(engine: ZhangNetwork, batch: int) -> Callable[[], npt.NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    planes = rng.uniform(-50, 50, (batch, 1, NETWORK_SIZE, NETWORK_SIZE)).astype(np.float32)
    return partial(engine.ab, planes)
