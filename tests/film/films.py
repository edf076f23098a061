"""Films made by PyAV from photographs that move: what the tests of this room colour, and what they read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from colorizer import Settings

Picture = npt.NDArray[np.uint8]

SMALL_VIEW = Settings(model="lite", engine="opencv", size=64)
"""A small view of the frames, for tests of all but their colours: worse ones, in a fifth of the time."""


def pan(photo: Path, frames: int, size: tuple[int, int] = (96, 128), step: float = 1.5) -> list[Picture]:
    """(H, W, 3) RGB frames: a window that moves over a photograph."""
    picture = np.asarray(cv2.cvtColor(np.asarray(cv2.imread(str(photo))), cv2.COLOR_BGR2RGB), np.uint8)
    height, width = size
    scale = max(height * 1.3 / picture.shape[0], (width + step * frames + 4) / picture.shape[1])
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shots = []
    for number in range(frames):
        place = np.array([[1, 0, number * step], [0, 1, number * step * 0.2]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        shots.append(np.asarray(cv2.warpAffine(large, place, (width, height), flags=flags), np.uint8))
    return shots


def noisy(frames: Sequence[Picture], deviation: float, seed: int = 7) -> list[Picture]:
    """Grey film grain over frames: the same on R, G and B."""
    rng = np.random.default_rng(seed)
    grained = []
    for frame in frames:
        grain = rng.normal(0, deviation, frame.shape[:2])[..., None]
        grained.append(np.clip(np.rint(frame + grain), 0, 255).astype(np.uint8))
    return grained


def to_grey(frames: Sequence[Picture]) -> list[Picture]:
    """Frames without colour: (H, W, 3), R = G = B."""
    return [np.dstack([np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)] * 3) for frame in frames]


@dataclass(frozen=True)
class Recipe:
    """How a film is made."""

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    time_base: Fraction = Fraction(1, 24000)
    times: Sequence[int] | None = None  # of the frames, in the time base; else by `rate`
    rate: Fraction = Fraction(24)
    options: dict[str, str] = field(default_factory=lambda: {"crf": "12", "preset": "ultrafast"})
    sounds: Sequence[str] = ("aac",)
    subtitles: bool = False
    metadata: dict[str, str] = field(default_factory=lambda: {"title": "A film"})
    chapters: bool = False
    rotation: int = 0
    aspect: Fraction | None = None
    full_range: bool = False
    colorspace: int = 1
    setup: Callable[[Any], None] | None = None


def make_film(path: Path, frames: Sequence[Picture], recipe: Recipe = Recipe()) -> Path:
    """Write a film."""
    step = 1 / (recipe.rate * recipe.time_base)
    times = recipe.times or [round(number * step) for number in range(len(frames))]
    seconds = float((times[-1] + step) * recipe.time_base)
    with av.open(str(path), "w") as out:
        out.metadata.update(recipe.metadata)
        stream = out.add_stream(recipe.codec, rate=recipe.rate, options=recipe.options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = recipe.pix_fmt
        stream.codec_context.time_base = stream.time_base = recipe.time_base
        stream.codec_context.colorspace = recipe.colorspace
        stream.codec_context.color_range = 2 if recipe.full_range else 1
        if recipe.aspect:
            stream.codec_context.sample_aspect_ratio = recipe.aspect
        if recipe.setup:
            recipe.setup(stream.codec_context)
        if recipe.rotation:
            stream.set_display_rotation(recipe.rotation)
        sounds = [_sound_stream(out, name, number) for number, name in enumerate(recipe.sounds)]
        titles = out.add_mux_stream("subrip" if path.suffix == ".mkv" else "mov_text") if recipe.subtitles else None
        if recipe.chapters:
            base = Fraction(1, 1000)
            half = round(seconds * 500)
            out.set_chapters(
                [
                    {"id": 1, "start": 0, "end": half, "time_base": base, "metadata": {"title": "One"}},
                    {"id": 2, "start": half, "end": 2 * half, "time_base": base, "metadata": {"title": "Two"}},
                ]
            )
        for frame, time in zip(frames, times, strict=True):
            native = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format=recipe.pix_fmt,
                dst_colorspace="ITU709" if recipe.colorspace == 1 else "ITU601",
                dst_color_range="JPEG" if recipe.full_range else "MPEG",
            )
            native.pts, native.time_base = time, recipe.time_base
            for packet in stream.encode(native):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
        for number, sound in enumerate(sounds):
            _add_sound(out, sound, seconds, 300 + 200 * number, float(times[0] * recipe.time_base))
        if titles is not None:
            _add_titles(out, titles, seconds)
    return path


def _sound_stream(out: Any, name: str, number: int) -> Any:
    stream = out.add_stream(name, rate=48000)
    stream.codec_context.layout = "mono"
    stream.metadata["language"] = ("eng", "fra", "deu")[number]
    return stream


def _add_sound(out: Any, stream: Any, seconds: float, pitch: float, begin: float) -> None:
    tone = np.sin(np.arange(int(48000 * seconds)) * (2 * np.pi * pitch / 48000)) * 0.3
    samples = tone.astype(np.float32)[None]
    for start in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, start : start + 1024]), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start + round(begin * 48000), Fraction(1, 48000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _add_titles(out: Any, stream: Any, seconds: float) -> None:
    data = b"Hello" if out.format.name == "matroska" else b"\x00\x05Hello"
    packet = av.Packet(data)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = 100
    packet.duration = round(seconds * 500)
    out.mux(packet)


@dataclass(frozen=True)
class Seen:
    """What is in a film that was read back."""

    times: list[Fraction]  # of the frames, in seconds
    planes: list[list[npt.NDArray[Any]]]  # Y', Cb, Cr of each frame
    packets: dict[int, list[tuple[Fraction, str]]]  # times and hashes, by the stream's index; not of the pictures
    metadata: dict[str, str]
    languages: list[str | None]
    chapters: list[tuple[Fraction, Fraction, str]]
    pix_fmt: str
    tags: tuple[int, int]  # colorspace, range
    rotation: int
    aspect: Fraction | None
    kinds: list[str]


def planes_of(native: Any) -> list[npt.NDArray[Any]]:
    """The planes of a frame as arrays."""
    found = []
    for plane in native.planes:
        kind = np.dtype(np.uint16 if "le" in native.format.name else np.uint8)
        pitch = plane.line_size // kind.itemsize
        found.append(np.frombuffer(plane, kind).reshape(-1, pitch)[: plane.height, : plane.width].copy())
    return found


def look(path: Path) -> Seen:
    """Read a whole film back."""
    with av.open(str(path)) as film:
        video = film.streams.video[0]
        natives = list(film.decode(video))
        first = natives[0]
        tags = (int(first.colorspace), int(first.color_range))
        found = Seen(
            times=[native.pts * native.time_base for native in natives],
            planes=[planes_of(native) for native in natives],
            packets={},
            metadata=dict(film.metadata),
            languages=[stream.language for stream in film.streams if stream.type != "video"],
            chapters=[
                (
                    entry["start"] * entry["time_base"],
                    entry["end"] * entry["time_base"],
                    entry["metadata"].get("title", ""),
                )
                for entry in film.chapters()
            ],
            pix_fmt=first.format.name,
            tags=tags,
            rotation=first.rotation,
            aspect=video.sample_aspect_ratio,
            kinds=[stream.type for stream in film.streams],
        )
    with av.open(str(path)) as film:
        for packet in film.demux():
            if packet.stream.type != "video" and packet.pts is not None:
                digest = hashlib.sha256(bytes(packet)).hexdigest()
                found.packets.setdefault(packet.stream.index, []).append((packet.pts * packet.time_base, digest))
    return found
