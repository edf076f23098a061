"""The storage of all addresses: paths go to the file system, what lies elsewhere to fsspec.

`ANYWHERE` is what readers and writers take unless they are given another. A job has one of its own (`of_job`), which
remembers what it has listed, and may read ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from colorizer.errors import Remedy
from colorizer.io.address import Address, Remote
from colorizer.io.storage import LOCAL, Entry, Stamp, Storage

if TYPE_CHECKING:
    from colorizer.io.remote.storage import RemoteStorage


class AnyStorage:
    """A `Storage` of all addresses, see there.

    Parameters
    ----------
    remote
        Who speaks to servers; None: one that is made when it is needed.
    remembers
        Whether that one remembers what it has seen of them.
    """

    def __init__(self, remote: RemoteStorage | None = None, *, remembers: bool = False) -> None:
        self._remote = remote
        self._remembers = remembers

    def open_read(self, address: Address, *, peek: bool = False) -> BinaryIO:
        """See `Storage`."""
        return self._of(address).open_read(address, peek=peek)

    def put_whole(self, address: Address, *, remedy: Remedy | str | None = None) -> AbstractContextManager[BinaryIO]:
        """See `Storage`."""
        return self._of(address).put_whole(address, remedy=remedy)

    def open_append(self, address: Address, *, replace: bool = False) -> BinaryIO:
        """See `Storage`."""
        return self._of(address).open_append(address, replace=replace)

    def lines(self, address: Address) -> Iterator[bytes]:
        """See `Storage`."""
        return self._of(address).lines(address)

    def stamp(self, address: Address) -> Stamp | None:
        """See `Storage`."""
        return self._of(address).stamp(address)

    def is_folder(self, address: Address) -> bool:
        """See `Storage`."""
        return self._of(address).is_folder(address)

    def make_folder(self, folder: Address) -> None:
        """See `Storage`."""
        self._of(folder).make_folder(folder)

    def identity(self, address: Address) -> Hashable | None:
        """See `Storage`."""
        return self._of(address).identity(address)

    def matching(self, pattern: Address) -> list[Address]:
        """See `Storage`."""
        return self._of(pattern).matching(pattern)

    def walk(
        self, folder: Address, enters: Callable[[Entry[Address]], bool]
    ) -> Iterator[tuple[Address, Sequence[Entry[Address]]]]:
        """See `Storage`."""
        return self._of(folder).walk(folder, enters)

    def look_up(self, addresses: Iterable[Address]) -> None:
        """Ask for those that lie elsewhere."""
        remote = [each for each in addresses if isinstance(each, Remote)]
        if remote:
            self._elsewhere().look_up(remote)

    def survey(self, folder: Address) -> None:
        """List it, if it is elsewhere."""
        if isinstance(folder, Remote):
            self._elsewhere().survey(folder)

    def prefetch(self, address: Address) -> None:
        """See `Storage`."""
        self._of(address).prefetch(address)

    def note(self, address: Address, stamp: Stamp) -> None:
        """See `Storage`."""
        if isinstance(address, Remote):
            self._elsewhere().note(address, stamp)

    def forget(self, address: Address) -> None:
        """See `Storage`."""
        if isinstance(address, Remote):
            self._elsewhere().forget(address)

    def close(self) -> None:
        """See `Storage`."""
        if self._remote is not None:
            self._remote.close()

    def for_workers(self) -> Storage:
        """See `Storage`."""
        if self._remote is None and not self._remembers:
            return self
        return AnyStorage(None if self._remote is None else self._remote.for_workers())

    def _of(self, address: Address) -> Storage:
        # either takes the addresses of its own kind alone
        return cast("Storage", LOCAL if isinstance(address, Path) else self._elsewhere())

    def _elsewhere(self) -> RemoteStorage:
        if self._remote is None:
            from colorizer.io.remote.listings import Listings
            from colorizer.io.remote.storage import RemoteStorage

            self._remote = RemoteStorage(Listings() if self._remembers else None)
        return self._remote


ANYWHERE = AnyStorage()
"""The storage of all addresses, for those who are given no other."""


def of_job(addresses: Sequence[Address | None], *, ahead: bool) -> Storage:
    """The storage for one job, which remembers what it has seen of servers.

    Parameters
    ----------
    addresses
        Inputs and outputs, as far as they are known.
    ahead
        Whether what is to be read lies elsewhere, and those who read it are on this machine: then it is read ahead.
    """
    if not ahead or not any(isinstance(each, Remote) for each in addresses):
        return AnyStorage(remembers=True)
    from colorizer.io.remote.ahead import Ahead
    from colorizer.io.remote.listings import Listings
    from colorizer.io.remote.reading import opened
    from colorizer.io.remote.storage import RemoteStorage

    return AnyStorage(RemoteStorage(Listings(), Ahead(opened)))
