"""The distribution that a pass is kept as: the colours of `predict` at every temperature, in every engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import RELEASE_PROTOTXT, lightness_like

from colorizer import Colorizer, Settings
from colorizer.engines import EngineName
from colorizer.errors import UsageError
from colorizer.networks.distribution import Distribution
from colorizer.networks.zhang.bins import bin_centres

BOUND = 0.05
"""ab units."""

TEMPERATURES = (0.1, 0.3837, 0.8, 1.0, 2.5)

every_engine = pytest.mark.parametrize("engine", ["opencv", "onnxruntime", "ncnn", "openvino"])


def picture(height: int = 150, width: int = 220) -> np.ndarray:
    light = lightness_like(height // 2 * 2, width // 2 * 2)[0, 0] + 50
    return np.asarray(np.clip(light * 2.55, 0, 255), np.uint8)


def settings(engine: EngineName, temperature: float, model: str = "lite", prototxt: Path | None = None) -> Settings:
    return Settings(
        model=model,
        prototxt=prototxt,
        engine=engine,
        precision="fp32",
        device="cpu",
        temperature=temperature,
        size=96,
    )


@every_engine
def test_the_distribution_gives_what_predict_gives_at_every_temperature(engine: EngineName) -> None:
    pixels = picture()
    kept = Colorizer(settings(engine, 0.8)).distribution(pixels)
    assert kept.logits.dtype == np.float16
    assert kept.logits.shape[0] == 313
    for temperature in TEMPERATURES:
        predicted = Colorizer(settings(engine, temperature)).predict(pixels)
        found = kept.ab(temperature)
        assert found.dtype == np.float32
        assert found.shape == predicted.shape
        assert predicted.std() > 1
        assert np.abs(found - predicted).max() < BOUND


@pytest.mark.slow
@every_engine
def test_so_it_does_for_the_releases_layers(engine: EngineName, release_weights: Path) -> None:
    caffemodel = str(release_weights)
    pixels = picture(96, 96)
    kept = Colorizer(settings(engine, 1.0, caffemodel, RELEASE_PROTOTXT)).distribution(pixels)
    for temperature in (0.3837, 1.0):
        predicted = Colorizer(settings(engine, temperature, caffemodel, RELEASE_PROTOTXT)).predict(pixels)
        assert np.abs(kept.ab(temperature) - predicted).max() < BOUND


@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.floats(0.1, 40),
    offset=st.floats(-1000, 1000),
    temperature=st.floats(0.01, 10),
)
def test_half_precision_costs_less_than_the_bound_whatever_the_logits(
    seed: int, spread: float, offset: float, temperature: float
) -> None:
    logits = (np.random.default_rng(seed).normal(offset, spread, (313, 3, 4))).astype(np.float32)
    exact = logits.astype(np.float64) / temperature
    exact = np.exp(exact - exact.max(axis=0))
    expected = np.einsum("cd,chw->hwd", bin_centres(), exact / exact.sum(axis=0))
    assert np.abs(Distribution.of(logits, bin_centres()).ab(temperature) - expected).max() < BOUND


def test_centres_that_were_brought_along_are_the_ones_used() -> None:
    logits = np.random.default_rng(1).normal(0, 2, (313, 2, 2)).astype(np.float32)
    mirrored = Distribution.of(logits, -bin_centres())
    np.testing.assert_allclose(mirrored.ab(0.5), -Distribution.of(logits, bin_centres()).ab(0.5), atol=1e-4)


@pytest.mark.parametrize("temperature", [0.0, -1.0, 0.009, 10.1, float("nan"), float("inf")])
def test_a_temperature_out_of_range_is_refused(temperature: float) -> None:
    kept = Distribution.of(np.zeros((313, 1, 1), np.float32), bin_centres())
    with pytest.raises(UsageError, match=r"expected a number from 0\.01 to 10"):
        kept.ab(temperature)


def test_other_settings_on_the_same_network_give_what_a_new_colorizer_gives() -> None:
    base = Settings(model="lite", engine="opencv", size=96)
    pixels = picture()
    trials: list[dict[str, Any]] = [{"saturation": 1.7}, {"strength": 0.5}, {"fit": "stretch"}, {"size": 64}]
    for changes in trials:
        other = replace(base, **changes)
        shared = Colorizer(base).with_settings(other)
        np.testing.assert_array_equal(shared.colorize(pixels), Colorizer(other).colorize(pixels))
        assert shared.recipe() == Colorizer(other).recipe()


def test_settings_of_another_network_and_sizes_that_do_not_fit_are_refused() -> None:
    loaded = Colorizer(Settings(model="lite"))
    with pytest.raises(UsageError, match="has its own temperature"):
        loaded.with_settings(Settings(model="lite", temperature=0.5))
    with pytest.raises(UsageError, match="size=72"):
        loaded.with_settings(Settings(model="lite", size=72))
