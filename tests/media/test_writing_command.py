"""The command on archive files: options of writing from the shell and from the environment, read back independently."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from conftest import Command
from media_samples import by_pillow, by_tifffile, scene
from metadata_samples import CAPTIONS, GREY_PROFILE, SOURCES
from oracle import lightness64
from PIL import Image

MARK = b"digitalsourcetype/algorithmicallyEnhanced"
LARGEST_ERROR_16 = 0.005


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two pages of 16 bits with a grey profile, a caption and a resolution."""
    path = tmp_path / "album.tif"
    pages = scene(1, np.uint16, 120, 160), scene(1, np.uint16, 90, 70)
    path.write_bytes(
        by_tifffile(
            *pages,
            compression="lzw",
            predictor=True,
            iccprofile=GREY_PROFILE,
            description="the old mill",
            resolution=(600, 600),
            resolutionunit=2,
            extratags=[(33723, 7, len(CAPTIONS), CAPTIONS, True)],
        )
    )
    return path


def test_an_archivists_scan_comes_out_as_the_same_object_in_colour(
    colorize: Command, album: Path, tmp_path: Path
) -> None:
    done = colorize("album.tif", "--model", "lite")
    assert done.returncode == 0, done.stderr
    with tifffile.TiffFile(album) as before, tifffile.TiffFile(tmp_path / "album.color.tif") as after:
        assert len(after.pages) == 2
        for grey_page, color_page in zip(before.pages, after.pages, strict=True):
            grey, color = grey_page.aspage(), color_page.aspage()
            assert color.shape == (*grey.shape, 3)
            assert color.dtype == np.uint16
            for name in ("compression", "predictor", "description", "resolution", "resolutionunit"):
                assert getattr(color, name) == getattr(grey, name), name
            assert color.tags[33723].value == CAPTIONS
            assert MARK in color.tags[700].value
            assert bytes(color.iccprofile or b"")[16:20] == b"RGB "
            luminance = (grey.asarray() / 65535) ** 1.8
            expected = np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)
            error = np.abs(lightness64(color.asarray()) - expected)
            assert error.max() <= 2 * LARGEST_ERROR_16


def test_options_of_writing_work_from_the_shell_and_from_the_environment(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(SOURCES["JPEG"]())
    os.utime(tmp_path / "a.jpg", (1_000_000_000, 946_684_799))
    sizes = {}
    for name, arguments, variables in (
        ("fine", ["--quality", "98", "--keep-times"], {}),
        ("rough", [], {"COLORIZE_QUALITY": "40", "COLORIZE_SUBSAMPLING": "420", "COLORIZE_NO_MARK": "1"}),
    ):
        done = colorize("a.jpg", "-o", f"{name}.jpg", *arguments, COLORIZE_MODEL="lite", **variables)
        assert done.returncode == 0, done.stderr
        sizes[name] = (tmp_path / f"{name}.jpg").stat().st_size
    assert sizes["fine"] > 1.2 * sizes["rough"]
    assert MARK in (tmp_path / "fine.jpg").read_bytes()
    assert MARK not in (tmp_path / "rough.jpg").read_bytes()
    assert (tmp_path / "fine.jpg").stat().st_mtime == 946_684_799
    assert (tmp_path / "rough.jpg").stat().st_mtime != 946_684_799


def test_format_names_and_writes_the_output(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(by_pillow(scene(), "JPEG"))
    (tmp_path / "b.pgm").write_bytes(by_pillow(scene(), "PPM"))
    done = colorize("a.jpg", "b.pgm", "--format", "webp", "--model", "lite")
    assert done.returncode == 0, done.stderr
    for name in ("a.color.webp", "b.color.webp"):
        assert Image.open(io.BytesIO((tmp_path / name).read_bytes())).format == "WEBP"
    assert colorize("b.pgm", "--model", "lite").returncode == 0
    assert (tmp_path / "b.color.ppm").read_bytes().startswith(b"P6")
    wrong = colorize("a.jpg", "-o", "x.png", "--format", "jpeg", "--model", "lite")
    assert wrong.returncode == 2
    assert "leave one of them out" in wrong.stderr
    assert not (tmp_path / "x.png").exists()


def test_several_pages_into_jpeg_fail_by_name_and_leave_nothing(colorize: Command, album: Path, tmp_path: Path) -> None:
    done = colorize("album.tif", "-o", "album.jpg", "--model", "lite")
    assert done.returncode == 1
    assert "album.jpg: JPEG cannot hold 2 pages; write a .tif" in done.stderr
    assert not (tmp_path / "album.jpg").exists()


def test_what_is_not_kept_is_said_and_counted_where_there_are_many(colorize: Command, tmp_path: Path) -> None:
    data = by_tifffile(scene(), iccprofile=b"no profile")
    (tmp_path / "a.tif").write_bytes(data)
    view = ("--model", "lite", "--size", "64", "--overwrite")
    assert "a.tif: the embedded colour profile is left aside" in colorize("a.tif", *view).stderr
    assert colorize("a.tif", *view, "-q").stderr == ""
    assert "colour profile is left aside" in colorize("-", "-o", "-", *view, stdin=data).stderr
    (tmp_path / "many").mkdir()
    for number in range(20):
        (tmp_path / "many" / f"{number}.tif").write_bytes(data)
    (tmp_path / "many" / "plain.tif").write_bytes(by_tifffile(scene()))
    brief = colorize("many", "-o", "out", *view, "--jobs", "1").stderr
    assert "21 coloured; 20 with notes, which -v prints and --report keeps" in brief
    assert "left aside" not in brief
    assert "colour profile is left aside" in colorize("many", "-o", "out", *view, "--jobs", "1", "-v").stderr
