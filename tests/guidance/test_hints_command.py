"""`--hint`, `--hints`, files beside pictures: in single pictures, pages, folders and pipes."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from in_process import run_in_process
from oracle import lab_of
from PIL import Image
from scenes import regions

Command = Callable[..., Any]
RED = (0.2, 0.5)
"""A place in the first third of `regions`, as a fraction."""


def look(path: Path, place: tuple[float, float] = RED) -> npt.NDArray[np.float64]:
    """Lab of a file at a place."""
    with Image.open(path) as picture:
        shown = np.asarray(picture.convert("RGB"))
    height, width = shown.shape[:2]
    found: npt.NDArray[np.float64] = lab_of(shown[int(place[1] * height), int(place[0] * width)])
    return found


def hints_file(path: Path, *hints: dict[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"version": 1, "hints": hints} | more), encoding="utf-8")
    return path


def hint(color: str = "#803050", place: tuple[float, float] = RED, **more: Any) -> dict[str, Any]:
    return {"points": [list(place)], "color": color} | more


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(regions(100, 150)).save(path)
    return path


def test_a_hint_is_the_same_typed_in_pixels_in_a_file_and_beside(grey: Path, tmp_path: Path, colorize: Command) -> None:
    assert colorize("a.png", "-o", "plain.png").returncode == 0
    done = colorize("a.png", "-o", "typed.png", "--hint", "0.2,0.5=#803050", "--model", "lite", "-v")
    assert done.returncode == 0, done.stderr
    assert "guided by 1 hint" in done.stderr
    wanted = lab_of(np.array([0x80, 0x30, 0x50], np.uint8))[1:]
    assert np.hypot(*(look(tmp_path / "typed.png")[1:] - wanted)) < 2
    typed = (tmp_path / "typed.png").read_bytes()
    hints_file(tmp_path / "other.json", hint())
    colorize("a.png", "-o", "named.png", "--hints", "other.json", "--model", "lite")
    assert (tmp_path / "named.png").read_bytes() == typed
    # the centre of a pixel, as a fraction
    colorize("a.png", "-o", "pixels.png", "--hint", "29,49=#803050", "--carry", "1")
    colorize("a.png", "-o", "fractions.png", "--hint", f"{29.5 / 150:.9f},{49.5 / 100:.9f}=#803050", "--carry", "1")
    one, other = (np.asarray(Image.open(tmp_path / name)) for name in ("pixels.png", "fractions.png"))
    assert np.array_equal(one, other)
    for name in ("a.hints.json", "a.png.hints.json"):
        beside = hints_file(tmp_path / name, hint())
        colorize("a.png", "-o", "beside.png", "--overwrite", "--model", "lite")
        assert (tmp_path / "beside.png").read_bytes() == typed
        colorize("a.png", "-o", "without.png", "--overwrite", "--no-hints")
        assert (tmp_path / "without.png").read_bytes() == (tmp_path / "plain.png").read_bytes()
        beside.unlink()


def test_places_are_those_of_the_picture_as_it_is_shown(tmp_path: Path, colorize: Command) -> None:
    """Of every orientation, with the file's own luma kept and without."""
    shown = np.ascontiguousarray(regions(96, 144))
    turns: dict[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
        1: lambda plane: plane,
        2: lambda plane: plane[:, ::-1],
        3: lambda plane: plane[::-1, ::-1],
        4: lambda plane: plane[::-1],
        5: lambda plane: plane.T,
        6: np.rot90,
        7: lambda plane: plane[::-1, ::-1].T,
        8: lambda plane: np.rot90(plane, -1),
    }
    for orientation, stored in turns.items():
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(np.ascontiguousarray(stored(shown))).save(tmp_path / "o.jpg", exif=exif, quality=95)
        for options in [["--subsampling", "420"]] + [["--no-keep-luma"]] * (orientation == 6):
            arguments = ("--hint", "0.1,0.2=#803050", "--carry", "0", "--overwrite", *options)
            done = colorize("o.jpg", "-o", "out.jpg", *arguments)
            assert done.returncode == 0, done.stderr
            colored = cv2.imread(str(tmp_path / "out.jpg"))  # upright, as OpenCV reads it
            assert colored is not None
            assert colored.shape[:2] == shown.shape
            lab = lab_of(colored[..., ::-1])
            wanted = lab_of(np.array([0x80, 0x30, 0x50], np.uint8))[1:]
            assert np.hypot(*(lab[19, 14, 1:] - wanted)) < 8, (orientation, options)
            assert np.hypot(*(lab[19, 130, 1:] - wanted)) > 15, (orientation, options)


