"""A JPEG file taken apart at its markers, and Y's scans of one put beside chroma scans of others.

A scan of one component is coded by itself: its bytes mean the same whatever other components a file has. So the coded
Y of a grey file goes into a file in colour as it is, byte for byte, without being decoded; what codes the chroma is
whoever wrote those files. Nothing here knows of Huffman codes or coefficients.

Source: ITU-T T.81, annex B (markers) and A.2 (in scans of one component the order of blocks does not depend on the
sampling factors).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from colorizer.media.damage import DamagedError

BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
"""Kinds of frame by their markers, Huffman-coded all of them."""

_ARITHMETIC = frozenset({0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7}) | _ARITHMETIC
"""Markers of frames of every kind."""
_HUFFMAN, _QUANTIZATION, _RESTART = 0xC4, 0xDB, 0xDD
_START, _END, _SCAN, _LINES, _JFIF = 0xD8, 0xD9, 0xDA, 0xDC, 0xE0
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})

_SCAN_ENDS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A marker that is none of the restart markers inside a scan, nor a byte 0xFF of it, which is followed by 0."""

_TABLE_SIZES = {0: 64, 1: 128}  # bytes, by the precision of a quantization table
_COMPONENT_IDS = (1, 2, 3)  # Y, Cb and Cr, as JFIF has them
_LUMA_TABLE, _CHROMA_TABLE = 0, 1


@dataclass(frozen=True)
class Scan:
    """One scan: the tables and restart interval that go before it, its header's content, and its coded data."""

    tables: bytes
    header: bytes
    data: bytes


@dataclass(frozen=True)
class Frame:
    """What a file holds, less its metadata.

    Attributes
    ----------
    kind
        The frame's marker.
    bits
        Of a sample.
    height, width
        In pixels.
    components
        How many.
    table
        The first component's quantization table: precision in the upper 4 bits of the first byte, then the values.
    scans
        In their order.
    restarts
        Whether a restart interval is in force at the end.
    """

    kind: int
    bits: int
    height: int
    width: int
    components: int
    table: bytes = b""
    scans: tuple[Scan, ...] = ()
    restarts: bool = False

    @property
    def arithmetic(self) -> bool:
        """Whether it is arithmetic-coded."""
        return self.kind in _ARITHMETIC


def read_frame(data: bytes) -> Frame:
    """Take a file apart.

    Raises
    ------
    DamagedError
        It is not what the standard says a JPEG file is, or holds what is not copied: several frames, or lines counted
        after the first scan.
    """
    frame: Frame | None = None
    quantization: dict[int, bytes] = {}
    scans: list[Scan] = []
    tables = b""
    table_id, restarts = 0, False
    place = 2
    while True:
        marker, content, place = _segment(data, place)
        if marker == _END:
            break
        if marker in FRAMES:
            if frame is not None:
                raise DamagedError("it holds several frames")
            frame, table_id = _header(marker, content)
        elif marker == _QUANTIZATION:
            # a table given anew between scans holds for components that have not begun, and so for none here
            if not scans:
                quantization |= _quantization_tables(content)
        elif marker in (_HUFFMAN, _RESTART):
            tables += _written(marker, content)
            restarts = any(content) if marker == _RESTART else restarts
        elif marker == _LINES:
            raise DamagedError("its height is stated after its first scan")
        elif marker == _SCAN:
            found = _SCAN_ENDS.search(data, place)
            if found is None:
                raise DamagedError("its last scan has no end")
            scans.append(Scan(tables, content, data[place : found.start()]))
            place, tables = found.start(), b""
    if frame is None or not scans or table_id not in quantization:
        raise DamagedError("it lacks a frame, a scan or a table")
    return replace(frame, table=quantization[table_id], scans=tuple(scans), restarts=restarts)


def _segment(data: bytes, place: int) -> tuple[int, bytes, int]:
    """Marker and content of the segment at a place, and the place behind it."""
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] in (b"\xff", b"\x01"):
        place += 1 if data[place + 1] == 0xFF else 2
    if len(data) < place + 2 or data[place] != 0xFF or data[place + 1] == 0:
        raise DamagedError("a marker is missing")
    marker = data[place + 1]
    if marker == _END:
        return marker, b"", place + 2
    if marker in _WITHOUT_LENGTH:
        raise DamagedError("a marker is out of place")
    size = int.from_bytes(data[place + 2 : place + 4], "big")
    content = data[place + 4 : place + 2 + size]
    if size < 2 or len(content) != size - 2:
        raise DamagedError("a segment is cut off")
    return marker, content, place + 2 + size


