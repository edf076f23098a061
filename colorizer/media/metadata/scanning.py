"""XMP packets found in the bytes of a file, whatever its format, while these are read for something else.

The packets of JPEG, PNG, TIFF, WebP, JPEG 2000, AVIF and HEIC lie in the file as they are. XMP provides for programs
that do not know a format and scan for packets ("XMP Specification Part 1", 2012, 7.3.2); so a whole archive's marks are
read as fast as its bytes, without decoding a pixel. Where JPEG keeps a packet in two parts, the first has the mark.
"""

from __future__ import annotations

from collections.abc import Iterator

_BEGIN, _END = b"<x:xmpmeta", b"</x:xmpmeta>"

LARGEST = 16 << 20
"""Bytes; what is longer is no packet, but something that begins like one."""


class PacketScanner:
    """Finds packets in pieces of a file, given one after another."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The packets that are complete with this piece, each from its root element's begin to its end."""
        held = self._kept + data
        place = 0
        while (begin := held.find(_BEGIN, place)) >= 0:
            end = held.find(_END, begin)
            if end < 0:
                break
            place = end + len(_END)
            yield held[begin:place]
        if begin < 0 or len(held) - begin > LARGEST:
            self._kept = held[max(place, len(held) - len(_BEGIN) + 1) :]
        else:
            self._kept = held[begin:]
