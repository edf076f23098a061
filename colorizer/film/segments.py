"""A film under way: encoded packets in a work folder, a file for each segment, so that a run can be resumed.

A segment is a number of frames that were encoded by themselves, so it can be decoded by itself. It gets its name only
when it is complete and on the disk; beside it lies the state from which the next one is coloured. Whatever kills the
process, the next run goes on after the last complete segment.

Each segment's encoder begins to count anew, so its decoding times (dts) are not stored. They are computed when segments
are joined, from the times at which frames are shown (pts), so that they rise over the whole film.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
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
from colorizer.film.coloring import FilmState
from colorizer.film.motion import frame_features
from colorizer.film.temporal import TemporalState
from colorizer.io.atomic import write_atomically
from colorizer.io.locks import try_lock

_HEAD = struct.Struct("<qq?I")
"""Of a packet: time shown, duration, whether it is a key frame, bytes that follow."""

_JOB_FILE = "job.json"
_LOCK_FILE = "lock"

_LONGEST_NAME = 255
"""Characters of a name on Windows' and macOS' file systems; Linux counts bytes, and says so itself."""


@dataclass(frozen=True)
class EncodedPacket:
    """An encoded picture."""

    pts: int  # when it is shown, in units of the plan's time base
    duration: int  # likewise
    key: bool  # whether it can be decoded without others
    data: bytes


def work_folder_of(target: Path) -> Path:
    """The folder for a film's segments: named after the film; where that is too long, after a digest of its name.

    Raises
    ------
    OutputError
        The film's own name is too long.
    """
    readable = target.with_name(f".{target.name}.colorize")
    if not _is_too_long(readable):
        return readable
    if _is_too_long(target):
        reason = os.strerror(errno.ENAMETOOLONG)
        raise OutputError(f"{shown(target)}: cannot be written ({reason})", remedy=Remedy.SHORTER_NAME)
    return target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.colorize")


def _is_too_long(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        # Windows says that there is no such file
        return error.errno == errno.ENAMETOOLONG or len(path.name) > _LONGEST_NAME
    return False


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
        The folder cannot be made, or another run works in it.
    """

    def __init__(self, target: Path, job: dict[str, str]) -> None:
        self.path = work_folder_of(target)
        wanted = json.dumps(job, sort_keys=True, indent=1).encode()
        try:
            self.path.mkdir(exist_ok=True)
            self._lock = try_lock(self.path / _LOCK_FILE)
            if self._lock is None:
                raise OutputError(f"{shown(target)}: another run is making it", remedy="wait until that has ended")
            job_file = self.path / _JOB_FILE
            if not job_file.is_file() or job_file.read_bytes() != wanted:
                for path in self.path.iterdir():
                    if path.name != _LOCK_FILE:
                        path.unlink()
                write_atomically(job_file, wanted)
            for part in self.path.glob("*.part"):
                part.unlink()
        except OSError as error:
            remedy = Remedy.SHORTER_NAME if error.errno == errno.ENAMETOOLONG else Remedy.ANOTHER_OUTPUT
            raise OutputError(f"{shown(self.path)}: cannot be made ({error.strerror})", remedy=remedy) from error

    def close(self) -> None:
        """Let others at it; what the next run has no use for goes."""
        if self._lock is not None and not self._lock.closed:
            for part in self.path.glob("*.part"):
                with contextlib.suppress(OSError):
                    part.unlink()
            self._lock.close()

    def remove(self) -> None:
        """Delete it with all it holds."""
        self.close()
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

    def _state(self, number: int) -> Path:
        return self.path / f"{number:06d}.state"

    def part(self, number: int, what: str = "") -> Path:
        """Where something of a segment lies that the next run has no use for, such as the segment under way."""
        return self.path / f"{number:06d}{what}.part"

    def finish(self, number: int, part: Path, state: FilmState) -> None:
        """Give a segment its name, once it and the state after it are on the disk.

        Parameters
        ----------
        number
            Which segment.
        part
            Complete, and on the disk.
        state
            After its last frame.

        Raises
        ------
        OSError
            The disk refuses.
        """
        with self._state(number).open("wb") as file:
            _save_state(file, state)
            os.fsync(file.fileno())
        part.replace(self._segment(number))
        with contextlib.suppress(FileNotFoundError):
            self._state(number - 1).unlink()

    def state_after(self, number: int) -> FilmState:
        """The state after a complete segment, from which the next one is coloured."""
        with self._state(number).open("rb") as file:
            return _load_state(file)


