"""What progress looks like on stderr: of a download, in every way there is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from colorizer.cli.console import Console
from colorizer.cli.progress import (
    Bar,
    Choice,
    Display,
    DownloadLines,
    Kind,
    chosen_kind,
    download_display,
    film_display,
    pictures_display,
)
from colorizer.cli.weights import DownloadListener
from colorizer.jobs.plan import Task
from colorizer.jobs.progress import JobProgress
from colorizer.jobs.run import Outcome, Status


def feed(told: Display | DownloadListener) -> None:
    """A download of 10 MB, of which one has arrived before."""
    told.begin("big.caffemodel", 10_000_000, 1_000_000)
    for _ in range(90):
        told.advance(100_000)
    told.end()


def test_a_bar_shows_rate_and_time_left_and_ends_at_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    feed(Bar(unit="B", unit_scale=True))
    output, messages = capsys.readouterr()
    assert output == ""
    assert "10.0M/10.0M" in messages
    assert "B/s" in messages
    assert messages.endswith("\n")


def test_lines_tell_every_tenth_with_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    feed(DownloadLines(pause=0.0))
    output, messages = capsys.readouterr()
    assert output == ""
    lines = messages.splitlines()
    assert "going on after 1.0 MB of 10.0 MB" in lines[0]
    assert [line.split(": ")[2].split(" %")[0] for line in lines[1:]] == [str(10 * tenth) for tenth in range(2, 11)]
    assert all("MB/s" in line and line.endswith("s left") for line in lines[1:])


def test_lines_do_not_fill_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    feed(DownloadLines(pause=60.0))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_quiet_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told = DownloadListener(Console(quiet=True))
    told.message("nothing to see")
    feed(told)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("terminal", "kind"), [(True, Bar), (False, DownloadLines)])
def test_a_bar_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch, terminal: bool, kind: type) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert type(download_display(quiet=False)) is kind


def test_pictures_have_rate_failures_and_lines_above_their_bar(capsys: pytest.CaptureFixture[str]) -> None:
    counts = job_counts()
    with pictures_display("bar", counts) as display:
        display.begin(total=counts.total)
        display.line("a.jpg -> a.color.jpg")
        display.advance(2)
    output, messages = capsys.readouterr()
    assert output == ""
    assert "a.jpg -> a.color.jpg\n" in messages
    last = messages.rstrip("\n").rpartition("\r")[2]
    assert last.startswith("2/4 |")
    assert last.rstrip().endswith("MP/s, 1 failed")


def test_pictures_have_an_event_each(capsys: pytest.CaptureFixture[str]) -> None:
    counts = job_counts()
    with pictures_display("json", counts) as display:
        display.begin(total=counts.total)
        display.advance()
        display.advance()
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(events) == 2
    assert {"done": 2, "total": 4, "failed": 1, "seconds_left": None}.items() <= events[0].items()
    assert set(events[0]) == {"done", "total", "failed", "seconds", "seconds_left", "pixels_per_second"}


def test_a_film_that_goes_on_has_a_bar_and_a_last_event(capsys: pytest.CaptureFixture[str]) -> None:
    kinds: tuple[Kind, ...] = ("bar", "json")
    for kind in kinds:
        with film_display(kind) as display:
            display.begin()
            for done in range(101, 201):
                display.move(done, 200, 100)
    bar, _, lines = capsys.readouterr().err.partition("{")
    assert "200/200" in bar
    events = [json.loads(line) for line in ("{" + lines).splitlines()]
    assert [(event["done"], event["total"], event["seconds_left"]) for event in events] == [(200, 200, 0.0)]


@pytest.mark.parametrize(
    ("choice", "terminal", "wanted", "kind"),
    [
        ("auto", True, True, "bar"),
        ("auto", True, False, "none"),
        ("auto", False, True, "none"),
        ("bar", False, False, "bar"),
        ("json", True, True, "json"),
        ("none", True, True, "none"),
    ],
)
def test_what_is_shown_is_the_users_choice_and_else_the_terminals(
    monkeypatch: pytest.MonkeyPatch, choice: Choice, terminal: bool, wanted: bool, kind: str
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert chosen_kind(choice, bar=wanted) == kind


def job_counts() -> JobProgress:
    """A job of four pictures, of which one is done and one has failed."""
    sources = [Path(f"{name}.jpg") for name in "abcd"]
    counts = JobProgress(sources)
    tasks = [Task(source, source.with_suffix(".png")) for source in sources]
    counts.add(Outcome(tasks[0], Status.COLORED, pixels=(1000, 1000)))
    counts.add(Outcome(tasks[1], Status.FAILED))
    return counts
