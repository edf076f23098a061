"""The boxes of which JPEG 2000, AVIF and HEIC files consist: a size, a type of four letters, content.

Source: ITU-T T.800 annex I.4, ISO/IEC 14496-12 section 4.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SIZE_IN_64_BITS, _TO_THE_END = 1, 0


def boxes(data: bytes, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type of each box, and where its content begins and ends; no more where one makes no sense."""
    while place + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, place)
        start = place + 8
        if size == _SIZE_IN_64_BITS and start + 8 <= end:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = end if size == _TO_THE_END else place + size
        if not start <= stop <= end:
            return
        yield kind, start, stop
        place = stop
