"""One colour for what several shots show: earlier shots, remembered by two frames each, and what later ones take over.

When a shot is known, it is looked for among those before it (`colorizer.film.guidance.recognition`). If it shows a
place again, from about the same side, its colours are changed (`colorizer.film.guidance.shift`) towards those that were
shown there. A false likeness would do more harm than one that is missed. So both frames of a shot have to show one
place, which those of a dissolve, or of a long pan, do not.

What is remembered is made of the film alone, in its order. So a run that was broken off comes to the same colours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.film.guidance.layers import Planes, ShotFrames
from colorizer.film.guidance.matching import Matcher
from colorizer.film.guidance.preparing import GuidedShot
from colorizer.film.guidance.recognition import Sight, aligned, traced
from colorizer.film.guidance.shift import Shift, ShotShift, Told
from colorizer.film.motion import flow_fields, frame_features

Floats = npt.NDArray[np.float32]

MOST_SHOTS = 64
"""That are remembered, the last ones; each takes 0.4 MB."""

_PLACES = (0.25, 0.75)
"""Of the frames that stand for a shot, as shares of its length; its ends may be fades."""

_BESIDE = 1
"""Frames before and after each, over which the network's answers, which differ by chance, are averaged."""

_MOST_TRIED = 3
"""Earlier frames with which a frame may share keypoints alone, as stamps, before it is given up."""


@dataclass(frozen=True)
class Excerpt:
    """A frame of a shot, and those next to it: its place in the shot, and (h, w) float32 L of each by its place."""

    place: int
    frames: dict[int, Floats]


def excerpts(frames: ShotFrames) -> tuple[Excerpt, ...]:
    """Those that stand for a shot."""
    places = sorted({int(share * frames.count) for share in _PLACES})  # one, where it has a frame or two
    around = [range(max(0, place - _BESIDE), min(frames.count, place + _BESIDE + 1)) for place in places]
    return tuple(
        Excerpt(place, {each: frames.lightness(each) for each in some})
        for place, some in zip(places, around, strict=True)
    )


@dataclass(frozen=True)
class View:
    """A frame that stands for a shot.

    Attributes
    ----------
    sight
        What it is recognised by.
    ab
        (h, w, 2) float32, its colours before saturation and strength, CIE Lab units.
    """

    sight: Sight
    ab: Floats

    @property
    def lightness(self) -> Floats:
        """(h, w) float32 L."""
        return np.asarray(self.sight.lightness, np.float32)


class ShotMemory:
    """The last shots of a film.

    Parameters
    ----------
    matcher
        The network.
    strength
        Saturation and strength of the whole film, above 0.

    Attributes
    ----------
    taken, matched
        Shots so far, and those of them that follow earlier ones.
    """

    def __init__(self, matcher: Matcher, strength: float) -> None:
        self._matcher, self._strength = matcher, np.float32(strength)
        self._shots: deque[tuple[View, ...]] = deque(maxlen=MOST_SHOTS)
        self.taken = self.matched = 0

    def remember(self, shot: GuidedShot, found: Sequence[Excerpt]) -> None:
        """Take the next shot as people say that it is.

        Parameters
        ----------
        shot
            Prepared.
        found
            What stands for it.

        Raises
        ------
        EngineError
            The network cannot be run.
        """
        self.taken += 1
        if shot.saturation > 0:  # what is left grey says nothing
            self._shots.append(tuple(self._view(shot, each) for each in found))

    def follow(self, shot: GuidedShot, frames: ShotFrames) -> ShotShift | None:
        """Take the next shot, of which people say nothing.

        Parameters
        ----------
        shot, frames
            As it is without this; and its frames.

        Returns
        -------
        ShotShift or None
            How its colours are to be changed, if they are.

        Raises
        ------
        EngineError
            The network cannot be run.
        """
        self.taken += 1
        found = excerpts(frames)
        views = [self._view(shot, each) for each in found]
        one_place = all(aligned(views[0].sight, other.sight) for other in views[1:])
        told = {place: one for place, view in enumerate(views) if one_place and (one := self._told(view)) is not None}
        if not told:
            self._shots.append(tuple(views))
            return None
        self.matched += 1
        shift = Shift.fitted(list(told.values()))
        known = []
        for number in told:
            view = views[number]
            added = shift.here(view.lightness, view.ab)
            known.append((found[number].place, added))
            small = cv2.resize(added, view.ab.shape[1::-1], interpolation=cv2.INTER_AREA)
            views[number] = replace(view, ab=np.asarray(view.ab + small, np.float32))
        # how a frame that shows none of the earlier ones comes out is not known here
        self._shots.append(tuple(views[number] for number in told))
        return ShotShift(shift, frames, known)

    def _view(self, shot: GuidedShot, found: Excerpt) -> View:
        lightness = found.frames[found.place]
        features = frame_features(lightness)
        height, width = lightness.shape
        total, weight = np.zeros((height, width, 2), np.float32), np.zeros((height, width, 1), np.float32)
        for place, other in found.frames.items():
            answer = self._matcher.colors(other, shot.at(shot.first + place).matching)
            ab = np.asarray(cv2.resize(answer, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
            if place == found.place:
                total, weight = total + ab, weight + 1
            else:
                back, _ = flow_fields(frame_features(other), features)
                trust = back.trust[..., None]
                total, weight = total + trust * back.warp(ab), weight + trust
        ab = total / weight
        planes = shot.at(shot.first + found.place).planes
        if planes is not None:
            ab = Planes(planes.share, planes.added / self._strength).applied(ab)
        small = cv2.resize(ab, answer.shape[1::-1], interpolation=cv2.INTER_AREA)
        return View(Sight.of(lightness), np.asarray(small, np.float32))

    def _told(self, view: View) -> Told | None:
        """What the earlier frame that shows most of the same says of a frame."""
        height, width = view.lightness.shape
        for sight in (view.sight, view.sight.mirrored()):
            alike = [
                (alignment, other)
                for other in (each for shot in self._shots for each in shot)
                if (alignment := aligned(sight, other.sight)) is not None
            ]
            alike.sort(key=lambda one: one[0].agreed, reverse=True)
            for alignment, other in alike[:_MOST_TRIED]:
                trace = traced(sight, other.sight, alignment)
                if trace is not None:
                    known = cv2.resize(other.ab, (width, height), interpolation=cv2.INTER_LINEAR)
                    wanted = trace.fetched(np.asarray(known, np.float32))
                    told = Told.of(view.lightness, view.ab, wanted, trace.trust, trace.followed)
                    return told if told.change.any() else None
        return None
