"""What a report or a journal says that there should be."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from colorizer.errors import InputError, shown
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage
from colorizer.jobs.journal import JOURNAL_NAME, Journal
from colorizer.jobs.report import is_table
from colorizer.jobs.stream import read_file

REPORT_SUFFIXES = frozenset({".jsonl", ".json", ".csv"})
"""What a report is called, where it is named among outputs."""

_ODD_BYTES = re.compile(r"\\udc([89a-f][0-9a-f])")
"""Bytes of a name that are not UTF-8, as a table has them."""


@dataclass(frozen=True)
class Expected:
    """A result, as it was recorded.

    Attributes
    ----------
    output
        Where it should be; None where there is none, since the picture failed.
    source
        What it was made from.
    root
        The output folder; None where it has none.
    input_sha256, output_sha256
        Of both files; "" where they are not known.
    size
        Of the output, in bytes; None where it is not known.
    making
        How it was made; None where it is not known.
    passed
        Whether it is the input itself, being in colour already; its marks are then the input's own.
    error
        Why there is none.
    """

    output: Path | None
    source: Path | None
    root: Path | None = None
    input_sha256: str = ""
    output_sha256: str = ""
    size: int | None = None
    making: Mapping[str, Any] | None = None
    passed: bool = False
    error: str = ""


@dataclass(frozen=True)
class Record:
    """All that a report or a journal says, and how many of its lines cannot be read."""

    expected: tuple[Expected, ...]
    damaged: int = 0


def of_report(path: Path, folder: Path | None = None, storage: Storage = ANYWHERE) -> Record:
    """What a report says; where it tells of an output twice, the later line counts.

    Parameters
    ----------
    path
        The report.
    folder
        Where its output folder is now; None: where it was.
    storage
        Where the report lies.

    Raises
    ------
    InputError
        It cannot be read, or is none.
    """
    text = read_file(path, storage).decode("utf-8", "replace")
    lines = list(_table(text) if is_table(path) else _lines(text))
    found = [_expected(line, path, folder) for line in lines if line is not None]
    damaged = len(lines) - len(found)
    if not found and lines:
        raise InputError(f"{shown(path)}: is no report; name one that colorize wrote")
    last: dict[object, Expected] = {}
    for one in found:
        # what failed and then came out well is no failure any more, nor the other way round
        last[one.source] = one
    return Record(tuple(last.values()), damaged)


def of_journal(folder: Path, storage: Storage = ANYWHERE) -> Record | None:
    """What the journal of an output folder says; None where it has none."""
    if storage.stamp(folder / JOURNAL_NAME) is None:
        return None
    journal = Journal(folder, storage)
    expected = []
    for entry in journal.entries.values():
        making, _ = journal.making("", entry)
        if making is not None:
            making = {name: value for name, value in making.items() if name != "source"}
        passed = entry.facts.input_sha256 == entry.facts.output_sha256
        expected.append(
            Expected(
                folder / entry.output,
                None,
                folder,
                entry.facts.input_sha256,
                entry.facts.output_sha256,
                entry.made.size,
                making,
                passed or entry.status == "passed",
            )
        )
    return Record(tuple(expected))


def _lines(text: str) -> Iterator[dict[str, Any] | None]:
    for line in text.splitlines():
        if line.strip():
            try:
                found = json.loads(line)
                yield found if isinstance(found, dict) and "input" in found and "status" in found else None
            except ValueError:
                yield None


def _table(text: str) -> Iterator[dict[str, Any] | None]:
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if row.get("input") is None or row.get("status") is None or None in row.values():
            yield None
            continue
        line: dict[str, Any] = {name: value or None for name, value in row.items()}
        for name in ("input", "output", "place"):
            if line.get(name):
                line[name] = _ODD_BYTES.sub(lambda found: chr(0xDC00 + int(found[1], 16)), line[name])
        try:
            if line.get("making"):
                line["making"] = json.loads(line["making"])
            if line.get("output_bytes"):
                line["output_bytes"] = int(line["output_bytes"])
        except ValueError:
            yield None
            continue
        yield line


def _expected(line: Mapping[str, Any], report: Path, folder: Path | None) -> Expected:
    source = _found(Path(str(line["input"])), report)
    if line["status"] == "failed" or not line.get("output"):
        return Expected(None, source, error=str(line.get("error") or "it failed"))
    output, place, root = Path(str(line["output"])), line.get("place"), None
    if place and folder is not None:
        root = folder
        output = folder.joinpath(*PurePosixPath(str(place)).parts)
    else:
        output = _found(output, report)
        if place:
            depth = len(PurePosixPath(str(place)).parts)
            root = output.parents[depth - 1] if depth <= len(output.parents) else None
    hashes = str(line.get("input_sha256") or ""), str(line.get("output_sha256") or "")
    making = line.get("making")
    return Expected(
        output,
        source,
        root,
        *hashes,
        line.get("output_bytes"),
        making if isinstance(making, dict) else None,
        line["status"] == "passed" or (hashes[0] == hashes[1] != ""),
    )


def _found(path: Path, report: Path) -> Path:
    """A path as the report has it: as seen from here, or where there is nothing, from the report's folder."""
    if path.is_absolute() or path.exists() or not (report.parent / path).exists():
        return path
    return report.parent / path
