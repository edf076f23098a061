"""Networks beside each other: what loading one costs, a pass, and at most in memory, in processes of their own.

`lite` is the network in the package, `zhang16` the synthetic release, and the others are the catalogue's graphs at full
size (`scripts/graphs`); all but `lite` with made-up weights, with which a pass takes as long.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import graphs
import numpy as np

from benchmarks.forward import SCRIPTS, model_named
from benchmarks.measure import json_option, machine, markdown_table, peak_memory, report, rounds_option, runtimes
from colorizer import Colorizer, Settings
from colorizer.engines.loading import installed_engines
from colorizer.errors import UsageError

PICTURE = (600, 800)
YARDSTICK = "zhang16"
NETWORKS = ("lite", YARDSTICK, *graphs.NAMES)

_CHILD = """
import sys
sys.path.insert(0, {scripts!r})
from benchmarks.networks import of_this_process
of_this_process(*sys.argv[1:])
"""


@dataclass(frozen=True)
class Result:
    """One row; seconds, bytes."""

    network: str
    engine: str
    size: int  # of its files
    sees: str
    load: float
    one_pass: float
    peak: int


@click.command()
@click.option("--network", "chosen", type=click.Choice(NETWORKS), multiple=True, help="These alone.  [default: all]")
@click.option("--engine", "engines", multiple=True, help="These alone.  [default: all that are installed]")
@rounds_option
@json_option
def networks(chosen: tuple[str, ...], engines: tuple[str, ...], rounds: int, json_file: Path | None) -> None:
    """Time and peak memory of the catalogue's networks, each process with one of them."""
    results = []
    for network in chosen or NETWORKS:
        with tempfile.TemporaryDirectory() as name:
            model = _model(network, Path(name))
            for engine in engines or installed_engines():
                try:
                    _measured(network, model, engine, 0)  # the first time, a model is tried and converted
                except UsageError as error:
                    click.echo(f"left out: {error}", err=True)
                    continue
                results.append(_measured(network, model, engine, rounds))
                click.echo(f"{network}, {engine}: {results[-1].one_pass:.2f} s", err=True)
    facts = {"rounds": str(rounds), "picture": f"{PICTURE[1]}x{PICTURE[0]}"} | machine("numpy", *runtimes())
    header = ["network, engine", "files, MB", "sees", "load, s", "pass, s", f"in passes of {YARDSTICK}", "peak, MB"]
    yardstick = {result.engine: result.one_pass for result in results if result.network == YARDSTICK}
    rows = [
        [
            f"{result.network}, {result.engine}",
            f"{result.size / 1e6:.0f}",
            result.sees,
            f"{result.load:.2f}",
            f"{result.one_pass:.2f}",
            f"{result.one_pass / yardstick[result.engine]:.1f}" if result.engine in yardstick else "",
            f"{result.peak / 1e6:.0f}",
        ]
        for result in results
    ]
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def _model(network: str, folder: Path) -> list[str]:
    """The model as settings name it, made where it is not there: name or file, and its prototxt."""
    if network == "lite":
        return [network]
    if network == YARDSTICK:
        model = model_named("release", folder)
        return [str(model.weights), str(model.files["prototxt"])]
    return [str(graphs.write(network, folder))]


def _measured(network: str, model: list[str], engine: str, rounds: int) -> Result:
    code = _CHILD.format(scripts=str(SCRIPTS))
    done = subprocess.run(
        [sys.executable, "-c", code, engine, str(rounds), *model], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise click.ClickException(f"{network} in {engine} ended with status {done.returncode}")
    found = json.loads(done.stdout)
    if isinstance(found, str):
        raise UsageError(f"{network}: {found}")
    return Result(network, engine, **found)


def of_this_process(engine: str, rounds: str, model: str, prototxt: str | None = None) -> None:
    """Load a network, make passes, and print what that took; or why the engine does not take it."""
    begun = time.perf_counter()
    settings = {"model": model, "prototxt": prototxt, "engine": engine, "precision": "fp32", "device": "cpu"}
    try:
        colorizer = Colorizer(Settings(**settings), pictures=1)  # type: ignore[arg-type]
    except UsageError as error:
        print(json.dumps(str(error)))
        return
    load = time.perf_counter() - begun
    grey = np.random.default_rng(0).integers(0, 256, PICTURE, np.uint8)
    times = []
    for _ in range(int(rounds)):
        begun = time.perf_counter()
        colorizer.predict(grey)
        times.append(time.perf_counter() - begun)
    figures = {
        "size": sum(path.stat().st_size for path in colorizer.model.files.values()),
        "sees": " + ".join("x".join(map(str, seen.lightness.shape[:1:-1])) for seen in colorizer.view.of_pixels(grey)),
        "load": load,
        "one_pass": min(times, default=0.0),
        "peak": peak_memory(),
    }
    print(json.dumps(figures))
