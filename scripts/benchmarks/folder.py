"""Whole jobs from cold, as a user starts them: one picture, and a folder, against the sample's program."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from synthetic_release import make_release

from benchmarks import sample
from benchmarks.measure import json_option, machine, markdown_table, report, runtimes, take_turns
from colorizer.networks import resolve_model

ROOT = Path(__file__).resolve().parents[2]
PROTOTXT = ROOT / "weights" / "colorization_deploy_v2.prototxt"
HEIGHT, WIDTH = 1224, 1632
"""Two megapixels."""


@dataclass(frozen=True)
class Result:
    """A way to do a job, its seconds, and how much faster than the sample it was."""

    way: str
    seconds: float
    ratio: float


@click.command()
@click.option("--pictures", default=200, show_default=True, help="How many the folder holds, each of 2 megapixels.")
@click.option("--rounds", default=1, show_default=True, help="Times that each contestant has its turn.")
@json_option
def folder(pictures: int, rounds: int, json_file: Path | None) -> None:
    """A folder of 2-megapixel JPEGs, from start to end."""
    _compare(pictures, rounds, json_file)


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Times that each contestant has its turn.")
@json_option
def first(rounds: int, json_file: Path | None) -> None:
    """One 2-megapixel JPEG from cold."""
    _compare(1, rounds, json_file)


def _compare(pictures: int, rounds: int, json_file: Path | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        caffemodel = work / "release.caffemodel"
        make_release(caffemodel)
        taken = take_turns(_contestants(work, caffemodel, pictures), rounds, warm_up=False)
    usual = next(iter(taken))
    results = [Result(way, seconds, taken[usual] / seconds) for way, seconds in taken.items()]
    rows = [[each.way, f"{each.seconds:.2f}", f"{each.ratio:.1f}"] for each in results]
    facts = {"pictures": str(pictures), "rounds": str(rounds)}
    facts |= machine("numpy", *runtimes())
    header = ["way", "seconds", "times as fast"]
    report(markdown_table(header, rows), facts, [asdict(each) for each in results], json_file)


def _contestants(work: Path, caffemodel: Path, pictures: int) -> dict[str, Callable[[], object]]:
    """The ways to do a job, the yardstick first."""
    sources = make_pictures(work / "in", pictures)
    return {
        "OpenCV sample, release network": _sample(work, caffemodel, sources),
        "colorize, release network, fp32": _colorize(work, sources, str(caffemodel), "fp32"),
        "colorize, release network": _colorize(work, sources, str(caffemodel), "auto"),
        "colorize, lite, two looks": _colorize(work, sources, "lite", "auto"),
        "colorize, lite, one look, fp32": _colorize(work, sources, "lite", "fp32", "--fast"),
        "colorize, lite, one look": _colorize(work, sources, "lite", "auto", "--fast"),
    }


def make_pictures(place: Path, count: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> list[Path]:
    """Grey JPEGs from the photographs in `tests/photos`, enlarged and grained."""
    place.mkdir()
    photographs = sorted((ROOT / "tests" / "photos").glob("*.jpg"))
    generator = np.random.default_rng(0)
    paths = []
    for number in range(count):
        grey = np.asarray(cv2.imread(str(photographs[number % len(photographs)]), cv2.IMREAD_GRAYSCALE))
        large = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        grained = np.clip(large + generator.normal(0, 4, large.shape), 0, 255).astype(np.uint8)
        paths.append(place / f"scan{number:04d}.jpg")
        cv2.imwrite(str(paths[-1]), grained, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return paths


def _sample(work: Path, caffemodel: Path, sources: list[Path]) -> Callable[[], object]:
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        raise click.ClickException("the sample needs OpenCV 4: pip install 'opencv-python-headless<5'")
    output = work / "sample"
    output.mkdir()
    program = Path(sample.__file__)
    return lambda: _run([sys.executable, str(program), *map(str, (PROTOTXT, caffemodel, output, *sources))])


def _colorize(work: Path, sources: list[Path], model: str, precision: str, *options: str) -> Callable[[], object]:
    named = resolve_model(model, prototxt=None if model == "lite" else PROTOTXT)
    inputs = [sources[0].parent] if len(sources) > 1 else sources
    output = work / "-".join([named.name, precision, *options])
    output.mkdir()
    command = [sys.executable, "-m", "colorizer", *map(str, inputs), "-o", str(output), "--overwrite", "--quiet"]
    command += ["--model", model, "--precision", precision, *options]
    command += [] if model == "lite" else ["--prototxt", str(PROTOTXT)]
    # what is done once on a machine (converting a model, trying a precision) is no part of a job
    _run([*command, "--dry-run"])
    return lambda: _run(command)


def _run(command: list[str]) -> None:
    # an installed package comes with its bytecode; one run from its sources has to be allowed to keep it
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise click.ClickException(f"{' '.join(command[:4])} ... failed: {done.stderr}")
