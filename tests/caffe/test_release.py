"""The release's layers: our prototxt against the published table, and the synthetic weights through OpenCV."""

from __future__ import annotations

import hashlib
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from reference import bin_centres, reference_ab, reference_logits, reference_maps
from synthetic import RELEASE_PROTOTXT, lightness_like, small_pair

from colorizer.caffe.caffemodel import Blob, BlobLayer, check_finite, read_caffemodel, write_caffemodel
from colorizer.caffe.network import Network, network_from_message, read_network
from colorizer.caffe.prototxt import dumps, parse
from colorizer.networks.zhang.checks import check_contract, check_pair

DNN: Any = cv2.dnn  # OpenCV 5 declares no Caffe importer

PARAMETERS = 32_236_011  # as published: with the 626 of the injected bin centres, without BatchNorm's factors
INJECTED_PARAMETERS, NORM_FACTORS = 626, 7
SMALL_SHA256 = "c7256bfa4ef0b528229e875cb6014f0b2630ee21ae5e405cc11ae3d624bd0acf"
EXACTNESS = 0.05  # ab units, of an engine in float32
LOGITS_STD = (1.0, 2.0)


class Row(NamedTuple):
    """A convolution of the release, in the table's order."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1


CONVOLUTIONS = [
    Row("bw_conv1_1", 1, 64),
    Row("conv1_2", 64, 64, stride=2),
    Row("conv2_1", 64, 128),
    Row("conv2_2", 128, 128, stride=2),
    Row("conv3_1", 128, 256),
    Row("conv3_2", 256, 256),
    Row("conv3_3", 256, 256, stride=2),
    Row("conv4_1", 256, 512),
    Row("conv4_2", 512, 512),
    Row("conv4_3", 512, 512),
    Row("conv5_1", 512, 512, dilation=2),
    Row("conv5_2", 512, 512, dilation=2),
    Row("conv5_3", 512, 512, dilation=2),
    Row("conv6_1", 512, 512, dilation=2),
    Row("conv6_2", 512, 512, dilation=2),
    Row("conv6_3", 512, 512, dilation=2),
    Row("conv7_1", 512, 512),
    Row("conv7_2", 512, 512),
    Row("conv7_3", 512, 512),
    Row("conv8_1", 512, 256, kernel=4, stride=2),
    Row("conv8_2", 256, 256),
    Row("conv8_3", 256, 256),
    Row("conv8_313", 256, 313, kernel=1),
]
NORMALISED = {
    "conv1_2": 64,
    "conv2_2": 128,
    "conv3_3": 256,
    "conv4_3": 512,
    "conv5_3": 512,
    "conv6_3": 512,
    "conv7_3": 512,
}


@pytest.fixture(scope="module")
def release() -> Network:
    return read_network(RELEASE_PROTOTXT)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return small_pair(tmp_path_factory.mktemp("small"))


def by_opencv(prototxt: Path, caffemodel: Path, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    net = DNN.readNetFromCaffe(str(prototxt), str(caffemodel))
    net.enableWinograd(False)
    net.getLayer(net.getLayerId("class8_ab")).blobs = [bin_centres().T.reshape(2, 313, 1, 1).astype(np.float32)]
    net.getLayer(net.getLayerId("conv8_313_rh")).blobs = [np.full([1, 313], 2.606, np.float32)]
    net.setInput(lightness)
    return np.array(net.forward(), np.float32)


def test_our_prototxt_is_the_releases_layer_table(release: Network) -> None:
    check_contract(release)
    assert (release.name, release.stride, release.shapes(64, 96)["class8_ab"]) == ("LtoAB", 8, (2, 16, 24))
    assert release.inputs == (("data_l", (1, 1, 224, 224)),)
    chain = []
    blob = "data_l"
    for row in CONVOLUTIONS:
        top = row.name.removeprefix("bw_")
        chain.append((row.name, "Deconvolution" if row.name == "conv8_1" else "Convolution", blob, top))
        if row.name != "conv8_313":
            chain.append((top.replace("conv", "relu"), "ReLU", top, top))
        blob = top
        if top in NORMALISED:
            blob = f"{top}norm"
            chain.append((blob, "BatchNorm", top, blob))
    chain += [
        ("conv8_313_rh", "Scale", "conv8_313", "conv8_313_rh"),
        ("class8_313_rh", "Softmax", "conv8_313_rh", "class8_313_rh"),
        ("class8_ab", "Convolution", "class8_313_rh", "class8_ab"),
    ]
    layers = [layer for layer in release.layers if layer.type != "Silence"]
    assert [(layer.name, layer.type, *layer.bottoms, *layer.tops) for layer in layers] == chain
    for row in CONVOLUTIONS:
        layer = release.layer(row.name)
        assert layer is not None
        window = layer.convolution.window
        pad = {3: row.dilation, 4: 1, 1: 0}[row.kernel]
        assert layer.convolution.outputs == row.outputs
        assert layer.convolution.bias
        assert layer.convolution.group == 1
        measures = (window.kernel, window.stride, window.pad, window.dilation)
        assert measures == tuple((side, side) for side in (row.kernel, row.stride, pad, row.dilation))


def test_the_releases_prototxt_in_its_authors_spelling_means_the_same(release: Network) -> None:
    """Defaults written out, comments, single quotes, Python's False, parameters for training."""
    text = RELEASE_PROTOTXT.read_text(encoding="utf-8")
    theirs = (
        text.replace("kernel_size: 3 pad: 1 }", "kernel_size: 3\n stride: 1\n pad: 1\n dilation: 1\n } # as ever")
        .replace("bias_term: false", "bias_term: False")
        .replace('"constant"', "      'constant'      ")
        .replace('norm" }', 'norm"\n  batch_norm_param{ }\n  param {lr_mult: 0 decay_mult: 0}\n }')
        .replace("# block 1", "# *****************\n# ***** conv1 *****")
    )
    assert theirs.count("batch_norm_param{ }") == len(NORMALISED)
    other = network_from_message(parse(theirs))
    check_contract(other)
    assert [entry.shapes for entry in other.blob_shapes] == [entry.shapes for entry in release.blob_shapes]
    for ours, read in zip(release.layers, other.layers, strict=True):
        assert (ours.name, ours.type, ours.bottoms, ours.tops) == (read.name, read.type, read.bottoms, read.tops)
        if ours.type in ("Convolution", "Deconvolution"):
            assert ours.convolution == read.convolution


