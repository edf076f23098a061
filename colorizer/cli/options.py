"""What commands share: options made from dataclasses, switches, sizes in bytes, and environment variables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from colorizer.settings import Option, flag

_KINDS: dict[str, Any] = {"bool": bool, "int": int, "float": float}
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


def options_of(*kinds: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option for each field of dataclasses whose fields carry an `Option`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for item in reversed([item for kind in kinds for item in fields(kind)]):
            option: Option = item.metadata["option"]
            declared = str(item.type).removesuffix(" | None")
            value: Any = click.Path(path_type=Path) if declared == "Path" else _KINDS.get(declared, str)
            if option.choices:
                value = click.Choice(option.choices)
            command = valued(
                flag(item.name),
                type=value,
                is_flag=value is bool,
                default=item.default,
                show_default=not isinstance(item.default, bool) and item.default is not None,
                metavar=option.metavar,
                help=option.help,
            )(command)
        return command

    return decorate


def size_in_bytes(text: str) -> int:
    """A number of bytes: 500M, 2G, 2GB, 2GiB; units are powers of 1024.

    Raises
    ------
    click.BadParameter
        It is none.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if match is None or not float(match[1]):
        raise click.BadParameter(f"{text}: expected a size such as 500M or 2G")
    return int(float(match[1]) * _UNITS[match[2].upper()])
