"""The report's plots, by matplotlib, as SVG: each for a light page and for a dark one.

Text is drawn as outlines, so that a plot looks the same wherever the report is opened; what it shows is said in words
beside it (`Plot.caption`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from colorizer.evaluate.measure import LAST_CHROMA
from colorizer.evaluate.totals import Column, Evaluation
from colorizer.metrics import Weighting, area_under

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = {"light": "#1c1c1c", "dark": "#e6e6e6"}
"""Colour of text and axes on each page; the plots themselves are transparent."""

JUDGED_COLORS = ("#0080c8", "#d95f02", "#2a9d4f", "#b452b4", "#c9a000", "#e0455e", "#009e9e", "#8c6d31")
"""Seen on white and on near black, and told apart by most who see colours differently; they repeat after eight."""

BASELINE_COLOR = "#8a8a8a"
BASELINE_DASHES = ("--", ":", "-.")

LAST_SHOWN_ERROR = 80
"""Beyond it every curve lies near 1."""

LAST_SHOWN_CHROMA = 90

_INCHES = (9.0, 3.8)


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes
    ----------
    title
        Heads it.
    caption
        What it shows, in words.
    light, dark
        SVG files.
    """

    title: str
    caption: str
    light: bytes
    dark: bytes


def plots(evaluation: Evaluation) -> tuple[Plot, ...]:
    """All plots of an evaluation."""
    return (_curves(evaluation), _chroma(evaluation), _scatter(evaluation))


def _drawn(title: str, caption: str, draw: Callable[[Sequence[Axes]], None]) -> Plot:
    return Plot(title, caption, light=_svg(draw, INK["light"]), dark=_svg(draw, INK["dark"]))


def _svg(draw: Callable[[Sequence[Axes]], None], ink: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style: Any = {  # matplotlib types its keys one by one, in some versions
        "svg.fonttype": "path",
        "svg.hashsalt": "colorize",
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "axes.titlesize": "medium",
        "axes.grid": True,
        "grid.color": BASELINE_COLOR,
        "grid.alpha": 0.3,
        "legend.frameon": False,
        "legend.fontsize": "small",
    }
    with rc_context(style):
        figure = Figure(figsize=_INCHES, layout="constrained")
        panels = figure.subplots(1, 2)
        draw(panels)
        for panel in panels:
            panel.spines[["top", "right"]].set_visible(False)
            panel.set_facecolor("none")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _styles(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Line styles: baselines grey and broken, networks in colours."""
    styles: list[dict[str, Any]] = []
    baselines = judged = 0
    for column in columns:
        if column.baseline:
            styles.append({"color": BASELINE_COLOR, "linestyle": BASELINE_DASHES[baselines % len(BASELINE_DASHES)]})
            baselines += 1
        else:
            styles.append({"color": JUDGED_COLORS[judged % len(JUDGED_COLORS)], "linewidth": 2})
            judged += 1
    return styles


def _curves(evaluation: Evaluation) -> Plot:
    weightings: tuple[tuple[Weighting, str], ...] = (
        ("raw", "every pixel weighs the same"),
        ("equal_bins", "every class of colour weighs the same"),
    )

    def draw(panels: Sequence[Axes]) -> None:
        for panel, (weighting, title) in zip(panels, weightings, strict=True):
            for column, style in zip(evaluation.columns, _styles(evaluation.columns), strict=True):
                curve = column.errors.curve(weighting)[: LAST_SHOWN_ERROR + 1]
                panel.plot(np.arange(curve.size), curve, label=column.name, **style)
            panel.set(title=title, xlabel="ab error, CIE Lab units", xlim=(0, LAST_SHOWN_ERROR), ylim=(0, 1))
        panels[0].set_ylabel("share of pixels within it")
        panels[0].legend(loc="lower right")

    areas = "; ".join(
        f"{column.name}: {area_under(column.errors.curve('raw')):.1%} and "
        f"{area_under(column.errors.curve('equal_bins')):.1%}"
        for column in evaluation.columns
    )
    caption = (
        "Share of pixels whose ab error is at most the value on the axis, two panels: raw, and with all classes of "
        f"true colour weighing the same. Area under the curves up to 150, raw and equal: {areas}."
    )
    return _drawn("Cumulative ab error", caption, draw)


def _chroma(evaluation: Evaluation) -> Plot:
    judged = [(c, s) for c, s in zip(evaluation.columns, _styles(evaluation.columns), strict=True) if not c.baseline]

    def draw(panels: Sequence[Axes]) -> None:
        edges = np.arange(LAST_CHROMA + 1) + 0.5
        for panel, scale in zip(panels, ("linear", "log"), strict=True):
            for label, counts, style in [
                ("original", evaluation.true_chroma, {"color": BASELINE_COLOR, "linestyle": "--"}),
                *((column.name, column.chroma, style) for column, style in judged),
            ]:
                share = counts / counts.sum()
                shown = np.where(share > 0, share, np.nan) if scale == "log" else share
                panel.plot(edges, shown, label=label, **style)
            panel.set(xlabel="chroma, CIE Lab units", xlim=(0, LAST_SHOWN_CHROMA), yscale=scale, title=f"{scale} scale")
        panels[0].set_ylabel("share of pixels")
        panels[0].legend()

    steps = np.arange(LAST_CHROMA + 1) + 0.5
    means = "; ".join(
        f"{name}: {float((counts * steps).sum() / counts.sum()):.1f}"
        for name, counts in [("original", evaluation.true_chroma), *((c.name, c.chroma) for c, _ in judged)]
    )
    caption = (
        "How many pixels have how much chroma, in steps of 1, linear and logarithmic. A curve that ends early is of "
        f"faded results. Mean chroma over all pixels: {means}."
    )
    return _drawn("Chroma", caption, draw)


def _scatter(evaluation: Evaluation) -> Plot:
    points = evaluation.points
    judged = [
        (place, column, style["color"])
        for place, (column, style) in enumerate(zip(evaluation.columns, _styles(evaluation.columns), strict=True))
        if not column.baseline
    ]
    grey = points.distance[:, 0]

    def draw(panels: Sequence[Axes]) -> None:
        for panel, x, y, labels in (
            (panels[0], points.true_chroma, points.chroma, ("mean chroma of the original", "of the result")),
            (panels[1], grey, points.distance, ("mean ab error of grey", "of the result")),
        ):
            for place, column, color in judged:
                panel.scatter(x, y[:, place], s=12, alpha=0.75, linewidths=0, color=color, label=column.name)
            end = float(max([x.max(), *(y[:, place].max() for place, _, _ in judged)])) * 1.05
            panel.plot([0, end], [0, end], color=BASELINE_COLOR, linewidth=1)
            panel.set(xlabel=labels[0], ylabel=labels[1], xlim=(0, end), ylim=(0, end))
        panels[0].set_title("as vivid as the original on the line")
        panels[1].set_title("better than grey below the line")
        panels[0].legend()

    better = "; ".join(
        f"{column.name}: nearer to the truth than grey on {float((points.distance[:, place] < grey).mean()):.0%}"
        for place, column, _ in judged
    )
    caption = (
        f"{len(grey)} pictures of the set, one point each: chroma of the result against that of the original, and "
        f"error against that of the grey picture. {better}."
    )
    return _drawn("Picture by picture", caption, draw)
