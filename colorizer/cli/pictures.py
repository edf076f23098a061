"""`colorize PICTURE... [-o OUT]`, the default command: files, folders and pipes, and what is said about them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from colorizer import Settings, __version__
from colorizer.cli.console import Console
from colorizer.cli.guidance import guidance_options, guiding_of
from colorizer.cli.helping import GuidedCommand
from colorizer.cli.introduction import introduction, is_wanted
from colorizer.cli.option_groups import PICTURES
from colorizer.cli.options import (
    PATH,
    PLACE,
    cluster_option,
    max_pixels_option,
    options_of,
    progress_option,
    quiet_option,
    size_in_bytes,
    switch,
    valued,
)
from colorizer.cli.outcomes import outcome_lines, outdated, summary
from colorizer.cli.pipe import PIPE, color_pipe, read
from colorizer.cli.progress import Choice, chosen_kind, pictures_display
from colorizer.cli.streams import standard_text
from colorizer.cli.wording import counted, worded
from colorizer.errors import ExitStatus, UsageError, shown
from colorizer.io.address import Address, Remote
from colorizer.media.options import Output

if TYPE_CHECKING:
    from colorizer.jobs.batch import Run
    from colorizer.jobs.executors.local import StartedProcesses
    from colorizer.jobs.request import Prepared, Request
    from colorizer.jobs.run import Outcome

EPILOG = """\b
Other commands, each with --help:
  colorize video       colour a film, a stream of frames, or a folder of them
  colorize watch       colour what arrives in a folder
  colorize verify      check results against their report and their marks
  colorize serve       a page in the browser, on this machine
  colorize weights     list, download, verify and import networks
  colorize doctor      what is installed, what is chosen, how fast it is
  colorize evaluate    measure colours against the originals
  colorize completion  have the shell complete commands, options and names
