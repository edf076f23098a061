"""`colorize evaluate SOURCE...`: parses, calls `colorizer.evaluate`, prints the table. stdout carries it alone."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from colorizer import Settings
from colorizer.cli.console import Console, is_old_advice
from colorizer.cli.options import PATH, max_pixels_option, options_of, quiet_option, switch
from colorizer.cli.progress import evaluation_display
from colorizer.cli.wording import Said, worded
from colorizer.errors import ExitStatus, InputError
from colorizer.evaluate.protocol import PROTOCOLS

LEAKING = ("strength", "keep_color")
"""Settings that would let the original's own colours into the result."""

EPILOG = """\b
Examples:
  colorize evaluate photos/                                the network in use
  colorize evaluate photos/ --model lite --model zhang16   side by side
  colorize evaluate photos/ --temperature 0.4 --temperature 1
  colorize evaluate set.tar --protocol ddcolor --html report.html

\b
Exit status: 0 all measured, 1 some pictures could not be read (the others are
measured), 2 wrong use or missing weights, 130 interrupted.
"""


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("sources", nargs=-1, required=True, type=PATH, metavar="DIR|LIST|TAR|PICTURE...")
@click.option(
    "--protocol",
    type=click.Choice(tuple(PROTOCOLS)),
    default="native",
    show_default=True,
    help="What is compared: whole pictures at their own size; or, as in the papers, resized to 256 x 256 (zhang16), or "
    "their middle squares, resized to 256 x 256 (ddcolor). The output says it exactly.",
)
@switch("--keep-luma", help="Measure results that keep the picture's Y' in place of its L*, as those of grey JPEGs do.")
@click.option("--html", type=PATH, metavar="FILE", help="Also write a report to look at.")
@click.option(
    "--per-picture",
    type=PATH,
    metavar="FILE",
    help="Also write the figures of every picture, as .csv or .jsonl.",
)
@click.option(
    "--faces",
    type=PATH,
    metavar="BOXES.json",
    help='Measure faces as well, small and large ones: {"picture.jpg": [[left, top, width, height], ...], ...}.',
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Take the first N pictures alone.")
@click.option(
    "--examples",
    type=click.IntRange(min=1, max=100),
    default=4,
    show_default=True,
    metavar="N",
    help="Best and worst pictures that the report shows of each network.",
)
@click.option(
    "--resamples",
    type=click.IntRange(min=10, max=100_000),
    default=1000,
    show_default=True,
    metavar="N",
    help="Resampled sets behind the 95 % intervals.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1, max=256),
    metavar="N",
    help="Pictures measured side by side. Default: the number of cores, at most 8.",
)
@options_of(Settings, without=LEAKING, repeatable=True)
@max_pixels_option
@quiet_option
def evaluate(
    sources: tuple[Path, ...],
    *,
    protocol: str,
    keep_luma: bool,
    html: Path | None,
    per_picture: Path | None,
    faces: Path | None,
    as_json: bool,
    limit: int | None,
    examples: int,
    resamples: int,
    jobs: int | None,
    max_pixels: int | None,
    quiet: bool,
    **choices: Any,
) -> int:
    """Measure how well colour photographs get back their colours.

    Takes colour photographs, looks at their lightness alone, colours that, and compares with what they were, in the
    figures that papers report. SOURCE is a folder, a tar file, a list of paths (one a line), or a picture.

    Each option that says how to colour may be given several times: every combination is measured, in a column of its
    own. Pictures without colour and files that cannot be read are left out, and counted.
    """
    from colorizer.evaluate.candidates import combinations
    from colorizer.evaluate.faces import read_boxes
    from colorizer.evaluate.report import prepare_report, write_report
    from colorizer.evaluate.rows import open_rows
    from colorizer.evaluate.run import Options
    from colorizer.evaluate.run import evaluate as measure
    from colorizer.evaluate.sources import PictureSet
    from colorizer.evaluate.table import as_json as json_of
    from colorizer.evaluate.table import markdown
    from colorizer.media import DEFAULT_MAX_PIXELS

    options = Options(
        protocol=PROTOCOLS[protocol].with_luma_kept() if keep_luma else PROTOCOLS[protocol],
        resamples=resamples,
        examples=examples if html else 0,
        jobs=jobs,
        max_pixels=max_pixels or DEFAULT_MAX_PIXELS,
        faces=read_boxes(faces) if faces else None,
    )
    compat = choices.pop("compat")
    settings = combinations(choices | {"compat": [True] if compat else []})
    if html:
        prepare_report(html)
    with _Listener(Console(quiet=quiet)) as listener, ExitStack() as stack:
        recorder = stack.enter_context(open_rows(per_picture)) if per_picture else None
        evaluation = measure(PictureSet(sources, limit), settings, options, listener, recorder)
    click.echo(json_of(evaluation) if as_json else markdown(evaluation))
    if html:
        write_report(html, evaluation)
    return ExitStatus.SOME_FAILED if evaluation.tally.unreadable else ExitStatus.DONE


class _Listener:
    """Shows progress, and prints messages; see `colorizer.evaluate.run.Listener`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._display = evaluation_display(quiet=console.quiet)

    def __enter__(self) -> _Listener:  # noqa: PYI034 - Self is newer than Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, what: str, total: int | None) -> None:
        """Begin a pass over the set."""
        self._display.begin(what, total)

    def advance(self) -> None:
        """Count a picture."""
        self._display.advance()

    def end(self) -> None:
        """End a pass."""
        self._display.end()

    def failure(self, error: InputError) -> None:
        """Name a picture that cannot be read."""
        self._display.line(f"colorize: {worded(error)}")

    def remark(self, said: Said) -> None:
        """Print a remark, unless told to be quiet; advice that was given before is not given again."""
        if not self._console.quiet and not is_old_advice(said):
            self._display.line(f"colorize: {worded(said)}")
