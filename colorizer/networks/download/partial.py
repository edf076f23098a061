"""A file on its way into the store: what has arrived of it, and from which version at which place.

It lies under a name of its own (`NAME.part`) until its hash is right. Beside it stands what the server said of the
version it was sending (RFC 9110, section 8.8: ETag, Last-Modified), so that a download broken off by anything, a power
cut included, goes on where it stopped, or starts again where the file has changed meanwhile.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from colorizer.io.atomic import write_atomically
from colorizer.io.records import Record, has_hash, hash_file, write_record
from colorizer.networks.catalog import FileSpec
from colorizer.networks.store import cannot_write


@dataclass(frozen=True)
class Version:
    """Which version of a file a server sends."""

    url: str
    etag: str = ""
    last_modified: str = ""

    @property
    def validator(self) -> str:
        """What to send as If-Range: a strong ETag, else the date; a weak ETag does not do for ranges (13.1.5)."""
        return self.etag if self.etag.startswith('"') else self.last_modified


@dataclass(frozen=True)
class Partial:
    """A file of the catalogue that is being brought into a folder."""

    folder: Path
    file: FileSpec

    @property
    def target(self) -> Path:
        """Where the file will lie when it is complete."""
        return self.folder / self.file.name

    @property
    def path(self) -> Path:
        """Where the bytes lie."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def lock_path(self) -> Path:
        """What a process locks as long as it works on the file."""
        return self.target.with_name(f".{self.file.name}.lock")

    @property
    def _version_path(self) -> Path:
        return self.target.with_name(self.target.name + ".part.json")

    def size(self) -> int:
        """Bytes that have arrived."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def version(self) -> Version | None:
        """The version that the bytes are of, None where it is not known."""
        try:
            entry = json.loads(self._version_path.read_text(encoding="utf-8"))
            return Version(str(entry["url"]), str(entry["etag"]), str(entry["last_modified"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def begin(self, version: Version) -> BinaryIO:
        """Start from nothing, with a version; the file is the caller's to close.

        Raises
        ------
        OutputError
            The folder cannot be written to.
        """
        # bytes without a version are never resumed, so this order survives a kill between the two
        self.discard()
        write_atomically(self._version_path, json.dumps(asdict(version)).encode())
        return self._open("wb")

    def go_on(self) -> BinaryIO:
        """Open for appending; the file is the caller's to close."""
        return self._open("ab")

    def _open(self, mode: Literal["wb", "ab"]) -> BinaryIO:
        try:
            return open(self.path, mode)  # noqa: PTH123
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def finish(self) -> bool:
        """Give the file its name if its hash is right; otherwise leave everything as it is and return False.

        Raises
        ------
        OutputError
            The file cannot be renamed.
        """
        if hash_file(self.path) != self.file.sha256:
            return False
        try:
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())
            stat = self.path.stat()
            self.path.replace(self.target)
        except OSError as error:
            raise cannot_write(self.target, error) from error
        write_record(self.target, Record(stat.st_size, stat.st_mtime_ns, self.file.sha256))
        self._version_path.unlink(missing_ok=True)
        return True

    def is_there(self) -> bool:
        """Whether the target exists already and is right."""
        return self.target.is_file() and has_hash(self.target, self.file.sha256)

    def discard(self) -> None:
        """Delete what has arrived."""
        for path in (self.path, self._version_path):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(path, error) from error
