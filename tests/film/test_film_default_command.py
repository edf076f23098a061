"""`colorize film.mp4` without a command's name: films among the default command's inputs, as a user types it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from films import Picture, Recipe, look, make_film, pan, to_grey
from in_process import run_in_process

from colorizer.errors import UsageError

FAST = ("--preset", "ultrafast", "--engine", "opencv", "--size", "64")


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[4], 4))


def test_a_film_is_coloured_without_naming_the_command(colorize: Command, shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", shots)
    done = colorize("film.mp4", "--every", "2", "-v", *FAST)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "film.mp4 -> film.color.mp4: 4 frames" in done.stderr
    assert "asked for 2 frames" in done.stderr
    assert look(tmp_path / "film.color.mp4").packets == look(source).packets
    done = colorize(
        "film.mp4", "-o", "part.mkv", "--codec", "ffv1", "--start", "0.05", "--engine", "opencv", "--size", "64", "-q"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(look(tmp_path / "part.mkv").times) == 2
    assert colorize("film.mp4", "--preview", "2").returncode == 0
    assert (tmp_path / "film.preview.jpg").exists()


def test_several_films_go_into_a_folder_and_a_bad_one_does_not_stop_the_rest(
    colorize: Command, shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "a.mp4", shots[:2], Recipe(sounds=()))
    make_film(tmp_path / "b.ts", shots[:2], Recipe(codec="mpeg4", options={}, sounds=()))
    (tmp_path / "bad.mp4").write_bytes(b"junk")
    assert colorize("a.mp4", "b.ts", "-o", "missing").returncode == 2
    (tmp_path / "out").mkdir()
    done = colorize("a.mp4", "bad.mp4", "b.ts", "-o", "out", *FAST)
    assert done.returncode == 1, done.stderr
    assert "bad.mp4: cannot be read as a film" in done.stderr
    assert "2 films coloured, 1 failed" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mp4", "b.mkv"]
    (tmp_path / "other").mkdir()
    twice = colorize("a.mp4", "other/../a.mp4", "-o", "out", "--overwrite", *FAST)
    assert twice.returncode == 2
    assert "both a.mp4 and" in twice.stderr


def test_frames_go_through_a_pipe_of_the_default_command(photographs: list[Path], tmp_path: Path) -> None:
    luma = [frame[:48, :64, 0].tobytes() for frame in to_grey(pan(photographs[3], 2))]
    headed = b"YUV4MPEG2 W64 H48 F25:1 Ip Cmono\n" + b"".join(b"FRAME\n" + plane for plane in luma)
    for arguments, data, begin in (
        (["--y4m", "-", "-o", "-"], headed, b"YUV4MPEG2 W64 H48 F25:1 Ip C420jpeg\nFRAME\n"),
        (["--rawvideo", "64x48@25:gray", "-", "-o", "-"], b"".join(luma), b""),
    ):
        words = [*arguments, "--model", "lite", "--engine", "opencv", "--size", "64"]
        done = run_in_process(words, cwd=tmp_path, environment=os.environ, stdin=data)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(begin + luma[0])
        chroma = np.frombuffer(done.stdout[len(begin) + 48 * 64 :][: 2 * 24 * 32], np.uint8)
        assert np.ptp(chroma) > 3


def test_films_in_a_folder_of_pictures_are_named_with_their_command(
    colorize: Command, photographs: list[Path], tmp_path: Path
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "a.jpg").write_bytes(photographs[0].read_bytes())
    for name in ("film.mp4", "film.color.mp4", "notes.txt"):
        (scans / name).write_bytes(b"x")
    done = colorize("scans", "-o", "colored", "--model", "lite")
    assert done.returncode == 0, done.stderr
    assert "a film is passed over; for films: colorize scans/film.mp4\n" in done.stderr.replace("\\", "/")
    assert "1 other files" in done.stderr
    (scans / "a.jpg").unlink()
    none = colorize("scans", "-o", "colored")
    assert none.returncode == 2
    assert "no pictures found in scans; a film is passed over; for films: colorize scans" in none.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("photo.jpg", "film.mp4", "--crf", "20", "--quality", "90"), "--quality: is not for films"),
        (("film.mp4", "--jobs", "2", "--quality", "90"), "--quality, --jobs: is not for films"),
        (("--y4m", "-", "--jobs", "2"), "--jobs: is not for films"),
        (("photo.jpg", "--crf", "20"), "--crf: is for films; photo.jpg is none"),
        (("shots", "--every", "2"), "colorize video shots -o OUT"),
        (("--steadiness", "0.5"), "--steadiness: is for films; name one"),
        (("film.mp4", "--nonsense"), "there is no option --nonsense"),
        (("film.mp4", "--scale", "100:100"), "there is no option --scale"),
        (("film.mp4", "--preview"), "--preview: its value is missing"),
        (("--y4m",), "--y4m: its value is missing"),
        (("film.mp4", "--shots", "--preview", "2"), "--preview and --shots are different things to do"),
        (("film.mp4", "--reference", "photo.jpg"), "--reference-as scene or"),
        (("film.mp4", "other.mp4", "--references", "refs"), "--references"),
        (("film.mp4", "--crf", "many"), "--crf many: expected a whole number"),
        (("missing*.mp4",), "no file matches"),
    ],
)
def test_what_does_not_go_together_is_said_in_a_line(
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from colorizer.cli.main import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENCV_LOG_LEVEL", "FATAL")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "film.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom")
    (tmp_path / "shots").mkdir()
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1


def test_an_option_value_that_is_named_like_a_film_is_no_input(tmp_path: Path) -> None:
    from colorizer.cli.routing import means_film

    assert not means_film(["photo.jpg", "-o", "film.mp4"])
    assert not means_film(["photo.jpg", "--report", "film.mp4"])
    assert means_film(["-o", "photo.jpg", "film.mp4"])
    assert means_film(["--", "film.mp4"])
    assert not means_film([str(tmp_path)])
    assert not means_film(["x" * 5000, "nul\0.jpg"])
    with pytest.raises(UsageError, match="--codec"):
        means_film(["photo.jpg", "--codec", "film.mp4"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_read_to_see_what_it_is(tmp_path: Path) -> None:
    from colorizer.cli.routing import means_film

    os.mkfifo(tmp_path / "pipe.mp4")
    assert not means_film([str(tmp_path / "pipe.mp4")])
