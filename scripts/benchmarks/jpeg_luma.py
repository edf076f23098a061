"""Grey JPEGs coloured with their luma kept as it is coded, against encoding them anew: size and time.

Photographs, enlarged and grained, as grey JPEGs of several qualities. Both ways do all that is done to a file held in
memory but the network, whose answer is the same for both and known.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import cv2
import numpy as np
from PIL import Image
from skimage.color import rgb2lab

from benchmarks.measure import json_option, machine, markdown_table, report, rounds_option, take_turns
from benchmarks.recombine import contact_sheet
from colorizer import Colorizer, Settings
from colorizer.jobs.run import OutputPolicy
from colorizer.jobs.stream import color_bytes
from colorizer.media import Output

QUALITIES = (30, 75, 95)
SUBSAMPLINGS = ("444", "420")
KEPT, ANEW = "luma kept", "encoded anew"


@dataclass(frozen=True)
class Result:
    """One row: sizes in bytes, times in seconds, the colours' mean distance in CIE76."""

    file: str
    subsampling: str
    source: int
    sizes: dict[str, int]
    seconds: dict[str, float]
    distance: float

    def row(self) -> list[str]:
        """The row in words."""
        kept, anew = self.sizes[KEPT], self.sizes[ANEW]
        cells = [self.file, self.subsampling, f"{self.source / 1000:.0f}", f"{kept / 1000:.0f}", f"{anew / 1000:.0f}"]
        cells += [f"{kept / self.source - 1:+.0%}", f"{anew / self.source - 1:+.0%}"]
        return [*cells, *(f"{self.seconds[way] * 1000:.0f}" for way in (KEPT, ANEW)), f"{self.distance:.2f}"]


@click.command("jpeg-luma")
@click.option("--megapixels", default=6.0, show_default=True, help="Size of the picture, at 3:2.")
@rounds_option
@json_option
def jpeg_luma(megapixels: float, rounds: int, json_file: Path | None) -> None:
    """Grey JPEGs with their luma kept, against encoding anew: size and time."""
    grey = np.asarray(cv2.cvtColor(contact_sheet(megapixels), cv2.COLOR_RGB2GRAY), np.uint8)
    colorizer = Colorizer(Settings(model="lite"))
    predicted = colorizer.predict(grey)
    colorizer.predict = lambda pixels: predicted  # type: ignore[method-assign]  # noqa: ARG005
    results = []
    for progressive in (False, True):
        for quality in QUALITIES:
            file = io.BytesIO()
            Image.fromarray(grey).save(file, "JPEG", quality=quality, progressive=progressive)
            for subsampling in SUBSAMPLINGS:
                ways: dict[str, Callable[[], bytes]] = {
                    way: partial(_colored, file.getvalue(), colorizer, subsampling, keep=way == KEPT)
                    for way in (KEPT, ANEW)
                }
                results.append(
                    Result(
                        f"{'progressive' if progressive else 'baseline'}, quality {quality}",
                        subsampling,
                        len(file.getvalue()),
                        {way: len(do()) for way, do in ways.items()},
                        take_turns({**ways}, rounds),
                        _distance(*(do() for do in ways.values())),
                    )
                )
    header = ["grey JPEG", "chroma", "its KB", f"{KEPT}, KB", f"{ANEW}, KB", f"{KEPT}, more", f"{ANEW}, more"]
    header += [f"{KEPT}, ms", f"{ANEW}, ms", "mean dE"]
    facts = {"picture": f"{grey.shape[1]} x {grey.shape[0]}", "rounds": str(rounds)}
    facts |= machine("numpy", "opencv-python-headless", "pillow")
    rows = [result.row() for result in results]
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def _colored(data: bytes, colorizer: Colorizer, subsampling: str, *, keep: bool) -> bytes:
    output = Output(subsampling=subsampling, keep_luma=keep)  # type: ignore[arg-type]
    return color_bytes(data, colorizer, OutputPolicy(output))[0]


def _distance(one: bytes, other: bytes) -> float:
    labs = []
    for data in (one, other):
        with Image.open(io.BytesIO(data)) as image:
            labs.append(rgb2lab(np.asarray(image.convert("RGB"))[::3, ::3]))
    return float(np.linalg.norm(labs[0] - labs[1], axis=-1).mean())
