"""What tests share: photographs, the command in this process and in one of its own, a server, and a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from in_process import decoded, run_in_process
from synthetic import release_caffemodel

if TYPE_CHECKING:
    from browser import Visits
    from playwright.sync_api import Browser
    from remote_store import Store
    from serving import Server

PHOTOS = Path(__file__).parent / "photos"

# machines are slow at times, and what CI tries is the same every time
hypothesis.settings.register_profile("here", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("here")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_configure(config: pytest.Config) -> None:
    """Where tests run side by side, keep the threads of one from waiting in loops on the cores of the others.

    Set before the workers start, since native libraries read it as they are loaded.
    """
    if getattr(config.option, "numprocesses", None):
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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


@pytest.fixture(scope="session")
def release_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A caffemodel of exactly the release's layers and size, made once for all to read, in however many processes."""
    folder = tmp_path_factory.getbasetemp()
    return release_caffemodel(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture
def command_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a user in `tmp_path`, who has chosen nothing and has no models but those of the package."""
    chosen = ("COLORIZE", "COLORIZER")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(chosen)}
    return kept | {"COLORIZER_HOME": str(tmp_path / "home")}


@pytest.fixture
def colorize(tmp_path: Path, command_environment: dict[str, str]) -> Command:
    """Run the command in `tmp_path`, in this process; `colorize_process` where the process itself matters."""

    def run(
        *arguments: str | os.PathLike[str], stdin: bytes = b"", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        done = run_in_process(arguments, cwd=tmp_path, environment=command_environment | variables, stdin=stdin)
        return decoded(done)

    return run


@pytest.fixture
def colorize_process(tmp_path: Path, command_environment: dict[str, str]) -> Command:
    """Run the command in `tmp_path` as a user does, in a process of its own."""

    def run(
        *arguments: str | os.PathLike[str], timeout: float = 300, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "colorizer", *arguments],
            cwd=tmp_path,
            env=command_environment | variables,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """A Ray cluster of two machines with a core each, both of them this one; a test that adds machines removes them."""
    pytest.importorskip("ray")
    from clusters import two_nodes

    with two_nodes() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """Where an S3 server of its own listens, on loopback."""
    from remote_servers import s3_server

    with s3_server() as port:
        yield port


@pytest.fixture
def store(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An S3 store that this process too takes for its own, and whose errors are not waited for long."""
    import s3fs
    from remote_store import store_at

    from colorizer.io.remote import trouble

    with store_at(s3_port) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(trouble, "FIRST_PAUSE", 0.01)
        s3fs.S3FileSystem.clear_instance_cache()
        yield found
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`colorize serve` with limits that tests can reach; trials that end or fill a server start their own."""
    from serving import serving

    options = ("--max-upload", "4M", "--max-pixels", "4000000", "--model", "lite")
    with serving(tmp_path_factory.mktemp("serving"), *options) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: while Playwright runs, its event loop is the thread's own."""
    from browser import running_browser

    with running_browser() as running:
        yield running


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Pages to open; the test fails when one of them complains on the console or asks elsewhere for anything."""
    from browser import Visits

    opened = Visits(browser)
    yield opened
    opened.close()
