"""The storage of what lies elsewhere: what `Storage` promises, of addresses that fsspec knows."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timezone
from typing import Any, BinaryIO, cast

from colorizer.errors import InputError, OutputError, Remedy, shown
from colorizer.io.address import OBJECT_STORES, WEB, Remote
from colorizer.io.remote.ahead import Ahead, Fetched
from colorizer.io.remote.listings import Listings
from colorizer.io.remote.reading import opened
from colorizer.io.remote.systems import file_system, path_of
from colorizer.io.remote.trouble import CREDENTIALS, is_refused, patiently
from colorizer.io.remote.writing import Adding, Growing, Segments, make_folder, put_whole
from colorizer.io.storage import Entry, Kind, Stamp, StorageError

_TAGS = ("ETag", "etag", "md5Hash", "content_md5")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
_LISTED_FROM = 8
"""Files of a folder, from which on a listing takes less than asking for each."""
_ASKED_TOGETHER = 16
_READ_TOGETHER = 32
"""Segments of a journal that are asked for at a time."""


class RemoteStorage:
    """Servers and object stores; its methods do what those of `Storage` do, with remote addresses.

    Attributes
    ----------
    listings
        What is remembered, for the time of a job; None: nothing is.
    ahead
        Who reads ahead, where somebody does.
    fetched
        Where those who work find what was read ahead.
    """

    def __init__(self, listings: Listings | None = None, ahead: Ahead | None = None) -> None:
        self.listings = listings
        self.ahead = ahead
        self.fetched: Fetched | None = None if ahead is None else ahead.fetched
        self._journals: dict[Remote, Segments] = {}

    def for_workers(self) -> RemoteStorage:
        """One that remembers nothing, and finds what was read ahead."""
        workers = RemoteStorage()
        workers.fetched = self.fetched
        return workers

    def open_read(self, address: Remote, *, peek: bool = False) -> BinaryIO:
        """An object, open for reading; see `reading.opened`."""
        ready = None if self.fetched is None else self.fetched.opened(address)
        return ready or opened(address, peek=peek)

    def put_whole(self, address: Remote, *, remedy: Remedy | str | None = None) -> AbstractContextManager[BinaryIO]:
        """A new object; see `writing.put_whole`."""
        return put_whole(address, remedy=remedy)

    def open_append(self, address: Remote, *, replace: bool = False) -> BinaryIO:
        """A file to add lines to; see `writing.Growing` and `writing.Segments`.

        Raises
        ------
        StorageError
            It cannot be written.
        """
        if address.scheme in WEB:
            raise StorageError(errno.EROFS, "web addresses are only read", "name a file on this machine")
        if replace:
            return cast("BinaryIO", Growing(address))
        if address not in self._journals:
            self._journals[address] = Segments(address)
        return cast("BinaryIO", Adding(self._journals[address]))

    def lines(self, address: Remote) -> Iterator[bytes]:
        """The lines of an object, such as one that was copied there, and of the segments in a folder of its name."""
        # in a store an object may have the name of a folder; elsewhere it is one of the two
        if address.scheme in OBJECT_STORES or not self.is_folder(address):
            with suppress(FileNotFoundError), opened(address) as file:
                yield from file
        system = file_system(address)
        found = self._listed(address)
        names = sorted(str(info["name"]) for info in found if info.get("type") == "file")
        for begin in range(0, len(names), _READ_TOGETHER):
            together = names[begin : begin + _READ_TOGETHER]
            contents: Any = patiently(address, lambda paths=together: system.cat(paths))  # type: ignore[misc]
            for name in together:
                yield from (contents[name] if isinstance(contents, dict) else contents).splitlines()

    def stamp(self, address: Remote) -> Stamp | None:
        """Size, time and tag, by a listing where there is one."""
        if self.listings is not None and self.listings.knows(address):
            return self.listings.stamp(address)
        info = self._info(address)
        found = None if info is None or info.get("type") == "directory" else _stamp(info)
        if self.listings is not None:
            self.listings.add(address, found)
        return found

    def is_folder(self, address: Remote) -> bool:
        """Whether something lies below it; a web address never is one."""
        if address.scheme in WEB:
            return False
        if not address.name:
            return True
        info = self._info(address)
        return info is not None and info.get("type") == "directory"

    def make_folder(self, folder: Remote) -> None:
        """Make it, where there are real folders."""
        make_folder(folder)

    def identity(self, address: Remote) -> Hashable | None:
        """The address: there are no two names of one object."""
        return address

    def matching(self, address: Remote) -> list[Remote]:
        """What a pattern means; of web addresses there are none, since a question mark is part of them."""
        if address.scheme in WEB or not glob.has_magic(address.place) or self.stamp(address) is not None:
            return [address]
        system = file_system(address)
        found: Any = patiently(address, lambda: system.glob(path_of(system, address), detail=True))
        above = next(folder for folder in address.parents if not glob.has_magic(folder.place))
        begin = len(path_of(system, above).rstrip("/")) + 1
        matches = []
        for path, info in sorted(found.items()):
            match = above / str(path)[begin:].rstrip("/")
            matches.append(match)
            if self.listings is not None and info.get("type") == "file":
                self.listings.add(match, _stamp(info))
        return matches

    def walk(
        self, folder: Remote, enters: Callable[[Entry[Remote]], bool]
    ) -> Iterator[tuple[Remote, Sequence[Entry[Remote]]]]:
        """A folder and those below it; each is listed once, and remembered.

        Raises
        ------
        InputError
            A folder cannot be read.
        """
        pending = [folder]
        while pending:
            current = pending.pop()
            try:
                entries = self._entries(current)
                if current == folder and not entries:
                    self._check_bucket(folder)
            except OSError as error:
                remedy = getattr(error, "remedy", "check the address")
                reason = f"{shown(current)}: the folder cannot be read ({error.strerror})"
                raise InputError(reason, remedy=remedy) from error
            yield current, entries
            below = [entry.address for entry in entries if entry.kind is Kind.FOLDER and enters(entry)]
            pending += reversed(below)

    def look_up(self, addresses: Iterable[Remote]) -> None:
        """Learn the stamps of many files at a time: by a listing where several lie in a folder, else side by side."""
        if self.listings is None:
            return
        folders: dict[Remote, list[Remote]] = {}
        for address in addresses:
            if not self.listings.knows(address):
                folders.setdefault(address.parent, []).append(address)
        alone: list[Remote] = []
        for folder, files in folders.items():
            if len(files) < _LISTED_FROM or folder.scheme in WEB:
                alone += files
                continue
            try:
                self._entries(folder)
            except StorageError:
                alone += files  # one may be allowed to read what one may not list
        with ThreadPoolExecutor(_ASKED_TOGETHER, "look-up") as threads:
            list(threads.map(self._learn, alone))

    def _learn(self, address: Remote) -> None:
        with suppress(StorageError):  # its turn comes to say so
            self.stamp(address)

    def survey(self, folder: Remote) -> None:
        """List a tree of outputs, once, and remember it.

        Raises
        ------
        OutputError
            There is no such bucket, or the server does not answer.
        """
        if self.listings is None or folder.scheme in WEB:
            return
        try:
            pending = [folder]
            while pending:
                current = pending.pop()
                entries = self._entries(current)
                if current == folder and not entries:
                    self._check_bucket(folder)
                folders = [entry for entry in entries if entry.kind is Kind.FOLDER]
                pending += [entry.address for entry in folders if not entry.name.startswith(".")]  # the journal's
        except OSError as error:
            if is_refused(error):
                return  # one may be allowed to write and to read without being allowed to list: each file is asked for
            remedy = getattr(error, "remedy", Remedy.ANOTHER_FOLDER)
            raise OutputError(f"{shown(folder)}: cannot be written to ({error.strerror})", remedy=remedy) from error
        self.listings.add_tree(folder)

    def prefetch(self, address: Remote) -> None:
        """Begin to fetch it, if somebody reads ahead, and its size is known to be small enough."""
        if self.ahead is None or self.listings is None or not self.listings.knows(address):
            return
        stamp = self.listings.stamp(address)
        if stamp is not None:
            self.ahead.begin(address, stamp.size)

    def note(self, address: Remote, stamp: Stamp) -> None:
        """Remember what was written."""
        if self.listings is not None:
            self.listings.add(address, stamp)

    def forget(self, address: Remote) -> None:
        """Remove what was read ahead."""
        if self.ahead is not None:
            self.ahead.end(address)

    def close(self) -> None:
        """Send the rest of what was added to journals, and remove all that was read ahead."""
        if self.ahead is not None:
            self.ahead.close()
        for journal in self._journals.values():
            with suppress(OSError):  # a journal that cannot be written is done without
                journal.send()

    def _check_bucket(self, folder: Remote) -> None:
        """Raise StorageError where an empty folder's bucket is not there either; one may not be allowed to ask."""
        if folder.scheme not in OBJECT_STORES - {"memory"}:
            return
        bucket = Remote(folder.scheme, folder.root, folder.user)
        system = file_system(bucket)
        try:
            patiently(bucket, lambda: system.info(path_of(system, bucket)))
        except FileNotFoundError:
            raise StorageError(
                errno.ENOENT, f"there is no bucket {bucket.root}", "create it first, or name another"
            ) from None
        except StorageError as error:
            if not is_refused(error):
                raise

    def _info(self, address: Remote) -> dict[str, Any] | None:
        system = file_system(address)
        path = path_of(system, address)
        try:
            return cast("dict[str, Any]", patiently(address, lambda: system.info(path)))
        except FileNotFoundError:
            return None
        except StorageError as error:
            if error.errno == errno.EACCES and error.remedy == CREDENTIALS and not _lacks_credentials(error):
                return None  # what a store says of names that are not there to those who may not list them
            raise

    def _listed(self, folder: Remote) -> list[dict[str, Any]]:
        """What lies in a folder; empty where nothing does."""
        if folder.scheme in WEB:
            raise StorageError(errno.ENOSYS, "the web has no folders that can be listed", "name each picture")
        system = file_system(folder)
        path = path_of(system, folder)
        try:
            return cast("list[dict[str, Any]]", patiently(folder, lambda: system.ls(path, detail=True)))
        except FileNotFoundError:
            return []

    def _entries(self, folder: Remote) -> list[Entry[Remote]]:
        """What stands in a folder, by name; remembered."""
        own = path_of(file_system(folder), folder).rstrip("/")
        stamps: dict[str, Stamp] = {}
        kinds: dict[str, Kind] = {}
        for info in self._listed(folder):
            path = str(info["name"]).rstrip("/")
            name = path.rpartition("/")[2]
            if path == own or not name:
                continue  # the mark that some programs leave for a folder, or a name that ends in two slashes
            if info.get("type") == "directory":
                kinds.setdefault(name, Kind.FOLDER if _is_safe(name) else Kind.SPECIAL)
            elif not str(info["name"]).endswith("/"):
                kinds[name] = Kind.FILE if _is_safe(name) else Kind.SPECIAL
                stamps[name] = _stamp(info)
        if self.listings is not None:
            self.listings.add_folder(folder, stamps)
        return [Entry(folder / name, name, kinds[name]) for name in sorted(kinds)]


def _is_safe(name: str) -> bool:
    """Whether a file on this machine could be called so: what stands in a store is anybody's choice."""
    separators = "/\\:" if os.name == "nt" else "/"
    return name not in (".", "..") and not any(character in name for character in separators + "\0")


def _stamp(info: dict[str, Any]) -> Stamp:
    size = info.get("size")
    tag = next((str(info[name]).strip('"') for name in _TAGS if info.get(name)), "")
    return Stamp(int(size or 0), _time(next((info[name] for name in _TIMES if info.get(name)), None)), tag)


def _time(value: Any) -> int:
    """In nanoseconds, of whole seconds: a listing has more of them than an answer's header."""
    if isinstance(value, str):
        text = re.sub(r"Z$", "+00:00", value)
        try:
            value = datetime.fromisoformat(re.sub(r"\.\d+", "", text))
        except ValueError:
            return 0
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    return int(value) * 1_000_000_000 if isinstance(value, int | float) else 0


def _lacks_credentials(error: StorageError) -> bool:
    return "no credentials" in str(error.strerror)
