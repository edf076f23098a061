"""Protobuf's text format: what it means, where it is wrong, and that writing keeps the meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorizer.caffe.prototxt import MAX_DEPTH, Field, Message, PrototxtError, Value, Word, dumps, parse
from colorizer.errors import WeightsError

DNN: Any = cv2.dnn  # OpenCV 5 declares no Caffe importer

words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
enums = words.filter(lambda w: w.lower() not in ("true", "false", "inf", "infinity", "nan")).map(Word)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = st.one_of(st.integers(-(1 << 63), (1 << 64) - 1), st.floats(allow_nan=False), st.booleans(), texts, enums)
messages = st.recursive(
    st.just(Message()),
    lambda inner: st.lists(st.builds(Field, words, scalars | inner), max_size=6).map(lambda f: Message(tuple(f))),
    max_leaves=20,
)


def one(text: str) -> Value:
    """The value of the only field, x."""
    (field,) = parse(f"x: {text}").fields
    assert field.name == "x"
    return field.value


@given(messages)
def test_writing_keeps_the_meaning(message: Message) -> None:
    read = parse(dumps(message))
    assert read == message
    assert [type(field.value) for field in read.fields] == [type(field.value) for field in message.fields]
    assert dumps(read) == dumps(message)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("- 7", -7),
        ("0x1F", 31),
        ("017", 15),
        ("18446744073709551615", (1 << 64) - 1),
        ("2.606", 2.606),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-5", 1e-5),
        ("1.5f", 1.5),
        ("2F", 2.0),
        ("-inf", float("-inf")),
        ("Infinity", float("inf")),
        ("true", True),
        ("False", False),
        ("SUM", Word("SUM")),
        ("'constant'", "constant"),
        ('"it\'s" \' in "two"\'', 'it\'s in "two"'),
        (r'"\n\t\\\"\'\?"', "\n\t\\\"'?"),
        (r'"\303\244 \xC3\xa4 \u00e4 \U000000e4"', "ä ä ä ä"),
        (r'"\1\0012"', "\x01\x012"),
    ],
)
def test_a_value_is_read(text: str, value: Value) -> None:
    found = one(text)
    assert found == value
    assert type(found) is type(value)


def test_bytes_that_are_no_utf8_survive() -> None:
    assert dumps(parse(r'x: "\377\376 plain"')) == 'x: "\\377\\376 plain"\n'


@pytest.mark.parametrize(
    "text",
    [
        "a { b: 1 b: 2 c: 'd' }",
        "a: { b: 1; b: 2, c: 'd'; };",
        "a < b: 1 b: 2 c: 'd' >",
        "a { b: [1, 2] c: 'd' }",
        "# first\na { # second\n b: 1\n\tb:2 c:'d'#last\n}#",
        "a: [{ b: 1 b: 2 c: 'd' }] a: []",
    ],
)
def test_every_spelling_means_the_same(text: str) -> None:
    assert parse(text) == Message((Field("a", Message.of(b=[1, 2], c="d")),))


def test_order_among_repeated_fields_is_kept() -> None:
    assert parse("a: 2 b: 0 a: 1").integers("a") == (2, 1)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\nb 2", "line 2, column 3", "`:` or `{` is expected, not `2`"),
        ("a {\n  b: 1\n", "line 3, column 1", "field's name or `}` is expected, not the end"),
        ("a: 1 }", "line 1, column 6", "a field's name is expected"),
        ("a { b: 1 >", "line 1, column 10", "`}`"),
        ("a: 'open\nb: 1", "line 1, column 4", "`'open` is not understood"),
        ("a:\n  $", "line 2, column 3", "`\\$` is not understood"),
        ("a: 1_000", "line 1, column 4", "not understood"),
        ("a: 09", "line 1, column 4", "not octal"),
        ("a: 99999999999999999999", "line 1, column 4", "more than 64 bits"),
        ("a: -SUM", "line 1, column 5", "no number"),
        ("a: [1, 2", "line 1, column 9", "`,` or `\\]`"),
        ("a: [1,]", "line 1, column 7", "a value is expected"),
        ("a: ", "line 1, column 4", "the end of the text"),
        (r"a: '\q'", "line 1, column 4", "escape"),
        (r"a: '\400'", "line 1, column 4", "escape"),
        (r"a: '\ud800'", "line 1, column 4", "escape"),
        ("12: 1", "line 1, column 1", "a field's name"),
        ("[a.b]: 1", "line 1, column 1", "a field's name"),
        ("a: " + "9" * 70, "line 1, column 4", "too long"),
        ("a: \x00", "line 1, column 4", r"\\x00"),
    ],
)
def test_an_error_says_where_and_what(text: str, where: str, what: str) -> None:
    with pytest.raises(WeightsError, match=f"model.prototxt is no intact prototxt .{where}: .*{what}") as caught:
        parse(text, Path("model.prototxt"))
    assert "\n" not in str(caught.value)


def test_nesting_is_bounded() -> None:
    assert parse("a {" * MAX_DEPTH + "}" * MAX_DEPTH).fields
    with pytest.raises(WeightsError, match="nested more than"):
        parse("a {" * 100_000)


def test_a_long_text_is_read_in_a_moment() -> None:
    assert len(parse("layer { name: 'x' }\n" * 20_000).fields) == 20_000


@given(st.text(max_size=100) | st.text("ab{}<>[]:;,-'\"\\#\n 0123456789.eEfx", max_size=100))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        message = parse(text)
    except WeightsError:
        return
    assert dumps(parse(dumps(message))) == dumps(message)


def test_typed_reading_has_defaults() -> None:
    message = parse("s: 'a' r: 'a' r: 'b' n: 1 f: 2.5 t: true u: 0 v: f e: SUM e2: 3 m { x: 1 }")
    assert (message.text("s"), message.texts("r"), message.text("none", "d")) == ("a", ("a", "b"), "d")
    assert (message.integer("n"), message.integer("none", 4), message.number("n"), message.number("f")) == (
        1,
        4,
        1,
        2.5,
    )
    assert (message.flag("t"), message.flag("u"), message.flag("v"), message.flag("none", True)) == (
        True,
        False,
        False,
        True,
    )
    assert (message.word("e"), message.word("e2"), message.word("none", "X")) == ("SUM", "3", "X")
    assert message.message("m").integer("x") == 1
    assert message.message("none") == Message()


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("text", "a string"),
        ("integer", "a whole number"),
        ("number", "a number"),
        ("flag", "true or false"),
        ("message", "a message"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_line(reading: str, expected: str) -> None:
    message = parse("\n\nx: SUM")
    with pytest.raises(PrototxtError, match=f"line 3: `x` should be {expected}"):
        getattr(message, reading)("x")


@pytest.mark.parametrize("reading", ["text", "integer", "number", "flag", "word", "message"])
def test_a_single_value_given_twice_is_refused_with_its_line(reading: str) -> None:
    with pytest.raises(PrototxtError, match="line 2: `x` is given 2 times"):
        getattr(parse("x: 1\nx: 1"), reading)("x")


def test_a_truth_value_is_no_number_and_a_string_no_word() -> None:
    with pytest.raises(PrototxtError, match="whole number"):
        parse("x: true").integer("x")
    with pytest.raises(PrototxtError, match="without quotes"):
        parse("x: 'SUM'").word("x")


@pytest.mark.caffe_importer
def test_opencv_reads_what_is_written() -> None:
    shape = Message.of(dim=[1, 1, 6, 6])
    message = Message.of(
        name="quotes ' \" and \\ ä",
        layer=[
            Message.of(name="data", type="Input", top="data", input_param=Message.of(shape=shape)),
            Message.of(
                name="twice",
                type="Eltwise",
                bottom=["data", "data"],
                top="twice",
                eltwise_param=Message.of(operation=Word("SUM"), coeff=[2.0, -0.5]),
            ),
        ],
    )
    net = DNN.readNetFromCaffe(np.frombuffer(dumps(message).encode(), np.uint8))
    net.setInput(np.ones((1, 1, 6, 6), np.float32))
    np.testing.assert_allclose(net.forward(), 1.5)
