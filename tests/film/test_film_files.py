"""Films from file to file: everything that is not colour stays."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import SMALL_VIEW, Picture, Recipe, look, make_film, pan, planes_of, to_grey
from skimage.color import rgb2lab

from colorizer.errors import OutputError, UsageError
from colorizer.film import FilmOptions
from colorizer.film.encoder import Encoder, plan_encoding
from colorizer.film.job import color_video
from colorizer.film.source import FilmReader

FRAMES = 14
QUICK = FilmOptions(codec="h264", preset="ultrafast")
LOSSLESS = FilmOptions(codec="ffv1")
MILLISECONDS = Fraction(1, 1000)


@pytest.fixture(scope="session")
def shots(photographs: list[Path]) -> list[Picture]:
    """A grey film's frames."""
    photo = next(path for path in photographs if path.stem == "meadow-and-mountain")
    return to_grey(pan(photo, FRAMES))


def colored(source: Path, target: Path, film: FilmOptions, segment_frames: int = 5) -> list[str]:
    """Colour a film in short segments; what was said of it."""
    said: list[str] = []
    result = color_video(
        source, target, SMALL_VIEW, film, on_note=lambda text: said.append(str(text)), segment_frames=segment_frames
    )
    assert not list(target.parent.glob(f".{target.name}*"))
    return [*said, *result.notes]


VARIABLE = [
    7200 + time for time in (0, 700, 2200, 2300, 4000, 6100, 6500, 8000, 9100, 9900, 12000, 12400, 15000, 15800)
]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(rate=Fraction(24000, 1001), time_base=Fraction(1, 24000), sounds=("aac", "aac"), subtitles=True),
        Recipe(rate=Fraction(30000, 1001), time_base=Fraction(1, 30000), chapters=True, rotation=90),
        Recipe(times=VARIABLE, options={"crf": "12", "preset": "veryfast", "bf": "3"}, aspect=Fraction(16, 15)),
    ],
    ids=["23.976, two sounds, subtitles", "29.97, chapters, turned", "variable, late start, B-frames, wide pixels"],
)
def test_sound_times_and_all_that_is_told_stay(recipe: Recipe, shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots, recipe)
    colored(source, tmp_path / "out.mp4", QUICK)
    before, after = look(source), look(tmp_path / "out.mp4")
    assert after.times == before.times
    for index, kind in enumerate(before.kinds):
        if kind in ("audio", "subtitle"):
            assert after.packets[index] == before.packets[index]
    assert after.languages[: len(recipe.sounds)] == before.languages[: len(recipe.sounds)]
    assert after.metadata["title"] == before.metadata["title"]
    assert after.chapters == before.chapters
    assert len(after.chapters) == (2 if recipe.chapters else 0)
    assert after.rotation == before.rotation
    assert after.aspect == before.aspect
    assert np.ptp(after.planes[3][1]) > 3


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"])
def test_the_luma_plane_is_kept_bit_for_bit(pix_fmt: str, shots: list[Picture], tmp_path: Path) -> None:
    recipe = Recipe("ffv1", pix_fmt, MILLISECONDS, options={}, sounds=())
    source = make_film(tmp_path / "film.mkv", shots, recipe)
    colored(source, tmp_path / "out.mkv", LOSSLESS)
    before, after = look(source), look(tmp_path / "out.mkv")
    assert (after.pix_fmt, after.tags, after.times) == (before.pix_fmt, before.tags, before.times)
    for old, new in zip(before.planes, after.planes, strict=True):
        assert np.array_equal(old[0], new[0])
        assert np.ptp(new[1]) > 3


@pytest.mark.parametrize("full_range", [False, True])
def test_grey_formats_become_420_with_their_range(full_range: bool, shots: list[Picture], tmp_path: Path) -> None:
    recipe = Recipe("ffv1", "gray", MILLISECONDS, options={}, sounds=(), full_range=full_range)
    source = make_film(tmp_path / "film.mkv", shots, recipe)
    colored(source, tmp_path / "out.mkv", LOSSLESS)
    before, after = look(source), look(tmp_path / "out.mkv")
    assert (before.pix_fmt, after.pix_fmt) == ("gray", "yuv420p")
    assert after.tags == (1, 2 if full_range else 1)
    assert all(np.array_equal(old[0], new[0]) for old, new in zip(before.planes, after.planes, strict=True))


