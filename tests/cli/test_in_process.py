"""The command called as a function: any number of times in one process, which stays as it was."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from colorizer.cli.main import DEBUG_VARIABLE, run
from colorizer.cli.streams import give_up_stdout

CALLS = [
    (("--version",), 0),
    (("weights", "list"), 0),
    (("weights", "path", "lite"), 0),
    (("--model", "lite", "missing.jpg"), 1),
    (("--temperature", "99", "x.jpg"), 2),
    (("video", "missing.mp4"), 1),
    (("serve", "--token", "short"), 2),
    (("doctor", "--nonsense"), 2),
]


def process_state() -> tuple[Any, ...]:
    """What a command could leave behind in its process."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    root, web = logging.getLogger(), logging.getLogger("colorizer.web")
    variables = {name: value for name, value in os.environ.items() if name.startswith(("COLORIZE", "OPENCV", "OMP"))}
    return (
        [signal.getsignal(number) for number in numbers],
        list(warnings.filters),
        variables,
        (sys.stdin, sys.stdout, sys.stderr),
        (list(root.handlers), list(web.handlers), web.level),
    )


@pytest.mark.parametrize(
    ("arguments", "status"), CALLS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else None
)
def test_a_call_leaves_the_process_as_it_was_and_says_the_same_again(
    arguments: tuple[str, ...],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENCV_LOG_LEVEL", raising=False)
    monkeypatch.delenv(DEBUG_VARIABLE, raising=False)
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path / "home"))
    before = process_state()
    assert run(arguments) == status
    first = capsys.readouterr()
    assert process_state() == before
    assert run(arguments) == status
    assert capsys.readouterr() == first
    assert bool(first.out) == (status == 0)
    assert bool(first.err) == (status != 0)


def test_a_stream_that_stands_in_for_stdout_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    class Stream:
        """Knows no descriptor."""

    real = sys.stdout
    sys.stdout = Stream()
    try:
        give_up_stdout()
    finally:
        sys.stdout = real
    os.write(1, b"still there")
    assert capfd.readouterr().out == "still there"