def _save_state(file: IO[bytes], state: FilmState) -> None:
    in_color = np.array(-1 if state.in_color is None else int(state.in_color))
    if state.temporal is None:
        np.savez(file, in_color=in_color)
        return
    temporal = state.temporal
    np.savez(
        file,
        in_color=in_color,
        lightness=temporal.features.lightness,
        color=temporal.color,
        age=np.array(temporal.age),
        gap=np.array(temporal.gap),
        asked=np.array([temporal.asked, temporal.wanted]),
    )


def _load_state(file: IO[bytes]) -> FilmState:
    with np.load(file, allow_pickle=False) as stored:
        in_color = None if stored["in_color"] < 0 else bool(stored["in_color"])
        if "color" not in stored:
            return FilmState(None, in_color)
        features = frame_features(stored["lightness"])
        asked, wanted = (int(number) for number in stored["asked"])
        temporal = TemporalState(features, stored["color"], int(stored["age"]), float(stored["gap"]), asked, wanted)
        return FilmState(temporal, in_color)


@contextlib.contextmanager
def written_part(path: Path) -> Iterator[IO[bytes]]:
    """A file to write packets to; on the disk at the end of the `with` block.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        with path.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_be_written(path.parent, error) from error


def cannot_be_written(folder: Path, error: OSError) -> OutputError:
    """What is said of a work folder that takes no more."""
    return OutputError(f"{shown(folder)}: cannot be written ({error.strerror}); free some space, then run it again")


def write_packet(file: IO[bytes], packet: Any) -> None:
    """Append an encoder's packet to a segment."""
    data = bytes(packet)
    file.write(_HEAD.pack(packet.pts, packet.duration or 0, bool(packet.is_keyframe), len(data)))
    file.write(data)


def _read_packets(path: Path) -> Iterator[EncodedPacket]:
    """The packets of a segment, in the order of decoding."""
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            pts, duration, key, size = _HEAD.unpack(head)
            yield EncodedPacket(pts, duration, key, file.read(size))


def _read_times(path: Path) -> list[int]:
    """The pts of a segment's packets, in the order of decoding; their data is skipped."""
    times = []
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            pts, _, _, size = _HEAD.unpack(head)
            times.append(pts)
            file.seek(size, os.SEEK_CUR)
    return times


@dataclass(frozen=True)
class OrderedPacket:
    """A packet with its place in decoding order."""

    packet: EncodedPacket
    dts: int  # in units of the plan's time base
    duration: int  # until the next frame is shown


def packets_in_order(segments: list[Path]) -> Iterator[OrderedPacket]:
    """All packets of a film with rising dts, none later than its pts.

    The dts of the n-th packet is the n-th smallest pts, delayed by the largest number of packets that any one of them
    is decoded before its turn to be shown (B-frames make it more than 0).
    """
    delay = max((_delay(_read_times(path)) for path in segments), default=0)
    shown_times: list[int] = []
    for path in segments:
        shown_times.extend(sorted(_read_times(path)))
    next_time = dict(pairwise(shown_times))
    step = max(1, shown_times[1] - shown_times[0]) if len(shown_times) > 1 else 1
    number = 0
    for path in segments:
        for packet in _read_packets(path):
            # before the first pts there are no times to take, so they are made up at the film's first step
            missing = delay - number
            dts = shown_times[0] - missing * step if missing > 0 else shown_times[number - delay]
            # encoders round durations; the next frame's time is exact
            duration = next_time[packet.pts] - packet.pts if packet.pts in next_time else packet.duration or step
            yield OrderedPacket(packet, dts, duration)
            number += 1


def _delay(times: list[int]) -> int:
    rank = {time: place for place, time in enumerate(sorted(times))}
    return max((place - rank[time] for place, time in enumerate(times)), default=0)
