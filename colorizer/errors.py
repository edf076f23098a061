"""The errors that a user can cause or cure, one tree under `ColorizerError`.

Every message is one line that says what happened, to which file, and what to do next. The command line maps each class
to its exit status through `exit_status` and prints the message alone; a traceback that reaches a user is a bug.
"""

from __future__ import annotations

from enum import IntEnum
from os import PathLike, fsdecode, fspath

_NO_MEMORY_IN_OPENCV = -4
"""`cv2.Error.StsNoMem`, of a `cv2.error`."""


class ExitStatus(IntEnum):
    """What the command answers to the shell."""

    DONE = 0
    SOME_FAILED = 1
    WRONG_USE = 2
    INTERRUPTED = 130


class ColorizerError(Exception):
    """Something went wrong that the message explains; the root of the tree."""

    exit_status = ExitStatus.SOME_FAILED


class UsageError(ColorizerError):
    """An option or argument cannot be what it is, or does not fit the others."""

    exit_status = ExitStatus.WRONG_USE


class InputError(ColorizerError):
    """A picture cannot be read: missing, empty, damaged, too large, or no picture at all."""


class UnknownFormatError(InputError):
    """What should be a picture is something else, or of a format that cannot be read."""


class TooLargeError(InputError):
    """A picture has more pixels than are allowed."""


class OutputError(ColorizerError):
    """A result cannot be written: folder missing or read-only, disk full, name not possible."""


class DiskFullError(OutputError):
    """There is no room for a result, and so for none of those that follow."""


class WeightsError(ColorizerError):
    """A model is missing, damaged, or not a network of this contract."""

    exit_status = ExitStatus.WRONG_USE


class EngineError(ColorizerError):
    """The inference runtime is absent, cannot do what was asked, or failed."""

    exit_status = ExitStatus.WRONG_USE


def lacks_memory(error: BaseException) -> bool:
    """Whether memory was asked for in vain, by Python or in OpenCV."""
    return isinstance(error, MemoryError) or getattr(error, "code", None) == _NO_MEMORY_IN_OPENCV


def shown(path: str | bytes | PathLike[str] | PathLike[bytes]) -> str:
    """A file's name as it appears in messages: one line, printable, whatever bytes it holds.

    Control characters, line breaks and bytes that are not UTF-8 come out as backslash escapes, so that a name can
    neither break a one-line message nor reach the terminal as a control sequence.
    """
    name = fsdecode(fspath(path))
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in name)
