"""A tree of results held against its report, or its journal, and against what the files themselves say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from colorizer.errors import Message, UsageError, shown
from colorizer.film import has_video_name
from colorizer.io.address import Address, Remote
from colorizer.io.anywhere import of_job
from colorizer.io.machine import usable_cores
from colorizer.io.storage import Entry, Kind, Storage, StorageError
from colorizer.jobs.executors.base import Job, WorkerDied
from colorizer.jobs.executors.local import local_executor
from colorizer.jobs.plan import COMPARE_INFIX
from colorizer.jobs.verifying.expected import (
    HELD,
    REPORT_SUFFIXES,
    Expected,
    Record,
    has_journal,
    of_journal,
    of_report,
)
from colorizer.jobs.verifying.file import Looked, Wanted, load_look
from colorizer.media import DEFAULT_MAX_PIXELS, READABLE_SUFFIXES

FEW = 8
"""So many files are read sooner by one process than new ones take to start."""


class Kinds(Enum):
    """What can be found of a file, worst first."""

    MISSING = "missing"
    DAMAGED = "damaged"
    CHANGED = "changed"
    OTHER_SOURCE = "made from another source"
    OTHER_MAKING = "made otherwise"
    FAILED = "failed"
    EXTRA = "extra"
    UNMARKED = "unmarked"
    RECORD = "report"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be."""

    kind: Kinds
    path: Address
    why: str = ""

    def __str__(self) -> str:
        named = shown(self.path)
        why = self.why.removeprefix(f"{named}: ")
        return f"{self.kind.value}: {named}" + (f": {why}" if why else "")


class Verification:
    """What is to be checked, and what was found.

    Parameters
    ----------
    named
        Outputs: files, folders, and reports by their suffix.
    report
        A report to hold them against; None: reports among those named, else the journal of each folder.
    originals
        Whether originals are read too, and held against what results say of them.
    jobs
        Processes; None: one for each core.
    max_pixels
        Larger pictures are not decoded.
    storage
        Where results, reports and originals lie; None: one that lists what lies elsewhere once.

    Attributes
    ----------
    total
        Files to be looked at.
    counts
        Findings by kind.
    remarks
        What is to be said beside findings.

    Raises
    ------
    UsageError
        Something named does not exist.
    InputError
        A report cannot be read.
    """

    def __init__(
        self,
        named: Sequence[Address],
        report: Address | None = None,
        *,
        originals: bool = False,
        jobs: int | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        storage: Storage | None = None,
    ) -> None:
        self._originals, self._jobs, self._max_pixels = originals, jobs or usable_cores(), max_pixels
        self._storage = storage or of_job((), ahead=False)
        self.counts: Counter[Kinds] = Counter()
        self.remarks: list[Message | str] = []
        self._first: list[Finding] = []
        self._known: dict[Address, Expected | None] = {}
        self._gather(named, report)
        self.total = len(self._known)

    def stop(self) -> None:
        """Look at no more files."""
        self._executor.stop()

    def __iter__(self) -> Iterator[list[Finding]]:
        """Look at the files; for each, what is found of it, and first of all what is known without looking."""
        for finding in self._first:
            self.counts[finding.kind] += 1
        yield self._first
        load = partial(load_look, self._max_pixels, self._storage.for_workers())
        for wanted, result in self._executor.run(load, self._wanted()):
            died = Looked(trouble="the process that read it ended; check it alone")
            looked = died if isinstance(result, WorkerDied) else result
            findings = list(self._held(wanted, self._known[wanted.path], looked))
            for finding in findings:
                self.counts[finding.kind] += 1
            yield findings

    @property
    def is_fine(self) -> bool:
        """Whether nothing was found so far."""
        return not self.counts.total()

    def _wanted(self) -> Iterator[Job[Wanted]]:
        for path, expected in self._known.items():
            original = expected.source if expected is not None and self._originals else None
            yield Job(Wanted(path, expected is None or not expected.output_sha256, original), 0)

    def _gather(self, named: Sequence[Address], report: Address | None) -> None:
        """Find out what there should be, and what there is."""
        folders, others = self._told_apart(named)
        reports = [path for path in others if path.suffix.lower() in REPORT_SUFFIXES]
        files = [path for path in others if path not in reports]
        if report is not None:
            self._told_apart([report])
            reports.append(report)
        recorded = self._recorded(folders, files, reports)
        if self._originals and not any(one.source for one in recorded):
            raise UsageError("where originals are is told by a report; name one", option="originals")
        roots = folders or ([] if files else self._roots_of(recorded))
        present = {
            _key(path): path
            for path in (*files, *(path for root in roots for path in _results_below(root, self._storage)))
        }
        expected: dict[str, Expected] = {}
        for one in recorded:
            if one.output is None:
                if not files:
                    self._first.append(Finding(Kinds.FAILED, one.source or Path(), one.error))
                continue
            key = _key(one.output)
            if files and not folders and key not in present:
                continue  # only these were asked about
            expected[key] = one
        # beside their originals, or of other names than pictures have
        absent = {key: one.output for key, one in expected.items() if key not in present and one.output is not None}
        self._storage.look_up(absent.values())
        for key, output in absent.items():
            if self._is_file(output):
                present[key] = output
            else:
                self._first.append(Finding(Kinds.MISSING, output))
        companions = {_key(_comparison(one.output)) for one in expected.values() if one.output is not None}
        for key, path in present.items():
            # films are in no report, and speak for themselves
            if key in expected or not recorded or has_video_name(path):
                self._known[path] = expected.get(key)
            elif key not in companions:
                self._first.append(Finding(Kinds.EXTRA, path, "nothing is recorded of it"))
        self._executor = local_executor(1 if len(self._known) <= FEW else self._jobs, 1)

    def _told_apart(self, named: Iterable[Address]) -> tuple[list[Address], list[Address]]:
        """Folders, and files.

        Raises
        ------
        UsageError
            There is no such thing.
        InputError
            A server does not answer.
        """
        folders: list[Address] = []
        files: list[Address] = []
        for path in named:
            try:
                # of a store, a folder is asked for last, since what it says of one is a listing
                is_file = self._is_file(path)
                if not is_file and not self._storage.is_folder(path):
                    raise UsageError(f"{shown(path)}: no such file or folder; name results, or a report")
            except StorageError as error:
                raise error.about(path) from error
            (files if is_file else folders).append(path)
        return folders, files

    def _is_file(self, path: Address) -> bool:
        return self._storage.stamp(path) is not None and not (isinstance(path, Path) and path.is_dir())

    def _roots_of(self, recorded: Iterable[Expected]) -> list[Address]:
        """The output folders that there are, of those that a report tells of."""
        roots = {one.root for one in recorded if one.root is not None}
        return [root for root in sorted(roots, key=str) if self._storage.is_folder(root)]

    def _recorded(
        self, folders: Sequence[Address], files: Sequence[Address], reports: Sequence[Address]
    ) -> list[Expected]:
        """What reports say; without one, what journals do."""
        if reports:
            folder = folders[0] if len(folders) == 1 else None
            return [one for path in reports for one in self._take(of_report(path, folder, self._storage), path)]
        recorded: list[Expected] = []
        homes = {home for path in files if (home := _home(path, self._storage)) is not None}
        for folder in (*folders, *sorted(homes, key=str)):
            record = of_journal(folder, self._storage)
            if record is not None:
                recorded += self._take(record, folder)
            else:
                self.remarks.append(
                    f"{shown(folder)}: nothing is recorded of it; its files are held to their marks alone"
                )
        return recorded

    def _take(self, record: Record, path: Address) -> Sequence[Expected]:
        if record.damaged:
            self._first.append(
                Finding(
                    Kinds.RECORD,
                    path,
                    "a line cannot be read" if record.damaged == 1 else f"{record.damaged} lines cannot be read",
                )
            )
        return record.expected

    def _held(self, wanted: Wanted, expected: Expected | None, looked: Looked) -> Iterator[Finding]:
        """A file held against what is recorded of it."""
        path = wanted.path
        if looked.unseen:
            self._remark(looked.unseen)
        if looked.trouble:
            yield Finding(Kinds.DAMAGED, path, looked.trouble)
            return
        if expected is None:
            if not looked.makings and not looked.unseen:
                yield Finding(Kinds.UNMARKED, path, "it does not say how it was made")
            return
        said = looked.makings if not expected.passed else ()
        differing = next(filter(None, (_difference(making, expected) for making in said)), None)
        if differing is not None:
            yield Finding(differing[0], path, differing[1])
        elif expected.output_sha256 and looked.sha256 != expected.output_sha256:
            size = f", and has {looked.size} bytes in place of {expected.size}" if expected.size != looked.size else ""
            yield Finding(Kinds.CHANGED, path, f"its content is not the one that was written{size}")
        elif wanted.original is not None:
            yield from self._held_to_original(wanted, wanted.original, expected, looked)

    def _held_to_original(
        self, wanted: Wanted, original: Address, expected: Expected, looked: Looked
    ) -> Iterator[Finding]:
        said = expected.input_sha256 or next((_source(making) for making in looked.makings), "")
        if looked.original_trouble:
            yield Finding(Kinds.MISSING, original, f"the original of {shown(wanted.path)} ({looked.original_trouble})")
        elif said and said != looked.original:
            yield Finding(Kinds.OTHER_SOURCE, wanted.path, f"{shown(original)} is not what it was made from any more")

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)


