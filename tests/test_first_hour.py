"""What four kinds of people do in their first hour, with the commands of the README and the docs as they are printed.

A family with a photograph, an archivist with a folder, a restorer with a film, an engineer with programs. Each begins
in an empty folder, but for files of the names that the pages use and `env`: an environment that was empty until the
README's first command, as printed, filled it, in a copy of the checkout. The family's commands are also tried, sooner,
with what the tests run in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import PHOTOS
from PIL import Image
from test_examples import make_inputs

ROOT = Path(__file__).parent.parent
FIRST_COMMAND = (
    "python3 -m venv env && env/bin/pip install -q '.[fast,web,video]' "
    "&& env/bin/colorize examples/dust-bowl-home.jpg -o colored.jpg"
)
NO_INDEX = re.compile(r"from versions: none|NewConnectionError|NameResolutionError|Network is unreachable|timed out")
"""What pip says where it reaches no packages."""
NOT_TRACKED = shutil.ignore_patterns(".*", "env", "build", "*.egg-info", "__pycache__", "shared", "site")
FRESH_OF = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Variables by which the tests' own environment would be seen."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the pages' commands are for a POSIX shell")


def printed(page: str, *wanted: str) -> list[str]:
    """The lines of a page's code blocks that begin with these words, without prompt and comment; each is there once."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line.removeprefix("$ ")) for block in blocks for line in block.splitlines()]
    found = []
    for words in wanted:
        matching = [line for line in lines if line == words]
        assert matching, f"{page} does not print: {words}"
        found.append(matching[0])
    return found


@dataclass(frozen=True)
class Desk:
    """A folder in which commands are typed."""

    folder: Path
    environment: dict[str, str]

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"$ {line}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def names(self, folder: str = ".") -> set[str]:
        """Of files that are not hidden."""
        return {path.name for path in (self.folder / folder).iterdir() if path.is_file() and path.name[0] != "."}


def fresh_environment(home: Path) -> dict[str, str]:
    own = {
        name: value for name, value in os.environ.items() if name not in FRESH_OF and not name.startswith("COLORIZE")
    }
    return own | {"COLORIZER_HOME": str(home)}


@dataclass(frozen=True)
class Installed:
    """A copy of the checkout in which the README's first command has run, and how long that took in seconds."""

    folder: Path
    took: float


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("fresh") / "colorize"
    shutil.copytree(ROOT, folder, ignore=NOT_TRACKED)
    (line,) = printed("README.md", FIRST_COMMAND)
    began = time.perf_counter()
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=fresh_environment(folder / "home"),
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode and NO_INDEX.search(done.stderr):
        pytest.skip("pip reaches no packages here")
    assert done.returncode == 0, done.stderr
    assert colourful(folder / "colored.jpg")
    return Installed(folder, took)


