"""The recipes of docs/video.md for other programs, run with ffmpeg as the other end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from films import Picture, Recipe, look, make_film, pan, to_grey

FFMPEG = shutil.which("ffmpeg")
COLORIZE = [sys.executable, "-m", "colorizer"]
SMALL = ["--model", "lite", "--engine", "opencv", "--size", "64"]

pytestmark = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg here")


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[4], 3))


def piped(folder: Path, *commands: list[str]) -> None:
    """Run commands, each reading what the one before writes."""
    running: list[subprocess.Popen[bytes]] = []
    for command in commands:
        source = running[-1].stdout if running else subprocess.DEVNULL
        last = len(running) == len(commands) - 1
        running.append(subprocess.Popen(command, cwd=folder, stdin=source, stdout=None if last else subprocess.PIPE))
        if len(running) > 1:
            assert running[-2].stdout is not None
            running[-2].stdout.close()
    assert [process.wait(timeout=120) for process in running] == [0] * len(commands)


def ffmpeg(*words: str) -> list[str]:
    return [FFMPEG or "ffmpeg", "-v", "error", "-y", *words]


@pytest.mark.parametrize("pix_fmt", ["gray", "gray16le", "yuv420p10le", "yuv444p16le"])
def test_frames_of_any_depth_go_through_a_pipe_with_their_luma(
    pix_fmt: str, shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", shots, Recipe(codec="ffv1", options={}, sounds=(), pix_fmt=pix_fmt))
    piped(
        tmp_path,
        ffmpeg("-i", "film.mkv", "-strict", "-1", "-f", "yuv4mpegpipe", "-"),
        [*COLORIZE, "--y4m", "-", "-o", "-", *SMALL],
        ffmpeg("-i", "-", "-c:v", "ffv1", "out.mkv"),
    )
    before, after = look(tmp_path / "film.mkv"), look(tmp_path / "out.mkv")
    assert after.pix_fmt == {"gray": "yuv420p", "gray16le": "yuv420p16le"}.get(pix_fmt, pix_fmt)
    for one, other in zip(before.planes, after.planes, strict=True):
        assert np.array_equal(one[0], other[0])
        assert np.ptp(other[1]) > 3


@pytest.mark.parametrize("suffix", ["dpx", "exr"])
def test_sequences_of_scans_go_by_way_of_png_and_a_lossless_film(
    suffix: str, shots: list[Picture], tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", shots, Recipe(codec="ffv1", options={}, sounds=(), pix_fmt="gray"))
    for folder in ("scans", "frames", "colored"):
        (tmp_path / folder).mkdir()
    deep = {"dpx": "gbrp10le", "exr": "gbrpf32le"}[suffix]
    piped(tmp_path, ffmpeg("-i", "film.mkv", "-pix_fmt", deep, f"scans/shot_%06d.{suffix}"))
    piped(tmp_path, ffmpeg("-i", f"scans/shot_%06d.{suffix}", "-pix_fmt", "rgb48be", "frames/shot_%06d.png"))
    piped(tmp_path, [*COLORIZE, "video", "frames", "-o", "colored", *SMALL])
    piped(tmp_path, ffmpeg("-i", "colored/shot_%06d.png", "-pix_fmt", deep, f"colored/shot_%06d.{suffix}"))
    assert len(list((tmp_path / "colored").glob(f"*.{suffix}"))) == 3


def test_a_folder_of_scans_that_no_picture_reader_knows_names_the_way(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for number in range(3):
        (tmp_path / "scans" / f"shot_{number:06d}.dpx").write_bytes(b"SDPX")
    done = subprocess.run(
        [*COLORIZE, "video", "scans", "-o", "out"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ffmpeg -i" in done.stderr
