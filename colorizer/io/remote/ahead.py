"""Reading ahead: the next pictures of a job are fetched while processors work on these.

They go into temporary files, which the processes of this machine open instead of asking the server again: each object
is fetched once. The files together are bounded, each is removed when its picture is done, and the folder at the end;
what a killed process has left of it goes with the next that reads ahead.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from colorizer.io.address import Remote
from colorizer.io.locks import held, lock_now

AT_A_TIME = 4
"""Objects that are fetched at a time."""

MOST = 1 << 30
"""Bytes of all temporary files together."""

_PREFIX = "colorize-ahead-"
_LOCK = "in-use"
_POLL_SECONDS = 0.02
_PART = ".part"


class Fetched:
    """The side of those who work: picklable, and no more than a folder's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, address: Remote) -> Path:
        """Where an object's temporary file is, or would be."""
        return self.folder / hashlib.sha256(address.url.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def opened(self, address: Remote) -> BinaryIO | None:
        """The file, once it is there; None where it was not fetched, or could not be."""
        path = self.file(address)
        part = path.with_suffix(_PART)
        while True:
            with contextlib.suppress(OSError):
                return path.open("rb")
            if not part.exists():
                # it may have become whole between the two looks
                with contextlib.suppress(OSError):
                    return path.open("rb")
                return None
            time.sleep(_POLL_SECONDS)


class Ahead:
    """The side of the one who says what comes next.

    Parameters
    ----------
    fetch
        Opens an object.
    most
        Bytes of all temporary files together.
    """

    def __init__(self, fetch: Callable[[Remote], BinaryIO], most: int = MOST) -> None:
        _remove_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.fetched = Fetched(folder)
        self._lock = lock_now(folder / _LOCK)
        self._fetch = fetch
        self._most = most
        self._threads = ThreadPoolExecutor(AT_A_TIME, "read-ahead")
        self._sizes: dict[Remote, int] = {}
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._finalizer = weakref.finalize(self, _end, self._threads, self._closed, self._lock, folder)

    def begin(self, address: Remote, size: int) -> None:
        """Fetch an object of so many bytes, if there is room for it."""
        with self._guard:
            if address in self._sizes or sum(self._sizes.values()) + size > self._most:
                return
            self._sizes[address] = size
        part = self.fetched.file(address).with_suffix(_PART)
        with contextlib.suppress(OSError):
            part.touch()
            self._threads.submit(_fill, self._fetch, address, part, self._closed)

    def end(self, address: Remote) -> None:
        """An object is not needed any more."""
        with self._guard:
            if self._sizes.pop(address, None) is None:
                return
        # Windows removes no file that is open somewhere; then it goes with the folder
        with contextlib.suppress(OSError):
            self.fetched.file(address).unlink()

    def close(self) -> None:
        """Nothing more is needed."""
        self._finalizer()


def _fill(fetch: Callable[[Remote], BinaryIO], address: Remote, part: Path, closed: threading.Event) -> None:
    try:
        if closed.is_set():
            return
        with fetch(address) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        part.replace(part.with_suffix(""))
    except Exception:
        # whoever needs it asks the server again, and says what is wrong
        return
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _end(threads: ThreadPoolExecutor, closed: threading.Event, lock: BinaryIO | None, folder: Path) -> None:
    closed.set()
    threads.shutdown(wait=False, cancel_futures=True)
    if lock is not None:
        lock.close()
    shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers() -> None:
    """Folders of processes that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):
            if (folder / _LOCK).exists() and not held(folder / _LOCK):
                shutil.rmtree(folder, ignore_errors=True)
