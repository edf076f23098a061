"""`colorize watch FOLDER -o OUT`: what arrives in a folder is coloured, until it is stopped."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import fields
from typing import Any

import click

from colorizer import Settings
from colorizer.cli.console import Console
from colorizer.cli.guidance import folder_guidance_options, guiding_of
from colorizer.cli.helping import GuidedCommand
from colorizer.cli.option_groups import WATCHING
from colorizer.cli.options import PLACE, max_pixels_option, options_of, quiet_option, size_in_bytes, switch, valued
from colorizer.cli.outcomes import ends, outcome_lines, outdated
from colorizer.cli.wording import worded
from colorizer.errors import ExitStatus, shown
from colorizer.io.address import Address
from colorizer.jobs.watching.options import WatchOptions
from colorizer.media.options import Output


@click.command(
    cls=GuidedCommand,
    guide=WATCHING,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("folder", type=PLACE, metavar="FOLDER")
@click.option("-o", "--output", type=PLACE, metavar="FOLDER", help="Folder for the results, made if it is new.")
@options_of(WatchOptions)
@valued("--include", multiple=True, metavar="PATTERN", help="Take only these names or paths.")
@valued("--exclude", multiple=True, metavar="PATTERN", help="Leave out these names or paths.")
@valued("--suffix", metavar="TEXT", help="Put this before the suffix of outputs' names.")
@switch("--update", help="At the start, also do again what was made with other options.")
@switch("--compare", help="Also write before | after side by side, as out.compare.jpg.")
@folder_guidance_options
@options_of(Settings, Output)
@max_pixels_option
@valued("--jobs", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Pictures at a time.")
@valued(
    "--memory",
    type=size_in_bytes,
    metavar="BYTES",
    help="What pictures under way may take together, such as 2G.  [default: half of what is free]",
)
@valued(
    "--report",
    type=PLACE,
    metavar="FILE",
    help="Write a line for each picture: JSON, or CSV where the name ends in .csv. Begun anew at each start, with a "
    "line for each result that is there already.",
)
@quiet_option
@switch("-v", "--verbose", help="Say what is used and how long it takes.")
def watch(folder: Address, output: Address | None, **options: Any) -> int:
    """Colour what arrives in a folder, and in folders below it, once it is complete.

    What has arrived while nobody watched is done first; what is done stays. A picture that is replaced is done again,
    and one that failed when it changes. Ctrl-C or SIGTERM finishes the picture under way and ends.

    \b
      colorize watch scans -o colored
      colorize watch /mnt/nas/in -o /mnt/nas/out --interval 60
      colorize watch scans -o s3://archive/colored
    """  # noqa: D301 - click's mark for lines to leave as they are
    console = Console(quiet=options.pop("quiet"), verbose=options.pop("verbose"))
    watching = WatchOptions(**{item.name: options.pop(item.name) for item in fields(WatchOptions)})
    writing = Output(**{item.name: options.pop(item.name) for item in fields(Output)})
    settings = Settings(**{item.name: options.pop(item.name) for item in fields(Settings)})
    guiding = guiding_of(options, settings)

    from colorizer.jobs.discover import Filter
    from colorizer.jobs.interrupt import interruptible
    from colorizer.jobs.report import Report
    from colorizer.jobs.request import Request
    from colorizer.jobs.run import Outcome, OutputPolicy, Status
    from colorizer.jobs.watching.service import notify
    from colorizer.jobs.watching.watch import Remark, Watch
    from colorizer.media import DEFAULT_MAX_PIXELS

    request = Request(
        inputs=(folder,),
        output=output,
        settings=settings,
        policy=OutputPolicy(
            writing, options["max_pixels"] or DEFAULT_MAX_PIXELS, compare=options["compare"], guiding=guiding
        ),
        name_filter=Filter(options["include"], options["exclude"]),
        infix=options["suffix"],
        update=options["update"],
        jobs=options["jobs"],
        memory=options["memory"],
    )
    watched = Watch(request, watching)
    if watched.model.note:
        console.remark(watched.model.note)
    counts: Counter[Status] = Counter()
    with ExitStack() as stack:
        path: Address | None = options["report"]
        record = None
        if path:
            record = stack.enter_context(Report(path, words=worded, root=output, storage=watched.storage))

        def stop() -> None:
            watched.stop()
            notify(STOPPING="1")
            console.remark("stopping when what is under way is done; once more to stop at once")

        stack.enter_context(interruptible(stop))
        how = "the system tells of changes" if watched.native else f"looked at every {watching.interval:g} s"
        console.remark(f"watching {shown(folder)} ({how}); results go to {shown(watched.output)}")
        notify(READY="1", STATUS=f"watching {shown(folder)}")
        said = 0
        for happening in watched:
            if isinstance(happening, Outcome):
                counts[happening.status] += 1
                if record:
                    record.add(happening)
                if happening.error:
                    console.error(happening.error)
                elif happening.status is not Status.KEPT:
                    for line in outcome_lines(happening, console, brief=False):
                        console.line(line)
            elif isinstance(happening, Remark):
                console.remark(happening.said)
            else:
                notify(STATUS=f"watching {shown(folder)}: {ends(counts)}")
                if watched.outdated.total() != said:
                    said = watched.outdated.total()
                    console.remark(outdated(watched.outdated))
    console.remark(f"stopped: {ends(counts)}")
    return ExitStatus.DONE
