"""Networks that students build, trained here on the same photographs for the same time, beside `lite` and grey.

    python scripts/benchmark.py students PHOTOGRAPHS... --measure MORE... --work DIR --minutes 20

Each network is trained by `colorize train`'s own code in a folder of its own, then colours the middle squares of the
photographs to measure on at 256 x 256 pixels, at its own size, from the lightness alone. Broken off, the same command
goes on where it was. `--show` draws a sheet of other pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.measure import json_option, machine, markdown_table, report
from colorizer import Colorizer, Settings
from colorizer.color.pixels import chroma_plane, lightness, recombine
from colorizer.errors import ColorizerError, Message
from colorizer.evaluate.measure import Truth, read_truth
from colorizer.evaluate.protocol import DDCOLOR
from colorizer.evaluate.sources import PictureSet
from colorizer.media.contact_sheet import contact_sheet
from colorizer.metrics import CumulativeAbError, area_under, colorfulness, psnr, rgb_error
from colorizer.training.catalog import LITE, TRAINABLE
from colorizer.training.record import Row
from colorizer.training.request import Request
from colorizer.training.run import train

Pixels = npt.NDArray[np.uint8]
Painter = Callable[[Pixels], Pixels]

GREY, SHIPPED = "grey", "lite, as it ships"
STUDENTS = tuple(name for name in TRAINABLE if name != LITE)
TIMED = 5
"""Pictures whose time counts; the shortest, since whatever else the machine does only adds."""

BEGIN, END = "<!-- table: python scripts/benchmark.py students -->", "<!-- end of table -->"

MOST_PIXELS = 500_000_000
SHOWN_SIDE, GAP, PAPER, LABEL = 160, 6, 255, 22
QUALITY = 88


@dataclass(frozen=True)
class Result:
    """One row. Errors of RGB in 0..1, PSNR in dB, shares in 0..1, seconds for a picture."""

    network: str
    parameters: int
    steps: int
    minutes: float
    mse: float
    rmse: float
    mae: float
    psnr: float
    accuracy: float
    auc: float
    colorfulness: float
    seconds: float


@click.command()
@click.argument("photographs", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--measure",
    multiple=True,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Photographs to measure on.",
)
@click.option(
    "--work", required=True, type=click.Path(path_type=Path), help="Folder for the networks; it can be used again."
)
@click.option(
    "--minutes", default=20.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Of training, each."
)
@click.option("--network", "chosen", multiple=True, type=click.Choice(STUDENTS), help="These alone.  [default: all]")
@click.option("--encoder-weights", multiple=True, metavar="NETWORK=FILE", help="For a network with a borrowed encoder.")
@click.option("--threads", type=click.IntRange(min=1), help="Of training.  [default: all cores]")
@click.option("--limit", type=click.IntRange(min=1), help="Measure on the first so many photographs alone.")
@click.option("--show", multiple=True, type=click.Path(exists=True, path_type=Path), help="Pictures for the sheet.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Where the sheet goes, as JPEG.")
@click.option("--page", type=click.Path(exists=True, path_type=Path), help="Also write the table into this page.")
@json_option
def students(
    photographs: tuple[Path, ...],
    measure: tuple[Path, ...],
    work: Path,
    minutes: float,
    chosen: tuple[str, ...],
    encoder_weights: tuple[str, ...],
    threads: int | None,
    limit: int | None,
    show: tuple[Path, ...],
    sheet: Path | None,
    page: Path | None,
    json_file: Path | None,
) -> None:
    """Train the networks of student papers and compare them."""
    weights = dict(each.split("=", 1) for each in encoder_weights)
    names = chosen or STUDENTS
    trained: dict[str, Row] = {}
    for name in names:
        request = Request(
            name,
            photographs,
            work / name,
            encoder_weights=weights.get(name),
            changes=_fitting(name),
            minutes=minutes,
            threads=threads,
        )
        try:
            outcome = train(request, _Listener(name))
        except ColorizerError as error:
            click.echo(f"{name}: left out: {error}", err=True)
            continue
        if not outcome.finished:
            raise click.Abort
        if outcome.best is not None:
            trained[name] = outcome.best
    painters = dict(_painters(work, tuple(trained)))
    pictures = [truth.pixels for truth in _truths(measure, limit)]
    results = [_result(name, paint, pictures, trained.get(name), work) for name, paint in painters.items()]
    if sheet is not None:
        _draw(sheet, painters, [truth.pixels for truth in _truths(show, None)])
    table = markdown_table(_HEADER, [_row(result) for result in results])
    if page is not None:
        _write_into(page, table)
    facts = machine("torch", "onnxruntime") | {"pictures": str(len(pictures)), "minutes each": f"{minutes:g}"}
    report(table, facts, [asdict(r) for r in results], json_file)


def _fitting(name: str) -> dict[str, int]:
    """A batch that two cores and their memory can take: papers had graphics cards."""
    most = {"koalarization": 10, "color-gan": 8, "unet-gan": 8, "ae-rgb-2": 8}
    return {"batch": most[name]} if name in most else {}


class _Listener:
    """Prints what it hears, behind a network's name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def begin(self, what: str, total: int | None, done: int = 0, seconds: float | None = None) -> None:
        """Say what begins."""
        length = f"{total}" if seconds is None else f"what {seconds / 60:.1f} minutes allow"
        click.echo(f"{self._name}: {what}, {done} of {length}", err=True)

    def advance(self) -> None:
        """Say nothing of each."""

    def end(self) -> None:
        """Nor of the end."""

    def remark(self, said: Message | str) -> None:
        """Print a remark."""
        click.echo(f"{self._name}: {said}", err=True)

    def row(self, row: Row) -> None:
        """Print figures."""
        self.remark(f"step {row.step}, {row.seconds / 60:.1f} min: loss {row.loss:.4g}, PSNR {row.psnr:.2f}")


