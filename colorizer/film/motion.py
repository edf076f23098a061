"""Motion between two frames of film, and how far it can be trusted.

Dense optical flow on lightness (DIS, Kroeger et al. 2016), forward and backward, at the network's size. Film grain
leads the flow astray where a frame is flat; there it is replaced by the flow of the structured surroundings (normalized
convolution, Knutsson and Westin 1993, weighted by the smaller eigenvalue of the structure tensor).

Forward and backward flow should cancel; a point where they do not is occluded (Sundaram et al. 2010). In flat places
they may differ without harm, so the mismatch is measured by the change of lightness that it makes in the structure
there, beyond what grain does. A point whose lightness changed on the way is trusted less, too.

Knows lightness alone; no colours, no files.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_BLUR = 1.5
"""Standard deviation, in pixels, of the blur that keeps film grain out of the flow and out of the trust."""

_WINDOW = 15
"""Side of the square, in pixels, over which structure is averaged."""

_SURROUNDINGS = 8.0
"""Standard deviation, in pixels, of the surroundings that give flat places their flow."""

_COARSE = 4
"""The surroundings are averaged at this fraction of the size."""

_LEAST_CONFIDENCE = 1e-3
"""Of the flow at a perfectly flat place, so that the weights of a frame without structure do not add up to 0."""

_MISMATCH_COST = 4.0
"""Change of L by the mismatch of forward and backward flow, at which trust has fallen to 1/e."""

_DOUBT = 5.0
"""Change of L along the motion, at which trust has fallen to 1/e, where there is little grain."""

_DOUBT_OVER_GRAIN = 2.5
"""The same in standard deviations of the grain, where there is much."""

_SOBEL_SCALE = 1 / 8
"""Makes OpenCV's 3x3 Sobel a derivative per pixel."""

_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_LAPLACIANS_NORM = 6.0
_MEDIAN_OF_NORMAL = 0.6745
"""Noise estimation after Immerkaer 1996: the difference of two Laplacians responds to grain and hardly to structure.

The median of its absolute value, in place of his mean, is not moved by a few edges."""


@dataclass(frozen=True)
class FrameFeatures:
    """What motion estimation needs of a frame; computed once, used with the frame before and the one after."""

    lightness: Floats  # (h, w) L
    picture: npt.NDArray[np.uint8]  # (h, w) the same, blurred
    structure: Floats  # (h, w, 3) structure tensor: local means of gx gx, gx gy, gy gy, (L/pixel)^2, grain included
    grain: float  # standard deviation of the film grain, in L

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
class FlowField:
    """Where the points of one frame are in another one."""

    position: Floats  # (h, w, 2) float32, x and y in the other frame, in pixels
    trust: Floats  # (h, w) float32, 0..1

    def warp(self, planes: Floats) -> Floats:
        """Planes of the other frame, (h, w) or (h, w, n), warped to this one."""
        return _sampled(planes, self.position)


def flow_fields(before: FrameFeatures, now: FrameFeatures) -> tuple[FlowField, FlowField]:
    """The flow backward, from `now` to `before`, and forward, from `before` to `now`."""
    backward, forward = found_flow(now, before.picture), found_flow(before, now.picture)
    return _flow_field(now, before, backward, forward), _flow_field(before, now, forward, backward)


def found_flow(here: FrameFeatures, there: npt.NDArray[np.uint8]) -> Floats:
    """By how much the points of a frame are elsewhere in another picture: (h, w, 2), x and y in pixels."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = finder.calc(here.picture, there, np.zeros((*there.shape, 2), np.float32))
    return _smoothed_where_uncertain(np.asarray(flow, np.float32), here)


def _smoothed_where_uncertain(flow: Floats, features: FrameFeatures) -> Floats:
    """The flow, replaced by that of its surroundings where there is no structure to follow."""
    xx, xy, yy = cv2.split(features.structure)
    # along a straight edge only one direction is known, which is what the smaller eigenvalue tells
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


def _flow_field(here: FrameFeatures, there: FrameFeatures, flow: Floats, return_flow: Floats) -> FlowField:
    height, width = here.lightness.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    place = flow + np.dstack([x, y])
    mismatch = flow + _sampled(return_flow, place)
    cost = np.maximum(_cost(mismatch, here), _cost(mismatch, there, place))
    change = cv2.GaussianBlur(here.lightness - _sampled(there.lightness, place), (0, 0), _BLUR)
    grain = np.hypot(here.grain, there.grain) / (2 * np.sqrt(np.pi) * _BLUR)
    doubt = max(_DOUBT, _DOUBT_OVER_GRAIN * float(grain))
    trust = np.exp(-cost / np.float32(_MISMATCH_COST**2) - (change / np.float32(doubt)) ** 2)
    inside = (place > -1).all(axis=-1) & (place[..., 0] < width) & (place[..., 1] < height)
    return FlowField(place, np.where(inside, trust, 0).astype(np.float32))


def _cost(mismatch: Floats, features: FrameFeatures, place: Floats | None = None) -> Floats:
    """Squared change of L that a mismatch (h, w, 2), in pixels, makes in a frame's structure."""
    xx, xy, yy = cv2.split(features.structure if place is None else _sampled(features.structure, place))
    dx, dy = mismatch[..., 0], mismatch[..., 1]
    grain = np.float32(features.grain_gradient)
    cost = np.maximum(xx - grain, 0) * dx * dx + 2 * xy * dx * dy + np.maximum(yy - grain, 0) * dy * dy
    return np.asarray(np.maximum(cost, 0), np.float32)


def _sampled(planes: Floats, place: Floats) -> Floats:
    x, y = cv2.split(place)
    return np.asarray(cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
