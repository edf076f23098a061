"""Caffe to ncnn: the same numbers as the layers' definitions in float64, also where kernels with gaps become phases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
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
from reference import reference_ab
from synthetic import RELEASE_PROTOTXT, lightness_like, small_pair

from colorizer.caffe.caffemodel import read_caffemodel
from colorizer.caffe.ncnn_export import convert
from colorizer.caffe.network import Network, network_from_message, read_network
from colorizer.caffe.prototxt import parse
from colorizer.engines.ncnn.engine import load
from colorizer.engines.ncnn.form import NcnnModel
from colorizer.errors import WeightsError
from colorizer.networks.zhang.colors import Colors

ncnn = pytest.importorskip("ncnn")


def run(model: NcnnModel, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What ncnn makes of (N, 1, H, W), in float32 and by direct convolution."""
    net = ncnn.Net()
    for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "winograd_convolution"):
        setattr(net.opt, f"use_{name}", False)
    assert load(net, model)
    results = []
    for plane in lightness:
        extractor = net.create_extractor()
        extractor.input("data_l", ncnn.Mat(plane).clone())
        status, result = extractor.extract(*model.outputs)
        assert status == 0
        results.append(np.array(result))
    return np.stack(results)


@pytest.mark.parametrize("reader", ["", SECOND_READER], ids=["", "distribution read twice"])
@pytest.mark.parametrize("colors", [RELEASE_COLORS, OTHER_COLORS], ids=["release", "other colors"])
def test_every_layer_of_the_contract_is_converted_exactly(reader: str, colors: Colors) -> None:
    network = network_from_message(parse(EVERY_LAYER % reader))
    weights = drawn_weights(network)
    lightness = np.concatenate([lightness_like(32, 48, seed) for seed in range(2)])
    expected = expected_ab(network, weights, lightness, colors)
    assert expected.std() > 2
    np.testing.assert_allclose(run(convert(network, weights, colors), lightness), expected, atol=0.01)


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
        found = run(convert(network, weights, RELEASE_COLORS), lightness)
        np.testing.assert_allclose(found, expected, atol=1e-3)


POINTWISE = (
    '{ name: "%s" type: "ReLU" bottom: "%s" top: "%s" relu_param { negative_slope: 0.2 } }',
    '{ name: "%s" type: "ReLU6" bottom: "%s" top: "%s" }',
    '{ name: "%s" type: "BatchNorm" bottom: "%s" top: "%s" }',
)


@st.composite
def chains_with_gaps(draw: st.DrawFn) -> Network:
    """3x3 convolutions with gaps of 1, 2 or 3, with layers between them, and the first one's result in the sum."""
    layers, blob, first = [], "data_l", ""
    for place in range(draw(st.integers(1, 5))):
        gaps, top = draw(st.integers(1, 3)), f"conv{place}"
        outputs = draw(st.integers(1, 5)) if first else 2
        layers.append(
            f'layer {{ name: "{top}" type: "Convolution" bottom: "{blob}" top: "{top}" convolution_param '
            f"{{ num_output: {outputs} kernel_size: 3 pad: {gaps} dilation: {gaps} }} }}"
        )
        first, blob = first or top, top
        for number, kind in enumerate(draw(st.lists(st.sampled_from(POINTWISE), max_size=2))):
            top = f"{blob}.{number}"
            layers.append("layer " + kind % (top, blob, top))
            blob = top
    layers.append(
        f'layer {{ name: "last" type: "Convolution" bottom: "{blob}" top: "last" convolution_param '
        "{ num_output: 2 kernel_size: 3 pad: 2 dilation: 2 } }"
    )
    layers.append(f'layer {{ name: "sum" type: "Eltwise" bottom: "last" bottom: "{first}" top: "class8_ab" }}')
    return network_of("\n".join(layers), 16)


@given(network=chains_with_gaps(), height=st.integers(1, 23), width=st.integers(1, 23))
@settings(max_examples=80, deadline=None)
def test_chains_of_convolutions_with_gaps_are_kept_at_any_size(network: Network, height: int, width: int) -> None:
    weights = drawn_weights(network)
    lightness = lightness_like(height, width)
    expected = expected_ab(network, weights, lightness, RELEASE_COLORS)
    found = run(convert(network, weights, RELEASE_COLORS), lightness)
    np.testing.assert_allclose(found, expected, atol=1e-3 * max(1, np.abs(expected).max()))


