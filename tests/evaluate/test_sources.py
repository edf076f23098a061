"""Folders, tar files, lists and single pictures: what is found in them, in which order, and what is refused."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizer.errors import InputError, UsageError
from colorizer.evaluate.sources import PictureSet


def png(red: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), (red, 1, 2)).save(buffer, format="PNG")
    return buffer.getvalue()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as tar:
        folder = tarfile.TarInfo("photos.png")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def reds(pictures: PictureSet) -> list[int]:
    return [int(entry.read().pixels[0, 0, 0]) for entry in pictures]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "deep").mkdir(parents=True)
    (root / "b.png").write_bytes(png(2))
    (root / "a.png").write_bytes(png(1))
    (root / "deep" / "c.PNG").write_bytes(png(3))
    (root / "notes.txt").write_text("no picture")
    (root / "a.color.png").write_bytes(png(8))
    (root / "._a.png").write_bytes(b"what a Macintosh leaves")
    return root


def test_a_folder_is_walked_in_order_and_again_the_same(folder: Path) -> None:
    pictures = PictureSet((folder,))
    assert reds(pictures) == [1, 2, 3]
    assert reds(pictures) == [1, 2, 3]


def test_links_that_lead_in_circles_end(folder: Path) -> None:
    try:
        (folder / "deep" / "up").symlink_to(folder, target_is_directory=True)
    except OSError:
        return  # a system that lets nobody make links
    assert reds(PictureSet((folder,))) == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders there")
def test_what_might_be_waited_for_without_end_is_passed_over(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    assert reds(PictureSet((folder,))) == [1, 2, 3]


@pytest.mark.parametrize("name", ["set.tar", "set.tgz"])
def test_a_tar_file_gives_its_pictures_alone(tmp_path: Path, name: str) -> None:
    files = {"x/b.png": png(9), "x/._b.png": b"junk", "x/list.csv": b"1,2", "a.jpeg.png": png(4), "__MACOSX/c.png": b""}
    path = archive(tmp_path / name, files)
    assert reds(PictureSet((path,))) == [9, 4]
    first = next(iter(PictureSet((path,))))
    assert first.name.endswith(f"{name}:x/b.png")


def test_a_list_names_pictures_relative_to_the_current_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [os.path.join("photos", "b.png"), str(folder / "deep" / "c.PNG"), "gone.png"]  # noqa: PTH118
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    found = list(PictureSet((Path("list.txt"),)))
    assert [int(entry.read().pixels[0, 0, 0]) for entry in found[:2]] == [2, 3]
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        found[2].read()


def test_several_inputs_follow_each_other_and_a_limit_cuts(folder: Path, tmp_path: Path) -> None:
    tar = archive(tmp_path / "set.tar", {"z.png": png(7)})
    assert reds(PictureSet((tar, folder, folder / "b.png"))) == [7, 1, 2, 3, 2]
    assert reds(PictureSet((tar, folder), limit=2)) == [7, 1]


def test_what_is_no_source_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "letter.doc").write_bytes(b"\xd0\xcf\x11\xe0 dear sir\n")
    (tmp_path / "empty.txt").write_bytes(b"")
    for name in ("letter.doc", "empty.txt"):
        with pytest.raises(UsageError, match=f"{name}: neither a folder"):
            list(PictureSet((tmp_path / name,)))
    with pytest.raises(InputError, match="gone: no such file or folder"):
        list(PictureSet((tmp_path / "gone",)))


def test_a_truncated_tar_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, 60_000, np.uint8).tobytes()
    whole = archive(tmp_path / "whole.tgz", {"a.png": png(1), "b.png": noise}).read_bytes()
    (tmp_path / "half.tgz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.tgz: damaged or incomplete archive"):
        list(PictureSet((tmp_path / "half.tgz",)))
