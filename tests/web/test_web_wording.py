"""What the page and the API say of options and remedies: in a request's words."""

from __future__ import annotations

import string
from dataclasses import fields

import pytest

from colorizer.errors import EngineError, Message, MissingExtraError, OptionRef, Remedy, UsageError
from colorizer.media.options import Output
from colorizer.settings import Settings
from colorizer.web import query
from colorizer.web.problems import problem_of
from colorizer.web.wording import query_field, remedy_words, worded


def names_in(template: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("remedy", Remedy)
def test_the_page_has_words_for_every_kind_of_remedy(remedy: Remedy) -> None:
    assert names_in(remedy_words(remedy)) <= names_in(remedy.value)


def test_an_option_is_named_as_the_query_names_it() -> None:
    named = {item.name for item in query.COLORIZE}
    own = {item.name for item in (*fields(Settings), *fields(Output)) if item.name.replace("_", "-") in named}
    assert {"temperature", "size", "quality", "format"} <= own
    for name in own:
        assert query_field(OptionRef(name)) == name.replace("_", "-")
    error = UsageError("expected a number from 0.01 to 10", option=OptionRef("temperature", "99"))
    assert problem_of(error).detail == "temperature=99: expected a number from 0.01 to 10"


def test_an_option_of_the_server_is_called_so() -> None:
    error = EngineError("computes in fp32", remedy=Remedy.LEAVE_OUT, what=OptionRef("weights_dir", "a b"))
    assert worded(error) == "computes in fp32; leave out the server's --weights-dir a b"
    assert worded(Message("x", OptionRef("max_pixels"))) == "the server's --max-pixels: x"


def test_a_missing_extra_is_installed_where_the_server_runs() -> None:
    problem = problem_of(MissingExtraError("HEIC", "pillow-heif", "heic"))
    assert problem.status == 422
    assert problem.detail.endswith("; where the server runs: pip install 'colorize-photos[heic]'")
