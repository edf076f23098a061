"""What is compared: networks with their settings, and baselines that need no network.

Baselines: leaving it grey, and laying one constant tint over every picture, the best for this very set
(`colorizer.metrics.best_constant_tint`). A network that does not beat both knows nothing of the pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.chroma_for_luma import chroma_for_luma, luma_of, rgb_of
from colorizer.color.strips import with_chroma
from colorizer.colorizer import Colorizer
from colorizer.errors import Message
from colorizer.evaluate.protocol import Protocol
from colorizer.media.samples import rescaled
from colorizer.metrics import ColorHistogram, Weighting, best_constant_tint
from colorizer.settings import Settings

Pixels = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

GREY = "grey"
TINTS: tuple[tuple[str, Weighting], ...] = (("tint, raw", "raw"), ("tint, equal", "equal_bins"))
"""Names of the best tints, and for which weighting of AuC each is the best."""


@dataclass(frozen=True)
class Candidate:
    """A way to colour that is measured.

    Attributes
    ----------
    name
        Short and unique, heads a column.
    note
        What it is, in a line.
    color
        (H, W, 3) RGB to the same shape and dtype, looking at its lightness alone.
    baseline
        Whether it is none of those that are to be judged.
    """

    name: str
    note: str
    color: Callable[[Pixels], Pixels]
    baseline: bool = False


def combinations(choices: dict[str, Sequence[Any]]) -> list[Settings]:
    """Every combination of the values given for each setting; settings without values keep their default.

    Raises
    ------
    UsageError
        A value is outside its range, or two settings exclude each other.
    """
    given = {name: values for name, values in choices.items() if values}
    return [Settings(**dict(zip(given, values, strict=True))) for values in product(*given.values())]


def networks(
    settings: Sequence[Settings], protocol: Protocol, remark: Callable[[Message | str], None]
) -> list[Candidate]:
    """Load the networks.

    Parameters
    ----------
    settings
        One for each.
    protocol
        May say how they see a picture.
    remark
        Is told which network `auto` took.

    Raises
    ------
    ColorizerError
        As `Colorizer`, and where settings contradict the protocol.
    """
    colorizers = [Colorizer(protocol.settings(each)) for each in settings]
    for note in {colorizer.model.note for colorizer in colorizers if colorizer.model.note}:
        remark(note)
    names = _names([colorizer.model.name for colorizer in colorizers], settings)
    return [
        Candidate(name, colorizer.recipe(), _painter(colorizer, keep_luma=protocol.keep_luma))
        for name, colorizer in zip(names, colorizers, strict=True)
    ]


def baselines(colors: ColorHistogram, *, keep_luma: bool = False) -> list[Candidate]:
    """The baselines for a set of these true colours; with Y' kept, if so wished, in place of L*."""
    found = [Candidate(GREY, "no colour at all: ab = 0", _tinter(0, 0, keep_luma=keep_luma), baseline=True)]
    for name, weighting in TINTS:
        best = best_constant_tint(colors, weighting)
        words = "raw AuC" if weighting == "raw" else "AuC with equal bins"
        note = f"one tint for all, a = {best.a:.1f}, b = {best.b:.1f}: the best for {words} of this very set"
        found.append(Candidate(name, note, _tinter(best.a, best.b, keep_luma=keep_luma), baseline=True))
    return found


def _painter(colorizer: Colorizer, *, keep_luma: bool) -> Callable[[Pixels], Pixels]:
    if keep_luma:
        return lambda pixels: _beside_luma(
            pixels, lambda luma: colorizer.render_chroma(luma, colorizer.predict(pixels))
        )
    return lambda pixels: colorizer.colorize(pixels, order="rgb")


def _tinter(a: float, b: float, *, keep_luma: bool) -> Callable[[Pixels], Pixels]:
    ab = np.array([[[a, b]]], np.float32)
    if keep_luma:
        return lambda pixels: _beside_luma(pixels, lambda luma: chroma_for_luma(luma, ab))
    return lambda pixels: with_chroma(pixels, ab)


def _beside_luma(pixels: Pixels, chroma: Callable[[Bytes], tuple[Bytes, Bytes]]) -> Pixels:
    """What a JPEG of these chroma planes would show, were it not for its compression."""
    luma = luma_of(rescaled(pixels, np.dtype(np.uint8)))
    return rescaled(rgb_of(luma, chroma(luma)), pixels.dtype)


def _names(models: Sequence[str], settings: Sequence[Settings]) -> list[str]:
    """The model, and of the other settings those that differ from one candidate to another."""
    differing = [
        item.name
        for item in fields(Settings)
        if item.name != "model" and len({getattr(each, item.name) for each in settings}) > 1
    ]
    names: list[str] = []
    for model, each in zip(models, settings, strict=True):
        parts = [model, *(f"{_label(name)} {_text(getattr(each, name))}" for name in differing)]
        name = ", ".join(parts)
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names


def _text(value: Any) -> str:
    return " + ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _label(name: str) -> str:
    return name.replace("_", "-")
