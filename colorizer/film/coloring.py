"""Colours a film's frames: predict chroma from lightness, steady it along the motion, solve the chroma planes.

Files, pipes and contact sheets share it. Knows frames; no containers, no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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
from colorizer.film.guidance.matching import Matcher, Matching
from colorizer.film.guidance.preparing import FrameGuidance
from colorizer.film.motion import Flows
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
    guidance: FrameGuidance | None = None  # what people say of it
    flows: Flows | None = None  # between the frame before and this one, where they are known

    @property
    def kept(self) -> Floats | None:
        """Share of its own chroma that what is said leaves: (h, w); None: all."""
        if self.guidance is None or self.guidance.planes is None:
            return None
        return np.asarray(1 - self.guidance.planes.share, np.float32)

    def finished(self, ab: Floats, factor: np.float32) -> Floats:
        """Its chroma as strong as it is to be, and changed by what is said of it."""
        if self.guidance is None:
            return np.asarray(ab * factor, np.float32)
        ab = self.guidance.shifted(ab, self.lightness)
        ab = np.asarray(ab * (factor * np.float32(self.guidance.saturation)), np.float32)
        planes = self.guidance.planes
        if planes is None:
            return ab
        height, width = planes.share.shape
        return planes.applied(np.asarray(cv2.resize(ab, (width, height), interpolation=cv2.INTER_LINEAR), np.float32))


@dataclass(frozen=True)
class FrameChroma(Generic[Item]):
    """The chroma that a frame will get."""

    item: Item
    ab: Floats | None  # None: the frame passes as it is
    state: FilmState  # after this frame
    kept: Floats | None = None  # (h, w) share of its own chroma that what is said leaves; None: all


@dataclass(frozen=True)
class PredictedFrame(Generic[Item]):
    """A frame, and the chroma that it will get."""

    item: Item
    frame: Frame
    ab: Floats | None  # None: the frame passes as it is
    state: FilmState  # after this frame
    kept: Floats | None = None  # (h, w) share of its own chroma that what is said leaves; None: all


class FrameColorizer:
    """Colours the frames of one film.

    Parameters
    ----------
    colorizer
        The network and its settings.
    steadying
        How steady the colours are, and how often the network is run.
    guidance_of
        What people say of a frame, by the item that came with it; called once for each, in order.

    Attributes
    ----------
    network_calls
        Frames on which the network was run so far.

    Raises
    ------
    UsageError
        The settings hold one that film does not have.
    """

    def __init__(
        self,
        colorizer: Colorizer,
        steadying: SteadyingOptions,
        guidance_of: Callable[[Any], FrameGuidance] | None = None,
    ) -> None:
        if colorizer.settings.compat:
            raise UsageError("compares pictures, not films", option="compat", remedy="leave it out")
        self._colorizer, self._steadying, self._guidance_of = colorizer, steadying, guidance_of
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
        said = self._guidance_of
        looks = (((item, frame), self.look(frame, None if said is None else said(item))) for item, frame in frames)
        for one in self.chroma(looks, state):
            item, frame = one.item
            yield PredictedFrame(item, frame, one.ab, one.state, one.kept)

    def look(self, frame: Frame, guidance: FrameGuidance | None = None) -> FrameLook:
        """What of a frame its chroma depends on, and what is said of it; the network is run when it is asked."""
        in_color = self._in_color(frame) if self._colorizer.settings.keep_color else None
        seen = seen_of(self._colorizer, frame)
        height, width = frame.luma.shape
        return self.look_of(seen, in_color, guidance, (height, width))

    def look_of(
        self,
        seen: Seen,
        in_color: bool | None,
        guidance: FrameGuidance | None,
        size: tuple[int, int],
    ) -> FrameLook:
        """A look at what the network sees of a frame, by what is said of it, its colour as far as known, its size."""

        def predict() -> Floats:
            self.network_calls += 1
            matching = Matching() if guidance is None else guidance.matching
            return Matcher(self._colorizer, *size).predict(seen, matching)

        # motion is followed at the size of the smallest look
        return FrameLook(seen[0].lightness[0, 0], predict, in_color, seen, guidance)

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
                yield FrameChroma(item, look.finished(look.predict(), factor), FilmState(), look.kept)
            return
        steadied = steady(
            (FrameInput((item, look), look.lightness, look.predict, look.flows) for item, look in looks),
            state.temporal,
            steadiness=steadying.steadiness,
            every=steadying.every,
        )
        if not settings.keep_color:
            for one in steadied:
                item, look = one.item
                yield FrameChroma(item, look.finished(one.ab, factor), FilmState(one.state), look.kept)
            return
        checks = (ColorCheck(one, one.new_scene, one.item[1].in_color) for one in steadied)
        for one, in_color in decide_in_color(checks, state.in_color):
            # scenes that pass are predicted too, since a dissolve from colour to grey goes on from their chroma
            item, look = one.item
            if in_color:
                yield FrameChroma(item, None, FilmState(one.state, in_color))
            else:
                yield FrameChroma(item, look.finished(one.ab, factor), FilmState(one.state, in_color), look.kept)

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
        if original is not None and predicted.kept is not None:
            original *= cv2.resize(predicted.kept, original.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
        if predicted.ab is None and frame.chroma is not None and layout == frame.layout:
            # solving the frame's own chroma anew would round it a second time
            return luma, frame.chroma
        ab = np.zeros((1, 1, 2), np.float32) if predicted.ab is None else predicted.ab
        chroma = chroma_planes(luma, ab, layout, frame.encoding, interlaced=frame.interlaced, original=original)
        return luma, chroma


def seen_of(colorizer: Colorizer, frame: Frame) -> Seen:
    """What a network sees of a frame."""
    luma, bits, full_range = frame.luma, frame.layout.bits, frame.encoding.full_range
    height, width = luma.shape
    return colorizer.view.of_lightness(
        height, width, lambda size: lightness_of_luma(luma, size, bits, full_range=full_range)
    )


def _original_chroma(frame: Frame, layout: PlaneLayout, share: float) -> Floats | None:
    chroma = normalized_chroma(frame)
    if chroma is None:
        return None
    rows, columns = layout.chroma_size(*frame.luma.shape)
    if chroma.shape[:2] != (rows, columns):
        chroma = np.asarray(cv2.resize(chroma, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(chroma * np.float32(share), np.float32)
