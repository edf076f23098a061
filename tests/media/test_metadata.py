"""Metadata: what a file says besides its pixels is in the result, and upright like these. Read back by Pillow, tifffile
and an XML parser."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from media_samples import by_pillow, by_tifffile, png_by_hand, png_chunk, scene
from metadata_samples import CAPTIONS, EXT, PACKET, RDF, SOURCES, TIFF, XMP_BASIC, exif_block, jpeg_with
from PIL import ExifTags, Image, IptcImagePlugin, PngImagePlugin

from colorizer.media import Mark, Metadata, Output, Picture, decode_picture, encode_picture
from colorizer.media.metadata.xmp import ALGORITHMICALLY_ENHANCED

COLORED = scene(3)
MARK = Mark("lite", "lite in a test, T = 0.38 & more <settings>")


def colored(data: bytes, output: Output | None = None, mark: Mark | None = None) -> bytes:
    picture = decode_picture(data, "input")
    height, width = picture.pixels.shape[:2]
    written, _ = encode_picture(
        picture.with_pixels(scene(3, picture.pixels.dtype, height, width), mark), output or Output()
    )
    return written


def segments_of(data: bytes) -> list[tuple[int, bytes]]:
    found, place = [], 2
    while data[place + 1] != 0xDA:
        (size,) = struct.unpack_from(">H", data, place + 2)
        found.append((data[place + 1], data[place + 4 : place + 2 + size]))
        place += 2 + size
    return found


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def xmp_in(data: bytes) -> bytes:
    packet = opened(data).info.get("xmp")
    if packet is None and data.startswith(b"\0\0\0\x0cjP"):
        place = data.index(bytes.fromhex("be7acfcb97a942e89c71999491e3afac")) + 16
        packet = data[place : data.index(b'<?xpacket end="w"?>', place) + 19]
    if packet is None and data[:2] in (b"II", b"MM"):
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            packet = file.pages[0].tags[700].value
    assert packet is not None
    return packet if isinstance(packet, bytes) else packet.encode()


def properties(packet: bytes) -> dict[str, str]:
    """Simple properties of all top-level descriptions, by ElementTree; attributes and elements alike."""
    root = ElementTree.fromstring(packet.strip(b"\0"))  # noqa: S314 - our own
    found: dict[str, str] = {}
    for description in root.find(f"{{{RDF}}}RDF") or []:
        items = [*description.attrib.items(), *((child.tag, (child.text or "").strip()) for child in description)]
        for name, value in items:
            assert name not in found or name == f"{{{RDF}}}about", f"{name} stands there twice"
            found[name] = value
    return found


TARGETS = ["jpeg", "png", "tiff", "webp", "jp2", "avif", "heic"]
WITHOUT_CAPTIONS = ("WEBP", "AVIF")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_exif_xmp_and_captions_go_from_format_to_format(source: str, target: str) -> None:
    written = colored(SOURCES[source](), Output(format=target), MARK)
    if target == "heic":
        import pillow_heif

        info = pillow_heif.open_heif(io.BytesIO(written)).info
        exif = Image.Exif()
        exif.load(info["exif"])
        packet = info["xmp"]
    else:
        exif, packet = opened(written).getexif(), xmp_in(written) if target != "heic" else b""
        if target == "jp2":
            place = written.index(b"JpgTiffExif->JP2")
            exif = Image.Exif()
            exif.load(written[place + 16 :])
        assert opened(written).size == (48, 64)
    assert exif[0x010E].strip("\0") == "the old mill"
    assert exif.get(0x0112, 1) == 1
    said = properties(packet)
    assert said[f"{{{TIFF}}}Orientation"] == "1"
    assert said["{http://archive.example/ns/}shelf"] == 'A "7" > B'
    assert said[f"{{{EXT}}}DigitalSourceType"] == ALGORITHMICALLY_ENHANCED
    assert said[f"{{{XMP_BASIC}}}CreatorTool"] == "Scanner 1.0"
    assert "Die alte Mühle" in packet.decode()
    assert "nested, not ours" in packet.decode()
    assert "<!-- kept as it is -->" in packet.decode()
    if source not in WITHOUT_CAPTIONS and target in ("jpeg", "tiff", "jp2"):
        if target == "jp2":
            assert bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38") + CAPTIONS in written
        else:
            captions: Any = IptcImagePlugin.getiptcinfo(opened(written))  # type: ignore[arg-type]
            assert captions[2, 120] == b"The old mill by the river"
            assert captions[2, 25] == [b"mill", b"water"]
    if source not in WITHOUT_CAPTIONS and target == "png":
        text = opened(written).info["Raw profile type iptc"]
        assert CAPTIONS.hex() in "".join(text.split("\n")[3:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_block_is_patched_and_not_rewritten(orientation: int) -> None:
    """Every byte is the same, but those that orientation, sizes and thumbnail must change."""
    thumbnail = by_pillow(scene()[:8, :8], "JPEG")
    block = exif_block(orientation, thumbnail)
    written = colored(jpeg_with((0xE1, b"Exif\0\0" + block)))
    (kept,) = [content[6:] for marker, content in segments_of(written) if marker == 0xE1]
    turned = orientation >= 5
    expected = bytearray(exif_block(1, b"", (48, 64) if turned else (64, 48)))
    if turned:  # so are the resolutions
        place = expected.index(struct.pack(">4I", 300, 1, 150, 1))
        expected[place : place + 16] = struct.pack(">4I", 150, 1, 300, 1)
    assert kept == bytes(expected)
    assert b"secret of the maker." in kept
    assert thumbnail not in written
    exif = opened(written).getexif().get_ifd(ExifTags.IFD.Exif)
    assert (exif[0xA002], exif[0xA003]) == opened(written).size


def test_resources_of_photoshop_are_kept_but_for_the_thumbnail() -> None:
    (kept,) = [content for marker, content in segments_of(colored(SOURCES["JPEG"]())) if marker == 0xED]
    assert CAPTIONS in kept
    assert b"8BIM\x04\x0a" in kept
    assert b"8BIM\x04\x0c" not in kept


def test_comments_and_unknown_segments_of_jpeg_survive() -> None:
    data = jpeg_with(
        (0xFE, b"from the estate"), (0xE5, b"nobody knows"), (0xE2, b"MPF\0offsets"), (0xE0, b"JFXX\0thumb")
    )
    kept = segments_of(colored(data))
    assert (0xFE, b"from the estate") in kept
    assert (0xE5, b"nobody knows") in kept
    assert not any(content.startswith((b"MPF", b"JFXX")) for _, content in kept)


def test_extended_xmp_of_jpeg_survives() -> None:
    extension = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b"y" * 100_000 + b"</x:xmpmeta>"
    guid = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()
    name = b"http://ns.adobe.com/xmp/extension/\0"
    parts = [
        (0xE1, name + guid + struct.pack(">II", len(extension), place) + extension[place : place + 60_000])
        for place in (0, 60_000)
    ]
    kept = segments_of(colored(jpeg_with((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET), *parts), mark=MARK))
    pieces = {content[71:75]: content[75:] for _, content in kept if content.startswith(name + guid)}
    assert b"".join(pieces[place] for place in sorted(pieces)) == extension


def test_xmp_too_long_for_a_segment_of_jpeg_is_continued_in_others() -> None:
    from colorizer.media import Metadata

    long = PACKET.replace(b'A "7"', b"A" * 150_000)
    written, _ = encode_picture(Picture(COLORED, None, "JPEG", Metadata(xmp=long), mark=MARK))
    main = next(content for _, content in segments_of(written) if content.startswith(b"http://ns.adobe.com/xap"))
    said = properties(main.partition(b"\0")[2])
    assert said[f"{{{EXT}}}DigitalSourceType"] == ALGORITHMICALLY_ENHANCED
    guid = said["{http://ns.adobe.com/xmp/note/}HasExtendedXMP"]
    pieces = [content for _, content in segments_of(written) if content.startswith(b"http://ns.adobe.com/xmp/ext")]
    whole = b"".join(content[75:] for content in pieces)
    assert hashlib.md5(whole, usedforsecurity=False).hexdigest().upper() == guid
    assert b"A" * 150_000 in whole


def test_exif_too_long_for_jpeg_loses_its_longest_values_and_says_so() -> None:
    data = by_tifffile(
        scene(),
        description="the old mill",
        extratags=[(65000, 7, 200_000, bytes(200_000), True), (315, 2, 5, "Anna", True)],
    )
    picture = decode_picture(data, "big")
    written, notes = encode_picture(picture.with_pixels(COLORED), Output(format="jpeg"))
    assert any("longest values" in note for note in notes)
    assert opened(written).getexif()[0x010E] == "the old mill"
    assert opened(written).getexif()[315] == "Anna"


def test_text_time_and_safe_chunks_of_png_survive_others_do_not() -> None:
    chunks = [
        png_chunk(b"tEXt", b"Title\0The mill"),
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"long " * 50)),
        png_chunk(b"iTXt", b"Author\0\0\0\0\0" + "Müller".encode()),
        png_chunk(b"tIME", struct.pack(">HBBBBB", 1999, 12, 31, 23, 59, 59)),
        png_chunk(b"pHYs", struct.pack(">IIB", 3937, 7874, 1)),
        png_chunk(b"saFe", b"may be copied"),
        png_chunk(b"unSA", b"may not"),
        png_chunk(b"bKGD", b"\0\x80"),
    ]
    written = colored(png_by_hand(scene(), 8, 0, *chunks))
    image = opened(written)
    assert isinstance(image, PngImagePlugin.PngImageFile)
    assert image.text == {"Title": "The mill", "Comment": "long " * 50, "Author": "Müller"}
    assert image.info["dpi"] == pytest.approx((100, 200), abs=0.1)
    assert all(chunk in written for chunk in (chunks[3], chunks[4], chunks[5]))
    assert b"unSA" not in written
    assert b"bKGD" not in written


@pytest.mark.parametrize("target", ["jpeg", "png", "tiff", "bmp", "jp2"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "BMP"])
def test_resolution_goes_from_format_to_format(source: str, target: str) -> None:
    data = by_pillow(scene(), source, dpi=(600, 300))
    info = opened(colored(data, Output(format=target))).info
    assert [float(value) for value in info["dpi"]] == pytest.approx([600, 300], abs=0.1)


def test_resolution_is_turned_with_the_picture() -> None:
    for data in (
        by_pillow(
            scene(),
            "JPEG",
            dpi=(600, 300),
            exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
        ),
        png_by_hand(
            scene(), 8, 0, png_chunk(b"pHYs", struct.pack(">IIB", 23622, 11811, 1)), png_chunk(b"eXIf", exif_block(8))
        ),
        by_tifffile(scene(), resolution=(600, 300), resolutionunit=2, extratags=[(274, 3, 1, 6, True)]),
    ):
        image = opened(colored(data))
        assert image.size == (48, 64)
        assert [float(value) for value in image.info["dpi"]] == pytest.approx([300, 600], abs=0.1)


def test_the_mark_says_what_was_done_and_can_be_left_out() -> None:
    data = by_pillow(scene(), "JPEG")
    said = properties(xmp_in(colored(data, mark=MARK)))
    ours = "{https://pypi.org/project/colorize-photos/xmp/1.0/}"
    assert said[f"{{{EXT}}}DigitalSourceType"] == ALGORITHMICALLY_ENHANCED
    assert said[f"{{{EXT}}}AISystemUsed"].endswith("model lite")
    assert said[f"{ours}Model"] == "lite"
    assert said[f"{ours}Settings"] == MARK.settings
    assert said[f"{{{XMP_BASIC}}}CreatorTool"].startswith("colorize ")
    assert "xmp" not in opened(colored(data, Output(no_mark=True), MARK)).info
    unmarked = xmp_in(colored(SOURCES["JPEG"](), Output(no_mark=True), MARK))
    assert properties(unmarked)[f"{{{EXT}}}DigitalSourceType"].endswith("negativeFilm")


def test_a_former_source_type_is_kept_beside_the_mark_and_marking_twice_changes_nothing() -> None:
    once = colored(SOURCES["JPEG"](), mark=MARK)
    twice = colored(once, mark=MARK)
    ours = "{https://pypi.org/project/colorize-photos/xmp/1.0/}"
    for data in (once, twice):
        said = properties(xmp_in(data))
        assert said[f"{ours}FormerDigitalSourceType"].endswith("negativeFilm")
    assert len(xmp_in(twice)) - len(xmp_in(once)) < 600


@pytest.mark.parametrize(
    "packet",
    [
        b"not XML at all",
        PACKET[:500],
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + PACKET[PACKET.index(b"<x:xmp") :],
    ],
    ids=["text", "cut", "empty", "entities"],
)
def test_xmp_that_cannot_be_read_is_replaced_with_a_note(packet: bytes) -> None:
    picture = decode_picture(jpeg_with((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)), "x")
    written, notes = encode_picture(picture.with_pixels(COLORED, MARK))
    assert any("XMP" in note for note in notes)
    assert properties(xmp_in(written))[f"{{{EXT}}}DigitalSourceType"] == ALGORITHMICALLY_ENHANCED


def test_formats_without_metadata_say_what_they_leave_out() -> None:
    picture = decode_picture(SOURCES["JPEG"](), "x")
    for kind in ("bmp", "pnm"):
        written, notes = encode_picture(picture.with_pixels(scene(3, np.uint8, 64, 48), MARK), Output(format=kind))
        assert any("left out" in note for note in notes)
        assert b"xpacket" not in written


def test_nothing_is_invented_for_a_picture_made_by_hand(tmp_path: Path) -> None:
    written, notes = encode_picture(Picture(COLORED, None, "JPEG"))
    assert [marker for marker, _ in segments_of(written) if marker >= 0xE1] == []
    assert notes == ()
    assert Metadata() == decode_picture(written, "x").metadata
