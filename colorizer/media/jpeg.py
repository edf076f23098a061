"""JPEG: 8 bits, grey, RGB and CMYK, read also with 12 bits and without loss up to 16.

Pillow codes the pixels, imagecodecs decodes what is deeper; segments of metadata are read and written here.

Kept: Exif, XMP with its extension, Photoshop's resources with IPTC captions, comments, resolution, progressive coding,
and segments nobody here has heard of. Left out: thumbnails, further pictures behind the first (their offsets would be
wrong), and the ICC profile where the colour space changes.

Source: ITU-T T.81 and T.871 (JFIF), Adobe XMP part 3, ICC.1 annex B.4.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from colorizer.media import jpeg_luma
from colorizer.media.damage import DamagedError
from colorizer.media.jpeg_scans import FRAMES
from colorizer.media.metadata import exif, ifd, iptc, xmp
from colorizer.media.options import Output
from colorizer.media.picture import (
    CodedLuma,
    Encoding,
    Metadata,
    Picture,
    Pixels,
    StoredPicture,
    UnsupportedError,
)
from colorizer.media.profiles import Space
from colorizer.media.raster import CheckSize, opened, planes, saved, silent_stderr

DEFAULT_QUALITY = 95
LARGEST_SIDE = 65500
"""libjpeg's own bound."""

_APP0, _APP1, _APP2, _APP13, _APP14, _COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_LARGEST_SEGMENT = 65533

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_ICC = b"ICC_PROFILE\0"
_GUID_SIZE = 32
_EXTENDED_HEADER = len(_EXTENDED) + _GUID_SIZE + 8
_LARGEST_TAG = 8192
"""Values kept where an Exif block from elsewhere is too long for JPEG."""

_SUBSAMPLING = {"444": "4:4:4", "422": "4:2:2", "420": "4:2:0"}
LOSSLESS, _PROGRESSIVE = 0xC3, (0xC2, 0xCA)
_ROWS_STATED = b"\xff\xdc\0\4"
_GAIN_MAP, _MULTI_PICTURE = b"urn:iso:std:iso:ts:21496:-1\0", b"MPF\0"
_SAMSUNG_MOTION, _TRAILER = b"MotionPhoto_Data", 1 << 24
_OWN_KINDS = ("JPEG",)
_GREY_MODES = ("L",)
_REWRITTEN = (_APP0, _APP2, _APP14)  # JFIF, ICC and pictures behind the first, Adobe's colour transform


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker and content of each segment before the pixels, and where the content begins."""
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            return
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in (_SCAN, _END):
            return
        if marker in _WITHOUT_LENGTH or marker == _START:
            place += 2
            continue
        (size,) = struct.unpack_from(">H", data, place + 2)
        if size < 2 or place + 2 + size > len(data):
            return
        yield marker, data[place + 4 : place + 2 + size], place + 4
        place += 2 + size


@dataclass(frozen=True)
class FrameHeader:
    """What the frame header says: its marker's last byte, bits, rows, and channels; and where the rows are stated."""

    kind: int
    bits: int
    rows: int
    channels: int
    rows_at: int


def frame_of(data: bytes) -> FrameHeader | None:
    """The frame header; None where there is none."""
    for marker, content, place in _segments(data):
        if marker in FRAMES and len(content) >= 6:
            bits, rows = struct.unpack_from(">BH", content)
            return FrameHeader(marker, bits, rows, content[5], place + 1)
    return None