def test_odd_sizes_are_kept_or_refused_with_a_remedy(shots: list[Picture], tmp_path: Path) -> None:
    odd = [frame[:95, :127] for frame in shots]
    recipe = Recipe("ffv1", "yuv420p", MILLISECONDS, options={}, sounds=())
    source = make_film(tmp_path / "odd.mkv", odd, recipe)
    colored(source, tmp_path / "out.mkv", LOSSLESS)
    before, after = look(source), look(tmp_path / "out.mkv")
    assert after.planes[0][1].shape == (48, 64)
    assert np.array_equal(before.planes[2][0], after.planes[2][0])
    with pytest.raises(UsageError, match=r"odd sides such as 127x95.*pixel_format=yuv444p"):
        colored(source, tmp_path / "out.mp4", QUICK)
    colored(source, tmp_path / "out.mp4", replace(QUICK, pixel_format="yuv444p"))
    assert look(tmp_path / "out.mp4").planes[0][0].shape == (95, 127)
    assert not (tmp_path / ".out.mp4.colorize").exists()


@pytest.mark.parametrize(
    ("codec", "name", "pix_fmt"),
    [
        ("h265", "out.mp4", "yuv420p"),
        ("vp9", "out.webm", "yuv420p"),
        ("av1", "out.mkv", "yuv420p"),
        ("prores", "out.mov", "yuv422p10le"),
        ("h264", "out.avi", "yuv420p"),
    ],
)
def test_every_codec_writes_the_film(codec: str, name: str, pix_fmt: str, shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots)
    preset = {"h265": "ultrafast", "h264": "ultrafast", "av1": "12"}.get(codec)
    audio = "opus" if name.endswith("webm") else "copy"
    colored(source, tmp_path / name, FilmOptions(codec=codec, preset=preset, audio_codec=audio), segment_frames=8)
    before, after = look(source), look(tmp_path / name)
    assert after.pix_fmt == pix_fmt
    assert len(after.times) == len(before.times)
    # Matroska counts milliseconds from the beginning of the sound, which is earlier; AVI counts frames
    slack = Fraction(1, 1000) if name != "out.mov" else Fraction(0)
    since_first = [
        (new - after.times[0], old - before.times[0]) for new, old in zip(after.times, before.times, strict=True)
    ]
    assert all(abs(new - old) <= slack for new, old in since_first)
    assert after.kinds == ["video", "audio"]
    luma = [
        np.abs(new[0].astype(float) / (4 if "10" in pix_fmt else 1) - old[0]).mean()
        for old, new in zip(before.planes, after.planes, strict=True)
    ]
    assert max(luma) < 3


def test_opencv_shows_the_solved_colours(shots: list[Picture], tmp_path: Path) -> None:
    """An independent decoder and converter against the planes that were meant."""
    large = [np.asarray(cv2.resize(frame, (512, 384), interpolation=cv2.INTER_CUBIC), np.uint8) for frame in shots[:4]]
    recipe = Recipe("ffv1", "yuv444p", MILLISECONDS, options={}, sounds=(), colorspace=6)
    source = make_film(tmp_path / "film.mkv", large, recipe)
    film = replace(QUICK, preset="medium", pixel_format="yuv420p")
    colored(source, tmp_path / "meant.mkv", LOSSLESS)
    colored(source, tmp_path / "out.mp4", film)
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    meant = look(tmp_path / "meant.mkv").planes
    errors = []
    for luma, blue, red in meant:
        y, cb, cr = (luma - 16.0) / 219, (blue - 128.0) / 224, (red - 128.0) / 224
        rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
        good, bgr = capture.read()
        assert good
        errors.append(np.linalg.norm(rgb2lab(bgr[..., ::-1]) - rgb2lab(np.clip(rgb, 0, 1)), axis=-1).mean())
    assert np.mean(errors) < 1.5


