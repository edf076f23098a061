"""Colours to choose from at a place: what the network thinks possible there, grey, the present one, those used already.

A few colours that cover most of the distribution around the place: each is the one whose neighbourhood holds the most
probability that is not covered yet (greedy maximum coverage; Nemhauser, Wolsey and Fisher 1978).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from colorizer.guidance.hints import hexadecimal_of
from colorizer.guidance.metric import Floats
from colorizer.networks.distribution import Distribution

SWATCHES = 9

Kind = Literal["guess", "grey", "present", "used"]
Color = tuple[float, float]

TEMPERATURE = 1.4
"""Of the distribution that swatches are taken from: what is improbable, and true, is among them more often."""

_COVERED = 14.0 / 1.5
"""Standard deviation, in ab, of what a swatch covers around it."""

_AROUND = 1
"""Cells of the distribution on each side of a place that its mean is taken over."""

_USED = 3
"""Colours used already that are shown, the latest first."""

_SAME = 4.0
"""In ab: colours that are no further apart are shown once."""

_CHROMA = 32.0
"""Of swatches where there is no distribution: hues all around."""


@dataclass(frozen=True)
class Suggestion:
    """A colour to choose.

    Attributes
    ----------
    ab
        CIE Lab units.
    color
        "#rrggbb" at the place's own lightness, as it would come out.
    kind
        Where it comes from.
    """

    ab: Color
    color: str
    kind: Kind


def distribution_at(distribution: Distribution, x: float, y: float, temperature: float = TEMPERATURE) -> Floats:
    """The mean distribution around a place in fractions of the width and height: (C,) float32."""
    count, height, width = distribution.logits.shape
    column, row = min(int(x * width), width - 1), min(int(y * height), height - 1)
    rows, columns = (slice(max(at - _AROUND, 0), at + _AROUND + 1) for at in (row, column))
    weights = np.exp(distribution.logits[:, rows, columns].reshape(count, -1).astype(np.float32) / temperature)
    return np.asarray((weights / weights.sum(axis=0)).mean(axis=1), np.float32)


def cover(probable: Floats, centres: Floats, count: int) -> tuple[Floats, Floats]:
    """Colours that cover most of a distribution over (C, 2) centres: (n, 2) ab, and how much each covers."""
    squared = ((centres[:, None] - centres[None]) ** 2).sum(axis=-1)
    near = np.exp(-0.5 * squared / np.float32(_COVERED**2))
    left, colors, covered = probable.copy(), [], []
    for _ in range(count):
        gain = near @ left
        best = int(gain.argmax())
        share = near[best] * left
        colors.append((centres * share[:, None]).sum(axis=0) / max(float(share.sum()), 1e-9))
        covered.append(gain[best])
        left = left * (1 - near[best])
    return np.asarray(colors, np.float32), np.asarray(covered, np.float32)


def suggested(
    distribution: Distribution | None,
    place: tuple[float, float],
    *,
    lightness: float,
    present: Color,
    used: Sequence[Color] = (),
    count: int = SWATCHES,
) -> tuple[Suggestion, ...]:
    """Colours for a place.

    Parameters
    ----------
    distribution
        What the network thinks; None where it gives one answer: hues all around stand for guesses then.
    place
        x and y in fractions.
    lightness
        The place's own L.
    present
        The colour that it has now.
    used
        Colours said already, the latest last.
    count
        How many.
    """
    found: list[tuple[Color, Kind]] = [(present, "present"), ((0.0, 0.0), "grey")]
    recent: list[Color] = []
    for color in reversed(used):
        if len(recent) < _USED and all(_apart(color, other) for other in (*recent, (0.0, 0.0))):
            recent.append(color)
    if distribution is None:
        angles = np.arange(count) * (2 * np.pi / count)
        guesses = np.asarray(np.stack([np.cos(angles), np.sin(angles)], axis=1) * _CHROMA, np.float32)
    else:
        guesses, _ = cover(distribution_at(distribution, *place), distribution.centres, count)
    room = count - len(found) - len(recent)
    own: list[tuple[Color, Kind]] = [((float(a), float(b)), "guess") for a, b in guesses]
    found = [*own[: max(room, 1)], *found, *((color, "used") for color in recent)]
    return tuple(Suggestion(ab, hexadecimal_of(ab, lightness), kind) for ab, kind in found[:count])


def _apart(one: Color, other: Color) -> bool:
    return float(np.hypot(one[0] - other[0], one[1] - other[1])) > _SAME
