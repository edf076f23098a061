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

from colorizer.film.motion import FlowField, FrameFeatures, flow_fields, frame_features

Floats = npt.NDArray[np.float32]
Item = TypeVar("Item")

LOOK_AHEAD = 3
"""Later frames that enter a frame's mean."""

LONGEST_WAIT = 12
"""In keyframe mode "auto": frames after which the network is run again in any case."""

_CUT_SHARE = 0.5
"""Share of a frame that motion does not explain, above which it may begin another scene."""

_CUT_DIFFERENCE = 5.0
"""Mean |dL| below which nothing is a cut: a change that small cannot be seen, whatever the flow makes of it."""

_UNEXPLAINED_TRUST = 0.25
"""Trust below which motion does not explain a point."""

_REFRESH_SHARE = 0.12
"""In keyframe mode: share of the frame without trustworthy chroma, from which on the network is run again."""

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
        then, and LONGEST_WAIT frames after it was last run.
    """
    features = frame_features(lightness)

    def predicted() -> Floats:
        size = (lightness.shape[1], lightness.shape[0])
        ab = np.asarray(cv2.resize(predict(), size, interpolation=cv2.INTER_LINEAR), np.float32)
        return np.dstack([ab, np.hypot(ab[..., 0], ab[..., 1]), np.ones(lightness.shape, np.float32)])

    def first_of_scene() -> Step:
        prediction = predicted()
        return Step(TemporalState(features, prediction), prediction, None)

    # numbered frames may change their size from one to the next
    if state is None or state.features.lightness.shape != lightness.shape:
        return first_of_scene()
    backward, forward = flow_fields(state.features, features)
    gap = float(np.mean(backward.trust < _UNEXPLAINED_TRUST))
    # fast motion and flashes break the flow as well; a cut changes the picture besides
    if gap > _CUT_SHARE and float(np.mean(np.abs(lightness - state.features.lightness))) > _CUT_DIFFERENCE:
        return first_of_scene()
    gap, age = max(state.gap, gap), state.age + 1
    warped = backward.warp(state.color)
    if age < (LONGEST_WAIT if every is None else every) and gap < _REFRESH_SHARE:
        # where nothing is known, the warped chroma is the best guess until the next prediction, but with no weight
        warped[..., _WEIGHT] *= backward.trust >= _UNEXPLAINED_TRUST
        return Step(TemporalState(features, warped, age, gap), None, forward)
    prediction = predicted()
    return Step(
        TemporalState(features, _weighted_mean(prediction, _with_limited_weight(warped, backward.trust, steadiness))),
        prediction,
        forward,
    )


def with_later_frames(steps: Sequence[Step], *, steadiness: float) -> Floats:
    """The chroma of the first of some successive frames, averaged with the later ones: (h, w, 2), CIE Lab units.

    The later frames end where the next scene begins, or at a frame on which the network was not run.
    """
    first, *others = steps
    later: Floats | None = None
    scene = list(_rest_of_scene(others))
    for forward, prediction in reversed(scene):
        color = prediction if later is None else _weighted_mean(prediction, later)
        later = _with_limited_weight(forward.warp(color), forward.trust, steadiness)
    return first.ab if later is None else _restored_chroma(_weighted_mean(first.state.color, later))


def _rest_of_scene(steps: Iterable[Step]) -> Iterator[tuple[FlowField, Floats]]:
    for step in steps:
        if step.forward is None or step.prediction is None:
            return
        yield step.forward, step.prediction


@dataclass(frozen=True)
class FrameInput(Generic[Item]):
    """A frame as this module sees it."""

    item: Item  # handed back with the result
    lightness: Floats  # (h, w) float32 L, at the network's size
    predict: Callable[[], Floats]  # runs the network: (h', w', 2) float32, CIE Lab units


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
    """The chroma of each frame, LOOK_AHEAD frames late; at once in keyframe mode, which is for speed.

    Parameters
    ----------
    frames
        The frames in order.
    state
        After the frame before the first one; None at the beginning.
    steadiness, every
        See `next_step`.
    """
    look_ahead = LOOK_AHEAD if steadiness and every == 1 else 0
    waiting: deque[tuple[Item, Step]] = deque()

    def first() -> SteadiedFrame[Item]:
        ab = with_later_frames([step for _, step in waiting], steadiness=steadiness)
        item, step = waiting.popleft()
        return SteadiedFrame(item, ab, step.state, step.new_scene)

    for frame in frames:
        step = next_step(state, frame.lightness, frame.predict, steadiness=steadiness, every=every)
        state = step.state
        waiting.append((frame.item, step))
        if len(waiting) > look_ahead:
            yield first()
    while waiting:
        yield first()


def _with_limited_weight(warped: Floats, trust: Floats, steadiness: float) -> Floats:
    """Warped colours with the weight that they get beside one new prediction: at most `steadiness` of the mean."""
    most = np.float32(steadiness / (1 - steadiness))
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
