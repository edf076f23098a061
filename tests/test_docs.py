"""The README against the program: every option is told of, every command in it is one that exists."""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import inspect
import plistlib
import re
import shlex
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import pytest

from colorizer.cli.commands import COMMANDS, DEFAULT_COMMAND, load_command
from colorizer.cli.pictures import pictures
from colorizer.cli.routing import means_film
from colorizer.networks.catalog import load_catalog

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
_SCRIPT = importlib.util.spec_from_file_location("option_tables", ROOT / "scripts" / "option_tables.py")
assert _SCRIPT
assert _SCRIPT.loader
option_tables = importlib.util.module_from_spec(_SCRIPT)
_SCRIPT.loader.exec_module(option_tables)

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "weights/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
INSTALLED = {"colorize", "pip", "pytest", "python", "ruff", "mypy", "lint-imports", "pre-commit"}
"""Programs that come with the environment that the README's first command makes."""


def shell_commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a page's code blocks: lines of `sh` blocks, and those of others after a prompt."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines = block.replace("\\\n", " ").splitlines()
        for line in lines if language == "sh" else [line[2:] for line in lines if line.startswith("$ ")]:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
            lexer.whitespace_split = True
            for is_operator, words in groupby(lexer, key=lambda word: not word.strip("|&;<>")):
                if not is_operator:
                    yield list(words)


def check_options(command: click.Command, arguments: list[str]) -> None:
    """Have click refuse a command's option that does not exist."""
    context = click.Context(command, info_name="colorize")
    if isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, arguments)
        assert found, name
        check_options(found, rest)
    else:
        command.make_parser(context).parse_args(arguments)


def option_names(command: click.Command) -> list[str]:
    return [
        name
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    ]


def test_the_services_of_the_page_start_the_command_with_options_that_exist() -> None:
    text = (ROOT / "docs" / "watch.md").read_text(encoding="utf-8")
    (unit,) = re.findall(r"^```ini\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    service = configparser.ConfigParser(interpolation=None)
    service.optionxform = str  # type: ignore[method-assign,assignment]
    service.read_string(unit)
    (plist,) = re.findall(r"^```xml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    agent = plistlib.loads(plist.encode())
    for program, *arguments in (shlex.split(service["Service"]["ExecStart"]), agent["ProgramArguments"]):
        assert program.endswith("/env/bin/colorize")
        assert arguments[0] == "watch"
        check_options(load_command(COMMANDS["watch"]), arguments[1:])
    assert service["Service"]["Type"] == "notify"


def test_the_tables_of_options_are_those_of_the_commands() -> None:
    """Written by `python scripts/option_tables.py`."""
    text = option_tables.PAGE.read_text(encoding="utf-8")
    assert option_tables.page(text) == text


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_every_option_is_in_the_tables(name: str | None) -> None:
    command = load_command(COMMANDS[name] if name else DEFAULT_COMMAND)
    text = option_tables.PAGE.read_text(encoding="utf-8")
    below = command.commands if isinstance(command, click.Group) else {"": command}
    for each, one in below.items():
        names = set(option_names(one)) - {"-h", "--help", "--help-all", "--version"}
        if names:
            title = " ".join(filter(None, ("colorize", name, each)))
            (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
            assert {option for option in names if f"`{option}`" not in section} == set()


@pytest.mark.parametrize("option", [param for param in pictures.params if isinstance(param, click.Option)], ids=str)
def test_every_option_has_help_and_all_but_the_places_have_a_variable(option: click.Option) -> None:
    if option.name in ("help", "version"):
        return
    assert option.help
    assert option.name == "output" or option.envvar == f"COLORIZE_{str(option.name).upper()}"


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_examples_in_the_help_stand_line_by_line(name: str | None) -> None:
    command = load_command(COMMANDS[name] if name else DEFAULT_COMMAND)
    shown = command.get_help(click.Context(command, info_name="colorize", max_content_width=100))
    assert "\\b" not in shown
    examples = [line for line in inspect.cleandoc(command.help or "").splitlines() if line.startswith("  colorize ")]
    assert all(f"  {line}\n" in shown for line in examples)


def test_options_named_in_the_readme_exist() -> None:
    named = set(re.findall(r"`(--[a-z-]+)`", README))
    assert named
    assert named <= set(option_names(pictures)) | {"--help", "--help-all"}


def test_the_readme_is_short() -> None:
    """It is for a person's first hour; all else is in docs/."""
    assert len(README.split()) < 1000


@pytest.mark.parametrize("model", ["lite", "zhang16"])
def test_help_tells_the_temperatures_that_models_have(model: str) -> None:
    spec = load_catalog().find(model)
    assert spec
    own = f"{spec.temperature:.4g}"
    (option,) = (param for param in pictures.params if param.name == "temperature")
    assert re.search(rf"{re.escape(own)} for {model}\b", str(getattr(option, "help", "")))


def test_files_named_in_the_readme_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_named_in_the_pages_exist(page: Path) -> None:
    """From the top of the repository, or in a room of the package: `media/formats.py` is in `colorizer/media`."""
    places = [ROOT, ROOT / "colorizer"]
    rooms = "|".join(path.name for place in places for path in place.iterdir() if path.is_dir() and path.name != "env")
    named = re.findall(rf"`((?:{rooms})/[\w./-]*)`", page.read_text(encoding="utf-8"))
    assert [path for path in named if not any((place / path).exists() for place in places)] == []
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [path for path in linked if not (page.parent / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_pages_have_the_options_that_they_are_given(page: Path) -> None:
    for program, *arguments in shell_commands(page.read_text(encoding="utf-8")):
        if Path(program).name != "colorize":
            continue
        named = next((name for name in COMMANDS if arguments[:1] == [name]), None)
        path = COMMANDS[named or "video"] if named or means_film(arguments) else DEFAULT_COMMAND
        module, attribute = path.split(":")
        check_options(getattr(importlib.import_module(module), attribute), arguments[1:] if named else arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_package_index_is_named_before_the_program_is_there(page: Path) -> None:
    """By its name alone, `pip` would get nothing, or somebody else's program."""
    for command in shell_commands(page.read_text(encoding="utf-8")):
        if any(word.startswith("colorize-photos") for word in command):
            assert "--no-index" in command or "uninstall" in command, command
    assert not re.search(r"`pip install [^`]*colorize-photos", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_commands_run_as_printed_after_the_first(page: Path) -> None:
    """What the environment brings is called by its path; `python3` is for making one, and for `pip` without one."""
    for program, *arguments in shell_commands(page.read_text(encoding="utf-8")):
        assert program not in INSTALLED, [program, *arguments]
        assert program != "python3" or arguments[:2] in (["-m", "venv"], ["-m", "pip"]), arguments


def test_the_readme_offers_only_networks_that_can_be_had() -> None:
    offered = [spec for spec in load_catalog().models if f"`{spec.name}`" in README]
    assert {"lite", "zhang16"} <= {spec.name for spec in offered}
    for spec in offered:
        assert all(file.packaged or not all(mirror.dead for mirror in file.mirrors) for file in spec.files), spec.name


def test_the_readme_shows_one_command_to_colour_and_one_to_test() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv env && ")]
    color, check = lines[:2]
    photo = next(word for word in shlex.split(color) if word.startswith("examples"))
    assert (ROOT / photo).is_file()
    assert "env/bin/pytest" in check
