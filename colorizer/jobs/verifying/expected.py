"""What a report or a journal says that there should be."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from colorizer.errors import InputError, UsageError, shown
from colorizer.io.address import Address, Remote, address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage
from colorizer.jobs.journal import JOURNAL_NAME, Journal
from colorizer.jobs.report import is_table
from colorizer.jobs.stream import readable

REPORT_SUFFIXES = frozenset({".jsonl", ".json", ".csv"})
"""What a report is called, where it is named among outputs."""

HELD = ("program", "model", "engine", "settings")
"""What is recorded of a making and held against marks."""

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
        How it was made, as far as it is held against marks (`HELD`); None where it is not known.
    passed
        Whether it is the input itself, being in colour already; its marks are then the input's own.
    error
        Why there is none.
    """

    output: Address | None
    source: Address | None
    root: Address | None = None
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


def of_report(path: Address, folder: Address | None = None, storage: Storage = ANYWHERE) -> Record:
    """What a report says, line by line; where it tells of an output twice, the later line counts.

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
    reader, damaged = _Reader(path, folder), 0
    last: dict[object, Expected] = {}
    with readable(path, storage) as file, io.TextIOWrapper(file, "utf-8", "replace", newline="") as text:
        for line in _table(text) if is_table(path) else _lines(text):
            one = None if line is None else reader.expected(line)
            if one is None:
                damaged += 1
            else:
                # what failed and then came out well is no failure any more, nor the other way round
                last[one.source] = one
    if damaged and not last:
        raise InputError(f"{shown(path)}: is no report; name one that colorize wrote")
    return Record(tuple(last.values()), damaged)


def has_journal(folder: Address, storage: Storage = ANYWHERE) -> bool:
    """Whether an output folder has a journal: a file, or in a store, a folder of them."""
    path = folder / JOURNAL_NAME
    return storage.stamp(path) is not None or (isinstance(path, Remote) and storage.is_folder(path))


def of_journal(folder: Address, storage: Storage = ANYWHERE) -> Record | None:
    """What the journal of an output folder says; None where it has none."""
    if not has_journal(folder, storage):
        return None
    journal = Journal(folder, storage)
    expected = []
    shared = _Shared()
    for entry in journal.entries.values():
        making = shared.held(journal.making("", entry)[0])
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


class _Shared:
    """What makings have in common: there are a million of them, and mostly one."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, Any]] = {}

    def held(self, making: object) -> Mapping[str, Any] | None:
        """What is held against marks; None where nothing is known."""
        if not isinstance(making, Mapping):
            return None
        found = {name: making[name] for name in HELD if name in making}
        return self._known.setdefault(json.dumps(found, sort_keys=True), found)


class _Reader:
    """Makes of a report's lines what there should be.

    Parameters
    ----------
    report
        Where the lines are from.
    folder
        Where its output folder is now; None: where it was.
    """

    def __init__(self, report: Address, folder: Address | None) -> None:
        self._report, self._folder = report, folder
        self._shared = _Shared()

    def expected(self, line: Mapping[str, Any]) -> Expected | None:
        """What a line tells of; None where it names what can be no file."""
        try:
            source = self._found(str(line["input"]))
            if line["status"] == "failed" or not line.get("output"):
                return Expected(None, source, error=str(line.get("error") or "it failed"))
            place = PurePosixPath(str(line.get("place") or ""))
            output, root = self._output(str(line["output"]), place)
        except UsageError:
            return None
        hashes = str(line.get("input_sha256") or ""), str(line.get("output_sha256") or "")
        return Expected(
            output,
            source,
            root,
            *hashes,
            line.get("output_bytes"),
            self._shared.held(line.get("making")),
            line["status"] == "passed" or (hashes[0] == hashes[1] != ""),
        )

    def _output(self, name: str, place: PurePosixPath) -> tuple[Address, Address | None]:
        """Where an output and its folder are."""
        if place.name and self._folder is not None:
            return self._folder / place, self._folder
        output, depth = self._found(name), len(place.parts)
        return output, output.parents[depth - 1] if 0 < depth <= len(output.parents) else None

    def _found(self, name: str) -> Address:
        """A name as the report has it: as seen from here, or where there is nothing, from the report's folder."""
        path, report = address(name), self._report
        if isinstance(path, Remote) or isinstance(report, Remote):
            return path
        if path.is_absolute() or path.exists() or not (report.parent / path).exists():
            return path
        return report.parent / path


def _lines(text: Iterable[str]) -> Iterator[dict[str, Any] | None]:
    for line in text:
        if line.strip():
            try:
                found = json.loads(line)
                yield found if isinstance(found, dict) and "input" in found and "status" in found else None
            except ValueError:
                yield None


def _table(text: Iterable[str]) -> Iterator[dict[str, Any] | None]:
    rows = csv.DictReader(text)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:  # such as a NUL in it
            yield None
            continue
        if row is None:
            return
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
