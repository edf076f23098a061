"""Everything but the network, against the recipe of OpenCV's sample.

Both shrink the picture's lightness to the network's size, enlarge a predicted ab, and put the two together at 8 bits.
The picture is a contact sheet of photographs, enlarged and grained; the ab is what `lite` predicts for it. The sample
gets a grey picture as three channels, as its reader gives it. Extra memory is the peak beyond the picture and the
result, each in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.measure import json_option, machine, markdown_table, peak_memory, report, rounds_option, take_turns
from colorizer import Colorizer, Settings, compat
from colorizer.color.gamut import linear_rgb, outside_gamut
from colorizer.color.lab import A_SCALE, B_SCALE, L_BLACK, L_SCALE
from colorizer.color.pixels import lightness
from colorizer.color.strips import shrunk_lightness, with_chroma
from colorizer.color.upsample import Upsampler
from colorizer.networks import Prediction
from colorizer.networks.zhang.contract import NETWORK_SIZE

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SCRIPTS = Path(__file__).parent.parent
PHOTOS = SCRIPTS.parent / "tests" / "photos"

OURS, SAMPLE = "colorize", "OpenCV sample"
VIVID = 2.0
"""Factor on the predicted chroma for the hard case: many colours out of gamut."""

GRAIN = 2.0
"""Standard deviation of the grain, in code values."""

MIB = 1 << 20


def ours(pixels: Pixels, ab: Floats) -> Pixels:
    """Both ways of a picture in this package."""
    shrunk_lightness(pixels, (NETWORK_SIZE, NETWORK_SIZE))
    return with_chroma(pixels, ab)


def sample(pixels: Pixels, ab: Floats) -> Pixels:
    """Both ways of a picture in OpenCV's sample."""
    said = Prediction(np.ascontiguousarray(ab.transpose(2, 0, 1)[None]))
    return compat.colorize(pixels, lambda _: said)  # without the network


RECIPES: dict[str, Callable[[Pixels, Floats], Pixels]] = {OURS: ours, SAMPLE: sample}


@dataclass(frozen=True)
class Result:
    """One row of the table; times in seconds, memory in bytes."""

    picture: str
    out_of_gamut: float
    seconds: dict[str, float]
    extra_memory: dict[str, int]

    def row(self) -> list[str]:
        """The row in words."""
        times, memory = self.seconds, self.extra_memory
        cells = [self.picture, f"{self.out_of_gamut:.0%}", f"{times[OURS]:.2f}", f"{times[SAMPLE]:.2f}"]
        cells.append(f"{times[SAMPLE] / times[OURS]:.1f}")
        if memory:
            cells += [f"{memory[OURS] / MIB:.0f}", f"{memory[SAMPLE] / MIB:.0f}"]
            cells.append(f"1/{memory[SAMPLE] / memory[OURS]:.0f}")
        return cells


@click.command()
@click.option("--megapixels", default=24.0, show_default=True, help="Size of the picture, at 3:2.")
@click.option("--memory/--no-memory", default=True, help="Measure memory as well (Linux and macOS).")
@rounds_option
@json_option
def recombine(megapixels: float, memory: bool, rounds: int, json_file: Path | None) -> None:
    """Everything but the network, against the OpenCV sample's recipe."""
    rgb = contact_sheet(megapixels)
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    predicted = Colorizer(Settings(model="lite")).predict(grey)
    results = []
    pictures: dict[str, Pixels] = {"grey": grey, "RGB": rgb}
    for name, pixels in pictures.items():
        for look, ab in (("predicted ab", predicted), (f"ab x {VIVID:g}", predicted * np.float32(VIVID))):
            as_read = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
            inputs: dict[str, Pixels] = {OURS: pixels, SAMPLE: as_read}
            seconds = take_turns({which: partial(RECIPES[which], inputs[which], ab) for which in RECIPES}, rounds)
            extra = {which: extra_memory(which, inputs[which], ab) for which in RECIPES} if memory else {}
            results.append(Result(f"{name}, {look}", share_out_of_gamut(pixels, ab), seconds, extra))
    header = ["8-bit picture", "out of gamut", f"{OURS}, s", f"{SAMPLE}, s", "times as fast"]
    if memory:
        header += [f"{OURS}, MiB extra", f"{SAMPLE}, MiB extra", "of its memory"]
    height, width = grey.shape
    facts = {"picture": f"{width} x {height}", "rounds": str(rounds)}
    facts |= machine("numpy", "opencv-python-headless")
    rows = [result.row() for result in results]
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def contact_sheet(megapixels: float) -> Pixels:
    """(H, W, 3) RGB at 3:2: photographs side by side, six to a row, enlarged and grained."""
    photographs = [np.asarray(cv2.imread(str(path)))[..., ::-1] for path in sorted(PHOTOS.glob("*.jpg"))]
    columns, rows = 6, 4
    side = round((megapixels * 1e6 / (columns * rows)) ** 0.5)
    sheet = np.empty((rows * side, columns * side, 3), np.uint8)
    generator = np.random.default_rng(0)
    for index in range(columns * rows):
        photograph = photographs[index % len(photographs)]
        top, left = (index // columns) * side, (index % columns) * side
        large = cv2.resize(np.ascontiguousarray(photograph), (side, side), interpolation=cv2.INTER_CUBIC)
        grain = generator.normal(0, GRAIN, (side, side, 1)).astype(np.float32)
        sheet[top : top + side, left : left + side] = np.clip(large + grain, 0, 255)
    return sheet


def share_out_of_gamut(pixels: Pixels, ab: Floats) -> float:
    """Share of pixels whose colour sRGB cannot hold at their lightness, from every 16th row."""
    height, width = pixels.shape[:2]
    upsampler = Upsampler(ab, height, width)
    shares = []
    for row in range(0, height, 16):
        fy = (lightness(pixels[row : row + 1]) + np.float32(L_BLACK)) / np.float32(L_SCALE)
        a, b = upsampler.rows(row, row + 1)[0].T
        chroma = np.stack([a / np.float32(A_SCALE), b / np.float32(-B_SCALE)])
        shares.append(outside_gamut(linear_rgb(fy, chroma)).mean())
    return float(np.mean(shares))


def extra_memory(recipe: str, pixels: Pixels, ab: Floats) -> int:
    """Bytes at the peak beyond the picture and the result, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        places = [str(Path(folder, name)) for name in ("pixels.npy", "ab.npy")]
        np.save(places[0], pixels)
        np.save(places[1], ab)
        command = [sys.executable, "-m", "benchmarks.recombine", recipe, *places]
        child = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    return int(child.stdout)


def _extra_memory_here(recipe: str, pixels_file: str, ab_file: str) -> int:
    pixels, ab = np.load(pixels_file), np.load(ab_file)
    compute: Callable[[Any, Any], Any] = RECIPES[recipe]
    # libraries and tables, that are there once and for all
    compute(pixels[:64, :64].copy(), ab)
    before = peak_memory()
    result = compute(pixels, ab)
    return peak_memory() - before - int(result.nbytes)


if __name__ == "__main__":
    click.echo(_extra_memory_here(*sys.argv[1:]))
