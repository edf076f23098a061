"""What goes along with the pictures: streams of every sort into every container, kept or missed in words."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import SMALL_VIEW, Picture, pan, to_grey
from reading import Contents, contents

from colorizer.errors import UsageError
from colorizer.film import FilmOptions, joining
from colorizer.film.job import color_video

RATE, FRAMES = 25, 8
CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi")
QUICK = FilmOptions(preset="ultrafast")


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[6], FRAMES, size=(48, 64)))


@dataclass(frozen=True)
class Sort:
    """A film that has a stream of some sort beside its pictures."""

    container: str
    codec: str = ""  # of sound
    rate: int = 48000
    holders: tuple[str, ...] = CONTAINERS  # that FFmpeg's own program copies it into, or keeps it in by other means


SORTS = {
    "aac": Sort("mp4", "aac", holders=("mp4", "mov", "mkv", "avi")),
    "mp2": Sort("mpegts", "mp2", holders=("mp4", "mov", "mkv", "avi")),
    "opus": Sort("matroska", "libopus", holders=("mp4", "mkv", "webm")),
    "flac": Sort("matroska", "flac", holders=("mp4", "mkv")),
    "pcm": Sort("mov", "pcm_s16le", holders=("mp4", "mov", "mkv", "avi")),
    "mulaw": Sort("avi", "pcm_mulaw", 8000, ("mov", "mkv", "avi")),
    "adpcm": Sort("mov", "adpcm_ima_qt", holders=("mov",)),
    "wma": Sort("asf", "wmav2", holders=("mkv", "avi")),
    "unknown sound": Sort("mov", "aac", holders=()),
    "titles": Sort("matroska", holders=("mkv",)),
    "mp4 titles": Sort("mp4", holders=("mp4", "mov")),
    "teletext": Sort("mpegts", "mp2", holders=()),
    "data": Sort("mp4", holders=("mp4", "mov")),
    "font": Sort("matroska", holders=("mkv",)),
    "cover": Sort("mp4", holders=("mp4", "mkv")),
    "timecode": Sort("mov", holders=("mp4", "mov", "mkv", "webm")),
}


def jpeg() -> bytes:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width = encoder.height = 32
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), "rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


COVER = jpeg()


def make(path: Path, name: str, shots: list[Picture]) -> Path:
    """A film of a sort; its second stream is what it is about."""
    sort = SORTS[name]
    with av.open(str(path), "w", format=sort.container) as out:
        codec = {"mpegts": "mpeg2video", "asf": "msmpeg4"}.get(sort.container, "mpeg4")
        pictures: Any = out.add_stream(codec, rate=RATE)
        pictures.height, pictures.width, pictures.pix_fmt = 48, 64, "yuv420p"
        if name == "timecode":
            pictures.metadata["timecode"] = "01:00:00:00"
        other: Any = None
        if sort.codec:
            other = out.add_stream(sort.codec, rate=sort.rate)
            other.codec_context.layout, other.codec_context.bit_rate = "mono", 64_000
        elif name in ("titles", "mp4 titles"):
            other = out.add_mux_stream("subrip" if name == "titles" else "mov_text")
        elif name == "data":
            other = out.add_data_stream("bin_data")
        elif name == "font":
            out.add_attachment("film.ttf", "application/x-truetype-font", b"\0\1\0\0" + bytes(100))
        elif name == "cover":
            other = out.add_mux_stream("mjpeg", width=32, height=32)
            other.disposition = av.stream.Disposition.attached_pic
        for number, shot in enumerate(shots):
            native = av.VideoFrame.from_ndarray(shot, format="rgb24").reformat(format="yuv420p")
            native.pts, native.time_base = number, pictures.codec_context.time_base or Fraction(1, RATE)
            out.mux(pictures.encode(native))
        out.mux(pictures.encode(None))
        if sort.codec:
            add_sound(out, other, sort)
        elif other is not None:
            packet = av.Packet(COVER if name == "cover" else b"\0\5Hello" if name == "mp4 titles" else b"Hello")
            packet.stream, packet.time_base, packet.pts, packet.dts, packet.duration = (
                other,
                Fraction(1, 1000),
                0,
                0,
                500,
            )
            out.mux(packet)
    if name == "unknown sound":
        hide_codec(path)
    elif name == "teletext":
        declare_teletext(path)
    return path


def add_sound(out: Any, stream: Any, sort: Sort) -> None:
    for begin in range(0, sort.rate, 960):
        tone = np.sin(np.arange(begin, begin + 960) * 0.05) * 0.3
        frame = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = sort.rate, begin, Fraction(1, sort.rate)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def hide_codec(path: Path) -> None:
    """Call the sound what no FFmpeg knows, as new codecs of telephones are."""
    data = path.read_bytes()
    assert data.count(b"mp4a") >= 1
    place = data.rindex(b"esds")  # the pictures' comes first
    path.write_bytes((data[:place] + b"junk" + data[place + 4 :]).replace(b"mp4a", b"apac"))


def declare_teletext(path: Path) -> None:
    """Declare the sound to be teletext, as broadcasts do: ETSI EN 300 468, 6.2.43, with the checksum of the table."""
    data = bytearray(path.read_bytes())
    for packet in range(0, len(data), 188):
        section = packet + 5 + data[packet + 4]
        if (
            data[packet + 1] & 0x40
            and data[section] == 2
            and data[packet + 3] >> 4 & 1
            and data[section + 1] & 0xF0 == 0xB0
        ):
            length = (data[section + 1] & 15) << 8 | data[section + 2]
            table = bytes(data[section : section + 3 + length - 4])
            first = 12 + ((table[10] & 15) << 8 | table[11])
            second = first + 5 + ((table[first + 3] & 15) << 8 | table[first + 4])
            teletext = bytes([0x56, 5]) + b"deu\x09\x00"
            table = (
                table[:second]
                + b"\x06"
                + table[second + 1 : second + 3]
                + struct.pack(">H", 0xF000 | len(teletext))
                + teletext
            )
            size = len(table) + 4 - 3
            table = table[:1] + struct.pack(">H", 0xB000 | size) + table[3:]
            table += checksum(table).to_bytes(4, "big")
            data[section : packet + 188] = (table + b"\xff" * 188)[: packet + 188 - section]
    path.write_bytes(data)


def checksum(data: bytes) -> int:
    """CRC-32 of MPEG's tables: ISO/IEC 13818-1, annex A."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def colored(source: Path, target: Path, film: FilmOptions) -> list[str]:
    said: list[str] = []
    color_video(source, target, SMALL_VIEW, film, on_note=lambda text: said.append(str(text)))
    return said


