"""What a film says of itself: which of it goes along, and where QuickTime keeps what FFmpeg does not write.

FFmpeg writes the tags that iTunes and QuickTime know into MP4 and MOV, or, if asked to, all tags as QuickTime's
metadata keys; then the former, which players show, are missing, and cover art too. So keys are added here to what it
has written: a box `meta` in `moov`, with handler `mdta`, `keys` and `ilst`. Source: Apple's QuickTime File Format,
"Metadata".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import BinaryIO

_CONTAINER_KEYS = {
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "duration",
    "handler_name",
    "vendor_id",
}
"""Keys of metadata that the new container writes itself."""

_STATISTICS_PREFIXES = ("number_of_", "_statistics_", "bps", "duration-")
"""Keys under which mkvmerge notes a track's size; they are not true of the new film."""

_UTF8 = 1
"""QuickTime's code of a value's type."""

_LONG_BOX = 1
"""Size of a box whose true size follows its type in 64 bits."""

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)$")


def own_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """What of a file's or stream's metadata is true of the new film as well."""
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in _CONTAINER_KEYS and not key.lower().startswith(_STATISTICS_PREFIXES)
    }


def lost_keys(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Keys that are not there any more, whatever their case; an undetermined language is none."""
    there = {key.lower() for key in found}
    return [
        key
        for key, value in wanted.items()
        if key.lower() not in there and value and (key.lower(), value) != ("language", "und")
    ]


def later_timecode(text: str, rate: Fraction, frames: int) -> str:
    """The timecode some frames later; as it was where it is none. Dropped numbers: SMPTE ST 12-1, 5.2.2."""
    found = _TIMECODE.match(text)
    if not found or not frames:
        return text
    hours, minutes, seconds, mark, number = found.groups()
    base = round(rate)
    drops = base // 15 if mark != ":" else 0  # 2 of 30, 4 of 60
    total_minutes = int(hours) * 60 + int(minutes)
    count = (total_minutes * 60 + int(seconds)) * base + int(number) + frames
    count -= drops * (total_minutes - total_minutes // 10)
    if drops:
        tens, rest = divmod(count, base * 600 - 9 * drops)
        count += 9 * drops * tens
        if rest >= base * 60:
            count += drops * ((rest - base * 60) // (base * 60 - drops) + 1)
    whole, number_of_frame = divmod(count, base)
    whole %= 24 * 3600
    clock = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{clock}{mark}{number_of_frame:02}"


def append_keys(file: BinaryIO, metadata: Mapping[str, str], *, full_box: bool) -> bool:
    """Add metadata to an MP4 or MOV whose index is its last box.

    Parameters
    ----------
    file
        Open for reading and writing.
    metadata
        Keys and values.
    full_box
        Whether `meta` has a version, as in MP4; it has none in MOV.

    Returns
    -------
    bool
        False where the file is made otherwise; nothing is written then.
    """
    file.seek(0, 2)
    length = file.tell()
    place = 0
    while place + 8 <= length:
        file.seek(place)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == _LONG_BOX:
            (size,) = struct.unpack(">Q", file.read(8))
        elif kind == b"moov" and size and place + size == length:
            box = _meta_box(metadata, full_box=full_box)
            file.seek(length)
            file.write(box)
            file.seek(place)
            file.write(struct.pack(">I", size + len(box)))
            return True
        if size < 8:
            return False
        place += size
    return False


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _meta_box(metadata: Mapping[str, str], *, full_box: bool) -> bytes:
    names = b"".join(_box(b"mdta", key.encode("utf-8", "replace")) for key in metadata)
    values = b"".join(
        _box(struct.pack(">I", number), _box(b"data", struct.pack(">II", _UTF8, 0) + value.encode("utf-8", "replace")))
        for number, value in enumerate(metadata.values(), start=1)
    )
    handler = _box(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    keys = _box(b"keys", struct.pack(">II", 0, len(metadata)) + names)
    return _box(b"meta", (bytes(4) if full_box else b"") + handler + keys + _box(b"ilst", values))
