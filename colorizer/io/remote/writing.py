"""Putting files elsewhere: whole, or not at all.

A result is written to memory, beyond a bound to a temporary file without a name, and sent when it is complete. In an
object store one request makes a small object, which appears with it; a large one is sent in parts, which become an
object with the last request and are thrown away if that is not reached. Where there are real folders (SFTP and the
like) the file gets another name first, and its own when all of it is there.
"""

from __future__ import annotations

import contextlib
import errno
import io
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from colorizer.errors import DiskFullError, OutputError, Remedy, shown
from colorizer.io.address import OBJECT_STORES, WEB, Remote
from colorizer.io.atomic import NO_ROOM
from colorizer.io.remote.reading import IN_MEMORY, Spool
from colorizer.io.remote.systems import file_system, path_of
from colorizer.io.remote.trouble import patiently

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

PART = IN_MEMORY
"""Bytes that are sent with a request; larger objects are sent in parts, of which one is held in memory."""

SEGMENT_SECONDS = 60.0
"""Between two objects with what was added to a journal."""

REFRESH_SECONDS = 60.0
"""Between two states of a report that is being written, at least; the more there is, the longer."""

_GROWN = 1.25
"""A report is sent again when it is so many times as long: all in all no more than five times its bytes."""

_CHUNK = 1 << 20


@contextlib.contextmanager
def put_whole(address: Remote, *, remedy: Remedy | str | None = None) -> Iterator[BinaryIO]:
    """A new object, open for reading and writing; it appears at the end of the `with` block. See `Storage`.

    Raises
    ------
    OutputError
        It cannot be written.
    DiskFullError
        There is no room for temporary files.
    """
    if address.scheme in WEB:
        raise OutputError(
            f"{shown(address)}: cannot be written, since web addresses are only read", remedy=Remedy.ANOTHER_OUTPUT
        )
    try:
        file_system(address)  # which says what is missing before the work, not after it
    except OSError as error:
        raise _cannot(address, error, remedy) from error
    with Spool(IN_MEMORY) as spool:
        try:
            yield cast("BinaryIO", spool)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            reason = f"{shown(address)}: cannot be written, since the folder for temporary files is full"
            raise DiskFullError(reason, remedy="free some space, or name another folder as TMPDIR") from error
        try:
            put(address, cast("BinaryIO", spool))
        except OSError as error:
            raise _cannot(address, error, remedy) from error


def _cannot(address: Remote, error: OSError, remedy: Remedy | str | None) -> OutputError:
    what_next = remedy or getattr(error, "remedy", None) or Remedy.ANOTHER_OUTPUT
    return OutputError(f"{shown(address)}: cannot be written ({error.strerror})", remedy=what_next)


def put(address: Remote, spool: BinaryIO) -> None:
    """Send what is in a file, from its begin.

    Raises
    ------
    OSError
        It cannot be written, and nothing is left of it.
    """
    system = file_system(address)
    path = path_of(system, address)
    size = spool.seek(0, io.SEEK_END)
    if address.scheme not in OBJECT_STORES:
        temporary = path_of(system, address.with_name(f".colorize-{secrets.token_hex(8)}.part"))
        patiently(address, lambda: _renamed(system, spool, temporary, path))
    elif size <= PART:
        spool.seek(0)
        data = spool.read()
        patiently(address, lambda: system.pipe_file(path, data))
    else:
        with _ended_in_good_order():
            patiently(address, lambda: _in_parts(system, spool, path))


def make_folder(folder: Remote) -> None:
    """Make a folder, where there are real ones.

    Raises
    ------
    OSError
        It cannot be made.
    """
    if folder.scheme not in OBJECT_STORES | WEB:
        system = file_system(folder)
        patiently(folder, lambda: system.makedirs(path_of(system, folder), exist_ok=True))


