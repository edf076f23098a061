"""The report: one HTML file with everything in it, to be opened anywhere, online or not.

No script, nothing fetched: plots and pictures are data URIs. It follows the reader's choice of a light or a dark page.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from colorizer.color.pixels import lightness, recombine
from colorizer.errors import OutputError, shown
from colorizer.evaluate.document import document
from colorizer.evaluate.figures import Figure, Value
from colorizer.evaluate.plots import Plot, plots
from colorizer.evaluate.run import check_installed
from colorizer.evaluate.samples import Exhibit
from colorizer.evaluate.table import LEFT_ALIGNED, tally_line
from colorizer.evaluate.totals import Column, Evaluation
from colorizer.io.storage import LOCAL

FULL_ERROR = 60.0
"""Ab distance that the error maps draw in their brightest colour."""

ERROR_COLORS = "magma"

JPEG_QUALITY = 88

INTRODUCTION = (
    "Of these colour photographs nothing but the lightness was kept; they were coloured again, and compared with what "
    "they were."
)
BOLD = (
    "Bold: the best value of the row, baselines included. *: better than every baseline, the 95 % interval of the "
    "difference lying on that side."
)

STYLE = """
:root { color-scheme: light dark; --page: #fdfdfc; --ink: #1c1c1c; --faint: #5c5c5c; --line: #d8d8d4; --band: #f2f2ee; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181c; --ink: #e6e6e6; --faint: #a3a7ad; --line: #3a3e45; --band: #1f2228; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p, li { max-width: 48rem; } .faint { color: var(--faint); }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid #0080c8; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .word { text-align: left; } thead th { border-bottom-width: 2px; }
tbody tr:nth-child(even) { background: var(--band); } td small { display: block; color: var(--faint); }
.best { font-weight: 700; } dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0 0 0 1rem; max-width: 46rem; }
figure { margin: 1rem 0; } figcaption { color: var(--faint); font-size: .9rem; max-width: 48rem; }
.plot img { width: 100%; height: auto; }
.row { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .4rem; }
.row img { width: 100%; height: auto; display: block; border-radius: 2px; } .row span { font-size: .8rem; }
.scale { display: inline-block; width: 10rem; height: .7rem; vertical-align: middle; border-radius: 2px; }
@media print { .row, tr { break-inside: avoid; } }
"""


def prepare_report(path: Path) -> None:
    """Refuse what would fail only when all is measured.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    OutputError
        The report's folder does not exist, or the name is a folder's.
    """
    check_installed("matplotlib", "matplotlib", "the report")
    if path.is_dir():
        raise OutputError(f"{shown(path)}: is a folder; name a file for the report")
    if not path.parent.is_dir():
        raise OutputError(f"{shown(path)}: no such folder; create {shown(path.parent)} first")


def write_report(path: Path, evaluation: Evaluation) -> None:
    """Write the report.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with LOCAL.put_whole(path, remedy="name another file for the report") as file:
        file.write(html(evaluation).encode("utf-8"))


def html(evaluation: Evaluation) -> str:
    """The report as one document."""
    judged = [column for column in evaluation.columns if not column.baseline]
    names = ", ".join(column.name for column in judged)
    body = [
        f"<h1>Colours measured: {escape(names)}</h1>",
        f"<p>{escape(tally_line(evaluation))}. {INTRODUCTION}</p>",
        f"<p><strong>Protocol.</strong> {escape(evaluation.protocol.definition)}</p>",
        "<h2>Figures</h2>",
        _table(evaluation),
        f'<p class="faint">In brackets: 95 % bootstrap intervals, {evaluation.resamples} resamplings. {BOLD}</p>',
        "<ul>",
        *(f"<li><strong>{escape(column.name)}</strong>: {escape(column.note)}</li>" for column in evaluation.columns),
        "</ul>",
        "<details><summary>What the figures mean</summary><dl>",
        *(f"<dt>{escape(figure.title)}</dt><dd>{escape(figure.definition)}</dd>" for figure in evaluation.figures),
        "</dl></details>",
        "<h2>Plots</h2>",
        *map(_plot, plots(evaluation)),
        *(part for column in judged for part in _exhibits(column)),
    ]
    return document(f"Colours measured: {names}", STYLE, body)


