"""What the command says and leaves behind: shots, references to correct, reports, comparisons, orderly ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from conftest import Command
from films import SMALL_VIEW, Picture, Recipe, look, make_film, pan, to_grey

from colorizer.film import FilmOptions
from colorizer.film.encoding import Progress
from colorizer.film.job import color_video
from colorizer.film.sei import IDENTIFIER

FAST = ("--preset", "ultrafast", "--engine", "opencv", "--model", "lite", "--size", "64")
SMALL = FAST[2:]


@pytest.fixture(scope="session")
def two_shots(photographs: list[Path]) -> list[Picture]:
    by_name = {path.stem: path for path in photographs}
    return to_grey([*pan(by_name["dahlia"], 6), *pan(by_name["living-room"], 4)])


def test_shots_are_listed_with_their_frames_and_times(
    colorize: Command, two_shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mp4", two_shots, Recipe(sounds=(), rate=Fraction(10)))
    done = colorize("film.mp4", "--shots", *SMALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\t0\t5\t0:00:00.000\t0:00:00.500\n2\t6\t9\t0:00:00.600\t0:00:00.900\n"
    sheet = cv2.imread(str(tmp_path / "film.shots.jpg"))
    assert sheet is not None
    assert sheet.shape == (2 * (240 + 20 + 8) + 8, 320 + 2 * 8, 3)


def test_a_frame_of_each_shot_goes_out_and_comes_back_corrected(
    colorize: Command, two_shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", two_shots, Recipe(sounds=()))
    done = colorize("film.mkv", "--references-out", "refs", *SMALL)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "refs").iterdir())
    assert names == ["ref_000002.png", "ref_000007.png"]
    corrected = tmp_path / "refs" / names[0]
    grey = np.asarray(cv2.imread(str(corrected), cv2.IMREAD_GRAYSCALE))
    cv2.imwrite(str(corrected), np.dstack([grey // 2, grey, grey // 2]))
    content = corrected.read_bytes()
    again = colorize("film.mkv", "--references-out", "refs", *SMALL)
    assert "0 frames, 2 kept" in again.stderr
    assert corrected.read_bytes() == content
    (tmp_path / "refs" / names[1]).unlink()
    done = colorize("film.mkv", "--references", "refs", "-o", "out.mkv", "--codec", "ffv1", *SMALL)
    assert done.returncode == 0, done.stderr
    colorize("film.mkv", "-o", "plain.mkv", "--codec", "ffv1", *SMALL)
    after, plain = look(tmp_path / "out.mkv").planes, look(tmp_path / "plain.mkv").planes
    for planes in after[:6]:
        assert planes[1].mean() < 122  # green has neither blue nor red
        assert planes[2].mean() < 122
    for one, other in zip(after[6:], plain[6:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_hints_beside_a_film_are_found_and_can_be_left_aside(
    colorize: Command, two_shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", two_shots[:3], Recipe(sounds=()))
    hints = {"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "navy", "frame": 1}]}
    (tmp_path / "film.hints.json").write_text(json.dumps(hints))
    told = colorize("film.mkv", "-o", "told.mkv", "--report", "report.jsonl", *FAST)
    assert "film.mkv: guided by film.hints.json" in told.stderr
    said = json.loads((tmp_path / "report.jsonl").read_text())
    assert (said["status"], said["frames"], said["width"]) == ("colored", 3, 128)
    assert said["making"]["guidance"]["hints"] == 1
    assert "guided" not in colorize("film.mkv", "-o", "plain.mkv", "--no-hints", *FAST).stderr
    (tmp_path / "film.hints.json").write_text('{"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "navy"}]}')
    wrong = colorize("film.mkv", "-o", "other.mkv", "--report", "-", *FAST)
    assert wrong.returncode == 1
    assert "is on no frame" in wrong.stderr
    assert json.loads(wrong.stdout)["status"] == "failed"


def test_a_dry_run_writes_nothing_and_says_what_would_be(
    colorize: Command, two_shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", two_shots, Recipe(sounds=(), rate=Fraction(10)))
    done = colorize("film.mkv", "--dry-run", "--start", "0.4", "-o", "out.mp4")
    assert (done.returncode, done.stdout) == (0, "film.mkv\tout.mp4\n")
    assert "about 6 frames of 128x96, libx264 yuv420p" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


def test_progress_counts_the_part_that_is_wanted(two_shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", two_shots, Recipe(sounds=(), rate=Fraction(10)))
    seen: list[Progress] = []
    options = FilmOptions(start="0.2", end="0.7", preset="ultrafast")
    color_video(source, tmp_path / "out.mp4", SMALL_VIEW, options, on_progress=seen.append)
    assert {one.total for one in seen} == {5}
    assert seen[-1].done == 5


@pytest.mark.parametrize("way", ["side", "wipe"])
def test_before_and_after_go_into_one_film(
    way: str, colorize: Command, two_shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", two_shots[:4], Recipe(sounds=(), rate=Fraction(1)))
    words = ("-o", "out.mkv", "--codec", "ffv1", "--compare", "--compare-as", way)
    done = colorize("film.mkv", *words, *SMALL)
    assert done.returncode == 0, done.stderr
    both, after = look(tmp_path / "out.compare.mkv"), look(tmp_path / "out.mkv")
    assert both.times == after.times
    for number, (one, other) in enumerate(zip(both.planes, after.planes, strict=True)):
        height, width = other[0].shape
        if way == "side":
            assert one[0].shape == (height, 2 * width)
            assert np.array_equal(one[1][:, width // 2 :], other[1])
            assert np.abs(one[1][:, : width // 2].astype(int) - 128).max() <= 1
        else:
            column = round(width * (1 - abs(number / 4 - 1)))
            half = column // 2
            assert one[0].shape == (height, width)
            assert np.array_equal(one[1][:, half:], other[1][:, half:])
            assert not half or np.abs(one[1][:, :half].astype(int) - 128).max() <= 1


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_mark_is_in_the_pictures_too(codec: str, two_shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", two_shots[:5], Recipe(sounds=(), metadata={"comment": "ours"}))
    options = FilmOptions(codec=codec, preset="ultrafast")
    color_video(source, tmp_path / "out.mp4", SMALL_VIEW, options, segment_frames=3)
    assert (tmp_path / "out.mp4").read_bytes().count(IDENTIFIER.bytes + b'{"version":1') == 2  # one a key frame
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert len(list(film.decode(video=0))) == 5
    color_video(source, tmp_path / "bare.mp4", SMALL_VIEW, FilmOptions(codec=codec, preset="ultrafast", no_mark=True))
    assert IDENTIFIER.bytes not in (tmp_path / "bare.mp4").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_run_that_is_ended_says_that_the_same_command_goes_on(
    number: int, status: int, word: str, two_shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", two_shots * 150, Recipe(sounds=()))
    words = ["film.mkv", "--progress", "json", *FAST]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in what a shell starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "colorizer", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("{")
    process.send_signal(number)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait() == status
    assert rest.splitlines()[-1] == f"colorize: {word}; the same command goes on where it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".film.color.mkv.colorize", "film.mkv"]
