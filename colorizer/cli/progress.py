"""How far a job is, on stderr: a bar on a terminal, lines for a log, JSON for programs, or nothing.

The library only reports numbers. How they are shown is decided here, once for pictures, films, downloads and
evaluations; `tqdm` draws the bars.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from tqdm import tqdm

    from colorizer.jobs.progress import JobProgress

Choice = Literal["auto", "bar", "json", "none"]
Kind = Literal["bar", "json", "none"]

PICTURES_LAYOUT = "{n_fmt}/{total_fmt} |{bar}| {elapsed}{postfix}"
"""Of the bar for pictures, whose rate and time left are reckoned by pixels, not by files as tqdm would."""

FILM_PAUSE = 1.0
"""Seconds between two lines of JSON about a film."""

DOWNLOAD_SHARE = 0.1
"""A line for every tenth of a download ..."""

DOWNLOAD_PAUSE = 2.0
"""... but not more often than this, in seconds."""

_SHORTEST = 1e-9
"""Seconds; no rate is infinite."""


@dataclass
class Progress:
    """How far a job is.

    Attributes
    ----------
    name
        What is worked on, where there are several things.
    total
        Units of work; None while nobody knows.
    done
        Units that are done, `resumed` included.
    resumed
        Units that an earlier run has done.
    start
        When it began, in seconds of `time.monotonic`.
    """

    name: str = ""
    total: int | None = None
    done: int = 0
    resumed: int = 0
    start: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.start

    @property
    def rate(self) -> float:
        """Units a second."""
        return (self.done - self.resumed) / max(self.seconds, _SHORTEST)

    @property
    def seconds_left(self) -> float | None:
        """None while there is nothing to reckon from."""
        rate = self.rate
        return None if self.total is None or not rate else (self.total - self.done) / rate


class Display:
    """Shows nothing; the base of the displays that show something. As a context, it ends with its block."""

    def __init__(self) -> None:
        self.progress = Progress()

    def __enter__(self) -> Display:  # noqa: PYI034 - Self is newer than Python 3.10
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, name: str = "", total: int | None = None, done: int = 0) -> None:
        """Start a job of `total` units, of which some may be done already."""
        self.progress = Progress(name, total, done, done)

    def advance(self, count: int = 1) -> None:
        """Count further units as done."""
        self.progress.done += count
        self.show()

    def move(self, done: int, total: int | None, resumed: int) -> None:
        """Say how many units are done, of how many, and how many of them an earlier run did."""
        self.progress.done, self.progress.total, self.progress.resumed = done, total, resumed
        self.show()

    def show(self) -> None:
        """Bring what is shown up to date."""

    def end(self) -> None:
        """End what is shown."""

    def line(self, text: str) -> None:
        """Print a line without disturbing what is shown."""
        click.echo(text, err=True)

    def aside(self) -> AbstractContextManager[None]:
        """Within this, results may be printed to stdout without disturbing what is shown."""
        return nullcontext()


class Bar(Display):
    """A bar with count, rate and time left, for a terminal.

    Parameters
    ----------
    postfix
        Words behind the bar.
    style
        Further arguments of `tqdm`, such as `unit`.
    """

    def __init__(self, postfix: Callable[[], str] | None = None, **style: Any) -> None:
        super().__init__()
        self._postfix = postfix
        self._style = style
        self._bar: tqdm[Any] | None = None

    def begin(self, name: str = "", total: int | None = None, done: int = 0) -> None:
        """Draw the bar."""
        from tqdm import tqdm

        super().begin(name, total, done)
        self._bar = tqdm(
            desc=name or None, total=total, initial=done, file=sys.stderr, dynamic_ncols=True, **self._style
        )

    def show(self) -> None:
        """Move the bar."""
        bar, progress = self._bar, self.progress
        if bar is None:
            return
        bar.total, bar.initial = progress.total, progress.resumed
        if self._postfix is not None:
            bar.set_postfix_str(self._postfix(), refresh=False)
        bar.update(progress.done - bar.n)

    def end(self) -> None:
        """Leave the bar as it is, and the line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def line(self, text: str) -> None:
        """Print a line above the bar."""
        if self._bar is None:
            super().line(text)
            return
        with self._bar.external_write_mode():
            super().line(text)

    def aside(self) -> AbstractContextManager[None]:
        """Within this, the bar is out of the way."""
        return nullcontext() if self._bar is None else self._bar.external_write_mode()


class Lines(Display):
    """A line now and then.

    Parameters
    ----------
    text
        The line for a state.
    pause
        Seconds at least between two lines.
    share
        Share of the whole that at least is done between two lines, 0..1.
    last
        Whether the end has a line of its own, however short the pause before it.
    """

    def __init__(
        self, text: Callable[[Progress], str], *, pause: float = 0.0, share: float = 0.0, last: bool = False
    ) -> None:
        super().__init__()
        self._text = text
        self._pause, self._share, self._last = pause, share, last
        self._told, self._told_at = 0, 0.0

    def begin(self, name: str = "", total: int | None = None, done: int = 0) -> None:
        """Note what is done already."""
        super().begin(name, total, done)
        self._told, self._told_at = done, self.progress.start

    def show(self) -> None:
        """Print a line, if it is time for one."""
        progress, now = self.progress, time.monotonic()
        due = now - self._told_at >= self._pause and progress.done - self._told >= self._share * (progress.total or 0)
        if due or (self._last and progress.done == progress.total):
            self.line(self._text(progress))
            self._told, self._told_at = progress.done, now


