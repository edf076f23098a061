"""Colours of some frames of a shot, its anchors, carried along the motion to all of its frames.

Each frame takes from the anchor before it and the one after it, by how well their points are still in sight
(`colorizer.film.guidance.tracing`) and how near they are. Colours come from the anchor itself, however far it is,
so they neither blur nor drift. The result does not depend on where a run was broken off: it is made for whole shots.

What is carried, `Planes`, is an affine change of the chroma that there is without it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from colorizer.color.upsample import Upsampler
from colorizer.film.guidance.store import PlaneStore
from colorizer.film.guidance.tracing import Trace
from colorizer.film.motion import FlowField, FrameFeatures, flow_fields, frame_features

Floats = npt.NDArray[np.float32]

_TINY = np.float32(1e-6)


@dataclass(frozen=True)
class Planes:
    """A change of chroma: ab becomes (1 - share) ab + added.

    Attributes
    ----------
    share
        (h, w) float32, 0..1.
    added
        (h, w, 2) float32, CIE Lab units.
    """

    share: Floats
    added: Floats

    @classmethod
    def none(cls, height: int, width: int) -> Planes:
        """That changes nothing."""
        return cls(np.zeros((height, width), np.float32), np.zeros((height, width, 2), np.float32))

    def applied(self, ab: Floats) -> Floats:
        """The changed chroma."""
        return np.asarray(ab - self.share[..., None] * ab + self.added, np.float32)

    def after(self, other: Planes) -> Planes:
        """Both as one: the other first, then this."""
        rest = 1 - self.share
        return Planes(1 - rest * (1 - other.share), rest[..., None] * other.added + self.added)

    def weighted(self, weight: Floats) -> Planes:
        """As much of it."""
        return Planes(self.share * weight, self.added * weight[..., None])

    def at_size(self, height: int, width: int) -> FullPlanes:
        """For pictures of a size, which are rendered by strips."""
        return FullPlanes(Upsampler(self.stacked(), height, width))

    def stacked(self) -> Floats:
        """As (h, w, 3)."""
        return np.dstack([self.added, self.share])

    @classmethod
    def unstacked(cls, planes: Floats) -> Planes:
        """Of what `stacked` made."""
        return cls(np.ascontiguousarray(planes[..., 2]), np.ascontiguousarray(planes[..., :2]))


@dataclass(frozen=True)
class FullPlanes:
    """A change of chroma at a picture's own size; see `colorizer.color.strips.Adjustment`."""

    planes: Upsampler

    def adjust(self, rows: slice, lightness: Floats, wanted: Floats) -> Floats:  # noqa: ARG002 - of the protocol
        """The changed chroma of some rows."""
        found = Planes.unstacked(self.planes.rows(rows.start, rows.stop))
        return found.applied(wanted)


@dataclass(frozen=True)
class Anchor:
    """A frame of a shot, by its place in it, and what is known there."""

    place: int
    planes: Planes


class AbandonedError(Exception):
    """Nobody wants the shot any more."""


class ShotFrames:
    """The lightness of a shot's frames.

    Parameters
    ----------
    height, width
        Of each.
    folder
        Where they lie if they are many.
    stopped
        Set when nobody wants the shot any more.
    """

    def __init__(
        self, height: int, width: int, folder: Path | None = None, stopped: threading.Event | None = None
    ) -> None:
        self.height, self.width, self.folder = height, width, folder
        self._stopped = stopped or threading.Event()
        self._store = PlaneStore((height, width), folder)
        self.count = 0

    def add(self, lightness: Floats) -> None:
        """Take the next frame."""
        self._store.put(self.count, lightness)
        self.count += 1

    def lightness(self, place: int) -> Floats:
        """(h, w) float32 L of a frame.

        Raises
        ------
        AbandonedError
            Nobody wants the shot any more; whatever is done with it asks for its frames all the time.
        """
        if self._stopped.is_set():
            raise AbandonedError
        return self._store.get(place)

    def features(self, place: int) -> FrameFeatures:
        """What motion needs of a frame."""
        return frame_features(self.lightness(place))

    def close(self) -> None:
        """Let go of them."""
        self._store.close()


def carried(frames: ShotFrames, anchors: Sequence[Anchor]) -> Iterator[tuple[Planes, Floats]]:
    """What anchors say of each frame of a shot, in order, and how far that is to be trusted.

    Parameters
    ----------
    frames
        The shot.
    anchors
        In their order; at least one.
    """
    later = PlaneStore((frames.height, frames.width, 4), frames.folder)
    try:
        for place, planes, trust in _one_way(frames, anchors, -1):
            later.put(place, np.dstack([planes.stacked(), trust]))
        places = [anchor.place for anchor in anchors]
        ahead = _one_way(frames, anchors, +1)
        waiting = next(ahead, None)
        for place in range(frames.count):
            before = after = None
            if waiting is not None and waiting[0] == place:
                before, waiting = waiting[1:], next(ahead, None)
            if place <= places[-1]:
                found = later.get(place)
                after = Planes.unstacked(found[..., :3]), found[..., 3]
            yield _between(place, places, before, after)
    finally:
        later.close()


def _between(
    place: int, places: list[int], before: tuple[Planes, Floats] | None, after: tuple[Planes, Floats] | None
) -> tuple[Planes, Floats]:
    """What the anchors on both sides say."""
    if before is None:
        if after is None:
            raise ValueError(f"no anchor reaches place {place}")
        return after
    if after is None:
        return before
    last = max(each for each in places if each <= place)
    following = min(each for each in places if each >= place)
    passed = np.float32((place - last) / (following - last)) if following > last else np.float32(0)
    one, other = before[1] * (1 - passed), after[1] * passed
    total = one + other + _TINY
    share = other / total
    planes = Planes(
        before[0].share + share * (after[0].share - before[0].share),
        before[0].added + share[..., None] * (after[0].added - before[0].added),
    )
    return planes, np.asarray((one * before[1] + other * after[1]) / total, np.float32)


def _one_way(frames: ShotFrames, anchors: Sequence[Anchor], step: int) -> Iterator[tuple[int, Planes, Floats]]:
    """Frames from their nearest anchor on that side, with places in rising or falling order; none beyond the first."""
    of_place = {anchor.place: anchor for anchor in anchors}
    nothing = Planes.none(frames.height, frames.width), np.zeros((frames.height, frames.width), np.float32)
    places = range(anchors[0].place, frames.count) if step > 0 else range(anchors[-1].place, -1, -1)
    far: FrameFeatures | None = None
    active: Planes | None = None
    trace: Trace | None = None
    before: FrameFeatures | None = None
    for place in places:
        now = frames.features(place)
        if place in of_place:
            far, active, trace = now, of_place[place].planes, Trace.beginning(frames.height, frames.width)
        elif trace is not None and far is not None and before is not None:
            trace = trace.onward(far, now, _flow_back(before, now, step))
            trace = None if trace.is_lost else trace
        before = now
        if trace is None or active is None:
            yield (place, *nothing)
        else:
            yield place, Planes.unstacked(trace.fetched(active.stacked())), trace.trust


def _flow_back(before: FrameFeatures, now: FrameFeatures, step: int) -> FlowField:
    """Where a frame's points are in the one that is nearer to the anchor."""
    return flow_fields(before, now)[0] if step > 0 else flow_fields(now, before)[1]
