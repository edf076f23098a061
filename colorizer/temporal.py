"""Steady colour in film: scene cuts, and chroma that follows motion.

A network that sees frames one by one answers each a little differently, and the colours flicker. Here the chroma of the
frame before is carried along the motion and blended with the new prediction, as far as the motion can be trusted:
dense optical flow on lightness (DIS, Kroeger et al. 2016) at the size that the network sees, forwards and backwards; a
point whose two ways do not cancel is occluded (Sundaram et al. 2010), and one whose lightness changed on the way is
doubtful. There, and after a cut, the new prediction counts alone: chroma never leaks over a cut.

Averaging colours of different hues fades them. So their chroma, the length of ab, is carried and blended beside them,
and the average gets that length back.

Knows lightness and ab, no files and no networks. Its state is a frame's worth, whatever the length of the film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

DEFAULT_STEADINESS = 0.8
"""Share of the chroma that is taken from the frame before where motion is certain."""

_OCCLUSION_SLACK = 2.0
_OCCLUSION_SLOPE = 0.01
"""Sundaram et al. 2010, equation 5: |w + w'|^2 < 0.01 (|w|^2 + |w'|^2) + 0.5, in pixels."""

_GRAIN = 1.5
"""Standard deviation of the blur, in pixels, that keeps film grain out of the flow and out of the doubt."""

_LIGHTNESS_DOUBT = 5.0
"""Change of L along the motion, at which trust has fallen to 1/e; noise at this size stays well below."""

_CUT_SHARE = 0.5
"""Share of the frame that the frame before does not explain, from which on it is another scene."""

_CUT_DIFFERENCE = 5.0
"""Mean |dL| below which nothing is a cut."""

_UNEXPLAINED_TRUST = 0.25

_REFRESH_SHARE = 0.12
"""In keyframe mode: share of the frame without trustworthy chroma, from which on the network is asked again."""

_MOST_STRETCH = 2.0
"""Where hues contradict each other more than that, no hue is right, and the average stays dull."""

_LEAST_CHROMA = 1e-3

LONGEST_WAIT = 12
"""In keyframe mode "auto": frames after which the network is asked again in any case."""


@dataclass(frozen=True)
class State:
    """What is remembered of the frames so far."""

    lightness: Floats  # (h, w), of the last frame
    color: Floats  # (h, w, 3): its a, b, and the length that they should have
    age: int = 0  # frames since the network was last asked
    gap: float = 0.0  # share of the frame that has had no trustworthy chroma since


@dataclass(frozen=True)
class Motion:
    """How the frame before explains this one."""

    warped: Floats  # (h, w, 3) its colour, carried along
    trust: Floats  # (h, w) 0..1
    cut: bool

    @property
    def gap(self) -> float:
        """Share of the frame that cannot be trusted."""
        return float(np.mean(self.trust < _UNEXPLAINED_TRUST))


def _flow_picture(lightness: Floats) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.convertScaleAbs(cv2.GaussianBlur(lightness, (0, 0), _GRAIN), alpha=2.55), np.uint8)


def motion(state: State, lightness: Floats) -> Motion:
    """Carry the chroma of the state to the next frame.

    Parameters
    ----------
    state
        Of the frame before.
    lightness
        (h, w) float32, L of the next frame, of the same size.
    """
    flow_finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    before, now = _flow_picture(state.lightness), _flow_picture(lightness)
    empty = np.zeros((*now.shape, 2), np.float32)
    backward = np.asarray(flow_finder.calc(now, before, empty.copy()), np.float32)
    forward = np.asarray(flow_finder.calc(before, now, empty), np.float32)
    height, width = lightness.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    there_x, there_y = x + backward[..., 0], y + backward[..., 1]
    return_way = cv2.remap(forward, there_x, there_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mismatch = np.sum((backward + return_way) ** 2, axis=-1)
    length = np.sum(backward**2 + return_way**2, axis=-1)
    visible = mismatch < _OCCLUSION_SLOPE * length + _OCCLUSION_SLACK
    visible &= (there_x > -1) & (there_x < width) & (there_y > -1) & (there_y < height)
    was = cv2.remap(state.lightness, there_x, there_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    change = np.abs(cv2.GaussianBlur(lightness - was, (0, 0), _GRAIN))
    trust = np.where(visible, np.exp(-((change / _LIGHTNESS_DOUBT) ** 2)), 0).astype(np.float32)
    warped = cv2.remap(state.color, there_x, there_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    unexplained = float(np.mean(trust < _UNEXPLAINED_TRUST))
    difference = float(np.mean(np.abs(lightness - state.lightness)))
    cut = unexplained > _CUT_SHARE and difference > _CUT_DIFFERENCE
    return Motion(np.asarray(warped, np.float32), trust, cut)


@dataclass(frozen=True)
class Step:
    """A frame's chroma, and what it took."""

    ab: Floats  # (h, w, 2)
    state: State
    new_scene: bool
    asked: bool  # whether the network was


def follow(
    state: State | None,
    lightness: Floats,
    predict: Callable[[], Floats],
    *,
    steadiness: float = DEFAULT_STEADINESS,
    every: int | None = 1,
) -> Step:
    """The chroma of the next frame.

    Parameters
    ----------
    state
        Of the frame before; None at the beginning.
    lightness
        (h, w) float32, L of the frame at the network's size.
    predict
        Asks the network about the frame: (h', w', 2) float32, CIE Lab units.
    steadiness
        0 leaves each frame to itself, 0..1.
    every
        The network is asked on every so many frames, and in between where motion does not explain the frame; None
        leaves it to how much of the frame is explained.

    Returns
    -------
    Step
        Its state goes into the next call.
    """
    size = (lightness.shape[1], lightness.shape[0])

    def predicted() -> Floats:
        ab = np.asarray(cv2.resize(predict(), size, interpolation=cv2.INTER_LINEAR), np.float32)
        return np.dstack([ab, np.hypot(ab[..., 0], ab[..., 1])])

    if state is None or state.lightness.shape != lightness.shape:
        color = predicted()
        return Step(_of_full_length(color), State(lightness, color), new_scene=True, asked=True)
    moved = motion(state, lightness)
    if moved.cut:
        color = predicted()
        return Step(_of_full_length(color), State(lightness, color), new_scene=True, asked=True)
    gap = max(state.gap, moved.gap)
    age = state.age + 1
    if age < (LONGEST_WAIT if every is None else every) and gap < _REFRESH_SHARE:
        # where nothing is known the neighbourhood's chroma, carried along, is the best guess until the next answer
        color = moved.warped
        return Step(_of_full_length(color), State(lightness, color, age, gap), new_scene=False, asked=False)
    share = (moved.trust * np.float32(steadiness))[..., None]
    fresh = predicted()
    color = fresh + share * (moved.warped - fresh)
    return Step(_of_full_length(color), State(lightness, color), new_scene=False, asked=True)


def _of_full_length(color: Floats) -> Floats:
    """(h, w, 2) ab with its length made what it should be: (h, w, 3) a, b and that length."""
    ab = color[..., :2]
    short = np.maximum(np.hypot(ab[..., 0], ab[..., 1]), np.float32(_LEAST_CHROMA))
    factor = np.clip(color[..., 2] / short, 0, np.float32(_MOST_STRETCH))
    return np.asarray(ab * factor[..., None], np.float32)
