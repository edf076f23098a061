"""The SHA-256 of a film's file, taken while the film is coloured.

A container is read by FFmpeg, which skips what it does not need, so its bytes are read once more for this: by a thread
beside the work, which takes as many minutes as the disk does where the work takes hours.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from types import TracebackType

from colorizer.errors import InputError, shown
from colorizer.io.records import HASH_CHUNK
from colorizer.networks.making import UsedFile


class FilmHash:
    """The hash of a film, in the making from the begin of a `with` block on; the block's end gives it up.

    Parameters
    ----------
    path
        The film. What is no regular file, such as a device, has no hash.
    wanted
        Whether anybody will ask for it.
    """

    def __init__(self, path: Path, *, wanted: bool = True) -> None:
        self._path, self._wanted = path, wanted
        self._given_up = threading.Event()
        self._sha256: str | None = None
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._read, name="film hash", daemon=True)

    def __enter__(self) -> FilmHash:  # noqa: PYI034 - Self is newer than Python 3.10
        if self._wanted and self._path.is_file():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up.set()
        if self._thread.ident is not None:
            self._thread.join()

    def result(self) -> UsedFile | None:
        """The film's name and hash, waited for; None where it has none.

        Raises
        ------
        InputError
            The film cannot be read any more.
        """
        if self._thread.ident is None:
            return None
        self._thread.join()
        if self._error is not None:
            raise InputError(
                f"{shown(self._path)}: cannot be read ({self._error.strerror}); check the disk that it is on"
            )
        return None if self._sha256 is None else UsedFile(self._path.name, self._sha256)

    def _read(self) -> None:
        digest = hashlib.sha256()
        try:
            with self._path.open("rb") as file:
                while chunk := file.read(HASH_CHUNK):
                    if self._given_up.is_set():
                        return
                    digest.update(chunk)
        except OSError as error:
            self._error = error
            return
        self._sha256 = digest.hexdigest()
