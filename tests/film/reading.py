"""What an independent reader finds in a film: FFmpeg's own program where it is installed, else its demuxer."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av


@dataclass(frozen=True)
class Packet:
    """When a packet is shown, in seconds, and what is in it."""

    time: Fraction
    digest: str


@dataclass(frozen=True)
class Track:
    """A stream of a film."""

    kind: str
    codec: str
    cover: bool
    packets: list[Packet]
    tags: dict[str, str]


@dataclass(frozen=True)
class Contents:
    """A film's streams and tags."""

    tracks: list[Track]
    tags: dict[str, str]

    def of(self, kind: str) -> Track:
        """The first stream of a kind that is no cover."""
        return next(track for track in self.tracks if track.kind == kind and not track.cover)


def contents(path: Path) -> Contents:
    """Read a film from beginning to end."""
    return _by_program(path) if shutil.which("ffprobe") else _by_demuxer(path)


def _by_program(path: Path) -> Contents:
    shown = ["-show_streams", "-show_format", "-show_packets", "-show_data_hash", "sha256"]
    command = ["ffprobe", "-v", "error", *shown, "-of", "json", f"file:{path}"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    packets: dict[int, list[Packet]] = {}
    for packet in found.get("packets", []):
        base = _base(found["streams"][packet["stream_index"]])
        # AVI knows the order alone, and what FFmpeg gives for pts is a guess; covers know no time
        names = ("dts", "pts") if found["format"]["format_name"] == "avi" else ("pts", "dts")
        time = next((packet[name] for name in names if name in packet), 0)
        if packet["size"] != "0":
            one = Packet(time * base, packet["data_hash"].removeprefix("SHA256:").lower())
            packets.setdefault(packet["stream_index"], []).append(one)
    tracks = [
        Track(
            stream["codec_type"],
            stream.get("codec_name", "unknown"),
            bool(stream["disposition"]["attached_pic"]),
            packets.get(stream["index"], []),
            stream.get("tags", {}),
        )
        for stream in found["streams"]
    ]
    return Contents(tracks, found["format"].get("tags", {}))


def _base(stream: dict[str, Any]) -> Fraction:
    return Fraction(stream["time_base"])


def _by_demuxer(path: Path) -> Contents:
    with av.open(str(path)) as film:
        packets: dict[int, list[Packet]] = {}
        for packet in film.demux():
            # AVI knows the order alone, and what FFmpeg gives for pts is a guess; covers know no time
            time = packet.dts if packet.pts is None or film.format.name == "avi" else packet.pts
            if packet.size:
                one = Packet((time or 0) * packet.time_base, hashlib.sha256(bytes(packet)).hexdigest())
                packets.setdefault(packet.stream.index, []).append(one)
        covers = av.stream.Disposition.attached_pic
        tracks = [
            Track(
                stream.type,
                str(getattr(stream, "name", None) or "unknown"),
                bool(stream.disposition & covers),
                packets.get(stream.index, []),
                dict(stream.metadata),
            )
            for stream in film.streams
        ]
        return Contents(tracks, dict(film.metadata))
