"""The prototxt, Caffe's description of a network: protobuf's text format, parsed and written with its meaning kept.

Knows the grammar and nothing of networks: a message is an ordered list of named values, each a number, a truth value, a
string, an enum's word, or a message again. A field may be repeated; order among the same name matters and is kept.
Comments and layout are not kept. Every error says line and column.

Grammar: https://protobuf.dev/reference/protobuf/textformat-spec/ (without extensions and Any, which Caffe lacks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import NamedTuple, TypeVar, Union

from colorizer.errors import WeightsError, shown

MAX_DEPTH = 64
"""Messages within messages; Caffe's own stay below ten."""

MAX_NUMBER_LENGTH = 64
"""Characters of a number; a double needs 24."""

_INT64_MIN, _UINT64_MAX = -(1 << 63), (1 << 64) - 1
_TRUTH = {"true": True, "True": True, "false": False, "False": False}
_SHORT_TRUTH = {"t": True, "f": False}
_NON_FINITE = {"inf": float("inf"), "infinity": float("inf"), "nan": float("nan")}
_CLOSING = {"{": "}", "<": ">"}
_INDENT = "  "
_EXCERPT_LENGTH = 20

_TOKEN = re.compile(
    r"""
    (?P<space>(?:[ \t\r\n\f\v]|\#[^\n]*)+)
  | (?P<number>(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?)(?![\w.]))
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
  | (?P<mark>[-:{}<>\[\],;])
    """,
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)
_LETTER_ESCAPES = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13}
_ESCAPABLE = b"\\'\"?"

T = TypeVar("T")


class PrototxtError(ValueError):
    """The text, or a value in it, is not what it should be; the message says where and what, not in which file."""


@dataclass(frozen=True)
class Word:
    """A value without quotes that is no number: an enum's identifier, such as SUM."""

    text: str


Value = Union[int, float, bool, str, Word, "Message"]


@dataclass(frozen=True)
class Field:
    """A named value, and the line it stands in (0 if it was not read from a text)."""

    name: str
    value: Value
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Message:
    """An ordered multi-map of fields, compared by meaning: names and values in order.

    The readers by type (`text`, `integer`, ...) return the default where the field is absent, and raise PrototxtError
    with the line where it has another type or, those of a single value, where it is given twice.
    """

    fields: tuple[Field, ...] = ()

    @classmethod
    def of(cls, **values: Value | list[Value]) -> Message:
        """A message from keyword arguments; a list gives a repeated field."""
        return cls(
            tuple(
                Field(name, one)
                for name, value in values.items()
                for one in (value if isinstance(value, list) else [value])
            )
        )

    def __contains__(self, name: str) -> bool:
        return any(entry.name == name for entry in self.fields)

    def all(self, name: str) -> tuple[Field, ...]:
        """Every field of that name, in order."""
        return tuple(entry for entry in self.fields if entry.name == name)

    def one(self, name: str) -> Field | None:
        """The only field of that name, or None."""
        entries = self.all(name)
        if len(entries) > 1:
            raise _error(entries[1], f"`{name}` is given {len(entries)} times")
        return entries[0] if entries else None

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of a repeated string."""
        return tuple(_typed(entry, str, "a string in quotes") for entry in self.all(name))

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        entry = self.one(name)
        return default if entry is None else _typed(entry, str, "a string in quotes")

    def integers(self, name: str) -> tuple[int, ...]:
        """The values of a repeated whole number."""
        return tuple(_typed(entry, int, "a whole number") for entry in self.all(name))

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number."""
        entry = self.one(name)
        return default if entry is None else _typed(entry, int, "a whole number")

    def number(self, name: str, default: float = 0.0) -> float:
        """A number, whole or not."""
        entry = self.one(name)
        if entry is None:
            return default
        return float(entry.value) if type(entry.value) is int else _typed(entry, float, "a number")

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value; as protobuf allows, also spelt 0, 1, t or f."""
        entry = self.one(name)
        if entry is None:
            return default
        if isinstance(entry.value, int) and entry.value in (0, 1):
            return bool(entry.value)
        if isinstance(entry.value, Word) and entry.value.text in _SHORT_TRUTH:
            return _SHORT_TRUTH[entry.value.text]
        raise _error(entry, f"`{name}` should be true or false")

    def word(self, name: str, default: str = "") -> str:
        """An enum's identifier; as protobuf allows, also its number, in decimal."""
        entry = self.one(name)
        if entry is None:
            return default
        return str(entry.value) if type(entry.value) is int else _typed(entry, Word, "a word without quotes").text

    def messages(self, name: str) -> tuple[Message, ...]:
        """The values of a repeated message."""
        return tuple(_typed(entry, Message, "a message in braces") for entry in self.all(name))

    def message(self, name: str) -> Message:
        """A nested message; an empty one where the field is absent."""
        entry = self.one(name)
        return Message() if entry is None else _typed(entry, Message, "a message in braces")


