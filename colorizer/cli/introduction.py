"""What `colorize` says of itself in a terminal when it is given nothing at all."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click
from click.core import ParameterSource

_TEXT = """\
colorize puts colour into black-and-white photographs and films, on this machine.

  {colorize} photo.jpg             writes photo.color.jpg beside it
  {colorize} scans -o colored      a whole folder
  {colorize} film.mp4              a film
  {colorize} serve                 a page in the browser: drop pictures on it

Nothing is uploaded, and no original is changed. The colours are a guess.
More: {colorize} --help"""


def is_wanted(context: click.Context) -> bool:
    """Whether nothing was given, neither typed nor by the environment, and a person sees the answer."""
    given = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    typed = any(context.get_parameter_source(name) in given for name in context.params)
    return not typed and sys.stdout is not None and sys.stdout.isatty()


def introduction() -> str:
    """Ten lines, whose commands can be typed as they are printed."""
    return _TEXT.format(colorize=program())


def program() -> str:
    """The command as it is typed here: by its name where the shell finds it, else by the path that was typed."""
    typed = sys.argv[0] if sys.argv else ""
    if shutil.which("colorize") is not None or not typed:
        return "colorize"
    # `python -m colorizer` has the module's file there
    return f"{Path(sys.executable).name} -m colorizer" if Path(typed).name == "__main__.py" else typed
