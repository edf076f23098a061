"""What people say of a film's frames, segment by segment, made ready ahead of those who colour them.

A shot is known whole before its first frame is coloured. That is the work of one machine, in a thread of its own; what
is large of it lies in the film's work folder until its turn comes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count, repeat
from pathlib import Path

import numpy as np

from colorizer.film.guidance.guide import Guide
from colorizer.film.guidance.layers import Planes
from colorizer.film.guidance.matching import Matching
from colorizer.film.guidance.preparing import FrameGuidance
from colorizer.film.handover import save
from colorizer.film.stages import Segments


@dataclass(frozen=True)
class GuidedSegment:
    """What is said of a segment's frames; nothing, unless something is.

    Attributes
    ----------
    without_planes
        Of each frame; the last segment may have fewer frames than this.
    planes
        The file that holds the others' planes.
    """

    without_planes: tuple[FrameGuidance, ...] = ()
    planes: Path | None = None

    @property
    def matchings(self) -> tuple[Matching, ...]:
        """What each frame's prediction is changed by; nothing where that is so for all."""
        found = tuple(each.matching for each in self.without_planes)
        return found if any(found) else ()

    def frames(self) -> Generator[FrameGuidance | None, None, None]:
        """What is said of each frame, one after another."""
        if self.planes is None:
            yield from repeat(None)
            return
        with np.load(self.planes, allow_pickle=False) as stored:
            for place, each in enumerate(self.without_planes):
                planes, carried = stored.get(str(place)), stored.get(f"shift{place}")
                shift = each.shift
                if shift is not None and carried is not None:
                    shift = replace(shift, planes=carried.astype(np.float32))
                unstacked = None if planes is None else Planes.unstacked(planes.astype(np.float32))
                yield replace(each, planes=unstacked, shift=shift)

    def remove(self) -> None:
        """Let go of it."""
        if self.planes is not None:
            with contextlib.suppress(OSError):
                self.planes.unlink()


class GuidedSegments:
    """The segments of a film in their order, each made ready while those before are at work.

    Parameters
    ----------
    guide
        What is said, frame by frame; None: nothing. Nobody else may ask it until this is closed.
    segments
        The film.
    first
        The first segment that is wanted.
    begin
        The number of the film's frame with which segments begin.
    """

    def __init__(self, guide: Guide | None, segments: Segments, first: int, begin: int) -> None:
        self._guide = guide
        if guide is not None:
            self._made = _made(guide, segments, first, begin)
            self._pool = ThreadPoolExecutor(1)
            self._next = self._pool.submit(next, self._made)

    def ready(self) -> GuidedSegment | None:
        """The next segment; None where it is not ready yet.

        Raises
        ------
        InputError
            What was given cannot be read.
        OutputError
            The work folder cannot be written to.
        """
        if self._guide is None:
            return GuidedSegment()
        if not self._next.done():
            return None
        found = self._next.result()
        self._next = self._pool.submit(next, self._made)
        return found

    def close(self) -> None:
        """Let go of the guide."""
        if self._guide is not None:
            self._guide.stop()
            self._pool.shutdown(wait=True, cancel_futures=True)


def _made(guide: Guide, segments: Segments, first: int, begin: int) -> Iterator[GuidedSegment]:
    for number in count(first):
        start = begin + number * segments.length
        light, arrays = [], {}
        for place in range(segments.length):
            said = guide.at(start + place)
            if said.planes is not None:
                # as they come: shots are kept in halves, too
                arrays[str(place)] = said.planes.stacked().astype(np.float16)
            shift = said.shift
            if shift is not None:
                arrays[f"shift{place}"] = shift.planes.astype(np.float16)
                shift = replace(shift, planes=shift.planes[:0])
            light.append(replace(said, planes=None, shift=shift))
        path = segments.new_part(number, "guidance")
        save(path, arrays)
        yield GuidedSegment(tuple(light), path)
