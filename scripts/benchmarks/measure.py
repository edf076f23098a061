"""What all trials share: taking turns, peak memory, the machine in words, and tables."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import click

from colorizer.engines.loading import installed_engines

json_option = click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the numbers to this file as well."
)
rounds_option = click.option("--rounds", default=7, show_default=True, help="Times that each contestant has its turn.")


def take_turns(contestants: dict[str, Callable[[], object]], rounds: int, *, warm_up: bool = True) -> dict[str, float]:
    """Median time of each contestant in seconds: A B A B, after one turn each to warm up."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(0 if warm_up else 1, rounds + 1):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant()
            if turn > 0:
                times[name].append(time.perf_counter() - start)
    return {name: median(taken) for name, taken in times.items()}


def peak_memory() -> int:
    """Bytes that this process has held at most so far."""
    if sys.platform == "win32":
        raise click.ClickException("peak memory is measured on Linux and macOS only; leave it out with --no-memory")
    status = Path("/proc/self/status")
    if status.exists():
        # Linux' ru_maxrss also counts what the parent held when it started this process
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def runtimes() -> list[str]:
    """The packages of the engines that are installed."""
    return ["opencv-python-headless" if name == "opencv" else name for name in installed_engines()]


def machine(*packages: str) -> dict[str, str]:
    """What was measured on: processor, cores, system, and versions of Python and of packages."""
    facts = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }
    return facts | {package: version(package) for package in packages}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns but the first are aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(table: str, facts: dict[str, str], results: Any, json_file: Path | None) -> None:
    """Print a trial's table and what it was measured on; write both as JSON where asked to."""
    click.echo(table)
    click.echo("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()))
    if json_file:
        json_file.write_text(json.dumps({"machine": facts, "results": results}, indent=2) + "\n", encoding="utf-8")
