"""How the command line spells what the library says: options as flags, remedies as what to type."""

from __future__ import annotations

from typing import TypeAlias

from colorizer.errors import ColorizerError, Message, OptionRef, Remedy

Said: TypeAlias = Message | ColorizerError | str
"""What the library says: an error, a message, or words that name no option and no command."""

REMEDIES: dict[Remedy, str] = {
    Remedy.LEAVE_OUT: "leave out {what}",
    Remedy.TAKE: "take {what}",
    Remedy.ANOTHER_OUTPUT: "choose another place with -o",
    Remedy.INSTALL_EXTRA: "pip install 'colorize-photos[{extra}]'",
    Remedy.DOWNLOAD_MODEL: "get it with: colorize weights download {model}",
    Remedy.VERIFY_MODELS: "run `colorize weights verify`",
    Remedy.ANOTHER_PORT: "stop that, or take another one with {what} (0 takes a free one)",
}
"""The words for each kind; a test holds them to be complete, and to use the same values as the library's."""

_SPELLINGS = {"output": "-o"}
"""Options whose flag is not their name."""


def flag(option: OptionRef) -> str:
    """An option as it is typed, with its value where there is one."""
    name = _SPELLINGS.get(option.name, "--" + option.name.replace("_", "-"))
    return f"{name} {option.value}" if option.value else name


def worded(said: Said) -> str:
    """A message as the command line writes it."""
    if isinstance(said, ColorizerError):
        said = said.message
    return said if isinstance(said, str) else said.spelled(flag, REMEDIES.__getitem__)
