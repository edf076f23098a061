"""A folder that is watched by a real process, and hands that put files into it slowly, by renaming, or never wholly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

SMALL_VIEW = ("--model", "lite", "--engine", "opencv", "--size", "32")
"""What the network sees, where colours are not the point; one engine, so that bytes can be compared."""

PATIENCE = 120.0
"""Seconds after which a test gives up; what it waits for takes a few."""


class Watching:
    """`colorize watch` under way in a folder: `in` is watched, results go to `out`, unless others are named."""

    def __init__(self, folder: Path, *options: str, watched: str = "in", output: str = "out", **variables: str) -> None:
        self.folder = folder
        self.watched = watched
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "colorizer", "watch", watched, "-o", output, *SMALL_VIEW, *options],
            cwd=folder,
            env=os.environ | {"COLORIZER_HOME": str(folder / "home")} | variables,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Watching:  # noqa: PYI034 - Self is newer than Python 3.10
        self.wait(lambda: any(f"watching {self.watched}" in line for line in self.lines))
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def wait(self, true: Callable[[], bool]) -> None:
        """Until something is so."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert self.process.poll() is None or true(), self.lines
            assert time.monotonic() < end, self.lines
            time.sleep(0.02)

    def wait_for(self, *names: str) -> None:
        """Until these results are there."""
        self.wait(lambda: all((self.folder / "out" / name).exists() for name in names))

    def count(self, words: str) -> int:
        """How many lines say something."""
        return sum(words in line for line in self.lines)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self._reader.join()
        return status


def write_slowly(path: Path, data: bytes, seconds: float, parts: int = 8, *, leaves_out: int = 0) -> None:
    """Write a file in pieces over so long; the last ones may never come."""
    size = -(-len(data) // parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for part in range(parts - leaves_out):
            file.write(data[part * size : (part + 1) * size])
            file.flush()
            time.sleep(seconds / parts)
