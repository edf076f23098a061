"""XMP packets: what in them must change when a picture is turned upright and coloured, and the mark that says so.

A packet is edited as text at the places that an XML parser points to; everything else in it stays byte for byte, other
people's namespaces, comments and padding included.

The mark follows the IPTC Photo Metadata Standard 2025.1: `DigitalSourceType` "algorithmically enhanced", and the system
that did it; a former source type ("scanned from a negative") is kept beside it.

Source: XMP Specification, parts 1 and 3 (Adobe, ISO 16684-1).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from colorizer import __version__

ALGORITHMICALLY_ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "colorize": "https://pypi.org/project/colorize-photos/xmp/1.0/",
}
_MARK_NAMES = (
    "Iptc4xmpExt:DigitalSourceType",
    "Iptc4xmpExt:AISystemUsed",
    "Iptc4xmpExt:AISystemVersionUsed",
    "colorize:Software",
    "colorize:Model",
    "colorize:Settings",
    "colorize:Making",
)

_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_BEHIND: dict[str, tuple[str, ...]] = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": ("",),
    "http://ns.apple.com/HDRGainMap/1.0/": ("",),
    "http://ns.google.com/photos/1.0/container/": ("",),
    _CAMERA: ("MotionPhoto", "MicroVideo"),
}
"""Properties that announce what lies behind a picture, gain maps and films: namespaces, and begins of names."""
_GAIN_MAPS = tuple(_BEHIND)[:2]

_PROPERTY_DEPTH = 3  # RDF > Description > property, counted from RDF

_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + _RDF + '"></rdf:RDF></x:xmpmeta>\n'
    '<?xpacket end="w"?>'
).encode()


@dataclass(frozen=True)
class Mark:
    """What the result says of how it was made.

    Attributes
    ----------
    model
        Name of the network.
    settings
        One line on how it was used.
    making
        The same and more for programs, as one line of JSON (docs/mark.md).
    """

    model: str
    settings: str
    making: str = ""


def making_in(packet: bytes) -> str:
    """What a packet says of how a result was made, as `Mark.making` has it; "" where it says nothing."""
    try:
        return _parse(packet).values.get(_qualified("colorize:Making"), "") if packet else ""
    except ValueError:
        return ""


def is_packet(packet: bytes) -> bool:
    """Whether a packet can be read at all."""
    try:
        _parse(packet)
    except ValueError:
        return False
    return True


def has_gain_map(packet: bytes) -> bool:
    """Whether a packet announces a gain map."""
    return any(name.split(" ")[0] in _GAIN_MAPS for name in _announcements(packet))


def has_motion(packet: bytes) -> bool:
    """Whether a packet announces a film behind the picture."""
    return any(name.startswith(_CAMERA) for name in _announcements(packet))


def _announcements(packet: bytes) -> list[str]:
    if not any(space.encode() in packet for space in _BEHIND):
        return []
    try:
        found = _parse(packet)
    except ValueError:
        return []
    return [name for name in found.spans if _announces(name)]


def _announces(name: str) -> bool:
    space, _, local = name.partition(" ")
    return space in _BEHIND and local.startswith(_BEHIND[space])


def updated(packet: bytes, *, transposed: bool, to_srgb: bool, turned: bool = True) -> bytes:
    """The packet of the same picture turned upright: orientation reset, sizes that were swapped left out, no thumbnail.

    What announces a gain map or a film behind the picture is left out, since these are.

    A packet that cannot be read comes back as it is. With `to_srgb`, the name of the former profile is left out;
    without `turned`, the orientation stays.
    """
    try:
        found = _parse(packet)
    except ValueError:
        return packet
    stale = ["xmp:Thumbnails"]
    if transposed:
        stale += ["tiff:ImageWidth", "tiff:ImageLength", "exif:PixelXDimension", "exif:PixelYDimension"]
    if to_srgb:
        stale += ["photoshop:ICCProfile", "exif:ColorSpace"]
    fresh = {}
    if turned and found.values.get(_qualified("tiff:Orientation"), "1") != "1":
        stale.append("tiff:Orientation")
        fresh["tiff:Orientation"] = "1"
    gone = [_qualified(name) for name in stale] + [name for name in found.spans if _announces(name)]
    return _edited(found, gone, fresh) if fresh or any(name in found.spans for name in gone) else packet


def marked(packet: bytes, mark: Mark) -> bytes:
    """The packet with the mark in it; a new one where there is none, or none that can be read."""
    try:
        found = _parse(packet or _EMPTY)
    except ValueError:
        found = _parse(_EMPTY)
    system = f"colorize {__version__}"
    said = (
        ALGORITHMICALLY_ENHANCED,
        f"colorize, model {mark.model}",
        __version__,
        system,
        mark.model,
        mark.settings,
        mark.making,
    )
    fresh = {name: value for name, value in zip(_MARK_NAMES, said, strict=True) if value}
    former = found.values.get(_qualified("Iptc4xmpExt:DigitalSourceType"), ALGORITHMICALLY_ENHANCED)
    if former != ALGORITHMICALLY_ENHANCED:
        fresh["colorize:FormerDigitalSourceType"] = former
    if _qualified("xmp:CreatorTool") not in found.spans:
        fresh["xmp:CreatorTool"] = system
    gone = dict.fromkeys((*_MARK_NAMES, *fresh, "photoshop:ColorMode"))  # each once: what stands there is cut out
    return _edited(found, [_qualified(name) for name in gone], fresh)


def split(packet: bytes, extended: bytes, limit: int) -> tuple[bytes, bytes]:
    """A packet in two parts, as JPEG carries long ones: a short one that fits, and the rest as "extended XMP".

    Parameters
    ----------
    packet
        One that is longer than `limit`, perhaps only by its padding.
    extended
        The second part that it has already.
    limit
        Bytes that the first part may have.
    """
    unpadded = re.sub(rb"\s+(<\?xpacket end=.{3}\?>)\s*$", rb"\n\1", packet)
    if len(unpadded) <= limit:
        return unpadded, extended
    rest = re.sub(rb"<\?xpacket.*?\?>", b"", packet).strip()
    guid = hashlib.md5(rest, usedforsecurity=False).hexdigest().upper()
    try:
        values = _parse(packet).values
    except ValueError:
        values = {}
    known = {name: values[_qualified(name)] for name in _MARK_NAMES if values.get(_qualified(name))}
    return _edited(_parse(_EMPTY), [], {**known, "xmpNote:HasExtendedXMP": guid}), rest


@dataclass
class _Packet:
    """A parsed packet: where its properties lie, and what the simple ones say."""

    data: bytes
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    about: str = ""
    end: int = -1


def _qualified(name: str) -> str:
    prefix, local = name.split(":")
    return f"{_PREFIXES[prefix]} {local}"


def _parse(packet: bytes) -> _Packet:
    data = packet.rstrip(b"\0 \n\r\t")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    reader = _Reader(data)
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, RecursionError, UnicodeError, LookupError) as error:
        raise ValueError("XMP cannot be read") from error
    if reader.found.end < 0:
        raise ValueError("XMP without RDF")
    return reader.found


class _Reader:
    """Collects the properties of the RDF's descriptions while the parser walks."""

    def __init__(self, data: bytes) -> None:
        self.found = _Packet(data)
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._leave
        parser.CharacterDataHandler = self._text
        parser.StartNamespaceDeclHandler = self._declare
        parser.EntityDeclHandler = self._refuse_entities
        self._uris: dict[str, str] = {}
        self._depth = 0  # within RDF, which is 1
        self._begin = 0
        self._content: list[str] = []

    def _declare(self, prefix: str | None, uri: str) -> None:
        self._uris[prefix or ""] = uri

    def _refuse_entities(self, *_: object) -> None:
        raise ValueError("XMP with entities of its own")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._depth and name != f"{_RDF} RDF":
            return
        self._depth += 1
        if self._depth == _PROPERTY_DEPTH - 1:
            self.found.about = attributes.get(f"{_RDF} about", self.found.about)
            self._note_attributes(attributes)
        elif self._depth == _PROPERTY_DEPTH:
            self._begin = self.parser.CurrentByteIndex
            self._content = [attributes.get(f"{_RDF} resource", "")]

    def _note_attributes(self, attributes: dict[str, str]) -> None:
        """Attributes of a Description are properties too; the parser tells what they are, but not where."""
        data, start = self.found.data, self.parser.CurrentByteIndex
        tag = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""").match(data, start)
        if tag is None:
            raise ValueError("XMP in an encoding that is not understood")
        for item in re.finditer(rb"""\s+([^\s="'<>/]+)\s*=\s*(?:"[^"]*"|'[^']*')""", tag.group()):
            prefix, _, local = item.group(1).decode("utf-8", "replace").partition(":")
            name = f"{self._uris.get(prefix, '')} {local}"
            if name in attributes:
                self.found.spans.setdefault(name, []).append((start + item.start(), start + item.end()))
                self.found.values[name] = attributes[name]

    def _text(self, text: str) -> None:
        if self._depth == _PROPERTY_DEPTH:
            self._content.append(text)

    def _leave(self, name: str) -> None:
        if not self._depth:
            return
        place = self.parser.CurrentByteIndex
        if self._depth == _PROPERTY_DEPTH:
            end = self.found.data.index(b">", place) + 1
            if place == self._begin:  # <empty/>, whose attributes may hold a ">"
                tag = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""").match(self.found.data, place)
                end = tag.end() if tag else end
            self.found.spans.setdefault(name, []).append((self._begin, end))
            self.found.values[name] = "".join(self._content).strip()
        elif self._depth == 1:
            if not self.found.data.startswith(b"</", place):
                raise ValueError("XMP with an empty RDF")
            self.found.end = place
        self._depth -= 1


def _edited(found: _Packet, stale: list[str], fresh: dict[str, str]) -> bytes:
    """The packet less stale properties (by namespace and name), with the fresh ones in a Description of their own."""
    edits = [(start, end, b"") for name in stale for start, end in found.spans.get(name, [])]
    if fresh:
        used = sorted({name.split(":")[0] for name in fresh})
        spaces = "".join(f' xmlns:{prefix}="{_PREFIXES[prefix]}"' for prefix in used)
        lines = "".join(f"\n  <{name}>{escape(_printable(value))}</{name}>" for name, value in fresh.items())
        begin = f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about={quoteattr(found.about)}{spaces}>'
        block = f"{begin}{lines}\n</rdf:Description>\n"
        edits.append((found.end, found.end, block.encode()))
    result = found.data
    for start, end, text in sorted(edits, reverse=True):
        result = result[:start] + text + result[end:]
    return result


def _printable(text: str) -> str:
    """XML cannot hold most control characters."""
    return "".join(c if c.isprintable() else " " for c in text)
