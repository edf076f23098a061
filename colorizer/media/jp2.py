"""JPEG 2000: 8 to 16 bits, lossless or lossy as the input is, in its JP2 box or as a bare codestream.

imagecodecs (OpenJPEG) decodes and encodes; `jp2_pixels` says what the channels are. Boxes of metadata are read and
written here: Exif, XMP and captions in UUID boxes, resolution, colour space, alpha.

Source: ITU-T T.800 annexes A and I; the UUIDs as ExifTool lists them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from colorizer.media.boxes import boxes
from colorizer.media.jp2_pixels import decode_pixels, read_code_stream, read_header
from colorizer.media.metadata import exif, iptc
from colorizer.media.options import Output
from colorizer.media.picture import Encoding, Metadata, Picture, StoredPicture, further_pictures
from colorizer.media.profiles import srgb_grey_profile, srgb_profile
from colorizer.media.raster import CheckSize, combined

BOX_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF_UUID = b"JpgTiffExif->JP2"
_IPTC_UUID = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_ENUMERATED, _RESTRICTED_ICC = 1, 2
_SRGB_SPACE, _GREY_SPACE = 16, 17
_COLOR_CHANNEL, _OPACITY_CHANNEL = 0, 1

_CODING_STYLE, _TILE_PART = 0xFF52, 0xFF90
_REVERSIBLE_WAVELET = 1
_METRES_PER_INCH = 0.0254
_RESOLUTION_UNITS = 100  # resolutions are written in hundredths of a pixel per metre

_PSNR_AT_ZERO, _PSNR_PER_QUALITY = 20.0, 0.3
"""Quality 95 is 48.5 dB, 50 is 35 dB."""


def decode(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode a JPEG 2000 file.

    Raises
    ------
    ValueError
        It holds no code stream, or one that makes no sense.
    UnsupportedError
        It is of a kind that is not read.
    """
    stream = read_code_stream(data)
    check_size(stream.width, stream.height)
    header = read_header(data)
    further = sum(kind == b"jp2c" for kind, _, _ in boxes(data, 0, len(data))) - 1
    samples, alpha, space, notes = decode_pixels(data, stream, header, check_size)
    metadata = _metadata(data)
    return StoredPicture(
        samples,
        space,
        alpha,
        header.profile,
        exif.orientation_of(metadata.exif),
        metadata,
        Encoding(lossless=_is_reversible(data, stream.place)),
        dtype=np.dtype(np.uint8 if max(header.palette_depths or stream.depths) <= 8 else np.uint16),
        notes=(*notes, *further_pictures(further)),
        cicp=header.cicp,
    )


def _is_reversible(data: bytes, stream: int) -> bool:
    place = stream + 2
    while place + 4 <= len(data):
        marker, size = struct.unpack_from(">HH", data, place)
        if marker == _CODING_STYLE:
            return data[place + 13 : place + 14] == bytes([_REVERSIBLE_WAVELET])
        if marker == _TILE_PART or marker < 0xFF00:
            break
        place += 2 + size
    return False


def _metadata(data: bytes) -> Metadata:
    if not data.startswith(BOX_SIGNATURE):
        return Metadata()
    uuids: dict[bytes, bytes] = {}
    dpi = None
    blocks = []
    for kind, start, stop in boxes(data, 0, len(data)):
        if kind == b"uuid":
            uuids.setdefault(data[start : start + 16], data[start + 16 : stop])
        elif kind == b"xml ":
            blocks.append((kind, data[start:stop]))
        elif kind == b"jp2h":
            for inner, begin, end in boxes(data, start, stop):
                if inner == b"res ":
                    dpi = _resolution(data, begin, end) or dpi
    block = uuids.pop(_EXIF_UUID, b"").removeprefix(exif.JPEG_PREFIX)
    metadata = Metadata(block, uuids.pop(_XMP_UUID, b""), b"", uuids.pop(_IPTC_UUID, b""), dpi=dpi)
    blocks += [(b"uuid", uuid + content) for uuid, content in uuids.items()]
    return replace(metadata, blocks=tuple(blocks))


