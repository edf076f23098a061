"""Whole films, from file to file, as they were encoded before and as they are now: frames a second, size, and quality.

The earlier way is H.264 at the preset that was the default before; all else is the same code, so that the two differ by
what encoding takes alone. They take turns. Quality is the PSNR of both films' planes against those that were encoded,
which a lossless run gives.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from benchmarks.film import GRAIN_SPEED, make_film
from benchmarks.measure import json_option, machine, markdown_table, report
from colorizer import Settings
from colorizer.film.job import color_video
from colorizer.film.options import FilmOptions
from colorizer.film.pyav import import_av, plane_array

WAYS = {
    "before: medium": FilmOptions(steadiness=0.0, preset="medium"),
    "now: veryfast": FilmOptions(steadiness=0.0),
    "before: medium, steady": FilmOptions(preset="medium"),
    "now: veryfast, steady": FilmOptions(),
}


@dataclass(frozen=True)
class Whole:
    """One row."""

    way: str
    frames_per_second: float
    cpu: float  # seconds of processor a frame
    size: int  # bytes
    luma: float  # PSNR, dB
    chroma: float


@click.command()
@click.option("--frames", default=96, show_default=True, help="Frames of the film, at 1080p.")
@click.option("--turns", default=2, show_default=True, help="Runs of each way; the quickest counts.")
@click.option("--grain", default=GRAIN_SPEED, show_default=True, help="Standard deviation of the film grain.")
@json_option
def film(frames: int, turns: int, grain: float, json_file: Path | None) -> None:
    """Frames a second of whole films at 1080p with `lite`, encoding included, before and now."""
    results: dict[str, Whole] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "film.mp4"
        make_film(source, frames, grain=grain)
        for _ in range(turns):
            for way, options in WAYS.items():
                one = _run(way, source, folder / "out.mp4", options, frames)
                if way not in results or one.frames_per_second > results[way].frames_per_second:
                    results[way] = one
    pairs = list(results.values())
    rows = []
    for number, one in enumerate(pairs):
        before = pairs[number - number % 2]
        rows.append(
            [
                one.way,
                f"{one.frames_per_second:.1f}",
                f"{one.frames_per_second / before.frames_per_second:.2f}",
                f"{1000 * one.cpu:.0f}",
                f"{one.size / before.size - 1:+.1%}",
                f"{one.luma:.2f}",
                f"{one.chroma:.2f}",
            ]
        )
    header = ["way", "frames a second", "times as fast", "CPU, ms a frame", "size", "PSNR of Y'", "of Cb, Cr"]
    facts = {"frames": str(frames), "grain": str(grain)} | machine("numpy", "opencv-python-headless", "av")
    report(markdown_table(header, rows), facts, [asdict(one) for one in pairs], json_file)


def _run(way: str, source: Path, target: Path, options: FilmOptions, frames: int) -> Whole:
    settings = Settings(model="lite", precision="fp32", device="cpu")
    start, busy = time.perf_counter(), time.process_time()
    color_video(source, target, settings, options, overwrite=True)
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    lossless = target.with_suffix(".mkv")
    exact = FilmOptions(steadiness=options.steadiness, codec="ffv1")
    color_video(source, lossless, settings, exact, overwrite=True)
    luma, chroma = psnr(lossless, target)
    return Whole(way, frames / seconds, cpu / frames, target.stat().st_size, luma, chroma)


def psnr(reference: Path, encoded: Path) -> tuple[float, float]:
    """Of Y', and of Cb and Cr, in dB: two films of 8 bits."""
    squares = np.zeros(3)
    count = 0
    for one, other in zip(_frames(reference), _frames(encoded), strict=True):
        squares += [((a.astype(np.float64) - b) ** 2).mean() for a, b in zip(one, other, strict=True)]
        count += 1
    luma, chroma = squares[0] / count, squares[1:].mean() / count
    return tuple(10 * float(np.log10(255**2 / max(each, 1e-9))) for each in (luma, chroma))  # type: ignore[return-value]


def _frames(path: Path) -> Iterator[list[npt.NDArray[Any]]]:
    with import_av().open(str(path)) as opened:
        for native in opened.decode(video=0):
            yield [plane_array(native, index, 8) for index in range(3)]
