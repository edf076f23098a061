"""Directories of the TIFF format, which Exif blocks use as well: read leniently, written afresh.

A directory is a list of entries (tag, type, values) and of directories below it. Entries are kept as the bytes they
are, in the file's byte order, so that tags nobody here has heard of survive. Knows nothing of pixels.

Source: TIFF 6.0 (Adobe, 1992), BigTIFF (Aware Systems, 2007), Exif 3.0 (CIPA DC-008).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Literal, Protocol

ByteOrder = Literal["<", ">"]

EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 34665, 34853, 40965
_POINTERS = (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER)

BYTE, SHORT, LONG, RATIONAL, UNDEFINED = 1, 3, 4, 5, 7
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_BIG_TYPES = (16, 17, 18)

_MOST_ENTRIES = 4096
_DEEPEST = 3


class Bytes(Protocol):
    """Bytes in memory, or those of a file, taken slice by slice."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


class FileBytes:
    """The bytes of an open file, read when they are asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self._size)
        self._file.seek(start)
        return self._file.read(max(0, stop - start))


@dataclass(frozen=True)
class Layout:
    """How directories lie in a file: byte order, and the field widths of classic TIFF or BigTIFF."""

    order: ByteOrder
    big: bool = False

    @property
    def inline(self) -> int:
        """Bytes of values that fit into an entry itself."""
        return 8 if self.big else 4

    @property
    def entry_size(self) -> int:
        """Bytes of an entry."""
        return 20 if self.big else 12

    @property
    def count_size(self) -> int:
        """Bytes of the number of entries that a directory begins with."""
        return 8 if self.big else 2

    def pack(self, code: str, *values: int) -> bytes:
        """Values as `struct` packs them, in this byte order."""
        return struct.pack(self.order + code, *values)

    def unpack(self, code: str, data: Bytes, offset: int) -> tuple[int, ...]:
        """Values as `struct` unpacks them.

        Raises
        ------
        ValueError
            They would lie beyond the end.
        """
        code = self.order + code
        try:
            return struct.unpack(code, data[offset : offset + struct.calcsize(code)])
        except struct.error as error:
            raise ValueError("a directory points outside the file") from error

    @property
    def offset_code(self) -> str:
        """The `struct` code of an offset."""
        return "Q" if self.big else "I"


@dataclass(frozen=True)
class Entry:
    """One tag: its type, and its values as bytes in the directory's order; `place` is where these were read from."""

    tag: int
    type: int
    data: bytes
    place: int = field(default=0, compare=False)

    @property
    def count(self) -> int:
        """How many values."""
        return len(self.data) // _TYPE_SIZES[self.type]

    def numbers(self, order: ByteOrder) -> tuple[int, ...]:
        """The values of an unsigned integer type; of a RATIONAL, numerators and denominators in turn."""
        code = {1: "B", SHORT: "H", LONG: "I", RATIONAL: "II", 13: "I", 16: "Q", 18: "Q"}.get(self.type)
        if code is None:
            return ()
        return struct.unpack(order + code * self.count, self.data)


@dataclass(frozen=True)
class Directory:
    """Entries in ascending order of tags, and the directories below by the tag that points there."""

    entries: tuple[Entry, ...] = ()
    children: tuple[tuple[int, Directory], ...] = ()

    @property
    def size(self) -> int:
        """How many entries it has on disk, those that point to other directories included."""
        return len({entry.tag for entry in self.entries} | {tag for tag, _ in self.children})

    def find(self, tag: int) -> Entry | None:
        """The entry of a tag, if there is one."""
        return next((entry for entry in self.entries if entry.tag == tag), None)

    def child(self, tag: int) -> Directory:
        """The directory below a tag; empty where there is none."""
        return next((child for pointer, child in self.children if pointer == tag), Directory())

    def merged(self, other: Directory) -> Directory:
        """The entries of both; where both have one, ours."""
        known = {entry.tag for entry in self.entries}
        mine = dict(self.children)
        theirs = dict(other.children)
        return Directory(
            self.entries + tuple(entry for entry in other.entries if entry.tag not in known),
            tuple(
                (tag, mine.get(tag, Directory()).merged(theirs.get(tag, Directory())))
                for tag in sorted({*mine, *theirs})
            ),
        )

    def without(self, tags: frozenset[int]) -> Directory:
        """The same less some of its own entries."""
        return replace(self, entries=tuple(entry for entry in self.entries if entry.tag not in tags))


