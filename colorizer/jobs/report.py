r"""A line of JSON for each input: what became of it, for people's records and for programs.

Names that are not valid UTF-8 keep their odd bytes as `\udcXX` (Python's surrogate escapes, PEP 383), in JSON's own
notation, so that the line is plain ASCII and the name can be had back exactly.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TextIO

from colorizer.errors import ColorizerError, OutputError, shown
from colorizer.io.storage import LOCAL, Storage
from colorizer.jobs.run import Outcome, Status

Words = Callable[[ColorizerError], str]
"""How an error is worded for whoever reads the report."""


class Report:
    """A report file, written line by line.

    Parameters
    ----------
    path
        The file; what was in it is replaced.
    file
        One that is open already, to write into instead; it stays open.
    words
        How an error is worded; the library's own way by default.
    storage
        Where the file goes, and where inputs and outputs lie.

    Raises
    ------
    OutputError
        It cannot be written.
    """

    def __init__(self, path: Path, file: TextIO | None = None, *, words: Words = str, storage: Storage = LOCAL) -> None:
        self._path, self._shared, self._words, self._storage = path, file is not None, words, storage
        try:
            self._file = file or io.TextIOWrapper(storage.open_append(path, replace=True), encoding="ascii")
        except OSError as error:
            raise self._cannot(error) from error

    def __enter__(self) -> Report:  # noqa: PYI034 - Self is newer than Python 3.10
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._shared:
            self._file.close()

    def add(self, outcome: Outcome) -> None:
        """Write an outcome's line, at once.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        try:
            self._file.write(as_json(outcome, self._words, self._storage) + "\n")
            self._file.flush()  # for those who read along, and for what a killed run leaves
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> OutputError:
        return OutputError(f"{shown(self._path)}: the report cannot be written ({error.strerror}); name another file")


def as_json(outcome: Outcome, words: Words = str, storage: Storage = LOCAL) -> str:
    """An outcome as one line of ASCII."""
    source, target = outcome.task.source, outcome.task.target
    done = outcome.status is not Status.FAILED
    read, written = storage.stamp(source), storage.stamp(target) if done else None
    height, width = outcome.pixels or (None, None)
    return json.dumps(
        {
            "input": os.fspath(source),
            "output": os.fspath(target) if done else None,
            "status": outcome.status.name.lower(),
            "seconds": round(outcome.seconds, 4),
            "width": width,
            "height": height,
            "input_bytes": read.size if read else None,
            "output_bytes": written.size if written else None,
            "used": outcome.used or None,
            "making": None if outcome.making is None else dict(outcome.making),
            "notes": [*outcome.notes, *outcome.remarks],
            "error": words(outcome.error) if outcome.error else None,
        },
        ensure_ascii=True,
    )
