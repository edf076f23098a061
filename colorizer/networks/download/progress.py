"""How a download tells about itself on stderr: a bar on a terminal, now and then a line elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from colorizer.networks.store import megabytes

if TYPE_CHECKING:
    from tqdm import tqdm

LINE_SHARE = 0.1
"""A line for every tenth of a file ..."""
LINE_SECONDS = 2.0
"""... but not more often than this."""


class Silence:
    """Tells nothing."""

    def message(self, text: str) -> None:
        """Nothing."""

    def begin(self, name: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, count: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Bar:
    """A bar with rate and time left, for a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def message(self, text: str) -> None:
        """One line; see `Listener`."""
        click.echo(f"colorize: {text}", err=True)

    def begin(self, name: str, total: int, done: int) -> None:
        """Show the bar."""
        from tqdm import tqdm

        self._bar = tqdm(desc=name, total=total, initial=done, unit="B", unit_scale=True, file=sys.stderr)

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(count)

    def end(self) -> None:
        """Leave the bar as it is, and the line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Lines:
    """Plain lines, for a log.

    Parameters
    ----------
    pause
        Seconds at least between two lines about the same file.
    """

    def __init__(self, pause: float = LINE_SECONDS) -> None:
        self._pause = pause
        self._name, self._total, self._done = "", 0, 0
        self._begun, self._begun_with, self._told, self._told_at = 0.0, 0, 0, 0.0

    def message(self, text: str) -> None:
        """One line; see `Listener`."""
        click.echo(f"colorize: {text}", err=True)

    def begin(self, name: str, total: int, done: int) -> None:
        """Remember what arrives."""
        self._name, self._total, self._done = name, total, done
        self._begun = self._told_at = time.monotonic()
        self._begun_with = self._told = done
        if done:
            self.message(f"{name}: going on after {megabytes(done)} of {megabytes(total)}")

    def advance(self, count: int) -> None:
        """Count, and tell where it is time to."""
        self._done += count
        now = time.monotonic()
        if self._done - self._told >= LINE_SHARE * self._total and now - self._told_at >= self._pause:
            rate = (self._done - self._begun_with) / (now - self._begun)
            self.message(
                f"{self._name}: {100 * self._done // self._total} % of {megabytes(self._total)}, "
                f"{megabytes(int(rate))}/s, {(self._total - self._done) / rate:.0f} s left"
            )
            self._told, self._told_at = self._done, now

    def end(self) -> None:
        """Nothing more to tell: what follows is a message of its own."""


def listener(*, quiet: bool) -> Silence | Bar | Lines:
    """Who tells of a download on this stderr."""
    if quiet:
        return Silence()
    return Bar() if sys.stderr.isatty() else Lines()