def _table(evaluation: Evaluation) -> str:
    heads = ["measure", "better", "original", *(column.name for column in evaluation.columns)]
    rows = []
    for place, figure in enumerate(evaluation.figures):
        original = evaluation.originals[place]
        values = [column.values[place] for column in evaluation.columns]
        best = _best(figure, values, None if original is None else original.value)
        cells = "".join(_cell(figure, value, best=value.value == best) for value in values)
        own = "" if original is None else figure.shown(original.value)
        rows.append(
            f'<tr><th scope="row">{escape(figure.title)}</th><td class="word">{escape(figure.better)}</td>'
            f"<td>{own}</td>{cells}</tr>"
        )
    words = ' class="word"'
    head = "".join(
        f'<th scope="col"{words if place < LEFT_ALIGNED else ""}>{escape(name)}</th>'
        for place, name in enumerate(heads)
    )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Figures"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(figure: Figure, value: Value, *, best: bool) -> str:
    if math.isnan(value.value):
        return "<td></td>"
    shown_value = figure.shown(value.value)
    number = f'<span class="best">{shown_value}</span>' if best else shown_value
    if value.low is None or value.high is None:
        return f"<td>{number}</td>"
    star = "<sup>*</sup>" if value.ahead else ""
    return f"<td>{number}{star}<small>[{figure.shown(value.low)}, {figure.shown(value.high)}]</small></td>"


def _best(figure: Figure, values: Iterable[Value], original: float | None) -> float:
    numbers = [value.value for value in values if not math.isnan(value.value)]
    if not numbers:
        return math.nan
    if figure.better == "higher":
        return max(numbers)
    if figure.better == "lower":
        return min(numbers)
    goal = 1.0 if original is None else original
    return min(numbers, key=lambda number: abs(number - goal))


def _plot(plot: Plot) -> str:
    kind = "image/svg+xml"
    return (
        f'<figure class="plot"><h3>{escape(plot.title)}</h3><picture>'
        f'<source media="(prefers-color-scheme: dark)" srcset="{_uri(kind, plot.dark)}">'
        f'<img src="{_uri(kind, plot.light)}" alt="{escape(plot.caption)}"></picture>'
        f"<figcaption>{escape(plot.caption)}</figcaption></figure>"
    )


def _exhibits(column: Column) -> Iterable[str]:
    yield f"<h2>{escape(column.name)}: best and worst</h2>"
    yield (
        '<p class="faint">By how much nearer to the truth (or farther from it) the result is than the grey picture: '
        "mean ab distance, CIE Lab units. Original, grey, result, and the map of errors, from 0 "
        f'<span class="scale" style="background: linear-gradient(to right, {_gradient()})"></span> to '
        f"{FULL_ERROR:.0f} and more.</p>"
    )
    for title, exhibits in (("Helped most", column.best), ("Helped least, or harmed", column.worst)):
        if exhibits:
            yield f"<h3>{title}</h3>"
        for exhibit in exhibits:
            yield _exhibit(exhibit, column.name)


def _exhibit(exhibit: Exhibit, candidate: str) -> str:
    original = exhibit.original
    light = lightness(original)
    grey = recombine(light, np.zeros((*light.shape, 2), np.float32), np.uint8)
    pictures = (
        ("original", original, f"{exhibit.name}, original"),
        ("grey", grey, f"{exhibit.name}, grey"),
        ("result", exhibit.example.pixels, f"{exhibit.name}, coloured by {candidate}"),
        ("error", _error_map(exhibit.example.error), f"{exhibit.name}, ab error of {candidate}"),
    )
    cells = "".join(
        f'<div><img src="{_uri("image/jpeg", _jpeg(pixels))}" width="{pixels.shape[1]}" height="{pixels.shape[0]}" '
        f'alt="{escape(words)}"><span class="faint">{label}</span></div>'
        for label, pixels, words in pictures
    )
    word = "nearer" if exhibit.gain >= 0 else "farther"
    return (
        f'<figure><div class="row">{cells}</div><figcaption>{escape(exhibit.name)}: mean ab error '
        f"{exhibit.distance:.1f}, {abs(exhibit.gain):.1f} {word} than grey</figcaption></figure>"
    )


def _error_map(error: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    from matplotlib import colormaps

    colored: npt.NDArray[Any] = colormaps[ERROR_COLORS](np.clip(error / FULL_ERROR, 0, 1), bytes=True)
    return colored[..., :3]


def _gradient() -> str:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return ", ".join(to_hex(colormaps[ERROR_COLORS](share)) for share in np.linspace(0, 1, 9))


def _jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
