"""What the command says beside its data: lines on stderr, every message in the command line's words."""

from __future__ import annotations

from dataclasses import dataclass

import click

from colorizer.cli.wording import Said, worded
from colorizer.errors import Message, Remedy
from colorizer.io.cache import first_time

ADVICE = (Remedy.RICHER_COLORS,)
"""Remedies for what is nothing wrong: told once, not with every run."""


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
        """Print a remark about the job, unless told to be quiet; advice that was given before is not given again."""
        if not self.quiet and not is_old_advice(said):
            self.error(said)


def is_old_advice(said: Said) -> bool:
    """Whether this is advice, as against news, and somebody on this machine has read it already."""
    return isinstance(said, Message) and said.remedy in ADVICE and not first_time(str(said.remedy))
