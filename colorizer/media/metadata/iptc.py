"""Photoshop's image resources, which carry IPTC captions in JPEG files, and the form in which PNG carries them.

Source: Adobe Photoshop File Formats Specification, "Image Resource Blocks"; IPTC-IIM 4.2.
"""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Iterator

SIGNATURE = b"Photoshop 3.0\0"
_BLOCK = b"8BIM"
_CAPTIONS = 0x0404
_STALE = frozenset({0x0409, 0x040C, 0x040F, 0x0422, 0x0423, 0x0424})
"""Thumbnails, ICC profile, Exif and XMP: said elsewhere in the file, or no longer true."""

_RAW_PROFILE = re.compile(rb"\s*(?:iptc|exif|app1|xmp|8bim)\s+(\d+)\s+([0-9a-fA-F\s]*)$", re.IGNORECASE)
_HEX_PER_LINE = 72


def _resources(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each resource: number, content, and the block as it is; stops where the data make no sense."""
    place = 0
    while data[place : place + 4] == _BLOCK and place + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, place + 4)
        start = place + 6 + (1 + data[place + 6] + 1) // 2 * 2
        if start + 4 > len(data):
            return
        (size,) = struct.unpack_from(">I", data, start)
        end = start + 4 + size
        if end > len(data):
            return
        yield number, data[start + 4 : end], data[place:end] + bytes(size % 2)
        place = end + size % 2


def captions_in(photoshop: bytes) -> bytes:
    """The IPTC-IIM datasets among the resources; empty where there are none."""
    return next((content for number, content, _ in _resources(photoshop) if number == _CAPTIONS), b"")


def updated(photoshop: bytes) -> bytes:
    """The resources less those that no longer hold for the coloured picture."""
    return b"".join(block for number, _, block in _resources(photoshop) if number not in _STALE)


def without_captions(photoshop: bytes) -> bytes:
    """The resources less their captions, for formats that carry these elsewhere."""
    return b"".join(block for number, _, block in _resources(photoshop) if number != _CAPTIONS)


def with_captions(photoshop: bytes, captions: bytes) -> bytes:
    """The resources, with captions from elsewhere where they hold none themselves."""
    if not captions or captions_in(photoshop):
        return photoshop
    return photoshop + _BLOCK + struct.pack(">HHI", _CAPTIONS, 0, len(captions)) + captions + bytes(len(captions) % 2)


def to_raw_profile(kind: str, content: bytes) -> bytes:
    """The text by which PNG writers since ImageMagick carry foreign metadata."""
    digits = binascii.hexlify(content)
    lines = b"\n".join(digits[i : i + _HEX_PER_LINE] for i in range(0, len(digits), _HEX_PER_LINE))
    return b"\n%s\n%8d\n%s\n" % (kind.encode(), len(content), lines)


def from_raw_profile(text: bytes) -> bytes:
    """What such a text carries; empty where it makes no sense."""
    found = _RAW_PROFILE.match(text)
    if found is None:
        return b""
    try:
        return binascii.unhexlify(b"".join(found.group(2).split()))
    except binascii.Error:
        return b""
