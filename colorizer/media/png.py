"""PNG: 1 to 16 bits, grey, RGB, palette, with and without alpha. Pillow codes 8 bits, imagecodecs 16.

Colour space, in the order of the standard's third edition: cICP, then iCCP, then sRGB, then gAMA with cHRM; a gAMA of
1/2.2 means sRGB, as writers mean it. Kept: text, XMP, Exif, captions, resolution, time, and chunks that call themselves
safe to copy.

Source: W3C Portable Network Graphics, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from colorizer.media.cicp import Cicp
from colorizer.media.damage import DamagedError
from colorizer.media.metadata import exif, iptc
from colorizer.media.options import Output
from colorizer.media.picture import Metadata, Picture, Pixels, StoredPicture, UnsupportedError
from colorizer.media.profiles import Space, gamma_profile
from colorizer.media.raster import CheckSize, combined, opened, planes, refuse_animation, saved

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_SIZE = 13
_HEADER_END = len(SIGNATURE) + 12 + _HEADER_SIZE
_DEPTH_AT = 24
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row and column, and steps, of the passes of an interlaced picture."""

_XMP_KEYWORD = b"XML:com.adobe.xmp"
_XMP_HEADER = _XMP_KEYWORD + bytes(5)  # uncompressed, no language, no translated keyword
_RAW_KEYWORD = b"Raw profile type "
_KEPT = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs")
_SAFE_TO_COPY = 0x20  # the case bit of a chunk type's last letter
_ANCILLARY = 0x20  # and of its first
_TAKEN = (b"eXIf", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"tRNS", b"acTL", b"fcTL", b"fdAT")

