"""A frame's colours: lightness to the network, chroma along the motion, planes solved for the frame's own Y'.

What every kind of film shares, be it a file, a pipe or a folder. Knows frames, no containers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.lab import F_BLACK, F_EDGE, F_SLOPE, L_BLACK, L_SCALE, encode_srgb
from colorizer.color.pixels import lightness as lightness_of_pixels
from colorizer.color.resample import network_size
from colorizer.color.tint import EXAMINED_SIDE, is_really_color
from colorizer.colorizer import Colorizer
from colorizer.errors import UsageError
from colorizer.film.encoding import Layout
from colorizer.film.frame import Frame, Plane, normalized_chroma, small_rgb
from colorizer.film.keeping import Vote, judged
from colorizer.film.planes import chroma_planes, converted_luma, lightness_of_luma
from colorizer.film.segments import Memory
from colorizer.film.temporal import FrameInput, steady

Floats = npt.NDArray[np.float32]
Item = TypeVar("Item")

_DARK = 4.0
"""Mean L up to which a frame does not tell whether it is in colour."""


@dataclass(frozen=True)
class SteadyingOptions:
    """How a film's colours are made."""

    steadiness: float
    every: int | None  # the network is asked on every so many frames; None: as motion demands


@dataclass(frozen=True)
class Predicted(Generic[Item]):
    """A frame's chroma before it is put in."""

    item: Item
    frame: Frame
    ab: Floats | None  # None: the frame passes as it is
    memory: Memory


class Painter:
    """Colours the frames of one film.

    Parameters
    ----------
    colorizer
        The network and its settings.
    steadying
        How steady, and how often the network is asked.

    Raises
    ------
    UsageError
        The settings hold one that film does not have.
    """

    def __init__(self, colorizer: Colorizer, steadying: SteadyingOptions) -> None:
        if colorizer.settings.compat:
            raise UsageError("compares pictures, not films", option="compat", remedy="leave it out")
        self._colorizer, self._steadying = colorizer, steadying
        self.asked = 0  # frames for which the network was asked

    def predict(self, frames: Iterator[tuple[Item, Frame]], memory: Memory) -> Iterator[Predicted[Item]]:
        """The chroma of each frame, in order.

        Parameters
        ----------
        frames
            With each, whatever belongs to it.
        memory
            Of the frames before the first one.
        """
        settings, steadying = self._colorizer.settings, self._steadying
        factor = np.float32(settings.saturation * settings.strength)
        if steadying.steadiness == 0 and steadying.every == 1 and not settings.keep_color:
            for item, frame in frames:
                yield Predicted(item, frame, self._predicted(self._seen(frame)) * factor, Memory(None, None))
            return
        steadied = steady(
            (self._input(item, frame) for item, frame in frames),
            memory.state,
            steadiness=steadying.steadiness,
            every=steadying.every,
        )
        if not settings.keep_color:
            for one in steadied:
                item, frame = one.item
                yield Predicted(item, frame, one.ab * factor, Memory(one.state, None))
            return
        votes = (Vote(one, one.new_scene, self._in_color(one.item[1])) for one in steadied)
        for one, keeping in judged(votes, memory.keeping):
            item, frame = one.item
            yield Predicted(item, frame, None if keeping else one.ab * factor, Memory(one.state, keeping))

    def _input(self, item: Item, frame: Frame) -> FrameInput[tuple[Item, Frame]]:
        seen = self._seen(frame)
        return FrameInput((item, frame), seen, lambda: self._predicted(seen))

    def _seen(self, frame: Frame) -> Floats:
        """Lightness at the size of the network's input."""
        settings, model = self._colorizer.settings, self._colorizer.model
        fit = model.fit if settings.fit == "auto" else settings.fit
        height, width = frame.luma.shape
        size = network_size(height, width, fit=fit, size=settings.size, stride=model.stride)
        return lightness_of_luma(frame.luma, size, frame.layout.bits, full_range=frame.encoding.full_range)

    def _predicted(self, seen: Floats) -> Floats:
        self.asked += 1
        f = (seen + np.float32(L_BLACK)) / np.float32(L_SCALE)
        luminance = np.where(f > F_EDGE, f**3, (f - np.float32(F_BLACK)) / np.float32(F_SLOPE))
        return self._colorizer.predict(encode_srgb(luminance).astype(np.float32))

    def _in_color(self, frame: Frame) -> bool | None:
        rgb = small_rgb(frame, EXAMINED_SIDE)
        if rgb is None:
            return False
        return is_really_color(rgb) if float(lightness_of_pixels(rgb).mean()) > _DARK else None

    def painted(self, predicted: Predicted[Item], layout: Layout) -> tuple[Plane, tuple[Plane, Plane]]:
        """Y' and chroma planes of a frame in the layout that is written; Y' is the same array where the depth is."""
        frame = predicted.frame
        luma = converted_luma(frame.luma, frame.layout.bits, layout.bits, full_range=frame.encoding.full_range)
        own_share = 1.0 if predicted.ab is None else 1.0 - self._colorizer.settings.strength
        own = _own_chroma(frame, layout, own_share) if own_share > 0 else None
        if predicted.ab is None and frame.chroma is not None and layout == frame.layout:
            return luma, frame.chroma
        ab = np.zeros((1, 1, 2), np.float32) if predicted.ab is None else predicted.ab
        chroma = chroma_planes(luma, ab, layout, frame.encoding, interlaced=frame.interlaced, own=own)
        return luma, chroma


def _own_chroma(frame: Frame, layout: Layout, share: float) -> Floats | None:
    chroma = normalized_chroma(frame)
    if chroma is None:
        return None
    rows, columns = layout.chroma_size(*frame.luma.shape)
    if chroma.shape[:2] != (rows, columns):
        chroma = np.asarray(cv2.resize(chroma, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(chroma * np.float32(share), np.float32)
