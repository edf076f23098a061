"""What progress looks like on stderr: of a download, in every way there is."""

from __future__ import annotations

import sys

import pytest

from colorizer.cli.console import Console
from colorizer.cli.progress import Bar, Display, DownloadLines, download_display
from colorizer.cli.weights import DownloadListener


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
