"""`colorize PICTURE... [-o OUT]`, the default command: the options of `Settings`, and where and how to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from colorizer import Settings, __version__
from colorizer.errors import ExitStatus, shown
from colorizer.settings import Option, flag

if TYPE_CHECKING:
    from colorizer.jobs.run import Outcome

EPILOG = """\b
Other commands:
  colorize weights --help    list, download, verify and import models

\b
Exit status: 0 all done, 1 some pictures failed, 2 wrong use or missing weights,
130 interrupted. Each option may come from the environment: COLORIZE_MODEL,
COLORIZE_SATURATION, ...
"""


def variable(name: str) -> str:
    """The environment variable of an option; click would put the default command's name into it."""
    return "COLORIZE_" + name.upper()


def switch(*names: str, help: str) -> Callable[..., Any]:  # noqa: A002 - click's word for it
    """An option that is on or off."""
    return click.option(*names, is_flag=True, envvar=variable(names[-1].lstrip("-")), help=help)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each field of `Settings`."""
    for item in reversed(fields(Settings)):
        option: Option = item.metadata["option"]
        kind: Any = {"bool": bool, "int": int, "int | None": int, "float": float}.get(
            str(item.type).removesuffix(" | None"), str
        )
        if "Path" in str(item.type):
            kind = click.Path(path_type=Path)
        if option.choices:
            kind = click.Choice(option.choices)
        command = click.option(
            flag(item.name),
            item.name,
            type=kind,
            is_flag=kind is bool,
            default=item.default,
            show_default=isinstance(item.default, str) or item.default in (1.0,) or item.name == "size",
            metavar=option.metavar,
            help=option.help,
            envvar=variable(item.name),
        )(command)
    return command


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PICTURE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File to write, or an existing folder. Default: photo.color.jpg beside photo.jpg.",
)
@switch("--overwrite", help="Replace outputs that exist; without it they are kept.")
@switch("--compare", help="Also write before | after side by side, as out.compare.jpg.")
@settings_options
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    envvar=variable("max_pixels"),
    metavar="N",
    help="Refuse larger pictures, which may be decompression bombs.  [default: 500000000]",
)
@switch("-q", "--quiet", help="Only errors on stderr.")
@switch("-v", "--verbose", help="Say what is used and how long it takes.")
@click.version_option(__version__, "--version", message="colorize %(version)s")
def pictures(
    pictures: tuple[Path, ...],
    *,
    output: Path | None,
    overwrite: bool,
    compare: bool,
    max_pixels: int | None,
    quiet: bool,
    verbose: bool,
    **settings: Any,
) -> int:
    r"""Put colour into black-and-white photographs.

    The lightness of every pixel stays as it is; only colour is added. JPEG and PNG, on this machine,
    offline.

    \b
      colorize photo.jpg                   writes photo.color.jpg beside it
      colorize photo.jpg -o out.png        one picture, one file
      colorize *.jpg -o colored            several, into an existing folder
      colorize photo.jpg --compare         and before | after side by side
    """
    chosen = Settings(**settings)

    from colorizer.colorizer import Colorizer
    from colorizer.jobs.plan import plan
    from colorizer.jobs.run import run
    from colorizer.media import DEFAULT_MAX_PIXELS, SUFFIXES

    tasks = plan(pictures, output, list(SUFFIXES))
    colorizer = Colorizer(chosen)
    if colorizer.model.note and not quiet:
        click.echo(f"colorize: {colorizer.model.note}", err=True)
    if verbose:
        click.echo(f"colorize: {colorizer.describe()}", err=True)
    outcomes = []
    limit = max_pixels or DEFAULT_MAX_PIXELS
    for outcome in run(tasks, colorizer, max_pixels=limit, overwrite=overwrite, compare=compare):
        outcomes.append(outcome)
        if outcome.error is not None or not quiet:
            click.echo(_line(outcome, verbose), err=True)
    if len(outcomes) > 1 and not quiet:
        click.echo(f"colorize: {_summary(outcomes)}", err=True)
    return ExitStatus.SOME_FAILED if any(outcome.error for outcome in outcomes) else ExitStatus.DONE


def _line(outcome: Outcome, verbose: bool) -> str:
    from colorizer.jobs.run import Status

    if outcome.error is not None:
        return f"colorize: {outcome.error}"
    target = shown(outcome.task.target)
    if outcome.status is Status.KEPT:
        return f"{target}: exists, kept (--overwrite replaces it)"
    note = f" ({outcome.status.value})" if outcome.status is Status.PASSED else ""
    return f"{shown(outcome.task.source)} -> {target}{note}" + (f", {outcome.seconds:.2f} s" if verbose else "")


def _summary(outcomes: list[Outcome]) -> str:
    from colorizer.jobs.run import Status

    counts = {status: sum(outcome.status is status for outcome in outcomes) for status in Status}
    return ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
