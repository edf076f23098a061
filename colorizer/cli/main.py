"""The entry point: the default command, its siblings, and the one place where errors become a line and a status."""

from __future__ import annotations

import errno
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from colorizer.cli.commands import COMMANDS, DEFAULT_COMMAND, load_command
from colorizer.cli.console import Console
from colorizer.cli.streams import give_up_stdout, occupy_closed_streams
from colorizer.cli.usage import usage_words
from colorizer.errors import ColorizerError, ExitStatus, lacks_memory
from colorizer.io.atomic import NO_ROOM
from colorizer.jobs.interrupt import remembered

DEBUG_VARIABLE = "COLORIZE_DEBUG"

_OPENCV_LOG_VARIABLE = "OPENCV_LOG_LEVEL"

_say = Console().error

_UNWRITABLE = NO_ROOM | {errno.EFBIG, errno.EIO}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave the process with its status.

    Parameters
    ----------
    arguments
        Without the program's name; the process's own by default.
    """
    occupy_closed_streams()
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command; every error is one line on stderr and a status.

    Reads and writes `sys.stdin`, `sys.stdout` and `sys.stderr`, whatever they are, and leaves the process as it was:
    signal handlers, warning filters and environment variables are put back. So it can be called any number of times.

    Parameters
    ----------
    arguments
        Without the program's name.

    Returns
    -------
    int
        The exit status.
    """
    debug = bool(os.environ.get(DEBUG_VARIABLE))
    named = arguments[0] if arguments and arguments[0] in COMMANDS else None
    try:
        with _quiet_libraries(unless=debug), remembered():
            if asked := os.environ.get("_COLORIZE_COMPLETE"):
                return _complete(asked)
            return _invoke(named or _meant(arguments), arguments[1:] if named else arguments)
    except ColorizerError as error:
        if debug:  # with what a library said, which the message leaves out
            traceback.print_exc()
        _say(error)
        return error.exit_status
    except click.ClickException as error:
        _say(usage_words(error) + _advice(named))
        return ExitStatus.WRONG_USE
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        give_up_stdout()  # whoever read it has left
        return ExitStatus.SOME_FAILED
    except Exception as error:  # the last resort: a bug of ours must not look like the user's fault
        if debug:
            traceback.print_exc()
        if isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None:
            # files that cannot be written have been named before it comes to this
            give_up_stdout()
            _say(f"stdout cannot be written ({error.strerror}); free some space where it goes")
            return ExitStatus.SOME_FAILED
        if lacks_memory(error):
            _say("not enough memory; close other programs, or do less at a time (--jobs 1)")
            return ExitStatus.SOME_FAILED
        cause = " ".join(str(error).split())
        _say(f"internal error ({type(error).__name__}: {cause}); please report it, with what {DEBUG_VARIABLE}=1 prints")
        return ExitStatus.SOME_FAILED


@contextmanager
def _quiet_libraries(*, unless: bool) -> Iterator[None]:
    """Within this, libraries neither warn nor log: what users have to know is said in our own words."""
    if unless:
        yield
        return
    before = os.environ.get(_OPENCV_LOG_VARIABLE)
    os.environ.setdefault(_OPENCV_LOG_VARIABLE, "FATAL")  # read by OpenCV when it is imported, here or in a child
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            os.environ.pop(_OPENCV_LOG_VARIABLE, None)


def _meant(arguments: Sequence[str]) -> str | None:
    """The command that the default one hands its arguments over to; None: it keeps them."""
    from colorizer.cli.routing import means_film

    return "video" if means_film(arguments) else None


def _complete(asked: str) -> int:
    """Answer a shell that wants to complete a line."""
    from colorizer.cli.completion import answer

    def default(arguments: list[str]) -> str:
        try:
            named = _meant(arguments)
        except ColorizerError:  # a line that is not finished may be wrong
            named = None
        return COMMANDS[named] if named else DEFAULT_COMMAND

    return answer(asked, COMMANDS, default)


def _invoke(named: str | None, arguments: Sequence[str]) -> int:
    command = load_command(COMMANDS[named] if named else DEFAULT_COMMAND)
    name = f"colorize {named}" if named else "colorize"
    status = command.main(list(arguments), prog_name=name, standalone_mode=False)
    return status if isinstance(status, int) else ExitStatus.DONE


def _advice(named: str | None) -> str:
    if named and Path(named).exists():
        return f"; for the file or folder of that name write {Path('.', 'x').parent}{os.sep}{named}"
    return f"; see colorize {named + ' ' if named else ''}--help"
