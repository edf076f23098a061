"""Protocol buffers' wire format: a walk over the fields of a message, and the few encodings that a writer needs.

A message is a run of fields, each a key (field number and wire type) and a payload. The walk touches keys and lengths
only: a payload is reported by where it lies, so that 129 MB of packed floats are passed over in one step. Nested
messages are walked by calling again on the payload's span; nothing recurses by itself, so hostile nesting is harmless.

Knows nothing of Caffe. Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

MAX_FIELDS = 1_000_000
"""Fields walked in one file before it is refused: a large network has some ten thousand; a hostile file could hold
tens of millions of empty ones."""

_VARINT_BITS = 64
_FIELD_NUMBER_LIMIT = 1 << 29


class WireType(IntEnum):
    """How a field's payload is encoded; the two group types are obsolete and not among them."""

    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    FIXED32 = 5


_FIXED_BYTES = {WireType.FIXED64: 8, WireType.FIXED32: 4}


class WireError(ValueError):
    """The bytes are no message.

    Attributes
    ----------
    offset
        Where in the buffer the field begins that cannot be read.
    missing
        How many bytes at least the buffer lacks, if it ends inside the field; else 0.
    """

    def __init__(self, what: str, offset: int, missing: int = 0) -> None:
        super().__init__(f"{what} at byte {offset}")
        self.offset = offset
        self.missing = missing


class Field(NamedTuple):
    """One field of a message: `value` of a varint (0 for the others), and the span of the payload in the buffer."""

    number: int
    wire: WireType
    value: int
    start: int
    end: int


class Walk:
    """A walk over one buffer: it counts the fields of all messages in it and stops at `MAX_FIELDS`."""

    def __init__(self, buffer: memoryview) -> None:
        self.buffer = buffer
        self._fields_left = MAX_FIELDS

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """The fields of the message in `buffer[start:end]`.

        Raises
        ------
        WireError
            The span does not hold a message. `missing` is set if the message ends inside a field.
        """
        position = start
        while position < end:
            field = self.field_at(position, end)
            yield field
            position = field.end

    def field_at(self, start: int, end: int) -> Field:
        """The one field that begins at `start`, in a message that ends at `end`.

        Raises
        ------
        WireError
            There is none.
        """
        self._fields_left -= 1
        if self._fields_left < 0:
            raise WireError(f"more than {MAX_FIELDS} fields", start)
        key, payload = self._varint(start, end)
        number = key >> 3
        if not 0 < number < _FIELD_NUMBER_LIMIT:
            raise WireError(f"field number {number} is not possible", start)
        try:
            wire = WireType(key & 7)
        except ValueError:
            raise WireError(f"wire type {key & 7} is not possible", start) from None
        if wire is WireType.VARINT:
            value, after = self._varint(payload, end)
            return Field(number, wire, value, payload, after)
        if wire is WireType.LENGTH:
            length, payload = self._varint(payload, end)
        else:
            length = _FIXED_BYTES[wire]
        if payload + length > end:
            raise WireError("a field runs past its message", start, missing=payload + length - end)
        return Field(number, wire, 0, payload, payload + length)

    def varints(self, start: int, end: int) -> Iterator[int]:
        """The numbers of a packed varint field.

        Raises
        ------
        WireError
            The span does not hold whole numbers.
        """
        while start < end:
            value, start = self._varint(start, end)
            yield value

    def _varint(self, start: int, end: int) -> tuple[int, int]:
        value = 0
        for i, shift in enumerate(range(0, _VARINT_BITS, 7)):
            if start + i >= end:
                raise WireError("a number is cut short", start, missing=1)
            byte = self.buffer[start + i]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & ((1 << _VARINT_BITS) - 1), start + i + 1
        raise WireError("a number has more than 64 bits", start)


def signed(value: int) -> int:
    """A varint read as int64 or int32, which the wire holds in two's complement of 64 bits."""
    return value - (1 << _VARINT_BITS) if value >> (_VARINT_BITS - 1) else value


def varint(value: int) -> bytes:
    """A non-negative number, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def key(number: int, wire: WireType) -> bytes:
    """What precedes a field's payload."""
    return varint(number << 3 | wire)


def length_key(number: int, length: int) -> bytes:
    """What precedes a payload of `length` bytes: a string, a nested message, or packed numbers."""
    return key(number, WireType.LENGTH) + varint(length)


def length_field(number: int, payload: bytes) -> bytes:
    """A whole string, nested message, or packed run of numbers."""
    return length_key(number, len(payload)) + payload
