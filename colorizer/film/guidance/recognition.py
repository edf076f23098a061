"""Whether two frames, far from each other in a film, show the same place; and where the points of one are in the other.

What looks alike to a network cannot tell: that it has given like colours. So places are told by their structure, which
exposure, grain and framing change little: keypoints and their descriptors (SIFT, Lowe 2004; compared by the root of
each, Arandjelovic and Zisserman 2012) that choose each other, and of which many agree on one affine motion (RANSAC,
Fischler and Bolles 1981). Two frames with so many of them show the same place if they lie all over the frame, or if
what lies between them is correlated; of a logo or a timecode that is stamped on every frame neither is so. A frame that
was turned left to right is found, too; a room seen from its other side shows other things, and is not.

Knows lightness alone; no colours, no files.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.film.guidance.tracing import Trace
from colorizer.film.motion import frame_features

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]

_KEYPOINTS = 300
"""Of a frame, the clearest."""

_LEAST_CONTRAST = 0.02
"""Of a keypoint: half of what is usual, since old film has little."""

_BLUR = 1.0
"""Standard deviation, in pixels, of a blur against grain."""

_CLEARER = 0.85
"""How far, at most, the descriptor that is chosen is away, as a share of the next best one's distance."""

_NEAR = 3.0
"""Pixels that a keypoint may be off the common motion."""

LEAST_AGREED = 10
"""Keypoints that agree on a motion. Of frames of two photographs 6 do at most; of one photograph about 130, and 36
where it is shown from half as far (`python scripts/benchmark.py same-place`)."""

_FINE, _COARSE = 1.5, 8.0
"""Standard deviations, in pixels, between which structure is correlated: coarser than grain, finer than light."""

_WINDOW = 6.0
"""Standard deviation, in pixels, of the window in which it is: so that what is stamped counts for its area alone."""

LEAST_CORRELATION = 0.65
"""The mean of that where the frames overlap. Frames with stamps alone in common have 0.57 at most."""

_CELLS, _ALL_OVER = 8, 16
"""Parts of a frame's width and height; and in how many of all parts keypoints that agree lie, if they lie all over it.
Stamps lie in 14 at most; what is around two men who have walked across a street, in 17 to 28."""

_LEAST_THERE = 0.35
"""The mean correlation where they do: most of the frame may have moved, as people do."""

_SURROUNDINGS = 12.0
"""Standard deviation, in pixels: what is flat is trusted as far as the structure around it is correlated."""

_OTHER_LIGHT = 0.3
"""Agreement of lightness below which a place is of another thing, whatever its structure."""

_TINY = np.float32(1e-9)

_LEAST_OVERLAP = 0.1
"""Share of the frame that has to lie in the other one."""


@dataclass(frozen=True)
class Sight:
    """A frame as it is recognised; 200 kB at 224 x 224 pixels.

    Attributes
    ----------
    lightness
        (h, w) float16 L.
    points
        (n, 2) float32, x and y of its keypoints, in pixels.
    descriptors
        (n, 128) float16, of length 1.
    """

    lightness: Halves
    points: Floats
    descriptors: Halves

    @classmethod
    def of(cls, lightness: Floats) -> Sight:
        """See a frame: (h, w) float32 L."""
        blurred = cv2.GaussianBlur(lightness, (0, 0), _BLUR)
        finder = cv2.SIFT.create(nfeatures=_KEYPOINTS, contrastThreshold=_LEAST_CONTRAST)
        found, described = finder.detectAndCompute(cv2.convertScaleAbs(blurred, alpha=2.55), None)
        if not found:
            return cls(lightness.astype(np.float16), np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float16))
        shares = np.sqrt(described / np.maximum(described.sum(axis=1, keepdims=True), 1))
        points = np.array([one.pt for one in found], np.float32)
        return cls(lightness.astype(np.float16), points, shares.astype(np.float16))

    def mirrored(self) -> Sight:
        """The frame turned left to right, with its points where they were."""
        seen = Sight.of(np.ascontiguousarray(self.lightness[:, ::-1], np.float32))
        points = seen.points.copy()
        points[:, 0] = self.lightness.shape[1] - 1 - points[:, 0]
        return Sight(self.lightness, points, seen.descriptors)