class DownloadLines(Lines):
    """Plain lines about a download, for a log.

    Parameters
    ----------
    pause
        Seconds at least between two lines about the same file.
    """

    def __init__(self, pause: float = DOWNLOAD_PAUSE) -> None:
        super().__init__(_download_text, pause=pause, share=DOWNLOAD_SHARE)

    def begin(self, name: str = "", total: int | None = None, done: int = 0) -> None:
        """Say where an earlier download is taken up again."""
        super().begin(name, total, done)
        if done:
            self.line(f"colorize: {name}: going on after {_megabytes(done)} of {_megabytes(total or 0)}")


def on_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def chosen_kind(choice: Choice, *, bar: bool) -> Kind:
    """What to show: as chosen, and for "auto" a bar where one is of use and stderr is a terminal."""
    if choice == "auto":
        return "bar" if bar and on_terminal() else "none"
    return choice


def pictures_display(kind: Kind, progress: JobProgress) -> Display:
    """The display for a job of pictures, which counts in `progress`; a line of JSON for each picture."""
    if kind == "bar":
        return Bar(lambda: _pictures_state(progress), bar_format=PICTURES_LAYOUT)
    return Lines(lambda _: json.dumps(_pictures_event(progress))) if kind == "json" else Display()


def film_display(kind: Kind) -> Display:
    """The display for a film; a line of JSON about every second."""
    if kind == "bar":
        return Bar(unit=" frames")
    if kind == "json":
        return Lines(lambda progress: json.dumps(_film_event(progress)), pause=FILM_PAUSE, last=True)
    return Display()


def files_display(kind: Kind) -> Display:
    """The display for files that are read; a line of JSON about every second."""
    if kind == "bar":
        return Bar(unit=" files")
    if kind == "json":
        return Lines(lambda progress: json.dumps(_files_event(progress)), pause=FILM_PAUSE, last=True)
    return Display()


def download_display(*, quiet: bool) -> Display:
    """The display for downloads: a bar on a terminal, now and then a line elsewhere."""
    if quiet:
        return Display()
    return Bar(unit="B", unit_scale=True) if on_terminal() else DownloadLines()


def evaluation_display(*, quiet: bool) -> Display:
    """The display for an evaluation: a bar on a terminal, nothing elsewhere."""
    return Bar(unit=" pictures") if on_terminal() and not quiet else Display()


def training_display(*, quiet: bool, until: Callable[[], float | None]) -> Display:
    """The display for training: a bar with steps a second and time left on a terminal, nothing elsewhere.

    Parameters
    ----------
    quiet
        Show nothing.
    until
        When it ends whatever is done by then, in seconds of `time.monotonic`; None where the number of steps decides.
    """
    return Bar(lambda: _time_left(until())) if on_terminal() and not quiet else Display()


def _time_left(until: float | None) -> str:
    from tqdm import tqdm

    return "" if until is None else f"{tqdm.format_interval(max(0, int(until - time.monotonic())))} left"


def _pictures_state(progress: JobProgress) -> str:
    from tqdm import tqdm

    parts = [f"{progress.pixels_per_second / 1e6:.1f} MP/s"]
    if progress.seconds_left is not None:
        parts.append(f"{tqdm.format_interval(progress.seconds_left)} left")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def _pictures_event(progress: JobProgress) -> dict[str, Any]:
    return {
        "done": progress.done,
        "total": progress.total,
        "failed": progress.failed,
        "seconds": round(progress.seconds, 3),
        "seconds_left": _rounded(progress.seconds_left),
        "pixels_per_second": round(progress.pixels_per_second),
    }


def _film_event(progress: Progress) -> dict[str, Any]:
    return {
        "done": progress.done,
        "total": progress.total,
        "frames_per_second": round(progress.rate, 2),
        "seconds": round(progress.seconds, 3),
        "seconds_left": _rounded(progress.seconds_left),
    }


def _files_event(progress: Progress) -> dict[str, Any]:
    return {
        "done": progress.done,
        "total": progress.total,
        "seconds": round(progress.seconds, 3),
        "seconds_left": _rounded(progress.seconds_left),
    }


def _download_text(progress: Progress) -> str:
    total = progress.total or 0
    return (
        f"colorize: {progress.name}: {100 * progress.done // max(total, 1)} % of {_megabytes(total)}, "
        f"{_megabytes(int(progress.rate))}/s, {progress.seconds_left or 0:.0f} s left"
    )


def _megabytes(size: int) -> str:
    from colorizer.networks.store import megabytes

    return megabytes(size)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
