"""A page to look at: curves of a run's figures, and validation pictures beside what the network makes of them.

One HTML file that needs no other: curves are SVG, pictures are in it.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from colorizer.evaluate.document import document
from colorizer.io.atomic import write_atomically
from colorizer.training.catalog import Trainable
from colorizer.training.record import Row
from colorizer.training.validation import Shown

PAGE_NAME = "report.html"

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 460, 240, 58, 26, 10, 10
_TICKS = 4
_QUALITY = 90

STYLE = """
:root { color-scheme: light dark; --page: #fdfdfc; --ink: #1c1c1c; --faint: #5c5c5c; --line: #d8d8d4;
  --first: #0072b2; --second: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --ink: #e6e6e6; --faint: #a3a7ad; --line: #3a3e45;
  --first: #56b4e9; --second: #e69f00; } }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } p { max-width: 48rem; }
.faint, figcaption { color: var(--faint); font-size: .9rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem; }
figure { margin: 0; } svg { width: 100%; height: auto; } svg text { fill: var(--faint); font-size: 12px; }
.axis { stroke: var(--line); } .first { stroke: var(--first); } .second { stroke: var(--second); }
polyline { fill: none; stroke-width: 2; } circle.first { fill: var(--first); } circle.second { fill: var(--second); }
.row { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .4rem; margin: .4rem 0; max-width: 50rem; }
.row img { width: 100%; height: auto; display: block; } .swatch { font-weight: 700; }
.swatch.first { color: var(--first); } .swatch.second { color: var(--second); }
"""

ACCURACY = (
    "The share of pixels whose largest channel is the right one, which is what Keras prints as accuracy. {chance} of "
    "them are right by chance, a constant answer may have more, and how far off a colour is does not count: it is here "
    "because papers print it, and is worth little."
)


@dataclass(frozen=True)
class Curve:
    """A figure over the steps of a run."""

    title: str
    words: str
    second: str  # a field of `Row`: of validation
    first: str = ""  # of training, or of the originals, where there is one
    first_name: str = "training"
    second_name: str = "validation"


def curves(which: Trainable) -> tuple[Curve, ...]:
    """The curves of a network's page."""
    gives = which.contract.gives
    low, high = (value * which.contract.give_scale + which.contract.give_offset for value in (0, 1))
    own = f"CIE Lab units / {1 / which.contract.give_scale:.0f}" if gives == "ab" else f"{low:g}..{high:g}"
    scale = f"Of {gives} in the network's own scale ({own})."
    return (
        Curve("Loss", "What is made small.", "loss", "training_loss"),
        Curve("MSE", f"Mean squared error. {scale}", "mse"),
        Curve("MAE", f"Mean absolute error. {scale}", "mae"),
        Curve("RMSE", f"Root of the mean squared error. {scale}", "rmse"),
        Curve("PSNR, dB", "Of the coloured pictures: RGB, range 1, the mean of each picture's.", "psnr"),
        Curve(
            "Accuracy, as Keras computes it", ACCURACY.format(chance="Half" if gives == "ab" else "A third"), "accuracy"
        ),
        Curve("AuC", "Area under the curve of ab errors, thresholds 0..150 (Zhang et al. 2016).", "auc"),
        Curve(
            "Colourfulness",
            "Hasler and Suesstrunk 2003.",
            "colorfulness",
            "true_colorfulness",
            "originals",
            "results",
        ),
    )


def write_page(folder: Path, which: Trainable, facts: str, rows: Sequence[Row], pictures: Sequence[Shown]) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    folder
        The run's.
    which
        The network.
    facts
        How it was trained, in words.
    rows
        Its figures.
    pictures
        To look at.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    path = folder / PAGE_NAME
    write_atomically(path, html(which, facts, rows, pictures).encode("utf-8"))
    return path


def html(which: Trainable, facts: str, rows: Sequence[Row], pictures: Sequence[Shown]) -> str:
    """The page as one document."""
    body = [
        f"<h1>Trained: {escape(which.name)}</h1>",
        f"<p>{escape(which.title[:1].upper() + which.title[1:])}. {escape(facts)}</p>",
        f'<p class="faint">Source: {escape(which.source)}.</p>',
        "<h2>Curves</h2>",
        '<div class="plots">',
        *(_figure(curve, rows) for curve in curves(which)),
        "</div>",
        "<h2>Pictures that it does not learn from</h2>",
        '<p class="faint">Original, grey, coloured by the weights that are kept.</p>',
        *(_row(place, shown) for place, shown in enumerate(pictures, 1)),
    ]
    return document(f"Trained: {which.name}", STYLE, body)


def _figure(curve: Curve, rows: Sequence[Row]) -> str:
    names = [(curve.first, curve.first_name, "first"), (curve.second, curve.second_name, "second")]
    lines = [(name, words, kind) for name, words, kind in names if name]
    legend = ", ".join(f'<span class="swatch {kind}">{escape(words)}</span>' for _, words, kind in lines)
    return (
        f"<figure><h3>{escape(curve.title)}</h3>{_svg(curve.title, lines, rows)}"
        f"<figcaption>{legend}. {escape(curve.words)}</figcaption></figure>"
    )


def _svg(title: str, lines: Sequence[tuple[str, str, str]], rows: Sequence[Row]) -> str:
    values = {name: [float(getattr(row, name)) for row in rows] for name, _, _ in lines}
    every = [value for line in values.values() for value in line if math.isfinite(value)]
    low, high = (min(every), max(every)) if every else (0.0, 1.0)
    if high <= low:
        low, high = low - abs(low) / 10 - 1e-9, high + abs(high) / 10 + 1e-9
    last = max([row.step for row in rows], default=1) or 1

    def place(step: float, value: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / last
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * (value - low) / (high - low)
        return x, y

    parts = []
    for tick in range(_TICKS + 1):
        value = low + (high - low) * tick / _TICKS
        _, y = place(0, value)
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x, _ = place(last * share, low)
        words = f"step {round(last * share)}" if share == 1 else str(round(last * share))
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{words}</text>')
    for name, _, kind in lines:
        points = [place(row.step, value) for row, value in zip(rows, values[name], strict=True) if math.isfinite(value)]
        if len(points) == 1:
            parts.append(f'<circle class="{kind}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3"/>')
        elif points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="{kind}" points="{path}"/>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _row(place: int, shown: Shown) -> str:
    cells = (("original", shown.original), ("grey", shown.grey), ("coloured", shown.colored))
    images = "".join(
        f'<img src="{_jpeg(pixels)}" width="{pixels.shape[1]}" height="{pixels.shape[0]}" '
        f'alt="picture {place}, {words}">'
        for words, pixels in cells
    )
    return f'<div class="row">{images}</div>'


def _jpeg(pixels: object) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=_QUALITY, subsampling=0)  # type: ignore[arg-type]
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
