"""Which file becomes which, and what is refused before work starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from colorizer.errors import UsageError
from colorizer.jobs.plan import Task, plan

SUFFIXES = [".jpg", ".png"]


def test_default_name_stands_beside_the_input() -> None:
    assert plan([Path("a/photo.jpg")], None, SUFFIXES) == [Task(Path("a/photo.jpg"), Path("a/photo.color.jpg"))]
    assert plan([Path("v1.2.png")], None, SUFFIXES)[0].target == Path("v1.2.color.png")


def test_output_may_be_a_file_or_an_existing_folder(tmp_path: Path) -> None:
    assert plan([Path("a.jpg")], tmp_path / "out.png", SUFFIXES)[0].target == tmp_path / "out.png"
    assert [task.target for task in plan([Path("a.jpg"), Path("x/b.png")], tmp_path, SUFFIXES)] == [
        tmp_path / "a.jpg",
        tmp_path / "b.png",
    ]


def test_comparison_stands_beside_the_output() -> None:
    assert Task(Path("a.jpg"), Path("out/a.color.jpg")).comparison == Path("out/a.color.compare.jpg")


@pytest.mark.parametrize(
    ("sources", "output", "cause"),
    [
        (["a.jpg", "b.jpg"], "no/folder", "no such folder"),
        (["a.jpg"], "no/folder/out.jpg", "no such folder"),
        (["a.jpg"], "out.xyz", "unknown suffix"),
        (["a.jpg"], "out", "unknown suffix"),
        (["a"], None, "unknown suffix"),
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
        plan([Path(source) for source in sources], Path(output) if output else None, SUFFIXES)


def test_a_link_to_the_input_is_the_input(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"x")
    (tmp_path / "hard.jpg").hardlink_to(source)
    with pytest.raises(UsageError, match="same file"):
        plan([source], tmp_path / "hard.jpg", SUFFIXES)
