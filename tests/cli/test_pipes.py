"""`colorize -` in the middle of a pipeline: a picture on stdout, and nothing else ever."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from in_process import run_in_process
from PIL import Image

COMMAND = [sys.executable, "-m", "colorizer"]


def run(arguments: list[str], data: bytes, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return run_in_process(arguments, cwd=cwd, environment=os.environ, stdin=data)


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
    from_file = run(["a.jpg", "-o", "-"], b"", tmp_path).stdout
    # which names its source, as a result of it that is a file does
    assert run(["a.jpg", "-o", "named.jpg"], b"", tmp_path).returncode == 0
    assert from_file == (tmp_path / "named.jpg").read_bytes()
    shown = np.asarray(Image.open(io.BytesIO(from_file)))
    assert np.array_equal(shown, np.asarray(Image.open(tmp_path / "out.jpg")))
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


@pytest.mark.parametrize("output", [[], ["-o", "out.jpg"]], ids=["stdout", "file"])
@pytest.mark.parametrize("quiet", [["-q"], []], ids=["quiet", "not"])
@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 half"])
def test_bad_input_is_said_and_leaves_stdout_empty(
    data: bytes, quiet: list[str], output: list[str], tmp_path: Path
) -> None:
    done = run(["-", "--model", "lite", *quiet, *output], data, tmp_path)
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []
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


@pytest.mark.parametrize(
    "option", [["--report", "r.jsonl"], ["--dry-run"], ["--suffix", "x"], ["--keep-times"], ["--compare"]], ids=str
)
def test_options_that_would_do_nothing_are_refused(option: list[str], jpeg: bytes, tmp_path: Path) -> None:
    done = run(["-", *option], jpeg, tmp_path)
    assert done.returncode == 2
    assert f"{option[0]}: is not for pictures in a pipe".encode() in done.stderr
    assert done.stdout == b""


def test_before_and_after_can_stand_beside_the_file_that_a_pipe_ends_in(jpeg: bytes, tmp_path: Path) -> None:
    assert run(["-", "-o", "out.jpg", "--compare"], jpeg, tmp_path).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"out.jpg", "out.compare.jpg"}


def test_the_report_may_go_to_stdout(jpeg: bytes, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(jpeg)
    done = run(["a.jpg", "b.jpg", "--report", "-"], b"", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["colored", "colored"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.jpg", "b.jpg", "a.color.jpg", "b.color.jpg"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["-"], ["weights", "list"], ["--help"], ["a.jpg", "--dry-run"]], ids=str)
def test_a_full_disk_behind_stdout_is_one_line(arguments: list[str], jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=jpeg,
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    assert done.returncode == 1
    assert b"stdout cannot be written (No space left on device)" in done.stderr.splitlines()[-1]
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def closed(*streams: int) -> Callable[[], None]:
    def close() -> None:
        for stream in streams:
            os.close(stream)

    return close


@pytest.mark.skipif(sys.platform == "win32", reason="processes are begun otherwise there")
@pytest.mark.parametrize(
    ("arguments", "stream", "said"),
    [
        (["-"], 0, b"stdin is closed"),
        (["--files-from", "-"], 0, b"stdin is closed"),
        (["--y4m", "-", "-o", "-"], 0, b"stdin is closed"),
        (["a.jpg", "-o", "-"], 1, b"stdout is closed"),
        (["a.jpg", "--report", "-"], 1, b"stdout is closed"),
    ],
)
def test_a_closed_stream_is_said(arguments: list[str], stream: int, said: bytes, jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=closed(stream),
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are begun otherwise there")
def test_without_any_stream_several_pictures_are_the_same(jpeg: bytes, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(jpeg)
    for name in ("a", "b"):
        assert run([f"{name}.jpg", "-o", f"expected-{name}.jpg", "--model", "lite"], b"", tmp_path).returncode == 0
    subprocess.run(
        [*COMMAND, "a.jpg", "b.jpg", "--model", "lite", "-v"],
        cwd=tmp_path,
        preexec_fn=closed(0, 1, 2),
        check=True,
        timeout=120,
    )
    for name in ("a", "b"):
        assert (tmp_path / f"{name}.color.jpg").read_bytes() == (tmp_path / f"expected-{name}.jpg").read_bytes()
