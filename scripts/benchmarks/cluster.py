"""A Ray cluster of two nodes on this computer, each with one core, against the processes of one machine, and one node.

What a job takes to start is told apart: to connect, to look at the nodes, to start workers and load the network. Of a
folder that is the time until the first picture is done, of a film that of another one of two frames. The rest is
compared. A node is a set of Ray's processes that takes itself for a machine, and is held to one core where the system
can do that; all share this one's memory and disk, so what a network between machines would cost is not in the figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.film import make_film
from benchmarks.folder import make_pictures
from benchmarks.measure import json_option, machine, markdown_table, report, runtimes
from colorizer import Settings
from colorizer.film.job import color_video
from colorizer.film.options import FilmOptions
from colorizer.jobs.executors.cluster.executor import Limits, RayExecutor
from colorizer.jobs.films import encode_on

JOBS = ("folder", "film")
SEGMENTS = 12
HD = (720, 1280)

Ways = dict[tuple[str, str], Callable[[], tuple[float, float]]]
"""By job and way, what does it: seconds to start, and from there to the end."""


@dataclass(frozen=True)
class Result:
    """A way to do a job: seconds to start, and from there to the end."""

    job: str
    way: str
    start: float
    work: float


@click.command()
@click.option("--pictures", default=500, show_default=True, help="How many the folder holds.")
@click.option(
    "--width", default=1632, show_default=True, help="Of each, in pixels; its height is three quarters of it."
)
@click.option("--frames", default=480, show_default=True, help=f"Of the film, at 720p, in {SEGMENTS} segments.")
@click.option("--job", "jobs", multiple=True, type=click.Choice(JOBS), help="This alone.  [default: both]")
@click.option("--rounds", default=3, show_default=True, help="Times that each contestant has its turn.")
@json_option
def cluster(pictures: int, width: int, frames: int, jobs: tuple[str, ...], rounds: int, json_file: Path | None) -> None:
    """Folders and films on two nodes, on one, and in this machine's own processes."""
    with tempfile.TemporaryDirectory() as name, two_nodes() as (address, seconds):
        work = Path(name)
        ways: Ways = {}
        if "folder" in (jobs or JOBS):
            ways |= _folders(work, pictures, (width, width * 3 // 4), address)
        if "film" in (jobs or JOBS):
            ways |= _films(work, frames, address)
        taken: dict[tuple[str, str], list[tuple[float, float]]] = {each: [] for each in ways}
        for _ in range(rounds):
            for each, way in ways.items():
                taken[each].append(way())
    results = [
        Result(*each, median(start for start, _ in times), median(work for _, work in times))
        for each, times in taken.items()
    ]
    rows = [[each.job, each.way, f"{each.start:.1f}", f"{each.work:.1f}", _compared(each, results)] for each in results]
    facts = {"pictures": str(pictures), "width": str(width), "frames": str(frames), "rounds": str(rounds)}
    facts |= {"start of the cluster": f"{seconds:.1f} s"} | machine("ray", "numpy", *runtimes())
    header = ["job", "way", "s to start", "s from there on", "against this machine's own"]
    report(markdown_table(header, rows), facts, [asdict(each) for each in results], json_file)


def _compared(result: Result, results: list[Result]) -> str:
    """What the two nodes are held to: the machine's own processes, and one node."""
    if result.way != "two nodes":
        return ""
    own, one, two = (each.work for each in results if each.job == result.job)
    return f"{100 * (two / own - 1):+.1f} %, {one / two:.2f} times one node"


@contextmanager
def two_nodes() -> Iterator[tuple[str, float]]:
    """The address of a cluster of two nodes of one core, and how many seconds it took to start."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 200 << 20}
    start = time.perf_counter()
    with held_to(0):
        started = Cluster(initialize_head=True, connect=False, head_node_args=node | {"include_dashboard": False})
    try:
        with held_to(1):
            started.add_node(**node)
        yield started.address, time.perf_counter() - start
    finally:
        started.shutdown()


@contextmanager
def held_to(place: int) -> Iterator[None]:
    """Processes that are started within have one core of this computer's, as far as the system can be told so."""
    if sys.platform != "linux":
        yield
        return
    usable = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {usable[place % len(usable)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, set(usable))


def _folders(work: Path, pictures: int, size: tuple[int, int], address: str) -> Ways:
    sources = make_pictures(work / "in", pictures, size)
    there = ("--cluster", address)
    ways = {"two processes": ("--jobs", "2"), "one node": (*there, "--jobs", "1"), "two nodes": there}
    job = f"{pictures} pictures"
    return {(job, way): _command(sources[0].parent, work / way, options) for way, options in ways.items()}


def _command(source: Path, target: Path, options: tuple[str, ...]) -> Callable[[], tuple[float, float]]:
    command = [sys.executable, "-m", "colorizer", str(source), "-o", str(target), "--overwrite", "--quiet"]
    command += ["--report", "-", "--model", "lite", *options]

    def run() -> tuple[float, float]:
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout  # noqa: S101 - it was asked for
            process.stdout.readline()
            first = time.perf_counter()
            process.stdout.read()
        if process.returncode != 0:
            raise click.ClickException(f"{' '.join(command)} failed")
        return first - start, time.perf_counter() - first

    return run


def _films(work: Path, frames: int, address: str) -> Ways:
    film, short = make_film(work / "film.mp4", frames, HD), make_film(work / "short.mp4", 2, HD)
    job = f"a film of {frames} frames"
    return {
        (job, way): _film(film, short, work / f"{way}.mp4", frames // SEGMENTS, address, workers)
        for way, workers in (("this process", 0), ("one node", 1), ("two nodes", 2))
    }


def _film(
    film: Path, short: Path, target: Path, segment_frames: int, address: str, workers: int
) -> Callable[[], tuple[float, float]]:
    def seconds(source: Path) -> float:
        encode = encode_on(RayExecutor(address, Limits(workers=workers))) if workers else None
        start = time.perf_counter()
        color_video(
            source,
            target,
            Settings(model="lite"),
            FilmOptions(),
            overwrite=True,
            segment_frames=segment_frames,
            encode=encode,
        )
        return time.perf_counter() - start

    def run() -> tuple[float, float]:
        start = seconds(short)
        return start, seconds(film) - start

    return run
