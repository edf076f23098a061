"""A film's guidance, frame by frame: it reads the film a second time, a shot ahead, and prepares shot after shot.

What people say of a frame holds within its shot, before and after it. So a shot is known whole before its first frame
is coloured: its lightness, at the network's size, is kept until then, in memory or in a file. Whole shots are prepared
whatever part of them is still to be coloured, so that a run that was broken off goes on with the same colours. So are
shots that are to be given the colours of earlier ones (`colorizer.film.guidance.memory`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from colorizer.film.guidance.files import FilmGuidance, Moment
from colorizer.film.guidance.layers import AbandonedError, ShotFrames
from colorizer.film.guidance.matching import Matcher
from colorizer.film.guidance.memory import ShotMemory, excerpts
from colorizer.film.guidance.preparing import FilmFacts, FrameGuidance, Geometry, GuidedShot, Preparation, ScoutedShot
from colorizer.film.pipeline import in_thread
from colorizer.film.shots import Cuts, SmallFrame
from colorizer.film.source import TimedFrame

_SHOTS_AHEAD = 1


class Guide:
    """What is said of each frame of a film.

    Parameters
    ----------
    said
        What people say.
    frames
        The film's frames from its first on, small; read in a thread of its own.
    matcher
        The network and the engine of guidance.
    geometry
        Of the frames.
    strength
        Saturation and strength of the whole film.
    folder
        Where long shots' planes lie meanwhile.

    Attributes
    ----------
    notes
        What is to be said of what could not be used, so far.
    """

    def __init__(
        self,
        said: FilmGuidance,
        frames: Iterator[SmallFrame],
        matcher: Matcher,
        geometry: Geometry,
        *,
        strength: float = 1.0,
        folder: Path | None = None,
    ) -> None:
        self._said, self._folder, self._ended = said, folder, False
        self.notes: list[str] = []
        self._pending: list[Moment] = [*(each.at for each in said.frames), *(each.at for each in said.hints)]
        self._looks = list(said.looks)
        self._film = FilmFacts(matcher, geometry, matcher.everywhere(said), strength, said.carry, self.notes.append)
        self._memory = ShotMemory(matcher, strength) if said.match_shots and strength > 0 else None
        self._frames = frames
        self._stopped = threading.Event()
        self._shots: Iterator[GuidedShot] = in_thread(self._prepared(), _SHOTS_AHEAD, self.stop)
        self._shot: GuidedShot | None = None

    def at(self, number: int) -> FrameGuidance:
        """What is said of a frame; frames are to be asked for in order.

        Raises
        ------
        InputError
            What was given cannot be read.
        AbandonedError
            It was stopped meanwhile.
        """
        shot: GuidedShot | None = self._shot
        while shot is None or number > shot.last:
            if shot is not None:
                shot.close()
            shot = next(self._shots, None)
            self._shot = shot
            if shot is None:
                return FrameGuidance()  # the film, read again, ends earlier
        return shot.at(number)

    def of_frame(self, timed: TimedFrame) -> FrameGuidance:
        """What is said of a frame of the film file; see `at`.

        Raises
        ------
        InputError
            What was given cannot be read.
        """
        return self.at(timed.number)

    def stop(self) -> None:
        """Have whoever waits for a shot wait no longer; a long one is minutes in the making. Any thread may say so."""
        self._stopped.set()

    def close(self) -> None:
        """Let go of the film."""
        if self._shot is not None:
            self._shot.close()
        self._shots.close()  # type: ignore[attr-defined] # a generator

    def last_notes(self) -> list[str]:
        """What is to be said in the end: what is said of frames that the film does not have, and of its shots."""
        notes = [f"nothing is at {moment}: the film ends before" for moment in self._pending if self._ended]
        if self._memory is not None:
            taken, matched = self._memory.taken, self._memory.matched
            notes.append(f"shots that take over the colours of an earlier one of the same place: {matched} of {taken}")
        return notes

    def _prepared(self) -> Iterator[GuidedShot]:
        """The film's shots, each as soon as its last frame is known."""
        with contextlib.closing(self._frames) as frames:  # type: ignore[type-var]
            yield from self._found(frames)

    def _found(self, small: Iterable[SmallFrame]) -> Iterator[GuidedShot]:
        cuts = Cuts()
        shot: ScoutedShot | None = None
        for frame in small:
            if self._stopped.is_set():
                raise AbandonedError
            if cuts.begins(frame.lightness) or shot is None:
                if shot is not None:
                    yield self._finished(shot)
                height, width = frame.lightness.shape
                shot = ScoutedShot(frame.number, ShotFrames(height, width, self._folder, self._stopped))
            self._take(shot, frame)
        self._ended = True
        if shot is not None:
            yield self._finished(shot)

    def _take(self, shot: ScoutedShot, frame: SmallFrame) -> None:
        shot.frames.add(frame.lightness)
        place = shot.frames.count - 1
        here = [m for m in self._pending if m.is_at(frame.number, frame.seconds, self._film.geometry.half)]
        if not here:
            return
        self._pending = [moment for moment in self._pending if moment not in here]
        shot.references += [(place, each) for each in self._said.frames if each.at in here]
        shot.hints += [(place, each) for each in self._said.hints if each.at in here]

    def _finished(self, shot: ScoutedShot) -> GuidedShot:
        first, last = shot.first, shot.first + shot.frames.count - 1
        looks = [look for look in self._looks if first <= look.frame <= last]
        if self._memory is None:
            return Preparation(shot, looks, self._film).run()
        if shot.references or shot.hints or looks:
            found = excerpts(shot.frames)  # before these are let go of
            guided = Preparation(shot, looks, self._film).run()
            self._memory.remember(guided, found)
            return guided
        alone = GuidedShot(first, shot.frames.count, matching=self._film.everywhere)
        try:
            return replace(alone, shift=self._memory.follow(alone, shot.frames))
        finally:
            shot.frames.close()
