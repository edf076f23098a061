"""Steady colour in film: scene cuts, and chroma that follows motion.

A network that colours frames one by one colours each a little differently, and the film flickers. Here a frame's chroma
is the mean of its own prediction and those of its neighbours in time, warped along the motion (`colorizer.film.motion`)
and weighted by how far the motion can be trusted. The frames before enter as a running mean with a weight at each
point; of the frames after, a few are looked at. Both sides weigh about the same, so colours neither fade nor lag behind
where they change. Points that come into sight, and the first frame after a cut, take nothing over: chroma never leaks
across a cut.

The mean of different hues is duller than each of them. So their chroma, the length of ab, is warped and averaged beside
ab, and the mean is stretched to that length.

Knows lightness and ab, no files and no networks. Its state is as large as one frame, whatever the length of the film,
and does not depend on later frames, so that a run can be resumed from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.film.motion import FlowField, Flows, FrameFeatures, flow_fields, frame_features

Floats = npt.NDArray[np.float32]
Item = TypeVar("Item")

LOOK_AHEAD = 3
"""Later frames that enter a frame's mean."""

LOOK_AHEAD_BETWEEN = 4
"""The same in keyframe mode "auto": as many as lie between two runs of the network in grain."""

LONGEST_WAIT = 12
"""In keyframe mode "auto": frames after which the network is run again in any case."""

_CUT_SHARE = 0.5
"""Share of a frame that motion does not explain, above which it may begin another scene."""

LEAST_CUT = 5.0
"""Mean |dL| below which nothing is a cut: a change that small cannot be seen, whatever the flow makes of it."""

_UNEXPLAINED_TRUST = 0.25
"""Trust below which motion does not explain a point."""

_REFRESH_SHARE = 0.12
"""In keyframe mode: share of the frame without trustworthy chroma, from which on the network is run again."""

_CALM_GRAIN = 1.0
"""In keyframe mode "auto": deviation of grain, in L at the network's size, up to which one answer will do."""

_UNREST = 0.05
"""Likewise: disagreement of an answer with the mean of those before, as a share of the mean chroma, that one answer may
have. Of answers that disagree more, so many are averaged that their mean is as good: chance falls by their root."""

_LEAST_ASKED, _MOST_ASKED, _OFTENER = 6, 12, 0.6
"""Frames in a row on which the network is run for that; after them the oftener, by their number to that power."""

_LEAST_MEAN_CHROMA = 4.0
"""In ab: what a disagreement is at least a share of."""

_LASTING = 5.0
"""Where answers agree with the mean, so many times as far it reaches back: so that colours do not wander in a shot."""

_CHANGED = 4.0
"""In ab: disagreement of the surroundings' answers with the mean, at which that has fallen to 1/e."""

_SURROUNDINGS, _COARSE = 8.0, 4
"""Standard deviation of those, in pixels, and the fraction of the size at which they are averaged."""

_MOST_STRETCH = 2.0
"""Where hues contradict each other so much that more would be needed, no hue is right, and the mean stays dull."""

_LEAST_CHROMA = 1e-3
"""Keeps a division from dividing by 0; far below what can be seen."""

_LENGTH, _WEIGHT = 2, 3
"""Planes of an (h, w, 4) colour, after a and b: the chroma that ab should have, and the weight of the mean."""


@dataclass(frozen=True)
class TemporalState:
    """What is kept of the frames so far."""

    features: FrameFeatures  # of the last frame
    color: Floats  # (h, w, 4) float32: mean a and b, mean chroma, and the weight of the mean in predictions
    age: int = 0  # frames since the network was last run
    gap: float = 0.0  # largest share of a frame that had no trustworthy chroma since then
    asked: int = 1  # runs of the network in this scene, up to _MOST_ASKED
    wanted: int = 1  # of them, as many as it takes until their mean is no chance answer


@dataclass(frozen=True)
class Step:
    """A frame's prediction, and the running mean that includes it."""

    state: TemporalState
    prediction: Floats | None  # (h, w, 4) the network's own colour, with weight 1; None where it was not run
    forward: FlowField | None  # from the frame before to this one; None at the beginning of a scene

    @property
    def new_scene(self) -> bool:
        """Whether it takes nothing over from the frame before."""
        return self.forward is None

    @property
    def ab(self) -> Floats:
        """(h, w, 2) float32, the mean of this frame and those before it, CIE Lab units."""
        return _restored_chroma(self.state.color)


