"""Whether reduced precision is good enough: tried on this machine, with these weights, and remembered.

bfloat16 keeps 8 bits of a float32's 24. What that does to colours depends on the weights (how far apart the logits are)
and on the runtime, so it is measured where it is used: sample pictures go through the network in both precisions, and
the colours are compared as an eye would, by CIEDE2000.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from colorizer.caffe.onnx_export import CONVERTER_VERSION
from colorizer.color.difference import ciede2000
from colorizer.engines import Runtime
from colorizer.io.cache import cache_folder, keep, kept
from colorizer.networks.distribution import annealed_mean
from colorizer.networks.zhang.contract import INPUT_BLOB, MIDDLE_LIGHTNESS, NETWORK_SIZE, OUTPUT_STRIDE
from colorizer.networks.zhang.converted import model_key
from colorizer.networks.zhang.forms import ZhangForms

MEAN_LIMIT, HIGH_LIMIT = 0.5, 2.0
"""CIEDE2000 between both precisions, mean and 99.9th percentile over the samples' pixels; 1 is about the smallest
difference that is seen side by side."""

LEAST_SPEEDUP = 1.1
"""Below it, reduced precision gains nothing worth a difference."""

SAMPLES = 4

Planes = Sequence[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Verdict:
    """What a trial of reduced precision has found."""

    mean: float  # CIEDE2000
    high: float  # its 99.9th percentile
    speedup: float  # of one pass

    @property
    def exact_enough(self) -> bool:
        """Whether the colours are those of float32, to the eye."""
        return self.mean < MEAN_LIMIT and self.high < HIGH_LIMIT

    @property
    def holds(self) -> bool:
        """Whether the reduced precision is to be taken."""
        return self.exact_enough and self.speedup >= LEAST_SPEEDUP

    def __str__(self) -> str:
        found = f"{self.mean:.2f} mean and {self.high:.1f} at most CIEDE2000 from fp32"
        return f"{found}, {self.speedup:.1f} times as fast"


class Predictor(Protocol):
    """Whatever gives chroma for lightness, in the contract's own terms."""

    def ab(self, centred: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, 1, H, W) L - 50 to (N, 2, H/4, W/4) ab."""


def judge(exact: Predictor, reduced: Predictor, planes: Planes) -> Verdict:
    """Compare two predictors on the same planes, (1, 1, H, W) float32 L - 50 each."""
    differences, seconds = [], []
    for predictor in (exact, reduced):
        predictor.ab(planes[0])  # the first pass takes longer
    for plane in planes:
        results = []
        for predictor in (exact, reduced):
            begun = time.perf_counter()
            results.append(predictor.ab(plane)[0].astype(np.float64))
            seconds.append(time.perf_counter() - begun)
        light = plane[0, 0, ::OUTPUT_STRIDE, ::OUTPUT_STRIDE].astype(np.float64) + MIDDLE_LIGHTNESS
        lab, other = (np.dstack([light, *ab]) for ab in results)
        differences.append(ciede2000(lab, other).ravel())
    found = np.concatenate(differences)
    speedup = float(np.median(seconds[::2]) / np.median(seconds[1::2]))
    return Verdict(float(found.mean()), float(np.percentile(found, 99.9)), speedup)


@dataclass(frozen=True)
class _Predictor:
    runtime: Runtime
    forms: ZhangForms

    def ab(self, centred: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        (found,) = self.runtime.run({INPUT_BLOB: centred}).values()
        if not self.forms.cut:
            return found
        colors = self.forms.colors
        return np.stack([annealed_mean(logits, colors.centres, colors.temperature) for logits in found])


@dataclass(frozen=True)
class ColorTrial:
    """The trial of a network with its colours; a `PrecisionTrial` of the engines."""

    network: ZhangForms

    passes: ClassVar[int] = SAMPLES

    def remembered(self, conditions: tuple[str, ...]) -> Verdict | None:
        """The verdict of an earlier trial under these conditions; see `PrecisionTrial.remembered`.

        Raises
        ------
        WeightsError
            A file of the model cannot be read.
        """
        return remembered(self._key(conditions))

    def run(self, exact: Runtime, reduced: Runtime, conditions: tuple[str, ...]) -> Verdict:
        """Compare both, and remember the verdict; see `PrecisionTrial.run`.

        Raises
        ------
        EngineError
            A runtime failed.
        """
        planes = sample_planes(self.network.model.stride)
        verdict = judge(_Predictor(exact, self.network), _Predictor(reduced, self.network), planes)
        remember(self._key(conditions), verdict)
        return verdict

    def _key(self, conditions: tuple[str, ...]) -> str:
        colors = self.network.colors
        centres = sha256(colors.kernels.tobytes()).hexdigest()
        weights = model_key(self.network.model)
        return verdict_key(weights, CONVERTER_VERSION, f"{colors.scale:.9g}", centres, *conditions)


def remembered(key: str) -> Verdict | None:
    """The verdict of an earlier trial under that key (see `verdict_key`)."""
    data = kept(_path(key))
    try:
        return Verdict(**json.loads(data)) if data else None
    except (ValueError, TypeError):
        return None


def remember(key: str, verdict: Verdict) -> None:
    """Keep a verdict for other runs, where the cache can be written."""
    keep(_path(key), json.dumps(asdict(verdict)).encode())


def verdict_key(*parts: str) -> str:
    """All that a verdict depends on, in one word: weights, colours, runtime with its version, machine, precision."""
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]


def sample_planes(stride: int, size: int = NETWORK_SIZE) -> Planes:
    """Made-up pictures with what photographs have: a sky, ground, lit bodies, edges, and texture of all sizes.

    The spectrum falls with frequency as that of natural scenes does (Field 1987). The same on every machine.

    Returns
    -------
    sequence of ndarray, (1, 1, H, W) float32
        L - 50.
    """
    side = -(-size // stride) * stride
    return [_scene(side, np.random.default_rng(seed)) for seed in range(SAMPLES)]


def _scene(side: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    y, x = np.mgrid[0:side, 0:side] / side
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    spectrum = np.exp(2j * np.pi * rng.random(frequency.shape)) / frequency
    texture = np.fft.irfft2(spectrum, (side, side))
    texture /= texture.std()
    horizon = 0.3 + 0.3 * rng.random() + 0.02 * texture[0]
    light = np.where(y < horizon, 80 - 25 * y, 45 + 14 * texture)
    for _ in range(3):
        row, column, radius = rng.uniform((0.3, 0.1, 0.06), (0.8, 0.9, 0.22))
        height = 1 - ((y - row) ** 2 + (x - column) ** 2) / radius**2
        body = rng.uniform(20, 70) + 30 * np.sqrt(np.clip(height, 0, 1)) + 3 * texture
        light = np.where(height > 0, body, light)
    left, top = rng.uniform(0.1, 0.6, 2)
    wall = (x > left) & (x < left + 0.2) & (y > top)
    light = np.where(wall, rng.uniform(15, 85) + 4 * texture, light) + rng.normal(0, 1, light.shape)
    return (np.clip(light, 0, 100) - MIDDLE_LIGHTNESS).astype(np.float32)[None, None]


def _path(key: str) -> Path:
    return cache_folder() / "precision" / f"{key}.verdict"
