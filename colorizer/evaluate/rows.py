"""A line for each picture and candidate, as CSV or JSON Lines, written while the set is measured.

The file gets its name when it is complete; until then it has a temporary one beside its place.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TextIO

from colorizer.errors import OutputError, UsageError, shown
from colorizer.evaluate.figures import SCORE_NAMES
from colorizer.evaluate.measure import Measured, Scores
from colorizer.evaluate.table import finite
from colorizer.io.atomic import remove_leftovers, temporary_beside

Line = Callable[[str, str, Scores], None]

HEADER = ("picture", "candidate", *SCORE_NAMES)


class Rows:
    """Writes down each picture.

    Parameters
    ----------
    line
        Writes one line: picture, candidate, scores.
    path
        The file's final name, for messages.
    """

    def __init__(self, line: Line, path: Path) -> None:
        self._line = line
        self._path = path

    def record(self, measured: Measured, names: Sequence[str]) -> None:
        """A line for each candidate; OutputError where the disk refuses."""
        with _explained(self._path):
            for name, measurement in zip(names, measured.measurements, strict=True):
                self._line(measured.name, name, measurement.scores)


@contextmanager
def open_rows(path: Path) -> Iterator[Rows]:
    """Write a file of lines; its suffix says which kind.

    Raises
    ------
    UsageError
        Neither .csv nor .jsonl.
    OutputError
        The file cannot be written.
    """
    writers = {".csv": _csv, ".jsonl": _json_lines}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"{shown(path)}: unknown suffix; name a file in .csv or .jsonl")
    remove_leftovers(path.parent, below=False)
    with ExitStack() as stack:
        with _explained(path):
            temporary = stack.enter_context(temporary_beside(path))
            file = temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        with file:
            yield Rows(writer(file), path)
            with _explained(path):
                file.flush()
                os.fsync(file.fileno())
        with _explained(path):
            temporary.replace(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{shown(path)}: cannot be written ({error.strerror}); check that the folder exists, is writable and has "
            "space"
        ) from error


def _csv(file: TextIO) -> Line:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)

    def line(picture: str, candidate: str, scores: Scores) -> None:
        writer.writerow([picture, candidate, *(_cell(value) for value in astuple(scores))])

    return line


def _json_lines(file: TextIO) -> Line:
    def line(picture: str, candidate: str, scores: Scores) -> None:
        record = {"picture": picture, "candidate": candidate}
        numbers = {name: finite(value) for name, value in asdict(scores).items()}
        file.write(json.dumps(record | numbers, ensure_ascii=False, allow_nan=False) + "\n")

    return line


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.7g}"
