"""Names are names, whatever FFmpeg and file systems make of them; and files of the wrong kind are told by content."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import Command
from films import SMALL_VIEW, Picture, Recipe, look, make_film, pan, to_grey
from PIL import Image

from colorizer.errors import OutputError
from colorizer.film import FilmOptions, is_video, job
from colorizer.film.job import color_video

QUICK = FilmOptions(codec="ffv1")
RECIPE = Recipe("ffv1", options={}, sounds=())

no_colons = pytest.mark.skipif(sys.platform == "win32", reason="names with colons are not possible here")


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[4], 2, size=(48, 64)))


@no_colons
@pytest.mark.parametrize("name", ["Reel3:Summer.mkv", "data:film.mkv", "concat:a|%03d?b.mkv"])
def test_what_ffmpeg_takes_for_a_protocol_is_a_name(
    name: str, shots: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out:1").mkdir()
    make_film(Path("film.mkv"), shots, RECIPE).rename(name)
    color_video(Path(name), Path("out:1", name), SMALL_VIEW, QUICK)
    # FFmpeg takes bytes from a file object, whatever its name
    with Path("out:1", name).open("rb") as file, av.open(file) as film:
        assert len(list(film.decode(video=0))) == len(shots)
    assert sorted(path.name for path in Path("out:1").iterdir()) == [name]


def longest_name(folder: Path) -> int:
    return 255 if sys.platform == "win32" else os.pathconf(folder, "PC_NAME_MAX")


def test_a_name_as_long_as_can_be_is_coloured_and_goes_on(
    shots: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = longest_name(tmp_path)
    source = make_film(tmp_path / "film.mkv", shots, RECIPE)
    target = tmp_path / ("n" * (most - 4) + ".mkv")

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "join", stopped)
    with pytest.raises(KeyboardInterrupt):
        color_video(source, target, SMALL_VIEW, QUICK)
    assert all(len(path.name) <= most for path in tmp_path.iterdir())
    monkeypatch.undo()
    assert color_video(source, target, SMALL_VIEW, QUICK).network_calls == 0
    assert len(look(target).times) == len(shots)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", target.name]


def test_a_name_longer_than_can_be_is_refused_before_the_work(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mkv", shots, RECIPE)
    target = tmp_path / ("n" * longest_name(tmp_path) + ".mkv")
    with pytest.raises(OutputError, match="give the result a shorter name"):
        color_video(source, target, SMALL_VIEW, QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


@pytest.mark.parametrize(
    "brand", ["avif", "avis", "miaf", "mif1", "mif2", "mif3", "heic", "hevm", "hevs", "heim", "msf1", "crx "]
)
def test_brands_of_pictures_are_no_films(brand: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.bin"
    path.write_bytes(b"\0\0\0\x18ftyp" + brand.encode() + bytes(12))
    assert not is_video(path)


def test_one_file_of_the_wrong_kind_is_one_failure(colorize: Command, shots: list[Picture], tmp_path: Path) -> None:
    for number, shot in enumerate(shots):
        Image.fromarray(shot).save(tmp_path / f"photo{number}.png")
        make_film(tmp_path / f"film{number}.mkv", [shot], RECIPE)
    (tmp_path / "camera.cr3").write_bytes(b"\0\0\0\x18ftypcrx " + bytes(600))
    (tmp_path / "out").mkdir()
    photos = "photo0.png", "photo1.png", "film0.mkv", "camera.cr3"
    done = colorize(*photos, "-o", "out", "--model", "lite", "--engine", "opencv", "--size", "64")
    assert done.returncode == 1, done.stderr
    assert "film0.mkv: a film or sound, not a picture" in done.stderr
    assert "camera.cr3" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["photo0.png", "photo1.png"]
    done = colorize(
        "film0.mkv", "film1.mkv", "photo0.png", "-o", "out", "--model", "lite", "--engine", "opencv", "--size", "64"
    )
    assert done.returncode == 1, done.stderr
    assert "photo0.png: is a picture" in done.stderr
    assert "2 films coloured, 1 failed" in done.stderr


NUMBERED = {"pgm": "ppm", "pbm": "ppm", "gif": "png", "j2k": "jp2", "jp2": "jp2", "bmp": "bmp", "tif": "tif"}


@pytest.mark.parametrize("suffix", NUMBERED)
def test_numbered_frames_of_every_format_are_written_in_one_that_holds_colour(
    suffix: str, colorize: Command, shots: list[Picture], tmp_path: Path
) -> None:
    (tmp_path / "frames").mkdir()
    for number, shot in enumerate(shots):
        grey = Image.fromarray(shot[..., 0])
        saved = grey.convert("1") if suffix == "pbm" else grey
        saved.save(tmp_path / "frames" / f"frame{number}.{suffix}")
    done = colorize(
        "video", "frames", "-o", "out", "--model", "lite", "--engine", "opencv", "--size", "64", "--every", "2"
    )
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"frame{number}.{NUMBERED[suffix]}" for number in range(len(shots))]
    for name in names:
        with Image.open(tmp_path / "out" / name) as result:
            assert result.mode == "RGB"
            # black and white alone have no chroma
            assert suffix == "pbm" or np.ptp(np.asarray(result, np.int16), axis=-1).max() > 0


def test_numbered_frames_whose_results_would_have_one_name_have_two(
    colorize: Command, shots: list[Picture], tmp_path: Path
) -> None:
    (tmp_path / "frames").mkdir()
    Image.fromarray(shots[0]).save(tmp_path / "frames" / "frame1.png")
    Image.fromarray(shots[1][..., 0]).save(tmp_path / "frames" / "frame1.gif")
    done = colorize("video", "frames", "-o", "out", "--model", "lite", "--engine", "opencv", "--size", "64")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["frame1.gif.png", "frame1.png"]
