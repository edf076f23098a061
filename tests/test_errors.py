"""Messages: one line, in the words of Python, and the same again after a trip between processes."""

from __future__ import annotations

import pickle
import string

import pytest

from colorizer.cli.wording import REMEDIES, flag, worded
from colorizer.errors import (
    ColorizerError,
    InputError,
    Message,
    MissingExtraError,
    OptionRef,
    Remedy,
    UsageError,
)

ERRORS = [
    InputError("a {b}.jpg: damaged", remedy="copy it again"),
    UsageError("expected a number", option=OptionRef("temperature", "99")),
    MissingExtraError("HEIC", "pillow-heif", "heic"),
]


def fields(template: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_the_library_names_options_as_python_does() -> None:
    error = UsageError("expected a number from 0.01 to 10", option=OptionRef("temperature", "99"))
    assert str(error) == "temperature=99: expected a number from 0.01 to 10"
    assert worded(error) == "--temperature 99: expected a number from 0.01 to 10"


def test_a_remedy_is_a_kind_that_each_reader_spells() -> None:
    message = Message("x computes in fp32", None, Remedy.TAKE, {"what": OptionRef("bin_centres", "a.npy")})
    assert str(message) == "x computes in fp32; take bin_centres=a.npy"
    assert worded(message) == "x computes in fp32; take --bin-centres a.npy"
    assert flag(OptionRef("output")) == "-o"


def test_alternatives_are_spelled_one_by_one() -> None:
    choices = (OptionRef("pixel_format", "yuv444p"), OptionRef("crf"), ".mkv")
    message = Message("no", None, Remedy.CHOOSE, {"what": choices})
    assert str(message) == "no; choose pixel_format=yuv444p, crf or .mkv"
    assert worded(message) == "no; choose --pixel-format yuv444p, --crf or .mkv"
    assert str(Message("no", None, Remedy.CHOOSE, {"what": (OptionRef("crf"),)})) == "no; choose crf"


def test_braces_in_names_are_not_filled() -> None:
    assert str(ERRORS[0]) == worded(ERRORS[0]) == "a {b}.jpg: damaged; copy it again"


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_survives_the_way_between_processes(error: ColorizerError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert back.message == error.message
    assert worded(back) == worded(error)


@pytest.mark.parametrize("remedy", Remedy)
def test_the_command_line_has_words_for_every_kind(remedy: Remedy) -> None:
    assert fields(REMEDIES[remedy]) <= fields(remedy.value)