def test_a_kept_luma_is_kept_under_hints(tmp_path: Path, colorize: Command) -> None:
    Image.fromarray(regions(96, 144)).save(tmp_path / "a.jpg", quality=90)
    done = colorize("a.jpg", "-o", "out.jpg", "--hint", "0.1,0.2=#803050")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "a.jpg") as before, Image.open(tmp_path / "out.jpg") as after:
        after.draft("YCbCr", after.size)
        assert np.array_equal(np.asarray(before), np.asarray(after.convert("YCbCr"))[..., 0])


def test_pages_have_hints_of_their_own(tmp_path: Path, colorize: Command) -> None:
    tifffile.imwrite(tmp_path / "two.tif", np.stack([regions(60, 90)] * 2), photometric="minisblack")
    hints_file(tmp_path / "two.hints.json", hint(page=2))
    done = colorize("two.tif", "-o", "out.tif")
    assert done.returncode == 0, done.stderr
    pages = tifffile.imread(tmp_path / "out.tif")
    wanted = lab_of(np.array([0x80, 0x30, 0x50], np.uint8))[1:]
    first, second = (lab_of(page[30, 18])[1:] for page in pages)
    assert np.hypot(*(second - wanted)) < 2
    assert np.hypot(*(first - wanted)) > 5
    hints_file(tmp_path / "two.hints.json", hint(page=3))
    done = colorize("two.tif", "-o", "no.tif")
    assert done.returncode == 1
    assert "page 3, and the picture has 2" in done.stderr
    assert not (tmp_path / "no.tif").exists()


def test_a_folder_takes_hints_files_and_does_again_what_they_change(tmp_path: Path, colorize: Command) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for name in ("a", "b"):
        Image.fromarray(regions(60, 90)).save(scans / f"{name}.png")
    assert "2 coloured" in colorize("scans", "-o", "out").stderr
    plain = {name: (tmp_path / "out" / name).read_bytes() for name in ("a.png", "b.png")}
    hints_file(scans / "a.hints.json", hint())
    assert "2 exists, kept" in colorize("scans", "-o", "out").stderr
    done = colorize("scans", "-o", "out", "--update", "--report", "report.jsonl")
    assert "1 coloured, 1 exists, kept" in done.stderr
    assert "other files" not in done.stderr
    lines = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [
        ("guided by 1 hint" in (line["used"] or "")) for line in sorted(lines, key=lambda line: str(line["input"]))
    ] == [
        True,
        False,
    ]
    assert (tmp_path / "out" / "a.png").read_bytes() != plain["a.png"]
    assert (tmp_path / "out" / "b.png").read_bytes() == plain["b.png"]
    assert "2 exists, kept" in colorize("scans", "-o", "out", "--update").stderr
    # other words in the same file, and its going away, are other pictures; another carry is one for both
    hints_file(scans / "a.hints.json", hint("navy"))
    assert "1 coloured, 1 exists, kept" in colorize("scans", "-o", "out", "--update").stderr
    assert "1 coloured, 1 exists, kept" in colorize("scans", "-o", "out", "--update", "--carry", "0.9").stderr
    (scans / "a.hints.json").unlink()
    assert "1 coloured, 1 exists, kept" in colorize("scans", "-o", "out", "--update").stderr
    assert (tmp_path / "out" / "a.png").read_bytes() == plain["a.png"]


def test_beside_its_picture_a_result_is_made_anew_when_hints_are_newer(
    grey: Path, tmp_path: Path, colorize: Command
) -> None:
    colorize("a.png")
    os.utime(tmp_path / "a.color.png", (2e9, 2e9))
    beside = hints_file(tmp_path / "a.hints.json", hint())
    assert "kept" in colorize("a.png", "--update").stderr
    os.utime(beside, (2.1e9, 2.1e9))
    assert "a.png -> a.color.png" in colorize("a.png", "--update").stderr


def test_a_pipe_takes_hints(grey: Path, tmp_path: Path, colorize: Command) -> None:
    arguments = ["--hint", "0.2,0.5=#803050"]
    colorize("a.png", "-o", "out.png", *arguments)
    expected = np.asarray(Image.open(tmp_path / "out.png"))

    def through(source: str, *more: str, data: bytes = b"") -> npt.NDArray[Any]:
        done = run_in_process([source, "-o", "-", *more], cwd=tmp_path, environment=os.environ, stdin=data)
        assert done.returncode == 0, done.stderr
        return np.asarray(Image.open(io.BytesIO(done.stdout)))

    assert np.array_equal(through("-", *arguments, data=grey.read_bytes()), expected)
    hints_file(tmp_path / "a.hints.json", hint())
    assert np.array_equal(through("a.png"), expected)
    assert not np.array_equal(through("a.png", "--no-hints"), expected)