def decode(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode the first picture of a JPEG file.

    12 bits, and whatever else is coded without loss, become 16.
    """
    source = data
    frame = frame_of(data)
    if frame and not frame.rows:
        data = _with_rows(data, frame)
    segments = [(marker, content) for marker, content, _ in _segments(data)]
    metadata, profile = _metadata(segments)
    if frame and frame.bits > 8:
        samples, alpha, space = _deep_planes(data, frame, check_size)
        progressive = frame.kind in _PROGRESSIVE
        obstacle = f"it has {frame.bits} bits"
    else:
        with opened(data, "JPEG", check_size) as image:
            image.load()
            samples, alpha, space = planes(image)
            dpi = image.info.get("dpi")
            progressive = "progressive" in image.info
            obstacle = "" if _has_luma(image) else "it holds no Y'CbCr"
        if isinstance(dpi, tuple):
            metadata = replace(metadata, dpi=(float(dpi[0]), float(dpi[1])))
    orientation = exif.orientation_of(metadata.exif)
    return StoredPicture(
        samples,
        space,
        alpha,
        profile,
        orientation,
        metadata,
        Encoding(lossless=False, progressive=progressive),
        luma=CodedLuma(source, space == "gray", orientation, metadata, obstacle),
        notes=_left_out(data, segments, metadata),
    )


def _has_luma(image: Image.Image) -> bool:
    """Whether the first component is Y', by the rules of libjpeg: inks and R, G and B may be stored as they are."""
    components = [each[0] for each in image.layer]  # type: ignore[attr-defined]
    if image.mode in _GREY_MODES or "jfif" in image.info:
        return len(components) in (1, 3)
    if "adobe_transform" in image.info:
        return len(components) == 3 and image.info["adobe_transform"] != 0
    return len(components) == 3 and bytes(components) != b"RGB"


def _with_rows(data: bytes, frame: FrameHeader) -> bytes:
    """The file with its rows in the frame header, where they are stated behind the first scan (DNL)."""
    place = data.find(_ROWS_STATED, frame.rows_at)
    if place < 0:
        raise DamagedError("a frame without rows")
    return data[: frame.rows_at] + data[place + 4 : place + 6] + data[frame.rows_at + 2 :]


def _deep_planes(data: bytes, frame: FrameHeader, check_size: CheckSize) -> tuple[Pixels, None, Space]:
    import imagecodecs

    columns, rows = struct.unpack_from(">H", data, frame.rows_at + 2)[0], frame.rows
    check_size(columns, rows or struct.unpack_from(">H", data, frame.rows_at)[0])
    with silent_stderr():
        flat = np.asarray(imagecodecs.jpeg8_decode(data))
    if flat.dtype != np.uint16 or frame.channels not in (1, 3):
        raise UnsupportedError(f"JPEG of {frame.bits} bits with {frame.channels} channels is not read; save it as TIFF")
    if frame.bits < 16:
        full = (1 << frame.bits) - 1
        flat = np.rint(flat * np.float32(65535 / full)).clip(0, 65535).astype(np.uint16)
    return flat, None, "gray" if flat.ndim == 2 else "rgb"


def _left_out(data: bytes, segments: list[tuple[int, bytes]], metadata: Metadata) -> tuple[str, ...]:
    """What is said of what lies behind the picture."""
    notes = []
    behind = [content for marker, content in segments if marker == _APP2]
    gain_map = any(content.startswith(_GAIN_MAP) for content in behind) or xmp.has_gain_map(metadata.xmp)
    if gain_map:
        notes.append("the gain map for HDR displays is left out")
    elif any(content.startswith(_MULTI_PICTURE) for content in behind):
        notes.append("further pictures of the file are left out")
    if xmp.has_motion(metadata.xmp) or data.find(_SAMSUNG_MOTION, max(0, len(data) - _TRAILER)) >= 0:
        notes.append("the film of a motion photo is left out")
    return tuple(notes)


def _metadata(segments: list[tuple[int, bytes]]) -> tuple[Metadata, bytes]:
    block = packet = photoshop = b""
    extension: dict[bytes, dict[int, bytes]] = {}
    profile: dict[int, bytes] = {}
    blocks: list[tuple[bytes, bytes]] = []
    for marker, content in segments:
        if marker == _APP1 and content.startswith(exif.JPEG_PREFIX):
            block = block or content[len(exif.JPEG_PREFIX) :]
        elif marker == _APP1 and content.startswith(_XMP):
            packet = packet or content[len(_XMP) :]
        elif marker == _APP1 and content.startswith(_EXTENDED) and len(content) >= _EXTENDED_HEADER:
            guid = content[len(_EXTENDED) : len(_EXTENDED) + _GUID_SIZE]
            (offset,) = struct.unpack_from(">I", content, _EXTENDED_HEADER - 4)
            extension.setdefault(guid, {})[offset] = content[_EXTENDED_HEADER:]
        elif marker == _APP13 and content.startswith(iptc.SIGNATURE):
            photoshop += content[len(iptc.SIGNATURE) :]
        elif marker == _APP2 and content.startswith(_ICC) and len(content) > len(_ICC) + 2:
            profile[content[len(_ICC)]] = content[len(_ICC) + 2 :]
        elif marker == _COMMENT or (marker >> 4 == _APP0 >> 4 and marker not in _REWRITTEN):
            blocks.append((bytes([marker]), content))
    extended = b""
    for guid, parts in extension.items():
        whole = b"".join(parts[offset] for offset in sorted(parts))
        if hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() == guid.upper():
            extended = whole
    metadata = Metadata(
        exif=block,
        xmp=packet,
        extended_xmp=extended,
        iptc=iptc.captions_in(photoshop),
        photoshop=photoshop,
        blocks=tuple(blocks),
    )
    return metadata, b"".join(profile[number] for number in sorted(profile))


def encode(picture: Picture, output: Output, notes: list[str]) -> bytes:
    """Encode a picture of 8 bits without alpha.

    Raises
    ------
    UnsupportedError
        A side is longer than the format holds.
    """
    if max(picture.pixels.shape[:2]) > LARGEST_SIDE:
        raise UnsupportedError(f"JPEG cannot hold sides over {LARGEST_SIDE} pixels; write a .png")
    quality = output.quality or DEFAULT_QUALITY
    if picture.coded is not None:
        coded = jpeg_luma.encoded(*picture.coded, quality, dpi=picture.metadata.dpi)
    else:
        progressive = {"progressive": True} if picture.encoding.progressive else {}
        coded = saved(
            picture,
            "JPEG",
            quality=quality,
            subsampling=_SUBSAMPLING[output.subsampling],
            optimize=False,
            **progressive,
        )
    segments = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content for marker, content in _written(picture, notes)
    )
    place = 2 + 2 + struct.unpack_from(">H", coded, 4)[0]  # behind the start and the JFIF segment
    return coded[:place] + segments + coded[place:]


