"""Caffe to ONNX: valid by ONNX's own checker, and the same numbers as the layers' definitions in float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx.reference
import pytest
from drawn_networks import (
    EVERY_LAYER,
    OTHER_COLORS,
    RELEASE_COLORS,
    SECOND_READER,
    drawn_weights,
    every_odd_layer,
    expected_ab,
    network_of,
    one_layer_networks,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import bin_centres, reference_ab
from synthetic import lightness_like, small_pair

from colorizer.caffe.caffemodel import read_caffemodel
from colorizer.caffe.network import Network, network_from_message, read_network
from colorizer.caffe.onnx_export import convert, with_mean
from colorizer.caffe.prototxt import parse
from colorizer.cli.wording import worded
from colorizer.engines.onnxruntime import import_onnxruntime
from colorizer.errors import WeightsError
from colorizer.networks.zhang.checks import check_contract

onnxruntime = import_onnxruntime()

LITE = Path(__file__).resolve().parents[2] / "weights" / "lite.prototxt"


def run(model: bytes, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    result: npt.NDArray[np.float32] = session.run(["class8_ab"], {"data_l": lightness})[0]
    return result


@pytest.fixture(scope="module", params=["", SECOND_READER], ids=["", "distribution read twice"])
def every_layer(request: pytest.FixtureRequest) -> Network:
    network = network_from_message(parse(EVERY_LAYER % request.param))
    check_contract(network)
    return network


def test_every_layer_of_the_contract_is_converted_exactly(every_layer: Network) -> None:
    weights = drawn_weights(every_layer)
    model = convert(every_layer, weights, RELEASE_COLORS)
    onnx.checker.check_model(model, full_check=True)
    lightness = np.concatenate([lightness_like(32, 48, seed) for seed in range(2)])
    expected = expected_ab(every_layer, weights, lightness, RELEASE_COLORS)
    assert expected.std() > 5
    np.testing.assert_allclose(run(model, lightness), expected, atol=0.01)


def test_onnx_s_own_reference_agrees() -> None:
    """On `lite`: of dilated and densely grouped convolutions it makes other numbers than four runtimes and float64."""
    caffemodel = LITE.with_suffix(".caffemodel")
    model = onnx.load_from_string(convert(read_network(LITE), read_caffemodel(caffemodel), OTHER_COLORS))
    lightness = lightness_like(32, 64)
    evaluator: Any = onnx.reference.ReferenceEvaluator(model)
    (found,) = evaluator.run(None, {"data_l": lightness})
    expected = reference_ab(LITE, caffemodel, lightness, OTHER_COLORS.temperature, OTHER_COLORS.centres)
    np.testing.assert_allclose(found, expected, atol=0.01)


@given(network=one_layer_networks(), height=st.integers(12, 17), width=st.integers(12, 17))
@settings(max_examples=60, deadline=None)
def test_any_geometry_of_a_convolution_is_kept(network: Network, height: int, width: int) -> None:
    weights = drawn_weights(network)
    lightness = lightness_like(height, width)
    try:
        expected = expected_ab(network, weights, lightness, RELEASE_COLORS)
    except ValueError:  # a deconvolution may crop away all that it makes
        return
    if expected.size:
        np.testing.assert_allclose(run(convert(network, weights, RELEASE_COLORS), lightness), expected, atol=1e-3)


@pytest.mark.parametrize("half", [False, True], ids=["single precision", "half precision"])
def test_batch_and_size_stay_open_and_weights_become_float32(half: bool, tmp_path: Path) -> None:
    prototxt, caffemodel = (LITE, LITE.with_suffix(".caffemodel")) if half else small_pair(tmp_path)
    weights = read_caffemodel(caffemodel)
    assert any(blob.data.dtype == np.float16 for layer in weights.layers for blob in layer.blobs) == half
    data = convert(read_network(prototxt), weights, RELEASE_COLORS)
    onnx.checker.check_model(data, full_check=True)
    model = onnx.load_from_string(data)
    dims = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["batch", 1, "height", "width"]
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {onnx.TensorProto.FLOAT, onnx.TensorProto.INT64}
    for shape in ((1, 64, 96), (3, 96, 64)):
        lightness = np.concatenate([lightness_like(*shape[1:], seed) for seed in range(shape[0])])
        expected = reference_ab(prototxt, caffemodel, lightness, 1 / 2.606, bin_centres())
        np.testing.assert_allclose(run(data, lightness), expected, atol=0.05)


def test_colors_set_later_are_those_converted_with(every_layer: Network) -> None:
    weights = drawn_weights(every_layer)
    model = convert(every_layer, weights, RELEASE_COLORS)
    assert with_mean(model, OTHER_COLORS) == convert(every_layer, weights, OTHER_COLORS) != model
    assert with_mean(with_mean(model, OTHER_COLORS), RELEASE_COLORS) == model
    for broken in (b"", model[:-1], model[: len(model) // 2], b"no model" * 1000):
        with pytest.raises(ValueError, match="converted here"):
            with_mean(broken, OTHER_COLORS)


def test_names_that_are_no_text_and_blobs_written_in_place_still_give_a_valid_model() -> None:
    # Caffe names are bytes; the input itself is written in place here
    network = network_from_message(
        parse(
            """name: "\\377 network"
            layer { name: "data_l" type: "Input" top: "data_l"
              input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } }
            layer { name: "a\\377" type: "ReLU" bottom: "data_l" top: "data_l" }
            layer { name: "b" type: "ReLU6" bottom: "data_l" top: "data_l" }
            layer { name: "c" type: "Convolution" bottom: "data_l" top: "class8_ab"
              convolution_param { num_output: 2 kernel_size: 1 } }"""
        )
    )
    weights = drawn_weights(network)
    model = convert(network, weights, RELEASE_COLORS)
    onnx.checker.check_model(model, full_check=True)
    lightness = lightness_like(8, 8)
    np.testing.assert_allclose(
        run(model, lightness), expected_ab(network, weights, lightness, RELEASE_COLORS), atol=1e-4
    )


@every_odd_layer
def test_a_layer_without_an_equal_is_named_with_the_way_round(layer: str, said: str) -> None:
    network = network_of(f'layer {{ name: "odd one" bottom: "data_l" top: "class8_ab" {layer} }}')
    with pytest.raises(WeightsError, match=f"'odd one' {said}.*OpenCV") as caught:
        convert(network, drawn_weights(network), RELEASE_COLORS)
    assert "--engine opencv" in worded(caught.value)
