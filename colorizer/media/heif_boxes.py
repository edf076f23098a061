"""What the boxes of AVIF and HEIC say of a file's pictures: the colour space of the first, and which others there are.

Source: ISO/IEC 14496-12 (the meta box), ISO/IEC 23008-12 (HEIF), ISO 21496-1 (gain maps).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from colorizer.media.boxes import boxes
from colorizer.media.cicp import Cicp
from colorizer.media.picture import further_pictures

_HIDDEN = 1
_GAIN_MAP = b"tmap"
_PICTURES = (b"av01", b"hvc1", b"avc1", b"vvc1", b"jpeg", b"j2k1", b"unci", b"grid", b"iovl", b"iden", _GAIN_MAP)
_DERIVED_FROM, _THUMBNAIL_OF, _AUXILIARY_TO = b"dimg", b"thmb", b"auxl"
_URN_AT = 4


@dataclass
class HeifItems:
    """The items of a file.

    Attributes
    ----------
    primary
        Number of the main picture.
    kinds
        The type of each item.
    hidden
        Items that are not to be shown by themselves.
    references
        Kind, origin and targets of each reference.
    properties
        Type and content of each property.
    associated
        Properties of each item, counted from 0.
    """

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    associated: dict[int, list[int]] = field(default_factory=dict)

    def properties_of(self, item: int) -> Iterator[tuple[bytes, bytes]]:
        """Type and content of an item's properties."""
        for index in self.associated.get(item, []):
            if 0 <= index < len(self.properties):
                yield self.properties[index]

    def cicp(self) -> Cicp | None:
        """The code points of the main picture's colour space, where its properties state them."""
        for kind, content in self.properties_of(self.primary):
            if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 8:
                return Cicp(*struct.unpack_from(">HH", content, 4))
        return None

    def left_out(self) -> tuple[str, ...]:
        """What else the file holds, in words."""
        parts = {target for kind, _, targets in self.references if kind == _DERIVED_FROM for target in targets}
        thumbnails = {origin for kind, origin, _ in self.references if kind == _THUMBNAIL_OF}
        auxiliary = {origin for kind, origin, _ in self.references if kind == _AUXILIARY_TO}
        urns = [content[_URN_AT:].lower() for item in auxiliary for kind, content in self.properties_of(item)]
        gain_map = _GAIN_MAP in self.kinds.values() or any(b"gainmap" in urn for urn in urns)
        shown = [
            item
            for item, kind in self.kinds.items()
            if kind in _PICTURES
            and kind != _GAIN_MAP
            and item != self.primary
            and item not in self.hidden | parts | thumbnails | auxiliary
        ]
        notes = [*further_pictures(len(shown))]
        if gain_map:
            notes.append("the gain map for HDR displays is left out")
        if any(b"depth" in urn for urn in urns):
            notes.append("the depth map is left out")
        return tuple(notes)


def read_items(data: bytes) -> HeifItems:
    """Read the meta box; what makes no sense in it is passed over, since the decoder will say so."""
    found = HeifItems()
    for kind, start, stop in boxes(data, 0, len(data)):
        if kind == b"meta":
            for inner, begin, end in boxes(data, start + 4, stop):
                reader = _READERS.get(inner)
                if reader is not None:
                    try:
                        reader(data, begin, end, found)
                    except (struct.error, IndexError):
                        continue
            break
    return found


def _read_primary(data: bytes, start: int, _stop: int, found: HeifItems) -> None:
    (found.primary,) = struct.unpack_from(">I" if data[start] else ">H", data, start + 4)


def _read_infos(data: bytes, start: int, stop: int, found: HeifItems) -> None:
    for kind, begin, _ in boxes(data, start + (8 if data[start] else 6), stop):
        version = data[begin]
        if kind == b"infe" and version >= 2:
            number, _, item_type = struct.unpack_from(">HH4s" if version == 2 else ">IH4s", data, begin + 4)
            found.kinds[number] = item_type
            if data[begin + 3] & _HIDDEN:
                found.hidden.add(number)


def _read_references(data: bytes, start: int, stop: int, found: HeifItems) -> None:
    code, width = ("I", 4) if data[start] else ("H", 2)
    for kind, begin, _ in boxes(data, start + 4, stop):
        origin, count = struct.unpack_from(f">{code}H", data, begin)
        found.references.append((kind, origin, struct.unpack_from(f">{count}{code}", data, begin + width + 2)))


def _read_properties(data: bytes, start: int, stop: int, found: HeifItems) -> None:
    for kind, begin, end in boxes(data, start, stop):
        if kind == b"ipco":
            found.properties = [(inner, data[first:last]) for inner, first, last in boxes(data, begin, end)]
        elif kind == b"ipma":
            _read_associations(data, begin, found)


def _read_associations(data: bytes, place: int, found: HeifItems) -> None:
    version, wide = data[place], data[place + 3] & 1
    (count,) = struct.unpack_from(">I", data, place + 4)
    place += 8
    for _ in range(count):
        (item,) = struct.unpack_from(">I" if version else ">H", data, place)
        place += 4 if version else 2
        number = data[place]
        values = struct.unpack_from(f">{number}{'H' if wide else 'B'}", data, place + 1)
        place += 1 + number * (2 if wide else 1)
        found.associated.setdefault(item, []).extend((value & (0x7FFF if wide else 0x7F)) - 1 for value in values)


_READERS = {
    b"pitm": _read_primary,
    b"iinf": _read_infos,
    b"iref": _read_references,
    b"iprp": _read_properties,
}