def _written(picture: Picture, notes: list[str]) -> Iterator[tuple[int, bytes]]:
    metadata = picture.metadata
    if metadata.exif:
        yield _APP1, exif.JPEG_PREFIX + _fitting_exif(metadata.exif, notes)
    yield from _xmp_segments(metadata)
    photoshop = iptc.with_captions(metadata.photoshop, metadata.iptc)
    step = _LARGEST_SEGMENT - len(iptc.SIGNATURE)
    for place in range(0, len(photoshop), step):
        yield _APP13, iptc.SIGNATURE + photoshop[place : place + step]
    step = _LARGEST_SEGMENT - len(_ICC) - 2
    parts = [picture.profile[place : place + step] for place in range(0, len(picture.profile), step)]
    for number, part in enumerate(parts, 1):
        yield _APP2, _ICC + bytes([number, len(parts)]) + part
    if picture.format in _OWN_KINDS:
        for marker, content in metadata.blocks:
            yield marker[0], content


def _fitting_exif(block: bytes, notes: list[str]) -> bytes:
    """The block, less its largest values where it comes from a format that holds longer ones."""
    if len(exif.JPEG_PREFIX) + len(block) <= _LARGEST_SEGMENT:
        return block
    notes.append("JPEG cannot hold all Exif data; the longest values are left out")
    directory, order = exif.read_exif(block)
    limit = _LARGEST_TAG
    while len(exif.JPEG_PREFIX) + len(block) > _LARGEST_SEGMENT:
        block = exif.write_exif(_shortened(directory, limit), order)
        limit //= 2
    return block


def _shortened(directory: ifd.Directory, limit: int) -> ifd.Directory:
    return ifd.Directory(
        tuple(entry for entry in directory.entries if len(entry.data) <= limit),
        tuple((tag, _shortened(child, limit)) for tag, child in directory.children),
    )


def _xmp_segments(metadata: Metadata) -> Iterator[tuple[int, bytes]]:
    packet, extended = metadata.xmp, metadata.extended_xmp
    limit = _LARGEST_SEGMENT - len(_XMP)
    if len(packet) > limit:
        packet, extended = xmp.split(packet, extended, limit)
    if packet:
        yield _APP1, _XMP + packet
    guid = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper().encode()
    step = _LARGEST_SEGMENT - _EXTENDED_HEADER
    for place in range(0, len(extended), step):
        header = _EXTENDED + guid + struct.pack(">II", len(extended), place)
        yield _APP1, header + extended[place : place + step]
