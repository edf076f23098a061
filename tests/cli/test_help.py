"""What the command tells of itself: alone in a terminal, by `--help` and `--help-all`, and the advice it gives once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click
import pytest
from conftest import Command

import colorizer
from colorizer.cli.helping import GuidedCommand
from colorizer.cli.pictures import pictures
from colorizer.cli.video import video
from colorizer.media.formats import FORMATS, WHAT_IS_READ

GUIDED = {"colorize": pictures, "colorize video": video}
JARGON = r"prototxt|annealed|chroma\b|luma\b|caffemodel|runtime|bin|class|tensor|CIE|network's output|sRGB|NUL"


def in_terminal(cwd: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """The command's status and all that it prints in a terminal."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "colorizer", *arguments],
        cwd=cwd,
        env=os.environ | {"COLORIZER_HOME": str(cwd / "home")} | variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    return process.wait(60), said.decode().replace("\r\n", "\n")


def test_alone_in_a_terminal_it_explains_itself_in_ten_lines(tmp_path: Path) -> None:
    status, said = in_terminal(tmp_path)
    assert status == 0
    assert len(said.splitlines()) <= 10
    for word in ("photo.jpg", "-o colored", "film.mp4", "serve", "--help", "Nothing is uploaded"):
        assert word in said


def test_alone_in_a_terminal_it_names_itself_as_it_can_be_typed(tmp_path: Path) -> None:
    name = Path(sys.executable).name
    _, said = in_terminal(tmp_path, PATH=os.fspath(tmp_path))
    assert f"  {name} -m colorizer photo.jpg " in said


def test_in_a_terminal_too_options_without_pictures_are_wrong_use(tmp_path: Path) -> None:
    status, said = in_terminal(tmp_path, "--saturation", "1.2")
    assert status == 2
    assert said.startswith("colorize: no PICTURE given")


def test_alone_in_a_script_it_is_wrong_use(colorize: Command) -> None:
    done = colorize()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("colorize: no PICTURE given")


@pytest.mark.parametrize("name", GUIDED)
def test_help_shows_a_dozen_options_in_everyday_words(name: str, colorize: Command) -> None:
    said = colorize(*name.split()[1:], "--help").stdout
    options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", said, re.MULTILINE)
    assert 10 <= len(options) <= 14, options
    shown = said[said.index("Where results go") :]
    assert not re.search(JARGON, shown), re.search(JARGON, shown)
    assert f"{name} --help-all" in said


@pytest.mark.parametrize("name", GUIDED)
def test_each_option_is_in_one_group_of_the_full_help(name: str) -> None:
    command = GUIDED[name]
    assert isinstance(command, GuidedCommand)
    options = {option.name for option in command.params if isinstance(option, click.Option)} | {"help", "help_all"}
    grouped = Counter(option for names in command.guide.groups.values() for option in names)
    assert set(grouped) == options, "a new option needs a group in colorizer/cli/option_groups.py"
    assert {option for option, count in grouped.items() if count > 1} == set()
    everyday = Counter(option for options in command.guide.everyday.values() for option in options)
    assert set(everyday) <= options
    assert {option for option, count in everyday.items() if count > 1} == set()


@pytest.mark.parametrize("name", GUIDED)
def test_the_full_help_has_every_option_with_its_help(name: str, colorize: Command) -> None:
    command = GUIDED[name]
    done = colorize(*name.split()[1:], "--help-all")
    assert done.returncode == 0
    squeezed = re.sub(r"\s", "", done.stdout)  # lines break at hyphens too
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.opts[-1] in squeezed
            assert re.sub(r"\s", "", option.help or "?").removesuffix(".") in squeezed
    assert "\nOther:" not in done.stdout


def test_an_option_without_a_group_is_shown_all_the_same() -> None:
    forgotten = click.Option(["--forgotten"], help="Nobody put it anywhere.")
    command = GuidedCommand("colorize", params=[*pictures.params, forgotten], guide=pictures.guide)
    with pytest.raises(click.exceptions.Exit), click.Context(command) as context:
        command.parse_args(context, ["--help-all"])
    assert "Other" in command.get_help(context)
    assert "Nobody put it anywhere." in command.get_help(context)


def test_richer_colours_are_told_of_once(colorize: Command, tmp_path: Path, photographs: list[Path]) -> None:
    said = [colorize(photographs[0], "-o", f"{number}.png").stderr for number in range(3)]
    assert [text.count("richer colours") for text in said] == [1, 0, 0]
    # nor does a run that is told to be quiet use it up
    assert "richer" not in colorize(photographs[0], "-o", "a.png", "-q", COLORIZER_HOME=str(tmp_path / "new")).stderr
    assert "richer" in colorize(photographs[0], "-o", "b.png", COLORIZER_HOME=str(tmp_path / "new")).stderr


def test_where_nothing_can_be_remembered_it_is_told_again(colorize: Command, photographs: list[Path]) -> None:
    home = os.path.join(os.devnull, "home")  # noqa: PTH118 - no folder, and none can be made there
    for number in range(2):
        done = colorize(photographs[0], "-o", f"{number}.png", COLORIZER_HOME=home)
        assert done.returncode == 0, done.stderr
        assert "richer colours" in done.stderr


def test_every_list_of_formats_is_that_of_what_is_read() -> None:
    page = Path(colorizer.__file__).parent / "web" / "page"
    (kinds,) = re.findall(r'class="kinds">(.*?)<', (page / "index.html").read_text(encoding="utf-8"))
    assert kinds == WHAT_IS_READ
    assert WHAT_IS_READ in (page / "docs.html").read_text(encoding="utf-8")
    assert WHAT_IS_READ in " ".join(str(pictures.help).split())
    names = [re.sub("(?i)jp2|jpeg ?2000", "JPEG 2000", name) for name in FORMATS]
    assert sorted(map(str.upper, names)) == sorted(map(str.upper, re.split(", | and ", WHAT_IS_READ)))


@pytest.mark.parametrize("name", GUIDED)
def test_bounds_are_told_in_words(name: str, colorize: Command) -> None:
    told = colorize(*name.split()[1:], "--help-all").stdout
    assert not re.search(r"<=|>=", told)
    if name == "colorize":
        assert "[1 to 12]" in told
        assert "[1 or more]" in told
