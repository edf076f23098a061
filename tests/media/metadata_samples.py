"""Files with all the metadata that their format holds, made by hand or by other people's writers."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
from media_samples import by_pillow, by_tifffile, png_by_hand, png_chunk, scene

DC, EXT = "http://purl.org/dc/elements/1.1/", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TIFF, XMP_BASIC = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/xap/1.0/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Scanner 1.0">
 <rdf:RDF xmlns:rdf="{RDF}">
  <!-- kept as it is -->
  <rdf:Description rdf:about="uuid:1234" xmlns:dc="{DC}" xmlns:tiff="{TIFF}" xmlns:ext="{EXT}" xmlns:xmp="{XMP_BASIC}"
    xmlns:own="http://archive.example/ns/" tiff:Orientation="6" own:shelf='A "7" &gt; B'
    ext:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm">
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">Die alte Mühle</rdf:li></rdf:Alt></dc:description>
   <xmp:CreatorTool>Scanner 1.0</xmp:CreatorTool>
   <own:box><rdf:Description><tiff:Orientation>nested, not ours</tiff:Orientation></rdf:Description></own:box>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
{" " * 2000}
<?xpacket end="w"?>""".encode()


def iim(*captions: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text for number, text in captions)


CAPTIONS = iim((5, b"Mill"), (120, b"The old mill by the river"), (25, b"mill"), (25, b"water"))
RESOURCES = (
    b"8BIM\x04\x04\0\0"
    + struct.pack(">I", len(CAPTIONS))
    + CAPTIONS
    + bytes(len(CAPTIONS) % 2)
    + b"8BIM\x04\x0c\0\0"
    + struct.pack(">I", 28 + 3)
    + bytes(28)
    + b"old\0"
    + b"8BIM\x04\x0a\0\0"
    + struct.pack(">I", 1)
    + b"\x01\0"
)  # captions, a thumbnail, a copyright flag


def entry(tag: int, kind: int, count: int, value: bytes, order: str = ">") -> bytes:
    return struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")


def exif_block(orientation: int = 1, thumbnail: bytes = b"", dimensions: tuple[int, int] = (64, 48)) -> bytes:
    """A camera's block, big-endian, with a maker's note that points to an absolute place of its own."""
    description, note_at = b"the old mill\0\0", 0
    pieces: dict[str, bytes] = {}
    head = 8
    main = 2 + 12 * 5 + 4
    sub = 2 + 12 * 4 + 4
    text_at = head + main
    sub_at = text_at + len(description)
    resolution_at = sub_at + sub
    note_at = resolution_at + 16
    note = b"MAKER\0" + struct.pack(">I", note_at + 10) + b"secret of the maker."
    second_at = note_at + len(note) + len(note) % 2
    pieces["main"] = struct.pack(">H", 5) + b"".join(
        [
            entry(0x010E, 2, len(description), struct.pack(">I", text_at)),
            entry(0x0112, 3, 1, struct.pack(">H", orientation)),
            entry(0x011A, 5, 1, struct.pack(">I", resolution_at)),
            entry(0x011B, 5, 1, struct.pack(">I", resolution_at + 8)),
            entry(0x8769, 4, 1, struct.pack(">I", sub_at)),
        ]
    )
    pieces["sub"] = (
        struct.pack(">H", 4)
        + b"".join(
            [
                entry(0x927C, 7, len(note), struct.pack(">I", note_at)),
                entry(0xA001, 3, 1, struct.pack(">H", 1)),
                entry(0xA002, 4, 1, struct.pack(">I", dimensions[0])),
                entry(0xA003, 3, 1, struct.pack(">H", dimensions[1])),
            ]
        )
        + struct.pack(">I", 0)
    )
    block = b"MM\0*" + struct.pack(">I", head) + pieces["main"] + struct.pack(">I", second_at if thumbnail else 0)
    block += description + pieces["sub"] + struct.pack(">4I", 300, 1, 150, 1) + note + bytes(len(note) % 2)
    if thumbnail:
        data_at = second_at + 2 + 24 + 4
        block += struct.pack(">H", 2)
        block += entry(0x0201, 4, 1, struct.pack(">I", data_at)) + entry(
            0x0202, 4, 1, struct.pack(">I", len(thumbnail))
        )
        block += struct.pack(">I", 0) + thumbnail
    return block


def jpeg_with(*segments: tuple[int, bytes], pixels: Any = None) -> bytes:
    plain = by_pillow(scene() if pixels is None else pixels, "JPEG")
    added = b"".join(struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content for marker, content in segments)
    return plain[:20] + added + plain[20:]


GREY_PROFILE = bytes(imagecodecs.cms_profile("gray", gamma=1.8))

SOURCES: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: jpeg_with(
        (0xE1, b"Exif\0\0" + exif_block(6)),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET),
        (0xED, b"Photoshop 3.0\0" + RESOURCES),
        (0xE2, b"ICC_PROFILE\0\1\1" + GREY_PROFILE),
    ),
    "PNG": lambda: png_by_hand(
        scene(),
        8,
        0,
        png_chunk(b"eXIf", exif_block(6)),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET),
        png_chunk(
            b"zTXt",
            b"Raw profile type iptc\0\0"
            + zlib.compress(b"\niptc\n%8d\n%s\n" % (len(RESOURCES), RESOURCES.hex().encode())),
        ),
    ),
    "TIFF": lambda: by_tifffile(
        scene(),
        description="the old mill",
        iccprofile=GREY_PROFILE,
        extratags=[
            (274, 3, 1, 6, True),
            (700, 1, len(PACKET), PACKET, True),
            (33723, 7, len(CAPTIONS), CAPTIONS, True),
            (34377, 7, len(RESOURCES), RESOURCES, True),
        ],
    ),
    "WEBP": lambda: by_pillow(scene(), "WEBP", lossless=True, exif=exif_block(6), xmp=PACKET),
    "AVIF": lambda: by_pillow(scene(), "AVIF", exif=exif_block(6), xmp=PACKET),
}
