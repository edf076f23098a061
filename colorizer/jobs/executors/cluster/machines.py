"""What runs on each machine of a cluster: it is looked at, given the files that it lacks, and then it works.

Nothing here imports Ray.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError, OutputError
from colorizer.io.atomic import temporary_beside, write_atomically
from colorizer.io.cache import cache_folder, content_hash
from colorizer.io.machine import usable_cores, usable_memory
from colorizer.io.storage import LOCAL, Stamp
from colorizer.jobs.executors.base import Load, ReadsFiles


@dataclass(frozen=True)
class NeededFile:
    """A file of this machine that workers read."""

    path: Path
    size: int
    sha256: str

    @classmethod
    def at(cls, path: Path) -> NeededFile:
        """The file at a path.

        Raises
        ------
        WeightsError
            It cannot be read.
        """
        return cls(path, path.stat().st_size, content_hash(path))

    def is_there(self) -> bool:
        """Whether it is on this machine too, at the same path."""
        stamp = LOCAL.stamp(self.path)
        if stamp is None or stamp.size != self.size:
            return False
        with contextlib.suppress(ColorizerError):
            return content_hash(self.path) == self.sha256
        return False


def files_of(load: object) -> list[NeededFile]:
    """What a `Load`, or a question, reads on this machine."""
    return [NeededFile.at(path) for path in load.files] if isinstance(load, ReadsFiles) else []


@dataclass(frozen=True)
class Shared:
    """What all machines have to see under the same names."""

    files: Mapping[Path, Stamp | None]
    folders: tuple[Path, ...]  # each a file that was made there a moment ago

    def unseen(self) -> Path | None:
        """The first that this machine does not see as the others do."""
        for path, stamp in self.files.items():
            found = LOCAL.stamp(path)
            # times may be rounded on the way over a network
            if stamp is not None and (found is None or found.size != stamp.size):
                return path
        return next((mark.parent for mark in self.folders if LOCAL.stamp(mark) is None), None)


@contextlib.contextmanager
def shared(files: Sequence[Path], folders: Sequence[Path]) -> Iterator[Shared]:
    """What all machines have to see; within this, there is a mark in each folder that tells it from others of its name.

    Parameters
    ----------
    files
        Files to read.
    folders
        Folders to write to; one that takes no mark is left out, since writing will say what is wrong.
    """
    with contextlib.ExitStack() as stack:
        marks = []
        for folder in folders:
            with contextlib.suppress(OSError):
                marks.append(stack.enter_context(temporary_beside(folder.absolute() / secrets.token_hex(4))))
        yield Shared({path.absolute(): LOCAL.stamp(path) for path in files}, tuple(marks))


@dataclass(frozen=True)
class Facts:
    """What a machine says of itself."""

    cores: int  # that a process may use there
    memory: int  # bytes, likewise
    unseen: Path | None  # what it should see and does not
    missing: tuple[NeededFile, ...]  # what workers read and is not there, or is another


def look(what: Shared, needed: Sequence[NeededFile]) -> Facts:
    """The facts about the machine where this runs."""
    missing = tuple(file for file in needed if not file.is_there())
    return Facts(usable_cores(), usable_memory(), what.unseen(), missing)


def place(contents: Mapping[NeededFile, Any]) -> dict[Path, Path] | ColorizerError:
    """Write files into this machine's cache, where they are not there already; those of a folder stay together.

    Parameters
    ----------
    contents
        Files and their bytes.

    Returns
    -------
    dict
        Where each of the other machine's paths now lies; or why it cannot.
    """
    try:
        return {file.path: _placed(file, contents) for file in contents}
    except OSError as error:
        return OutputError(f"{error.filename or cache_folder()}: cannot be written ({error.strerror})")
    except ColorizerError as error:
        return error


def _placed(file: NeededFile, contents: Mapping[NeededFile, Any]) -> Path:
    together = sorted(f"{one.path.name} {one.sha256}" for one in contents if one.path.parent == file.path.parent)
    name = hashlib.sha256("\n".join(together).encode()).hexdigest()[:16]
    target = cache_folder() / "cluster" / name / file.path.name
    if not NeededFile(target, file.size, file.sha256).is_there():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, memoryview(contents[file]))
    return target


@dataclass(frozen=True)
class Raised:
    """In place of a result: what the work, or the loading, raised."""

    error: Exception


class Worker:
    """A process of a cluster that loads once and does one job after the other."""

    def __init__(self) -> None:
        self._work: Callable[[Any], Any] | None = None

    def load(self, load: Load[Any, Any], folder: Path) -> Raised | None:
        """Load what jobs need, in the folder that relative names begin at, where this machine has it."""
        with contextlib.suppress(OSError):
            os.chdir(folder)
        try:
            self._work = load()
        except Exception as error:
            return Raised(error)
        return None

    def work(self, item: Any) -> Any:
        """Do a job."""
        assert self._work is not None  # noqa: S101 - nothing is given to a worker that has not loaded
        try:
            return self._work(item)
        except Exception as error:
            return Raised(error)
