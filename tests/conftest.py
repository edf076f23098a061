"""What tests share: photographs, the command in a process of its own, and networks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

PHOTOS = Path(__file__).parent / "photos"

# machines are slow at times, and what CI tries is the same every time
hypothesis.settings.register_profile("here", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("here")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what compares with an importer that the installed OpenCV does not have."""
    import cv2

    if hasattr(cv2.dnn, "readNetFromCaffe"):
        return
    left_out = [item for item in items if item.get_closest_marker("caffe_importer")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def run_python(code: str, cwd: Path, *, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run lines of Python in a process of their own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests out of the user's own models and caches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLORIZER_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def photographs() -> list[Path]:
    """Real colour photographs; tests/photos/SOURCES.md says whose."""
    return sorted(PHOTOS.glob("*.jpg"))


@pytest.fixture
def colorize(tmp_path: Path) -> Command:
    """Run the command as a user does: an own process, in `tmp_path`, with no models but those of the package."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COLORIZE", "COLORIZER"))}
    environment["COLORIZER_HOME"] = str(tmp_path / "home")

    def run(
        *arguments: str | os.PathLike[str], timeout: float = 300, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "colorizer", *arguments],
            cwd=tmp_path,
            env=environment | variables,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )

    return run
