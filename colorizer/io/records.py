"""Whether a file is still the one whose hash was taken: its size, time and hash, recorded beside it.

Hashing 129 MB at every start would cost more than the picture. So a file is hashed when it arrives, and again only when
its size or time differ from the record.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from colorizer.errors import OutputError, Remedy, WeightsError, shown
from colorizer.io.atomic import write_atomically

RECORD_SUFFIX = ".record.json"

HASH_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Record:
    """What a file was when its hash was taken."""

    size: int  # bytes
    mtime_ns: int
    sha256: str


def hash_stream(file: BinaryIO) -> str:
    """SHA-256 of what an open file holds from where it is read, in lower-case hexadecimal.

    Raises
    ------
    OSError
        It cannot be read.
    """
    digest = hashlib.sha256()
    while chunk := file.read(HASH_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, in lower-case hexadecimal.

    Raises
    ------
    WeightsError
        The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hash_stream(file)
    except OSError as error:
        raise WeightsError(f"{shown(path)}: cannot be read ({error.strerror})") from error


def has_hash(path: Path, sha256: str) -> bool:
    """Whether a file's content has this SHA-256: by its record where size and time still fit, else by reading it.

    A right file is recorded; a wrong one never is, and so is read again every time until it is replaced.

    Raises
    ------
    WeightsError
        The file cannot be read.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise WeightsError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    if read_record(path) == Record(stat.st_size, stat.st_mtime_ns, sha256):
        return True
    if hash_file(path) != sha256:
        return False
    # a folder shared read-only keeps no record: slower, not wrong
    with contextlib.suppress(OutputError):
        write_record(path, Record(stat.st_size, stat.st_mtime_ns, sha256))
    return True


def record_path(path: Path) -> Path:
    """Where the record of a file lies."""
    return path.with_name(path.name + RECORD_SUFFIX)


def read_record(path: Path) -> Record | None:
    """What was recorded of a file; None where nothing is, or nothing that can be read."""
    try:
        entry = json.loads(record_path(path).read_text(encoding="utf-8"))
        return Record(int(entry["size"]), int(entry["mtime_ns"]), str(entry["sha256"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_record(path: Path, record: Record) -> None:
    """Record a file's hash beside it, atomically.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """
    write_atomically(record_path(path), (json.dumps(asdict(record)) + "\n").encode(), remedy=Remedy.ANOTHER_STORE)
