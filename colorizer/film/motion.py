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
from functools import lru_cache
from typing import Any

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

_FLOW_UNITS, _TRUST_UNITS = np.float32(64), np.float32(255)

_LONGEST_FLOW = 511
"""In pixels: what 16 bits hold."""

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
    """Where the points of one frame are in another one.

    Flow counts in 64ths of a pixel, finer than it is known, and trust in 255ths, so that both are small to hand over.
    """

    flow: Floats  # (h, w, 2) float32, by how much they are elsewhere, x and y in pixels
    trust: Floats  # (h, w) float32, 0..1

    @property
    def position(self) -> Floats:
        """(h, w, 2) float32, x and y in the other frame, in pixels."""
        return np.asarray(cv2.merge(self._place()), np.float32)

    def warp(self, planes: Floats) -> Floats:
        """Planes of the other frame, (h, w) or (h, w, n), warped to this one."""
        return _sampled(planes, *self._place())

    def counted(self) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        """Flow and trust in their units."""
        return np.rint(self.flow * _FLOW_UNITS).astype(np.int16), np.rint(self.trust * _TRUST_UNITS).astype(np.uint8)

    @classmethod
    def of_counted(cls, flow: npt.NDArray[np.int16], trust: npt.NDArray[np.uint8]) -> FlowField:
        """What `counted` has given."""
        return cls(flow / _FLOW_UNITS, trust / _TRUST_UNITS)

    def _place(self) -> tuple[Floats, Floats]:
        return _place(*_split(self.flow))


Flows = tuple[FlowField, FlowField]
"""Between two frames: backward, from the later to the earlier, and forward."""


def flow_fields(before: FrameFeatures, now: FrameFeatures) -> Flows:
    """The flow backward, from `now` to `before`, and forward, from `before` to `now`."""
    backward, forward = (
        _rounded(np.clip(found_flow(*pair), -_LONGEST_FLOW, _LONGEST_FLOW), _FLOW_UNITS)
        for pair in ((now, before.picture), (before, now.picture))
    )
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
    weaker = (xx + yy) / 2 - cv2.magnitude((xx - yy) / 2, xy)
    share = weaker / (weaker + np.float32(2 * features.grain_gradient + 1e-3))
    confidence = share * share + np.float32(_LEAST_CONFIDENCE)
    height, width = confidence.shape
    small = (max(1, width // _COARSE), max(1, height // _COARSE))
    dx, dy = _split(flow)
    weighted = cv2.resize(
        cv2.merge([dx * confidence, dy * confidence, confidence]), small, interpolation=cv2.INTER_AREA
    )
    spread = cv2.GaussianBlur(weighted, (0, 0), _SURROUNDINGS / _COARSE)
    around = cv2.resize(spread[..., :2] / spread[..., 2:], (width, height), interpolation=cv2.INTER_LINEAR)
    mean_dx, mean_dy = _split(around)
    smoothed = cv2.merge([mean_dx + share * (dx - mean_dx), mean_dy + share * (dy - mean_dy)])
    return np.asarray(smoothed, np.float32)


def _flow_field(here: FrameFeatures, there: FrameFeatures, flow: Floats, return_flow: Floats) -> FlowField:
    # plane by plane: NumPy is twice as fast with values that lie side by side
    height, width = here.lightness.shape
    flow_x, flow_y = _split(flow)
    x, y = _place(flow_x, flow_y)
    back_x, back_y = _split(_sampled(return_flow, x, y))
    mismatch = flow_x + back_x, flow_y + back_y
    cost = np.maximum(
        _cost(*mismatch, here.structure, here.grain_gradient),
        _cost(*mismatch, _sampled(there.structure, x, y), there.grain_gradient),
    )
    change = cv2.GaussianBlur(here.lightness - _sampled(there.lightness, x, y), (0, 0), _BLUR)
    grain = np.hypot(here.grain, there.grain) / (2 * np.sqrt(np.pi) * _BLUR)
    doubt = max(_DOUBT, _DOUBT_OVER_GRAIN * float(grain))
    trust = np.exp(-cost / np.float32(_MISMATCH_COST**2) - np.square(change / np.float32(doubt)))
    inside = (x > -1) & (y > -1) & (x < width) & (y < height)
    return FlowField(flow, _rounded(np.where(inside, trust, np.float32(0)), _TRUST_UNITS))


def _cost(dx: Floats, dy: Floats, structure: Floats, grain_gradient: float) -> Floats:
    """Squared change of L that a mismatch, (h, w) each, in pixels, makes in a frame's structure (h, w, 3)."""
    xx, xy, yy = cv2.split(structure)
    grain = np.float32(grain_gradient)
    cost = (np.maximum(xx - grain, 0) * dx + 2 * xy * dy) * dx + np.maximum(yy - grain, 0) * dy * dy
    return np.asarray(np.maximum(cost, 0), np.float32)


def _rounded(values: Floats, units: np.float32) -> Floats:
    return np.asarray(np.rint(values * units) / units, np.float32)


def _split(planes: Any) -> tuple[Floats, Floats]:
    one, other = cv2.split(planes)
    return np.asarray(one, np.float32), np.asarray(other, np.float32)


def _place(dx: Floats, dy: Floats) -> tuple[Floats, Floats]:
    x, y = _grid(*dx.shape)
    return dx + x, dy + y


@lru_cache(maxsize=4)
def _grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Columns and rows of all pixels; nobody changes them."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return x, y


def _sampled(planes: Floats, x: Floats, y: Floats) -> Floats:
    return np.asarray(cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
