"""Colours a film's frames: predict chroma from lightness, steady it along the motion, solve the chroma planes.

Files, pipes and contact sheets share it. Knows frames; no containers, no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.chroma_planes import chroma_planes, converted_luma, lightness_of_luma
from colorizer.color.pixels import lightness as lightness_of_pixels
from colorizer.color.tint import EXAMINED_SIDE, is_really_color
from colorizer.color.ycbcr import PlaneLayout
from colorizer.colorizer import Colorizer
from colorizer.errors import UsageError
from colorizer.film.color_detection import ColorCheck, decide_in_color
from colorizer.film.frame import Frame, Plane, normalized_chroma, small_rgb
from colorizer.film.options import FilmOptions
from colorizer.film.temporal import FrameInput, TemporalState, steady
from colorizer.networks.looks import Seen

Floats = npt.NDArray[np.float32]
Item = TypeVar("Item")

_DARK = 4.0
"""Mean L up to which a frame does not tell whether it is in colour."""


@dataclass(frozen=True)
class SteadyingOptions:
    """How steady a film's colours are, and how often the network is run for them."""

    steadiness: float  # share of the frames before where motion is certain, 0..1; 0 colours each frame by itself
    every: int | None  # the network is run on every so many frames; None: as motion demands


def steadying_of(options: FilmOptions) -> SteadyingOptions:
    """What a film's options say of it."""
    return SteadyingOptions(options.steadiness, options.network_every)


@dataclass(frozen=True)
class FilmState:
    """What is known after a frame and needed to colour the next one; a film is resumed from it."""

    temporal: TemporalState | None = None  # None at the beginning, and where frames are coloured one by one
    in_color: bool | None = None  # whether the scene is in colour already and passes; None before that is known


@dataclass(frozen=True)
class FrameLook:
    """All of a frame that its chroma depends on."""

    lightness: Floats  # (h, w) float32 L, at the size of the smallest look
    predict: Callable[[], Floats]  # runs the network: (h', w', 2) float32, CIE Lab units
    in_color: bool | None  # whether it looks so; None: too dark to tell, or not asked
    seen: Seen = ()  # what the network sees


@dataclass(frozen=True)
class FrameChroma(Generic[Item]):
    """The chroma that a frame will get."""

    item: Item
    ab: Floats | None  # None: the frame passes as it is
    state: FilmState  # after this frame


@dataclass(frozen=True)
class PredictedFrame(Generic[Item]):
    """A frame, and the chroma that it will get."""

    item: Item
    frame: Frame
    ab: Floats | None  # None: the frame passes as it is
    state: FilmState  # after this frame


