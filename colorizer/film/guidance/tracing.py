"""Where the points of a frame are in another frame of its shot, however far away that is.

Flow from frame to frame adds up, and so do its errors. So after each step the far frame, fetched to where the points
should be, is compared with the frame itself, and what is left of motion between the two is taken off: the error is that
of one flow, not of a hundred.

What was hidden or out of sight on the way is not found again, though it may look alike: a place is given up where steps
cannot be trusted (`colorizer.film.motion`), unless its surroundings are followed and it agrees with the far frame. Of
what is followed, trust is how well the lightness there and here agree, beyond what the whole surroundings have become
lighter or darker.

Knows lightness alone; no colours, no files.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.film.motion import FlowField, FrameFeatures, found_flow

Floats = npt.NDArray[np.float32]

_SURROUNDINGS = 1 / 8
"""Standard deviation, as a share of the longer side, of the surroundings whose change of light means nothing."""

_DOUBT = 8.0
"""Difference of L at which trust has fallen to 1/e."""

_BLUR = 2.0
"""Standard deviation, in pixels, of the blur before lightness is compared."""

_FARTHEST = 3.0
"""Pixels that a correction may move a point; more is another thing that looks alike."""

_LOST = 0.25
"""Trust in a step below which a point may have been lost."""

_LEFT, _REGAINED = 0.3, 0.3
"""What is left of following at such a step; and what is regained in one where the place agrees and most around it are
followed."""

_AGREED, _HALF, _AROUND = 0.6, 0.5, 3.0
"""How well it has to agree; which share of the surroundings, and their standard deviation in pixels."""

_COARSE = 8
"""The surroundings' light is averaged at this fraction of the size."""

_DEAD = 0.1
"""Trust that is as good as none."""


@dataclass(frozen=True)
class Trace:
    """Where the points of a frame are in a far one of its shot.

    Attributes
    ----------
    position
        (h, w, 2) float32, x and y in the far frame, in pixels.
    followed
        (h, w) float32, 0..1: whether the point was in sight all the way.
    trust
        (h, w) float32, 0..1.
    """

    position: Floats
    followed: Floats
    trust: Floats

    @classmethod
    def beginning(cls, height: int, width: int) -> Trace:
        """Of the far frame itself."""
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        whole = np.ones((height, width), np.float32)
        return cls(np.dstack([x, y]), whole, whole)

    @classmethod
    def found(cls, position: Floats, far: FrameFeatures, now: FrameFeatures) -> Trace:
        """Of a frame whose points are known to be about there: (h, w, 2) float32, x and y in the far frame."""
        position = _corrected(position, far, now)
        agreement = _agreement(position, far, now)
        return cls(position, np.ones_like(agreement), agreement)

    def fetched(self, planes: Floats) -> Floats:
        """Planes of the far frame, (h, w) or (h, w, n), at this frame's points."""
        return _sampled(planes, self.position)

    def onward(self, far: FrameFeatures, now: FrameFeatures, back: FlowField) -> Trace:
        """The trace of the next frame, one step further away.

        Parameters
        ----------
        far, now
            The far frame, and the next one.
        back
            Where the next frame's points are in this frame.
        """
        there = back.position
        position = _sampled(self.position, there)
        x, y = cv2.split(there)
        # interpolated, edges would spread by a pixel a frame
        followed = cv2.remap(self.followed, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        followed *= np.where(back.trust >= _LOST, np.float32(1), np.float32(_LEFT))
        position = _corrected(position, far, now)
        agreement = _agreement(position, far, now)
        around = cv2.GaussianBlur(followed, (0, 0), _AROUND)
        regained = (agreement > _AGREED) & (around > _HALF)
        followed = np.minimum(followed + np.float32(_REGAINED) * regained, 1).astype(np.float32)
        return Trace(position, followed, np.asarray(followed * agreement, np.float32))

    @property
    def is_lost(self) -> bool:
        """Whether next to nothing of the far frame is left in sight."""
        return bool((self.trust < _DEAD).mean() > 0.995)


def _corrected(position: Floats, far: FrameFeatures, now: FrameFeatures) -> Floats:
    """Positions without the error that has added up."""
    x, y = cv2.split(position)
    fetched = np.asarray(cv2.remap(far.picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    rest = found_flow(now, fetched)
    height, width = now.lightness.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    moved = _sampled(position, rest + np.dstack([columns, rows]))
    small = np.linalg.norm(rest, axis=-1) <= _FARTHEST
    return np.asarray(np.where(small[..., None], moved, position), np.float32)


def _agreement(position: Floats, far: FrameFeatures, now: FrameFeatures) -> Floats:
    """How well lightness there and here agree, 0..1; nothing outside the far frame does."""
    height, width = now.lightness.shape
    difference = cv2.GaussianBlur(now.lightness - _sampled(far.lightness, position), (0, 0), _BLUR)
    inside = (position > -1).all(axis=-1) & (position[..., 0] < width) & (position[..., 1] < height)
    known = inside.astype(np.float32)
    # where half of the surroundings are hidden their change is no light; so what differs much has little say
    weight = known * np.exp(-((difference / np.float32(2 * _DOUBT)) ** 2))
    small = (max(1, width // _COARSE), max(1, height // _COARSE))
    both = cv2.resize(cv2.merge([difference * weight, weight]), small, interpolation=cv2.INTER_AREA)
    both = cv2.GaussianBlur(both, (0, 0), _SURROUNDINGS * max(small))
    light = cv2.resize(both[..., 0] / (both[..., 1] + np.float32(1e-3)), (width, height))
    grain = np.hypot(far.grain, now.grain) / (2 * np.sqrt(np.pi) * _BLUR)
    doubt = np.float32(max(_DOUBT, 3 * float(grain)))
    return np.asarray(known * np.exp(-(((difference - light) / doubt) ** 2)), np.float32)


def _sampled(planes: Floats, place: Floats) -> Floats:
    x, y = cv2.split(place)
    return np.asarray(cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
