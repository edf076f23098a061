"""Descriptors: what is read of them, what is refused in a line, and the schema that says the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_networks import CONTRACTS, MEAN, STD, lightness_net

import colorizer.networks
from colorizer.errors import WeightsError
from colorizer.networks import resolve_model
from colorizer.networks.described.caffe import IDEEPCOLOR
from colorizer.networks.descriptor.reading import parse_descriptor, read_descriptor

SCHEMA = json.loads((Path(colorizer.networks.__file__).parent / "descriptor" / "schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

GOOD: dict[str, Any] = {
    "version": 1,
    "family": "rgb",
    "inputs": [{"tensor": "input", "holds": "grey-rgb", "range": "0..255"}],
    "output": {"tensor": "output", "holds": "rgb", "range": "0..255"},
    "size": {"default": 512, "step": 32},
}


def test_the_schema_is_one_and_takes_what_is_read() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for data in (GOOD, IDEEPCOLOR, *(contract.descriptor for contract in CONTRACTS)):
        VALIDATOR.validate({"version": 1, **data})
        parse_descriptor(data, "good")


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with another value at "a.0.b"; None takes it away."""
    data = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    place: Any = data
    for step in way:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


BOTH = [
    ("version", 2, "'version' is 2, and this colorize reads 1"),
    ("family", "gan", "'family' must be ab or grey-rgb-to-ab or rgb or hinted"),
    ("family", None, "'family' is missing; it may be ab"),
    ("inputs", "x", "'inputs' must be a list"),
    ("colour", 1, "'colour' is no field; there are"),
    ("inputs.0.holds", "grey", "'inputs[0].holds' must be one of"),
    ("inputs.0.holds", ["gray"], "'inputs[0].holds' must be one of"),
    ("inputs.0.range", "0-255", "'inputs[0].range' must be like '0..255'"),
    ("inputs.0.layout", "NCWH", "'inputs[0].layout' must be NCHW or NHWC"),
    ("inputs.0.dtype", "int8", "'inputs[0].dtype' must be float32 or float16 or uint8"),
    ("output.holds", "xyz", "'output.holds' must be ab or rgb or lab"),
    ("output.order", "grb", "'output.order' must be rgb or bgr"),
    ("size.default", 0, "'size.default' must be 1 to 2048 pixels"),
    ("size.default", "512", "'size.default' must be a whole number"),
    ("size.fit", "crop", "'size.fit' must be stretch or aspect"),
    ("size.pad", "mirror", "'size.pad' must be a number"),
    ("canary", {"size": 64, "mean": [1]}, "'canary.mean' must be a number, or a list of 2"),
    ("files", [{"name": "net.onnx", "sha256": "12"}], "'files[0].sha256' must be 64 hexadecimal digits"),
    ("deterministic", "yes", "'deterministic' must be true or false"),
]
"""Refused by the schema as well."""

READING_ALONE = [
    ("inputs.0.range", "255..0", "'inputs[0].range' must rise"),
    ("inputs.0.scale", 2, "'inputs[0]' has 'range' and 'scale'"),
    ("inputs.0.holds", "lightness", "'inputs' of the family rgb must hold grey"),
    ("inputs.0.holds", ["grey", "hint-a"], "'inputs' of the family rgb cannot hold hint-a"),
    ("output.holds", "ab", "'output.holds' must be rgb in the family rgb"),
    ("size.default", 100, "'size.default' must be a multiple of 32"),
    ("size.fixed", [3000, 3000], "'size.fixed' must be a side"),
    ("files", [{"name": "../net.onnx"}], "'files[0].name' must be the name of a file in the descriptor's folder"),
]


@pytest.mark.parametrize(("path", "value", "said"), BOTH + READING_ALONE)
def test_a_wrong_field_is_named_with_what_it_may_be(path: str, value: Any, said: str) -> None:
    data = changed(path, value)
    with pytest.raises(WeightsError) as caught:
        parse_descriptor(data, "net.colorize.json")
    assert str(caught.value).startswith("net.colorize.json: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    if (path, value, said) in BOTH:
        assert not VALIDATOR.is_valid(data)


KEYS = [*SCHEMA["properties"], "tensor", "holds", "scale", "fixed"]
LEAVES = (
    st.none() | st.booleans() | st.integers(-5, 5000) | st.floats(allow_nan=False) | st.sampled_from(["ab", "0..1"])
)


@given(
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=8,
    )
)
def test_any_json_is_read_or_refused_in_words(data: Any) -> None:
    for told in (data, {**GOOD, **data} if isinstance(data, dict) else data):
        refusal = ""
        try:
            parse_descriptor(told, "net.colorize.json")
        except WeightsError as error:
            refusal = str(error)
        assert "\n" not in refusal


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "not a descriptor in JSON"), (b"\xff\xfe{}", "not a descriptor in JSON"), (b"[" * 10**5, "in JSON")],
)
def test_what_is_no_json_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "net.colorize.json"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        read_descriptor(path)


def test_ranges_means_and_scales_say_the_same() -> None:
    by_name = parse_descriptor(changed("inputs.0.range", "imagenet"), "a").inputs[0]
    data = changed("inputs.0.range", None)
    data["inputs"][0] |= {"mean": MEAN.tolist(), "std": STD.tolist()}
    by_numbers = parse_descriptor(data, "b").inputs[0]
    np.testing.assert_allclose(by_name.scale, by_numbers.scale)
    np.testing.assert_allclose(by_name.offset, by_numbers.offset)
    data["inputs"][0]["order"] = "bgr"
    np.testing.assert_allclose(parse_descriptor(data, "c").inputs[0].scale, (1 / STD)[::-1])


def test_what_the_file_tells_need_not_be_written(tmp_path: Path) -> None:
    lightness_net(tmp_path / "net.onnx", (96, 128))
    told = {"version": 1, "family": "ab", "inputs": [{"holds": "lightness"}], "output": {"holds": "ab"}}
    VALIDATOR.validate(told)
    (tmp_path / "net.colorize.json").write_text(json.dumps(told))
    descriptor = resolve_model(str(tmp_path / "net.onnx")).descriptor
    assert descriptor is not None
    assert descriptor.inputs[0].tensor == "l_channel"
    assert descriptor.output.tensor == "ab_channels"
    assert descriptor.sizes.fixed == (96, 128)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": [{"tensor": "L", "holds": "lightness"}]}, "has no input 'L', which its descriptor names"),
        ({"output": {"tensor": "ab", "holds": "ab"}}, "has no output 'ab', which its descriptor names"),
        ({"output": {"holds": "lab"}}, "is of shape .* and lab has 3 channels"),
        ({"inputs": [{"holds": ["lightness", "zero"]}]}, "its descriptor says 2 channels in NCHW"),
        ({"size": {"default": 64}}, 'takes 96 x 128 pixels alone.*write "size": {"fixed": \\[96, 128\\]}'),
    ],
)
def test_a_descriptor_that_does_not_fit_its_file_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    lightness_net(tmp_path / "net.onnx", (96, 128))
    told = {"family": "ab", "inputs": [{"holds": "lightness"}], "output": {"holds": "ab"}}
    (tmp_path / "net.colorize.json").write_text(json.dumps(told | change))
    with pytest.raises(WeightsError, match=said):
        resolve_model(str(tmp_path / "net.onnx"))
