"""A film whose segments are made on the machines of a cluster, and come out as if they had been made here.

Machines decode and look at segments, and encode them; in between their chroma is steadied here, in order, as the frames
of one film (see `colorizer.film.stages`). Segments are finished in their order too, so that a run that is killed can be
gone on with here or there.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from colorizer.errors import InputError, shown
from colorizer.film.coloring import FilmState, FrameChroma, FrameColorizer, FrameLook, steadying_of
from colorizer.film.encoding import Encode, Encoded, FilmJob
from colorizer.film.handover import load_looks, save_chroma
from colorizer.film.segments import cannot_be_written
from colorizer.film.source import DecodingProblems
from colorizer.film.stages import (
    EncodedSegment,
    EncodeSegment,
    Look,
    Looked,
    Segments,
    SegmentWorker,
)
from colorizer.io.machine import usable_cores
from colorizer.jobs.deciding import NetworkFiles, decided
from colorizer.jobs.executors.base import DistantExecutor, Job, WorkerDied
from colorizer.jobs.guided_segments import GuidedSegment, GuidedSegments

MOST_UNDER_WAY = 64
"""Segments that are begun and not finished, whatever the number of workers: they take room in the work folder."""

_BESIDE_WORKERS = 2
"""Segments that are looked at beside those that workers are at, so that steadying goes on with the next one."""

_BYTES_PER_FRAME = 3 << 20
"""Of a segment, for what is known of each frame at the network's size."""

_FRAMES_HELD = 24
"""Whole frames that decoder and encoder hold at most, with their look-ahead."""


@dataclass(frozen=True)
class LoadFilm:
    """Loads what stages of a film's segments need, on any machine that is given the network's files."""

    network: NetworkFiles
    segments: Segments

    @property
    def files(self) -> tuple[Path, ...]:
        """What the network is read from; see `ReadsFiles`."""
        return self.network.files

    def placed(self, places: Mapping[Path, Path]) -> LoadFilm:
        """The same, where these lie elsewhere."""
        return replace(self, network=self.network.at(places))

    def __call__(self) -> SegmentWorker:
        """Load it."""
        import cv2

        cv2.setNumThreads(self.network.settings.threads or 0)
        return SegmentWorker(self.segments, FrameColorizer(self.network.open(), steadying_of(self.segments.options)))


def encode_on(executor: DistantExecutor) -> Encode:
    """What makes a film's segments on other machines; once, since the executor is for one film."""
    return lambda job: _Spread(job, executor).encode()


