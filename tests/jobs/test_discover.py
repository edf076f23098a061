"""Which pictures a user means by files, folders, patterns and lists."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorizer.errors import UsageError
from colorizer.jobs.discover import Filter, Selection, discover, read_list

SUFFIXES = (".jpg", ".png")


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def relatives(selection: Selection) -> list[str]:
    return [found.relative.as_posix() for found in selection.pictures]


def test_a_tree_is_walked_in_sorted_order_and_keeps_its_shape(tmp_path: Path) -> None:
    tree(tmp_path, "b.jpg", "a.JPG", "sub/z.png", "sub/a.png", "another/deep/x.jpg", "c.jpg")
    found = discover([tmp_path], SUFFIXES)
    assert relatives(found) == ["a.JPG", "b.jpg", "c.jpg", "another/deep/x.jpg", "sub/a.png", "sub/z.png"]
    assert all(item.source == tmp_path / item.relative for item in found.pictures)


def test_junk_is_silent_and_other_files_are_counted(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", ".hidden/x.jpg", "__MACOSX/a.jpg")
    tree(tmp_path, "notes.txt", "sub/film.mp4", "noname")
    found = discover([tmp_path], SUFFIXES)
    assert relatives(found) == ["a.jpg"]
    assert found.others == 2
    assert found.films == (tmp_path / "sub" / "film.mp4",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders there")
def test_what_might_be_waited_for_without_end_is_passed_over_and_a_broken_link_is_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    found = discover([tmp_path], SUFFIXES)
    assert relatives(found) == ["gone.jpg", "self.jpg"]
    assert (found.others, found.films) == (2, ())


def test_a_named_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    assert relatives(discover([tmp_path / ".hidden.txt"], SUFFIXES)) == [".hidden.txt"]


def test_results_beside_their_originals_are_not_coloured_again(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "a.color.jpg", "a.color.compare.jpg", "b.tone.jpg", "c.color.jpg", "D.JPG", "D.color.JPG")
    assert relatives(discover([tmp_path], SUFFIXES)) == ["D.JPG", "a.jpg", "b.tone.jpg", "c.color.jpg"]


def test_links_in_circles_end_and_linked_folders_are_visited_once(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.jpg", "b/y.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b" / "self").symlink_to(tmp_path / "b", target_is_directory=True)
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    assert relatives(discover([tmp_path], SUFFIXES)) == ["dangling.jpg", "a/x.jpg", "b/y.jpg"]


def test_the_output_folder_inside_the_input_is_not_walked(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "colored/a.jpg")
    assert relatives(discover([tmp_path], SUFFIXES, output=tmp_path / "colored")) == ["a.jpg"]
    assert len(discover([tmp_path], SUFFIXES, output=tmp_path / "elsewhere").pictures) == 2


def test_include_and_exclude_are_patterns_of_names_and_paths(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "b.png", "box1/a.jpg", "box1/drafts/c.jpg", "box2/a.jpg")

    def chosen(**patterns: tuple[str, ...]) -> list[str]:
        return relatives(discover([tmp_path], SUFFIXES, name_filter=Filter(**patterns)))

    assert chosen(include=("*.png",)) == ["b.png"]
    assert chosen(include=("box1/*",)) == ["box1/a.jpg", "box1/drafts/c.jpg"]
    assert chosen(exclude=("drafts", "box2/*")) == ["a.jpg", "b.png", "box1/a.jpg"]
    assert chosen(include=("a.jpg",), exclude=("box2",)) == ["a.jpg", "box1/a.jpg"]


def test_patterns_that_the_shell_left_alone_are_expanded(tmp_path: Path) -> None:
    tree(tmp_path, "a1.jpg", "a2.jpg", "sub/a3.jpg", "odd[1].jpg")
    assert relatives(discover([tmp_path / "a*.jpg"], SUFFIXES)) == ["a1.jpg", "a2.jpg"]
    assert relatives(discover([tmp_path / "**" / "a3.jpg"], SUFFIXES)) == ["a3.jpg"]
    assert relatives(discover([tmp_path / "odd[1].jpg"], SUFFIXES)) == ["odd[1].jpg"]
    with pytest.raises(UsageError, match="no file matches"):
        discover([tmp_path / "nothing*.jpg"], SUFFIXES)


def test_lists_may_end_their_lines_in_any_way() -> None:
    assert read_list(b"a.jpg\nb c.jpg\r\n\nd.jpg") == [Path("a.jpg"), Path("b c.jpg"), Path("d.jpg")]
    assert read_list(b"a\nb.jpg\0c.jpg\0") == [Path("a\nb.jpg"), Path("c.jpg")]


NAMES = ["a.jpg", "Großmutter 1931.tif", "海辺.png"]


@pytest.mark.parametrize("break_", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-sig"])
def test_lists_come_in_the_encodings_that_editors_and_shells_write(encoding: str, break_: str) -> None:
    text = break_.join([*NAMES, ""])
    data = codecs.BOM_UTF16_BE + text.encode("utf-16-be") if encoding == "utf-16-be-sig" else text.encode(encoding)
    assert read_list(data) == [Path(name) for name in NAMES]


def test_utf16_that_breaks_off_is_no_list_of_letters() -> None:
    data = codecs.BOM_UTF16_LE + "a.jpg\n\U0001f4f7.jpg".encode("utf-16-le")
    assert read_list(data) == [Path("a.jpg"), Path("\U0001f4f7.jpg")]
    for end in (-1, -9):  # within a unit, and between two of one letter
        with pytest.raises(UsageError, match="damaged UTF-16"):
            read_list(data[:end])


@given(
    st.lists(st.binary(min_size=1).filter(lambda name: b"\0" not in name), max_size=5).filter(
        lambda names: not names or not names[0].startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    )
)
def test_names_of_any_bytes_come_through_a_nul_list(names: list[bytes]) -> None:
    listed = read_list(b"".join(name + b"\0" for name in names))
    assert listed == [Path(os.fsdecode(name)) for name in names]
