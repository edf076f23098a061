"""Bad films: clear errors or sensible results, and never a part of a film under the final name."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import SMALL_VIEW, Picture, Recipe, look, make_film, pan, to_grey

from colorizer.cli.wording import worded
from colorizer.errors import InputError, OutputError, UsageError
from colorizer.film import FilmOptions, is_video
from colorizer.film.formats import codec_for, container_of
from colorizer.film.job import FilmResult, color_video
from colorizer.film.streams import parse_rawvideo

QUICK = FilmOptions(codec="h264", preset="ultrafast")


@pytest.fixture(scope="session")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[2], 16))


def colored(source: Path, target: Path, film: FilmOptions = QUICK) -> FilmResult:
    return color_video(source, target, SMALL_VIEW, film)


def test_a_truncated_film_gives_what_can_be_read(shots: list[Picture], tmp_path: Path) -> None:
    whole = make_film(tmp_path / "whole.mkv", shots, Recipe(options={"crf": "12", "g": "4"}))
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = colored(part, tmp_path / "out.mkv")
    assert 2 <= result.frames < 16
    assert len(look(tmp_path / "out.mkv").times) == result.frames


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "sounds"),
    [
        ("film.mkv", "libx264", "yuv420p", ("aac",)),
        ("film.mov", "prores_ks", "yuv422p10le", ("aac",)),
        ("film.mp4", "libx264", "yuv420p", ("aac",)),
        ("film.avi", "mjpeg", "yuvj420p", ("mp2",)),
        ("film.flv", "flv", "yuv420p", ()),
    ],
)
def test_a_film_that_was_cut_off_says_how_much_of_it_is_there(
    name: str, codec: str, pix_fmt: str, sounds: tuple[str, ...], shots: list[Picture], tmp_path: Path
) -> None:
    recipe = Recipe(codec, pix_fmt, rate=Fraction(4), options={"g": "1"}, sounds=sounds)
    whole = index_first(make_film(tmp_path / name, shots, recipe))
    part = tmp_path / f"part{whole.suffix}"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = colored(part, tmp_path / "out.mkv")
    (said,) = (remark for remark in result.notes if "seconds" in remark)
    end, stated = (float(word) for word in re.findall(r"\d+\.\d", said))
    assert abs(stated - 4) < 0.3
    assert abs(end - result.frames / 4) < 0.3
    assert "seconds" not in str(colored(whole, tmp_path / "whole.mkv").notes)


def index_first(film: Path) -> Path:
    """An MP4 or MOV written anew with its index before its packets, so that a part of it can be opened."""
    if film.suffix not in (".mp4", ".mov"):
        return film
    target = film.with_stem("indexed")
    with av.open(str(film)) as source, av.open(str(target), "w", options={"movflags": "faststart"}) as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return target


def test_the_part_between_start_and_end_is_no_film_cut_off(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mkv", shots, Recipe(rate=Fraction(4)))
    span = FilmOptions(codec="h264", preset="ultrafast", start="0.5", end="1")
    assert colored(source, tmp_path / "out.mkv", span).notes == ()


def test_transparency_that_is_left_out_is_said(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mov", shots[:2], Recipe("prores_ks", "yuva444p10le", sounds=()))
    said: list[str] = []
    color_video(source, tmp_path / "out.mov", SMALL_VIEW, QUICK, on_note=lambda text: said.append(str(text)))
    assert any("transparency is left out" in remark for remark in said)


def test_a_film_without_its_index_is_refused(shots: list[Picture], tmp_path: Path) -> None:
    whole = make_film(tmp_path / "whole.mp4", shots)
    part = tmp_path / "part.mp4"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match=r"part\.mp4: cannot be read as a film"):
        colored(part, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.glob("*out*")] == []


def test_damaged_packets_are_passed_over_and_counted(shots: list[Picture], tmp_path: Path) -> None:
    recipe = Recipe("ffv1", time_base=Fraction(1, 1000), options={"level": "3", "slicecrc": "1"}, sounds=())
    source = make_film(tmp_path / "film.mkv", shots, recipe)
    with av.open(str(source)) as film:
        places = [(packet.pos, packet.size) for packet in film.demux() if packet.size]
    data = bytearray(source.read_bytes())
    for position, size in places[5:7]:
        begin = position + size // 2
        data[begin : begin + 60] = bytes(random.Random(1).randbytes(60))
    source.write_bytes(data)
    result = colored(source, tmp_path / "out.mkv")
    assert 14 <= result.frames <= 16
    assert any("damaged" in remark for remark in result.notes)


def test_sound_alone_nothing_and_junk_are_refused(shots: list[Picture], tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    with pytest.raises(InputError, match="holds no moving pictures"):
        colored(tmp_path / "sound.mp4", tmp_path / "out.mp4")
    for content in (b"", b"junk" * 400, b"\x1aE\xdf\xa3" + bytes(300)):
        (tmp_path / "junk.mkv").write_bytes(content)
        with pytest.raises(InputError, match=r"junk\.mkv"):
            colored(tmp_path / "junk.mkv", tmp_path / "out.mp4")
    with pytest.raises(InputError, match=r"missing\.mp4: no such file; check the name"):
        colored(tmp_path / "missing.mp4", tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_one_frame_is_a_film(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots[:1], Recipe(sounds=()))
    assert colored(source, tmp_path / "out.mp4").frames == 1
    assert look(tmp_path / "out.mp4").times == look(source).times


@pytest.mark.parametrize("time_base", [Fraction(1, 1_000_000), Fraction(1, 25), Fraction(1, 90001)])
def test_odd_time_bases_keep_their_times(time_base: Fraction, shots: list[Picture], tmp_path: Path) -> None:
    recipe = Recipe(time_base=time_base, rate=Fraction(25), sounds=())
    source = make_film(tmp_path / "film.mp4", shots[:6], recipe)
    colored(source, tmp_path / "out.mp4")
    assert look(tmp_path / "out.mp4").times == look(source).times


def test_frames_of_another_size_in_mid_stream_are_scaled(shots: list[Picture], tmp_path: Path) -> None:
    source = tmp_path / "film.ts"
    with av.open(str(source), "w") as out:
        large: Any = out.add_stream("mpeg2video", rate=25)
        large.width, large.height, large.pix_fmt = 128, 96, "yuv420p"
        small = av.CodecContext.create("mpeg2video", "w")
        small.width, small.height, small.pix_fmt = 64, 48, "yuv420p"
        small.time_base, small.framerate = Fraction(1, 25), Fraction(25)
        for number, frame in enumerate(shots[:12]):
            native = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")
            native.pts, native.time_base = number, Fraction(1, 25)
            encoder = large
            if number >= 6:
                native, encoder = native.reformat(64, 48), small
            for packet in encoder.encode(native):
                packet.stream = large
                packet.time_base = Fraction(1, 25)
                out.mux(packet)
            if number == 5:
                out.mux(large.encode(None))
        for packet in small.encode(None):
            packet.stream, packet.time_base = large, Fraction(1, 25)
            out.mux(packet)
    result = colored(source, tmp_path / "out.mp4")
    assert result.frames >= 10
    assert any("another size" in remark for remark in result.notes)
    assert look(tmp_path / "out.mp4").planes[-1][0].shape == (96, 128)


def test_options_that_do_not_fit_are_refused_before_any_work(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots[:2])
    for film, name, words in (
        (FilmOptions(codec="vp9"), "out.mov", "does not hold vp9"),
        (FilmOptions(), "out.gif", "endings"),
        (FilmOptions(preset="nonsense"), "out.mp4", "preset nonsense"),
        (FilmOptions(codec="ffv1", crf=3), "out.mkv", "no constant quality"),
        (FilmOptions(pixel_format="yuv999p"), "out.mp4", "pixel_format=yuv999p"),
        (FilmOptions(start="0:10"), "out.mp4", "no frame lies between"),
    ):
        with pytest.raises((UsageError, InputError), match=words):
            colored(source, tmp_path / name, film)
    with pytest.raises(OutputError, match="create the folder"):
        colored(source, tmp_path / "none" / "out.mp4")
    assert sorted(path.name for path in tmp_path.glob("*")) == ["film.mp4"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "soon"},
        {"start": "5", "end": "4"},
        {"every": "0"},
        {"every": "often"},
        {"crf": 99},
        {"steadiness": 1.0},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=[*wrong][-1]):
        FilmOptions(**wrong)


def test_films_are_told_from_pictures(shots: list[Picture], photographs: list[Path], tmp_path: Path) -> None:
    for name in ("film.mp4", "film.mkv", "film.avi", "film.mov"):
        assert is_video(make_film(tmp_path / name, shots[:1], Recipe(sounds=())).rename(tmp_path / f"{name}.bin"))
    assert not any(is_video(path) for path in photographs)
    assert not is_video(tmp_path / "missing.jpg")
    assert is_video(tmp_path / "missing.mkv")
    (tmp_path / "picture.avif").write_bytes(b"\x00\x00\x00\x1cftypavif")
    assert not is_video(tmp_path / "picture.avif")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: FilmOptions(start="soon"), "--start soon: expected seconds, or H:MM:SS"),
        (lambda: FilmOptions(start="5", end="4"), "--end 4: expected a time after the start"),
        (lambda: FilmOptions(every="often"), "--every often: expected auto or a number from 1"),
        (lambda: parse_rawvideo("4x4"), "--rawvideo 4x4: expected WIDTHxHEIGHT@RATE:PIX_FMT, such as 640x480@25:gray"),
        (lambda: container_of(Path("a.gif")), "choose one of them with -o"),
        (
            lambda: codec_for("ffv1", "mp4", Path("a.mp4")),
            "a.mp4: .mp4 does not hold ffv1; choose .mkv or .avi with -o",
        ),
    ],
)
def test_the_command_line_spells_options_as_they_are_typed(wrong: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        wrong()
    assert words in worded(caught.value)
    assert "--" not in str(caught.value)
    assert "-o" not in str(caught.value)