def _resolution(data: bytes, start: int, stop: int) -> tuple[float, float] | None:
    found = {kind: begin for kind, begin, end in boxes(data, start, stop) if end - begin == 10}
    begin = found.get(b"resc", found.get(b"resd"))
    if begin is None:
        return None
    down, down_unit, across, across_unit, down_power, across_power = struct.unpack_from(">4H2b", data, begin)
    if not (down and down_unit and across and across_unit):
        return None
    return (
        across / across_unit * 10.0**across_power * _METRES_PER_INCH,
        down / down_unit * 10.0**down_power * _METRES_PER_INCH,
    )


def encode(picture: Picture, output: Output, _notes: list[str]) -> bytes:
    """Encode a picture of 8 or 16 bits as JP2; losslessly where the input was lossless and no quality is asked for."""
    import imagecodecs

    samples = np.ascontiguousarray(combined(picture))
    if output.quality is None and picture.encoding.lossless:
        coded = imagecodecs.jpeg2k_encode(samples, codecformat="jp2", reversible=True)
    else:
        psnr = _PSNR_AT_ZERO + _PSNR_PER_QUALITY * (output.quality or 95)
        coded = imagecodecs.jpeg2k_encode(samples, round(psnr), codecformat="jp2")
    return _with_boxes(bytes(coded), picture)


def _with_boxes(coded: bytes, picture: Picture) -> bytes:
    parts = []
    for kind, start, stop in boxes(coded, 0, len(coded)):
        content = coded[start:stop]
        if kind == b"jp2h":
            inner = {inner: coded[begin:end] for inner, begin, end in boxes(coded, start, stop)}
            parts.append(_box(kind, b"".join(_header(inner, picture))))
            parts += [_box(*item) for item in _blocks(picture)]
        elif kind != b"uuid":
            parts.append(_box(kind, content))
    return b"".join(parts)


def _box(kind: bytes, content: bytes) -> bytes:
    if len(content) + 8 < 1 << 32:
        return struct.pack(">I4s", len(content) + 8, kind) + content
    return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content


def _header(inner: dict[bytes, bytes], picture: Picture) -> Iterator[bytes]:
    yield _box(b"ihdr", inner[b"ihdr"])
    if b"bpcc" in inner:
        yield _box(b"bpcc", inner[b"bpcc"])
    colors = 1 if picture.pixels.ndim == 2 else 3
    if picture.profile and picture.profile not in (srgb_profile(), srgb_grey_profile()):
        yield _box(b"colr", bytes([_RESTRICTED_ICC, 0, 0]) + picture.profile)
    else:
        space = _GREY_SPACE if colors == 1 else _SRGB_SPACE
        yield _box(b"colr", struct.pack(">3BI", _ENUMERATED, 0, 0, space))
    if picture.alpha is not None:
        channels = [(number, _COLOR_CHANNEL, number + 1) for number in range(colors)] + [(colors, _OPACITY_CHANNEL, 0)]
        yield _box(b"cdef", struct.pack(">H", len(channels)) + b"".join(struct.pack(">3H", *c) for c in channels))
    if picture.metadata.dpi:
        yield _box(b"res ", _box(b"resc", _packed_resolution(picture.metadata.dpi)))


def _packed_resolution(dpi: tuple[float, float]) -> bytes:
    across, down = (dots / _METRES_PER_INCH for dots in dpi)
    power = 0
    while max(across, down) * _RESOLUTION_UNITS / 10**power > 65535:
        power += 1
    numbers = (round(value * _RESOLUTION_UNITS / 10**power) for value in (down, across))
    down_number, across_number = numbers
    return struct.pack(">4H2b", down_number, _RESOLUTION_UNITS, across_number, _RESOLUTION_UNITS, power, power)


def _blocks(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    metadata = picture.metadata
    captions = metadata.iptc or iptc.captions_in(metadata.photoshop)
    for uuid, content in ((_EXIF_UUID, metadata.exif), (_XMP_UUID, metadata.xmp), (_IPTC_UUID, captions)):
        if content:
            yield b"uuid", uuid + content
    if picture.format == "JP2":
        yield from metadata.blocks
