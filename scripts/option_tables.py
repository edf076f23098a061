"""Write the tables of options into docs/commands.md, from the commands themselves.

    python scripts/option_tables.py

`tests/test_docs.py` holds the page to what this writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from colorizer.cli.commands import COMMANDS, DEFAULT_COMMAND, load_command
from colorizer.cli.helping import GuidedCommand

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
BEGIN, END = "<!-- tables: python scripts/option_tables.py -->", "<!-- end of tables -->"

_ABOUT = ("help", "help_all", "version")


def page(text: str) -> str:
    """The page with its tables as the commands have them now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """A section for each command that has options, with a table for each group of them."""
    parts = []
    for name, command in _commands():
        sections = list(_sections(command))
        if sections:
            parts.append(f"## {name}\n\n" + "\n".join(sections))
    return "\n".join(parts)


def _commands() -> Iterator[tuple[str, click.Command]]:
    yield "colorize", load_command(DEFAULT_COMMAND)
    for name, where in COMMANDS.items():
        command = load_command(where)
        if isinstance(command, click.Group):
            yield from ((f"colorize {name} {below}", each) for below, each in command.commands.items())
        else:
            yield f"colorize {name}", command


def _sections(command: click.Command) -> Iterator[str]:
    options = {
        str(option.name): option
        for option in command.params
        if isinstance(option, click.Option) and option.name not in _ABOUT
    }
    groups = command.guide.groups if isinstance(command, GuidedCommand) else {"": tuple(options)}
    for title, names in groups.items():
        rows = [_row(options[name]) for name in names if name in options]
        if rows:
            heading = f"**{title}**\n\n" if title else ""
            yield f"{heading}| option | what it does |\n|---|---|\n" + "".join(rows)


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    help_text = " ".join((option.help or "").split())
    return f"| {names}{_escaped(_value(option))} | {_escaped(help_text + _default(option))} |\n"


def _value(option: click.Option) -> str:
    """What follows the option's name, in words that do not depend on the version of click."""
    if option.is_flag or option.secondary_opts:
        return ""
    kind: Any = option.type
    return f" {option.metavar or ('|'.join(map(str, kind.choices)) if isinstance(kind, click.Choice) else 'VALUE')}"


def _default(option: click.Option) -> str:
    if not option.show_default or option.default is None or option.is_flag:
        return ""
    value = option.show_default if isinstance(option.show_default, str) else option.default
    return f" [default: {value:g}]" if isinstance(value, float) else f" [default: {value}]"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
