"""Shell completion: what is answered, and how bash takes it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command

from colorizer.cli.commands import COMMANDS


def answers(colorize: Command, line: str) -> list[str]:
    """How a line may go on, as bash is told: kind and value."""
    words = line.split(" ")
    done = colorize(COMP_WORDS="\n".join(words), COMP_CWORD=str(len(words) - 1), _COLORIZE_COMPLETE="bash_complete")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("colorize we", ["plain,weights", "file,we"]),
        ("colorize --mod", ["plain,--model"]),
        ("colorize --model li", ["plain,lite", "file,li"]),
        ("colorize --precision ", ["plain,auto", "plain,fp32", "plain,bf16", "plain,fp16"]),
        ("colorize photo.jpg -o ", ["file,"]),
        ("colorize film.mp4 --stead", ["plain,--steadiness"]),
        ("colorize video --codec pro", ["plain,prores"]),
        ("colorize weights verify z", ["plain,zhang16", "plain,zhang16-norebal"]),
        ("colorize weights imp", ["plain,import"]),
        ("colorize doctor --model zhang16-", ["plain,zhang16-norebal", "file,zhang16-"]),
        ("colorize completion f", ["plain,fish"]),
        ("colorize wat", ["plain,watch", "file,wat"]),
        ("colorize watch scans --sett", ["plain,--settle"]),
        ("colorize watch --polling o", ["plain,on", "plain,off"]),
        ("colorize verify --orig", ["plain,--originals"]),
        ("colorize verify --report rep", ["file,rep"]),
        ("colorize weights import net", ["file,net"]),
    ],
)
def test_commands_options_models_and_files_are_completed(colorize: Command, line: str, expected: list[str]) -> None:
    assert answers(colorize, line) == expected


def test_at_first_all_commands_and_files_are_offered(colorize: Command) -> None:
    assert answers(colorize, "colorize ") == [*(f"plain,{name}" for name in COMMANDS), "file,"]


def test_a_line_that_is_wrong_so_far_is_completed_all_the_same(colorize: Command) -> None:
    assert answers(colorize, "colorize photo.jpg --crf 3 --quali") == ["plain,--quality"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_what_names_mean(colorize: Command, shell: str) -> None:
    done = colorize(
        COMP_WORDS="colorize --model lit",
        COMP_CWORD="lit" if shell == "fish" else "2",
        _COLORIZE_COMPLETE=f"{shell}_complete",
    )
    assert re.search(r"\blite\s+compact network", done.stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_ask_the_program_that_is_typed(colorize: Command, shell: str) -> None:
    script = colorize("completion", shell).stdout
    assert f"_COLORIZE_COMPLETE={shell}_complete" in script


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("bash") is None, reason="tries the script in bash")
def test_bash_takes_commands_and_files_together(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "colorize"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m colorizer "$@"\n')
    program.chmod(0o755)
    for name in ("wedding photo.jpg", "web.png", "other.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "completion.sh").write_text(colorize("completion", "bash").stdout)
    lines = [
        "source completion.sh",
        "compopt() { :; }  # belongs to a completion that readline has begun",
        "COMP_WORDS=(bin/colorize we) COMP_CWORD=1",
        "_colorize_completion bin/colorize we colorize",
        "printf '%s\\n' \"${COMPREPLY[@]}\"",
    ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=os.environ | {"COLORIZER_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(done.stdout.splitlines()) == ["web.png", "wedding photo.jpg", "weights"], done.stderr
