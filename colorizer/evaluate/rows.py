"""A line for each picture and candidate, as CSV or JSON Lines, written while the set is measured.

The file gets its name when it is complete; until then it has a temporary name in the same folder.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TextIO

from colorizer.errors import UsageError, shown
from colorizer.evaluate.figures import SCORE_NAMES
from colorizer.evaluate.measure import Measured, Scores
from colorizer.evaluate.table import finite
from colorizer.io.atomic import remove_leftovers
from colorizer.io.storage import LOCAL

Line = Callable[[str, str, Scores], None]

HEADER = ("picture", "candidate", *SCORE_NAMES)


class Rows:
    """Writes down each picture.

    Parameters
    ----------
    line
        Writes one line: picture, candidate, scores.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def record(self, measured: Measured, names: Sequence[str]) -> None:
        """A line for each candidate; what the disk refuses is explained by `open_rows`."""
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
    with LOCAL.put_whole(path, remedy="check that the folder exists, is writable and has space") as binary:
        file = io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace", newline="")
        yield Rows(writer(file))
        file.detach()  # writes what it still holds, and leaves the file open for the storage to complete


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
