"""What is printed about each picture when it is done, and about all of them at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from colorizer.cli.wording import worded
from colorizer.errors import shown

if TYPE_CHECKING:
    from colorizer.cli.console import Console
    from colorizer.jobs.journal import Difference
    from colorizer.jobs.run import Outcome, Status


def outcome_lines(outcome: Outcome, console: Console, *, brief: bool) -> list[str]:
    """What is printed about a picture when it is done.

    Parameters
    ----------
    outcome
        What became of it.
    console
        How much is wanted: with `quiet` errors alone, which are otherwise left for the end of the job.
    brief
        Whether to name only what needs attention, as in jobs of many pictures.
    """
    from colorizer.jobs.run import Status

    source, target = shown(outcome.task.source), shown(outcome.task.target)
    if console.quiet:
        return [f"colorize: {worded(outcome.error)}"] if outcome.error else []
    if outcome.error:
        return []
    remarks = [f"{source}: {remark}" for remark in outcome.remarks]
    if brief and not console.verbose:
        return remarks
    notes = [worded(note) for note in outcome.notes]
    if outcome.status is Status.KEPT:
        return [f"{target}: {'; '.join(['exists, kept (--overwrite replaces it)', *notes])}"]
    passed = f" ({outcome.status.value})" if outcome.status is Status.PASSED else ""
    timed = f", {outcome.seconds:.2f} s; {outcome.used}" if console.verbose else ""
    return [f"{source} -> {target}{passed}{timed}", *remarks, *(f"{source}: {note}" for note in notes)]


def summary(outcomes: list[Outcome], total: int) -> str:
    """How many came to which end, of so many."""
    from colorizer.jobs.run import Status

    parts = [ends(Counter(outcome.status for outcome in outcomes))] if outcomes else []
    if left := total - len(outcomes):
        parts.append(f"{left} not begun")
    noted = sum(bool(outcome.notes) and outcome.status is not Status.KEPT for outcome in outcomes)
    told = f"; {noted} with notes, which -v prints and --report keeps" if noted else ""
    return (", ".join(parts) or "nothing done") + told


def ends(counts: Counter[Status]) -> str:
    """How many came to which end."""
    from colorizer.jobs.run import Status

    return ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status]) or "nothing done"


def outdated(counts: Counter[Difference]) -> str:
    """How many outputs are kept that would come out otherwise now, by the reason; and what does them again."""
    total = sum(counts.values())
    exist, them = ("exists", "it") if total == 1 else ("exist", "them")
    if len(counts) == 1:
        (difference,) = counts
        made = difference.value
    else:
        made = "otherwise (" + ", ".join(f"{count} {each.value}" for each, count in counts.most_common()) + ")"
    return f"{total} {exist}, made {made}: --update does {them} again"
