"""One picture through a pipe: `-` as input, output, or both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from colorizer.cli.console import Console
from colorizer.cli.outcomes import outcome_lines
from colorizer.cli.streams import standard_input, standard_output
from colorizer.errors import ExitStatus, InputError, UsageError, shown
from colorizer.io.address import Address
from colorizer.settings import Settings

if TYPE_CHECKING:
    from colorizer.jobs.run import OutputPolicy

PIPE = Path("-")

_NOT_FOR_PIPES = ("files_from", "include", "exclude", "suffix", "update", "dry_run", "report", "keep_times", "sheet")
"""Options that mean folders, several pictures, or files on both sides."""


def color_pipe(
    inputs: tuple[Address, ...],
    output: Address | None,
    settings: Settings,
    policy: OutputPolicy,
    console: Console,
    *,
    overwrite: bool,
) -> int:
    """Colour one picture of which input, output or both are a stream; `inputs` and `output` as they were given.

    Raises
    ------
    UsageError
        There are several inputs, options have no effect in a pipe, or stdout is a terminal.
    ColorizerError
        The picture cannot be read, coloured or written.
    """
    from colorizer.colorizer import Colorizer
    from colorizer.io.anywhere import ANYWHERE
    from colorizer.jobs.existing import check_existing
    from colorizer.jobs.plan import Task
    from colorizer.jobs.run import color_file
    from colorizer.jobs.stream import STDIN, color_bytes
    from colorizer.media import target_format

    if len(inputs) != 1:
        raise UsageError("a pipe takes one picture; name one input, or - alone")
    _refuse(_NOT_FOR_PIPES if output not in (None, PIPE) else (*_NOT_FOR_PIPES, "compare"))
    file = None if output == PIPE else output
    if file is None:
        advice = "name a file with -o (or -o - if you mean it)"
        stdout = standard_output(instead=advice, terminal=output is not None)
    else:
        target_format(file, policy.output)
    data = read(inputs[0])
    colorizer = Colorizer(settings, pictures=1)
    if colorizer.model.note:
        console.remark(colorizer.model.note)
    if console.verbose:
        console.remark(colorizer.describe())
    name = STDIN if inputs[0] == PIPE else shown(inputs[0])
    if file is None:
        source = None if inputs[0] == PIPE else inputs[0]
        written, notes = color_bytes(data, colorizer, policy, name, source)
        stdout.write(written)
        stdout.flush()
        for note in notes:
            console.remark(note)
        return ExitStatus.DONE
    task = Task(Path(name), file)
    kept = check_existing(task, policy.max_pixels) if ANYWHERE.stamp(file) is not None and not overwrite else None
    outcome = kept or color_file(task, colorizer, policy, data)
    if outcome.error:
        raise outcome.error
    for text in outcome_lines(outcome, console, brief=False):
        console.line(text)
    return ExitStatus.DONE


def _refuse(names: Iterable[str]) -> None:
    """Say so where an option of the command line, other than one of the environment, would have no effect."""
    source = click.get_current_context().get_parameter_source
    for name in names:
        if source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError("is not for pictures in a pipe; leave it out", option=name)


def read(path: Address) -> bytes:
    """What a file holds, or what comes through stdin.

    Raises
    ------
    InputError
        It cannot be read, or stdin is closed.
    """
    from colorizer.jobs.stream import STDIN, read_file

    if path != PIPE:
        return read_file(path)
    if not (data := standard_input().read()):
        raise InputError(f"{STDIN}: nothing came through the pipe; see that the command before it writes a picture")
    return data
