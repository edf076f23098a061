"""`colorize video` as a user types it; contact sheets, and folders of numbered frames."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from click import Option
from conftest import Command
from films import Picture, Recipe, look, make_film, pan, to_grey

from colorizer.cli.video import video

README = (Path(__file__).parent.parent.parent / "docs" / "video.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[4], 12))


def test_a_film_is_coloured_beside_itself(
    colorize: Command, colorize_process: Command, shots: list[Picture], tmp_path: Path
) -> None:
    source = make_film(tmp_path / "film.mp4", shots)
    done = colorize_process("video", "film.mp4", "--preset", "ultrafast", "--progress", "json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "film.mp4 -> film.color.mp4: 12 frames" in done.stderr
    event = json.loads(next(line for line in done.stderr.splitlines() if line.startswith("{")))
    assert {"done", "total", "frames_per_second", "seconds_left"} <= event.keys()
    assert look(tmp_path / "film.color.mp4").packets == look(source).packets
    again = colorize("video", "film.mp4")
    assert again.returncode == 0
    assert "exists, kept (--overwrite replaces it)" in again.stderr


def test_errors_are_one_line(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "junk.mp4").write_bytes(b"junk")
    for arguments, status in (
        (["junk.mp4"], 1),
        (["missing.mkv"], 1),
        ([], 2),
        (["-"], 2),
        (["--y4m", "-", "--rawvideo", "4x4@25:gray"], 2),
        (["--y4m", "-", "--codec", "ffv1"], 2),
        (["--y4m", "film.y4m"], 2),
        (["junk.mp4", "--compat"], 1),
    ):
        done = colorize("video", *arguments)
        assert done.returncode == status, arguments
        assert done.stderr.startswith("colorize: ")
        assert done.stderr.count("\n") == 1


def test_a_contact_sheet_shows_frames_in_colour(colorize: Command, shots: list[Picture], tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", shots, Recipe(options={"crf": "12", "g": "3"}, rotation=90, sounds=()))
    done = colorize("video", "film.mp4", "--preview", "4")
    assert done.returncode == 0, done.stderr
    assert "film.preview.jpg: 4 frames" in done.stderr
    sheet = cv2.imread(str(tmp_path / "film.preview.jpg"))
    assert sheet is not None
    assert sheet.shape == (2 * (427 + 20 + 8) + 8, 2 * (2 * 320 + 8) + 8, 3)
    assert np.ptp(sheet.astype(int), axis=2).mean() > 3


def test_numbered_frames_are_coloured_in_order_under_their_names(
    colorize: Command, shots: list[Picture], tmp_path: Path
) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    for number, frame in enumerate(shots[:11]):
        cv2.imwrite(str(folder / f"take2_{number}.png"), frame)
    (folder / "take2_5.png").write_bytes(b"junk")
    (folder / "notes.txt").write_text("10")
    done = colorize("video", "shots", "-o", "colored")
    assert done.returncode == 1
    assert "take2_5.png" in done.stderr
    names = sorted(path.name for path in (tmp_path / "colored").iterdir())
    assert names == sorted(f"take2_{number}.png" for number in range(11) if number != 5)
    before, after = cv2.imread(str(folder / "take2_10.png")), cv2.imread(str(tmp_path / "colored" / "take2_10.png"))
    assert before is not None
    assert after is not None
    assert np.ptp(after.astype(int), axis=2).mean() > 3
    nothing = colorize("video", str(tmp_path / "colored" / ".."), "-o", "other")
    assert "no numbered frames" in nothing.stderr


def test_numbered_frames_are_steadier_than_one_by_one(photographs: list[Path], tmp_path: Path) -> None:
    from films import noisy

    from colorizer import Settings
    from colorizer.film import FilmOptions
    from colorizer.film.numbered import color_numbered

    still = noisy(to_grey(pan(photographs[4], 6, step=0.0)), 12)
    for number, frame in enumerate(still):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)

    def flicker(steadiness: float) -> float:
        target = tmp_path / f"steady{steadiness}"
        color_numbered(tmp_path, target, Settings(model="lite", engine="opencv"), FilmOptions(steadiness=steadiness))
        lab = [
            cv2.cvtColor(np.asarray(cv2.imread(str(target / f"{number}.png")), np.float32) / 255, cv2.COLOR_BGR2Lab)
            for number in range(6)
        ]
        return float(np.mean([np.abs(b - a)[..., 1:].mean() for a, b in pairwise(lab)]))

    assert flicker(0.8) < flicker(0.0)


@pytest.mark.parametrize("option", [param for param in video.params if isinstance(param, Option)], ids=str)
def test_every_option_of_film_has_help_and_stands_in_the_docs(option: Option) -> None:
    if option.name == "help":
        return
    assert option.help
    from dataclasses import fields

    from colorizer import Settings

    if option.name not in {item.name for item in fields(Settings)}:
        assert f"`{option.opts[-1]}`" in README


def test_variable_times_survive_the_command(colorize: Command, shots: list[Picture], tmp_path: Path) -> None:
    times = [0, 300, 1100, 1150, 2600, 2700, 4000, 4100, 5000, 7000, 7100, 7900]
    source = make_film(tmp_path / "film.mkv", shots, Recipe(times=times, time_base=Fraction(1, 1000), sounds=()))
    done = colorize("video", "film.mkv", "-o", "out.mkv", "--every", "auto", "--codec", "ffv1", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert look(tmp_path / "out.mkv").times == look(source).times