def test_the_release_has_no_gaps_left_and_is_taken_apart_once() -> None:
    network = read_network(RELEASE_PROTOTXT)
    lines = convert(network, drawn_weights(network), RELEASE_COLORS).param.splitlines()
    convolutions = [line.split() for line in lines if line.startswith("Convolution")]
    mixing = [layer for layer in network.layers if layer.type in ("Convolution", "Deconvolution")]
    assert len(mixing) == len(convolutions)
    assert all("2=1" in words or not any(word.startswith("2=") for word in words) for words in convolutions)
    kinds = [line.split()[0] for line in lines[2:]]
    assert kinds.count("Reorg") == 2  # the picture and its mask
    assert kinds.count("PixelShuffle") == 2  # the phases, and the deconvolution
    assert "ReLU" not in kinds  # each became a part of a convolution


DOUBLING = """
layer {{ name: "first" type: "Convolution" bottom: "data_l" top: "first"
  convolution_param {{ num_output: 3 kernel_size: 3 pad: 1 bias_term: {bias} }} }}
layer {{ name: "up" type: "Deconvolution" bottom: "first" top: "up"
  convolution_param {{ num_output: 5 kernel_size: 4 stride: 2 pad: 1 bias_term: {bias} }} }}
{after}
layer {{ name: "last" type: "Convolution" bottom: "up" top: "class8_ab"
  convolution_param {{ num_output: 2 kernel_size: 1 }} }}
"""


RELU = 'layer { name: "r" type: "ReLU" bottom: "up" top: "%s" }'
SUM = 'layer { name: "sum" type: "Eltwise" bottom: "up" bottom: "r" top: "up" }'


@pytest.mark.parametrize("bias", ["true", "false"])
@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        ("", ["Convolution", "Convolution", "PixelShuffle", "Convolution"]),
        (RELU % "up", ["Convolution", "Convolution", "PixelShuffle", "Convolution"]),
        (RELU % "r" + SUM, ["Convolution", "Convolution", "PixelShuffle", "Split", "ReLU", "Eltwise", "Convolution"]),
    ],
    ids=["alone", "with a ReLU", "read before and after a ReLU"],
)
@given(height=st.integers(1, 9), width=st.integers(1, 9))
@settings(max_examples=12, deadline=None)
def test_a_single_channel_and_a_doubled_size_are_kept(
    bias: str, after: str, kinds: list[str], height: int, width: int
) -> None:
    network = network_of(DOUBLING.format(bias=bias, after=after))
    weights = drawn_weights(network)
    lightness = lightness_like(height, width)
    model = convert(network, weights, RELEASE_COLORS)
    found = [line.split()[0] for line in model.param.splitlines()[2:]]
    assert found[found.index("Concat") + 1 : -1] == kinds
    expected = expected_ab(network, weights, lightness, RELEASE_COLORS)
    np.testing.assert_allclose(run(model, lightness), expected, atol=1e-3)


@pytest.mark.parametrize("half", [False, True], ids=["single precision", "half precision"])
def test_weights_of_either_precision_and_sizes_that_change(half: bool, tmp_path: Path) -> None:
    lite = Path(__file__).resolve().parents[2] / "weights" / "lite.prototxt"
    prototxt, caffemodel = (lite, lite.with_suffix(".caffemodel")) if half else small_pair(tmp_path)
    model = convert(read_network(prototxt), read_caffemodel(caffemodel), RELEASE_COLORS)
    for height, width in ((64, 96), (96, 64), (32, 32)):
        lightness = lightness_like(height, width)
        expected = reference_ab(prototxt, caffemodel, lightness)
        np.testing.assert_allclose(run(model, lightness), expected, atol=0.05)


def test_names_of_any_kind_and_blobs_written_in_place() -> None:
    network = network_of(
        """layer { name: "a b\\377" type: "ReLU" bottom: "data_l" top: "data_l" }
        layer { name: "\\n" type: "ReLU6" bottom: "data_l" top: "data_l" }
        layer { name: "c" type: "Convolution" bottom: "data_l" top: "class8_ab"
          convolution_param { num_output: 2 kernel_size: 1 } }"""
    )
    weights = drawn_weights(network)
    lightness = lightness_like(8, 8)
    found = run(convert(network, weights, RELEASE_COLORS), lightness)
    np.testing.assert_allclose(found, expected_ab(network, weights, lightness, RELEASE_COLORS), atol=1e-4)


@every_odd_layer
def test_a_layer_without_an_equal_is_named_with_the_way_round(layer: str, said: str) -> None:
    network = network_of(f'layer {{ name: "odd one" bottom: "data_l" top: "class8_ab" {layer} }}')
    with pytest.raises(WeightsError, match=f"'odd one' {said}.*OpenCV"):
        convert(network, drawn_weights(network), RELEASE_COLORS)