"""

SHORT_JOB = 20
"""Of so many pictures each is named when it is done; of more only those that fail."""


@click.command(
    cls=GuidedCommand,
    guide=PICTURES,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("pictures", nargs=-1, type=PLACE, metavar="PICTURE|FOLDER...")
@click.option(
    "-o",
    "--output",
    type=PLACE,
    metavar="PATH",
    help="File or folder to write, or - for stdout. Default: photo.color.jpg beside photo.jpg.",
)
@valued(
    "--files-from",
    type=PLACE,
    metavar="LIST",
    help="Also the pictures named in this file (- for stdin), one a line or separated by NUL.",
)
@valued("--include", multiple=True, metavar="PATTERN", help="Of folders, take only these names or paths.")
@valued("--exclude", multiple=True, metavar="PATTERN", help="Of folders, leave out these names or paths.")
@valued("--suffix", metavar="TEXT", help="Put this before the suffix of outputs' names; .color beside the input.")
@switch("--overwrite", help="Replace outputs that exist; without it whole ones are kept and broken ones done again.")
@switch("--update", help="Do again what was made from another input or with other options.")
@switch("--dry-run", help="Only list what would be written, and estimate time and space.")
@switch("--fail-fast", help="Stop at the first picture that fails.")
@switch("--compare", help="Also write before | after side by side, as out.compare.jpg.")
@valued(
    "--sheet",
    type=PATH,
    metavar="FILE",
    help="Also write a contact sheet: before and after of the first pictures, and of those unlike their neighbours.",
)
@guidance_options
@options_of(Settings, Output)
@max_pixels_option
@valued(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Pictures at a time.  [default: one for each core, while there is memory for their networks]",
)
@valued(
    "--memory",
    type=size_in_bytes,
    metavar="BYTES",
    help="What pictures under way may take together, such as 2G.  [default: half of what is free]",
)
@cluster_option
@valued(
    "--report",
    type=PLACE,
    metavar="FILE",
    help="Write a line for each input: JSON, or CSV where the name ends in .csv; - for stdout.",
)
@progress_option
@quiet_option
@switch("-v", "--verbose", help="Say what is used and how long it takes.")
@click.version_option(__version__, "--version", message="colorize %(version)s")
def pictures(pictures: tuple[Address, ...], **options: Any) -> int:
    """Put colour into black-and-white photographs and films.

    Only colour is added, on this machine, offline. JPEG, PNG, TIFF, WebP, BMP, GIF, PNM, JPEG 2000, AVIF and
    HEIC.

    \b
      colorize photo.jpg                   writes photo.color.jpg beside it
      colorize photo.jpg -o out.png        one picture, one file
      colorize scans -o colored            a whole folder; again: only what is missing
      colorize photo.jpg --compare         before and after, side by side
      colorize photo.jpg --hint "0.42,0.61=#b03028"   this place is red; see docs/guidance.md
      colorize film.mp4                    writes film.color.mp4, see colorize video --help
      cat a.jpg | colorize - > b.jpg       through a pipe
    """  # noqa: D301 - click's mark for lines to leave as they are
    console = Console(quiet=options.pop("quiet"), verbose=options.pop("verbose"))
    writing = Output(**{item.name: options.pop(item.name) for item in fields(Output)})
    settings = Settings(**{item.name: options.pop(item.name) for item in fields(Settings)})
    guiding, variants = guiding_of(options, settings), options.pop("variants")

    if is_wanted(click.get_current_context()):
        click.echo(introduction())
        return ExitStatus.DONE

    from colorizer.jobs.ahead import start_processes

    # before the imports below, which take as long as those of the processes
    here = not options["dry_run"] and options["cluster"] is None
    started = start_processes(pictures, options["jobs"]) if here else None
    if started is not None:
        click.get_current_context().call_on_close(started.end)

    from colorizer.jobs.discover import Filter, read_list
    from colorizer.jobs.request import Request
    from colorizer.jobs.run import OutputPolicy
    from colorizer.jobs.sheet import check_sheet
    from colorizer.media import DEFAULT_MAX_PIXELS

    policy = OutputPolicy(
        writing,
        options["max_pixels"] or DEFAULT_MAX_PIXELS,
        compare=options["compare"],
        tones=options["sheet"] is not None,
        guiding=guiding,
    )
    output: Address | None = options["output"]
    if options["cluster"] is not None and (variants is not None or PIPE in pictures or output == PIPE):
        raise UsageError("is for files and folders that are coloured", option="cluster", remedy="leave it out")
    if PIPE in pictures or output == PIPE:
        if variants is not None:
            raise UsageError("is not for pictures in a pipe; leave it out", option="variants")
        return color_pipe(pictures, output, settings, policy, console, overwrite=options["overwrite"])
    listed = [] if options["files_from"] is None else read_list(read(options["files_from"]))
    if not pictures and options["files_from"] is None:
        raise UsageError("no PICTURE given; name files, folders or -, or see colorize --help")
    request = Request(
        inputs=(*pictures, *listed),
        output=output,
        settings=settings,
        policy=policy,
        name_filter=Filter(options["include"], options["exclude"]),
        infix=options["suffix"],
        overwrite=options["overwrite"],
        update=options["update"],
        jobs=options["jobs"],
        memory=options["memory"],
        cluster=options["cluster"],
    )
    if options["dry_run"]:
        return _dry_run(request, console)
    if variants is not None:
        return _propose(request, variants, console)
    if options["sheet"]:
        check_sheet(options["sheet"], overwrite=options["overwrite"])
    return _run(
        request,
        started,
        console,
        report=options["report"],
        progress=options["progress"],
        fail_fast=options["fail_fast"],
        sheet=options["sheet"],
    )


def _run(
    request: Request,
    started: StartedProcesses | None,
    console: Console,
    *,
    report: Address | None,
    progress: Choice,
    fail_fast: bool,
    sheet: Path | None,
) -> int:
    from contextlib import ExitStack

    from colorizer.jobs.discover import about_films
    from colorizer.jobs.facts import Facts
    from colorizer.jobs.interrupt import interruptible
    from colorizer.jobs.progress import JobProgress
    from colorizer.jobs.report import Report
    from colorizer.jobs.request import prepare
    from colorizer.jobs.sheet import write_sheet

    prepared = prepare(request, started=started, say=console.remark)
    if prepared.model.note:
        console.remark(prepared.model.note)
    if prepared.others:
        console.remark(f"{prepared.others} other files are no pictures and are passed over")
    if prepared.films:
        console.remark(about_films(prepared.films))
    storage = prepared.batch.storage
    sources = [task.source for task in prepared.batch.tasks]
    kind = chosen_kind(progress, bar=len(sources) > 1 and not console.quiet)
    run = prepared.start()
    outcomes: list[Outcome] = []
    brief = kind == "bar" or len(sources) > SHORT_JOB

    def stop() -> None:
        run.stop()
        console.remark("stopping when the pictures under way are done; once more to stop at once")

    with ExitStack() as stack:
        shared = standard_text() if report == PIPE else None
        root = prepared.batch.root
        record = None
        if report:
            record = stack.enter_context(Report(report, shared, words=worded, root=root, storage=storage))
        counts = JobProgress(sources, storage)
        display = stack.enter_context(pictures_display(kind, counts))
        display.begin(total=counts.total)
        interruption = stack.enter_context(interruptible(stop))
        for outcome in run:
            if record:
                record.add(outcome)
            for text in outcome_lines(outcome, console, brief=brief):
                display.line(text)
            outcomes.append(replace(outcome, making=None, facts=Facts()))  # of millions too much to keep
            counts.add(outcome)
            display.advance()
            if outcome.error and fail_fast:
                run.stop()
    if sheet and not interruption.requested:
        count = write_sheet(sheet, outcomes, request.policy.max_pixels)
        console.remark(
            f"{shown(sheet)}: {counted(count, 'picture')}, before and after" if count else "nothing for a sheet"
        )
    return _end(outcomes, prepared, run, console, interrupted=interruption.requested)


def _end(outcomes: list[Outcome], prepared: Prepared, run: Run, console: Console, *, interrupted: bool) -> int:
    total = len(prepared.batch.tasks)
    errors = [outcome.error for outcome in outcomes if outcome.error]
    for error in errors if not console.quiet else ():
        console.error(error)
    if run.broken_off:
        console.error(run.broken_off)
    if total > 1 or interrupted:
        console.remark(summary(outcomes, total))
    if run.standing.outdated:
        console.remark(outdated(run.standing.outdated))
    if interrupted:
        console.remark("interrupted; the same command goes on with the rest")
        return ExitStatus.INTERRUPTED
    return ExitStatus.SOME_FAILED if errors else ExitStatus.DONE


def _propose(request: Request, count: int, console: Console) -> int:
    """Write proposals for pictures in place of results."""
    from colorizer.colorizer import Colorizer
    from colorizer.jobs.request import prepare
    from colorizer.jobs.variants import propose

    prepared = prepare(request)
    batch = prepared.batch
    if any(isinstance(each, Remote) for task in batch.tasks for each in (task.source, task.target)):
        raise UsageError("is for pictures on this machine; copy them here first", option="variants")
    prepared.start()
    colorizer = Colorizer(request.settings, pictures=len(batch.tasks))
    failed = False
    for task in batch.tasks:
        done = propose(
            task,
            colorizer,
            request.policy.guiding,
            count,
            overwrite=request.overwrite,
            max_pixels=request.policy.max_pixels,
        )
        if done.error:
            failed = True
            console.error(done.error)
        else:
            console.remark(f"{shown(task.source)}: {len(done.hints)} variants on {shown(done.sheet)}")
    return ExitStatus.SOME_FAILED if failed else ExitStatus.DONE


def _dry_run(request: Request, console: Console) -> int:
    from colorizer.jobs.batch import standing_of
    from colorizer.jobs.estimate import estimate
    from colorizer.jobs.request import prepare

    prepared = prepare(request)
    standing = standing_of(prepared.batch, prepared.model)
    for task in prepared.batch.tasks:
        click.echo(f"{shown(task.source)}\t{shown(task.target)}")
    guess = estimate(prepared.batch, standing)
    console.remark(
        f"{counted(len(prepared.batch.tasks), 'picture')}, {guess.kept} of them there already; {guess.sentence}"
    )
    if standing.outdated:
        console.remark(outdated(standing.outdated))
    return ExitStatus.DONE
