"""What a prototxt says of a network, whether it is one of the contract, and whether weights belong to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import caffe_by_hand as hand
import cv2
import numpy as np
import pytest

from colorizer.caffe.caffemodel import Blob, BlobLayer, CaffeModel, read_caffemodel
from colorizer.caffe.layers import Convolution, Window
from colorizer.caffe.network import (
    MAX_PROTOTXT_BYTES,
    Network,
    network_from_message,
    read_network,
)
from colorizer.caffe.prototxt import parse
from colorizer.errors import WeightsError
from colorizer.networks.zhang.checks import check_contract, check_pair

DNN: Any = cv2.dnn  # OpenCV 5 declares no Caffe importer

INPUT_LAYER = next(line for line in hand.TINY_PROTOTXT.splitlines() if '"Input"' in line)


def network(text: str) -> Network:
    return network_from_message(parse(text), Path("model.prototxt"))


def tiny(*changes: tuple[str, str]) -> Network:
    """The tiny network of the contract, with parts of its text replaced."""
    text = hand.TINY_PROTOTXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return network(text)


def model(**changes: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] | None) -> CaffeModel:
    """Weights of the tiny network, with some layers replaced or (None) left out."""
    weights = {**hand.tiny_weights(), **changes}
    return CaffeModel(
        "Tiny",
        tuple(
            BlobLayer(name, hand.TINY_SHAPES[name][0], tuple(Blob(blob.shape, blob) for blob in blobs))
            for name, blobs in weights.items()
            if blobs is not None
        ),
        Path("model.caffemodel"),
    )


def refusal(subject: Network, weights: CaffeModel | None = None) -> str:
    """The one line with which a network or a pair is refused."""
    if weights is not None:
        check_contract(subject)
    with pytest.raises(WeightsError) as caught:
        check_contract(subject) if weights is None else check_pair(subject, weights)
    assert "\n" not in str(caught.value)
    assert "model.prototxt" in str(caught.value)
    return str(caught.value)


def test_a_network_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tiny.prototxt"
    path.write_bytes(b"\xef\xbb\xbf" + hand.TINY_PROTOTXT.replace("\n", "\r\n").encode())
    found = read_network(path)
    assert (found.name, found.inputs, found.path) == ("Tiny", (("data_l", (1, 1, 32, 32)),), path)
    assert [layer.name for layer in found.layers[:4]] == ["conv1", "relu1", "conv1norm", "conv2"]
    conv2 = found.layer("conv2")
    assert conv2 is not None
    assert (conv2.type, conv2.bottoms, conv2.tops) == ("Convolution", ("conv1norm",), ("conv2",))
    assert conv2.convolution == Convolution(2, Window((4, 4), (4, 4), (1, 1), (1, 1)), 2, False)
    assert (found.stride, found.shapes(32, 64)["class8_ab"]) == (8, (2, 8, 16))
    assert found.layer("nothing") is None


def test_the_tiny_network_and_its_weights_pass() -> None:
    check_contract(tiny())
    check_pair(tiny(), model())


def test_blob_shapes_are_those_that_opencv_accepts() -> None:
    shapes = {entry.layer.name: list(entry.shapes) for entry in tiny().blob_shapes}
    assert {name: shapes[name] for name in hand.TINY_SHAPES} == {
        name: blobs for name, (_, _, blobs) in hand.TINY_SHAPES.items()
    }


@pytest.mark.parametrize(
    "form",
    [
        'input: "data_l" input_dim: 1 input_dim: 1 input_dim: 32 input_dim: 32',
        'input: "data_l" input_shape { dim: 1 dim: 1 dim: 32 dim: 32 }',
        'layer { name: "other name" type: "Input" top: "data_l" input_param: { shape: { dim: [1, 1, 32, 32] } } }',
    ],
)
def test_every_form_of_an_input_is_read(form: str) -> None:
    found = tiny((INPUT_LAYER, form))
    assert found.inputs == (("data_l", (1, 1, 32, 32)),)
    check_contract(found)


@pytest.mark.caffe_importer
def test_the_old_form_of_layers_is_read_as_opencv_reads_it() -> None:
    text = """
    input: "data" input_dim: 1 input_dim: 2 input_dim: 5 input_dim: 5
    layers { name: "a" type: SOFTMAX bottom: "data" top: "a" }
    layers { name: "b" type: ELTWISE bottom: "a" bottom: "data" top: "b" eltwise_param { operation: SUM } }
    """
    assert [layer.type for layer in network(text).layers] == ["Softmax", "Eltwise"]
    net = DNN.readNetFromCaffe(np.frombuffer(text.encode(), np.uint8))
    assert [net.getLayer(name).type for name in ("a", "b")] == ["Softmax", "Eltwise"]


@pytest.mark.caffe_importer
@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("kernel_size: 3", Window((3, 3), (1, 1), (0, 0), (1, 1))),
        ("kernel_size: 3 kernel_size: 5 stride: [1, 2]", Window((3, 5), (1, 2), (0, 0), (1, 1))),
        ("kernel_h: 1 kernel_w: 7 pad_h: 0 pad_w: 3 stride_h: 2 stride_w: 2", Window((1, 7), (2, 2), (0, 3), (1, 1))),
        ("kernel_size: 3 dilation: 2 pad: 2", Window((3, 3), (1, 1), (2, 2), (2, 2))),
    ],
)
def test_a_window_in_any_spelling_gives_opencvs_output_size(text: str, window: Window) -> None:
    prototxt = f"""
    input: "data" input_dim: 1 input_dim: 1 input_dim: 16 input_dim: 24
    layer {{ name: "c" type: "Convolution" bottom: "data" top: "c"
      convolution_param {{ num_output: 1 bias_term: false {text} }} }}
    """
    layer = network(prototxt).layer("c")
    assert layer is not None
    assert layer.convolution.window == window
    ((_, height, width),) = layer.output_shapes(((1, 16, 24),))
    weights = hand.layer(
        "c", "Convolution", hand.new_shape(1, 1, *window.kernel) + hand.packed(np.ones(window.kernel, np.float32))
    )
    net = DNN.readNetFromCaffe(np.frombuffer(prototxt.encode(), np.uint8), np.frombuffer(weights, np.uint8))
    net.setInput(np.ones((1, 1, 16, 24), np.float32))
    assert net.forward("c").shape == (1, 1, height, width)


@pytest.mark.caffe_importer
@pytest.mark.parametrize(
    "text", ["kernel_size: 3 stride: 2", "kernel_size: 2 stride: 2 pad: 1", "global_pooling: true"]
)
def test_pooling_gives_opencvs_output_size(text: str) -> None:
    prototxt = f"""
    input: "data" input_dim: 1 input_dim: 1 input_dim: 16 input_dim: 25
    layer {{ name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param {{ pool: MAX {text} }} }}
    """
    layer = network(prototxt).layer("p")
    assert layer is not None
    ((_, height, width),) = layer.output_shapes(((1, 16, 25),))
    net = DNN.readNetFromCaffe(np.frombuffer(prototxt.encode(), np.uint8))
    net.setInput(np.ones((1, 1, 16, 25), np.float32))
    assert net.forward().shape == (1, 1, height, width)


def test_a_prototxt_of_the_first_versions_is_recognised() -> None:
    early = (
        'input: "data_l" input_dim: 1 input_dim: 1 input_dim: 32 input_dim: 32 input: "Trecip"' + 4 * " input_dim: 1"
    )
    assert "first versions (v0, v1)" in refusal(tiny((INPUT_LAYER, early)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("data_l", "data"), "another network: its input is 'data', not 'data_l'"),
        ((INPUT_LAYER, ""), "another network: its input is none"),
        ((INPUT_LAYER, 'input: "data_l"'), "another network: its input is of shape ()"),
        (("dim: 1 dim: 1 dim: 32", "dim: 1 dim: 3 dim: 32"), "not one channel of lightness"),
        (('name: "conv8_313_rh"', 'name: "scale"'), "another network: it has no layer 'conv8_313_rh'"),
        (('name: "class8_ab"', 'name: "ab"'), "another network: it has no layer 'class8_ab'"),
        (('"Scale"', '"ReLU"'), "'conv8_313_rh' is no Scale"),
        (("scale_param { bias_term: false }", "scale_param { bias_term: true }"), "no Scale without bias"),
        (('"Softmax"', '"ReLU"'), "no Softmax between"),
        (('top: "class8_ab"', 'top: "ab"'), "no Convolution that makes 'class8_ab'"),
        (("num_output: 2 kernel_size: 1 bias_term", "num_output: 2 kernel_size: 3 pad: 1 bias_term"), "no plain 1x1"),
        (("num_output: 313", "num_output: 256"), "it has 256 classes, not 313"),
        (("num_output: 2 kernel_size: 1 bias_term", "num_output: 3 kernel_size: 1 bias_term"), "not a and b"),
        (("pad: 1 stride: 4 group: 2", "stride: 2 pad: 1 group: 2"), "not a and b at a quarter"),
    ],
)
def test_the_prototxt_of_another_network_is_told_apart(change: tuple[str, str], words: str) -> None:
    message = refusal(tiny(change))
    assert words in message
    assert "colorization_deploy_v2.prototxt" in message


def test_what_reads_the_output_makes_it_none() -> None:
    more = 'layer { name: "x" type: "ReLU" bottom: "class8_ab" top: "x" }'
    assert "'class8_ab' is not its output" in refusal(network(hand.TINY_PROTOTXT + more))
    check_contract(network(hand.TINY_PROTOTXT + 'layer { name: "x" type: "Silence" bottom: "class8_ab" }'))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('bottom: "conv1norm"', 'bottom: "nothing"'), "layer 'conv2' reads nothing that"),
        (("kernel_size: 4 pad: 1 stride: 4", "kernel_size: 0 pad: 1 stride: 4"), "layer 'conv2' has a kernel"),
        (("kernel_size: 4 pad: 1 stride: 4", "pad: 1 stride: 4"), "layer 'conv2' has a kernel"),
        (("stride: 4", "stride: 0"), "stride"),
        (("stride: 4", "stride: 5000"), "more than 1024 times"),
        (("stride: 4", "stride: 99999999"), "above 65536"),
        (("stride: 4", "stride: [509, 503]"), "multiples of more than 1024"),
        (("stride: 4", "stride: [1, 2, 3]"), "3 directions"),
        (("group: 2", "group: 2 group: 2"), "line 9: `group` is given 2 times"),
        (("stride: 4", "stride_h: 4"), "gives its stride in one direction alone"),
        (("pad: 1 stride: 4", "pad: -1 stride: 4"), "padding below 0"),
        (("group: 2", "group: 3"), "in 3 groups"),
        (("group: 2", "group: 'x'"), "`group` should be a whole number"),
        (("num_output: 2 kernel_size: 4 pad: 1 stride: 4", "kernel_size: 4 pad: 1 stride: 4"), "0 outputs"),
        (('"ReLU"', '"Crop"'), "layer 'relu1' is of type 'Crop', which no network here uses"),
        (("kernel_size: 4 pad: 1 stride: 4", "kernel_size: 400 pad: 1 stride: 4"), "makes a feature map of"),
    ],
)
def test_a_network_that_cannot_run_is_refused_with_the_layer(change: tuple[str, str], words: str) -> None:
    message = refusal(tiny(change))
    assert "describes no network that can run" in message
    assert words in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kernel_size: 3", "kernel_sise: 3"), "line 5: 'kernel_sise' is no field of `convolution_param`"),
        (('bottom: "conv1norm"', 'botom: "conv1norm"'), "line 8: 'botom' is no field of `layer`"),
        (('top: "up"', "top: up"), "line 10: `top` should be a string"),
        ((INPUT_LAYER, 'input: "data_l" input_dim: 1 input_dim: 1'), "`input_dim` is given 2 times"),
        ((INPUT_LAYER, 'input: "data_l" input: "b" input_shape { dim: 1 }'), "2 inputs are given 1 shapes"),
    ],
)
def test_a_slip_of_the_pen_is_refused_with_its_line(change: tuple[str, str], words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        tiny(change)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("wiring", "words"),
    [
        ('bottom: "up" bottom: "conv2" top: "up"', "reads 2 blobs"),
        ('bottom: "up" top: "up" top: "x"', "makes 2 blobs"),
        ('bottom: "up" top: "conv2"', "makes 'conv2' again"),
    ],
)
def test_wiring_that_opencv_would_stop_at_is_refused(wiring: str, words: str) -> None:
    before = 'layer { name: "conv8_313" '
    with pytest.raises(WeightsError, match=f"layer 'extra' {words}"):
        check_pair(tiny((before, f'layer {{ name: "extra" type: "ReLU" {wiring} }} {before}')), model())


def test_two_layers_of_a_name_are_refused() -> None:
    with pytest.raises(WeightsError, match="2 layers are called 'conv1'"):
        tiny(('name: "conv2"', 'name: "conv1"'))


def test_a_prototxt_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.prototxt"
    path.write_bytes(b"# nothing\n" * (MAX_PROTOTXT_BYTES // 10 + 1))
    with pytest.raises(WeightsError, match="too large"):
        read_network(path)


def test_layers_that_training_left_in_the_weights_do_not_matter() -> None:
    extra = (
        BlobLayer("data", "Data", ()),
        BlobLayer("loss", "SoftmaxWithLoss", ()),
        BlobLayer("gray", "Convolution", (Blob((1,), np.ones(1, np.float32)),)),
        BlobLayer("class8_ab", "Convolution", (Blob((9,), np.ones(9, np.float32)),)),
    )
    check_pair(tiny(), CaffeModel("Tiny", (*extra, *model().layers)))


def test_the_first_layer_without_weights_is_named() -> None:
    message = refusal(tiny(), model(conv2=None, up=None))
    assert "model.caffemodel do not belong together: the weights lack layer 'conv2' (Convolution)" in message


def test_the_first_layer_of_another_shape_is_named_with_both_shapes() -> None:
    other = [np.ones((4, 2, 4, 4), np.float32), np.ones(2, np.float32)]
    message = refusal(tiny(), model(up=other, conv8_313=other))
    assert "layer 'up' is (2, 2, 4, 4), (2,) in the prototxt and (4, 2, 4, 4), (2,) in the weights" in message


def test_a_missing_bias_is_a_difference() -> None:
    message = refusal(tiny(), model(up=[np.ones((2, 2, 4, 4), np.float32)]))
    assert "(2, 2, 4, 4), (2,) in the prototxt and (2, 2, 4, 4) in the weights" in message


def test_a_layer_without_blobs_is_a_difference() -> None:
    assert "in the prototxt and nothing in the weights" in refusal(tiny(), model(up=[]))


def test_a_layer_of_another_type_is_named_with_both_types() -> None:
    layers = tuple(replace(layer, type="Convolution") if layer.name == "up" else layer for layer in model().layers)
    message = refusal(tiny(), CaffeModel("Tiny", layers))
    assert "layer 'up' is a Deconvolution in the prototxt and a Convolution in the weights" in message


def test_biases_of_the_old_four_axes_belong_to_todays_prototxt(tmp_path: Path) -> None:
    path = tmp_path / "old.caffemodel"
    path.write_bytes(
        b"".join(
            hand.layer(name, hand.TINY_SHAPES[name][0], *(hand.old_shape(*b.shape) + hand.packed(b) for b in blobs))
            for name, blobs in hand.tiny_weights().items()
        )
    )
    check_pair(tiny(), read_caffemodel(path))


def test_a_normalisation_in_one_file_alone_is_said() -> None:
    without = network(hand.TINY_WITHOUT_NORM)
    assert "the weights normalise (layer 'conv1norm'" in refusal(without, model())
    check_pair(without, model(conv1norm=None))
    assert "the prototxt normalises (layer 'conv1norm'" in refusal(tiny(), model(conv1norm=None))


def test_names_from_a_file_cannot_break_a_message() -> None:
    name = "up\\n\\033[2J" + "x" * 5000
    message = refusal(tiny(('name: "up"', f'name: "{name}"')), model())
    assert r"'up\n\x1b[2Jxxx" in message
    assert len(message) < 400
