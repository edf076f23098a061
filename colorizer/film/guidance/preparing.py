"""A shot that was read, made ready to be coloured: what people say of it, brought to each of its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane
from colorizer.color.pixels import lightness as lightness_of_pixels
from colorizer.color.resample import fitted
from colorizer.errors import InputError, shown
from colorizer.film.guidance.files import FrameHints, FrameReference, read_frame
from colorizer.film.guidance.following import followed_hints
from colorizer.film.guidance.layers import Anchor, Planes, ShotFrames, carried
from colorizer.film.guidance.matching import Matcher, Matching, scaled
from colorizer.film.guidance.shift import FrameShift, ShotShift
from colorizer.film.guidance.store import PlaneStore
from colorizer.guidance.files import SAME_ASPECT, ShotLook, check_picture, look_of
from colorizer.guidance.hints import Guidance, Hint
from colorizer.guidance.placing import in_fractions
from colorizer.guidance.references import Known

Floats = npt.NDArray[np.float32]

_COVERED = 0.98
"""Share of a frame that colours have reached along the motion, from which on nothing is matched."""

_OTHER_LOOK = 22
"""Signs of 64 in which a frame in colour may differ from the film's own; grain and retouching change some."""

_REFERENCE_SIDE = 1024


@dataclass(frozen=True)
class FrameGuidance:
    """What is said of one frame.

    Attributes
    ----------
    saturation
        Factor on its chroma, beside the film's; 0 leaves it grey.
    matching
        What its prediction is changed by.
    shift
        What its steadied chroma is changed by towards an earlier shot; None: nothing.
    planes
        What its chroma is changed by in the end; None: nothing.
    """

    saturation: float = 1.0
    matching: Matching = Matching()
    shift: FrameShift | None = None
    planes: Planes | None = None

    def shifted(self, ab: Floats, lightness: Floats) -> Floats:
        """Its chroma, (h', w', 2), with what follows an earlier shot; (h, w) L."""
        return ab if self.shift is None else self.shift.applied(ab, lightness)


@dataclass(frozen=True)
class Geometry:
    """Of a film's frames: their size, how far players turn them, and how long one is shown."""

    height: int
    width: int
    turn: int  # degrees against the clock
    half: Fraction  # seconds: half of what a frame is shown

    @property
    def quarters(self) -> int:
        """Quarter turns against the clock."""
        return round(self.turn / 90) % 4

    @property
    def shown_size(self) -> tuple[int, int]:
        """Height and width, as players show it."""
        return (self.width, self.height) if self.quarters % 2 else (self.height, self.width)

    def stored(self, hint: Hint) -> Hint:
        """A hint on a frame as it is shown, in fractions, on the frame as it is stored."""
        points = hint.points
        for _ in range(self.quarters):
            points = tuple((1 - y, x) for x, y in points)
        return replace(hint, points=points, frame=None)


@dataclass(frozen=True)
class FilmFacts:
    """What all shots of a film share.

    Attributes
    ----------
    matcher
        The network and the engine of guidance.
    geometry
        Of the frames.
    everywhere
        What every frame's prediction is changed by.
    strength
        Saturation and strength of the whole film.
    carry
        How far hints go beyond their own objects.
    note
        Called with what could not be used as it was meant.
    """

    matcher: Matcher
    geometry: Geometry
    everywhere: Matching
    strength: float
    carry: float
    note: Callable[[str], None]


@dataclass
class ScoutedShot:
    """A shot while it is read."""

    first: int
    frames: ShotFrames

    def __post_init__(self) -> None:
        self.references: list[tuple[int, FrameReference]] = []
        self.hints: list[tuple[int, FrameHints]] = []


@dataclass(frozen=True)
class GuidedShot:
    """A shot that is ready to be coloured."""

    first: int
    count: int
    saturation: float = 1.0
    matching: Matching = Matching()
    planes: PlaneStore | None = None
    nearest: Callable[[int], tuple[Known, ...]] = lambda _: ()
    covered: Sequence[float] = ()  # share of each frame that references reach along the motion
    shift: ShotShift | None = None  # towards earlier shots of the same place

    @property
    def last(self) -> int:
        """The number of its last frame."""
        return self.first + self.count - 1

    def at(self, number: int) -> FrameGuidance:
        """What is said of a frame of the film."""
        place = number - self.first
        if self.shift is not None and place >= 0:
            return FrameGuidance(self.saturation, self.matching, self.shift.at(place))
        if self.planes is None or place < 0:
            return FrameGuidance(self.saturation, self.matching)
        matching = self.matching
        if self.covered and self.covered[place] < _COVERED:
            matching = replace(matching, known=(*matching.known, *self.nearest(place)))
        return FrameGuidance(self.saturation, matching, planes=Planes.unstacked(self.planes.get(place)))

    def close(self) -> None:
        """Let go of its planes."""
        if self.shift is not None:
            self.shift.close()
        if self.planes is not None:
            self.planes.close()


