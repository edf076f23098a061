"""Hints as values, as typed text, and as files."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor
from scenes import guidances
from skimage.color import rgb2lab

from colorizer.errors import ColorizerError, InputError, UsageError
from colorizer.guidance import Guidance, Hint, from_json, parse_hint, read_guidance, to_json, write_guidance
from colorizer.guidance.files import SCHEMA, MadeFor, check_picture, look_of


@given(guidances)
def test_a_file_holds_what_was_written_and_its_schema_agrees(guidance: Guidance) -> None:
    text = to_json(guidance)
    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert from_json(text).guidance == guidance


@given(st.sampled_from(sorted(ImageColor.colormap)))
def test_named_colours_have_the_chroma_of_another_library(name: str) -> None:
    rgb = np.array([[ImageColor.getrgb(name)]], np.uint8)
    expected = rgb2lab(rgb)[0, 0, 1:]
    assert np.allclose(Hint([(0.5, 0.5)], name).target, expected, atol=0.1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.42,0.61=#b03028", Hint([(0.42, 0.61)], "#b03028")),
        ("120,80=keep", Hint([(120, 80)], "keep", pixels=True)),
        ("0.1,0.1 .5,0.1 1.0,0.2=grey", Hint([(0.1, 0.1), (0.5, 0.1), (1, 0.2)], "grey")),
        ("0,0=Navy", Hint([(0, 0)], "#000080", pixels=True)),
        ("0.5,0.5=#F00", Hint([(0.5, 0.5)], "#ff0000")),
    ],
)
def test_hints_are_read_as_they_are_typed(text: str, expected: Hint) -> None:
    assert parse_hint(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.42,0.61", "no hint"),
        ("=red", "no hint"),
        ("0.42=red", "no place"),
        ("0.42,0.61=reddish", "no colour"),
        ("0.42,61=red", "mixes pixels and fractions"),
        ("1.5,0.5=red", "outside the picture"),
        ("-3,4=red", "no place"),
        ("nan,0.5=red", "no place"),
        ("0.1,0.1=", "no colour"),
    ],
)
def test_what_is_no_hint_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_hint(text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_hint_or_a_line(text: str) -> None:
    said = ""
    try:
        parse_hint(text)
    except UsageError as error:
        said = str(error)
    assert said.isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[]", "no hints file"),
        ('{"hints": []}', "no hints file"),
        ('{"version": 2}', "version '2'"),
        ('{"version": 1, "hint": []}', "unknown name 'hint'"),
        ('{"version": 1, "hints": {}}', "expected a list"),
        ('{"version": 1, "hints": [3]}', "hint 1: expected an object"),
        ('{"version": 1, "hints": [{"points": [[0.5]], "color": "red"}]}', "hint 1: expected points"),
        ('{"version": 1, "hints": [{"points": [[0.5, 0.5]]}]}', "either color or ab"),
        ('{"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": 3}]}', "no colour"),
        ('{"version": 1, "hints": [{"points": [[0.5, 2]], "color": "red"}]}', "outside the picture"),
        ('{"version": 1, "hints": [{"points": [[0.5, "x"]], "color": "red"}]}', "no place"),
        ('{"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "red", "size": 7}]}', "size"),
        ('{"version": 1, "carry": 3}', "carry"),
        ('{"version": 1, "carry": true}', "carry"),
        ('{"version": 1, "references": [{"file": "a.jpg"}]}', "reference 1"),
        ('{"version": 1, "palette": [1]}', "no colour"),
        ('{"version": 1, "hints": ' + "[" * 100_000, "not JSON"),
    ],
)
def test_a_malformed_file_is_one_line_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "photo.hints.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_guidance(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(allow_nan=True), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["version", "hints", "points", "color", "ab", "carry", "picture"]), inner),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["hints", "carry", "references", "palette", "picture"]), JSON))
def test_any_json_is_guidance_or_a_line(content: dict[str, object]) -> None:
    said = ""
    try:
        from_json(json.dumps({"version": 1} | content))
    except ColorizerError as error:
        said = str(error)
    assert said.isprintable()


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    guidance = Guidance([Hint([(0.2, 0.3)], "navy"), Hint([(5, 6), (7, 8)], "keep", pixels=True)], carry=0.7)
    made_for = MadeFor("photo.jpg", 400, 300)
    write_guidance(tmp_path / "a.hints.json", guidance, made_for)
    assert read_guidance(tmp_path / "a.hints.json") == (guidance, made_for)


def test_hints_of_another_picture_are_refused_and_those_of_another_size_hold(photographs: list[Path]) -> None:
    import cv2

    looks = []
    for path in photographs[:6]:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert grey is not None
        small = cv2.resize(grey, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
        looks.append(look_of(np.asarray(grey, np.float32)))
        check_picture(
            MadeFor("a.jpg", 400, 300, looks[-1]), 150, 200, look_of(np.asarray((small / 255) ** 1.4, np.float32))
        )
        with pytest.raises(InputError, match="400 x 300"):
            check_picture(MadeFor("a.jpg", 400, 300), 400, 300, looks[-1])
    for one in range(6):
        for other in range(one):
            with pytest.raises(InputError, match="another picture"):
                check_picture(MadeFor("a.jpg", look=looks[one]), 150, 200, looks[other])


def test_more_hints_than_a_picture_takes_are_one_line() -> None:
    with pytest.raises(UsageError, match="10001 hints"):
        Guidance([Hint([(0.5, 0.5)], "red")] * 10_001)


@given(guidances)
def test_the_digest_knows_no_order_and_knows_each_hint(guidance: Guidance) -> None:
    turned = Guidance(guidance.hints[::-1], guidance.carry)
    assert turned.digest() == guidance.digest()
    assert guidance.with_hints(Hint([(0.123, 0.456)], "#123456")).digest() != guidance.digest()
