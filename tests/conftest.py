"""What tests share: photographs, the command in a process of its own, and networks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PHOTOS = Path(__file__).parent / "photos"

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def run_python(code: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run lines of Python in a process of their own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="session")
def photographs() -> list[Path]:
    """Real colour photographs; tests/photos/SOURCES.md says whose."""
    return sorted(PHOTOS.glob("*.jpg"))


@pytest.fixture
def colorize(tmp_path: Path) -> Command:
    """Run the command as a user does: an own process, in `tmp_path`, with no models but those of the package."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COLORIZE", "COLORIZER"))}
    environment["COLORIZER_HOME"] = str(tmp_path / "home")

    def run(*arguments: str | os.PathLike[str], **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "colorizer", *arguments],
            cwd=tmp_path,
            env=environment | variables,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=300,
            check=False,
        )

    return run