class _Spread:
    """A film's segments under way."""

    def __init__(self, job: FilmJob, executor: DistantExecutor) -> None:
        self._job, self._executor = job, executor
        self._segments = Segments(job.source, job.options, job.plan, job.work.path, job.segment_frames)
        self._first = len(job.work.complete())
        self._to_look = self._first  # the next segment for the first stage
        self._finished = self._first  # segments that are complete
        self._last: int | None = None  # the segment in which the film ends, once it is known
        self._problems = DecodingProblems()
        self._looked: dict[int, Looked] = {}
        self._encoded: dict[int, EncodedSegment] = {}
        self._steadied: dict[int, tuple[EncodeSegment, FilmState]] = {}  # those that are to be encoded
        self._frames = dict.fromkeys(range(self._first), job.segment_frames)
        self._guided: dict[int, GuidedSegment] = {}
        self._guidance = GuidedSegments(job.guide, self._segments, self._first, self._begin())
        self._steadier = _Steadier(self._segments, job, self._state(), self._first)

    def encode(self) -> Encoded:
        """Make the segments that are not yet there.

        Raises
        ------
        KeyboardInterrupt
            The executor was told to stop, and did not come to the end.
        InputError, OutputError, EngineError
            What went wrong, here or there.
        """
        with (
            contextlib.closing(self._executor),
            contextlib.closing(self._guidance),
            contextlib.closing(self._steadier),
        ):
            for stage, result in self._executor.run(self._load(), self._jobs()):
                if isinstance(result, WorkerDied):
                    raise InputError(
                        f"{shown(self._job.source)}: several processes that worked on segment {stage.number} ended",
                        remedy="try it without a cluster, and report it if it happens again",
                    )
                self._take(result)
        if self._last is None or self._finished <= self._last:
            raise KeyboardInterrupt
        looked_at = sum(self._frames[number] for number in range(self._first, self._last + 1))
        asked = looked_at if self._job.options.network_every == 1 else self._job.frame_colorizer.network_calls
        return Encoded(sum(self._frames.values()), asked, self._problems)

    def _state(self) -> FilmState:
        return self._job.work.state_after(self._first - 1) if self._first else FilmState()

    def _begin(self) -> int:
        """The number of the film's first frame that is wanted."""
        if self._job.guide is None or self._job.options.span[0] is None:
            return 0
        with contextlib.closing(self._job.reader.frames()) as frames:  # type: ignore[type-var] # a generator
            first = next(frames, None)
        return 0 if first is None else first.number

    def _load(self) -> LoadFilm:
        colorizer = self._job.colorizer
        pictures = self._job.reader.description.frames or self._job.segment_frames
        settings = replace(colorizer.settings, device="cpu")
        network = decided(NetworkFiles(settings, colorizer.model, pictures), self._executor)
        threads = colorizer.settings.threads or self._executor.threads or usable_cores()
        return LoadFilm(replace(network, settings=replace(network.settings, threads=threads)), self._segments)

    def _jobs(self) -> Iterator[Job[Look | EncodeSegment] | None]:
        """What can be done now; second stages first, since segments take room until they are finished."""
        plan = self._job.plan
        memory = self._segments.length * _BYTES_PER_FRAME + _FRAMES_HELD * plan.width * plan.height * 6
        asked = self._job.options.network_every == 1
        while self._last is None or self._finished <= self._last:
            steadied = self._steadier.ready()
            if steadied is not None:
                stage, state = steadied
                self._steadied[stage.number] = stage, state
                yield Job(stage, memory)
            elif self._goes_on() and self._has_room() and (guided := self._guidance.ready()) is not None:
                number = self._to_look
                self._guided[number] = guided
                self._to_look += 1
                yield Job(Look(number, guided.matchings if asked else ()), memory)
            else:
                yield None

    def _has_room(self) -> bool:
        """Whether another segment may be begun."""
        return self._to_look - self._finished < min(self._executor.workers + _BESIDE_WORKERS, MOST_UNDER_WAY)

    def _goes_on(self) -> bool:
        """Whether the film has, or may have, a segment that nobody has looked at."""
        if self._last is not None:
            return False
        frames = self._job.reader.description.frames
        stated = frames is None or self._to_look * self._segments.length < frames
        # where a film is longer than it says, it is looked on as far as it goes
        return stated or self._to_look == self._first + len(self._looked)

    def _take(self, result: Looked | EncodedSegment) -> None:
        if isinstance(result, Looked):
            self._looked[result.number] = result
            if result.frames:
                self._frames[result.number] = result.frames
            if result.problems is not None:
                self._problems = result.problems
                last = result.number if result.frames else result.number - 1
                self._last = last if self._last is None else min(self._last, last)
            self._steadier.give(result, self._guided.pop(result.number))
        else:
            self._encoded[result.number] = result
            self._finish()

    def _finish(self) -> None:
        """Give segments that are complete their names, in their order."""
        work = self._job.work
        while self._finished in self._encoded:
            number = self._finished
            stage, state = self._steadied.pop(number)
            try:
                work.finish(number, self._encoded.pop(number).part, state)
                stage.chroma.unlink()
            except OSError as error:
                raise cannot_be_written(work.path, error) from error
            self._finished += 1
            done = sum(self._frames[each] for each in range(self._finished))
            self._job.progress(done, self._first * self._segments.length)


class _Steadier:
    """A thread in which the chroma of all frames is steadied in their order, as what is known of them comes."""

    def __init__(self, segments: Segments, job: FilmJob, state: FilmState, first: int) -> None:
        self._segments, self._frame_colorizer, self._state = segments, job.frame_colorizer, state
        self._size = job.reader.description.height, job.reader.description.width
        self._next = first
        self._early: dict[int, tuple[Looked, GuidedSegment]] = {}  # what came before its turn
        self._in_order: queue.SimpleQueue[tuple[Looked, GuidedSegment] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[EncodeSegment, FilmState] | BaseException] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def give(self, looked: Looked, guided: GuidedSegment) -> None:
        """Hand over what is known of a segment."""
        self._early[looked.number] = looked, guided
        while self._next in self._early:
            one = self._early.pop(self._next)
            self._in_order.put(one)
            self._next += 1
            if one[0].problems is not None:
                self._in_order.put(None)

    def ready(self) -> tuple[EncodeSegment, FilmState] | None:
        """A segment whose chroma is known, and the state after it; None where there is none now.

        Raises
        ------
        BaseException
            What went wrong in the thread.
        """
        try:
            found = self._done.get_nowait()
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._in_order.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            for found in self._steadied():
                self._done.put(found)
        except BaseException as error:  # it is raised again where it can be handled
            self._done.put(error)

    def _steadied(self) -> Iterator[tuple[EncodeSegment, FilmState]]:
        chroma: Iterator[FrameChroma[int]] = self._frame_colorizer.chroma(self._looks(), self._state)
        while True:
            segment = list(islice(chroma, self._segments.length))
            if not segment or self._closed:
                return
            number = segment[0].item
            path = self._segments.new_part(number, "chroma")
            save_chroma(path, segment)
            yield EncodeSegment(number, path), segment[-1].state

    def _looks(self) -> Iterator[tuple[int, FrameLook]]:
        """Looks at the frames of all segments, each with its segment's number."""
        while (one := self._in_order.get()) is not None:
            looked, guided = one
            with contextlib.closing(guided.frames()) as said:
                for look in load_looks(looked.looks, self._frame_colorizer, said, self._size):
                    yield looked.number, look
                    if self._closed:
                        return
            guided.remove()
            with contextlib.suppress(OSError):
                looked.looks.unlink()
