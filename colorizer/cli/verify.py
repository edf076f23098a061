"""`colorize verify OUTPUT...`: results held against their report and their marks."""

from __future__ import annotations

from typing import Any

import click

from colorizer.cli.console import Console
from colorizer.cli.options import PLACE, max_pixels_option, progress_option, quiet_option, switch, valued
from colorizer.cli.progress import Choice, chosen_kind, files_display
from colorizer.cli.wording import counted
from colorizer.errors import ExitStatus, UsageError
from colorizer.io.address import Address


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("outputs", nargs=-1, type=PLACE, metavar="OUTPUT|REPORT...")
@valued(
    "--report",
    "report",
    type=PLACE,
    metavar="FILE",
    help="The report to hold results against, JSON lines or CSV. Default: one that is named among the outputs, else "
    "what the folder's journal remembers.",
)
@switch("--originals", help="Also read the originals, and say which are not what results were made from any more.")
@valued("--jobs", type=click.IntRange(min=1), metavar="N", help="Files at a time.  [default: one for each core]")
@max_pixels_option
@progress_option
@quiet_option
def verify(outputs: tuple[Address, ...], report: Address | None, progress: Choice, **options: Any) -> int:
    """Check results: all there, unchanged, and made from and by what is said of them.

    Each finding is a line on stdout: missing, damaged, changed, made from another source, made otherwise, failed,
    extra, unmarked. Exit status: 0 all as it should be, 1 findings, 2 wrong use.

    \b
      colorize verify colored                        against the folder's journal
      colorize verify colored --report report.jsonl  against a report
      colorize verify report.csv --originals         where the report says they are, and the originals too
      colorize verify s3://archive/colored           in a store; docs/remote.md
      colorize verify film.color.mp4                 whole, and marked
    """  # noqa: D301 - click's mark for lines to leave as they are
    if not outputs and report is None:
        raise UsageError("no OUTPUT given; name files, folders or a report, or see colorize verify --help")
    console = Console(quiet=options["quiet"])

    from colorizer.jobs.interrupt import interruptible
    from colorizer.jobs.verifying.verify import Verification
    from colorizer.media import DEFAULT_MAX_PIXELS

    verification = Verification(
        outputs,
        report,
        originals=options["originals"],
        jobs=options["jobs"],
        max_pixels=options["max_pixels"] or DEFAULT_MAX_PIXELS,
    )
    looked = -1
    kind = chosen_kind(progress, bar=verification.total > 1 and not console.quiet)
    with files_display(kind) as display, interruptible(verification.stop) as interruption:
        display.begin(total=verification.total)
        for findings in verification:
            for finding in findings:
                with display.aside():
                    click.echo(str(finding))
            looked += 1
            if looked:
                display.advance()
    for remark in verification.remarks:
        console.remark(remark)
    found = ", ".join(f"{count} {each.value}" for each, count in verification.counts.items())
    console.remark(f"{looked} of {counted(verification.total, 'file')} checked: {found or 'all as it should be'}")
    if interruption.requested:
        return ExitStatus.INTERRUPTED
    return ExitStatus.DONE if verification.is_fine else ExitStatus.SOME_FAILED