def next_step(
    state: TemporalState | None,
    lightness: Floats,
    predict: Callable[[], Floats],
    *,
    steadiness: float,
    every: int | None = 1,
    flows: Flows | None = None,
) -> Step:
    """Take the next frame into the running mean.

    Parameters
    ----------
    state
        After the frame before; None at the beginning.
    lightness
        (h, w) float32, L of the frame at the network's size.
    predict
        Runs the network on the frame: (h', w', 2) float32, CIE Lab units.
    steadiness
        Share that the frames before have where motion is certain, 0..1; 0 leaves each frame to itself.
    every
        The network is run on every so many frames, and sooner where motion does not explain the frame; None: only
        then, LONGEST_WAIT frames after it was last run, and at the beginning of a scene in grain until its answers,
        which differ by chance, have a mean.
    flows
        Backward and forward between the frame before and this one, where they are known; else they are found.
    """
    features = frame_features(lightness)

    def predicted() -> Floats:
        size = (lightness.shape[1], lightness.shape[0])
        ab = np.asarray(cv2.resize(predict(), size, interpolation=cv2.INTER_LINEAR), np.float32)
        return np.dstack([ab, np.hypot(ab[..., 0], ab[..., 1]), np.ones(lightness.shape, np.float32)])

    def first_of_scene() -> Step:
        prediction = predicted()
        wanted = _MOST_ASKED if every is None and features.grain > _CALM_GRAIN else 1
        return Step(TemporalState(features, prediction, wanted=wanted), prediction, None)

    # numbered frames may change their size from one to the next
    if state is None or state.features.lightness.shape != lightness.shape:
        return first_of_scene()
    backward, forward = flows or flow_fields(state.features, features)
    gap = gap_of(backward)
    if is_cut(gap, float(np.mean(np.abs(lightness - state.features.lightness)))):
        return first_of_scene()
    gap, age = max(state.gap, gap), state.age + 1
    warped = backward.warp(state.color)
    settled = state.asked >= state.wanted
    wait = round(LONGEST_WAIT / state.wanted**_OFTENER) if every is None else every
    if settled and age < wait and gap < _REFRESH_SHARE:
        # where nothing is known, the warped chroma is the best guess until the next prediction, but with no weight
        warped[..., _WEIGHT] *= backward.trust >= _UNEXPLAINED_TRUST
        return Step(TemporalState(features, warped, age, gap, state.asked, state.wanted), None, forward)
    prediction = predicted()
    wanted = state.wanted if settled else _wanted(prediction, warped, backward.trust)
    lasting = _agreement(prediction, warped) if every == 1 else None
    before = _with_limited_weight(warped, backward.trust, steadiness, lasting)
    if every is None:
        # an answer after a pause speaks for the frames in between as well
        before[..., _WEIGHT] /= np.float32(age**0.5)
    mean = _weighted_mean(prediction, before)
    asked = min(state.asked + 1, _MOST_ASKED)
    return Step(TemporalState(features, mean, asked=asked, wanted=wanted), prediction, forward)


def _wanted(prediction: Floats, mean: Floats, trust: Floats) -> int:
    """How many answers it takes, by how much one disagrees with the mean of those before."""
    away = np.hypot(prediction[..., 0] - mean[..., 0], prediction[..., 1] - mean[..., 1])
    total = max(float(trust.sum()), 1.0)
    disagreement = float((away * trust).sum()) / total
    chroma = max(float((mean[..., _LENGTH] * trust).sum()) / total, _LEAST_MEAN_CHROMA)
    return int(np.clip(np.ceil((disagreement / chroma / _UNREST) ** 2), _LEAST_ASKED, _MOST_ASKED))


def gap_of(backward: FlowField) -> float:
    """Share of a frame that the motion from the frame before does not explain."""
    return float(np.mean(backward.trust < _UNEXPLAINED_TRUST))


def is_cut(gap: float, change: float) -> bool:
    """Whether a frame begins another scene, by that share and the mean change of L.

    Fast motion and flashes break the flow as well; a cut changes the picture besides.
    """
    return gap > _CUT_SHARE and change > LEAST_CUT


def with_later_frames(steps: Sequence[Step], *, steadiness: float) -> Floats:
    """The chroma of the first of some successive frames, averaged with the later ones: (h, w, 2), CIE Lab units.

    The later frames end where the next scene begins. Of those on which the network was not run the motion alone counts.
    """
    first, *others = steps
    later: Floats | None = None
    scene = list(_rest_of_scene(others))
    for forward, prediction in reversed(scene):
        if later is None:
            color = prediction
        elif prediction is None:
            color = later
        else:
            color = _weighted_mean(prediction, later)
        if color is not None:
            later = _with_limited_weight(forward.warp(color), forward.trust, steadiness)
    return first.ab if later is None else _restored_chroma(_weighted_mean(first.state.color, later))


