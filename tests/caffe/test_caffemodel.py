"""Caffemodels read and written: against files made by hand, and against OpenCV's reading of the same files."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import caffe_by_hand as hand
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from synthetic import lightness_like, small_pair

from colorizer.caffe.caffemodel import Blob, BlobLayer, CaffeModel, check_finite, read_caffemodel, write_caffemodel
from colorizer.engines import EngineRequest
from colorizer.errors import OutputError, WeightsError
from colorizer.networks import resolve_model
from colorizer.networks.zhang.network import open_zhang

DNN: Any = cv2.dnn  # OpenCV 5 declares no Caffe importer

Weights = dict[str, list[hand.Floats]]

FORMS = {
    "packed": (hand.new_shape, hand.packed),
    "unpacked": (hand.new_shape, hand.unpacked),
    "old shapes": (hand.old_shape, hand.packed),
    "half precision": (hand.new_shape, hand.halves),
    "raw single precision": (hand.old_shape, hand.raw_singles),
}


@pytest.fixture
def weights() -> Weights:
    """Weights that half precision holds exactly, so that every form of a file has the same ones."""
    return {
        name: [blob.astype(np.float16).astype(np.float32) for blob in blobs]
        for name, blobs in hand.tiny_weights().items()
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.caffemodel"


def by_opencv(caffemodel: Path, layers: Iterable[str], prototxt: str = hand.TINY_PROTOTXT) -> Weights:
    """The weights of these layers as cv2.dnn holds them after loading."""
    net = DNN.readNetFromCaffe(
        np.frombuffer(prototxt.encode(), np.uint8), np.frombuffer(caffemodel.read_bytes(), np.uint8)
    )
    return {name: [np.asarray(blob) for blob in net.getLayer(name).blobs] for name in layers}


def assert_holds(model: CaffeModel, expected: Weights) -> None:
    assert [layer.name for layer in model.layers] == list(expected)
    for layer in model.layers:
        assert layer.type == hand.TINY_SHAPES[layer.name][0]
        assert len(layer.blobs) == len(expected[layer.name])
        for blob, values in zip(layer.blobs, expected[layer.name], strict=True):
            assert blob.shape == blob.data.shape
            np.testing.assert_array_equal(blob.data.ravel(), values.ravel())


@pytest.mark.caffe_importer
@pytest.mark.parametrize("v1", [False, True], ids=["layer", "layers"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_as_opencv_reads_it(form: str, v1: bool, weights: Weights, path: Path) -> None:
    shape, values = FORMS[form]
    data = hand.sized(1, "Tiny")
    for name, blobs in weights.items():
        kind, number, _ = hand.TINY_SHAPES[name]
        if v1 and not number:
            continue  # the old format knows no BatchNorm
        encoded = [shape(*blob.shape) + values(blob) for blob in blobs]
        data += hand.v1_layer(name, number, *encoded) if v1 else hand.layer(name, kind, *encoded)
    path.write_bytes(data)
    expected = {name: blobs for name, blobs in weights.items() if not v1 or hand.TINY_SHAPES[name][1]}
    model = read_caffemodel(path)
    assert model.name == "Tiny"
    assert_holds(model, expected)
    assert {blob.data.dtype.itemsize for layer in model.layers for blob in layer.blobs} == {
        2 if form == "half precision" else 4
    }
    loaded = by_opencv(path, expected, hand.TINY_WITHOUT_NORM if v1 else hand.TINY_PROTOTXT)
    for name, blobs in expected.items():
        for ours, theirs in zip(blobs, loaded[name], strict=True):
            np.testing.assert_array_equal(ours.ravel(), theirs.ravel())


@pytest.mark.parametrize("form", [hand.doubles, hand.unpacked_doubles])
def test_double_precision_is_read(form: Any, weights: Weights, path: Path) -> None:
    layers = [
        hand.layer(name, hand.TINY_SHAPES[name][0], *(hand.new_shape(*blob.shape) + form(blob) for blob in blobs))
        for name, blobs in weights.items()
    ]
    path.write_bytes(b"".join(layers))
    model = read_caffemodel(path)
    assert_holds(model, weights)
    assert model.layers[0].blobs[0].data.dtype == np.float64


def test_double_precision_runs_in_opencv_although_its_importer_does_not_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path))
    prototxt, caffemodel = small_pair(tmp_path)
    double = tmp_path / "double.caffemodel"
    double.write_bytes(
        b"".join(
            hand.layer(
                layer.name,
                layer.type,
                *(hand.new_shape(*blob.shape) + hand.doubles(blob.data) for blob in layer.blobs),
            )
            for layer in read_caffemodel(caffemodel).layers
        )
    )
    light = lightness_like(64, 64)
    single, found = (
        open_zhang(resolve_model(str(path), prototxt=prototxt), request=EngineRequest("opencv", device="cpu")).ab(light)
        for path in (caffemodel, double)
    )
    assert single.std() > 5
    np.testing.assert_allclose(found, single, atol=0.01)


def test_a_run_of_numbers_may_come_in_pieces(path: Path) -> None:
    values = np.arange(7, dtype=np.float32)
    pieces = hand.packed(values[:3]) + hand.unpacked(values[3:5]) + hand.packed(values[5:])
    path.write_bytes(hand.layer("a", "Scale", pieces + hand.new_shape(7)))
    np.testing.assert_array_equal(read_caffemodel(path).layers[0].blobs[0].data, values)


def test_numbers_are_views_into_the_map_and_read_only(weights: Weights, path: Path) -> None:
    path.write_bytes(hand.tiny_caffemodel(weights))
    blob = read_caffemodel(path).layers[0].blobs[0].data
    assert not blob.flags.owndata
    assert not blob.flags.writeable


def test_fields_that_nobody_knows_are_passed_over(weights: Weights, path: Path) -> None:
    strange = hand.number(9, 3) + hand.sized(50, b"anything") + b"\x35abcd" + b"\x31abcdefgh"
    blob = hand.new_shape(2) + hand.sized(6, b"a gradient") + hand.packed(np.ones(2, np.float32))
    inside = hand.sized(1, "a") + hand.sized(2, "Scale") + hand.number(10, 1) + hand.sized(7, blob)
    path.write_bytes(strange + hand.sized(100, inside) + hand.sized(8, b""))
    assert [(layer.name, len(layer.blobs)) for layer in read_caffemodel(path).layers] == [("a", 1)]


def test_of_two_layers_of_a_name_the_one_with_blobs_counts(path: Path) -> None:
    blob = hand.new_shape(1) + hand.packed(np.ones(1, np.float32))
    path.write_bytes(hand.layer("a", "Split") + hand.layer("a", "Scale", blob) + hand.layer("b", "ReLU"))
    model = read_caffemodel(path)
    found = model.layer("a")
    assert found is not None
    assert found.type == "Scale"
    assert model.layer("c") is None


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
blobs = st.builds(
    lambda data: Blob(data.shape, data),
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4), elements=st.floats(width=32)
    ),
)
layers = st.lists(st.builds(BlobLayer, names, names, st.lists(blobs, max_size=3).map(tuple)), min_size=1, max_size=5)


@given(name=names, layers=layers)
def test_what_is_written_is_read(name: str, layers: list[BlobLayer], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("written") / "any.caffemodel"
    write_caffemodel(path, name, layers)
    model = read_caffemodel(path)
    assert model.name == name
    assert [(layer.name, layer.type) for layer in model.layers] == [(layer.name, layer.type) for layer in layers]
    for read, written in zip(model.layers, layers, strict=True):
        assert [blob.shape for blob in read.blobs] == [blob.shape for blob in written.blobs]
        for one, other in zip(read.blobs, written.blobs, strict=True):
            np.testing.assert_array_equal(one.data, other.data)


def test_writing_twice_gives_the_same_bytes_and_a_file_the_same_as_a_path(weights: Weights, path: Path) -> None:
    layers = [BlobLayer(n, "Convolution", tuple(Blob(b.shape, b) for b in blobs)) for n, blobs in weights.items()]
    write_caffemodel(path, "Tiny", iter(layers))
    file = io.BytesIO()
    write_caffemodel(file, "Tiny", layers)
    assert path.read_bytes() == file.getvalue()


@pytest.mark.caffe_importer
@pytest.mark.parametrize("half", [False, True])
def test_opencv_reads_what_is_written(half: bool, path: Path) -> None:
    weights = hand.tiny_weights()
    layers = [
        BlobLayer(name, hand.TINY_SHAPES[name][0], tuple(Blob(blob.shape, blob) for blob in blobs))
        for name, blobs in weights.items()
    ]
    write_caffemodel(path, "Tiny", layers, half=half)
    model, loaded = read_caffemodel(path), by_opencv(path, weights)
    for layer in model.layers:
        for blob, theirs, exact in zip(layer.blobs, loaded[layer.name], weights[layer.name], strict=True):
            assert blob.data.dtype == (np.float16 if half else np.float32)
            np.testing.assert_array_equal(blob.data.ravel(), theirs.ravel())
            np.testing.assert_allclose(blob.data, exact, rtol=2**-11 if half else 0)


def test_half_precision_leaves_alone_what_it_cannot_hold(path: Path) -> None:
    large, small = np.array([1.0, 65536.0], np.float32), np.array([65504.0], np.float32)
    write_caffemodel(path, "n", [BlobLayer("a", "Scale", (Blob((2,), large), Blob((1,), small)))], half=True)
    first, second = read_caffemodel(path).layers[0].blobs
    np.testing.assert_array_equal(first.data, large)
    assert second.data.dtype == np.float16


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere.*tiny\.caffemodel"):
        write_caffemodel(tmp_path / "nowhere" / "tiny.caffemodel", "n", [])


def test_a_truncated_file_says_how_much_is_missing(weights: Weights, path: Path) -> None:
    whole = hand.tiny_caffemodel(weights)
    path.write_bytes(whole[:-1000])
    with pytest.raises(WeightsError, match=rf"tiny\.caffemodel.*has {len(whole) - 1000} bytes.* 1000 are missing"):
        read_caffemodel(path)


def test_every_truncation_loads_fewer_layers_or_is_refused(weights: Weights, tmp_path: Path) -> None:
    whole = hand.tiny_caffemodel(weights)
    for length in range(1, len(whole), 7):
        path = tmp_path / f"{length}.caffemodel"
        path.write_bytes(whole[:length])
        with suppress(WeightsError):
            assert len(read_caffemodel(path).layers) < len(weights)


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (hand.new_shape(3) + hand.packed(np.ones(2, np.float32)), r"shape \(3,\) that holds 2"),
        (hand.new_shape(2), r"shape \(2,\) that holds 0"),
        (hand.new_shape(-2) + hand.packed(np.ones(2, np.float32)), "impossible shape"),
        (hand.new_shape(*[1] * 33) + hand.packed(np.ones(1, np.float32)), "more than 32 axes"),
        (hand.new_shape(1 << 62, 1 << 62) + hand.packed(np.ones(1, np.float32)), "holds 1 numbers"),
        (hand.new_shape(1) + hand.sized(5, b"12345"), "ends inside one"),
        (hand.new_shape(1) + hand.number(5, 1), "an encoding that is none of theirs"),
        (hand.new_shape(1) + hand.number(10, 3) + hand.sized(12, b"1234"), "neither single nor half"),
        (hand.new_shape(1) + hand.sized(12, b"1234"), "neither single nor half"),
    ],
)
def test_a_damaged_blob_is_refused(blob: bytes, words: str, path: Path) -> None:
    path.write_bytes(hand.layer("a", "Scale", blob))
    with pytest.raises(WeightsError, match=rf"tiny\.caffemodel is no intact caffemodel.*{words}.*download it again"):
        read_caffemodel(path)


def test_the_oldest_format_is_refused_by_name(path: Path) -> None:
    path.write_bytes(hand.sized(2, hand.sized(1, hand.sized(1, "conv1"))))
    with pytest.raises(WeightsError, match="V0"):
        read_caffemodel(path)


def test_a_file_without_layers_is_no_caffemodel(path: Path) -> None:
    path.write_bytes(hand.sized(1, "only a name"))
    with pytest.raises(WeightsError, match="no layers"):
        read_caffemodel(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_with_their_layer(bad: float, weights: Weights, path: Path) -> None:
    weights["up"][0][1, 1, 3, 3] = bad
    path.write_bytes(hand.tiny_caffemodel(weights))
    with pytest.raises(WeightsError, match=r"tiny\.caffemodel.*'up'.*NaN"):
        check_finite(read_caffemodel(path))
    weights["up"][0][1, 1, 3, 3] = 0
    path.with_suffix(".good").write_bytes(hand.tiny_caffemodel(weights))
    check_finite(read_caffemodel(path.with_suffix(".good")))


def test_a_number_that_is_not_finite_is_found_anywhere_in_a_large_blob() -> None:
    data = np.zeros(3_000_000, np.float32)
    data[-1] = np.nan
    with pytest.raises(WeightsError, match="'large'"):
        check_finite(CaffeModel("n", (BlobLayer("large", "Scale", (Blob(data.shape, data),)),)))