_METRES_PER_INCH = 0.0254
_USUAL_GAMMA, _SRGB_CHRM = 45455, (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_NEAR = 500  # hundred-thousandths by which gAMA and cHRM may miss these
_CHRM_UNIT = 100_000
_LARGEST_TEXT = 1 << 26
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_TEXT_LIMIT = "MAX_TEXT"
"""The names of Pillow's limits of compressed texts and profiles, which its errors say."""
_LEVEL, _DIFFERENCES = 3, 0x10  # of 16 bits: half the time of level 6 with all filters, and smaller for scans


def _chunks(data: bytes, *, checked: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each chunk; with `checked`, `ValueError` where a sum does not fit."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if place + 8 + size > len(data):
            return
        content = data[place + 8 : place + 8 + size]
        if checked and struct.pack(">I", zlib.crc32(kind + content)) != data[place + 8 + size : place + 12 + size]:
            raise DamagedError(f"its {kind.decode('latin-1')} chunk is damaged")
        yield kind, content
        place += 12 + size


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _inflated(data: bytes) -> bytes:
    """A compressed text; empty where it is damaged or bursts every measure."""
    try:
        return zlib.decompressobj().decompress(data, _LARGEST_TEXT)
    except zlib.error:
        return b""


def decode(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode a PNG file.

    Raises
    ------
    UnsupportedError
        It is an animation.
    DamagedError
        Its pixels are damaged or incomplete.
    """
    try:
        samples, alpha, space = _planes(data, check_size)
    except ValueError as error:
        if _TEXT_LIMIT not in str(error):
            raise
        samples, alpha, space = _planes(_without_texts(data), check_size)
    chunks = [(kind, content) for kind, content in _chunks(data) if kind not in (b"IDAT", b"IHDR", b"PLTE", b"IEND")]
    metadata = _metadata(chunks)
    cicp = _cicp(dict(chunks))
    stated = _profile(dict(chunks), space)
    profile, notes = (b"", ()) if cicp and cicp.is_known else stated
    return StoredPicture(
        samples,
        space,
        alpha,
        profile,
        exif.orientation_of(metadata.exif),
        metadata,
        notes=notes,
        cicp=cicp,
    )


def _planes(data: bytes, check_size: CheckSize) -> tuple[Pixels, Pixels | None, Space]:
    with opened(data, "PNG", check_size) as image:
        refuse_animation(getattr(image, "n_frames", 1))
        if data[_DEPTH_AT] == 16:
            return _deep_planes(data)
        image.load()
        return planes(image)


def _without_texts(data: bytes) -> bytes:
    """The file for Pillow, which refuses it whole where a text or a profile is longer than it allows."""
    parts, place = [SIGNATURE], len(SIGNATURE)
    for kind, content in _chunks(data):
        end = place + 12 + len(content)
        if kind not in _TEXTS:
            parts.append(data[place:end])
        place = end
    return b"".join([*parts, data[place:]])


def _bare(data: bytes) -> bytes:
    """The file with its pixels alone, and these checked: libpng warns of all else on stderr, in C."""
    kept = [(kind, content) for kind, content in _chunks(data, checked=True) if kind in (b"IHDR", b"tRNS", b"IDAT")]
    if not kept or kept[0][0] != b"IHDR" or len(kept[0][1]) != _HEADER_SIZE:
        raise DamagedError("no header")
    width, height, depth, color_type, _, _, interlaced = struct.unpack(">IIBBBBB", kept[0][1])
    sample_bytes = depth // 8 * _CHANNELS.get(color_type, 1)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = ((-(-(height - top) // down), -(-(width - left) // across)) for top, left, down, across in passes)
    expected = sum(rows * (1 + columns * sample_bytes) for rows, columns in sizes if rows > 0 and columns > 0)
    inflater = zlib.decompressobj()
    packed = b"".join(content for kind, content in kept if kind == b"IDAT")
    try:
        rows = inflater.decompress(packed, expected + 1)
    except zlib.error as error:
        raise DamagedError("its pixels are damaged") from error
    if len(rows) < expected:
        raise DamagedError("its pixels are incomplete")
    if len(rows) > expected or not inflater.eof or inflater.unused_data:
        packed = zlib.compress(rows[:expected], 1)
    parts = [_chunk(*item) for item in kept if item[0] != b"IDAT"]
    return b"".join([SIGNATURE, *parts, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")])


def _deep_planes(data: bytes) -> tuple[Pixels, Pixels | None, Space]:
    import imagecodecs

    flat = np.asarray(imagecodecs.png_decode(_bare(data)))
    if flat.ndim == 2:
        return flat, None, "gray"
    channels = flat.shape[2]
    alpha = np.ascontiguousarray(flat[..., -1]) if channels in (2, 4) else None
    if channels <= 2:
        return np.ascontiguousarray(flat[..., 0]), alpha, "gray"
    return np.ascontiguousarray(flat[..., :3]), alpha, "rgb"


def _metadata(chunks: list[tuple[bytes, bytes]]) -> Metadata:
    block = packet = captions = photoshop = b""
    raw_exif = b""
    dpi = None
    blocks = []
    for kind, content in chunks:
        keyword, _, text = content.partition(b"\0")
        if kind == b"eXIf":
            block = block or content
            continue
        if kind == b"iTXt" and keyword == _XMP_KEYWORD:
            packet = packet or _international(text)
            continue
        if kind in (b"tEXt", b"zTXt") and keyword.startswith(_RAW_KEYWORD):
            carried = iptc.from_raw_profile(text if kind == b"tEXt" else _inflated(text[1:]))
            name = keyword[len(_RAW_KEYWORD) :].lower()
            if carried and name in (b"exif", b"app1") and carried.startswith(exif.JPEG_PREFIX):
                raw_exif = carried[len(exif.JPEG_PREFIX) :]
                continue
            if carried and name == b"xmp":
                packet = packet or carried
                continue
            if carried and name in (b"iptc", b"8bim"):
                photoshop = carried if carried.startswith(b"8BIM") else photoshop
                captions = iptc.captions_in(carried) if carried.startswith(b"8BIM") else carried
                continue
        if kind == b"pHYs" and len(content) == 9:
            across, down, unit = struct.unpack(">IIB", content)
            dpi = (across * _METRES_PER_INCH, down * _METRES_PER_INCH) if unit == 1 and across and down else dpi
        if kind in _KEPT or (kind not in _TAKEN and kind[0] & _ANCILLARY and kind[3] & _SAFE_TO_COPY):
            blocks.append((kind, content))
    return Metadata(block or raw_exif, packet, b"", captions, photoshop, dpi, tuple(blocks))


def _international(text: bytes) -> bytes:
    """The text of an iTXt chunk, behind its keyword."""
    compressed = text[:1] == b"\1"
    _language, _, rest = text[2:].partition(b"\0")
    _translated, _, body = rest.partition(b"\0")
    return _inflated(body) if compressed else body


def _cicp(chunks: dict[bytes, bytes]) -> Cicp | None:
    """What the cICP chunk says.

    Raises
    ------
    UnsupportedError
        It says that samples are of narrow range, or no RGB.
    """
    content = chunks.get(b"cICP", b"")
    if len(content) != 4:
        return None
    primaries, transfer, matrix, full_range = content
    if matrix or full_range != 1:
        raise UnsupportedError("PNG of video's narrow range (cICP) is not read; save it with full range")
    return Cicp(primaries, transfer)


def _profile(chunks: dict[bytes, bytes], space: Space) -> tuple[bytes, tuple[str, ...]]:
    """The ICC profile that the chunks amount to; empty for sRGB."""
    if b"iCCP" in chunks:
        return _inflated(chunks[b"iCCP"].partition(b"\0")[2][1:]) or b"damaged", ()
    if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return b"", ()
    (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
    chrm = struct.unpack(">8I", chunks[b"cHRM"]) if len(chunks.get(b"cHRM", b"")) == 32 else _SRGB_CHRM
    usual_primaries = all(abs(a - b) < _NEAR for a, b in zip(chrm, _SRGB_CHRM, strict=True))
    if not gamma or (abs(gamma - _USUAL_GAMMA) < _NEAR and (usual_primaries or space == "gray")):
        return b"", ()
    if not all(chrm[1::2]):
        return b"", ("the cHRM chunk makes no sense; the picture is taken for sRGB",)
    points = None if usual_primaries else np.array(chrm, np.float64).reshape(4, 2) / _CHRM_UNIT
    return gamma_profile(_CHRM_UNIT / gamma, points, grey=space == "gray"), ()


def encode(picture: Picture, _output: Output, _notes: list[str]) -> bytes:
    """Encode a picture of 8 or 16 bits."""
    if picture.pixels.dtype == np.uint8:
        coded = saved(replace(picture, metadata=Metadata()), "PNG")
    else:
        import imagecodecs

        coded = bytes(
            imagecodecs.png_encode(np.ascontiguousarray(combined(picture)), level=_LEVEL, filter=_DIFFERENCES)
        )
    return coded[:_HEADER_END] + b"".join(_chunk(*item) for item in _written(picture)) + coded[_HEADER_END:]


def _written(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    metadata = picture.metadata
    blocks = metadata.blocks if picture.format == "PNG" else ()
    if picture.profile:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.profile, 9)
    if metadata.dpi and not any(kind == b"pHYs" for kind, _ in blocks):
        across, down = (round(dots / _METRES_PER_INCH) for dots in metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if metadata.exif:
        yield b"eXIf", metadata.exif
    if metadata.xmp:
        yield b"iTXt", _XMP_HEADER + metadata.xmp
    captions = iptc.with_captions(metadata.photoshop, metadata.iptc)
    if captions:
        yield b"zTXt", _RAW_KEYWORD + b"iptc\0\0" + zlib.compress(iptc.to_raw_profile("iptc", captions))
    yield from blocks


def transposed(metadata: Metadata) -> Metadata:
    """The metadata of a picture whose rows and columns have been swapped."""
    swapped = tuple(
        (kind, content[4:8] + content[:4] + content[8:] if kind == b"pHYs" and len(content) == 9 else content)
        for kind, content in metadata.blocks
    )
    return replace(metadata, blocks=swapped)
