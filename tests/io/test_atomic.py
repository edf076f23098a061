"""Files that are complete or not there at all."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from colorizer.cli.wording import worded
from colorizer.errors import OutputError, Remedy
from colorizer.io.atomic import prefetch, remove_leftovers, temporary_beside, write_atomically, writing


def test_a_file_is_written_or_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / ("long " * 50 + ".jpg")
    for content in (b"first", b"second"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["no such folder/a.jpg", "x" * 300, "a\0b"])
def test_what_cannot_be_written_is_an_error_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(tmp_path / name, b"content")
    assert not list(tmp_path.iterdir())


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    code = (
        "import os, sys; from pathlib import Path; from colorizer.io import atomic\n"
        "Path.replace = lambda self, target: os._exit(9)\n"
        "atomic.write_atomically(Path(sys.argv[1]), b'half')"
    )
    subprocess.run([sys.executable, "-c", code, str(below / "a.jpg")], check=False, timeout=60)
    (leftover,) = below.iterdir()
    others = [tmp_path / name for name in (".hidden", "film.part", ".colorize-45.part")]
    for path in others:
        path.write_bytes(b"")
    with writing(tmp_path / "b.jpg") as file:
        remove_leftovers(tmp_path, below=False)
        assert leftover.exists()
        remove_leftovers(tmp_path)
        assert not leftover.exists()
        assert all(path.exists() for path in others)
        file.write(b"whole")
    assert (tmp_path / "b.jpg").read_bytes() == b"whole"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is told to the system")
def test_expecting_a_file_brings_it_into_memory_and_waits_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(1 << 20))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for what in (path, fifo, tmp_path / "missing", Path("a\0b"), tmp_path):
        prefetch(what)
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        try:
            os.preadv(file.fileno(), [bytearray(1)], 1 << 19, os.RWF_NOWAIT)
        except BlockingIOError:
            pass
        except OSError:
            pytest.skip("this file system does not tell what is in memory")
        else:
            pytest.skip("this file system keeps all files in memory")
        prefetch(path)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                os.preadv(file.fileno(), [bytearray(1)], 1 << 19, os.RWF_NOWAIT)
                return
            time.sleep(0.01)
        pytest.fail("the file was not read ahead")


def test_a_file_that_others_open_by_name_is_removed_if_it_was_not_renamed_or_its_process_is_killed(
    tmp_path: Path,
) -> None:
    with temporary_beside(tmp_path / "film.mp4") as temporary:
        temporary.write_bytes(b"whole")
        temporary.replace(tmp_path / "film.mp4")
    with temporary_beside(tmp_path / "film.mp4") as temporary:
        temporary.write_bytes(b"half")
        remove_leftovers(tmp_path)
        assert temporary.exists() or sys.platform == "win32"
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    code = (
        "import os, sys; from pathlib import Path; from colorizer.io.atomic import temporary_beside\n"
        "with temporary_beside(Path(sys.argv[1])) as path: path.write_bytes(b'half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "film.mp4")], check=False, timeout=60)
    assert len(list(tmp_path.iterdir())) == 2
    remove_leftovers(tmp_path)
    assert (tmp_path / "film.mp4").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_pipe_that_breaks_meanwhile_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), writing(tmp_path / "a.csv"):
        raise BrokenPipeError(32, "Broken pipe")
    assert not list(tmp_path.iterdir())


def test_what_to_do_is_named_by_kind_and_may_be_the_caller_s(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as missing:
        write_atomically(tmp_path / "no" / "a.jpg", b"content")
    assert str(missing.value).endswith(f"create the folder {tmp_path / 'no'} first")
    with pytest.raises(OutputError) as long:
        write_atomically(tmp_path / ("x" * 300), b"content")
    assert str(long.value).endswith("give the result a shorter name")
    assert worded(long.value).endswith("give a shorter name with -o")
    with pytest.raises(OutputError) as own:
        write_atomically(tmp_path / ("x" * 300), b"content", remedy=Remedy.ANOTHER_STORE)
    assert str(own.value).endswith("make room or name another folder: weights_dir, or COLORIZER_HOME")
    assert worded(own.value).endswith("make room or name another folder: --weights-dir DIR, or COLORIZER_HOME")


def test_a_name_that_is_too_long_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError), writing(tmp_path / ("x" * 300)):
        pytest.fail("the block was entered")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="paths have another limit there")
def test_a_path_that_is_just_not_too_long_is_written(tmp_path: Path) -> None:
    """The temporary name is no longer than the result's where there is no room for more."""
    limit = os.pathconf(tmp_path, "PC_PATH_MAX") - 1
    folder = tmp_path
    while len(os.fspath(folder)) + 1 + 200 + 1 + len("photo.png") <= limit:
        folder /= "d" * 200
    room = limit - len(os.fspath(folder)) - 2 - len("photo.png")
    folder = folder / ("d" * room) if room > 0 else folder
    folder.mkdir(parents=True)
    path = folder / "photo.png"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert [each.name for each in folder.iterdir()] == ["photo.png"]
    with temporary_beside(path) as temporary:
        assert len(temporary.name) <= len("photo.png")