class FrameColorizer:
    """Colours the frames of one film.

    Parameters
    ----------
    colorizer
        The network and its settings.
    steadying
        How steady the colours are, and how often the network is run.

    Attributes
    ----------
    network_calls
        Frames on which the network was run so far.

    Raises
    ------
    UsageError
        The settings hold one that film does not have.
    """

    def __init__(self, colorizer: Colorizer, steadying: SteadyingOptions) -> None:
        if colorizer.settings.compat:
            raise UsageError("compares pictures, not films", option="compat", remedy="leave it out")
        self._colorizer, self._steadying = colorizer, steadying
        self.network_calls = 0

    def predict(self, frames: Iterator[tuple[Item, Frame]], state: FilmState) -> Iterator[PredictedFrame[Item]]:
        """The chroma of each frame, in order; a few frames late where later frames have a say.

        Parameters
        ----------
        frames
            Frames, each after whatever the caller wants to have back with it.
        state
            After the frame before the first one.

        Raises
        ------
        EngineError
            The network cannot be run.
        """
        looks = (((item, frame), self.look(frame)) for item, frame in frames)
        for one in self.chroma(looks, state):
            item, frame = one.item
            yield PredictedFrame(item, frame, one.ab, one.state)

    def look(self, frame: Frame) -> FrameLook:
        """What of a frame its chroma depends on; the network is run when it is asked."""
        luma, bits, full_range = frame.luma, frame.layout.bits, frame.encoding.full_range
        height, width = luma.shape
        seen = self._colorizer.view.of_lightness(
            height, width, lambda size: lightness_of_luma(luma, size, bits, full_range=full_range)
        )
        return self.look_of(seen, self._in_color(frame) if self._colorizer.settings.keep_color else None)

    def look_of(self, seen: Seen, in_color: bool | None) -> FrameLook:
        """A look at what the network sees of a frame that is in colour or not, as far as known."""

        def predict() -> Floats:
            self.network_calls += 1
            return self._colorizer.predict_seen(seen)

        # motion is followed at the size of the smallest look
        return FrameLook(seen[0].lightness[0, 0], predict, in_color, seen)

    def chroma(self, looks: Iterator[tuple[Item, FrameLook]], state: FilmState) -> Iterator[FrameChroma[Item]]:
        """The chroma of each frame, in order; a few frames late where later frames have a say.

        Parameters
        ----------
        looks
            Looks at frames, each after whatever the caller wants to have back with it.
        state
            After the frame before the first one.

        Raises
        ------
        EngineError
            The network cannot be run.
        """
        settings, steadying = self._colorizer.settings, self._steadying
        factor = np.float32(settings.saturation * settings.strength)
        if self.each_by_itself:
            for item, look in looks:
                yield FrameChroma(item, look.predict() * factor, FilmState())
            return
        steadied = steady(
            (FrameInput((item, look.in_color), look.lightness, look.predict) for item, look in looks),
            state.temporal,
            steadiness=steadying.steadiness,
            every=steadying.every,
        )
        if not settings.keep_color:
            for one in steadied:
                yield FrameChroma(one.item[0], one.ab * factor, FilmState(one.state))
            return
        checks = (ColorCheck(one, one.new_scene, one.item[1]) for one in steadied)
        for one, in_color in decide_in_color(checks, state.in_color):
            # scenes that pass are predicted too, since a dissolve from colour to grey goes on from their chroma
            yield FrameChroma(one.item[0], None if in_color else one.ab * factor, FilmState(one.state, in_color))

    @property
    def each_by_itself(self) -> bool:
        """Whether a frame's chroma is its own prediction, whatever comes before and after it."""
        steadying = self._steadying
        return steadying.steadiness == 0 and steadying.every == 1 and not self._colorizer.settings.keep_color

    def _in_color(self, frame: Frame) -> bool | None:
        # a small picture tells as well as the whole one, and costs next to nothing
        rgb = small_rgb(frame, EXAMINED_SIDE)
        if rgb is None:
            return False
        return is_really_color(rgb) if float(lightness_of_pixels(rgb).mean()) > _DARK else None

    def planes(self, predicted: PredictedFrame[Item], layout: PlaneLayout) -> tuple[Plane, tuple[Plane, Plane]]:
        """The planes of a coloured frame, as they are written.

        Parameters
        ----------
        predicted
            The frame and its chroma.
        layout
            Depth and subsampling that are written.

        Returns
        -------
        tuple
            Y', and Cb and Cr, in `layout`. Y' is the frame's own array where the depth stays.
        """
        frame = predicted.frame
        luma = converted_luma(frame.luma, frame.layout.bits, layout.bits, full_range=frame.encoding.full_range)
        original_share = 1.0 if predicted.ab is None else 1.0 - self._colorizer.settings.strength
        original = _original_chroma(frame, layout, original_share) if original_share > 0 else None
        if predicted.ab is None and frame.chroma is not None and layout == frame.layout:
            # solving the frame's own chroma anew would round it a second time
            return luma, frame.chroma
        ab = np.zeros((1, 1, 2), np.float32) if predicted.ab is None else predicted.ab
        chroma = chroma_planes(luma, ab, layout, frame.encoding, interlaced=frame.interlaced, original=original)
        return luma, chroma


def _original_chroma(frame: Frame, layout: PlaneLayout, share: float) -> Floats | None:
    chroma = normalized_chroma(frame)
    if chroma is None:
        return None
    rows, columns = layout.chroma_size(*frame.luma.shape)
    if chroma.shape[:2] != (rows, columns):
        chroma = np.asarray(cv2.resize(chroma, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(chroma * np.float32(share), np.float32)
