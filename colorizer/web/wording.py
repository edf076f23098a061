"""How the page and the API spell what the library says: options as fields of a query, remedies for who sits before it.

Whoever uses the page runs the server too, as a rule, so remedies name what to type where it runs.
"""

from __future__ import annotations

from dataclasses import fields

from colorizer.errors import ColorizerError, Message, OptionRef, Remedy
from colorizer.web.limits import SERVER_SETTINGS, Limits

REMEDIES: dict[Remedy, str] = {
    Remedy.LEAVE_OUT: "leave out {what}",
    Remedy.TAKE: "take {what}",
    Remedy.COLOR_FILMS: "films are for the command: colorize {films}",
    Remedy.ANOTHER_OUTPUT: "make room where the server keeps its temporary files",
    Remedy.INSTALL_EXTRA: "where the server runs: pip install 'colorize-photos[{extra}]'",
    Remedy.DOWNLOAD_MODEL: "get it with: colorize weights download {model}",
    Remedy.ANOTHER_PORT: "start the server with another {what}",
}
"""The words for kinds that read otherwise in a browser; for all others the library's own words do."""

_SPELLINGS = {"no_mark": "mark=false"}
"""Options whose field has another name."""

_OF_THE_SERVER = {"host", "port", "token", *SERVER_SETTINGS, *(item.name for item in fields(Limits))} - {"model"}
"""Options that no request has: they are given when the server is started."""


def query_field(option: OptionRef) -> str:
    """An option as a request names it, with its value where there is one; those of the server as flags."""
    dashed = option.name.replace("_", "-")
    if option.name in _OF_THE_SERVER:
        return f"the server's --{dashed} {option.value}".rstrip()
    name = _SPELLINGS.get(option.name, dashed)
    return f"{name}={option.value}" if option.value else name


def remedy_words(remedy: Remedy) -> str:
    """The words for a kind of remedy, with names in braces for a message's values."""
    return REMEDIES.get(remedy, remedy.value)


def worded(said: Message | ColorizerError | str) -> str:
    """A message as the page and the API write it."""
    if isinstance(said, ColorizerError):
        said = said.message
    return said if isinstance(said, str) else said.spelled(query_field, remedy_words)
