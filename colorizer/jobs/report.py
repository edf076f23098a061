r"""A line for each input: what became of it, for people's records and for programs; JSON, or CSV for tables.

Names that are not valid UTF-8 keep their odd bytes as `\udcXX` (Python's surrogate escapes, PEP 383), in JSON's own
notation, so that the line is plain ASCII and the name can be had back exactly; so too in CSV, which is UTF-8 otherwise.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from colorizer.errors import ColorizerError, OutputError, shown
from colorizer.io.address import Address, Remote
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage, stamp_if_any
from colorizer.jobs.run import Outcome, Status

CSV_SUFFIX = ".csv"
"""Of reports that are tables; any other one is lines of JSON."""

COLUMNS = (
    "input",
    "output",
    "place",
    "status",
    "address",
    "input_bytes",
    "input_sha256",
    "output_bytes",
    "output_sha256",
    "pages",
    "frames",
    "width",
    "height",
    "time",
    "seconds",
    "used",
    "making",
    "notes",
    "error",
)
"""What a line tells (docs/folders.md)."""

NOTES_SEPARATOR = "; "
"""Between the notes of a line of CSV."""

Words = Callable[[ColorizerError], str]
"""How an error is worded for whoever reads the report."""


class Report:
    """A report file, written line by line.

    Parameters
    ----------
    path
        The file; what was in it is replaced. Its name says whether it is CSV.
    file
        One that is open already, to write into instead; it stays open.
    words
        How an error is worded; the library's own way by default.
    root
        The output folder, from which outputs' places count; None where there is none.
    storage
        Where the file goes, and where inputs and outputs lie.

    Raises
    ------
    OutputError
        It cannot be written.
    """

    def __init__(
        self,
        path: Address,
        file: TextIO | None = None,
        *,
        words: Words = str,
        root: Address | None = None,
        storage: Storage = ANYWHERE,
    ) -> None:
        self._path, self._shared, self._words, self._storage = path, file is not None, words, storage
        self._root = root
        table = file is None and is_table(path)
        try:
            self._file = file or io.TextIOWrapper(
                storage.open_append(path, replace=True), encoding="utf-8", errors="backslashreplace", newline=""
            )
            self._table = csv.DictWriter(self._file, COLUMNS) if table else None
            if self._table:
                self._table.writeheader()
                self._file.flush()
        except OSError as error:
            raise self._cannot(error) from error

    def __enter__(self) -> Report:  # noqa: PYI034 - Self is newer than Python 3.10
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shared:
            return
        try:
            self._file.close()
        except OSError as trouble:
            raise self._cannot(trouble) from trouble

    def add(self, outcome: Outcome) -> None:
        """Write an outcome's line, at once.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        line = told(outcome, self._words, self._root, self._storage)
        try:
            if self._table:
                self._table.writerow(_flat(line))
            else:
                self._file.write(json.dumps(line, ensure_ascii=True) + "\n")
            self._file.flush()  # for those who read along, and for what a killed run leaves
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> OutputError:
        remedy = getattr(error, "remedy", "name another file")
        return OutputError(f"{shown(self._path)}: the report cannot be written ({error.strerror}); {remedy}")


def is_table(path: Address) -> bool:
    """Whether a report of this name is CSV."""
    return path.suffix.lower() == CSV_SUFFIX


def told(
    outcome: Outcome, words: Words = str, root: Address | None = None, storage: Storage = ANYWHERE
) -> dict[str, Any]:
    """What a report's line tells of an outcome, by `COLUMNS`; None for what is not known."""
    source, target, facts = outcome.task.source, outcome.task.target, outcome.facts
    done = outcome.status is not Status.FAILED
    read, written = stamp_if_any(storage, source), stamp_if_any(storage, target) if done else None
    height, width = outcome.pixels or (None, None)
    return {
        "input": str(source),
        "output": str(target) if done else None,
        "place": place_in(target, root) if root is not None and done else None,
        "status": outcome.status.name.lower(),
        "address": address_of(source),
        "input_bytes": read.size if read else None,
        "input_sha256": facts.input_sha256 or None,
        "output_bytes": written.size if written else None,
        "output_sha256": facts.output_sha256 or None,
        "pages": facts.pages or None,
        "frames": outcome.frames,
        "width": width,
        "height": height,
        "time": facts.time or None,
        "seconds": round(outcome.seconds, 4),
        "used": outcome.used or None,
        "making": None if outcome.making is None else dict(outcome.making),
        "notes": [*outcome.notes, *outcome.remarks],
        "error": words(outcome.error) if outcome.error else None,
    }


def address_of(source: Address) -> str:
    """Where a file lies, as a URL that means the same from everywhere on its machine; without keys."""
    return str(source) if isinstance(source, Remote) else source.absolute().as_uri()


def place_in(target: Address, root: Address) -> str:
    """The way from a folder to what lies in it, with slashes."""
    if isinstance(target, Remote) and isinstance(root, Remote):
        return target.relative_to(root).as_posix()
    return Path(os.path.relpath(str(target), str(root))).as_posix()


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """A line as a table has it: text and numbers alone."""
    making = line["making"]
    return {
        **line,
        "making": "" if making is None else json.dumps(making, ensure_ascii=True, separators=(",", ":")),
        "notes": NOTES_SEPARATOR.join(map(str, line["notes"])),
    }
