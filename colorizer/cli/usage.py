"""What is said of a command line that cannot be understood: click's errors in the words of our own.

Click speaks to programmers ("is not a valid float", "is not in the range 1<=x<=12"); a person is told what was
expected, in the form that all other messages have: `--saturation x: expected a number`.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

import click
from click.core import ParameterSource

_CUTOFF = 0.65
"""Likeness, 0 to 1, from which an option is named that may have been meant."""
_REFUSED = re.compile(r"(?:'(?P<quoted>.*)'|(?P<bare>\S+)) is not (?:one of|a valid|in the range)", re.DOTALL)


def usage_words(error: click.ClickException) -> str:
    """A usage error in one line: what was given, and what was expected.

    Parameters
    ----------
    error
        What click raised.
    """
    text = " ".join(error.format_message().split()).rstrip(".")
    if isinstance(error, click.NoSuchOption):
        known = {name.lstrip("-"): name for name in error.possibilities or ()}
        near = difflib.get_close_matches(error.option_name.lstrip("-"), known, 1, _CUTOFF)
        return f"there is no option {error.option_name}" + (f", perhaps {known[near[0]]}" if near else "")
    if isinstance(error, click.MissingParameter) and error.param is not None:
        if isinstance(error.param.type, click.Choice):
            return f"expected {_expected(error.param.type)}"
        *others, last = _called(error.param, error.ctx).split("|")
        return f"no {', '.join(others)}{' or ' if others else ''}{last} given"
    if isinstance(error, click.BadParameter) and error.param is not None:
        return _refused(error, error.param)
    if isinstance(error, click.BadOptionUsage) and "requires" in text:
        return f"{error.option_name}: its value is missing"
    if text.startswith("No such command"):
        return f"there is no command{text.removeprefix('No such command')}"
    return text


def _refused(error: click.BadParameter, param: click.Parameter) -> str:
    """A value that a parameter cannot have."""
    name = _named(param, error.ctx)
    given = _REFUSED.match(error.message)
    if given is None:
        return f"{name}{' ' if ': expected' in error.message else ': '}{error.message}"
    value = given["bare"] if given["quoted"] is None else given["quoted"]
    if isinstance(param, click.Argument) and isinstance(param.type, click.Choice):
        return f"{value}: expected {_expected(param.type)}"
    joint = "=" if name.isupper() else " "
    return f"{name}{joint}{value}: expected {_expected(param.type)}"


def _named(param: click.Parameter, ctx: click.Context | None) -> str:
    """What the value was given to: an option, an argument, or a variable of the environment."""
    source = ctx.get_parameter_source(param.name) if ctx and param.name else None
    if source is ParameterSource.ENVIRONMENT and isinstance(param.envvar, str):
        return param.envvar
    return _called(param, ctx)


def _called(param: click.Parameter, ctx: click.Context | None) -> str:
    """An option by its long name; an argument by what stands for it in the help."""
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    metavar = param.metavar or (param.make_metavar(ctx) if ctx else param.human_readable_name)
    return metavar.strip("[]{}.")


def _expected(kind: click.ParamType[Any]) -> str:
    """What a kind of parameter takes, in words."""
    if isinstance(kind, click.Choice):
        return f"one of {', '.join(map(str, kind.choices))}"
    whole = isinstance(kind, click.types.IntParamType)
    noun = "a whole number" if whole else "a number"
    low, high = (getattr(kind, bound, None) for bound in ("min", "max"))
    if low is None:
        return noun
    return f"{noun} from {low:g} to {high:g}" if high is not None else f"{noun} from {low:g} on"
