"""The figures as a Markdown table that also reads well unrendered, and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from colorizer.evaluate.faces import LARGE
from colorizer.evaluate.figures import FIGURES, Figure, Value
from colorizer.evaluate.totals import Evaluation

LEFT_ALIGNED = 2
"""Columns of words before those of numbers."""


def markdown(evaluation: Evaluation) -> str:
    """The table, and beneath it what the figures are of."""
    header = ["measure", "better", "original", *(column.name for column in evaluation.columns)]
    rows = [
        [
            figure.title,
            figure.better,
            "" if original is None else figure.shown(original.value),
            *(_cell(figure, column.values[place]) for column in evaluation.columns),
        ]
        for place, (figure, original) in enumerate(zip(evaluation.figures, evaluation.originals, strict=True))
    ]
    lines = [*_aligned(header, rows), "", *(f"- {note}" for note in notes(evaluation))]
    return "\n".join(lines)


def notes(evaluation: Evaluation) -> list[str]:
    """What the figures are of: which pictures, compared how, and what stands in each column."""
    return [
        tally_line(evaluation),
        f"protocol {evaluation.protocol.definition}",
        interval_line(evaluation),
        *(f"{column.name}: {column.note}" for column in evaluation.columns),
    ]


def tally_line(evaluation: Evaluation) -> str:
    """How many pictures were measured and left out."""
    tally = evaluation.tally
    line = f"{_count(tally.measured, 'picture')} measured; left out: {tally.grey} grey, {tally.unreadable} unreadable"
    line += f"; {tally.enlarged} smaller than the protocol's size, enlarged" if tally.enlarged else ""
    faces = tally.small_faces + tally.large_faces
    if not faces and evaluation.figures == FIGURES:
        return line
    small, large = _count(tally.small_faces, "small face"), _count(tally.large_faces, "large face")
    return f"{line}; {small} (below {LARGE:g} of the short side), {large}"


def interval_line(evaluation: Evaluation) -> str:
    """What stands behind the plus-minus sign and the asterisk."""
    return (
        f"\u00b1: half the width of the 95 % bootstrap interval, {evaluation.resamples} resamplings of the pictures"
        " (percentile method); *: better than every baseline, the 95 % interval of the difference lying on that side"
    )


def as_json(evaluation: Evaluation) -> str:
    """The same for programs: one object."""
    document = {
        "protocol": {"name": evaluation.protocol.name, "definition": evaluation.protocol.definition},
        "pictures": {
            "measured": evaluation.tally.measured,
            "grey": evaluation.tally.grey,
            "unreadable": evaluation.tally.unreadable,
            "enlarged": evaluation.tally.enlarged,
        },
        "resamples": evaluation.resamples,
        "original": {
            figure.key: _numbers(value)
            for figure, value in zip(evaluation.figures, evaluation.originals, strict=True)
            if value is not None
        },
        "candidates": [
            {
                "name": column.name,
                "note": column.note,
                "baseline": column.baseline,
                "figures": {
                    figure.key: _numbers(value) for figure, value in zip(evaluation.figures, column.values, strict=True)
                },
            }
            for column in evaluation.columns
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def _cell(figure: Figure, value: Value) -> str:
    if math.isnan(value.value):
        return ""
    shown = figure.shown(value.value)
    if value.low is None or value.high is None:
        return shown
    return f"{shown} \u00b1{figure.shown((value.high - value.low) / 2)}{'*' if value.ahead else ' '}"


def _numbers(value: Value) -> dict[str, Any]:
    return {
        "value": finite(value.value),
        "low": finite(value.low),
        "high": finite(value.high),
        "ahead": value.ahead,
    }


def finite(value: float | None) -> float | None:
    """A number as JSON knows it: infinity and NaN become null."""
    return value if value is not None and math.isfinite(value) else None


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = ["-" * width if place < LEFT_ALIGNED else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    return [
        "| " + " | ".join(_padded(cell, widths[place], place) for place, cell in enumerate(row)) + " |"
        for row in (cells[0], rule, *cells[1:])
    ]


def _padded(cell: str, width: int, place: int) -> str:
    return cell.ljust(width) if place < LEFT_ALIGNED else cell.rjust(width)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
