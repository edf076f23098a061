"""The errors that a user can cause or cure, one tree under `ColorizerError`, and the messages that they carry.

Every message is one line that says what happened, to which file, and what to do next. The library does not know how
options are spelled: a message names an option by its name in Python (`OptionRef`), and what to do next by its kind
(`Remedy`). `str()` gives the words for Python; the command line and the page spell the same message in their own way
(`Message.spelled`). The command line maps each class to its exit status through `exit_status`; a traceback that reaches
a user is a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from os import PathLike, fsdecode, fspath
from typing import Any

_NO_MEMORY_IN_OPENCV = -4
"""`cv2.Error.StsNoMem`, of a `cv2.error`."""


class ExitStatus(IntEnum):
    """What the command answers to the shell."""

    DONE = 0
    SOME_FAILED = 1
    WRONG_USE = 2
    INTERRUPTED = 130
    TERMINATED = 143


class Remedy(Enum):
    """What can be done about a problem, where it depends on who asks how that is said.

    The values are the words for Python; names in braces are filled from the message's values. The command line has
    words of its own for each kind, the page for those that read otherwise in a browser.
    """

    LEAVE_OUT = "leave out {what}"
    TAKE = "take {what}"
    CHOOSE = "choose {what}"
    CHOOSE_ANOTHER = "choose another {what}"
    CHOOSE_OUTPUT = "choose {what} for the result"
    ANOTHER_OUTPUT = "choose another place for the result"
    ANOTHER_NAME = "give another name"
    SHORTER_NAME = "give the result a shorter name"
    ANOTHER_FOLDER = "choose another folder"
    ANOTHER_FORMAT = "write another format"
    MORE_ROOM = "free some space, or choose another place for the result"
    IF_TRUSTED = "if the file can be trusted: {what}"
    ANOTHER_STORE = "make room or name another folder: weights_dir, or COLORIZER_HOME"
    LOCAL_STORE = "name a folder on a local disk as weights_dir"
    COLOR_FILMS = "films are a job of their own: {films}"
    OVERWRITE = "overwrite=True replaces it"
    WRITE_PNG = "make PNG of 16 bits of them first ({names})"
    WRITE_YUV4MPEG2 = "write one first, with depths beyond 8 bits allowed"
    INSTALL_EXTRA = "install colorize-photos with its extra {extra!r}"
    DOWNLOAD_MODEL = "download {model}"
    VERIFY_OR_TRY = "verify the models that are installed, or take {what}"
    INSTALL_PACKAGE = "install {package}"
    REINSTALL = "install {package} again"
    INSTALL_OPENCV = "install opencv-python-headless 4.10 or later in place of opencv-python"
    GET_CUDA = "for CUDA, install onnxruntime-gpu in place of onnxruntime, or build OpenCV with CUDA and cuDNN"
    BUILT_IN_TABLE = "leave bin_centres out to use the built-in table"
    GIVE = "give {what}"
    GIVE_WEIGHTS = "with a prototxt named apart, {what} takes the .caffemodel"
    NAME_IT = "name it as {what}"
    NAME_BOTH = "give it as {what}, and the prototxt as {other}"
    NAME_A_MODEL = "{what} takes a name or the path of a {kinds}"
    OR_USE = "or use {what}"
    NAME_TO_IMPORT = "to take it all the same, give it a name of your own ({what})"
    ANOTHER_NAME_OR_REMOVE = "choose another name, or remove {model} first"
    USE_MODEL = "use it as the model {model}"
    RICHER_COLORS = "for richer colours, download {model}"
    REPLACE_MODEL = "download {model} again"
    IMPORT_AGAIN = "remove {model} and import it again"
    IMPORT_AS = "get it there and import it under the name {model}"
    LIST_MODELS = "list the models to see which there are; one of your own is given by its path, such as {path}"
    CHECK_OR_DOWNLOAD = "check the path, or download the model"
    GET_RELEASE = "give the Caffe release's .caffemodel, which can be downloaded"
    FETCH_FROM_LFS = "fetch it by Git LFS where it came from, or download the file"
    UNPACK = "unpack it with `{command}`"
    RENAME_AND_UNPACK = "rename it to {renamed} and unpack it with `{command}`"
    UNPACK_AND_GIVE = "unpack it with `{command}` and give the file in it"
    BRING_FILE = "leave out {what}, or bring {file} from another machine and import it"
    FIND_FILE = "no place is known that still serves it: find the file {file} ({known_by}) and import it"
    ANOTHER_MIRROR = "try again later, name another source ({what}), or bring {file} and import it"
    IMPORT_LOCAL_FILE = "import a file that is on this machine"
    READ_AS_CAFFE = "run it in OpenCV 4, which reads the files themselves"
    EXPORT_TO_ONNX = "export the network to ONNX where it was trained (torch.onnx.export), and import that"
    DESCRIBE = "describe it by a descriptor (docs/networks.md)"
    SAY_ON_IMPORT = "say it when the model is imported: {what}"
    IMPORT_MODEL = "import the model again, or mend its descriptor"
    START_CLUSTER = "start one with Ray (docs/cluster.md)"
    ANOTHER_PORT = "stop that, or take another {what} (0 takes a free one)"
    SMALLER_SHARE = "take a smaller validation_share, or more photographs"
    LARGER_SHARE = "take a larger validation_share, more photographs, or give others to validate on (validate)"
    SMALLER_BATCH = "take fewer pictures at a time (batch) or a smaller size"
    ANOTHER_RUN = "choose another folder (out), or ask for what this one holds"
    GO_ON = "free some space; what was trained until {when} is kept, and the same call goes on from there"


@dataclass(frozen=True)
class OptionRef:
    """An option in a message, by its name in Python, and the value that it has or should have."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name}={self.value}" if self.value else self.name


