"""What makes two places alike for a network: three projections of its logits, and the scales of all terms.

A metric is fitted for a network on photographs (`scripts/fit_guidance.py`) and lies in the package as a small file
named after the network. A network with a distribution but without a fitted metric takes the picture's own principal
directions of its logits; one without a distribution, its ab alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.networks.distribution import Distribution

Floats = npt.NDArray[np.float32]

FOLDER = Path(__file__).with_name("metrics")

DEVIATION_FLOOR = 1e-6

_OWN_DIRECTIONS = 24
"""Of a picture's own principal directions: a few are the picture's colours and things, the rest is noise."""


@dataclass(frozen=True)
class Metric:
    """The kernel's numbers; `colorizer.guidance.field` has the formulas.

    Attributes
    ----------
    amplitudes
        (5,) of the shared part: what looks alike, and where; what looks much alike, wherever; what is as light and as
        near; all alike; proportional to the predicted chroma.
    lightness, place
        (3,) lengths in L (0..1), and in shares of the longer side, of the first, the third and the object's term.
    doubt
        Exponent on the network's standard deviation, to which errors are proportional.
    noise
        Of a hint, as a share of the error's deviation.
    surprise
        (2,) variance of the object's own part: as a share of the doubt, and of the hint's squared surprise.
    timidity
        Exponent by which the object's part is weaker where the network is surer than at the hint.
    mean, deviation
        (C,) of each class's logit; None for a picture's own.
    alike, same, own
        (C, k) projections for the first, the second and the object's term; None for a picture's own.
    """

    amplitudes: Floats
    lightness: Floats
    place: Floats
    doubt: float
    noise: float
    surprise: Floats
    timidity: float
    mean: Floats | None = None
    deviation: Floats | None = None
    alike: Floats | None = None
    same: Floats | None = None
    own: Floats | None = None

    def embed(self, distribution: Distribution) -> tuple[Floats, Floats, Floats]:
        """Where each place lies for the three terms: (k, h, w) float32 each, on the distribution's grid."""
        count, height, width = distribution.logits.shape
        if self.mean is None or self.deviation is None or self.alike is None or self.same is None or self.own is None:
            return _own_directions(distribution)
        logits = distribution.logits.reshape(count, -1).astype(np.float32)
        unit = unit_logits(logits, self.mean, self.deviation)
        first, second, third = (projection.T @ unit for projection in (self.alike, self.same, self.own))
        return (
            first.reshape(-1, height, width),
            second.reshape(-1, height, width),
            third.reshape(-1, height, width),
        )


UNFITTED = Metric(
    amplitudes=np.array([0.5, 0.3, 0.07, 0.005, 0.3], np.float32),
    lightness=np.array([0.36, 1.0, 0.2], np.float32),
    place=np.array([0.8, 0.15, 0.4], np.float32),
    doubt=0.9,
    noise=0.15,
    surprise=np.array([0.03, 0.11], np.float32),
    timidity=1.2,
)
"""For networks with a distribution that nobody fitted a metric for; chosen on photographs."""

WITHOUT_DISTRIBUTION = replace(
    UNFITTED,
    amplitudes=np.array([0.5, 0.0, 0.15, 0.01, 0.3], np.float32),
    place=np.array([0.5, 0.15, 0.3], np.float32),
    lightness=np.array([0.3, 0.3, 0.2], np.float32),
)
"""For networks that give ab alone: nothing tells where they doubt."""


def unit_logits(logits: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Logits less the largest of their place, standardised by class, and of length 1: (C, n) float32."""
    unit = (logits - mean[:, None]) / deviation[:, None]
    unit /= np.linalg.norm(unit, axis=0) + np.float32(DEVIATION_FLOOR)
    return np.asarray(unit, np.float32)


@lru_cache(maxsize=4)
def metric_for(model: str, classes: int | None) -> Metric:
    """The metric for a network.

    Parameters
    ----------
    model
        Its name.
    classes
        Of its distribution; None where it has none.
    """
    if classes is None:
        return WITHOUT_DISTRIBUTION
    path = FOLDER / f"{model}.npz"
    if not path.is_file():
        return UNFITTED
    metric = load_metric(path)
    return metric if metric.mean is None or len(metric.mean) == classes else UNFITTED


def load_metric(path: Path) -> Metric:
    """A metric from its file."""
    with np.load(path, allow_pickle=False) as found:
        arrays = {name: found[name].astype(np.float32) for name in found.files}
    scalars = ("doubt", "noise", "timidity")
    values: dict[str, Any] = {name: float(value) if name in scalars else value for name, value in arrays.items()}
    return Metric(**values)


def save_metric(path: Path, metric: Metric) -> None:
    """Write a metric's file; projections in half precision."""
    values = {item.name: getattr(metric, item.name) for item in fields(metric)}
    arrays = {name: np.asarray(value, np.float32) for name, value in values.items() if value is not None}
    small = {name: value.astype(np.float16) if value.ndim == 2 else value for name, value in arrays.items()}
    np.savez_compressed(path, **small)  # type: ignore[arg-type]


def _own_directions(distribution: Distribution) -> tuple[Floats, Floats, Floats]:
    """The picture's principal directions of its logits, for all three terms, at lengths that suit most pictures."""
    count, height, width = distribution.logits.shape
    logits = distribution.logits.reshape(count, -1).astype(np.float32)
    centred = logits - logits.mean(axis=1, keepdims=True)
    centred /= centred.std(axis=1, keepdims=True) + np.float32(DEVIATION_FLOOR)
    centred /= np.linalg.norm(centred, axis=0) + np.float32(DEVIATION_FLOOR)
    middle = centred.mean(axis=1, keepdims=True)
    _, directions = np.linalg.eigh((centred - middle) @ (centred - middle).T)
    found = (directions[:, -_OWN_DIRECTIONS:].T @ centred).reshape(-1, height, width).astype(np.float32)
    return found / np.float32(0.9), found / np.float32(0.9), found / np.float32(0.8)
