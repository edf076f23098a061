"""Build the wheel, and try it as somebody does who has nothing else.

    python3 scripts/try_wheel.py python3.10 python3.13

Each Python that is named makes a new environment away from the checkout, installs the wheel with the extra `web` there,
and has the program name its version, colour a photograph and serve its page. Needs nothing but a Python with pip.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "examples" / "dust-bowl-home.jpg"
EXTRA = "web"
SERVING = "http://127.0.0.1:"
PATIENCE = 60.0  # seconds for an answer of the page


def said(command: Sequence[str | Path], folder: Path) -> str:
    """What a command prints; its output is shown, and the script ends, where it fails."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["COLORIZER_HOME"] = str(folder / "home")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"$ {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def served(program: Path, folder: Path) -> str:
    """The page's title, as the program serves it."""
    command = [str(program), "serve", "--port", "0", "--no-open"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - a pipe was asked for
            line = next((line for line in server.stdout if SERVING in line), "")
            address = line[line.find(SERVING) :].split()[0] if line else sys.exit("colorize serve named no address")
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310 - on this machine
                page = answer.read().decode()
        finally:
            server.terminate()
    return str(page.partition("<title>")[2].partition("</title>")[0])


def try_wheel(python: str, wheel: Path, folder: Path) -> str:
    """One line on how it went with that Python."""
    binaries = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    began = time.monotonic()
    said([python, "-m", "venv", "env"], folder)
    said([binaries / "python", "-m", "pip", "install", "-q", f"{wheel}[{EXTRA}]"], folder)
    installed = time.monotonic()
    version = said([binaries / "colorize", "--version"], folder)
    said([binaries / "colorize", PHOTO, "-o", "colored.jpg"], folder)
    colored = time.monotonic()
    if not (folder / "colored.jpg").stat().st_size:
        sys.exit("colored.jpg is empty")
    title = served(binaries / "colorize", folder)
    where = said([binaries / "python", "-c", "import sys, colorizer; print(sys.version.split()[0], colorizer)"], folder)
    number, _, package = where.partition(" ")
    if str(ROOT) in package:
        sys.exit(f"{package}: that is the checkout, not the wheel")
    times = f"installed in {installed - began:.0f} s, coloured in {colored - installed:.1f} s"
    return f"Python {number}: {version}, {times}, serves {title!r}"


def main() -> None:
    """Build once, try with each."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("pythons", nargs="*", default=[sys.executable], metavar="PYTHON")
    pythons = parser.parse_args().pythons
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        said([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], folder)
        (wheel,) = folder.glob("*.whl")
        for index, python in enumerate(pythons):
            place = folder / str(index)
            place.mkdir()
            print(try_wheel(python, wheel, place), flush=True)


if __name__ == "__main__":
    main()
