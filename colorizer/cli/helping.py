"""How a command shows its options: `--help` the few that people use, in everyday words; `--help-all` every one.

What stands where is data (`colorizer.cli.option_groups`). An option that no group names is shown under "Other", so that
nothing is hidden; a test holds that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

_BETWEEN = re.compile(r"([\d.]+)<=x<=([\d.]+)")
_AT_LEAST = re.compile(r"x>=([\d.]+)")
_EVERYTHING = f"{__name__}.everything"


@dataclass(frozen=True)
class Guide:
    """Which options a command's help shows, and under which headings.

    Attributes
    ----------
    everyday
        For `--help`: by heading, the names of options and what they do in everyday words.
    groups
        For `--help-all`: by heading, the names of options; each option stands in one group.
    more
        What `--help` says after the options.
    details
        What `--help-all` says at its end.
    """

    everyday: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, tuple[str, ...]]
    more: str = ""
    details: str = ""


class GuidedCommand(click.Command):
    """A command whose help is a short one, and a full one for those who ask.

    Parameters
    ----------
    guide
        What the two show.
    """

    def __init__(self, *arguments: Any, guide: Guide, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.guide = guide
        self._help_all = click.Option(
            ["--help-all"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_everything,
            help="Show every option and exit.",
        )

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options, with those that only tell about the others."""
        return [*super().get_params(ctx), self._help_all]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group."""
        options = {_name(option): option for option in self.get_params(ctx) if isinstance(option, click.Option)}
        if ctx.meta.get(_EVERYTHING):
            sections = {
                title: [
                    _in_words(record)
                    for name in names
                    if name in options and (record := options[name].get_help_record(ctx))
                ]
                for title, names in self._all_groups(options).items()
            }
        else:
            sections = {
                title: [(_short(options[name]), words) for name, words in everyday.items() if name in options]
                for title, everyday in self.guide.everyday.items()
            }
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what comes after the options."""
        everything = ctx.meta.get(_EVERYTHING)
        if not everything and self.guide.more:
            formatter.write_paragraph()
            formatter.write_text(self.guide.more)
        super().format_epilog(ctx, formatter)
        if everything and self.guide.details:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(self.guide.details)

    def _all_groups(self, options: Mapping[str, click.Option]) -> dict[str, tuple[str, ...]]:
        grouped = {name for names in self.guide.groups.values() for name in names}
        others = tuple(name for name in options if name not in grouped)
        return {**self.guide.groups, "Other": others}


def _show_everything(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        ctx.meta[_EVERYTHING] = True
        click.echo(ctx.get_help())
        ctx.exit()


def _in_words(record: tuple[str, str]) -> tuple[str, str]:
    """An option's record, with bounds as people write them; click's are `x>=1` and `0<=x<=1`."""
    names, words = record
    return names, _AT_LEAST.sub(r"\1 or more", _BETWEEN.sub(r"\1 to \2", words))


def _name(option: click.Option) -> str:
    # click has a name of its own for what it adds itself
    return "help" if "--help" in option.opts else str(option.name)


def _short(option: click.Option) -> str:
    """An option as it is typed, without the list of all that it takes."""
    names = ", ".join(option.opts)
    if option.is_flag:
        return names
    value = option.metavar or ("NAME" if isinstance(option.type, click.Choice) else option.type.name.upper())
    return f"{names} {value}"
