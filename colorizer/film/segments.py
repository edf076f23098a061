"""A film under way: encoded packets in a work folder, a file for each segment, so that nothing is lost.

A segment is a number of frames that were encoded by themselves, so it can be decoded by itself. It gets its name only
when it is complete and on the disk; beside it lies what the next one needs to know of the frames before. Whatever kills
the process, the next run goes on after the last complete segment.

The order in time of packets that are decoded (their dts) is set when segments are joined, from the times at which they
are shown, so that it rises over the whole film.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from colorizer.errors import OutputError, Remedy, shown
from colorizer.film.motion import frame_features
from colorizer.film.temporal import State
from colorizer.io.atomic import write_atomically

_HEAD = struct.Struct("<qq?I")
"""Of a packet: time shown, duration, whether it is a key frame, bytes that follow."""

_JOB_FILE = "job.json"


@dataclass(frozen=True)
class Coded:
    """An encoded picture."""

    time: int  # when it is shown, in units of the plan's time base
    duration: int
    key: bool
    data: bytes


@dataclass(frozen=True)
class Memory:
    """What the frames so far leave for the next one."""

    state: State | None
    keeping: bool | None  # whether the scene is in colour already and passes; None before that is known


class WorkFolder:
    """The segments of a film that is being made.

    Parameters
    ----------
    target
        The film's final name; the folder lies beside it.
    job
        Everything that the result depends on; segments of another job are thrown away.

    Raises
    ------
    OutputError
        The folder cannot be made.
    """

    def __init__(self, target: Path, job: dict[str, str]) -> None:
        self.path = target.with_name(f".{target.name}.colorize")
        told = json.dumps(job, sort_keys=True, indent=1).encode()
        try:
            known = self.path.joinpath(_JOB_FILE).read_bytes() if self.path.is_dir() else None
            if known != told:
                self.remove()
                self.path.mkdir()
                write_atomically(self.path / _JOB_FILE, told)
            for part in self.path.glob("*.part"):
                part.unlink()
        except OSError as error:
            raise OutputError(
                f"{shown(self.path)}: cannot be made ({error.strerror})", remedy=Remedy.ANOTHER_OUTPUT
            ) from error

    def remove(self) -> None:
        """Delete it with all it holds."""
        if self.path.is_dir():
            shutil.rmtree(self.path)

    def complete(self) -> list[Path]:
        """Segments that are complete, from the first one without a gap."""
        found: list[Path] = []
        while (path := self._segment(len(found))).is_file():
            found.append(path)
        return found

    def _segment(self, number: int) -> Path:
        return self.path / f"{number:06d}.segment"

    def _memory(self, number: int) -> Path:
        return self.path / f"{number:06d}.memory"

    def open_part(self, number: int) -> IO[bytes]:
        """A file for a segment under way."""
        return (self.path / f"{number:06d}.part").open("wb")

    def finish(self, number: int, part: IO[bytes], memory: Memory) -> None:
        """Give a segment its name, after what comes with it is on the disk."""
        with self._memory(number).open("wb") as file:
            _save_memory(file, memory)
            os.fsync(file.fileno())
        part.flush()
        os.fsync(part.fileno())
        part.close()
        Path(part.name).replace(self._segment(number))
        with contextlib.suppress(FileNotFoundError):
            self._memory(number - 1).unlink()

    def memory_after(self, number: int) -> Memory:
        """What a complete segment leaves for the next one."""
        with self._memory(number).open("rb") as file:
            return _load_memory(file)


def _save_memory(file: IO[bytes], memory: Memory) -> None:
    keeping = np.array(-1 if memory.keeping is None else int(memory.keeping))
    if memory.state is None:
        np.savez(file, keeping=keeping)
        return
    state = memory.state
    np.savez(
        file,
        keeping=keeping,
        lightness=state.features.lightness,
        color=state.color,
        age=np.array(state.age),
        gap=np.array(state.gap),
    )


def _load_memory(file: IO[bytes]) -> Memory:
    with np.load(file, allow_pickle=False) as stored:
        keeping = None if stored["keeping"] < 0 else bool(stored["keeping"])
        if "color" not in stored:
            return Memory(None, keeping)
        state = State(frame_features(stored["lightness"]), stored["color"], int(stored["age"]), float(stored["gap"]))
        return Memory(state, keeping)


def write_coded(file: IO[bytes], packet: Any) -> None:
    """Append a packet of PyAV's to a segment."""
    data = bytes(packet)
    file.write(_HEAD.pack(packet.pts, packet.duration or 0, bool(packet.is_keyframe), len(data)))
    file.write(data)


def read_coded(path: Path) -> Iterator[Coded]:
    """The packets of a segment, in the order of decoding."""
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            time, duration, key, size = _HEAD.unpack(head)
            yield Coded(time, duration, key, file.read(size))


def _times(path: Path) -> list[int]:
    times = []
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            time, _, _, size = _HEAD.unpack(head)
            times.append(time)
            file.seek(size, os.SEEK_CUR)
    return times


@dataclass(frozen=True)
class Ordered:
    """A packet with its place in decoding order."""

    coded: Coded
    decoded: int  # dts
    duration: int


def in_order(segments: list[Path]) -> Iterator[Ordered]:
    """All packets of a film with rising dts, none later than its pts.

    dts of the n-th packet is the n-th smallest pts, delayed by the largest number of packets that any one of them is
    decoded before its turn to be shown.
    """
    delay = max((_delay(_times(path)) for path in segments), default=0)
    shown_times: list[int] = []
    for path in segments:
        shown_times.extend(sorted(_times(path)))
    follows = dict(pairwise(shown_times))
    step = max(1, shown_times[1] - shown_times[0]) if len(shown_times) > 1 else 1
    number = 0
    for path in segments:
        for coded in read_coded(path):
            early = delay - number
            decoded = shown_times[0] - early * step if early > 0 else shown_times[number - delay]
            duration = follows[coded.time] - coded.time if coded.time in follows else coded.duration or step
            yield Ordered(coded, decoded, duration)
            number += 1


def _delay(times: list[int]) -> int:
    rank = {time: place for place, time in enumerate(sorted(times))}
    return max((place - rank[time] for place, time in enumerate(times)), default=0)
