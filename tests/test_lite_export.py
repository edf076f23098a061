"""The shipped `lite` pair: of the contract, in the precision it claims, and equal to the network that was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from reference import RELEASE_TEMPERATURE, reference_ab
from synthetic import lightness_like

from colorizer.caffe.caffemodel import check_finite, read_caffemodel
from colorizer.caffe.network import read_network
from colorizer.engines import EngineRequest
from colorizer.networks import resolve_model
from colorizer.networks.zhang.checks import check_contract, check_pair
from colorizer.networks.zhang.network import open_zhang

PROTOTXT = Path(__file__).resolve().parent.parent / "weights" / "lite.prototxt"
CAFFEMODEL = PROTOTXT.with_suffix(".caffemodel")
GOLDEN = Path(__file__).parent / "data" / "lite_golden.npz"
"""L of a photograph (scikit-image's `chelsea`, CC0) and PyTorch's float32 ab for it, at two temperatures; written by
`python scripts/export_lite.py CHECKPOINT --golden tests/data/lite_golden.npz`."""

LARGEST_FILE = 8_000_000
ENGINE_BOUND = 0.05
HALF_BOUND = 0.3
"""On the 99.9th percentile of |d ab|, the cost of half precision."""


def opencv_ab(lightness: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float32]:
    asked = EngineRequest("opencv", device="cpu")
    return open_zhang(resolve_model(str(CAFFEMODEL)), temperature=temperature, request=asked).ab(lightness)


def test_the_pair_is_of_the_contract_and_belongs_together() -> None:
    network, model = read_network(PROTOTXT), read_caffemodel(CAFFEMODEL)
    check_contract(network)
    check_pair(network, model)
    check_finite(model)
    assert network.stride == 32
    assert network.shapes(64, 96)["class8_ab"] == (2, 16, 24)


def test_the_file_holds_no_blobs_for_the_layers_that_are_injected() -> None:
    model = read_caffemodel(CAFFEMODEL)
    assert all(model.layer(name) is None for name in ("conv8_313_rh", "class8_ab"))


def test_most_weights_are_stored_in_half_precision_and_the_file_is_small() -> None:
    blobs = [blob.data for layer in read_caffemodel(CAFFEMODEL).layers for blob in layer.blobs]
    half = sum(data.size for data in blobs if data.dtype == np.float16)
    assert half > 0.9 * sum(data.size for data in blobs)
    assert CAFFEMODEL.stat().st_size < LARGEST_FILE


@pytest.mark.parametrize(("height", "width"), [(224, 224), (224, 320)])
def test_opencv_runs_it_as_float64_arithmetic_does(height: int, width: int) -> None:
    lightness = lightness_like(height, width)
    expected = reference_ab(PROTOTXT, CAFFEMODEL, lightness)
    assert expected.shape == (1, 2, height // 4, width // 4)
    assert np.abs(expected).max() > 20, "an input without colour would show nothing"
    assert np.abs(opencv_ab(lightness, RELEASE_TEMPERATURE) - expected).max() < ENGINE_BOUND


def test_a_batch_gives_what_its_pictures_give_alone() -> None:
    one, other = lightness_like(96, 64, seed=1), lightness_like(96, 64, seed=2)
    both = opencv_ab(np.concatenate([one, other]), 1.0)
    assert both.shape == (2, 2, 24, 16)
    np.testing.assert_allclose(both, np.concatenate([opencv_ab(one, 1.0), opencv_ab(other, 1.0)]), atol=ENGINE_BOUND)


def test_its_colours_are_those_of_the_network_in_pytorch() -> None:
    with np.load(GOLDEN) as golden:
        lightness = golden["lightness"].astype(np.float32) - 50
        temperatures, expected = golden["temperatures"], golden["ab"]
    assert len(temperatures) == len(expected) == 2
    for temperature, ab in zip(temperatures, expected, strict=True):
        apart = np.abs(opencv_ab(lightness, float(temperature)) - ab)
        assert np.percentile(apart, 99.9) < HALF_BOUND