def _truths(inputs: Sequence[Path], limit: int | None) -> Iterator[Truth]:
    for entry in PictureSet(tuple(inputs), limit):
        truth = read_truth(entry, DDCOLOR, MOST_PIXELS)
        if truth is not None:
            yield truth


def _painters(work: Path, names: Sequence[str]) -> Iterator[tuple[str, Painter]]:
    yield GREY, lambda pixels: recombine(lightness(pixels), np.zeros((*pixels.shape[:2], 2), np.float32), np.uint8)
    for name, model in ((SHIPPED, LITE), *((name, str(work / name)) for name in names)):
        colorizer = Colorizer(Settings(model=model))
        yield name, partial(colorizer.colorize, order="rgb")


def _result(name: str, paint: Painter, pictures: Sequence[Pixels], row: Row | None, work: Path) -> Result:
    errors = CumulativeAbError()
    moments, ratios, agreement, colors, seconds = [], [], [], [], []
    for pixels in pictures:
        begun = time.perf_counter()
        result = paint(pixels)
        seconds.append(time.perf_counter() - begun)
        true, made = chroma_plane(pixels), chroma_plane(result)
        errors.add(true, made)
        moment = rgb_error(pixels, result)
        moments.append((moment.mse, moment.mae))
        ratios.append(psnr(pixels, result))
        agreement.append(float((true.argmax(-1) == made.argmax(-1)).mean()))
        colors.append(colorfulness(result))
    mse, mae = np.mean(moments, 0)
    count = TRAINABLE[name].count if name in TRAINABLE else TRAINABLE[LITE].count if name == SHIPPED else 0
    return Result(
        name,
        count,
        row.step if row else 0,
        _minutes(work / name),
        float(mse),
        float(np.sqrt(mse)),
        float(mae),
        float(np.mean(ratios)),
        float(np.mean(agreement)),
        area_under(errors.curve()),
        float(np.mean(colors)),
        min(seconds[:TIMED]),
    )


def _minutes(folder: Path) -> float:
    with suppress(OSError):
        last = (folder / "log.csv").read_text(encoding="utf-8").splitlines()[-1]
        return float(last.split(",")[2]) / 60
    return 0.0


_HEADER = (
    *("network", "parameters", "steps", "minutes", "MSE", "RMSE", "MAE", "PSNR, dB", "accuracy, %", "AuC, %"),
    *("colourfulness", "a picture, ms"),
)


def _row(result: Result) -> list[str]:
    trained = [f"{result.steps:,}", f"{result.minutes:.0f}"] if result.steps else ["", ""]
    return [
        *(result.network, f"{result.parameters:,}" if result.parameters else "", *trained),
        *(f"{result.mse:.4f}", f"{result.rmse:.4f}", f"{result.mae:.4f}", f"{result.psnr:.2f}"),
        *(f"{100 * result.accuracy:.1f}", f"{100 * result.auc:.2f}", f"{result.colorfulness:.1f}"),
        "" if result.network == GREY else f"{1000 * result.seconds:.0f}",
    ]


def _write_into(page: Path, table: str) -> None:
    """Put the table between the marks that a page has for it."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise click.ClickException(f"{page} has no place for the table, between {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def _draw(path: Path, painters: dict[str, Painter], pictures: Sequence[Pixels]) -> None:
    """Pictures in rows: the original, and what each makes of it."""
    if not pictures:
        raise click.UsageError("a sheet needs pictures: --show PICTURE")
    names = ("original", *painters)
    cells = [_labelled(np.full((SHOWN_SIDE, SHOWN_SIDE, 3), PAPER, np.uint8), name)[SHOWN_SIDE:] for name in names]
    heads = contact_sheet(cells, gap=GAP, paper=PAPER, columns=len(names))
    shown = [each for pixels in pictures for each in (pixels, *(paint(pixels) for paint in painters.values()))]
    small = [cv2.resize(each, (SHOWN_SIDE, SHOWN_SIDE), interpolation=cv2.INTER_AREA) for each in shown]
    body = contact_sheet([np.asarray(each, np.uint8) for each in small], gap=GAP, paper=PAPER, columns=len(names))
    sheet = np.ascontiguousarray(np.vstack([heads, body])[..., ::-1])
    if not cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise click.ClickException(f"{path} cannot be written")


def _labelled(pixels: Pixels, name: str) -> Pixels:
    """A picture with a strip below that says what it is."""
    strip = np.full((LABEL, pixels.shape[1], 3), PAPER, np.uint8)
    cv2.putText(strip, name, (2, LABEL - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([pixels, strip])
