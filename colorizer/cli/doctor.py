"""`colorize doctor`: prints what `colorizer.doctor` finds. The report goes to stdout, as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from colorizer.cli.completion import complete_models_or_files
from colorizer.cli.options import PATH
from colorizer.cli.wording import worded
from colorizer.errors import ExitStatus, shown

if TYPE_CHECKING:
    from colorizer.doctor import ClusterMachine, Report


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="NAME|PATH",
    envvar="COLORIZE_MODEL",
    shell_complete=complete_models_or_files,
    help="Network to run.",
)
@click.option(
    "--weights-dir",
    type=PATH,
    metavar="DIR",
    envvar="COLORIZE_WEIGHTS_DIR",
    help="Folder to look for models in first.",
)
@click.option(
    "--cluster",
    is_flag=False,
    flag_value="auto",
    metavar="[auto|HOST:PORT]",
    envvar="COLORIZE_CLUSTER",
    help="Show the machines of a Ray cluster instead: what they have, and whether they can work for this one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, model: str, weights_dir: Path | None, cluster: str | None, as_json: bool) -> int:
    """Show engines, devices and models, what auto chooses and why, and how long a pass takes in each.

    The exit status is 1 where something that is installed does not work.
    """
    from colorizer.doctor import examine, examine_cluster

    if cluster is not None:
        machines = examine_cluster(cluster)
        able = not any(machine.problem for machine in machines)
        if as_json:
            click.echo(json.dumps({"machines": [asdict(machine) for machine in machines], "healthy": able}, indent=2))
        else:
            for line in _cluster_lines(machines):
                click.echo(line)
        return ExitStatus.DONE if able else ExitStatus.SOME_FAILED
    report = examine(model, weights_dir, words=worded)
    if as_json:
        click.echo(json.dumps(asdict(report) | {"healthy": report.healthy}, indent=2))
    else:
        for line in _lines(report):
            click.echo(line)
    return ExitStatus.DONE if report.healthy else ExitStatus.SOME_FAILED


def _lines(report: Report) -> Iterator[str]:
    system = report.system
    yield f"colorize {system.colorize}, Python {system.python}, {system.platform}"
    yield f"{system.processor}; {system.usable_cores} of {system.cores} cores to use"
    yield ", ".join(f"{name} {version}" for name, version in system.packages.items())
    yield f"models in {shown(system.weights_folder)}, cache in {shown(system.cache_folder)}"
    yield from _section(
        "Engines", [(e.name, worded(e.problem) or e.version, ", ".join(e.precisions)) for e in report.engines]
    )
    yield from _section("Devices", [(d.name, "yes" if d.available else "no", worded(d.what)) for d in report.devices])
    yield from _section("Models", [(m.name, m.state, worded(m.title)) for m in report.models])
    yield ""
    yield "What auto chooses"
    for auto in report.auto:
        if auto.choice is None:
            yield f"  {auto.job}: nothing: {worded(auto.problem)}"
        else:
            choice = auto.choice
            taken = f"{auto.model} in {choice.engine}, {choice.precision}, {choice.device}"
            yield f"  {auto.job}: {taken}: {choice.why}"
    rows: list[Sequence[str]] = [("", "", "", "load", "first pass", "then")]
    for timed in report.passes:
        found = [f"{seconds * 1000:.0f} ms" for seconds in (timed.load, timed.first, timed.usual)]
        if timed.problem:
            found = [worded(timed.problem), "", ""]
        rows.append((timed.engine, timed.device, timed.precision, *found))
    yield from _section("One pass", rows if report.passes else [])


def _cluster_lines(machines: Sequence[ClusterMachine]) -> Iterator[str]:
    able = [machine for machine in machines if not machine.problem]
    cores, gpus = sum(machine.cores for machine in able), sum(machine.gpus for machine in able)
    yield f"{len(able)} of {len(machines)} machines can work, with {cores} cores and {gpus} GPUs"
    rows: list[Sequence[str]] = [("", "cores", "GPUs", "memory", "colorize", "Python", "")]
    for machine in machines:
        versions = (machine.versions.get(name, "") for name in ("colorize", "Python"))
        numbers = (str(machine.cores), str(machine.gpus), f"{machine.memory / 2**30:.1f} GiB")
        said = f"does no work: {machine.problem}" if machine.problem else machine.differences
        rows.append((machine.name, *numbers, *versions, said))
    yield from _section("Machines", rows)


def _section(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in columns; the last is as long as it likes."""
    yield ""
    yield title
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join([*cells, row[-1]]).rstrip()
