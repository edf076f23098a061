"""The command as a user meets it: every way in, every way it can go wrong."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import Command, run_python
from PIL import Image

from colorizer import __version__


@pytest.fixture
def photo(tmp_path: Path, photographs: list[Path]) -> Path:
    """A real photograph, grey, as `photo.jpg` in the folder where the command runs."""
    path = tmp_path / "photo.jpg"
    Image.open(io.BytesIO(photographs[0].read_bytes())).convert("L").save(path, quality=95)
    return path


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def is_colored(path: Path) -> bool:
    pixels = np.asarray(opened(path).convert("RGB")).astype(int)
    return bool((np.ptp(pixels, axis=-1) > 8).mean() > 0.3)


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != "home"}


def test_a_photograph_becomes_a_coloured_one_beside_it(colorize_process: Command, photo: Path, tmp_path: Path) -> None:
    done = colorize_process("photo.jpg")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert files_in(tmp_path) == {"photo.jpg", "photo.color.jpg"}
    assert opened(tmp_path / "photo.color.jpg").size == opened(photo).size
    assert is_colored(tmp_path / "photo.color.jpg")
    assert "photo.jpg -> photo.color.jpg" in done.stderr


def test_auto_says_in_one_line_what_it_took_and_how_to_get_the_other(colorize: Command, photo: Path) -> None:
    (line,) = [line for line in colorize("photo.jpg").stderr.splitlines() if "lite" in line]
    assert "colorize weights download zhang16" in line
    assert "lite" not in colorize("photo.jpg", "--model", "lite", "--overwrite").stderr


def test_quiet_says_nothing_and_verbose_says_what_is_used(colorize: Command, photo: Path) -> None:
    assert colorize("photo.jpg", "-q").stderr == ""
    said = colorize("photo.jpg", "-v", "--overwrite").stderr
    assert "lite in " in said
    assert re.search(r"photo\.color\.jpg, \d+\.\d\d s; ", said)


def test_existing_outputs_are_kept_unless_told(colorize: Command, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "out.jpg").write_bytes(b"precious")
    kept = colorize("photo.jpg", "-o", "out.jpg")
    assert kept.returncode == 0
    assert "kept" in kept.stderr
    assert (tmp_path / "out.jpg").read_bytes() == b"precious"
    assert colorize("photo.jpg", "-o", "out.jpg", "--overwrite").returncode == 0
    assert is_colored(tmp_path / "out.jpg")


def test_several_pictures_go_into_an_existing_folder(colorize: Command, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    opened(photo).save(tmp_path / "second.png")
    done = colorize("photo.jpg", "second.png", "-o", "out")
    assert done.returncode == 0
    assert {name for name in files_in(tmp_path / "out") if name[0] != "."} == {"photo.jpg", "second.png"}
    assert "2 coloured" in done.stderr


def test_one_bad_picture_does_not_stop_the_others(colorize: Command, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no picture")
    done = colorize("bad.jpg", "missing.jpg", "photo.jpg")
    assert done.returncode == 1
    assert files_in(tmp_path) == {"photo.jpg", "bad.jpg", "photo.color.jpg"}
    assert sum(line.startswith("colorize: bad.jpg: ") for line in done.stderr.splitlines()) == 1
    assert sum(line.startswith("colorize: missing.jpg: ") for line in done.stderr.splitlines()) == 1
    assert "1 coloured, 2 failed" in done.stderr


def test_compare_puts_before_and_after_side_by_side(colorize: Command, photo: Path, tmp_path: Path) -> None:
    assert colorize("photo.jpg", "-o", "out.png", "--compare").returncode == 0
    both = np.asarray(opened(tmp_path / "out.compare.png"))
    width, height = opened(photo).size
    assert both.shape[1] == 2 * width
    np.testing.assert_array_equal(both[:height, :width, 0], np.asarray(opened(photo)))
    np.testing.assert_array_equal(both[:height, width:], np.asarray(opened(tmp_path / "out.png").convert("RGB")))
    labels = both[height:]
    assert len(labels) >= 18
    assert np.ptp(labels, axis=2).max() == 0
    for half in (labels[:, :width], labels[:, width:]):  # under each its own words, within its own width
        assert half.max() > 150
        assert half[:, [0, -1]].max() < 60
    assert not np.array_equal(labels[:, :width], labels[:, width:])


def test_keep_color_passes_the_bytes_of_a_colour_photograph_and_colours_a_sepia(
    colorize: Command, photographs: list[Path], photo: Path, tmp_path: Path
) -> None:
    colourful = tmp_path / "colourful.jpg"
    colourful.write_bytes(photographs[0].read_bytes())
    grey = np.asarray(opened(photo)).astype(float)
    sepia = np.clip(np.stack([grey * 1.07 + 10, grey * 0.87 + 8, grey * 0.66], axis=-1), 0, 255).astype(np.uint8)
    Image.fromarray(sepia).save(tmp_path / "sepia.jpg", quality=90)
    done = colorize("colourful.jpg", "sepia.jpg", "--keep-color")
    assert done.returncode == 0
    assert (tmp_path / "colourful.color.jpg").read_bytes() == colourful.read_bytes()
    assert "already in colour" in done.stderr
    assert (tmp_path / "sepia.color.jpg").read_bytes() != (tmp_path / "sepia.jpg").read_bytes()


def test_options_may_come_from_the_environment(colorize: Command, photo: Path, tmp_path: Path) -> None:
    assert colorize("photo.jpg", "-o", "grey.png", COLORIZE_SATURATION="0").returncode == 0
    pixels = np.asarray(opened(tmp_path / "grey.png").convert("RGB"))
    assert np.ptp(pixels, axis=-1).max() == 0
    wrong = colorize("photo.jpg", "-o", "x.png", COLORIZE_MODEL="no-such-model")
    assert wrong.returncode == 2
    assert "no-such-model" in wrong.stderr


AWKWARD_NAMES = [
    "two words.jpg",
    'it\'s "quoted".jpg',
    "-dash.jpg",
    "f\u00eate \U0001f389.jpg",
    "line\nbreak.jpg",
    "%s%n.jpg",
]


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names_are_names_like_others(
    name: str, colorize: Command, colorize_process: Command, photo: Path, tmp_path: Path
) -> None:
    try:
        (tmp_path / name).write_bytes(photo.read_bytes())
    except OSError:
        pytest.skip("this file system knows no such names")
    # what is not ASCII reaches a process in an encoding
    done = (colorize if name.isascii() else colorize_process)("--", name)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{name[:-4]}.color.jpg").is_file()
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("content", [b"no picture", None])
def test_names_that_are_not_utf8_work_and_are_shown_escaped(
    content: bytes | None, colorize_process: Command, photo: Path, tmp_path: Path
) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    try:
        (tmp_path / name).write_bytes(content or photo.read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this file system knows no such names")
    done = colorize_process(name)
    assert done.returncode == (1 if content else 0), done.stderr
    assert r"caf\udce9.jpg" in done.stderr


def truncated(photo: Path, suffix: str) -> bytes:
    buffer = io.BytesIO()
    opened(photo).save(buffer, format="PNG" if suffix == ".png" else "JPEG")
    return buffer.getvalue()[: buffer.tell() // 2]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["missing.jpg"], 1, "missing.jpg: no such file"),
        (["folder"], 2, "no pictures found in folder"),
        (["full", "-o", "out.jpg"], 2, "out.jpg: is called like a file"),
        (["empty.jpg"], 1, "empty.jpg: the file is empty"),
        (["text.jpg"], 1, "text.jpg: text, not a picture"),
        (["text"], 1, "text: text, not a picture"),
        (["missing"], 1, "missing: no such file"),
        (["half.jpg"], 1, "half.jpg: damaged or incomplete"),
        (["half.png"], 1, "half.png: damaged or incomplete"),
        (["photo.jpg", "-o", "no/such/out.jpg"], 2, "no such folder"),
        (["photo.jpg", "-o", "photo.jpg", "--overwrite"], 2, "same file"),
        (["photo.jpg", "-o", "out.xyz"], 2, "out.xyz: no format that is written ends in .xyz"),
        (["photo.jpg", "--max-pixels", "1000"], 1, "limit of 1000"),
        (["photo.jpg", "--saturation", "99"], 2, "--saturation 99"),
        (["photo.jpg", "--saturation", "nan"], 2, "--saturation nan"),
        (["photo.jpg", "--temperature", "0"], 2, "--temperature 0"),
        (["photo.jpg", "--size", "225"], 2, "multiples of 32"),
        (["photo.jpg", "--fit", "diagonal"], 2, "diagonal"),
        (["photo.jpg", "--compat", "--saturation", "2"], 2, "--compat: computes with fixed settings"),
        (["photo.jpg", "--bin-centres", "text.jpg"], 2, "text.jpg: not a NumPy file"),
        (["photo.jpg", "--bin-centres", "missing.npy"], 2, "missing.npy: cannot read"),
        (["photo.jpg", "--no-such-option"], 2, "--no-such-option"),
        ([], 2, "PICTURE"),
        ([""], 2, "an empty name"),
        (["photo.jpg", "-o", ""], 2, "--output: an empty name"),
        (["photo.jpg", "-o", "new/"], 2, "new: no such folder; create it first"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_line_the_right_status_and_no_partial_output(
    arguments: list[str], status: int, said: str, colorize: Command, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("text.jpg", "text"):
        (tmp_path / name).write_text("Dear aunt, the picture follows.\n")
    for suffix in (".jpg", ".png"):
        (tmp_path / f"half{suffix}").write_bytes(truncated(photo, suffix))
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    done = colorize(*arguments, COLORIZE_MODEL="lite")
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("colorize: ")
    assert said in line
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_what_is_in_a_file_names_the_result_where_its_own_name_does_not(
    colorize: Command, photo: Path, tmp_path: Path
) -> None:
    for name in ("box7.0113", "box7.0114"):
        (tmp_path / name).write_bytes(photo.read_bytes())
    opened(photo).convert("L").resize((40, 30)).save(tmp_path / "scan", format="GIF")
    done = colorize("box7.0113", "box7.0114", "scan", COLORIZE_MODEL="lite")
    assert done.returncode == 0, done.stderr
    results = {path.name: opened(path).format for path in tmp_path.glob("*.color.*")}
    assert results == {"box7.0113.color.jpg": "JPEG", "box7.0114.color.jpg": "JPEG", "scan.color.png": "PNG"}


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_tiny_and_thin_pictures_are_coloured_too(size: tuple[int, int], colorize: Command, tmp_path: Path) -> None:
    Image.new("L", size, 120).save(tmp_path / "thin.png")
    done = colorize("thin.png")
    assert done.returncode == 0, done.stderr
    assert opened(tmp_path / "thin.color.png").size == size


def test_unwritable_folder_is_refused_by_name(colorize: Command, photo: Path, tmp_path: Path) -> None:
    locked = Path("/proc/self")  # not even the administrator may write there
    if not locked.is_dir():
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
    done = colorize("photo.jpg", "-o", locked)
    assert done.returncode == 1
    assert "photo.jpg: cannot be written" in done.stderr
    assert files_in(tmp_path) <= {"photo.jpg", "locked"}


def test_a_folder_named_like_a_command_is_reached_by_its_path(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    done = colorize("weights", "-o", "out")
    assert done.returncode == 2
    assert f".{os.sep}weights" in done.stderr
    assert "no pictures found in weights" in colorize(f".{os.sep}weights", "-o", "out").stderr


def test_version_and_help_come_without_opencv(tmp_path: Path) -> None:
    for option in ("--version", "--help"):
        code = (
            "import sys\nfrom colorizer.cli import main\n"
            f"try:\n    main([{option!r}])\nexcept SystemExit as leave:\n    assert not leave.code\n"
            "assert not {'cv2', 'numpy', 'PIL'} & set(sys.modules), 'a heavy import'"
        )
        done = run_python(code, tmp_path)
        assert done.returncode == 0, done.stderr
        assert __version__ in done.stdout or "PICTURE" in done.stdout


def test_a_film_is_sent_to_the_command_for_films(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "film.mkv").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(600))
    done = colorize("film.mkv")
    assert done.returncode == 1
    assert "film.mkv: cannot be read as a film" in done.stderr
