"""The Caffe route through cv2.dnn: injected layers, exactness, and what happens when OpenCV cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import run_python
from reference import reference_ab
from synthetic import lightness_like, small_pair

from colorizer.bins import bin_centres
from colorizer.contract import RELEASE_TEMPERATURE
from colorizer.engines import open_engine
from colorizer.errors import WeightsError
from colorizer.models import Model, resolve_model

ENGINE_BOUND = 0.05


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The release's layers with an eighth of the channels."""
    return resolve_model(str(small_pair(tmp_path_factory.mktemp("small"))[1]))


@pytest.mark.parametrize("temperature", [RELEASE_TEMPERATURE, 1.0, 4.0])
@pytest.mark.parametrize("size", [(224, 224), (96, 160)])
def test_ab_is_that_of_float64(small: Model, temperature: float, size: tuple[int, int]) -> None:
    light = lightness_like(*size)
    found = open_engine(small, temperature=temperature).ab(light)
    expected = reference_ab(small.prototxt, small.caffemodel, light, temperature, bin_centres())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=ENGINE_BOUND)


def test_towards_zero_the_temperature_gives_the_mode(small: Model) -> None:
    ab = open_engine(small, temperature=0.01).ab(lightness_like(64, 64))
    distance = np.abs(np.moveaxis(ab, 1, -1)[..., None, :] - bin_centres()).max(axis=-1).min(axis=-1)
    assert np.median(distance) < 0.01


def test_brought_bin_centres_are_the_ones_used(small: Model) -> None:
    light = lightness_like(64, 64)
    mirrored = -bin_centres().astype(np.float32)
    np.testing.assert_allclose(open_engine(small, centres=mirrored).ab(light), -open_engine(small).ab(light), atol=1e-3)


def test_a_batch_is_its_pictures_one_by_one_and_results_stay_theirs(small: Model) -> None:
    engine = open_engine(small)
    lights = np.concatenate([lightness_like(64, 96, seed) for seed in range(3)])
    batch = engine.ab(lights)
    for one, result in zip(lights, batch, strict=True):
        np.testing.assert_allclose(engine.ab(one[None])[0], result, atol=1e-3)
    first = engine.ab(lights[:1])
    kept = first.copy()
    engine.ab(lights[1:2])
    np.testing.assert_array_equal(first, kept)


def test_files_that_vanish_or_break_after_the_check_are_named(small: Model, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="gone"):
        open_engine(replace(small, caffemodel=tmp_path / "gone.caffemodel"))
    broken = tmp_path / "broken.caffemodel"
    broken.write_bytes(b"no network at all")
    with pytest.raises(WeightsError, match=r"broken\.caffemodel"):
        open_engine(replace(small, caffemodel=broken))


@pytest.mark.parametrize(
    ("stand_in", "said"),
    [
        ("__version__ = '5.0.0'\nclass dnn: pass\n", "5.0.0 has no Caffe importer"),
        ("raise ImportError('libGL.so.1: cannot open shared object file')", "libGL.so.1"),
    ],
    ids=["OpenCV 5", "no libGL"],
)
def test_an_opencv_that_cannot_is_named_with_the_cure(stand_in: str, said: str, tmp_path: Path) -> None:
    """A module of the same name stands in for builds of OpenCV that cannot be installed beside the real one."""
    (tmp_path / "cv2.py").write_text(stand_in)
    code = (
        "from colorizer.engines.opencv import OpenCVEngine; from colorizer.errors import EngineError\n"
        "try: OpenCVEngine(None)\nexcept EngineError as error: print(error)"
    )
    done = run_python(code, tmp_path, PYTHONPATH=str(tmp_path))
    assert said in done.stdout, done.stderr
    assert "pip install 'opencv-python-headless>=4.10,<5'" in done.stdout
