"""A container's clock is not the film's time: whatever it shows, the film begins at 0 and lasts as long as it lasts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import SMALL_VIEW, Picture, Recipe, make_film, pan, planes_of, to_grey
from reading import Contents, contents

from colorizer.film import FilmOptions
from colorizer.film.job import color_video

RATE, FRAMES = 12, 36
WRAP = (1 << 33) / 90_000
CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi")
QUICK = FilmOptions(preset="ultrafast")


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[6], FRAMES, size=(48, 64)))


def broadcast(path: Path, shots: list[Picture], start: float) -> Path:
    """A transport stream whose clock shows `start` where the film begins."""
    # the muxer's own delay of 1.4 seconds is part of the clock
    options = {"output_ts_offset": str(start), "muxdelay": "0", "muxpreload": "0"}
    with av.open(str(path), "w", format="mpegts", container_options=options) as out:
        pictures: Any = out.add_stream("mpeg2video", rate=RATE, options={"g": "6"})
        pictures.height, pictures.width, pictures.pix_fmt = 48, 64, "yuv420p"
        pictures.codec_context.bit_rate = 2_000_000
        sound: Any = out.add_stream("mp2", rate=48000)
        sound.codec_context.layout = "mono"
        heard = 0
        for number, shot in enumerate(shots):
            native = av.VideoFrame.from_ndarray(shot, format="rgb24").reformat(format="yuv420p")
            native.pts, native.time_base = number, Fraction(1, RATE)
            out.mux(pictures.encode(native))
            while heard * RATE < 48000 * (number + 1):
                tone = np.sin(np.arange(heard, heard + 1152) * 0.05).astype(np.float32) * 8000
                frame = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], "s16", "mono")
                frame.sample_rate, frame.pts, frame.time_base = 48000, heard, Fraction(1, 48000)
                out.mux(sound.encode(frame))
                heard += 1152
        out.mux(pictures.encode(None))
        out.mux(sound.encode(None))
    return path


def options_for(suffix: str, **more: Any) -> FilmOptions:
    if suffix == "webm":
        return FilmOptions(codec="vp9", audio_codec="opus", **more)
    return replace(QUICK, **more)


def colored(source: Path, target: Path, film: FilmOptions) -> Contents:
    color_video(source, target, SMALL_VIEW, film)
    return contents(target)


def check_whole(film: Contents, source: Contents, suffix: str) -> None:
    times = sorted(packet.time for packet in film.of("video").packets)
    sound = film.of("audio").packets
    assert len(times) == FRAMES
    assert abs((times[-1] - times[0]) - Fraction(FRAMES - 1, RATE)) <= Fraction(1, 900)
    assert min(times[0], sound[0].time) == 0 or suffix in ("mkv", "webm")
    assert -Fraction(3, 100) <= min(times[0], sound[0].time) <= Fraction(1, 100)
    assert times[0] < Fraction(1, 4)
    if suffix == "webm":
        return
    first = min(packet.time for packet in source.of("video").packets)
    before = {packet.digest: packet.time - first for packet in source.of("audio").packets}
    after = {packet.digest: packet.time - times[0] for packet in sound}
    # AVI has no times, so sound is in step to a packet; Matroska counts milliseconds
    slack = {"mkv": Fraction(1, 1000), "avi": Fraction(24, 1000)}.get(suffix, Fraction(1, 48000))
    assert len(after) >= len(before) - (suffix == "avi")
    assert max(abs(before[digest] - time) for digest, time in after.items()) <= slack


def check_part(film: Contents, suffix: str) -> None:
    times = sorted(packet.time for packet in film.of("video").packets)
    assert len(times) == RATE
    assert abs(times[0]) <= Fraction(8, 1000)
    sound = [packet.time for packet in film.of("audio").packets]
    assert -Fraction(1, 50) <= sound[0] - times[0] <= Fraction(24, 1000)
    assert Fraction(93, 100) <= sound[-1] - times[0] <= Fraction(101, 100)


STARTS = {"0": 0.0, "an hour": 3600.0, "14 hours": 50_000.0, "across the wrap": WRAP - 1.5}
QUICK_CASES = {("across the wrap", "mp4"), ("14 hours", "mkv")}
CASES = [
    pytest.param(STARTS[start], suffix, id=f"{start}-{suffix}", marks=() if quick else pytest.mark.slow)
    for start in STARTS
    for suffix in CONTAINERS
    for quick in [(start, suffix) in QUICK_CASES]
]


@pytest.mark.parametrize(("start", "suffix"), CASES)
def test_a_clock_that_begins_anywhere(start: float, suffix: str, shots: list[Picture], tmp_path: Path) -> None:
    source = broadcast(tmp_path / "film.ts", shots, start)
    check_whole(colored(source, tmp_path / f"out.{suffix}", options_for(suffix)), contents(source), suffix)
    part = colored(source, tmp_path / f"part.{suffix}", options_for(suffix, start="1", end="2"))
    check_part(part, suffix)


def test_recordings_joined_with_clocks_of_their_own_go_on(shots: list[Picture], tmp_path: Path) -> None:
    one = broadcast(tmp_path / "one.ts", shots, 7200)
    other = broadcast(tmp_path / "other.ts", shots, 100)
    (tmp_path / "film.ts").write_bytes(one.read_bytes() + other.read_bytes())
    film = colored(tmp_path / "film.ts", tmp_path / "out.mp4", QUICK)
    times = sorted(packet.time for packet in film.of("video").packets)
    assert len(times) >= 2 * FRAMES - 1
    steps = [after - before for before, after in pairwise(times)]
    assert max(steps) < Fraction(1, 4)
    assert abs(times[-1] - times[0] - Fraction(2 * FRAMES - 1, RATE)) < Fraction(1, 4)
    sound = film.of("audio").packets
    assert abs(sound[-1].time - times[-1]) < Fraction(1, 4)


def late_sound(path: Path, shots: list[Picture]) -> Path:
    """Plain samples, all of one value, that begin half a second after the pictures."""
    with av.open(str(path), "w") as out:
        pictures: Any = out.add_stream("mpeg4", rate=RATE)
        pictures.height, pictures.width, pictures.pix_fmt = 48, 64, "yuv420p"
        sound: Any = out.add_stream("pcm_s16le", rate=48000)
        sound.codec_context.layout = "mono"
        for number, shot in enumerate(shots):
            native = av.VideoFrame.from_ndarray(shot, format="rgb24").reformat(format="yuv420p")
            native.pts, native.time_base = number, Fraction(1, RATE)
            out.mux(pictures.encode(native))
        out.mux(pictures.encode(None))
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(np.full((1, 4800), 9000, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 24000 + number * 4800, Fraction(1, 48000)
            out.mux(sound.encode(frame))
    return path


def test_sound_that_begins_late_has_silence_before_it_in_avi(shots: list[Picture], tmp_path: Path) -> None:
    source = late_sound(tmp_path / "film.mov", shots)
    color_video(source, tmp_path / "out.avi", SMALL_VIEW, QUICK)
    with av.open(str(tmp_path / "out.avi")) as film:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(audio=0)])
    assert np.flatnonzero(samples)[0] == 24000
    assert (samples[24000:] == 9000).all()
    assert len(samples) == 24000 + 20 * 4800


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video", "mpeg4"])
def test_sound_and_pictures_of_avi_begin_together(codec: str, shots: list[Picture], tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.avi"), "w") as out:
        pictures: Any = out.add_stream(codec, rate=25)
        pictures.height, pictures.width, pictures.pix_fmt = 48, 64, "yuv420p"
        pictures.codec_context.max_b_frames = 0
        sound: Any = out.add_stream("pcm_s16le", rate=48000)
        sound.codec_context.layout = "mono"
        for number, shot in enumerate(shots):
            native = av.VideoFrame.from_ndarray(shot, format="rgb24").reformat(format="yuv420p")
            native.pts, native.time_base = number, Fraction(1, 25)
            out.mux(pictures.encode(native))
            frame = av.AudioFrame.from_ndarray(np.full((1, 1920), 9000, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, number * 1920, Fraction(1, 48000)
            out.mux(sound.encode(frame))
        out.mux(pictures.encode(None))
    film = colored(tmp_path / "film.avi", tmp_path / "out.mkv", QUICK)
    assert min(packet.time for packet in film.of("video").packets) == film.of("audio").packets[0].time == 0


def test_a_part_is_counted_from_the_first_frame_where_that_is_late(shots: list[Picture], tmp_path: Path) -> None:
    times = [2 * 24000 + number * 2000 for number in range(FRAMES)]
    source = make_film(tmp_path / "film.mkv", shots, Recipe(times=times, rate=Fraction(RATE)))
    color_video(source, tmp_path / "out.mkv", SMALL_VIEW, replace(QUICK, start="1", end="2", codec="ffv1", preset=None))
    with av.open(str(source)) as film:
        wanted = [planes_of(frame)[0] for frame in film.decode(video=0)][RATE : 2 * RATE]
    with av.open(str(tmp_path / "out.mkv")) as film:
        found = [planes_of(frame)[0] for frame in film.decode(video=0)]
    assert len(found) == RATE
    assert all(np.array_equal(old, new) for old, new in zip(wanted, found, strict=True))
