"""What is said about pictures: how much, and in which words; always to stderr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from colorizer.cli.wording import worded
from colorizer.errors import Message, shown

if TYPE_CHECKING:
    from colorizer.jobs.run import Outcome


@dataclass(frozen=True)
class Saying:
    """How much is said."""

    quiet: bool
    verbose: bool

    def line(self, text: str) -> None:
        """Print a line."""
        click.echo(text, err=True)

    def remark(self, text: Message | str) -> None:
        """Print a line about the whole job, unless told to be quiet."""
        if not self.quiet:
            self.line(f"colorize: {worded(text)}")


def lines(outcome: Outcome, saying: Saying, *, brief: bool) -> list[str]:
    """What is said of a picture when it is done; those that fail are named at the end, or at once when quiet."""
    from colorizer.jobs.run import Status

    source, target = shown(outcome.task.source), shown(outcome.task.target)
    if saying.quiet:
        return [f"colorize: {worded(outcome.error)}"] if outcome.error else []
    if outcome.error or (brief and not saying.verbose):
        return []
    if outcome.status is Status.KEPT:
        return [f"{target}: {'; '.join(['exists, kept (--overwrite replaces it)', *outcome.notes])}"]
    passed = f" ({outcome.status.value})" if outcome.status is Status.PASSED else ""
    timed = f", {outcome.seconds:.2f} s; {outcome.used}" if saying.verbose else ""
    return [f"{source} -> {target}{passed}{timed}", *(f"{source}: {note}" for note in outcome.notes if saying.verbose)]


def summary(outcomes: list[Outcome], total: int) -> str:
    """How many came to which end, of so many."""
    from colorizer.jobs.run import Status

    counts = {status: sum(outcome.status is status for outcome in outcomes) for status in Status}
    parts = [f"{count} {status.value}" for status, count in counts.items() if count]
    left = total - len(outcomes)
    return ", ".join([*parts, *([f"{left} not begun"] if left else [])]) or "nothing done"
