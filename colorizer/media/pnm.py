"""PNM: portable bitmaps, graymaps, pixmaps (P1 to P6) and arbitrary maps (P7), 1 to 16 bits, text and binary.

These formats hold samples and nothing else; they are read and written here. Other full scales than 255 and 65535 are
stretched to these.

Source: Netpbm's pbm(5), pgm(5), ppm(5), pam(5).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from colorizer.media.damage import DamagedError
from colorizer.media.options import Output
from colorizer.media.picture import (
    Encoding,
    Picture,
    Pixels,
    StoredPicture,
    UnsupportedError,
    further_pictures,
)
from colorizer.media.profiles import Space
from colorizer.media.raster import CheckSize, combined

_TOKEN = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(\d+)")
_PAM_LINE = re.compile(rb"[ \t]*(?:#[^\n]*|([A-Z]+)[ \t]+([^\n]*?)|)[ \t\r]*\n")
_LARGEST_NUMBER = 10  # digits
_CHANNELS = {1: 1, 2: 1, 3: 3, 4: 1, 5: 1, 6: 3}
_TUPLES = {"GRAYSCALE": 1, "BLACKANDWHITE": 1, "RGB": 3}
_LARGEST_PAM_HEADER = 100
_PAM_NUMBERS = ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL")
_BINARY = re.compile(rb"P[4-7]\s")


def decode(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode the first picture of a PNM file.

    Raises
    ------
    DamagedError
        Its header makes no sense, or samples are missing.
    """
    return replace(_decode_first(data, check_size), notes=further_pictures(_count(data) - 1))


def _count(data: bytes) -> int:
    """How many pictures there are one after the other; of text there can be but one."""
    count = place = 0
    while _BINARY.match(data, place):
        end = _end_of_binary(data, place)
        if end is None or end > len(data):
            break
        count, place = count + 1, end
    return max(1, count)


def _end_of_binary(data: bytes, start: int) -> int | None:
    try:
        if data[start + 1] == ord("7"):
            fields, place = _pam_fields(data, start)
            width, height, channels, scale = (int(fields[name]) for name in _PAM_NUMBERS)
            return place + width * height * channels * (2 if scale > 255 else 1)
        kind = data[start + 1] - ord("0")
        width, place = _number(data, start + 2)
        height, place = _number(data, place)
        if kind == 4:
            return place + 1 + -(-width // 8) * height
        scale, place = _number(data, place)
        return place + 1 + width * height * _CHANNELS[kind] * (2 if scale > 255 else 1)
    except (ValueError, KeyError):
        return None


def _decode_first(data: bytes, check_size: CheckSize) -> StoredPicture:
    kind = data[1] - ord("0")
    if kind == 7:
        return _decode_pam(data, check_size)
    width, height, place = _number(data, 2)[0], *_number(data, _number(data, 2)[1])
    scale = 1
    if kind not in (1, 4):
        scale, place = _number(data, place)
    _check(width, height, scale, check_size)
    channels = _CHANNELS[kind]
    if kind == 1:
        digits = re.sub(rb"#[^\r\n]*|\s+", b"", data[place:])[: width * height]
        flat = 1 - (np.frombuffer(digits, np.uint8) - ord("0"))
    elif kind in (2, 3):
        text = re.sub(rb"#[^\r\n]*", b"", data[place:])
        flat = np.array(text.split()[: width * height * channels], np.int64)
    elif kind == 4:
        bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=place + 1))
        row = -(-width // 8) * 8
        flat = 1 - bits[: row * height].reshape(height, row)[:, :width].ravel()
    else:
        return _stored(_binary(data, place + 1, width * height * channels, scale), (height, width, channels), scale)
    return _stored(flat, (height, width, channels), scale)


def _number(data: bytes, place: int) -> tuple[int, int]:
    found = _TOKEN.match(data, place)
    if found is None or len(found.group(1)) > _LARGEST_NUMBER:
        raise DamagedError("a header without its numbers")
    return int(found.group(1)), found.end()


def _check(width: int, height: int, scale: int, check_size: CheckSize) -> None:
    if not width or not height or not 1 <= scale <= 65535:
        raise DamagedError("a header that makes no sense")
    check_size(width, height)


def _binary(data: bytes, place: int, count: int, scale: int) -> Pixels:
    return np.frombuffer(data, np.uint8 if scale < 256 else ">u2", count, place)


def _stored(flat: Pixels, shape: tuple[int, int, int], scale: int) -> StoredPicture:
    if len(flat) != np.prod(shape):
        raise DamagedError("too few samples")
    if flat.size and (flat.max() > scale or flat.min() < 0):
        raise DamagedError("samples beyond the full scale")
    full, dtype = (255, np.uint8) if scale < 256 else (65535, np.uint16)
    scaled = flat.astype(dtype) if scale == full else np.rint(flat * (full / scale)).astype(dtype)
    samples = scaled.reshape(shape)
    channels = shape[2]
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    space: Space = "gray" if channels <= 2 else "rgb"
    visible = samples[..., 0] if channels <= 2 else samples[..., :3]
    return StoredPicture(np.ascontiguousarray(visible), space, alpha, encoding=Encoding())


def _pam_fields(data: bytes, start: int) -> tuple[dict[str, str], int]:
    """The lines of an arbitrary map's header, and where its samples begin."""
    fields: dict[str, str] = {}
    place = data.index(b"\n", start) + 1
    for _ in range(_LARGEST_PAM_HEADER):
        if data[place : place + 6] == b"ENDHDR":
            break
        found = _PAM_LINE.match(data, place)
        if found is None:
            raise DamagedError("a header that makes no sense")
        if found.group(1):
            fields[found.group(1).decode()] = found.group(2).decode("ascii", "replace")
        place = found.end()
    if not all(fields.get(name, "").isdecimal() and len(fields[name]) <= _LARGEST_NUMBER for name in _PAM_NUMBERS):
        raise DamagedError("a header without its numbers")
    return fields, data.index(b"\n", place) + 1


def _decode_pam(data: bytes, check_size: CheckSize) -> StoredPicture:
    fields, start = _pam_fields(data, 0)
    width, height, channels, scale = (int(fields[name]) for name in _PAM_NUMBERS)
    kind, _, alpha = fields.get("TUPLTYPE", "").partition("_ALPHA")
    expected = _TUPLES.get(kind, channels if channels in (1, 3) else 0) + (fields.get("TUPLTYPE", "") != kind)
    if channels != expected or alpha:
        raise UnsupportedError(f"PAM of the kind {fields.get('TUPLTYPE', '?')!r} is not read; save it as RGB or grey")
    _check(width, height, scale, check_size)
    return _stored(_binary(data, start, width * height * channels, scale), (height, width, channels), scale)


def encode(picture: Picture, _output: Output, _notes: list[str]) -> bytes:
    """Encode a picture of 8 or 16 bits: a graymap or pixmap, or with an alpha an arbitrary map."""
    height, width = picture.pixels.shape[:2]
    samples: Any = combined(picture)
    full = np.iinfo(samples.dtype).max
    body: bytes = samples.astype(">u2" if full > 255 else np.uint8, copy=False).tobytes()
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    if picture.alpha is not None:
        kind = "GRAYSCALE_ALPHA" if channels == 2 else "RGB_ALPHA"
        lines = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {full}\nTUPLTYPE {kind}\nENDHDR\n"
        return lines.encode() + body
    return f"P{5 if channels == 1 else 6}\n{width} {height}\n{full}\n".encode() + body