def test_the_mark_tells_of_guidance(grey: Path, tmp_path: Path, colorize: Command) -> None:
    colorize("a.png", "-o", "out.png", "--hint", "0.2,0.5=#803050", "--hint", "0.9,0.5=grey")
    written = (tmp_path / "out.png").read_bytes()
    assert b"guided by 2 hints" in written
    assert b'"guidance":{"hints":2,"carry":0.4,"digest":"' in written


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ('{"version": 9}', "version '9'"),
        ('{"version": 1, "picture": {"width": 150, "height": 900}}', "150 x 900 pixels, this one has 150 x 100"),
        ('{"version": 1, "hints": [{"points": [[400, 5]], "units": "pixels", "color": "red"}]}', "outside the picture"),
        ('{"version": 1, "hints": [{"points": [[0.5, 0.5]], "frame": 3, "color": "red"}]}', "for films"),
        ('{"version": 1, "references": [{"file": "none.jpg", "as": "scene"}]}', "none.jpg"),
        ('{"version": 1, "references": [{"file": "b.png", "as": "palette"}]}', "without colour"),
    ],
)
def test_a_bad_hints_file_costs_its_picture_and_one_line(
    grey: Path, tmp_path: Path, colorize: Command, content: str, said: str
) -> None:
    Image.fromarray(regions(40, 60)).save(tmp_path / "b.png")
    # a file with nothing to say but for whom needs a hint to be looked at
    if '"picture"' in content:
        content = content[:-1] + ', "hints": [{"points": [[0.5, 0.5]], "color": "red"}]}'
    (tmp_path / "a.hints.json").write_text(content, encoding="utf-8")
    done = colorize("a.png", "b.png")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if said in line]
    assert line.startswith("colorize: a.")
    assert not (tmp_path / "a.color.png").exists()
    assert (tmp_path / "b.color.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hint", "0.5,0.5"], "--hint: '0.5,0.5' is no hint"),
        (["--hint", "0.5,0.5=reddish"], "is no colour"),
        (["--hint", "2.5,0.5=red"], "outside the picture"),
        (["--carry", "2"], "--carry"),
        (["--hint", "0.5,0.5=red", "--compat"], "leave out --hint"),
        (["b.png", "--hint", "0.5,0.5=red"], "--hint: is for one picture"),
        (["b.png", "--hints", "x.json"], "--hints: is for one picture"),
        (["--hints", "none.json"], "none.json: the hints cannot be read"),
    ],
)
def test_wrong_use_is_one_line(grey: Path, tmp_path: Path, colorize: Command, arguments: list[str], said: str) -> None:
    Image.fromarray(regions(40, 60)).save(tmp_path / "b.png")
    done = colorize("a.png", *arguments, "--model", "lite")
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not (tmp_path / "a.color.png").exists()


def test_hints_without_room_for_their_colour_are_told_of(tmp_path: Path, colorize: Command) -> None:
    pixels = regions(60, 90)
    pixels[:20, :20] = 255
    alpha = np.full_like(pixels, 255)
    alpha[40:, 60:] = 0
    Image.fromarray(np.dstack([pixels, alpha]), "LA").save(tmp_path / "a.png")
    done = colorize("a.png", "--hint", "5,5=#b03028", "--hint", "80,50=#ffc0b0", "--model", "lite")
    assert done.returncode == 0
    assert "a.png: the hint at 5,5 is on a place that is nearly burnt out" in done.stderr
    assert "a.png: the hint at 80,50 is on a transparent place" in done.stderr
    assert len(done.stderr.splitlines()) == 3
    assert colorize("a.png", "--overwrite", "--hint", "5,5=#b03028", "-q").stderr == ""


def test_more_than_ten_thousand_hints_are_one_line(grey: Path, tmp_path: Path, colorize: Command) -> None:
    places = np.random.default_rng(0).uniform(0, 1, (10_001, 2)).round(4).tolist()
    hints_file(tmp_path / "a.hints.json", *(hint("#805040", tuple(place)) for place in places))
    done = colorize("a.png", "--model", "lite")
    assert done.returncode == 1
    assert "10001 hints" in done.stderr
    assert len(done.stderr.splitlines()) == 1