class Preparation:
    """Makes a shot that was read one that can be coloured."""

    def __init__(self, shot: ScoutedShot, looks: Sequence[ShotLook], film: FilmFacts) -> None:
        self._shot, self._looks, self._frames, self._film = shot, looks, shot.frames, film
        self._matcher, self._geometry = film.matcher, film.geometry
        self._truth: dict[int, Floats] = {}  # by place, ab of the network's size
        self._known: dict[int, Known] = {}

    def run(self) -> GuidedShot:
        """The shot; what it was read into is let go of.

        Raises
        ------
        InputError
            What was given cannot be read, or does not fit the film.
        """
        shot, count = self._shot, self._frames.count
        saturation = float(np.prod([0.0 if look.grey else look.saturation for look in self._looks]))
        own = self._matcher.palettes((), [color for look in self._looks for color in look.palette])
        matching = replace(self._film.everywhere, palettes=own) if own else self._film.everywhere
        if saturation == 0:
            self._frames.close()
            return GuidedShot(shot.first, count, 0.0, Matching())
        factor = self._film.strength * saturation
        matching = replace(matching, known=(*matching.known, *self._read_references()))
        hints = self._own_hints(matching, factor)
        if not self._truth and not hints:
            self._frames.close()
            return GuidedShot(shot.first, count, saturation, matching)
        planes = PlaneStore((self._frames.height, self._frames.width, 3), self._frames.folder)
        covered = self._by_references(planes)
        if hints:
            self._by_hints(planes, hints, matching, factor)
        self._places = sorted(self._truth)
        # the lightness of references is all that is needed from here on
        self._kept = {place: self._frames.lightness(place) for place in self._places}
        self._frames.close()
        return GuidedShot(shot.first, count, saturation, matching, planes, self._nearest, covered)

    def _read_references(self) -> Iterator[Known]:
        """Have the shot's frames in colour; what is another picture than the film's frame is matched with all of it."""
        for place, reference in self._shot.references:
            pixels = np.rot90(read_frame(reference), -self._geometry.quarters)
            small = fitted(np.ascontiguousarray(pixels), _REFERENCE_SIDE)
            ratio = small.shape[0] / small.shape[1] * self._geometry.width / self._geometry.height
            here = self._frames.lightness(place)
            size = (self._frames.width, self._frames.height)
            light = np.asarray(cv2.resize(lightness_of_pixels(small), size, interpolation=cv2.INTER_AREA), np.float32)
            signs = (int(look_of(light), 16) ^ int(look_of(here), 16)).bit_count()
            if abs(ratio - 1) > SAME_ASPECT or signs > _OTHER_LOOK:
                self._film.note(
                    f"{shown(reference.path)}: shows something else than {reference.at} of the film; its colours are "
                    "matched with that shot"
                )
                yield self._matcher.known_picture(pixels)
            else:
                self._truth[place] = np.asarray(
                    cv2.resize(chroma_plane(small), size, interpolation=cv2.INTER_AREA), np.float32
                )

    def _own_hints(self, matching: Matching, factor: float) -> dict[int, list[Hint]]:
        found: dict[int, list[Hint]] = {}
        for place, each in self._shot.hints:
            if not self._fits(place, each):
                continue
            guidance = in_fractions(Guidance(each.hints), self._geometry.shown_size)
            found.setdefault(place, []).extend(map(self._geometry.stored, guidance.hints))
        for look in self._looks:
            if look.variant is not None:
                place = self._frames.count // 2
                said = self._said_of(place, matching, factor, None)
                found.setdefault(place, []).extend(
                    self._matcher.proposal(self._frames.lightness(place), said, look.variant)
                )
        return found

    def _fits(self, place: int, hints: FrameHints) -> bool:
        """Whether hints were made on this frame, as far as they say; it is said where not, and they are left out."""
        seen = np.rot90(self._frames.lightness(place), self._geometry.quarters)
        try:
            check_picture(hints.made_for, *self._geometry.shown_size, look_of(np.ascontiguousarray(seen)))
        except InputError as error:
            self._film.note(f"{hints.name}: {hints.at}: {error}")
            return False
        return True

    def _said_of(self, place: int, matching: Matching, factor: float, planes: Planes | None) -> Any:
        """What there is without hints on a frame."""
        lightness = self._frames.lightness(place)
        said = self._matcher.say(lightness)
        if matching:
            said = replace(said, ab=said.ab + self._matcher.change(lightness, said, matching))
        said = scaled(said, factor)
        if planes is not None and planes.share.any():
            ab = cv2.resize(said.ab, (self._frames.width, self._frames.height), interpolation=cv2.INTER_LINEAR)
            said = replace(said, ab=planes.applied(np.asarray(ab, np.float32)))
        return said

    def _by_references(self, planes: PlaneStore) -> list[float]:
        """Carry the colours of references; how much of each frame they reach."""
        frames = self._frames
        if not self._truth:
            nothing = Planes.none(frames.height, frames.width).stacked()
            for place in range(frames.count):
                planes.put(place, nothing)
            return []
        whole = np.ones((frames.height, frames.width), np.float32)
        anchors = [Anchor(place, Planes(whole, ab)) for place, ab in sorted(self._truth.items())]
        covered = []
        for place, (found, trust) in enumerate(carried(frames, anchors)):
            planes.put(place, found.weighted(trust).stacked())
            covered.append(float(trust.mean()))
        return covered

    def _by_hints(self, planes: PlaneStore, hints: dict[int, list[Hint]], matching: Matching, factor: float) -> None:
        """Put what hints say on top."""
        anchors = []
        for place, all_hints in sorted(followed_hints(self._frames, hints).items()):
            said = self._said_of(place, matching, factor, Planes.unstacked(planes.get(place)))
            lightness = self._frames.lightness(place)
            anchors.append(Anchor(place, self._matcher.hinted(lightness, said, all_hints, self._film.carry)))
        for place, (found, trust) in enumerate(carried(self._frames, anchors)):
            below = Planes.unstacked(planes.get(place))
            planes.put(place, found.weighted(trust).after(below).stacked())

    def _nearest(self, place: int) -> tuple[Known, ...]:
        """References of the shot next to a frame."""
        before = [each for each in self._places if each <= place][-1:]
        after = [each for each in self._places if each > place][:1]
        wanted = (*before, *after)
        for one in wanted:
            if one not in self._known:
                self._known[one] = self._matcher.known_frame(self._kept[one], self._truth[one])
        self._known = {one: known for one, known in self._known.items() if one in wanted}
        return tuple(self._known[one] for one in wanted)
