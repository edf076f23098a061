"""What is said of a command line that cannot be understood: what was given, what was expected; not as click says it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from colorizer.cli.main import run

CLICKS_WORDS = re.compile(r"Invalid value|not a valid|in the range|No such|Missing|requires an argument|Did you mean")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x.jpg --saturation much", "--saturation much: expected a number;"),
        ("x.jpg --quality 9.5", "--quality 9.5: expected a whole number;"),
        ("x.jpg --jobs 0", "--jobs 0: expected a whole number from 1 on;"),
        ("x.jpg --variant 99", "--variant 99: expected a whole number from 1 to 12;"),
        ("x.jpg --subsampling 411", "--subsampling 411: expected one of 444, 422, 420;"),
        ("x.jpg --memory lots", "--memory lots: expected a size such as 500M or 2G;"),
        ("x.jpg --temprature 1", "there is no option --temprature, perhaps --temperature;"),
        ("x.jpg --bogus", "there is no option --bogus;"),
        ("x.jpg --model", "--model: its value is missing;"),
        ("serve --port many", "--port many: expected a whole number from 0 to 65535; see colorize serve --help"),
        ("weights foo", "there is no command 'foo'; see colorize weights --help"),
        ("completion tcsh", "tcsh: expected one of bash, zsh, fish;"),
        ("completion", "expected one of bash, zsh, fish;"),
        ("evaluate", "no DIR, LIST, TAR or PICTURE given;"),
    ],
)
def test_what_was_given_and_what_was_expected_is_said(
    line: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # where nothing is called as a command is
    assert run(line.split()) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"colorize: {said}")
    assert not CLICKS_WORDS.search(told)


def test_a_value_from_the_environment_is_named_by_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORIZE_SATURATION", "much")
    assert run(["x.jpg"]) == 2
    assert capsys.readouterr().err.startswith("colorize: COLORIZE_SATURATION=much: expected a number;")