def test_writing_the_releases_prototxt_keeps_its_meaning() -> None:
    message = parse(RELEASE_PROTOTXT.read_text(encoding="utf-8"))
    assert parse(dumps(message)) == message


def test_the_synthetic_release_has_the_releases_layers_and_count(release: Network, release_weights: Path) -> None:
    model = read_caffemodel(release_weights)
    check_pair(release, model)
    check_finite(model)
    shapes = {layer.name: [blob.shape for blob in layer.blobs] for layer in model.layers}
    expected: dict[str, list[tuple[int, ...]]] = {}
    for row in CONVOLUTIONS:
        across = (row.inputs, row.outputs) if row.name == "conv8_1" else (row.outputs, row.inputs)
        expected[row.name] = [(*across, row.kernel, row.kernel), (row.outputs,)]
    expected |= {f"{name}norm": [(channels,), (channels,), (1,)] for name, channels in NORMALISED.items()}
    assert shapes == expected
    count = sum(prod(shape) for layer in shapes.values() for shape in layer)
    assert count == PARAMETERS - INJECTED_PARAMETERS + NORM_FACTORS
    norm = model.layer("conv4_3norm")
    assert norm is not None
    assert norm.blobs[2].data[0] not in (0, 1)
    assert min(blob.data.std() for blob in norm.blobs[:2]) > 0


def test_the_small_relative_has_the_same_bytes_everywhere(small: tuple[Path, Path], tmp_path: Path) -> None:
    assert hashlib.sha256(small[1].read_bytes()).hexdigest() == SMALL_SHA256
    assert small_pair(tmp_path)[0].read_text() == small[0].read_text()


