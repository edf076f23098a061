"""Exif blocks: what in them must change when a picture is turned upright and coloured, and nothing else.

A block is patched where it lies, byte for byte, rather than parsed and written afresh: makers' notes hold offsets that
only they understand. The thumbnail, which shows the picture before, is dropped.

Source: Exif 3.0 (CIPA DC-008).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from colorizer.media.metadata.ifd import (
    EXIF_POINTER,
    INTEROP_POINTER,
    LONG,
    RATIONAL,
    SHORT,
    ByteOrder,
    Directory,
    Entry,
    Layout,
    read_directory,
    write_directory,
)

UPRIGHT = 1
_FIRST_TRANSPOSING = 5  # orientations 5 to 8 swap rows and columns
ORIENTATION = 0x0112
_WIDTH, _LENGTH = 0x0100, 0x0101
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
INCH, CENTIMETRE = 2, 3
CM_PER_INCH = 2.54
_EXIF_WIDTH, _EXIF_LENGTH = 0xA002, 0xA003
_COLOR_SPACE, _COLOR_SPACE_SRGB = 0xA001, 1
_INTEROP_INDEX, _ADOBE_RGB, _SRGB = 0x0001, b"R03\0", b"R98\0"
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202

_HEADER_SIZE = 8
JPEG_PREFIX = b"Exif\0\0"


def layout_of(block: bytes) -> tuple[Layout, int]:
    """Byte order, and offset of the first directory, of a block.

    Raises
    ------
    ValueError
        It is no Exif block.
    """
    orders: dict[bytes, ByteOrder] = {b"II*\0": "<", b"MM\0*": ">"}
    order = orders.get(block[:4])
    if order is None:
        raise ValueError("an Exif block without byte-order mark")
    layout = Layout(order)
    return layout, layout.unpack("I", block, 4)[0]


def read_exif(block: bytes) -> tuple[Directory, ByteOrder]:
    """The first directory of a block, with those below it; empty where the block makes no sense."""
    try:
        layout, offset = layout_of(block)
        return read_directory(block, offset, layout)[0], layout.order
    except ValueError:
        return Directory(), "<"


def write_exif(directory: Directory, order: ByteOrder) -> bytes:
    """A block with one directory and those below it; no bytes for nothing."""
    if not directory.entries and not directory.children:
        return b""
    layout = Layout(order)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + layout.pack("I", _HEADER_SIZE) + write_directory(directory, _HEADER_SIZE, layout)


def orientation_of(block: bytes) -> int:
    """Orientation, 1 to 8; 1 where the block says nothing sensible."""
    directory, order = read_exif(block)
    entry = directory.find(ORIENTATION)
    value = entry.numbers(order)[:1] if entry else ()
    return value[0] if value and 1 <= value[0] <= 8 else UPRIGHT


def resolution_of(directory: Directory, order: ByteOrder) -> tuple[float, float] | None:
    """Pixels per inch, horizontally and vertically, where a directory states them with a unit of length."""
    unit = directory.find(RESOLUTION_UNIT)
    factor = {INCH: 1.0, CENTIMETRE: CM_PER_INCH}.get((unit.numbers(order) if unit else (INCH,))[0])
    values = []
    for tag in (X_RESOLUTION, Y_RESOLUTION):
        entry = directory.find(tag)
        if entry is None or entry.type != RATIONAL or entry.count != 1 or factor is None:
            return None
        numerator, denominator = entry.numbers(order)
        if not numerator or not denominator:
            return None
        values.append(numerator / denominator * factor)
    return values[0], values[1]


def updated(block: bytes, *, orientation: int | None, to_srgb: bool) -> bytes:
    """The block of the same picture turned upright: orientation reset, sizes swapped if need be, no thumbnail.

    Parameters
    ----------
    block
        From the byte-order mark on. What cannot be understood comes back as it is.
    orientation
        What was applied to the pixels; None: nothing was, and what the block says stays.
    to_srgb
        The pixels have become sRGB: the colour space said so far no longer holds.
    """
    try:
        layout, offset = layout_of(block)
        first, following = read_directory(block, offset, layout)
    except ValueError:
        return block
    patched = bytearray(_without_thumbnail(block, layout, offset, first, following))
    exif = first.child(EXIF_POINTER)

    def put(entry: Entry | None, value: int) -> None:
        if entry is not None and entry.type in (SHORT, LONG) and entry.count == 1:
            code = layout.order + ("H" if entry.type == SHORT else "I")
            if value < 1 << 8 * struct.calcsize(code):
                struct.pack_into(code, patched, entry.place, value)

    if orientation is not None:
        put(first.find(ORIENTATION), UPRIGHT)
    if orientation is not None and orientation >= _FIRST_TRANSPOSING:
        for directory, across, down in (
            (first, _WIDTH, _LENGTH),
            (exif, _EXIF_WIDTH, _EXIF_LENGTH),
            (first, X_RESOLUTION, Y_RESOLUTION),
        ):
            one, other = directory.find(across), directory.find(down)
            if one is None or other is None:
                continue
            if one.type == other.type and len(one.data) == len(other.data):
                patched[one.place : one.place + len(one.data)] = other.data
                patched[other.place : other.place + len(other.data)] = one.data
            else:
                width, length = one.numbers(layout.order), other.numbers(layout.order)
                if len(width) == len(length) == 1:
                    put(one, length[0])
                    put(other, width[0])
    if to_srgb:
        put(exif.find(_COLOR_SPACE), _COLOR_SPACE_SRGB)
        index = exif.child(INTEROP_POINTER).find(_INTEROP_INDEX)
        if index is not None and index.data == _ADOBE_RGB:
            patched[index.place : index.place + len(_SRGB)] = _SRGB
    return bytes(patched)


def _without_thumbnail(block: bytes, layout: Layout, offset: int, first: Directory, following: int) -> bytes:
    """Cut the chain after the first directory, and the thumbnail's bytes where nothing else lies behind them."""
    if not following:
        return block
    link = offset + layout.count_size + layout.unpack("H", block, offset)[0] * layout.entry_size
    cut = bytearray(block)
    struct.pack_into(layout.order + "I", cut, link, 0)
    try:
        second, _ = read_directory(block, following, layout)
    except ValueError:
        return bytes(cut)
    rest_ends = max([link + 4, *(entry.place + len(entry.data) for entry in _all_entries(first))])
    begins = [following, *(entry.place for entry in second.entries)]
    place, length = second.find(_THUMBNAIL_OFFSET), second.find(_THUMBNAIL_LENGTH)
    if place is not None and length is not None:
        start, size = place.numbers(layout.order)[:1], length.numbers(layout.order)[:1]
        if start and size and rest_ends <= start[0] <= len(cut):
            begins += start
            end = min(start[0] + size[0], len(cut))
            cut[start[0] : end] = bytes(end - start[0])
    return bytes(cut[: min(begins)] if min(begins) >= rest_ends else cut)


def _all_entries(directory: Directory) -> Iterator[Entry]:
    yield from directory.entries
    for _, child in directory.children:
        yield from _all_entries(child)
