"""What a film says of its making within its pictures: a message of H.264 or H.265 at each key frame.

It stays with the pictures when they are copied into another container, or when a container holds no such tag. Decoders
pass it over. H.264 7.3.2.3 and D.1.6, H.265 7.3.2.4 and D.2.7: user data that is not registered, with a UUID before it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from colorizer.networks.making import Making

IDENTIFIER = uuid.uuid5(uuid.NAMESPACE_URL, "https://colorize.invalid/making")
"""By which programs that look for it know it."""

_USER_DATA = 5
_H264, _H265 = b"\x06", b"\x4e\x01"
_HEADS = {"libx264": _H264, "h264": _H264, "libx265": _H265, "hevc": _H265}
"""Of the unit that holds messages, by the encoder."""

_START = b"\x00\x00\x01"


def message(making: Making, encoder: str) -> bytes | None:
    """The unit to put into key frames, from its start code on; None for codecs without such messages."""
    head = _HEADS.get(_family(encoder))
    if head is None:
        return None
    content = IDENTIFIER.bytes + making.as_json().encode("ascii")
    size = b"\xff" * (len(content) // 255) + bytes([len(content) % 255])
    return b"\x00" + _START + head + _escaped(bytes([_USER_DATA]) + size + content + b"\x80")


def with_message(picture: bytes, unit: bytes, encoder: str) -> bytes:
    """An encoded key frame, in units after start codes, with the message before its first slice."""
    is_slice = _is_slice_of_h264 if _HEADS[_family(encoder)] == _H264 else _is_slice_of_h265
    for place in _units(picture):
        if is_slice(picture[place + 3]):
            # a start code may have a zero before it, which belongs to it
            begin = place - int(place > 0 and picture[place - 1] == 0)
            return picture[:begin] + unit + picture[begin:]
    return picture


def _family(encoder: str) -> str:
    """Of FFmpeg's encoders: `h264_nvenc` and its like by the codec."""
    return encoder.split("_", maxsplit=1)[0]


def _is_slice_of_h264(head: int) -> bool:
    return 1 <= head & 31 <= 5


def _is_slice_of_h265(head: int) -> bool:
    return (head >> 1) & 63 < 32


def _units(picture: bytes) -> Iterator[int]:
    place = picture.find(_START)
    while place >= 0 and place + 3 < len(picture):
        yield place
        place = picture.find(_START, place + 3)


def _escaped(content: bytes) -> bytes:
    """Without anything that looks like a start code: 7.4.1 of both standards."""
    found = bytearray()
    zeros = 0
    for byte in content:
        if zeros >= 2 and byte <= 3:
            found.append(3)
            zeros = 0
        found.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(found)
