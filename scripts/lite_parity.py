"""How far the exported `lite`, run by cv2.dnn, lies from the trained network, run by PyTorch in float32.

Knows inputs, differences and bounds. The trained network is whatever predicts ab from lightness; the exported one runs
in the product's own engine, so what is measured is what users get.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
from skimage import color, data

from colorizer.engines import EngineRequest
from colorizer.networks import resolve_model
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS, RELEASE_SCALE, RELEASE_TEMPERATURE
from colorizer.networks.zhang.network import open_zhang

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
"""Of scikit-image's own data, all free (public domain or CC0)."""

SIZES = ((224, 224), (224, 320), (256, 256), (96, 64))
SMOOTHNESS = (2.0, 4.0, 8.0, 16.0)
"""Standard deviations, in pixels, of the blur that makes noise of an untrained kind."""

TEMPERATURES = {RELEASE_TEMPERATURE: RELEASE_SCALE, 1.0: 1.0}
"""The release's annealed mean and the plain one, each with the factor 1/T on the logits."""

SINGLE_BOUND = 0.01
"""Largest difference of ab allowed where weights are stored in single precision."""

HALF_BOUND = 0.3
"""99.9th percentile of the difference of ab allowed where they are stored in half precision."""

Floats = npt.NDArray[np.float32]


class Trained(Protocol):
    """A network as it was trained."""

    def predict(self, lightness: Floats, scale: float) -> Floats:
        """Chroma (N, 2, H/4, W/4) of lightness (N, 1, H, W), L - 50; `scale` is 1/T."""


@dataclass(frozen=True)
class Difference:
    """|d ab| over one input, in CIE Lab units."""

    input: str
    storage: str  # "single" or "half"
    temperature: float
    largest: float
    percentile: float  # the 99.9th
    mean: float

    @property
    def within_bounds(self) -> bool:
        """Whether the difference is as small as it has to be."""
        return self.largest < SINGLE_BOUND if self.storage == "single" else self.percentile < HALF_BOUND


def photograph(name: str, height: int, width: int) -> Floats:
    """L - 50 of one of scikit-image's photographs, area-resampled: (1, 1, H, W)."""
    lightness = color.rgb2lab(getattr(data, name)())[..., 0].astype(np.float32)
    small: Floats = cv2.resize(lightness, (width, height), interpolation=cv2.INTER_AREA) - np.float32(MIDDLE_LIGHTNESS)
    return small[None, None]


def inputs() -> Iterator[tuple[str, Floats]]:
    """Photographs in several sizes, two at once, and smooth noise: L - 50, (N, 1, H, W)."""
    for name in PHOTOGRAPHS:
        for height, width in SIZES:
            yield f"{name} {height}x{width}", photograph(name, height, width)
    yield "2 photographs 224x320", np.concatenate([photograph(name, 224, 320) for name in PHOTOGRAPHS[2:]])
    rng = np.random.default_rng(0)
    for sigma in SMOOTHNESS:
        noise = cv2.GaussianBlur(rng.standard_normal((224, 224)).astype(np.float32), (0, 0), sigma)
        span = (noise - noise.min()) / (noise.max() - noise.min())
        yield f"noise, blur {sigma:g}", (span * 100 - np.float32(MIDDLE_LIGHTNESS))[None, None]


def differences(trained: Trained, prototxt: Path, caffemodels: dict[str, Path]) -> Iterator[Difference]:
    """Compare every input, at every temperature, for each way of storage (`caffemodels` by its name)."""
    for temperature, scale in TEMPERATURES.items():
        expected = [(name, lightness, trained.predict(lightness, scale)) for name, lightness in inputs()]
        for storage, caffemodel in caffemodels.items():
            model = resolve_model(str(caffemodel), prototxt=prototxt)
            engine = open_zhang(model, temperature=temperature, request=EngineRequest("opencv", device="cpu"))
            for name, lightness, ab in expected:
                apart = np.abs(engine.ab(lightness) - ab)
                percentile = float(np.percentile(apart, 99.9))
                yield Difference(name, storage, temperature, float(apart.max()), percentile, float(apart.mean()))


def table(rows: list[Difference]) -> str:
    """The differences as a table in Markdown; those beyond their bound are marked."""
    lines = ["| input | weights | T | largest | 99.9 % | mean | |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {row.input} | {row.storage} | {row.temperature:.4g} | {row.largest:.5f} | {row.percentile:.5f} "
        f"| {row.mean:.5f} | {'' if row.within_bounds else 'TOO FAR'} |"
        for row in rows
    ]
    return "\n".join(lines)
