"""What commands share: options made from dataclasses, switches, sizes in bytes, and environment variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from colorizer.cli.completion import complete_models_or_files
from colorizer.cli.wording import flag
from colorizer.errors import OptionRef
from colorizer.io.address import Remote, address, on_this_machine
from colorizer.settings import declared_type, option_of


class _Name(click.Path):
    """A file or folder; no empty name, which `pathlib` would take for the current folder and all that is in it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What was given, as a path."""
        if value in ("", b""):
            self.fail("an empty name, as of a shell's variable that is not set; give a name", param, ctx)
        if isinstance(value, str):
            found = address(value)
            if isinstance(found, Remote):
                return self._elsewhere(found)
            value = str(found)
        return super().convert(value, param, ctx)

    def _elsewhere(self, found: Remote) -> Any:
        return on_this_machine(found)


class _Place(_Name):
    """Likewise, or what lies elsewhere."""

    def _elsewhere(self, found: Remote) -> Any:
        return found


PATH = _Name(path_type=Path)
"""What reads the name of a file or folder on this machine."""

PLACE = _Place(path_type=Path)
"""What reads the name of a file or folder, wherever it lies."""

_KINDS: dict[str, Any] = {"bool": bool, "int": int, "float": float, "Path": PATH}
_COMPLETED = {"model": complete_models_or_files}
"""Options whose values a shell can complete, beside files and choices."""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def variable(name: str) -> str:
    """The environment variable of an option; click would put the default command's name into it."""
    return "COLORIZE_" + name.upper().replace("-", "_")


def switch(*names: str, help: str) -> Callable[..., Any]:  # noqa: A002 - click's word for it
    """An option that is on or off."""
    return click.option(*names, is_flag=True, envvar=variable(names[-1].lstrip("-")), help=help)


def valued(*names: str, **attributes: Any) -> Callable[..., Any]:
    """An option with a value, which may come from the environment."""
    return click.option(*names, envvar=variable(names[-1].lstrip("-")), **attributes)


max_pixels_option = valued(
    "--max-pixels",
    type=click.IntRange(min=1),
    metavar="N",
    help="Refuse larger pictures; small files can hold pictures that fill the memory.  [default: 500000000]",
)

cluster_option = valued(
    "--cluster",
    metavar="auto|HOST:PORT",
    help="Have the machines of a Ray cluster do the work: the one that runs here, or that of this head. All of them "
    "see the files under the same names.",
)

progress_option = valued(
    "--progress",
    type=click.Choice(["auto", "bar", "json", "none"]),
    default="auto",
    show_default=True,
    help="A bar, lines of JSON, or nothing; auto shows a bar on a terminal.",
)

quiet_option = switch("-q", "--quiet", help="Only errors on stderr.")


class Repeatable(click.Option):
    """An option with several values, of which the environment gives one: click would cut it at spaces."""

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """The one value."""
        value = self.resolve_envvar_value(ctx)
        return None if value is None else (value,)


def options_of(
    *classes: type,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    kinds: Mapping[str, Any] = MappingProxyType({}),
    repeatable: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option for each field of dataclasses whose fields were made by `colorizer.settings.option`.

    Parameters
    ----------
    classes
        The dataclasses.
    only
        Take these fields alone.
    without
        Leave these fields out.
    kinds
        What reads the values of these fields, where their declared type does not say it.
    repeatable
        Whether each option with a value may be given several times; it then has no default.
    """
    chosen = [
        item
        for each in classes
        for item in fields(each)
        if (only is None or item.name in only) and item.name not in without
    ]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for item in reversed(chosen):
            command = _option_of(item, kinds.get(item.name), repeatable=repeatable)(command)
        return command

    return decorate


def _option_of(item: Field[Any], kind: Any, *, repeatable: bool) -> Callable[..., Any]:
    option = option_of(item)
    name = flag(OptionRef(item.name))
    declared = click.Choice(option.choices) if option.choices else _KINDS.get(declared_type(item), str)
    if declared is bool and item.default is None:
        # neither of the two where it is not given
        both = f"{name}/--no-{name.removeprefix('--')}"
        return click.option(both, default=None, envvar=variable(item.name.replace("_", "-")), help=option.help)
    if declared is bool:
        return switch(name, help=option.help)
    attributes: dict[str, Any] = {
        "type": kind or declared,
        "metavar": option.metavar,
        "help": option.help,
        "shell_complete": _COMPLETED.get(item.name),
    }
    if repeatable:
        return valued(name, cls=Repeatable, multiple=True, **attributes)
    show_default = kind is None and item.default is not None
    return valued(name, default=item.default, show_default=show_default, **attributes)


def size_in_bytes(text: str | int) -> int:
    """A number of bytes: 500M, 2G, 2GB, 2GiB; units are powers of 1024. One that is a number already stays it.

    Raises
    ------
    click.BadParameter
        It is none.
    """
    if isinstance(text, int):
        return text
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if match is None or not float(match[1]):
        raise click.BadParameter(f"{text}: expected a size such as 500M or 2G")
    return int(float(match[1]) * _UNITS[match[2].upper()])
