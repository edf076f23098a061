"""Writing files so that a half-written one never has the final name, whatever kills the process."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from colorizer.errors import OutputError, shown


def write_atomically(path: Path, data: bytes | memoryview, *, remedy: str | None = None) -> None:
    """Write a file under a temporary name beside its place, force it to the disk, and rename it.

    Parameters
    ----------
    path
        The final name; its folder exists.
    data
        The whole content.
    remedy
        What to do if the file cannot be written, where it is not about `-o`.

    Raises
    ------
    OutputError
        The folder is missing or not writable, the disk is full, the name is not possible. Nothing is left behind.
    """
    # a fixed-length name, since the final one may already be as long as the file system allows
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{shown(path)}: cannot be written ({error.strerror}); {remedy or _remedy(path)}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _remedy(path: Path) -> str:
    if not path.parent.is_dir():
        return f"create the folder {shown(path.parent)} first"
    if not os.access(path.parent, os.W_OK):
        return "choose another folder with -o"
    return "free some space, or choose another place with -o"