@pytest.fixture(params=[pytest.param("fresh", marks=pytest.mark.slow)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    environment = fresh_environment(tmp_path / "home")
    binaries = tmp_path / "env" / "bin"
    if request.param == "fresh":
        (tmp_path / "env").symlink_to(request.getfixturevalue("installed").folder / "env", target_is_directory=True)
    else:
        binaries.mkdir(parents=True)
        program = binaries / "colorize"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m colorizer "$@"\n')
        program.chmod(0o755)
        environment["PYTHONPATH"] = str(ROOT)
    # docs/ write `colorize` alone, for an environment that is activated
    environment["PATH"] = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    return Desk(tmp_path, environment)


def grey_photo(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(PHOTOS / name) as image:
        image.convert("L").resize((160, 120)).save(path)


def colourful(path: Path) -> bool:
    with Image.open(path) as image:
        return bool(np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=2).mean() > 3)


@pytest.mark.parametrize("desk", ["checkout", pytest.param("fresh", marks=pytest.mark.slow)], indirect=True)
def test_a_family_with_a_photograph(desk: Desk) -> None:
    grey_photo(desk.folder / "photo.jpg", "pagoda.jpg")
    one, other, compared, paler = printed(
        "README.md",
        "env/bin/colorize photo.jpg",
        "env/bin/colorize photo.jpg -o out.png",
        "env/bin/colorize photo.jpg --compare",
        "env/bin/colorize photo.jpg -o paler.jpg --saturation 0.7",
    )
    original = (desk.folder / "photo.jpg").read_bytes()
    desk.type(one)
    assert desk.names() == {"photo.jpg", "photo.color.jpg"}
    desk.type(other)
    desk.type(paler)
    kept = desk.type(compared)
    assert "photo.color.jpg" in kept.stderr  # exists, and is kept; what to do is said
    assert colourful(desk.folder / "photo.color.jpg")
    assert colourful(desk.folder / "out.png")
    assert (desk.folder / "photo.jpg").read_bytes() == original


def test_an_archivist_with_a_folder(desk: Desk) -> None:
    for at, name in enumerate(("pagoda.jpg", "dandelion.jpg")):
        grey_photo(desk.folder / "scans" / f"box{at}" / "0113.tif", name)
    dry, run = printed("README.md", "env/bin/colorize scans -o colored --dry-run", "env/bin/colorize scans -o colored")
    (reported,) = printed("docs/folders.md", "colorize scans -o colored --report report.jsonl")
    desk.type(dry)
    assert not (desk.folder / "colored").exists()
    desk.type(run)
    written = desk.folder / "colored" / "box1" / "0113.tif"
    first = written.stat().st_mtime_ns
    assert colourful(written)
    desk.type(reported)
    assert written.stat().st_mtime_ns == first  # again: only what is missing
    report = [json.loads(line) for line in (desk.folder / "report.jsonl").read_text().splitlines()]
    assert [line["status"] for line in report] == ["kept", "kept"]


def test_a_restorer_with_a_film(desk: Desk) -> None:
    make_inputs(desk.folder)
    film, look = printed("README.md", "env/bin/colorize film.mp4", "env/bin/colorize film.mp4 --preview 12")
    desk.type(look)
    desk.type(film)
    pictures = [name for name in desk.names() if name.startswith("film") and name != "film.mp4"]
    assert "film.color.mp4" in pictures
    assert len(pictures) == 2


@contextmanager
def serving(desk: Desk, line: str) -> Iterator[float]:
    """`colorize serve` as printed, at its own port and without a desktop; left out where that port is taken.

    Yields
    ------
    float
        Seconds until the page had come.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        ["sh", "-c", f"exec {line} --no-open"],
        cwd=desk.folder,
        env=desk.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout
        try:
            said = server.stdout.readline()
            if "http://127.0.0.1:8313/" not in said:
                pytest.skip(f"the server's usual port is taken: {said}")
            with urllib.request.urlopen("http://127.0.0.1:8313/", timeout=60) as page:
                assert page.status == 200
            yield time.perf_counter() - began
        finally:
            server.terminate()


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    with serving(desk, *printed("docs/web.md", "colorize serve")):
        yield desk


def test_a_first_picture_and_a_first_page(desk: Desk, installed: Installed) -> None:
    """Says how long both take, with `-s`; the page's time is that of a first start, with nothing compiled yet."""
    with serving(desk, *printed("README.md", "env/bin/colorize serve")) as waited:
        print(f"\nfirst picture after {installed.took:.0f} s, installing included; first page after {waited:.1f} s")


def test_an_engineer_with_programs(served: Desk) -> None:
    grey_photo(served.folder / "photo.jpg", "pagoda.jpg")
    make_inputs(served.folder)
    curl = printed(
        "docs/web.md",
        'curl --data-binary @photo.jpg "http://127.0.0.1:8313/api/colorize?name=photo.jpg" -o photo.color.jpg',
        "curl http://127.0.0.1:8313/api/health",
    )
    for line in curl:
        served.type(line)
    assert colourful(served.folder / "photo.color.jpg")
    (served.folder / "photo.color.jpg").rename(served.folder / "served.jpg")
    served.type("env/bin/colorize photo.jpg")
    assert (served.folder / "photo.color.jpg").read_bytes() == (served.folder / "served.jpg").read_bytes()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (served.folder / "example.py").write_text(example)
    served.type("env/bin/python example.py")
    assert (served.folder / "street.color.png").exists()
