"""What can always be made again: converted models, verdicts on precision, and what a user has been told already.

A folder of its own, apart from the weights: losing it costs seconds, not a download. A folder that cannot be written is
no error either: what would have been kept is made again each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from colorizer.errors import OutputError
from colorizer.io.atomic import write_atomically
from colorizer.io.records import Record, hash_file, read_record, write_record

HOME_VARIABLE = "COLORIZER_HOME"
"""Names a folder for models and for what can be made again."""

_STALE_SECONDS = 24 * 3600
"""An unfinished file that old belongs to a process that was killed."""


def cache_folder() -> Path:
    """The folder, whether it exists or not: in COLORIZER_HOME, else the user's cache folder."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home).expanduser().absolute() / "cache"
    import platformdirs

    return platformdirs.user_cache_path("colorize", appauthor=False)


def keep(path: Path, data: bytes) -> None:
    """Write a file of the cache atomically, with its hash recorded beside it; nothing happens where that fails."""
    with contextlib.suppress(OSError, OutputError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
        stat = path.stat()
        write_record(path, Record(stat.st_size, stat.st_mtime_ns, hashlib.sha256(data).hexdigest()))
        _remove_unfinished(path.parent)


def kept(path: Path) -> bytes | None:
    """The content of a file of the cache; None where it is missing, damaged, or was written by something else."""
    record = read_record(path)
    if record is None:
        return None
    try:
        data, mtime_ns = path.read_bytes(), path.stat().st_mtime_ns
    except OSError:
        return None
    if len(data) != record.size:
        return None
    if mtime_ns != record.mtime_ns and hashlib.sha256(data).hexdigest() != record.sha256:
        return None
    return data


def content_hash(path: Path) -> str:
    """SHA-256 of a model's file, which is read again only where its size or time has changed.

    Raises
    ------
    WeightsError
        The file cannot be read.
    """
    try:
        stat = path.stat()
    except OSError:
        return hash_file(path)  # says what is wrong
    memo = cache_folder() / "hashes" / hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    record = read_record(memo)
    if record is not None and (record.size, record.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
        return record.sha256
    record = Record(stat.st_size, stat.st_mtime_ns, hash_file(path))
    with contextlib.suppress(OSError, OutputError):
        memo.parent.mkdir(parents=True, exist_ok=True)
        write_record(memo, record)
    return record.sha256


def first_time(name: str) -> bool:
    """Whether this is asked of a name for the first time here; always, where nothing can be remembered."""
    told = cache_folder() / "told" / hashlib.sha256(name.encode()).hexdigest()[:16]
    try:
        told.parent.mkdir(parents=True, exist_ok=True)
        told.touch(exist_ok=False)
    except FileExistsError:
        return not told.is_file()
    except OSError:
        return True
    return True


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()
