"""The README against the program: every option is told of, every command in it is one that exists."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
from pathlib import Path

import click
import pytest

from colorizer.cli.main import COMMANDS, DEFAULT_COMMAND
from colorizer.cli.pictures import pictures
from colorizer.networks.catalog import load_catalog

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def option_names(command: click.Command) -> list[str]:
    return [name for option in command.params if isinstance(option, click.Option) for name in option.opts]


@pytest.mark.parametrize("name", [name for name in option_names(pictures) if name not in ("-h", "--help", "--version")])
def test_every_option_is_in_the_readme(name: str) -> None:
    if name in ("--quiet", "--verbose"):
        name = name[1:3]
    assert f"`{name}`" in README


@pytest.mark.parametrize("option", [param for param in pictures.params if isinstance(param, click.Option)], ids=str)
def test_every_option_has_help_and_all_but_the_places_have_a_variable(option: click.Option) -> None:
    if option.name in ("help", "version"):
        return
    assert option.help
    assert option.name == "output" or option.envvar == f"COLORIZE_{str(option.name).upper()}"


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_examples_in_the_help_stand_line_by_line(name: str | None) -> None:
    module, attribute = (COMMANDS[name] if name else DEFAULT_COMMAND).split(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    shown = command.get_help(click.Context(command, info_name="colorize", max_content_width=100))
    assert "\\b" not in shown
    examples = [line for line in inspect.cleandoc(command.help or "").splitlines() if line.startswith("  colorize ")]
    assert all(f"  {line}\n" in shown for line in examples)


def test_options_named_in_the_readme_exist() -> None:
    table = README[README.index("## Options") : README.index("## From Python")]
    named = set(re.findall(r"`(--[a-z-]+)`", table))
    assert named <= set(option_names(pictures)) | {"--help"}


@pytest.mark.parametrize("model", ["lite", "zhang16"])
def test_help_and_readme_tell_the_temperatures_that_models_have(model: str) -> None:
    spec = load_catalog().find(model)
    assert spec
    own = f"{spec.temperature:.4g}"
    (row,) = (line for line in README.splitlines() if line.startswith("| `--temperature`"))
    (option,) = (param for param in pictures.params if param.name == "temperature")
    assert f"{own} for `{model}`" in row
    assert re.search(rf"{re.escape(own)} for {model}\b", str(getattr(option, "help", "")))


def test_files_named_in_the_readme_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_readme_shows_one_command_to_colour_and_one_to_test() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv env && ")]
    color, check = lines[:2]
    photo = next(word for word in shlex.split(color) if word.startswith("examples"))
    assert (ROOT / photo).is_file()
    assert "env/bin/pytest" in check
