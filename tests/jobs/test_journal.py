"""What a folder job remembers, and that it is never worse off for having forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from colorizer.jobs.journal import JOURNAL_NAME, Journal


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A folder with a journal that holds one finished picture: folder, source, target."""
    source, folder = tmp_path / "a.jpg", tmp_path / "out"
    target = folder / "box" / "a.jpg"
    target.parent.mkdir(parents=True)
    source.write_bytes(b"input")
    target.write_bytes(b"output")
    Journal(folder, "options").add(source, target)
    return folder, source, target


def test_a_finished_picture_is_remembered(finished: tuple[Path, Path, Path]) -> None:
    folder, source, target = finished
    journal = Journal(folder, "options")
    assert journal.knows(target)
    assert journal.is_complete(target)
    assert journal.is_current(source, target)


def test_an_output_that_changed_is_not_complete(finished: tuple[Path, Path, Path]) -> None:
    folder, _, target = finished
    target.write_bytes(b"out")
    assert not Journal(folder, "options").is_complete(target)


def test_other_options_or_another_input_make_it_out_of_date(finished: tuple[Path, Path, Path]) -> None:
    folder, source, target = finished
    assert not Journal(folder, "other options").is_current(source, target)
    assert Journal(folder, "other options").is_complete(target)
    os.utime(source, (1, 1))
    assert not Journal(folder, "options").is_current(source, target)


def test_a_line_cut_short_or_garbled_is_no_line(finished: tuple[Path, Path, Path]) -> None:
    folder, source, target = finished
    journal = folder / JOURNAL_NAME
    whole = journal.read_bytes()
    for cut in range(0, len(whole) - 1, 7):
        journal.write_bytes(b"\xff garbage\n[1, 2]\n" + whole[:cut])
        assert not Journal(folder, "options").knows(target)
    journal.write_bytes(whole[:20] + b"\n" + whole)
    assert Journal(folder, "options").is_current(source, target)


def test_after_a_torn_line_new_lines_are_lines_again(finished: tuple[Path, Path, Path]) -> None:
    folder, source, target = finished
    journal = folder / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes()[:30])
    Journal(folder, "options").add(source, target)
    assert Journal(folder, "options").is_current(source, target)


def test_a_journal_that_cannot_be_written_is_done_without(finished: tuple[Path, Path, Path]) -> None:
    folder, source, target = finished
    (folder / JOURNAL_NAME).unlink()
    (folder / JOURNAL_NAME).mkdir()
    journal = Journal(folder, "options")
    journal.add(source, target)
    assert journal.is_complete(target)