def _difference(said: Mapping[str, Any], expected: Expected) -> tuple[Kinds, str] | None:
    """In what a mark differs from what is recorded; None where in nothing."""
    source = _source(said)
    if source and expected.input_sha256 and source != expected.input_sha256:
        name = said.get("source", {}).get("name", "")
        return Kinds.OTHER_SOURCE, f"its mark names {shown(str(name))} (SHA-256 {source[:16]}...)"
    if expected.making is None:
        return None
    for name in HELD:
        if name in expected.making and said.get(name) != expected.making[name]:
            return Kinds.OTHER_MAKING, f"its mark tells of another {name} than was recorded"
    return None


def _source(making: Mapping[str, Any]) -> str:
    source = making.get("source")
    return str(source.get("sha256", "")) if isinstance(source, dict) else ""


def _results_below(root: Address, storage: Storage) -> Iterator[Address]:
    """Pictures and films in a folder and those below; each folder once."""
    entered = {storage.identity(root)}

    def enters(folder: Entry[Address]) -> bool:
        identity = storage.identity(folder.address)
        if folder.name.startswith(".") or identity in entered:
            return False
        entered.add(identity)
        return True

    for _, entries in storage.walk(root, enters):
        for entry in entries:
            path = entry.address
            shows = path.suffix.lower() in READABLE_SUFFIXES or has_video_name(path)
            if entry.kind is Kind.FILE and shows and not entry.name.startswith("."):
                yield path


def _home(path: Address, storage: Storage) -> Address | None:
    """The nearest folder above a file that has a journal; None where none has."""
    return next((folder for folder in path.parents if has_journal(folder, storage)), None)


def _comparison(output: Address) -> Address:
    return output.with_suffix(COMPARE_INFIX + output.suffix)


def _key(path: Address) -> str:
    """Equal for names of one file; links are other names of what was written."""
    return str(path) if isinstance(path, Remote) else os.path.normcase(os.path.abspath(path))  # noqa: PTH100
