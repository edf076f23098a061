"""Motion between two frames of film, and how far it can be trusted.

Dense optical flow on lightness (DIS, Kroeger et al. 2016), both ways, at the size that the network sees. Where a frame
is flat, grain leads the flow astray; there it is replaced by that of the structured surroundings (normalized
convolution, Knutsson and Westin 1993, by the weaker eigenvalue of the structure tensor). A point whose two ways do not
cancel is occluded (Sundaram et al. 2010), but a mismatch counts as far as it would show: by the lightness that the
structure there lets it cost, beyond what grain does. A point whose lightness changed on the way is doubtful.

Knows lightness alone; no colours, no files.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_BLUR = 1.5
"""Standard deviation of the blur, in pixels, that keeps film grain out of the flow and out of the doubt."""

_WINDOW = 15
"""Side of the square, in pixels, over which structure is averaged."""

_SURROUNDINGS = 8.0
"""Standard deviation, in pixels, of the surroundings that give flat places their flow."""

_COARSE = 4
"""The surroundings are averaged at this fraction of the size."""

_LEAST_CONFIDENCE = 1e-3
"""Of the flow at a perfectly flat place, so that a frame with no structure at all still has one."""

_MISMATCH_COST = 4.0
"""Lightness that the two ways' mismatch costs, at which trust has fallen to 1/e."""

_DOUBT = 5.0
"""Change of L along the motion, at which trust has fallen to 1/e, where there is little grain."""

_DOUBT_OVER_GRAIN = 2.5
"""The same in standard deviations of the grain, where there is much."""

_SOBEL_SCALE = 1 / 8

_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_LAPLACIANS_NORM = 6.0
_MEDIAN_OF_NORMAL = 0.6745
"""Immerkaer 1996: what structure hardly answers to and grain does; its median against a few edges."""


@dataclass(frozen=True)
class FrameFeatures:
    """A frame as motion is sought in it."""

    lightness: Floats  # (h, w) L
    picture: npt.NDArray[np.uint8]  # (h, w) the same, blurred
    structure: Floats  # (h, w, 3) means of gx gx, gx gy, gy gy around each point, (L/pixel)^2, with grain's share
    grain: float  # its standard deviation, in L

    @property
    def grain_gradient(self) -> float:
        """Variance of the blurred grain's gradient along an axis, (L/pixel)^2."""
        return self.grain**2 / (8 * np.pi * _BLUR**4)


def frame_features(lightness: Floats) -> FrameFeatures:
    """Prepare a frame: (h, w) float32, L in 0..100."""
    blurred = cv2.GaussianBlur(lightness, (0, 0), _BLUR)
    across = cv2.Sobel(blurred, cv2.CV_32F, 1, 0, scale=_SOBEL_SCALE)
    down = cv2.Sobel(blurred, cv2.CV_32F, 0, 1, scale=_SOBEL_SCALE)
    structure = cv2.blur(cv2.merge([across * across, across * down, down * down]), (_WINDOW, _WINDOW))
    answer = np.abs(cv2.filter2D(lightness, -1, _LAPLACIANS)[::3, ::3])
    grain = float(np.median(answer)) / (_LAPLACIANS_NORM * _MEDIAN_OF_NORMAL)
    picture = np.asarray(cv2.convertScaleAbs(blurred, alpha=2.55), np.uint8)
    return FrameFeatures(lightness, picture, np.asarray(structure, np.float32), grain)


@dataclass(frozen=True)
class Link:
    """Where the points of a frame are in another one."""

    there: Floats  # (h, w, 2) x and y in the other frame, in pixels
    trust: Floats  # (h, w) 0..1

    def carried(self, planes: Floats) -> Floats:
        """What belongs to the other frame, (h, w) or (h, w, n), as this one sees it."""
        return _sampled(planes, self.there)


def links(before: FrameFeatures, now: FrameFeatures) -> tuple[Link, Link]:
    """How the points of `now` are found in `before`, and those of `before` in `now`."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    empty = np.zeros((*now.picture.shape, 2), np.float32)
    backward = _smoothed_where_uncertain(
        np.asarray(finder.calc(now.picture, before.picture, empty.copy()), np.float32), now
    )
    forward = _smoothed_where_uncertain(np.asarray(finder.calc(before.picture, now.picture, empty), np.float32), before)
    return _link(now, before, backward, forward), _link(before, now, forward, backward)


def _smoothed_where_uncertain(flow: Floats, features: FrameFeatures) -> Floats:
    """The flow, with that of its surroundings where there is nothing to hold on to."""
    xx, xy, yy = cv2.split(features.structure)
    weaker = (xx + yy) / 2 - np.sqrt((xx - yy) ** 2 / 4 + xy**2)
    share = weaker / (weaker + np.float32(2 * features.grain_gradient + 1e-3))
    confidence = share * share + np.float32(_LEAST_CONFIDENCE)
    height, width = confidence.shape
    small = (max(1, width // _COARSE), max(1, height // _COARSE))
    weighted = cv2.resize(
        cv2.merge([*cv2.split(flow * confidence[..., None]), confidence]), small, interpolation=cv2.INTER_AREA
    )
    spread = cv2.GaussianBlur(weighted, (0, 0), _SURROUNDINGS / _COARSE)
    around = cv2.resize(spread[..., :2] / spread[..., 2:], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(around + share[..., None] * (flow - around), np.float32)


def _link(here: FrameFeatures, there: FrameFeatures, way: Floats, back: Floats) -> Link:
    height, width = here.lightness.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    place = way + np.dstack([x, y])
    mismatch = way + _sampled(back, place)
    cost = np.maximum(_cost(mismatch, here), _cost(mismatch, there, place))
    change = cv2.GaussianBlur(here.lightness - _sampled(there.lightness, place), (0, 0), _BLUR)
    grain = np.hypot(here.grain, there.grain) / (2 * np.sqrt(np.pi) * _BLUR)
    doubt = max(_DOUBT, _DOUBT_OVER_GRAIN * float(grain))
    trust = np.exp(-cost / np.float32(_MISMATCH_COST**2) - (change / np.float32(doubt)) ** 2)
    inside = (place > -1).all(axis=-1) & (place[..., 0] < width) & (place[..., 1] < height)
    return Link(place, np.where(inside, trust, 0).astype(np.float32))


def _cost(mismatch: Floats, features: FrameFeatures, place: Floats | None = None) -> Floats:
    """Squared change of lightness that a mismatch, in pixels, means in a frame's structure."""
    xx, xy, yy = cv2.split(features.structure if place is None else _sampled(features.structure, place))
    dx, dy = mismatch[..., 0], mismatch[..., 1]
    grain = np.float32(features.grain_gradient)
    cost = np.maximum(xx - grain, 0) * dx * dx + 2 * xy * dx * dy + np.maximum(yy - grain, 0) * dy * dy
    return np.asarray(np.maximum(cost, 0), np.float32)


def _sampled(planes: Floats, place: Floats) -> Floats:
    x, y = cv2.split(place)
    return np.asarray(cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
