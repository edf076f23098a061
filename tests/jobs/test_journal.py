"""What a folder job remembers, and that it is never worse off for having forgotten."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from colorizer.io.address import on_this_machine
from colorizer.io.anywhere import ANYWHERE
from colorizer.jobs.facts import Facts
from colorizer.jobs.journal import JOURNAL_NAME, Difference, Journal, Way
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, Status

WAY = Way("network", "options", "program", "hints")
FACTS = Facts("1" * 64, "2" * 64, 3, "2026-01-01T00:00:00Z")
MAKING = {"version": 1, "source": {"name": "a.jpg", "sha256": "1" * 64}}


def finish(journal: Journal, task: Task, way: Way | None = WAY) -> None:
    outcome = Outcome(task, Status.COLORED, pixels=(30, 40), used="a network", making=MAKING, facts=FACTS)
    journal.add(outcome, way, ANYWHERE.stamp(task.source))


def difference(folder: Path, task: Task, way: Way) -> Difference | None:
    """What a journal that is read anew says."""
    journal = Journal(folder)
    entry = journal.complete(task.target)
    assert entry is not None
    return journal.difference(task.source, entry, way)


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Path, Task]:
    """A folder with a journal that holds one finished picture."""
    folder = tmp_path / "out"
    task = Task(tmp_path / "a.jpg", folder / "box" / "a.jpg")
    on_this_machine(task.target).parent.mkdir(parents=True)
    on_this_machine(task.source).write_bytes(b"input")
    on_this_machine(task.target).write_bytes(b"output")
    finish(Journal(folder), task)
    return folder, task


def test_a_finished_picture_is_remembered_with_all_that_is_told_of_it(finished: tuple[Path, Task]) -> None:
    folder, task = finished
    journal = Journal(folder)
    entry = journal.complete(task.target)
    assert entry is not None
    assert difference(folder, task, WAY) is None
    kept = journal.kept(task, entry)
    assert (kept.status, kept.pixels, kept.used, kept.facts) == (Status.KEPT, (30, 40), "a network", FACTS)
    assert kept.making == MAKING


def test_an_output_that_changed_is_not_complete(finished: tuple[Path, Task]) -> None:
    folder, task = finished
    on_this_machine(task.target).write_bytes(b"out")
    assert Journal(folder).complete(task.target) is None
    assert Journal(folder).entry(task.target) is not None


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("network", Difference.NETWORK),
        ("options", Difference.OPTIONS),
        ("hints", Difference.HINTS),
        ("program", Difference.PROGRAM),
    ],
)
def test_in_what_an_output_differs_is_told(part: str, expected: Difference, finished: tuple[Path, Task]) -> None:
    folder, task = finished
    assert difference(folder, task, replace(WAY, **{part: "another"})) is expected
    os.utime(on_this_machine(task.source), (1, 1))
    assert difference(folder, task, replace(WAY, **{part: "another"})) is Difference.SOURCE


def test_what_was_only_found_to_be_whole_differs_in_nothing_that_is_known(finished: tuple[Path, Task]) -> None:
    folder, task = finished
    finish(Journal(folder), task, way=None)
    assert difference(folder, task, replace(WAY, options="others")) is None


def test_how_many_pictures_were_made_alike_is_written_once(finished: tuple[Path, Task]) -> None:
    folder, task = finished
    journal = Journal(folder)
    for number in range(5):
        other = Task(task.source, folder / f"{number}.jpg")
        on_this_machine(other.target).write_bytes(b"output")
        finish(journal, other)
    assert (folder / JOURNAL_NAME).read_text().count('"version"') == 1
    assert len(Journal(folder).entries) == 6


def test_a_line_cut_short_or_garbled_is_no_line(finished: tuple[Path, Task]) -> None:
    folder, task = finished
    journal = folder / JOURNAL_NAME
    whole = journal.read_bytes()
    for cut in range(0, len(whole) - 1, 7):
        journal.write_bytes(b"\xff garbage\n[1, 2]\n7\n" + whole[:cut])
        assert Journal(folder).entry(task.target) is None
    journal.write_bytes(whole[:20] + b"\n" + whole)
    assert difference(folder, task, WAY) is None


def test_after_a_torn_line_new_lines_are_lines_again(finished: tuple[Path, Task]) -> None:
    folder, task = finished
    journal = folder / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes()[:30])
    finish(Journal(folder), task)
    assert difference(folder, task, WAY) is None


def test_a_journal_that_cannot_be_written_is_done_without(finished: tuple[Path, Task]) -> None:
    folder, task = finished
    (folder / JOURNAL_NAME).unlink()
    (folder / JOURNAL_NAME).mkdir()
    journal = Journal(folder)
    finish(journal, task)
    assert journal.complete(task.target) is not None
