"""What a folder job remembers of its outputs: which are whole, from what and how they were made, what is told of them.

Lines of JSON, one for each finished picture, appended to a hidden file in the output folder; how pictures were made is
alike for most, and has a line of its own that others refer to. In a store, where nothing can be appended to, they go
into objects of their own in a folder of that name. The journal only saves time: an output that is not in it is opened
and decoded to see whether it is whole, and a line that a crash cut short is no line.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from colorizer.io.address import Address, Remote
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Stamp, Storage, stamp_if_any
from colorizer.jobs.facts import Facts
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, Status

JOURNAL_NAME = ".colorize-journal.jsonl"


class Difference(Enum):
    """In what an output differs from what would be made now, in words that follow "made"; the first one is told."""

    SOURCE = "from another input"
    NETWORK = "with another network"
    OPTIONS = "with other options"
    HINTS = "with other hints"
    PROGRAM = "by another version"


@dataclass(frozen=True)
class Way:
    """What a picture is made with: texts that change when it would."""

    network: str
    options: str
    program: str
    hints: str = ""


@dataclass(frozen=True)
class Entry:
    """A finished picture.

    Attributes
    ----------
    output
        Relative to the journal's folder.
    made, source
        Stamps of both files; the source's from before it was read.
    way
        What it was made with; None where that is not known, since an output without an entry was found to be whole.
    status
        What became of it.
    pixels
        Height and width of the first page.
    facts
        Hashes and the like.
    making
        Which of the journal's makings is its own.
    """

    output: str
    made: Stamp
    source: Stamp
    way: Way | None
    status: str
    pixels: tuple[int, int] | None
    facts: Facts
    making: str


_Told = tuple[Mapping[str, Any], str]
"""How pictures were made, without the name of any; and the same in one line."""


class Journal:
    """The journal of one output folder.

    Parameters
    ----------
    folder
        Where the outputs are; the journal lies in it.
    storage
        Where the folder and the inputs lie.
    """

    def __init__(self, folder: Address, storage: Storage = ANYWHERE) -> None:
        self._path = folder / JOURNAL_NAME
        self._folder = folder
        self._storage = storage
        self._entries: dict[str, Entry] = {}
        self._makings: dict[str, _Told] = {}
        self._ways: dict[Way, Way] = {}  # each once, since a million pictures have a few together
        with contextlib.suppress(OSError):
            for line in storage.lines(self._path):
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    self._take(json.loads(line))

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All of them, by the output's name."""
        return self._entries

    def entry(self, target: Address) -> Entry | None:
        """What is remembered of an output, whatever has become of it since."""
        return self._entries.get(self._key(target))

    def complete(self, target: Address) -> Entry | None:
        """What is remembered of an output that is as it was when it was finished; None else."""
        entry = self.entry(target)
        return entry if entry is not None and entry.made == stamp_if_any(self._storage, target) else None

    def difference(self, source: Address, entry: Entry, way: Way) -> Difference | None:
        """In what an output differs from what would be made in a way of now; None where in nothing that is known."""
        if entry.way is None:
            return None
        if entry.source != stamp_if_any(self._storage, source):
            return Difference.SOURCE
        for name in ("network", "options", "hints", "program"):
            if getattr(entry.way, name) != getattr(way, name):
                return Difference[name.upper()]
        return None

    def kept(self, task: Task, entry: Entry, difference: Difference | None = None) -> Outcome:
        """The outcome of a task whose output stays, with all that is remembered of it."""
        making, used = self.making(task.source.name, entry)
        notes = () if difference is None else (f"made {difference.value}",)
        return Outcome(task, Status.KEPT, pixels=entry.pixels, notes=notes, used=used, making=making, facts=entry.facts)

    def making(self, name: str, entry: Entry) -> tuple[Mapping[str, Any] | None, str]:
        """How an output was made of a file of this name, and the same in one line."""
        making, used = self._makings.get(entry.making, (None, ""))
        if making is None:
            return None, used
        return {**making, "source": {"name": name, "sha256": entry.facts.input_sha256}}, used

    def add(self, outcome: Outcome, way: Way | None, source: Stamp | None) -> None:
        """Remember a finished picture. A journal that cannot be written is done without.

        Parameters
        ----------
        outcome
            What became of it.
        way
            What it was made with; None where that is not known.
        source
            The input's stamp, from before it was read.
        """
        target = outcome.task.target
        made = stamp_if_any(self._storage, target)
        if made is None or source is None:
            return
        lines: list[dict[str, Any]] = []
        making, identity = outcome.making, ""
        if making is not None:
            told = {name: value for name, value in making.items() if name != "source"}, outcome.used
            identity = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
            if identity not in self._makings:
                self._makings[identity] = told
                lines.append({"making": told[0], "used": told[1], "identity": identity})
        status, pixels = outcome.status.name.lower(), outcome.pixels
        entry = Entry(self._key(target), made, source, self._once(way), status, pixels, outcome.facts, identity)
        self._write(entry, lines)

    def _write(self, entry: Entry, others: list[dict[str, Any]]) -> None:
        self._entries[entry.output] = entry
        lines = [*others, asdict(entry)]
        # begun on a line of its own, since the last one may have been cut short; the file is opened anew for each, so
        # that a run that is killed has written all it knew
        text = "\n" + "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
        with contextlib.suppress(OSError), self._storage.open_append(self._path) as file:
            file.write(text.encode("ascii"))

    def renew(self, outcome: Outcome) -> bool:
        """Remember that an output is still what it was, although its time has changed, as in a copy of the folder.

        Returns
        -------
        bool
            False where it is not, or is not known to be.
        """
        target = outcome.task.target
        entry, made = self.entry(target), stamp_if_any(self._storage, target)
        if entry is None or made is None or not entry.facts.output_sha256:
            return False
        if entry.facts.output_sha256 != outcome.facts.output_sha256:
            return False
        self._write(replace(entry, made=made), [])
        return True

    def _take(self, found: Any) -> None:
        """Take a line of the file."""
        if "identity" in found:
            self._makings[found["identity"]] = (dict(found["making"]), str(found["used"]))
            return
        way, pixels = found["way"], found["pixels"]
        self._entries[found["output"]] = Entry(
            found["output"],
            Stamp(**found["made"]),
            Stamp(**found["source"]),
            None if way is None else self._once(Way(**way)),
            found["status"],
            None if pixels is None else (int(pixels[0]), int(pixels[1])),
            Facts(**found["facts"]),
            found["making"],
        )

    def _once(self, way: Way | None) -> Way | None:
        return None if way is None else self._ways.setdefault(way, way)

    def _key(self, target: Address) -> str:
        if isinstance(target, Remote) and isinstance(self._folder, Remote):
            return target.relative_to(self._folder).as_posix()
        return Path(os.path.relpath(str(target), str(self._folder))).as_posix()


def with_hints(way: Way, hints: str) -> Way:
    """The way of a picture that something is said of."""
    return replace(way, hints=hints) if hints else way
