"""Which file becomes which, and what is refused before work starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from colorizer.errors import UsageError
from colorizer.jobs.plan import Found, Naming, Task, plan

NAMING = Naming([".jpg", ".png"])


def found(*names: str) -> list[Found]:
    return [Found(Path(name), Path(Path(name).name)) for name in names]


def test_default_name_stands_beside_the_input() -> None:
    assert plan(found("a/photo.jpg"), None, NAMING) == [Task(Path("a/photo.jpg"), Path("a/photo.color.jpg"))]
    assert plan(found("v1.2.png"), None, NAMING)[0].target == Path("v1.2.color.png")


def test_output_may_be_a_file_or_an_existing_folder(tmp_path: Path) -> None:
    assert plan(found("a.jpg"), tmp_path / "out.png", NAMING)[0].target == tmp_path / "out.png"
    assert [task.target for task in plan(found("a.jpg", "x/b.png"), tmp_path, NAMING)] == [
        tmp_path / "a.jpg",
        tmp_path / "b.png",
    ]


def test_a_tree_is_mirrored_into_a_folder_that_need_not_exist(tmp_path: Path) -> None:
    pictures = [Found(Path("scans/box1/a.jpg"), Path("box1/a.jpg")), Found(Path("scans/b.png"), Path("b.png"))]
    for output in (tmp_path, tmp_path / "new"):
        targets = [task.target for task in plan(pictures, output, NAMING, folder=True)]
        assert targets == [output / "box1" / "a.jpg", output / "b.png"]
    beside = [task.target for task in plan(pictures, None, NAMING, folder=True)]
    assert beside == [Path("scans/box1/a.color.jpg"), Path("scans/b.color.png")]


def test_the_mark_in_names_can_be_chosen(tmp_path: Path) -> None:
    marked = Naming([".jpg"], infix="-tinted")
    assert plan(found("a.jpg"), None, marked)[0].target == Path("a-tinted.jpg")
    assert plan(found("a.jpg"), tmp_path, marked)[0].target == tmp_path / "a-tinted.jpg"


def test_among_several_a_file_that_is_no_picture_does_not_stop_the_others() -> None:
    assert len(plan(found("a.jpg", "notes.txt"), None, NAMING)) == 2


def test_a_name_that_says_no_format_stays_whole_and_gets_the_suffix_of_what_is_in_the_file(tmp_path: Path) -> None:
    by_content = Naming([".jpg", ".png"], suffix_by_content=lambda path: ".png" if path.name.startswith("box") else "")
    targets = [task.target for task in plan(found("box7.0113", "box7.0114", "box", "box.jpg"), None, by_content)]
    assert [target.name for target in targets] == [
        "box7.0113.color.png",
        "box7.0114.color.png",
        "box.color.png",
        "box.color.jpg",
    ]
    assert plan(found("box7.0113"), tmp_path, by_content)[0].target == tmp_path / "box7.0113.png"
    assert plan(found("notes.txt"), None, by_content)[0].target == Path("notes.color.txt")


def test_comparison_stands_beside_the_output() -> None:
    assert Task(Path("a.jpg"), Path("out/a.color.jpg")).comparison == Path("out/a.color.compare.jpg")


@pytest.mark.parametrize(
    ("sources", "output", "cause"),
    [
        (["a.jpg", "b.jpg"], "no/folder", "no such folder"),
        (["a.jpg"], "no/folder/out.jpg", "no such folder"),
        (["a.jpg"], "out.xyz", "no format that is written ends in .xyz"),
        (["a.jpg"], "out", "no such folder; create it"),
        (["a.jpg"], "a.jpg", "same file"),
        (["a.jpg"], "./x/../a.jpg", "same file"),
        (["a.jpg", "x/a.jpg"], "folder", "both"),
        (["a.jpg", "a.jpg"], None, "both"),
    ],
)
def test_impossible_outputs_are_refused(
    sources: list[str], output: str | None, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "x"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(UsageError, match=cause):
        plan(found(*sources), Path(output) if output else None, NAMING)


def test_a_link_to_the_input_is_the_input(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"x")
    (tmp_path / "hard.jpg").hardlink_to(source)
    with pytest.raises(UsageError, match="same file"):
        plan([Found(source, Path("a.jpg"))], tmp_path / "hard.jpg", NAMING)
