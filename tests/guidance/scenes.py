"""Made pictures and networks' answers for guidance: what is right about them is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from colorizer.guidance import Guidance, Hint
from colorizer.guidance.asked import Said
from colorizer.guidance.session import Session
from colorizer.networks.distribution import Distribution
from colorizer.networks.zhang.bins import bin_centres
from colorizer.settings import Settings

CENTRES = bin_centres().astype(np.float32)
GRID = 24


def regions(height: int = 90, width: int = 120, levels: tuple[int, ...] = (70, 140, 210)) -> npt.NDArray[np.uint8]:
    """(H, W) grey: upright bands of even lightness, more than 20 L apart, with a little grain."""
    grain = np.random.default_rng(1).integers(-2, 3, (height, width))
    bands = np.repeat(np.array(levels), -(-width // len(levels)))[:width]
    return np.clip(bands[None] + grain, 0, 255).astype(np.uint8)


def said(pixels: npt.NDArray[Any], *, distribution: bool = True, seed: int = 0) -> Said:
    """An answer whose logits depend on lightness, as a network's do, with doubt everywhere."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, pixels.shape[0] - 1, GRID).astype(int)
    columns = np.linspace(0, pixels.shape[1] - 1, GRID).astype(int)
    light = pixels[rows][:, columns].astype(np.float32)
    light = (light if light.ndim == 2 else light.mean(axis=2)) / 255
    middle = np.stack([20 * light - 5, 30 * light - 10], axis=-1)
    squared = ((CENTRES[:, None, None] - middle[None]) ** 2).sum(-1)
    noise = rng.normal(0, 0.1, squared.shape)
    logits = (-squared / (2 * 20.0**2) + noise).astype(np.float32)
    found = Distribution.of(logits, CENTRES)
    return Said("made", found.ab(0.9), found if distribution else None)


def session(pixels: npt.NDArray[Any], *, distribution: bool = True, **settings: Any) -> Session:
    return Session(pixels, said(pixels, distribution=distribution), Settings(**settings))


fractions = st.floats(0, 1, width=32)
places = st.tuples(fractions, fractions)
colors = st.one_of(
    st.sampled_from(["keep", "grey", "navy", "#b03028", "gold"]),
    st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}"),
)
hints = st.builds(
    lambda points, color, region, carry: Hint(
        points, color, shape="region" if region and len(points) > 2 else None, carry=carry
    ),
    st.lists(places, min_size=1, max_size=4),
    colors,
    st.booleans(),
    st.one_of(st.none(), fractions),
)
guidances = st.builds(Guidance, st.lists(hints, max_size=5), fractions)