def read_directory(data: Bytes, offset: int, layout: Layout, depth: int = 0) -> tuple[Directory, int]:
    """Read a directory and those below it.

    Parameters
    ----------
    data
        The file, or an Exif block, from its byte-order mark on.
    offset
        Where the directory begins.
    layout
        Byte order and widths.
    depth
        How many directories lie above; those far below are left unread.

    Returns
    -------
    Directory
        What could be read; entries that point outside, or have unknown types, are left out.
    int
        Offset of the directory that follows in the chain; 0 where it ends.

    Raises
    ------
    ValueError
        There is no directory at that place.
    """
    (count,) = layout.unpack("Q" if layout.big else "H", data, offset)
    if count > _MOST_ENTRIES:
        raise ValueError("a directory claims more entries than any has")
    offset += layout.count_size
    entries: list[Entry] = []
    children: list[tuple[int, Directory]] = []
    for place in range(offset, offset + count * layout.entry_size, layout.entry_size):
        try:
            entry = _read_entry(data, place, layout)
        except ValueError:
            continue
        if entry is None:
            continue
        if entry.tag in _POINTERS:
            target = entry.numbers(layout.order)[:1]
            if target and depth < _DEEPEST:
                try:
                    children.append((entry.tag, read_directory(data, target[0], layout, depth + 1)[0]))
                except ValueError:
                    continue
            continue
        entries.append(entry)
    try:
        (following,) = layout.unpack(layout.offset_code, data, offset + count * layout.entry_size)
    except ValueError:
        following = 0
    return Directory(tuple(entries), tuple(children)), following


def _read_entry(data: Bytes, place: int, layout: Layout) -> Entry | None:
    tag, kind = layout.unpack("HH", data, place)
    (count,) = layout.unpack(layout.offset_code, data, place + 4)
    if kind not in _TYPE_SIZES:
        return None
    size = count * _TYPE_SIZES[kind]
    start = place + layout.entry_size - layout.inline
    if size > layout.inline:
        (start,) = layout.unpack(layout.offset_code, data, start)
    if start + size > len(data):
        return None
    return Entry(tag, kind, bytes(data[start : start + size]), start)


def write_directory(directory: Directory, base: int, layout: Layout, following: int = 0) -> bytes:
    """Lay out a directory, its values and the directories below it.

    Parameters
    ----------
    directory
        What to write.
    base
        Offset in the file at which the result will lie; even.
    layout
        Byte order and widths; classic TIFF leaves out entries of BigTIFF's types.
    following
        Offset of the next directory in the chain.
    """
    kept = {entry.tag: entry for entry in directory.entries if layout.big or entry.type not in _BIG_TYPES}
    tags = sorted({*kept, *(tag for tag, _ in directory.children)})
    values = bytearray()
    values_at = base + layout.count_size + len(tags) * layout.entry_size + struct.calcsize("=" + layout.offset_code)
    table = bytearray(layout.pack("Q" if layout.big else "H", len(tags)))
    children = dict(directory.children)
    for tag in tags:
        values += bytes(len(values) % 2)
        place = values_at + len(values)
        if tag in children:
            values += write_directory(children[tag], place, layout)
            table += layout.pack("HH" + layout.offset_code * 2, tag, LONG if not layout.big else 18, 1, place)
            continue
        entry = kept[tag]
        table += layout.pack("HH" + layout.offset_code, tag, entry.type, entry.count)
        if len(entry.data) <= layout.inline:
            table += entry.data.ljust(layout.inline, b"\0")
        else:
            table += layout.pack(layout.offset_code, place)
            values += entry.data
    table += layout.pack(layout.offset_code, following)
    values += bytes(len(values) % 2)
    return bytes(table + values)
