"""Reading what lies elsewhere: into memory up to a bound, and beyond it by ranges.

Small objects, which nearly all pictures are, come with one request and without a question before it. Of a larger one
the rest is asked for in ranges as decoders want it, so that nothing is copied to a disk. A web server need not serve
ranges, so what is read from one goes into memory, and beyond the bound into a temporary file without a name.
"""

from __future__ import annotations

import errno
import io
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from colorizer.io.address import WEB, Remote
from colorizer.io.remote.systems import file_system, path_of
from colorizer.io.remote.trouble import patiently, status_of
from colorizer.io.storage import StorageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

IN_MEMORY = 64 << 20
"""Bytes of an object that are held in memory while it is read."""

PEEKED = 256 << 10
"""Bytes that are asked for first where little will be read: headers of pictures mostly lie in them."""

RANGE = 16 << 20
"""Bytes of a larger object that are asked for, and held, at a time; fewer where little will be read."""

SPOOLED = 8 << 30
"""Bytes of a file from a web server that are copied to a temporary file, at most."""

_CHUNK = 1 << 20


class Spool(tempfile.SpooledTemporaryFile[bytes]):
    """In memory up to a bound, then in a temporary file without a name; before Python 3.11 it said not what it can."""

    @property
    def name(self) -> str:
        """It has none, whatever its class says.

        Raises
        ------
        AttributeError
            Always.
        """
        raise AttributeError("a file in memory has no name")

    def readable(self) -> bool:
        """It is."""
        return True

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True


def opened(address: Remote, *, peek: bool = False) -> BinaryIO:
    """An object, open for reading from any place in it.

    Raises
    ------
    OSError
        It cannot be read; see `trouble.patiently`.
    """
    system = file_system(address)
    if address.scheme in WEB:
        return patiently(address, lambda: _streamed(system, address, PEEKED if peek else None))
    path = path_of(system, address)
    wanted = PEEKED if peek else IN_MEMORY
    head = patiently(address, lambda: _head(system, path, wanted))
    if len(head) < wanted:
        return io.BytesIO(head)
    return io.BufferedReader(_Ranges(system, path, address, head, PEEKED if peek else RANGE))


def _head(system: AbstractFileSystem, path: str, wanted: int) -> bytes:
    try:
        return cast("bytes", system.cat_file(path, start=0, end=wanted))
    except FileNotFoundError:
        raise
    except Exception as error:
        # no range of an empty object can be served
        if status_of(error) in (400, 416, None) and system.info(path).get("size") == 0:
            return b""
        raise


def _streamed(system: AbstractFileSystem, address: Remote, most: int | None) -> BinaryIO:
    """What a web server sends, or its begin; by one request, since what it says of a file beforehand is often wrong."""
    spool = Spool(IN_MEMORY)
    try:
        with suppress(_EnoughError):
            system.get_file(address.url, _Filled(spool, most), chunk_size=_CHUNK)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return cast("BinaryIO", spool)


class _EnoughError(Exception):
    """All that was wanted is there."""


class _Filled:
    """A file to be filled by fsspec, up to a bound."""

    def __init__(self, spool: Spool, most: int | None) -> None:
        self._spool = spool
        self._most = most

    def read(self) -> bytes:
        return b""  # fsspec takes for a file what can be read, closed and told the place of

    def close(self) -> None:
        pass

    def tell(self) -> int:
        return self._spool.tell()

    def write(self, data: bytes) -> int:
        self._spool.write(data)
        if self._most is not None and self._spool.tell() >= self._most:
            raise _EnoughError
        if self._spool.tell() > SPOOLED:
            reason = f"it is larger than {SPOOLED >> 30} GiB"
            raise StorageError(errno.EFBIG, reason, "copy it to this machine, and name it there")
        return len(data)


class _Ranges(io.RawIOBase):
    """A large object: its begin, which is there already, and the rest by ranges."""

    def __init__(self, system: AbstractFileSystem, path: str, address: Remote, head: bytes, block: int) -> None:
        super().__init__()
        self._address = address
        self._head = head
        self._place = 0
        # with a tag of the object's content in each request, where the store knows them: no two versions get mixed
        self._rest: Any = patiently(address, lambda: system.open(path, "rb", block_size=block, cache_type="readahead"))
        self._size = int(self._rest.size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._from(self._place, min(self._place + len(view), self._size))
        view[: len(data)] = data
        self._place += len(data)
        return len(data)

    def readall(self) -> bytes:
        data = self._from(self._place, self._size)
        self._place += len(data)
        return data

    def close(self) -> None:
        if not self.closed:
            self._rest.close()
        super().close()

    def _from(self, start: int, end: int) -> bytes:
        if end <= len(self._head):
            return self._head[start:end]
        begin = self._head[start:]
        first = max(start, len(self._head))

        def read() -> bytes:
            self._rest.seek(first)
            data = cast("bytes", self._rest.read(end - first))
            if len(data) != end - first:
                raise ConnectionError("fewer bytes than asked for")
            return data

        return begin + patiently(self._address, read)