def _in_parts(system: AbstractFileSystem, spool: BinaryIO, path: str) -> None:
    """Send a file in parts, by a thread: whatever ends this process in the middle, a request comes to its answer.

    An exception in the middle of the first request would lose the upload's number with its answer, and with that the
    way to take it back.
    """
    spool.seek(0)
    target: Any = system.open(path, "wb", block_size=PART)
    ended, finished = threading.Event(), threading.Event()
    troubles: list[BaseException] = []

    def send() -> None:
        try:
            while not ended.is_set() and (chunk := spool.read(_CHUNK)):
                target.write(chunk)
            if not ended.is_set():
                target.close()
        except BaseException as error:  # raised again by the one who waits
            troubles.append(error)
        finally:
            finished.set()

    # not joined: up to Python 3.12 a join that a signal breaks off takes the thread for ended from then on
    sending = threading.Thread(target=send)
    try:
        sending.start()
        finished.wait()
        if troubles:
            raise troubles[0]
    except BaseException:
        ended.set()
        if sending.ident is not None:  # else it sends nothing, since it has not begun
            finished.wait()
        # aborts what was begun; without this its parts would stay there, unseen and paid for
        with contextlib.suppress(Exception):
            target.discard()
        target.closed = True
        raise


def _renamed(system: AbstractFileSystem, spool: BinaryIO, temporary: str, path: str) -> None:
    spool.seek(0)
    try:
        size = 0
        with system.open(temporary, "wb") as target:
            while chunk := spool.read(_CHUNK):
                target.write(chunk)
                size += len(chunk)
        if system.info(temporary)["size"] != size:  # what is sent without waiting for answers may fail unheard
            raise OSError(errno.EIO, "fewer bytes have arrived than were sent")
        system.mv(temporary, path)
    except BaseException:
        with contextlib.suppress(Exception):
            system.rm_file(temporary)
        raise


@contextlib.contextmanager
def _ended_in_good_order() -> Iterator[None]:
    """Within this, SIGTERM ends the process by an exception, so that what was begun is taken back."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # another one would break off the taking back
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Growing(io.BufferedIOBase):
    """A file that is added to: an object cannot be, so it is sent again when it has grown, and at the end."""

    def __init__(self, address: Remote) -> None:
        super().__init__()
        self._address = address
        self._spool = Spool(IN_MEMORY)
        self._sent = 0
        self._last = time.monotonic()
        self._send()  # whoever may not write hears it before the work

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Add something."""
        return self._spool.write(bytes(data))

    def flush(self) -> None:
        """Send it, if it has grown, and some time has gone by."""
        if self._spool.closed or time.monotonic() - self._last < REFRESH_SECONDS:
            return
        if self._spool.tell() >= _GROWN * self._sent:
            self._send()

    def close(self) -> None:
        """Send all of it."""
        if self.closed:
            return
        try:
            if self._spool.tell() != self._sent:
                self._send()
        finally:
            self._spool.close()
            super().close()

    def _send(self) -> None:
        end = self._spool.tell()
        try:
            put(self._address, cast("BinaryIO", self._spool))
        finally:
            self._spool.seek(end)
        self._sent, self._last = end, time.monotonic()


class Segments:
    """A journal: what is added goes into a new object of its own now and then, so that nothing is sent twice.

    The objects lie in a folder of the journal's name. Two processes that add at a time make different ones.

    Parameters
    ----------
    folder
        The journal's address.
    seconds
        How long lines are held back, at most, while others come.
    """

    def __init__(self, folder: Remote, seconds: float = SEGMENT_SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds
        self._lines = bytearray()
        self._since = 0.0

    def add(self, data: bytes) -> None:
        """Add whole lines.

        Raises
        ------
        OSError
            It was time to send them, and it failed; they are kept for the next time.
        """
        if not self._lines:
            self._since = time.monotonic()
        self._lines += data
        if time.monotonic() - self._since >= self._seconds:
            self.send()

    def send(self) -> None:
        """Send what was held back.

        Raises
        ------
        OSError
            It cannot be written.
        """
        if self._lines:
            self._since = time.monotonic()
            now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%f")  # they are read in the order of their names
            name = f"{now}-{secrets.token_hex(4)}.jsonl"
            make_folder(self._folder)
            put(self._folder / name, io.BytesIO(bytes(self._lines)))
            self._lines.clear()


class Adding(io.BytesIO):
    """Lines that go into a journal together, when this is closed."""

    def __init__(self, journal: Segments) -> None:
        super().__init__()
        self._journal = journal

    def close(self) -> None:
        """Hand them over."""
        if not self.closed:
            data = self.getvalue()
            super().close()
            self._journal.add(data)