@dataclass(frozen=True)
class Message:
    """A message, not yet spelled for whoever reads it.

    Attributes
    ----------
    text
        What happened, and to what; the whole sentence where there is no option and no remedy.
    option
        The option that it is about, which the message begins with: "temperature=99: expected ...".
    remedy
        What to do next: a kind, or words that name no option and no command.
    values
        What the remedy's words are filled with: text, an option, a tuple of these as
        alternatives ("a, b or c"), or a list of what belongs together ("a, b, c").
    """

    text: str
    option: OptionRef | None = None
    remedy: Remedy | str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def spelled(self, option: Callable[[OptionRef], str], remedy: Callable[[Remedy], str]) -> str:
        """The message in one line, in somebody's way of writing options and remedies.

        Parameters
        ----------
        option
            How an option is written.
        remedy
            The words for a kind of remedy, with names in braces for the message's values.
        """
        line = f"{option(self.option)}: {self.text}" if self.option else self.text
        if isinstance(self.remedy, Remedy):
            spelled = {name: _spelled(value, option) for name, value in self.values.items()}
            return f"{line}; {remedy(self.remedy).format(**spelled)}"
        return f"{line}; {self.remedy}" if self.remedy else line

    def about(self, name: str, separator: str = ": ") -> Message:
        """The same message, with what it is about put before it."""
        return replace(self, text=f"{name}{separator}{self.text}")

    def __str__(self) -> str:
        return self.spelled(str, lambda remedy: str(remedy.value))


def _spelled(value: Any, option: Callable[[OptionRef], str]) -> Any:
    if isinstance(value, OptionRef):
        return option(value)
    if isinstance(value, tuple):
        *others, last = (_spelled(one, option) for one in value)
        return f"{', '.join(others)} or {last}" if others else last
    if isinstance(value, list):
        return ", ".join(_spelled(one, option) for one in value)
    return value


class ColorizerError(Exception):
    """Something went wrong that the message explains; the root of the tree.

    Parameters
    ----------
    text
        What happened, and to what.
    option
        The option that is wrong, by its name in Python, or with its value; the message begins with it.
    remedy
        What to do next: a kind, or words that name no option and no command.
    values
        What the remedy's words are filled with.

    Examples
    --------
    >>> from colorizer.errors import OptionRef, OutputError, Remedy, UsageError
    >>> print(UsageError("expected a number from 0.01 to 10", option=OptionRef("temperature", "99")))
    temperature=99: expected a number from 0.01 to 10
    >>> print(OutputError("a.png: its times cannot be set", remedy=Remedy.LEAVE_OUT, what=OptionRef("keep_times")))
    a.png: its times cannot be set; leave out keep_times
    """

    exit_status = ExitStatus.SOME_FAILED

    def __init__(
        self,
        text: str | Message = "",
        *,
        option: OptionRef | str | None = None,
        remedy: Remedy | str | None = None,
        **values: Any,
    ) -> None:
        named = OptionRef(option) if isinstance(option, str) else option
        self.message = text if isinstance(text, Message) else Message(text, named, remedy, values)
        # what the process that hears of it makes the error from again
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.message)


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


class TrainingError(ColorizerError):
    """A network cannot be trained as asked: too few photographs, no memory, a run of another kind in its folder."""

    exit_status = ExitStatus.WRONG_USE


class MissingExtraError(ColorizerError):
    """What was asked for needs a package that is not installed; it comes with an extra of this one.

    Parameters
    ----------
    what
        What needs it, such as "HEIC".
    package
        The package that is missing.
    extra
        The extra of this package that brings it.
    """

    exit_status = ExitStatus.WRONG_USE

    def __init__(self, what: str | Message, package: str = "", extra: str = "") -> None:
        if isinstance(what, str):
            text = f"{what} needs {package}, which is not installed"
            what = Message(text, None, Remedy.INSTALL_EXTRA, {"extra": extra})
        super().__init__(what)


def lacks_memory(error: BaseException) -> bool:
    """Whether memory was asked for in vain, by Python or in OpenCV."""
    return isinstance(error, MemoryError) or getattr(error, "code", None) == _NO_MEMORY_IN_OPENCV


def json_trouble(error: BaseException) -> str:
    """Why a text is no JSON, for people: where to look, or what it is in place of text."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    line = getattr(error, "lineno", None)
    return f"see its line {line}" if line else "it makes no sense"


def shown(path: object) -> str:
    """A file's name, or an address, as it appears in messages: one line, printable, whatever bytes it holds.

    Control characters, line breaks and bytes that are not UTF-8 come out as backslash escapes, so that a name can
    neither break a one-line message nor reach the terminal as a control sequence.
    """
    name = fsdecode(fspath(path)) if isinstance(path, str | bytes | PathLike) else str(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in name)
