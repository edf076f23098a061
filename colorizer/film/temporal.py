"""Steady colour in film: scene cuts, and chroma that follows motion.

A network that sees frames one by one answers each a little differently, and the colours flicker. Here a frame's chroma
is the mean of its own prediction and those of its neighbours in time, carried along the motion
(`colorizer.film.motion`) and weighted by how far that can be trusted. Of the frames before there is a running mean with
its weight at each point; of the frames after, a few. Both sides weigh about the same, so colours neither fade nor lag
behind where they change. At points that come into sight, and after a cut, nothing is carried over: chroma never leaks
over a cut.

Averaging colours of different hues fades them. So their chroma, the length of ab, is carried and averaged beside them,
and the mean gets that length back.

Knows lightness and ab, no files and no networks. Its state is a frame's worth, whatever the length of the film, and
does not depend on the frames after.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.film.motion import FrameFeatures, Link, frame_features, links

Floats = npt.NDArray[np.float32]
Item = TypeVar("Item")

LOOK_AHEAD = 3
"""Frames after a frame that have a say in its colours."""

LONGEST_WAIT = 12
"""In keyframe mode "auto": frames after which the network is asked again in any case."""

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

_LENGTH, _WEIGHT = 2, 3


@dataclass(frozen=True)
class State:
    """What is remembered of the frames so far."""

    features: FrameFeatures  # of the last frame
    color: Floats  # (h, w, 4): mean a and b, the length that they should have, and how many predictions' mean it is
    age: int = 0  # frames since the network was last asked
    gap: float = 0.0  # share of the frame that has had no trustworthy chroma since


@dataclass(frozen=True)
class Step:
    """A frame by itself and after those before it."""

    state: State
    fresh: Floats | None  # (h, w, 4) what the network alone says, with weight 1; None where it was not asked
    onward: Link | None  # where the points of the frame before are in this one; None at the beginning of a scene

    @property
    def new_scene(self) -> bool:
        """Whether nothing was carried over from the frame before."""
        return self.onward is None

    @property
    def ab(self) -> Floats:
        """(h, w, 2) chroma after this frame and those before it."""
        return _of_full_length(self.state.color)


def follow(
    state: State | None, lightness: Floats, predict: Callable[[], Floats], *, steadiness: float, every: int | None = 1
) -> Step:
    """The next frame after those before it.

    Parameters
    ----------
    state
        Of the frame before; None at the beginning.
    lightness
        (h, w) float32, L of the frame at the network's size.
    predict
        Asks the network about the frame: (h', w', 2) float32, CIE Lab units.
    steadiness
        Share that the frames before have where motion is certain, 0..1; 0 leaves each frame to itself.
    every
        The network is asked on every so many frames, and in between where motion does not explain the frame; None
        leaves it to how much of the frame is explained.
    """
    features = frame_features(lightness)

    def predicted() -> Floats:
        size = (lightness.shape[1], lightness.shape[0])
        ab = np.asarray(cv2.resize(predict(), size, interpolation=cv2.INTER_LINEAR), np.float32)
        return np.dstack([ab, np.hypot(ab[..., 0], ab[..., 1]), np.ones(lightness.shape, np.float32)])

    def begun() -> Step:
        fresh = predicted()
        return Step(State(features, fresh), fresh, None)

    if state is None or state.features.lightness.shape != lightness.shape:
        return begun()
    backward, onward = links(state.features, features)
    gap = float(np.mean(backward.trust < _UNEXPLAINED_TRUST))
    if gap > _CUT_SHARE and float(np.mean(np.abs(lightness - state.features.lightness))) > _CUT_DIFFERENCE:
        return begun()
    gap, age = max(state.gap, gap), state.age + 1
    carried = backward.carried(state.color)
    if age < (LONGEST_WAIT if every is None else every) and gap < _REFRESH_SHARE:
        # where nothing is known the neighbourhood's chroma, carried along, is the best guess until the next answer
        carried[..., _WEIGHT] *= backward.trust >= _UNEXPLAINED_TRUST
        return Step(State(features, carried, age, gap), None, onward)
    fresh = predicted()
    return Step(State(features, _mean(fresh, _limited(carried, backward.trust, steadiness))), fresh, onward)


def with_later_frames(steps: Sequence[Step], *, steadiness: float) -> Floats:
    """The chroma of the first of some successive frames, with what those after it say: (h, w, 2), CIE Lab units.

    Frames of the next scene, and from the first one on for which the network was not asked, have no say.
    """
    first, *others = steps
    later: Floats | None = None
    scene = list(_of_the_scene(others))
    for onward, fresh in reversed(scene):
        told = fresh if later is None else _mean(fresh, later)
        later = _limited(onward.carried(told), onward.trust, steadiness)
    return first.ab if later is None else _of_full_length(_mean(first.state.color, later))


def _of_the_scene(steps: Iterable[Step]) -> Iterator[tuple[Link, Floats]]:
    for step in steps:
        if step.onward is None or step.fresh is None:
            return
        yield step.onward, step.fresh


@dataclass(frozen=True)
class FrameInput(Generic[Item]):
    """A frame as its colours are sought, and whatever belongs to it."""

    item: Item
    lightness: Floats  # (h, w), at the network's size
    predict: Callable[[], Floats]


@dataclass(frozen=True)
class Steadied(Generic[Item]):
    """A frame's steady chroma."""

    item: Item
    ab: Floats  # (h, w, 2)
    state: State  # what it leaves for the next frame
    new_scene: bool


