"""`colorize -` in the middle of a pipeline: a picture on stdout, and nothing else ever."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

COMMAND = [sys.executable, "-m", "colorizer"]


def run(arguments: list[str], data: bytes, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], input=data, cwd=cwd, capture_output=True, check=False, timeout=120)


@pytest.fixture
def jpeg(photographs: list[Path]) -> bytes:
    return photographs[0].read_bytes()


def test_a_picture_goes_through_and_keeps_its_format(jpeg: bytes, tmp_path: Path) -> None:
    for arguments in (["-"], ["-", "-o", "-"]):
        done = run(arguments, jpeg, tmp_path)
        assert done.returncode == 0, done.stderr
        with Image.open(io.BytesIO(done.stdout)) as picture:
            assert picture.format == "JPEG"
            assert picture.mode == "RGB"


def test_format_decides_what_stdout_gets(jpeg: bytes, tmp_path: Path) -> None:
    done = run(["-", "--format", "png"], jpeg, tmp_path)
    with Image.open(io.BytesIO(done.stdout)) as picture:
        assert picture.format == "PNG"


def test_stdin_to_a_file_and_a_file_to_stdout_are_the_same_picture(jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    to_file = run(["-", "-o", "out.jpg"], jpeg, tmp_path)
    assert to_file.returncode == 0, to_file.stderr
    assert to_file.stdout == b""
    assert run(["a.jpg", "-o", "-"], b"", tmp_path).stdout == (tmp_path / "out.jpg").read_bytes()
    again = run(["-", "-o", "out.jpg", "--saturation", "2"], jpeg, tmp_path)
    assert b"kept" in again.stderr


def test_a_pipeline_of_the_shell(jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    with (tmp_path / "a.jpg").open("rb") as source, (tmp_path / "b.png").open("wb") as target:
        first = subprocess.Popen([*COMMAND, "-", "-q"], stdin=source, stdout=subprocess.PIPE)
        second = subprocess.Popen([*COMMAND, "-", "-q", "--format", "png"], stdin=first.stdout, stdout=target)
        assert first.stdout is not None
        first.stdout.close()
        assert second.wait(timeout=120) == 0
        assert first.wait(timeout=120) == 0
    with Image.open(tmp_path / "b.png") as picture:
        picture.load()


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 half"])
def test_bad_input_leaves_stdout_empty(data: bytes, tmp_path: Path) -> None:
    done = run(["-", "-q"], data, tmp_path)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.startswith(b"colorize: <stdin>: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_leaves_ends_it_quietly(photographs: list[Path], tmp_path: Path) -> None:
    with Image.open(photographs[0]) as picture:
        picture.convert("L").resize((2000, 1500)).save(tmp_path / "large.png")
    with (tmp_path / "large.png").open("rb") as source:
        process = subprocess.Popen([*COMMAND, "-", "-q"], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        process.wait(timeout=120)


def test_several_inputs_cannot_go_through_one_pipe(jpeg: bytes, tmp_path: Path) -> None:
    done = run(["-", "other.jpg"], jpeg, tmp_path)
    assert done.returncode == 2
    assert b"a pipe takes one picture" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are made otherwise on Windows")
def test_a_terminal_gets_no_picture_unless_told(jpeg: bytes, tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [*COMMAND, "-"], input=jpeg, stdout=theirs, stderr=subprocess.PIPE, cwd=tmp_path, check=False, timeout=120
        )
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 2
    assert b"stdout is a terminal" in done.stderr