def _header(marker: int, content: bytes) -> tuple[Frame, int]:
    if len(content) < 6 or len(content) != 6 + 3 * content[5] or not content[5]:
        raise DamagedError("its frame's header is damaged")
    bits, height, width, count = struct.unpack_from(">BHHB", content)
    return Frame(marker, bits, height, width, count), content[8]


def _quantization_tables(content: bytes) -> dict[int, bytes]:
    tables, place = {}, 0
    while place < len(content):
        precision, number = content[place] >> 4, content[place] & 15
        end = place + 1 + _TABLE_SIZES.get(precision, len(content))
        if end > len(content):
            raise DamagedError("a quantization table is damaged")
        tables[number] = bytes([precision << 4]) + content[place + 1 : end]
        place = end
    return tables


def _written(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def alone(frame: Frame) -> bool:
    """Whether all there is to a frame is one component, in scans that can be copied."""
    kinds = (BASELINE, EXTENDED, PROGRESSIVE)
    return frame.kind in kinds and frame.components == 1 and all(len(scan.header) == 6 for scan in frame.scans)


def jfif_segment(data: bytes) -> bytes:
    """The JFIF segment with which a file begins, whole, with its resolution.

    Raises
    ------
    DamagedError
        It begins otherwise.
    """
    marker, content, _ = _segment(data, 2)
    if marker != _JFIF:
        raise DamagedError("there is no JFIF segment")
    return _written(marker, content)


def put_together(luma: Frame, chroma: tuple[Frame, Frame], subsampling: tuple[int, int], jfif: bytes) -> bytes:
    """A file in colour: the scans of Y as they are, and behind them those of Cb and Cr.

    Parameters
    ----------
    luma
        Of one component, see `alone`.
    chroma
        Cb and Cr, of one component each and the same kind as `luma`, with one quantization table.
    subsampling
        Luma rows and columns to a chroma sample.
    jfif
        The segment to begin with.

    Raises
    ------
    DamagedError
        The frames do not fit together.
    """
    down, across = subsampling
    size = -(-luma.height // down), -(-luma.width // across)
    progressive = luma.kind == PROGRESSIVE
    for plane in chroma:
        if (plane.height, plane.width) != size or (plane.kind == PROGRESSIVE) != progressive:
            raise DamagedError("the chroma planes do not belong to the luma plane")
    if not all(map(alone, (luma, *chroma))) or chroma[0].table != chroma[1].table:
        raise DamagedError("a plane is no frame of one component")
    factors = ((across << 4 | down, _LUMA_TABLE), (0x11, _CHROMA_TABLE), (0x11, _CHROMA_TABLE))
    components = b"".join(bytes((name, *each)) for name, each in zip(_COMPONENT_IDS, factors, strict=True))
    header = struct.pack(">BHHB", luma.bits, luma.height, luma.width, len(_COMPONENT_IDS)) + components
    return b"".join(
        (
            bytes((0xFF, _START)),
            jfif,
            *(
                _written(_QUANTIZATION, bytes([table[0] | number]) + table[1:])
                for number, table in ((_LUMA_TABLE, luma.table), (_CHROMA_TABLE, chroma[0].table))
            ),
            _written(luma.kind, header),
            *_scans(luma, _COMPONENT_IDS[0]),
            _written(_RESTART, bytes(2)) if luma.restarts else b"",
            *_scans(chroma[0], _COMPONENT_IDS[1]),
            *_scans(chroma[1], _COMPONENT_IDS[2]),
            bytes((0xFF, _END)),
        )
    )


def _scans(frame: Frame, component: int) -> Iterator[bytes]:
    for scan in frame.scans:
        yield scan.tables
        # the header: a count of 1, the component, its tables, and three bytes of progression
        yield _written(_SCAN, scan.header[:1] + bytes([component]) + scan.header[2:])
        yield scan.data
