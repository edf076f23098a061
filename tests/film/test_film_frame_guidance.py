"""What people say of a folder of numbered frames, and of frames in a pipe."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Command
from films import SMALL_VIEW, Picture, pan, to_grey
from guided_films import KnownFrame, known_film

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.errors import InputError, UsageError
from colorizer.film import FilmOptions
from colorizer.film.guidance.files import FilmGuiding
from colorizer.film.numbered import FolderResult, color_numbered
from colorizer.film.pipe import color_stream

FIRST = 1001
SMALL = ("--engine", "opencv", "--model", "lite", "--size", "64")
NAVY = chroma_plane(np.array([[[0, 0, 128]]], np.uint8))[0, 0]


@pytest.fixture(scope="module")
def by_name(photographs: list[Path]) -> dict[str, Path]:
    return {path.stem: path for path in photographs}


@pytest.fixture(scope="module")
def known(by_name: dict[str, Path]) -> list[KnownFrame]:
    return known_film(by_name["dahlia"], 12)


@pytest.fixture(scope="module")
def other(by_name: dict[str, Path]) -> list[KnownFrame]:
    return known_film(by_name["living-room"], 4)


def name_of(place: int) -> str:
    return f"reel1_{FIRST + place}.png"


def write(path: Path, picture: Picture) -> None:
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))


def read(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.asarray(picture[..., ::-1], np.uint8)


def write_folder(folder: Path, frames: list[Picture]) -> Path:
    folder.mkdir()
    for place, frame in enumerate(frames):
        write(folder / name_of(place), frame)
    return folder


def write_hints(path: Path, *hints: dict[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"version": 1, "hints": list(hints), **more}))
    return path


def colored(folder: Path, name: str, guiding: FilmGuiding, **more: Any) -> FolderResult:
    return color_numbered(folder, folder.with_name(name), SMALL_VIEW, FilmOptions(), guiding=guiding, **more)


def error_of(folder: Path, known: list[KnownFrame]) -> list[float]:
    found = []
    for place, one in enumerate(known):
        away = chroma_plane(read(folder / name_of(place))) - chroma_plane(one.truth)
        found.append(float(np.linalg.norm(away, axis=-1).mean()))
    return found


def test_frames_in_colour_halve_the_error_of_their_shot_and_leave_others_and_lightness_alone(
    known: list[KnownFrame], other: list[KnownFrame], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "shots", [one.grey for one in (*known, *other)])
    references = tmp_path / "refs"
    references.mkdir()
    for place in (2, 9):
        write(references / name_of(place), known[place].truth)
    plain, guided = colored(folder, "plain", FilmGuiding()), colored(folder, "out", FilmGuiding(references))
    assert plain == guided == FolderResult(16, 0, (), 0)
    before, after = error_of(tmp_path / "plain", known), error_of(tmp_path / "out", known)
    assert np.mean(after) < 0.5 * np.mean(before)
    for place in range(12, 16):
        assert np.array_equal(read(tmp_path / "plain" / name_of(place)), read(tmp_path / "out" / name_of(place)))
    for place, one in enumerate(known):
        assert np.abs(lightness(read(tmp_path / "out" / name_of(place))) - lightness(one.grey)).mean() < 0.3


def test_hints_and_looks_name_frames_by_the_numbers_in_their_names(
    known: list[KnownFrame], other: list[KnownFrame], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "shots", [one.grey for one in (*other, *known)])
    x, y = known[5].centre
    hint = {"points": [[x, y]], "size": 0.12, "color": "navy", "frame": FIRST + 4 + 5}
    hints = write_hints(tmp_path / "hints.json", hint, shots=[{"frame": FIRST + 1, "grey": True}])
    colored(folder, "out", FilmGuiding(hints=hints))
    assert b'"guidance":{"hints":1,"shots":1,' in (tmp_path / "out" / name_of(0)).read_bytes()
    for place in range(4):
        assert np.abs(chroma_plane(read(tmp_path / "out" / name_of(place)))).mean() < 1
    for place, one in enumerate(known, 4):
        centre = tuple(np.array(np.nonzero(one.inside)).mean(axis=1).astype(int))
        found = chroma_plane(read(tmp_path / "out" / name_of(place)))[centre]
        assert np.linalg.norm(found - NAVY) < 0.4 * np.linalg.norm(NAVY), place


def test_the_command_finds_hints_beside_a_folder_and_writes_frames_to_correct(
    colorize: Command, known: list[KnownFrame], other: list[KnownFrame], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "shots", [one.grey for one in (*known[:4], *other)])
    done = colorize("video", "shots", "--references-out", "refs", *SMALL)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "refs").iterdir())
    assert names == ["ref_001002.png", "ref_001006.png"]
    assert np.ptp(read(tmp_path / "refs" / names[0]).astype(int), axis=2).mean() > 3
    assert "0 frames, 2 kept" in colorize("video", "shots", "--references-out", "refs", *SMALL).stderr
    grey = np.asarray(cv2.imread(str(tmp_path / "refs" / names[0]), cv2.IMREAD_GRAYSCALE))
    write(tmp_path / "refs" / names[0], np.dstack([grey // 2, grey, grey // 2]))
    write_hints(tmp_path / "shots.hints.json", shots=[{"frame": FIRST + 6, "grey": True}])
    done = colorize("video", str(folder.name), "-o", "out", "--references", "refs", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "shots: guided by shots.hints.json" in done.stderr
    for place in range(4):
        red, green, blue = (plane.mean() for plane in np.moveaxis(read(tmp_path / "out" / name_of(place)), 2, 0))
        assert green > max(red, blue) + 10
    assert np.ptp(read(tmp_path / "out" / name_of(5)).astype(int), axis=2).max() < 12
    again = colorize("video", "shots", "-o", "out", "--no-hints", *SMALL)
    assert "8 frames, 8 of them there already and kept (--overwrite replaces them)" in again.stderr


def test_what_is_said_of_no_frame_of_the_folder_is_an_error_before_the_work(
    known: list[KnownFrame], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "shots", [one.grey for one in known[:3]])
    away = write_hints(tmp_path / "a.hints.json", {"points": [[0.5, 0.5]], "color": "navy", "frame": 3})
    with pytest.raises(InputError, match=r"a.hints.json: speaks of frame 3, .* there are 1001 to 1003"):
        colored(folder, "out", FilmGuiding(hints=away))
    write(folder / "tail_1001.png", known[3].grey)
    twice = write_hints(tmp_path / "b.hints.json", {"points": [[0.5, 0.5]], "color": "navy", "frame": FIRST})
    with pytest.raises(InputError, match=r"frame 1001, which may be reel1_1001.png and tail_1001.png"):
        colored(folder, "out", FilmGuiding(hints=twice))
    assert not list((tmp_path / "out").iterdir())


def test_frames_that_cannot_be_read_fail_alone_and_of_another_size_are_refused(
    known: list[KnownFrame], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "shots", [one.grey for one in known[:6]])
    for place in (0, 3):
        (folder / name_of(place)).write_bytes(b"junk")
    x, y = known[4].centre
    hint = {"points": [[x, y]], "size": 0.12, "color": "navy", "frame": FIRST + 4}
    guiding = FilmGuiding(hints=write_hints(tmp_path / "hints.json", hint))
    result = colored(folder, "out", guiding)
    assert (result.frames, result.failed) == (4, 2)
    for place in (1, 2, 4, 5):
        centre = tuple(np.array(np.nonzero(known[place].inside)).mean(axis=1).astype(int))
        found = chroma_plane(read(tmp_path / "out" / name_of(place)))[centre]
        assert np.linalg.norm(found - NAVY) < 0.4 * np.linalg.norm(NAVY), place
    write(folder / name_of(3), known[3].grey[:80])
    with pytest.raises(InputError, match=r"reel1_1004.png: frames .* are of one size, not 128x80 and 128x96"):
        colored(folder, "other", guiding)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_a_killed_guided_folder_goes_on_to_the_same_bytes(
    kills: int, known: list[KnownFrame], other: list[KnownFrame], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "shots", [one.grey for one in (*known, *other)])
    references = tmp_path / "refs"
    references.mkdir()
    write(references / name_of(9), known[9].truth)
    write_hints(tmp_path / "shots.hints.json", {"points": [[0.3, 0.4]], "color": "navy", "frame": FIRST + 13})
    colored(folder, "whole", FilmGuiding(references, hints=tmp_path / "shots.hints.json"))
    command = [sys.executable, "-m", "colorizer", "video", "shots", "-o", "out", "--references", "refs", *SMALL]
    environment = os.environ | {"COLORIZER_HOME": str(tmp_path / "home")}
    killed = 0
    for kill in range(kills):
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
        wanted = 1 + kill * 2
        while process.poll() is None and len(list((tmp_path / "out").glob("reel1_*"))) < wanted:
            time.sleep(0.002)
        process.kill()
        killed += process.wait() not in (0, None)
    assert killed
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def y4m(frames: list[Picture]) -> bytes:
    return b"YUV4MPEG2 W128 H96 F25:1 Ip Cmono\n" + b"".join(b"FRAME\n" + frame[..., 0].tobytes() for frame in frames)


def test_palettes_and_pictures_for_all_frames_work_in_a_pipe(by_name: dict[str, Path], tmp_path: Path) -> None:
    frames = to_grey(pan(by_name["dahlia"], 3))

    def chroma(guiding: FilmGuiding) -> Any:
        out = io.BytesIO()
        assert color_stream(io.BytesIO(y4m(frames)), out, SMALL_VIEW, guiding=guiding) == 3
        data = out.getvalue()
        size = 96 * 128 * 3 // 2 + len(b"FRAME\n")
        last = np.frombuffer(data[-size:], np.uint8)[6:]
        assert np.array_equal(last[: 96 * 128].reshape(96, 128), frames[2][..., 0])
        return last[96 * 128 :].reshape(2, 48, 64).astype(float)

    plain, blue = chroma(FilmGuiding()), chroma(FilmGuiding(palette=("#2040c0",)))
    assert (blue - plain)[0].mean() > 2
    scene = chroma(FilmGuiding(pictures=(("scene", by_name["dahlia"]),)))
    assert np.abs(scene - plain).mean() > 1


def test_what_is_said_of_single_frames_of_a_pipe_is_refused_with_the_way_out(colorize: Command, tmp_path: Path) -> None:
    hints = write_hints(tmp_path / "hints.json", {"points": [[0.5, 0.5]], "color": "navy", "frame": 0})
    with pytest.raises(UsageError, match="write the frames to one first"):
        color_stream(io.BytesIO(), io.BytesIO(), SMALL_VIEW, guiding=FilmGuiding(hints=hints))
    done = colorize("video", "--y4m", "-", "-o", "-", "--hints", "hints.json")
    assert done.returncode == 2
    assert "--hints: speaks of single frames and their shots" in done.stderr
    assert "ffmpeg -i - -c:v ffv1 film.mkv" in done.stderr