def parse(text: str, path: Path | None = None) -> Message:
    """Read protobuf's text format.

    Parameters
    ----------
    text
        The whole text.
    path
        The file it comes from, for an error's message.

    Raises
    ------
    WeightsError
        The text does not follow the grammar; the message says where.
    """
    try:
        return _Parser(text).document()
    except PrototxtError as error:
        name = shown(path) if path else "the text"
        raise WeightsError(f"{name} is no intact prototxt ({error}); correct it or download it again") from error


def dumps(message: Message) -> str:
    """The message in protobuf's text format, one field a line; `parse` gives back an equal message."""
    return "".join(_lines(message, ""))


def _typed(entry: Field, kind: type[T], expected: str) -> T:
    if isinstance(entry.value, kind) and not (kind is int and isinstance(entry.value, bool)):
        return entry.value
    raise _error(entry, f"`{entry.name}` should be {expected}")


def _error(entry: Field, what: str) -> PrototxtError:
    return PrototxtError(f"line {entry.line}: {what}" if entry.line else what)


class _Token(NamedTuple):
    kind: str  # number, word, string, mark, or end
    text: str
    start: int


class _Parser:
    """Recursive descent over the tokens, one ahead; the depth of the recursion is bounded by MAX_DEPTH."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._tokenize()
        self._line, self._line_checked = 1, 0
        self._next = next(self._tokens)

    def document(self) -> Message:
        return Message(tuple(self._fields("", 0)))

    def _tokenize(self) -> Iterator[_Token]:
        position = 0
        while position < len(self._text):
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                raise self._error(position, f"{self._excerpt(position)} is not understood")
            if match.lastgroup != "space":
                yield _Token(match.lastgroup, match.group(), position)
            position = match.end()
        while True:
            yield _Token("end", "", len(self._text))

    def _fields(self, closing: str, depth: int) -> Iterator[Field]:
        """The fields up to the mark that closes their message, or up to the end of the text where there is none."""
        if depth > MAX_DEPTH:
            raise self._error(self._next.start, f"messages are nested more than {MAX_DEPTH} deep")
        while True:
            if self._next.kind == "mark" and self._next.text == closing:
                self._take()
                return
            if self._next.kind == "end" and not closing:
                return
            name = self._take("word", f"a field's name or `{closing}`" if closing else "a field's name")
            line = self._line_of(name.start)
            for value in self._values(depth):
                yield Field(name.text, value, line)
            if self._next.text in (",", ";") and self._next.kind == "mark":
                self._take()

    def _values(self, depth: int) -> Iterator[Value]:
        colon = self._accept(":")
        if self._accept("["):
            if self._accept("]"):
                return
            yield self._value(depth, scalar=colon)
            while not self._accept("]"):
                if not self._accept(","):
                    raise self._unexpected("`,` or `]`")
                yield self._value(depth, scalar=colon)
        else:
            yield self._value(depth, scalar=colon)

    def _value(self, depth: int, scalar: bool) -> Value:
        """One value; without a colon before it (`scalar` False) only a message."""
        token = self._next
        if token.kind == "mark" and token.text in _CLOSING:
            self._take()
            return Message(tuple(self._fields(_CLOSING[token.text], depth + 1)))
        if not scalar:
            raise self._unexpected("`:` or `{`")
        if token.kind == "string":
            pieces = []
            while self._next.kind == "string":
                pieces.append(self._unescaped(self._take()))
            return b"".join(pieces).decode("utf-8", "surrogateescape")
        negative = self._accept("-")
        token = self._next
        if token.kind == "number":
            return self._number(self._take(), negative)
        if token.kind == "word":
            self._take()
            if token.text.lower() in _NON_FINITE:
                return -_NON_FINITE[token.text.lower()] if negative else _NON_FINITE[token.text.lower()]
            if not negative:
                return _TRUTH[token.text] if token.text in _TRUTH else Word(token.text)
            raise self._error(token.start, f"{self._excerpt(token.start)} after a minus sign is no number")
        raise self._unexpected("a value")

    def _number(self, token: _Token, negative: bool) -> int | float:
        text = token.text
        if len(text) > MAX_NUMBER_LENGTH:
            raise self._error(token.start, "a number is too long")
        number: int | float
        if text[:2] in ("0x", "0X"):
            number = int(text, 16)
        elif text.isdigit():
            octal = text[0] == "0" and len(text) > 1
            if octal and not set(text) <= set("01234567"):
                raise self._error(token.start, f"{text} begins with 0 but is not octal")
            number = int(text, 8 if octal else 10)
        else:
            number = float(text.rstrip("fF"))
        number = -number if negative else number
        if isinstance(number, int) and not _INT64_MIN <= number <= _UINT64_MAX:
            raise self._error(token.start, "a whole number has more than 64 bits")
        return number

    def _unescaped(self, token: _Token) -> bytes:
        def byte(match: re.Match[bytes]) -> bytes:
            octal, hexadecimal, short, long, letter = match.groups()
            if octal or hexadecimal:
                code = int(octal, 8) if octal else int(hexadecimal, 16)
                if code < 0x100:
                    return bytes([code])
            elif short or long:
                point = int(short or long, 16)
                if point < 0x110000 and not 0xD800 <= point < 0xE000:
                    return chr(point).encode()
            elif letter in _LETTER_ESCAPES:
                return bytes([_LETTER_ESCAPES[letter]])
            elif letter and letter in _ESCAPABLE:
                return bytes(letter)
            raise self._error(token.start, "a string holds an escape that does not exist")

        return _ESCAPE.sub(byte, token.text[1:-1].encode("utf-8", "surrogateescape"))

    def _take(self, kind: str = "", expected: str = "") -> _Token:
        token = self._next
        if kind and token.kind != kind:
            raise self._unexpected(expected)
        self._next = next(self._tokens)
        return token

    def _accept(self, mark: str) -> bool:
        accepted = self._next.kind == "mark" and self._next.text == mark
        if accepted:
            self._take()
        return accepted

    def _unexpected(self, expected: str) -> PrototxtError:
        found = "the end of the text" if self._next.kind == "end" else self._excerpt(self._next.start)
        return self._error(self._next.start, f"{expected} is expected, not {found}")

    def _excerpt(self, start: int) -> str:
        return f"`{shown(self._text[start : start + _EXCERPT_LENGTH].splitlines()[0].rstrip())}`"

    def _line_of(self, position: int) -> int:
        """The line a position lies in, counted on from the position asked for before."""
        self._line += self._text.count("\n", self._line_checked, position)
        self._line_checked = position
        return self._line

    def _error(self, position: int, what: str) -> PrototxtError:
        line = self._text.count("\n", 0, position) + 1
        column = position - (self._text.rfind("\n", 0, position) + 1) + 1
        return PrototxtError(f"line {line}, column {column}: {what}")


def _lines(message: Message, indent: str) -> Iterator[str]:
    for entry in message.fields:
        if isinstance(entry.value, Message):
            yield f"{indent}{entry.name} {{\n"
            yield from _lines(entry.value, indent + _INDENT)
            yield f"{indent}}}\n"
        else:
            yield f"{indent}{entry.name}: {_literal(entry.value)}\n"


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Word):
        return value.text
    if isinstance(value, str):
        return '"' + "".join(_escaped(byte) for byte in value.encode("utf-8", "surrogateescape")) + '"'
    if isinstance(value, float) and isfinite(value):
        return repr(value)
    return str(value)


def _escaped(byte: int) -> str:
    """A byte as it stands in a string: octal escapes are the form that cannot run into what follows."""
    character = chr(byte)
    if character in "\\\"'":
        return "\\" + character
    return character if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