@pytest.mark.caffe_importer
@pytest.mark.parametrize("size", [(64, 96), (72, 40)])
def test_opencv_and_the_float64_computation_agree_on_the_small_relative(
    size: tuple[int, int], small: tuple[Path, Path]
) -> None:
    lightness = np.concatenate([lightness_like(*size, seed) for seed in (1, 2)])
    expected = reference_ab(*small, lightness)
    assert expected.shape == (2, 2, size[0] // 4, size[1] // 4)
    np.testing.assert_allclose(by_opencv(*small, lightness), expected, atol=EXACTNESS)
    assert expected.std(axis=(0, 2, 3)).min() > 5


@pytest.mark.caffe_importer
def test_opencv_and_the_float64_computation_agree_on_the_synthetic_release(release_weights: Path) -> None:
    lightness = lightness_like(224, 224)
    expected = reference_ab(RELEASE_PROTOTXT, release_weights, lightness)
    assert np.abs(by_opencv(RELEASE_PROTOTXT, release_weights, lightness) - expected).max() < EXACTNESS
    assert expected.std(axis=(0, 2, 3)).min() > 5
    assert np.abs(expected).max() <= 110


def test_the_synthetic_releases_logits_are_as_varied_as_a_trained_networks(release_weights: Path) -> None:
    logits = reference_logits(RELEASE_PROTOTXT, release_weights, lightness_like(112, 112))
    assert LOGITS_STD[0] < logits.std() < LOGITS_STD[1]


VOCABULARY = """
input: "data" input_dim: 1 input_dim: 4 input_dim: 12 input_dim: 20
layer { name: "norm" type: "BatchNorm" bottom: "data" top: "norm" batch_norm_param { eps: 0.01 } }
layer { name: "depthwise" type: "Convolution" bottom: "norm" top: "depthwise"
  convolution_param { num_output: 4 group: 4 kernel_size: 4 pad: 2 stride: 2 bias_term: false } }
layer { name: "relu6" type: "ReLU6" bottom: "depthwise" top: "relu6" }
layer { name: "grouped" type: "Convolution" bottom: "relu6" top: "grouped"
  convolution_param { num_output: 6 group: 2 kernel_h: 1 kernel_w: 3 pad_h: 0 pad_w: 2 dilation: 2 } }
layer { name: "scale" type: "Scale" bottom: "grouped" top: "scale" scale_param { bias_term: true } }
layer { name: "up" type: "Deconvolution" bottom: "scale" top: "up"
  convolution_param { num_output: 6 group: 6 kernel_size: 4 pad: 1 stride: 2 bias_term: false } }
layer { name: "up2" type: "Deconvolution" bottom: "scale" top: "up2"
  convolution_param { num_output: 6 group: 2 kernel_size: 4 pad: 1 stride: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "up" bottom: "up2" top: "sum" eltwise_param { operation: SUM } }
layer { name: "both" type: "Concat" bottom: "up" bottom: "sum" top: "both" }
layer { name: "softmax" type: "Softmax" bottom: "both" top: "softmax" }
"""


@pytest.mark.caffe_importer
@pytest.mark.parametrize("factor", [0.0, 0.5, 999.0])
def test_opencv_and_the_float64_computation_agree_on_each_kind_of_layer(factor: float, tmp_path: Path) -> None:
    prototxt, caffemodel = tmp_path / "vocabulary.prototxt", tmp_path / "vocabulary.caffemodel"
    prototxt.write_text(VOCABULARY)
    network = read_network(prototxt)
    rng = np.random.default_rng(4)
    layers = [
        BlobLayer(entry.layer.name, entry.layer.type, tuple(Blob(s, rng.uniform(0.2, 1, s)) for s in entry.shapes))
        for entry in network.blob_shapes
    ]
    layers[0].blobs[2].data[:] = factor
    write_caffemodel(caffemodel, "vocabulary", layers)
    data = rng.normal(0, 3, (1, 4, 12, 20)).astype(np.float32)
    expected = reference_maps(network, read_caffemodel(caffemodel), data[0].astype(np.float64), {})
    for name in ("norm", "relu6", "grouped", "scale", "up", "up2", "sum", "both", "softmax"):
        net = DNN.readNetFromCaffe(str(prototxt), str(caffemodel))  # anew: it fuses layers for the first output asked
        net.setInput(data)
        np.testing.assert_allclose(net.forward(name)[0], expected[name], rtol=2e-4, atol=2e-4, err_msg=name)