def sounds(path: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The first sound, decoded."""
    with av.open(str(path)) as film:
        converter = av.AudioResampler("flt", "mono", 48000)
        frames = [out for frame in film.decode(audio=0) for out in converter.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def is_kept(name: str, film: Contents, source: Path, target: Path) -> bool:
    kinds = [track.kind for track in film.tracks]
    if name == "cover":
        return any(track.cover and track.packets[0].digest == cover_digest() for track in film.tracks)
    if name == "timecode":
        return "01:00:00:00" in [value for track in film.tracks for value in track.tags.values()]
    if name == "font":
        return "attachment" in kinds
    if name in ("titles", "mp4 titles"):
        return "subtitle" in kinds
    if name == "data":
        return "data" in kinds
    if name in ("unknown sound", "teletext"):
        return len(kinds) > 1
    if "audio" not in kinds:
        return False
    before, after = sounds(source), sounds(target)
    length = min(len(before), len(after))
    assert length >= 0.9 * len(before)
    return bool(np.abs(before[:length] - after[:length]).max() < 1e-3) or name in ("aac", "opus", "mp2", "wma")


def cover_digest() -> str:
    import hashlib

    return hashlib.sha256(COVER).hexdigest()


QUICK_CASES = {
    ("wma", "mkv"),
    ("wma", "mov"),
    ("unknown sound", "mov"),
    ("teletext", "mkv"),
    ("cover", "mp4"),
    ("timecode", "mov"),
    ("mp4 titles", "webm"),
    ("mp2", "avi"),
}
CASES = [
    pytest.param(name, suffix, marks=() if (name, suffix) in QUICK_CASES else pytest.mark.slow)
    for name in SORTS
    for suffix in CONTAINERS
]


@pytest.mark.parametrize(("name", "suffix"), CASES)
def test_every_stream_is_kept_or_missed_in_words(
    name: str, suffix: str, shots: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "film.src", name, shots)
    target = tmp_path / f"out.{suffix}"
    film = FilmOptions(codec="vp9") if suffix == "webm" else QUICK
    held = suffix in SORTS[name].holders
    if SORTS[name].codec and name not in ("unknown sound", "teletext") and not held:
        with pytest.raises(UsageError, match="does not hold the") as caught:
            colored(source, target, film)
        assert f".{suffix}" not in str(caught.value).split(";")[1]
        assert [path.name for path in tmp_path.iterdir()] == ["film.src"]
        return
    said = " ".join(colored(source, target, film))
    found = contents(target)
    assert len(found.of("video").packets) == FRAMES
    assert is_kept(name, found, source, target) == held
    assert ("left out" in said) == (not held), said


def test_sound_can_be_changed_without_colouring_again(
    shots: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "film.mov", "pcm", shots)
    written = joining.write_film

    def refusing(file: Any, *rest: Any) -> Any:
        if not isinstance(file, io.BytesIO):
            raise av.error.ArgumentError(22, "Invalid argument")
        return written(file, *rest)

    monkeypatch.setattr(joining, "write_film", refusing)
    with pytest.raises(Exception, match="pictures are kept") as caught:
        color_video(source, tmp_path / "out.mov", SMALL_VIEW, QUICK)
    assert "space" not in str(caught.value)
    assert (tmp_path / ".out.mov.colorize" / "000000.segment").exists()
    monkeypatch.undo()
    for change in ({"no_audio": True}, {"audio_codec": "aac"}):
        monkeypatch.setattr(joining, "write_film", refusing)
        with pytest.raises(Exception, match="pictures are kept"):
            color_video(source, tmp_path / "out.mov", SMALL_VIEW, QUICK)
        monkeypatch.undo()
        result = color_video(source, tmp_path / "out.mov", SMALL_VIEW, replace(QUICK, **change), overwrite=True)
        assert (result.frames, result.network_calls) == (FRAMES, 0)
        (tmp_path / "out.mov").unlink()


def test_timecode_moves_on_with_the_part_that_is_taken(shots: list[Picture], tmp_path: Path) -> None:
    source = make(tmp_path / "film.mov", "timecode", shots)
    colored(source, tmp_path / "part.mov", replace(QUICK, start="0.16"))
    film = contents(tmp_path / "part.mov")
    assert film.of("video").tags["timecode"] == "01:00:00:04"
    assert [track.kind for track in film.tracks] == ["video", "data"]


@pytest.mark.parametrize(
    ("text", "rate", "frames", "later"),
    [
        ("01:00:00:00", Fraction(25), 75, "01:00:03:00"),
        ("23:59:59:24", Fraction(25), 1, "00:00:00:00"),
        ("00:00:59;29", Fraction(30000, 1001), 1, "00:01:00;02"),
        ("00:09:59;29", Fraction(30000, 1001), 1, "00:10:00;00"),
        ("00:00:00;00", Fraction(30000, 1001), 107892, "01:00:00;00"),
        ("no timecode", Fraction(25), 5, "no timecode"),
    ],
)
def test_timecodes_count_as_the_standard_says(text: str, rate: Fraction, frames: int, later: str) -> None:
    from colorizer.film.metadata import later_timecode

    assert later_timecode(text, rate, frames) == later