@dataclass(frozen=True)
class Alignment:
    """How a frame lies in another one.

    Attributes
    ----------
    motion
        (2, 3), from its points to the other's.
    agreed
        Keypoints that say so.
    parts
        How many parts of the frame they lie in.
    """

    motion: npt.NDArray[np.float64]
    agreed: int
    parts: int


def aligned(here: Sight, there: Sight, least: int = LEAST_AGREED) -> Alignment | None:
    """How a frame may lie in another one; None where fewer keypoints agree on that than there have to be."""
    ours, others = _chosen(here, there)
    if len(ours) < least:
        return None
    motion, kept = cv2.estimateAffine2D(ours, others, method=cv2.RANSAC, ransacReprojThreshold=_NEAR)
    if motion is None or int(kept.sum()) < least:
        return None
    size = np.array(here.lightness.shape[::-1])
    parts = np.unique((ours[kept.ravel() > 0] * _CELLS / size).astype(np.intp), axis=0)
    return Alignment(np.asarray(motion, np.float64), int(kept.sum()), len(parts))


def traced(here: Sight, there: Sight, alignment: Alignment) -> Trace | None:
    """Where the points of a frame are in another one; None where the two do not show the same place."""
    now, far = (np.asarray(one.lightness, np.float32) for one in (here, there))
    height, width = now.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    position = np.dstack([x, y]) @ alignment.motion[:, :2].T + alignment.motion[:, 2]
    trace = Trace.found(np.asarray(position, np.float32), frame_features(far), frame_features(now))
    inside = (trace.position >= 0) & (trace.position <= np.array(far.shape[::-1]) - 1)
    overlap = np.asarray(inside.all(axis=-1), np.bool_)
    if overlap.mean() < _LEAST_OVERLAP:
        return None
    correlation, weight = _correlation(now, trace.fetched(far), overlap)
    weighted = correlation * weight
    least = _LEAST_THERE if alignment.parts >= _ALL_OVER else LEAST_CORRELATION
    if float(weighted.sum()) < least * float(weight.sum()):
        return None
    around = _spread(weighted, _SURROUNDINGS) / np.maximum(_spread(weight, _SURROUNDINGS), _TINY)
    trust = np.asarray(trace.trust * np.clip(around, 0, 1), np.float32)
    # what is flat and as light may be the same beside somebody who has moved
    told = overlap & ((trace.trust < _OTHER_LIGHT) | (weight >= weight.max() / 2))
    return Trace(trace.position, told.astype(np.float32), trust)


def _chosen(here: Sight, there: Sight) -> tuple[Floats, Floats]:
    """Points of both that choose each other, and clearly."""
    nothing = np.zeros((0, 2), np.float32)
    if min(len(here.points), len(there.points)) < 2:
        return nothing, nothing
    likeness = np.asarray(here.descriptors, np.float32) @ np.asarray(there.descriptors, np.float32).T
    best = likeness.argmax(axis=1)
    rows = np.arange(len(best))
    away = np.sqrt(np.maximum(2 - 2 * np.partition(likeness, -2, axis=1)[:, -2:], 0))
    kept = (likeness.argmax(axis=0)[best] == rows) & (away[:, 1] < _CLEARER * away[:, 0])
    return here.points[kept], there.points[best[kept]]


def _correlation(one: Floats, other: Floats, inside: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Of structure in windows, -1..1, and how much structure there is, up to what is usual; (h, w) each."""
    first, second = (
        (cv2.GaussianBlur(each, (0, 0), _FINE) - cv2.GaussianBlur(each, (0, 0), _COARSE)) * inside
        for each in (one, other)
    )
    power = np.sqrt(_spread(first * first, _WINDOW) * _spread(second * second, _WINDOW))
    correlation = _spread(first * second, _WINDOW) / np.maximum(power, _TINY)
    return correlation, np.asarray(np.minimum(power, np.median(power[inside])) * inside, np.float32)


def _spread(plane: Floats, deviation: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), deviation), np.float32)
