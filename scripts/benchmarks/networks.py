"""Networks beside each other: what loading one costs, a pass, and at most in memory, in processes of their own.

`ddcolor` and `ddcolor-tiny` are DDColor's graphs at full size (`ddcolor_graph.py`), `release` the synthetic release;
all with made-up weights, with which a pass takes as long. `lite` is the network in the package.
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
import ddcolor_graph
import numpy as np

from benchmarks.forward import SCRIPTS, model_named
from benchmarks.measure import json_option, machine, markdown_table, peak_memory, report, rounds_option, runtimes
from colorizer import Colorizer, Settings
from colorizer.engines.loading import installed_engines
from colorizer.errors import UsageError

PICTURE = (600, 800)
DDCOLOR = {"ddcolor": "large", "ddcolor-tiny": "tiny"}
NETWORKS = (*DDCOLOR, "release", "lite")

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
@rounds_option
@json_option
def networks(chosen: tuple[str, ...], rounds: int, json_file: Path | None) -> None:
    """Time and peak memory of networks of several families, each process with one of them."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        for network in chosen or NETWORKS:
            model = _model(network, Path(name))
            for engine in installed_engines():
                try:
                    _measured(network, model, engine, 1)  # the first time, a model is tried and converted
                except UsageError as error:
                    click.echo(f"left out: {error}", err=True)
                    continue
                results.append(_measured(network, model, engine, rounds))
    facts = {"rounds": str(rounds), "picture": f"{PICTURE[1]}x{PICTURE[0]}"} | machine("numpy", *runtimes())
    header = ["network, engine", "files, MB", "sees", "load, s", "pass, s", "peak, MB"]
    rows = [
        [
            f"{result.network}, {result.engine}",
            f"{result.size / 1e6:.0f}",
            result.sees,
            f"{result.load:.2f}",
            f"{result.one_pass:.2f}",
            f"{result.peak / 1e6:.0f}",
        ]
        for result in results
    ]
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def _model(network: str, folder: Path) -> list[str]:
    """The model as settings name it, made where it is not there: name or file, and its prototxt."""
    if network in DDCOLOR:
        target = folder / f"{network}.onnx"
        ddcolor_graph.write(target, DDCOLOR[network])
        return [str(target)]
    model = model_named(network, folder)
    return [network] if network == "lite" else [str(model.weights), str(model.files["prototxt"])]


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
        "sees": " + ".join(map(str, colorizer.model.sizes_for(colorizer.settings))),
        "load": load,
        "one_pass": min(times),
        "peak": peak_memory(),
    }
    print(json.dumps(figures))
