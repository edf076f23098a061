"""What the command says beside its data: lines on stderr, every message in the command line's words."""

from __future__ import annotations

from dataclasses import dataclass

import click

from colorizer.cli.wording import Said, worded


@dataclass(frozen=True)
class Console:
    """Where messages go, and how many of them are wanted.

    Attributes
    ----------
    quiet
        Whether only errors are printed.
    verbose
        Whether details are printed too.
    """

    quiet: bool = False
    verbose: bool = False

    def line(self, text: str) -> None:
        """Print a line as it is."""
        click.echo(text, err=True)

    def error(self, said: Said) -> None:
        """Print what went wrong."""
        self.line(f"colorize: {worded(said)}")

    def remark(self, said: Said) -> None:
        """Print a remark about the job, unless told to be quiet."""
        if not self.quiet:
            self.error(said)
