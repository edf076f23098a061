"""What a folder job remembers: which outputs are complete, and what they were made from.

A line of JSON per finished picture, appended to a hidden file in the output folder. It only saves time: an output that
is not in it is opened and decoded to see whether it is whole, and a line that a crash cut short is no line.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from colorizer.io.storage import LOCAL, Stamp, Storage

JOURNAL_NAME = ".colorize-journal.jsonl"


@dataclass(frozen=True)
class Entry:
    """A finished picture: its output relative to the journal's folder, both files' stamps, and the options used."""

    output: str
    made: Stamp
    source: Stamp
    options: str


class Journal:
    """The journal of one output folder.

    Parameters
    ----------
    folder
        Where the outputs are; the journal lies in it.
    options
        What the pictures are made with, as a text that changes when they would.
    storage
        Where the folder and the inputs lie.
    """

    def __init__(self, folder: Path, options: str, storage: Storage = LOCAL) -> None:
        self._path = folder / JOURNAL_NAME
        self._folder = folder
        self._options = options
        self._storage = storage
        self._entries = _read(self._path, storage)

    def knows(self, target: Path) -> bool:
        """Whether an output was ever finished."""
        return self._key(target) in self._entries

    def is_complete(self, target: Path) -> bool:
        """Whether an output is known to be whole: as it was when it was finished."""
        entry = self._entries.get(self._key(target))
        return entry is not None and entry.made == self._storage.stamp(target)

    def is_current(self, source: Path, target: Path, own: str = "") -> bool:
        """Whether an output is whole, and its input, the options and those of its `own` are still what they were."""
        entry = self._entries.get(self._key(target))
        if entry is None or not self.is_complete(target):
            return False
        return entry.source == self._storage.stamp(source) and entry.options == self._options + own

    def add(self, source: Path, target: Path, own: str = "") -> None:
        """Remember a finished picture, and options of its own. A journal that cannot be written is done without."""
        made, origin = self._storage.stamp(target), self._storage.stamp(source)
        if made is None or origin is None:
            return
        entry = Entry(self._key(target), made, origin, self._options + own)
        self._entries[entry.output] = entry
        # begun on a line of its own, since the last one may have been cut short; the file is opened anew for each, so
        # that a run that is killed has written all it knew
        line = "\n" + json.dumps(asdict(entry), ensure_ascii=True) + "\n"
        with contextlib.suppress(OSError), self._storage.open_append(self._path) as file:
            file.write(line.encode("ascii"))

    def _key(self, target: Path) -> str:
        return Path(os.path.relpath(target, self._folder)).as_posix()


def _read(path: Path, storage: Storage) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    try:
        with storage.open_read(path) as lines:
            for line in lines:
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    found = json.loads(line)
                    made, source = Stamp(**found["made"]), Stamp(**found["source"])
                    entries[found["output"]] = Entry(found["output"], made, source, found["options"])
    except OSError:
        return {}
    return entries