def _rest_of_scene(steps: Iterable[Step]) -> Iterator[tuple[FlowField, Floats | None]]:
    for step in steps:
        if step.forward is None:
            return
        yield step.forward, step.prediction


@dataclass(frozen=True)
class FrameInput(Generic[Item]):
    """A frame as this module sees it."""

    item: Item  # handed back with the result
    lightness: Floats  # (h, w) float32 L, at the network's size
    predict: Callable[[], Floats]  # runs the network: (h', w', 2) float32, CIE Lab units
    flows: Flows | None = None  # see `next_step`


@dataclass(frozen=True)
class SteadiedFrame(Generic[Item]):
    """A frame's steady chroma."""

    item: Item
    ab: Floats  # (h, w, 2) float32, CIE Lab units
    state: TemporalState  # after this frame
    new_scene: bool


def steady(
    frames: Iterable[FrameInput[Item]], state: TemporalState | None, *, steadiness: float, every: int | None
) -> Iterator[SteadiedFrame[Item]]:
    """The chroma of each frame, LOOK_AHEAD frames late; at once where the network is run on every N-th frame.

    Parameters
    ----------
    frames
        The frames in order.
    state
        After the frame before the first one; None at the beginning.
    steadiness, every
        See `next_step`.
    """
    look_ahead = {1: LOOK_AHEAD, None: LOOK_AHEAD_BETWEEN}.get(every, 0) if steadiness else 0
    waiting: deque[tuple[Item, Step]] = deque()

    def first() -> SteadiedFrame[Item]:
        ab = with_later_frames([step for _, step in waiting], steadiness=steadiness)
        item, step = waiting.popleft()
        return SteadiedFrame(item, ab, step.state, step.new_scene)

    for frame in frames:
        step = next_step(state, frame.lightness, frame.predict, steadiness=steadiness, every=every, flows=frame.flows)
        state = step.state
        waiting.append((frame.item, step))
        if len(waiting) > look_ahead:
            yield first()
    while waiting:
        yield first()


def _agreement(prediction: Floats, mean: Floats) -> Floats:
    """How far answers agree with the mean but for chance, which the surroundings average out: (h, w), 0..1."""
    away = np.ascontiguousarray(prediction[..., :2] - mean[..., :2])
    small = cv2.resize(away, None, fx=1 / _COARSE, fy=1 / _COARSE, interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (0, 0), _SURROUNDINGS / _COARSE)
    length = np.hypot(smooth[..., 0], smooth[..., 1])
    agreement = np.exp(-((length / np.float32(_CHANGED)) ** 2))
    return np.asarray(cv2.resize(agreement, (away.shape[1], away.shape[0])), np.float32)


def _with_limited_weight(warped: Floats, trust: Floats, steadiness: float, lasting: Floats | None = None) -> Floats:
    """Warped colours with the weight that they get beside one new prediction: at most `steadiness` of the mean.

    Where they `last`, 0..1, that limit is up to _LASTING times as far.
    """
    most = np.asarray(steadiness / (1 - steadiness), np.float32)
    if lasting is not None:
        most = most * (1 + np.float32(_LASTING - 1) * lasting)
    warped[..., _WEIGHT] = np.minimum(warped[..., _WEIGHT], most) * trust
    return warped


def _weighted_mean(one: Floats, other: Floats) -> Floats:
    """The mean of two colours (h, w, 4) by their weights, which are added up."""
    total = one[..., _WEIGHT] + other[..., _WEIGHT]
    share = (other[..., _WEIGHT] / np.maximum(total, np.float32(1e-6)))[..., None]
    mean: Floats = one + share * (other - one)
    mean[..., _WEIGHT] = total
    return mean


def _restored_chroma(color: Floats) -> Floats:
    """The ab (h, w, 2) of a mean colour (h, w, 4), stretched to its mean chroma."""
    ab = color[..., :2]
    short = np.maximum(np.hypot(ab[..., 0], ab[..., 1]), np.float32(_LEAST_CHROMA))
    factor = np.clip(color[..., _LENGTH] / short, 0, np.float32(_MOST_STRETCH))
    return np.asarray(ab * factor[..., None], np.float32)
