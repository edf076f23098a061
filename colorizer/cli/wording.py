"""How the command line spells what the library says: options as flags, remedies as what to type."""

from __future__ import annotations

from colorizer.errors import ColorizerError, Message, OptionRef, Remedy

REMEDIES: dict[Remedy, str] = {
    Remedy.LEAVE_OUT: "leave out {what}",
    Remedy.TAKE: "take {what}",
    Remedy.CHOOSE: "choose {what}",
    Remedy.CHOOSE_ANOTHER: "choose another {what}",
    Remedy.CHOOSE_OUTPUT: "choose {what} with -o",
    Remedy.ANOTHER_OUTPUT: "choose another place with -o",
    Remedy.MAKE_ROOM: "free some space, or choose another place with -o",
    Remedy.OVERWRITE: "--overwrite replaces it",
    Remedy.WRITE_YUV4MPEG2: "write one with ffmpeg ... -f yuv4mpegpipe -strict -1 -",
    Remedy.INSTALL_EXTRA: "pip install 'colorize-photos[{extra}]'",
    Remedy.DOWNLOAD_MODEL: "get it with: colorize weights download {model}",
    Remedy.VERIFY_MODELS: "run `colorize weights verify`",
}
"""The words for each kind; a test holds them to be complete, and to use the same values as the library's."""

_SPELLINGS = {"output": "-o"}
"""Options whose flag is not their name."""


def flag(option: OptionRef) -> str:
    """An option as it is typed, with its value where there is one."""
    name = _SPELLINGS.get(option.name, "--" + option.name.replace("_", "-"))
    return f"{name} {option.value}" if option.value else name


def worded(said: Message | ColorizerError | str) -> str:
    """A message as the command line writes it."""
    if isinstance(said, ColorizerError):
        said = said.message
    return said if isinstance(said, str) else said.spelled(flag, REMEDIES.__getitem__)