def steady(
    frames: Iterable[FrameInput[Item]], state: State | None, *, steadiness: float, every: int | None
) -> Iterator[Steadied[Item]]:
    """The chroma of each frame, LOOK_AHEAD frames late; at once in keyframe mode, which is for speed.

    Parameters
    ----------
    frames
        The frames.
    state
        Of the frame before the first; None at the beginning.
    steadiness, every
        See `follow`.
    """
    ahead = LOOK_AHEAD if steadiness and every == 1 else 0
    waiting: deque[tuple[Item, Step]] = deque()

    def first() -> Steadied[Item]:
        ab = with_later_frames([step for _, step in waiting], steadiness=steadiness)
        item, step = waiting.popleft()
        return Steadied(item, ab, step.state, step.new_scene)

    for frame in frames:
        step = follow(state, frame.lightness, frame.predict, steadiness=steadiness, every=every)
        state = step.state
        waiting.append((frame.item, step))
        if len(waiting) > ahead:
            yield first()
    while waiting:
        yield first()


def _limited(carried: Floats, trust: Floats, steadiness: float) -> Floats:
    """Carried colours with the weight that they get beside one new prediction."""
    most = np.float32(steadiness / (1 - steadiness))
    carried[..., _WEIGHT] = np.minimum(carried[..., _WEIGHT], most) * trust
    return carried


def _mean(one: Floats, other: Floats) -> Floats:
    """Of colours (h, w, 4), by their weights; the weights are added up."""
    total = one[..., _WEIGHT] + other[..., _WEIGHT]
    share = (other[..., _WEIGHT] / np.maximum(total, np.float32(1e-6)))[..., None]
    mean: Floats = one + share * (other - one)
    mean[..., _WEIGHT] = total
    return mean


def _of_full_length(color: Floats) -> Floats:
    """(h, w, 2) ab with its length made what it should be: (h, w, 4) a, b, that length and a weight."""
    ab = color[..., :2]
    short = np.maximum(np.hypot(ab[..., 0], ab[..., 1]), np.float32(_LEAST_CHROMA))
    factor = np.clip(color[..., _LENGTH] / short, 0, np.float32(_MOST_STRETCH))
    return np.asarray(ab * factor[..., None], np.float32)