def test_a_part_of_a_film_begins_at_zero_with_its_sound(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots)
    colored(source, tmp_path / "part.mp4", replace(QUICK, start="0.25", end="0:00.5"))
    part, whole = look(tmp_path / "part.mp4"), look(source)
    kept = [time for time in whole.times if Fraction(1, 4) <= time < Fraction(1, 2)]
    assert part.times == [time - Fraction(1, 4) for time in kept]
    sound = {digest for _, digest in whole.packets[1]}
    assert part.packets[1]
    assert all(digest in sound and time >= 0 for time, digest in part.packets[1])


def test_sound_can_be_left_out_or_encoded_anew(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots)
    colored(source, tmp_path / "mute.mp4", replace(QUICK, no_audio=True))
    assert look(tmp_path / "mute.mp4").kinds == ["video"]
    colored(source, tmp_path / "flac.mkv", replace(QUICK, audio_codec="flac"))
    assert look(tmp_path / "flac.mkv").kinds == ["video", "audio"]
    with pytest.raises(UsageError, match=r"does not hold the aac sound .* audio_codec="):
        colored(source, tmp_path / "out.webm", FilmOptions())


def test_what_exists_is_kept_and_the_film_itself_never_overwritten(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots[:3])
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError, match="overwrite=True"):
        color_video(source, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"
    content = source.read_bytes()
    with pytest.raises(UsageError, match="is the film itself"):
        color_video(source, source, overwrite=True)
    assert source.read_bytes() == content


def test_scenes_in_colour_pass_and_grey_ones_are_coloured(photographs: list[Path], tmp_path: Path) -> None:
    by_name = {path.stem: path for path in photographs}
    color, grey = pan(by_name["citrus-slices"], 5), to_grey(pan(by_name["forest-stream"], 5))
    recipe = Recipe("ffv1", "yuv420p", MILLISECONDS, options={}, sounds=())
    source = make_film(tmp_path / "film.mkv", color + grey, recipe)
    settings = replace(SMALL_VIEW, keep_color=True)
    color_video(source, tmp_path / "out.mkv", settings, LOSSLESS, segment_frames=3)
    before, after = look(source).planes, look(tmp_path / "out.mkv").planes
    for number in range(5):
        assert all(np.array_equal(old, new) for old, new in zip(before[number], after[number], strict=True))
    assert all(np.ptp(before[number][1]) == 0 and np.ptp(after[number][1]) > 3 for number in range(5, 10))


def test_interlaced_frames_keep_their_flag(shots: list[Picture], tmp_path: Path) -> None:
    import av

    def interlaced(context: av.VideoCodecContext) -> None:
        context.flags |= av.codec.context.Flags.interlaced_dct

    source = make_film(tmp_path / "film.mp4", shots[:4], Recipe(setup=interlaced, sounds=()))
    with av.open(str(source)) as opened:
        assert next(opened.decode(video=0)).interlaced_frame
    colored(source, tmp_path / "out.mp4", QUICK)
    with av.open(str(tmp_path / "out.mp4")) as opened:
        frames = list(opened.decode(video=0))
    assert all(frame.interlaced_frame for frame in frames)
    assert len(planes_of(frames[0])) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="SVT-AV1 asks for real-time scheduling on Linux")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root is given it")
def test_av1_leaves_the_machine_to_others_when_run_by_root(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots[:2])
    with contextlib.closing(FilmReader(source)) as reader:
        plan = plan_encoding(tmp_path / "out.mkv", reader.description, FilmOptions(codec="av1", preset="12"))
    threads = Path("/proc/self/task")
    before = [*threads.iterdir()]
    encoder = Encoder(plan)
    during = [*threads.iterdir()]
    assert len(during) > len(before)
    assert {os.sched_getscheduler(int(thread.name)) for thread in during} == {os.SCHED_OTHER}
    list(encoder.encode(None))
    colored(source, tmp_path / "out.mkv", FilmOptions(codec="av1", preset="12"))
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
