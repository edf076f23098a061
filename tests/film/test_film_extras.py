"""Streams that are neither pictures nor sound, encoders that are missing, and deinterlacing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import SMALL_VIEW, Picture, Recipe, look, make_film, pan, to_grey

from colorizer.errors import OutputError, UsageError
from colorizer.film import FilmOptions, encoder, trial
from colorizer.film.job import color_video
from colorizer.film.preview import write_preview

QUICK = FilmOptions(codec="h264", preset="ultrafast")
LOSSLESS = FilmOptions(codec="ffv1")
FONT = b"\x00\x01\x00\x00" + bytes(range(200))
TELEMETRY = [b"GPMF%d" % number for number in range(3)]


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[6], 6))


def colored(source: Path, target: Path, film: FilmOptions) -> list[str]:
    said: list[str] = []
    color_video(source, target, SMALL_VIEW, film, on_note=lambda text: said.append(str(text)))
    return said


def film_with(path: Path, shots: list[Picture], *, font: bool = False, data: bool = False) -> Path:
    with av.open(str(path), "w") as out:
        pictures: Any = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        pictures.height, pictures.width = shots[0].shape[:2]
        pictures.pix_fmt = "yuv420p"
        if font:
            out.add_attachment("film.ttf", "application/x-truetype-font", FONT)
        telemetry: Any = out.add_data_stream("bin_data") if data else None
        for number, shot in enumerate(shots):
            native = av.VideoFrame.from_ndarray(shot, format="rgb24").reformat(format="yuv420p")
            native.pts, native.time_base = number, Fraction(1, 25)
            out.mux(pictures.encode(native))
        out.mux(pictures.encode(None))
        for number, told in enumerate(TELEMETRY if data else ()):
            packet = av.Packet(told)
            packet.stream, packet.time_base = telemetry, Fraction(1, 1000)
            packet.pts = packet.dts = number * 40
            packet.duration = 40
            out.mux(packet)
    return path


def test_telemetry_goes_where_it_is_held_and_is_missed_in_words_elsewhere(shots: list[Picture], tmp_path: Path) -> None:
    source = film_with(tmp_path / "film.mp4", shots, data=True)
    assert colored(source, tmp_path / "out.mp4", QUICK) == []
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert [bytes(packet) for packet in film.demux(film.streams.data[0]) if packet.size] == TELEMETRY
    said = colored(source, tmp_path / "out.mkv", QUICK)
    assert any("the data stream 1 (bin_data) is left out, .mkv does not hold it" in text for text in said)
    assert look(tmp_path / "out.mkv").kinds == ["video"]


def test_attached_fonts_go_where_they_are_held(shots: list[Picture], tmp_path: Path) -> None:
    source = film_with(tmp_path / "film.mkv", shots, font=True)
    assert colored(source, tmp_path / "out.mkv", QUICK) == []
    with av.open(str(tmp_path / "out.mkv")) as film:
        font: Any = film.streams.attachments[0]
        assert (font.name, font.mimetype, bytes(font.data)) == ("film.ttf", "application/x-truetype-font", FONT)
    said = colored(source, tmp_path / "out.mp4", QUICK)
    assert any("attachment stream 1" in text and ".mp4 does not hold it" in text for text in said)


def test_a_missing_encoder_is_named_with_what_is_there(
    shots: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_film(tmp_path / "film.mp4", shots[:2])
    bare = encoder.encoders() - {"libx264", "libx265", "libopus"}
    for module in (encoder, trial):
        monkeypatch.setattr(module, "encoders", lambda: bare)
    with pytest.raises(OutputError, match=r"lacks the encoder libx264; choose codec=vp9 or av1$"):
        colored(source, tmp_path / "out.mp4", FilmOptions())
    with pytest.raises(OutputError, match=r"lacks the encoder libopus; choose audio_codec=copy or aac or flac or pcm"):
        colored(source, tmp_path / "out.mkv", replace(LOSSLESS, audio_codec="opus"))
    monkeypatch.setattr(encoder, "encoders", frozenset[str])
    with pytest.raises(OutputError, match=r"choose another container for the result"):
        colored(source, tmp_path / "out.mp4", FilmOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_odd_sides_take_the_codec_that_holds_them(shots: list[Picture], tmp_path: Path) -> None:
    odd = [frame[:95, :127] for frame in shots[:3]]
    recipe = Recipe("ffv1", "yuv420p", Fraction(1, 1000), options={}, sounds=())
    source = make_film(tmp_path / "odd.mkv", odd, recipe)
    said = colored(source, tmp_path / "out.mp4", FilmOptions())
    assert any("libsvtav1 in place of libx264, which takes no odd sides in yuv420p" in text for text in said)
    before, after = look(source), look(tmp_path / "out.mp4")
    assert after.planes[0][0].shape == (95, 127)
    assert (
        max(np.abs(new[0].astype(float) - old[0]).mean() for old, new in zip(before.planes, after.planes, strict=True))
        < 3
    )
    colored(source, tmp_path / "own.mp4", FilmOptions(codec="vp9"))
    assert look(tmp_path / "own.mp4").planes[0][0].shape == (95, 127)
    with pytest.raises(UsageError, match=r"libx265 takes no odd sides such as 127x95.* codec=av1, vp9 or ffv1"):
        colored(source, tmp_path / "no.mp4", FilmOptions(codec="h265"))
    with pytest.raises(UsageError, match="odd sides"):
        colored(source, tmp_path / "no.avi", FilmOptions())


@pytest.fixture
def combed(tmp_path: Path) -> tuple[Path, list[Picture]]:
    """A film whose fields are a moment apart, bottom first, and the whole frames of those moments."""
    height, width = 96, 128
    y, x = np.mgrid[0:height, 0:width]
    moments = [
        np.repeat((128 + 60 * np.sin((x + 3 * time) / 7) + 30 * np.sin(y / 9))[..., None], 3, axis=-1).astype(np.uint8)
        for time in range(16)
    ]
    frames = []
    for number in range(8):
        frame = moments[2 * number + 1].copy()
        frame[1::2] = moments[2 * number][1::2]
        frames.append(frame)

    def interlaced(context: av.VideoCodecContext) -> None:
        context.flags |= av.codec.context.Flags.interlaced_dct

    options = {"crf": "4", "preset": "ultrafast"}
    recipe = Recipe(options=options, setup=interlaced, sounds=("aac",), rate=Fraction(25), time_base=Fraction(1, 25))
    return make_film(tmp_path / "fields.mp4", frames, recipe), moments


@pytest.mark.parametrize(("rate", "count"), [("frame", 8), ("field", 16)])
def test_fields_become_whole_frames_at_the_moments_of_the_film(
    rate: Any, count: int, combed: tuple[Path, list[Picture]], tmp_path: Path
) -> None:
    source, moments = combed
    film = replace(LOSSLESS, deinterlace=rate)
    colored(source, tmp_path / "out.mkv", film)
    before, after = look(source), look(tmp_path / "out.mkv")
    step = Fraction(1, 25) * 8 / count
    # Matroska begins with the sound, which is a little earlier
    assert [time - after.times[0] for time in after.times] == [number * step for number in range(count)]
    assert [digest for _, digest in after.packets[1]] == [digest for _, digest in before.packets[1]]
    true = moments[:: 16 // count]
    scale = 219 / 255
    errors = [
        np.abs(planes[0][8:-8] - (moment[8:-8, :, 0] * scale + 16.0)).mean()
        for planes, moment in zip(after.planes[1:-1], true[1:-1], strict=True)
    ]
    assert max(errors) < 3
    left = np.abs(before.planes[2][0][8:-8] - (moments[4][8:-8, :, 0] * scale + 16.0)).mean()
    assert left > 2 * max(errors)
    with av.open(str(tmp_path / "out.mkv")) as opened:
        assert not any(frame.interlaced_frame for frame in opened.decode(video=0))
    part = replace(film, start="0.1", end="0.2")
    colored(source, tmp_path / "part.mkv", part)
    assert len(look(tmp_path / "part.mkv").times) == (2 if rate == "frame" else 5)
    assert write_preview(source, tmp_path / "sheet.jpg", 3, SMALL_VIEW, film) == 3
