"""The walk over protobuf's wire format."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorizer.io import wire
from colorizer.io.wire import Walk, WireError, WireType, key, length_field, signed, varint

numbers = st.integers(0, (1 << 64) - 1)


def walked(data: bytes) -> list[tuple[int, int, bytes]]:
    return [(f.number, f.value, data[f.start : f.end]) for f in Walk(memoryview(data)).fields(0, len(data))]


@given(st.lists(st.tuples(st.integers(1, (1 << 29) - 1), numbers | st.binary(max_size=300)), max_size=20))
def test_what_is_encoded_is_walked(fields: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(
        length_field(number, content) if isinstance(content, bytes) else key(number, WireType.VARINT) + varint(content)
        for number, content in fields
    )
    expected = [
        (number, 0, content) if isinstance(content, bytes) else (number, content, varint(content))
        for number, content in fields
    ]
    assert walked(data) == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_walked_or_refused(data: bytes) -> None:
    with suppress(WireError):
        assert sum(len(payload) for _, _, payload in walked(data)) <= len(data)


@pytest.mark.parametrize(("value", "encoded"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02")])
def test_varints_are_those_of_the_specification(value: int, encoded: str) -> None:
    assert varint(value).hex() == encoded


def test_negative_numbers_are_in_twos_complement() -> None:
    assert [signed(v) for v in (5, (1 << 64) - 1, 1 << 63)] == [5, -1, -(1 << 63)]


def test_a_length_beyond_the_end_says_how_much_is_missing() -> None:
    with pytest.raises(WireError) as caught:
        walked(length_field(1, b"12345678")[:-3])
    assert caught.value.missing == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x00", "field number 0"),
        (b"\x0b", "wire type 3"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "more than 64 bits"),
    ],
)
def test_what_cannot_be_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        walked(data)


def test_millions_of_empty_fields_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_FIELDS", 1000)
    assert len(walked(b"\x08\x01" * 1000)) == 1000
    with pytest.raises(WireError, match="more than 1000 fields"):
        walked(b"\x08\x01" * 1001)
