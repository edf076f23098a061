"""Which command is meant when none is named: pictures, or films, told from the inputs and the options.

The arguments are read once with the options of both commands, and handed over as they are. Loads no codecs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import click
from click.core import ParameterSource

from colorizer.cli.pictures import pictures
from colorizer.cli.video import PIPED, video
from colorizer.errors import UsageError, shown
from colorizer.film import has_video_name, is_video
from colorizer.io.address import Address, Remote


def means_film(arguments: Sequence[str]) -> bool:
    """Whether the default command's arguments are for `colorize video`.

    Raises
    ------
    UsageError
        Films and pictures are mixed, or options are given that the inputs do not have.
    """
    of_pictures, of_films = ({option.name for option in command.params} for command in (pictures, video))
    both = click.Command(
        "colorize",
        params=[*pictures.params, *(option for option in video.params if _is_new(option))],
        context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]},
    )
    read = both.make_context("colorize", list(arguments), resilient_parsing=True)
    given = {name for name in read.params if read.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    # one that lacks its value is passed over above, and says all the same what is meant
    words = {word.split("=", 1)[0] for word in takewhile(lambda word: word != "--", arguments) if word.startswith("--")}
    given |= {str(option.name) for option in both.params if words.intersection(option.opts)}
    inputs: tuple[Address, ...] = read.params["pictures"] or ()
    if not inputs and words:
        # nor are inputs read then
        inputs = tuple(path for word in arguments if _is_film(path := Path(word)))
    films = [path for path in inputs if _is_film(path)]
    elsewhere = [path for path in films if isinstance(path, Remote)]
    if elsewhere and len(films) == len(inputs):
        first = shown(elsewhere[0])
        raise UsageError(f"{first}: films are read on this machine; copy it here first, and colour it where it lies")
    if not films and not given & PIPED:
        _refuse(given & (of_films - of_pictures), both, _remedy_for_pictures(inputs))
        return False
    # a pipe, or an option that neither command has, which is for the next one to say
    if films and any(str(path).startswith("-") and str(path) != "-" for path in inputs):
        return True
    others = [path for path in inputs if path not in films and not str(path).startswith("-")]
    if len(films) <= len(others) and not given & (of_films - of_pictures):
        return False  # one film among pictures is one file that fails, and so is one picture among films
    not_for_films = given & (of_pictures - of_films - {"pictures"})
    _refuse(not_for_films, both, "is not for films; leave it out, see colorize video --help")
    return True


def _is_film(path: Address) -> bool:
    if isinstance(path, Remote):
        return has_video_name(path)
    # os.path answers where pathlib raises; what is no regular file, such as a pipe, must not be read in vain
    if os.path.isfile(path):  # noqa: PTH113
        return is_video(path)
    return not os.path.exists(path) and has_video_name(path)  # noqa: PTH110


def _is_new(option: click.Parameter) -> bool:
    return isinstance(option, click.Option) and option.name not in {known.name for known in pictures.params}


def _remedy_for_pictures(inputs: tuple[Address, ...]) -> str:
    folder = next((path for path in inputs if isinstance(path, Path) and os.path.isdir(path)), None)  # noqa: PTH112
    if folder is not None:
        return f"is for films; a folder of numbered frames is coloured with: colorize video {shown(folder)} -o OUT"
    return f"is for films; {shown(inputs[0])} is none" if inputs else "is for films; name one"


def _refuse(names: set[str], command: click.Command, why: str) -> None:
    flags = [option.opts[-1] for option in command.params if option.name in names]
    if flags:
        raise UsageError(f"{', '.join(flags)}: {why}")
