"""The process's own streams: each may be closed, and a terminal is no place for a picture."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO, TextIO

from colorizer.errors import InputError, OutputError, UsageError

_STDERR = 2


def occupy_closed_streams() -> None:
    """Let nothing take the place of a stream that the process was started without.

    The next file to be opened would get its number, and whatever libraries print to stderr would end up in it. Messages
    go nowhere then; a closed stdin or stdout is for those to report who need it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(number)
    if sys.stderr is None:
        sys.stderr = open(_STDERR, "w", closefd=False)  # noqa: SIM115 - a descriptor, open to the end


def give_up_stdout() -> None:
    """Let what is still to be written to the process's stdout go nowhere.

    Python would complain again when it flushes at exit. A stream that somebody put in place of the process's own is
    theirs to end.
    """
    stdout = sys.__stdout__
    if stdout is None or stdout is not sys.stdout:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stdout.fileno())
    os.close(nowhere)


def standard_input() -> BinaryIO:
    """Stdin.

    Raises
    ------
    InputError
        It is closed.
    """
    if sys.stdin is None:
        raise InputError("stdin is closed; pipe something into it, or name a file")
    return sys.stdin.buffer


def standard_output(*, instead: str, terminal: bool = False) -> BinaryIO:
    """Stdout.

    Parameters
    ----------
    instead
        What to do where it is a terminal.
    terminal
        Whether it may be one.

    Raises
    ------
    OutputError
        It is closed.
    UsageError
        It is a terminal.
    """
    stdout = standard_text()
    if stdout.isatty() and not terminal:
        raise UsageError(f"stdout is a terminal; redirect it, or {instead}")
    return stdout.buffer


def standard_text() -> TextIO:
    """Stdout for text, wherever it goes.

    Raises
    ------
    OutputError
        It is closed.
    """
    if sys.stdout is None:
        raise OutputError("stdout is closed; redirect it, or name a file")
    return sys.stdout
