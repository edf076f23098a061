"""What only long runs show: thousands of pictures, memory that stays flat, and deaths at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Command, run_python
from scans import BROKEN, make_broken, make_scans
from test_folder_command import files, start

pytestmark = pytest.mark.slow

PICTURES, BROKEN_PICTURES = 1960, 40

MEASURED = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "colorizer", *sys.argv[1:]], stderr=subprocess.DEVNULL)
assert done.returncode == 0, done.returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_two_thousand_pictures_of_which_forty_are_broken(colorize_process: Command, tmp_path: Path) -> None:
    assert len(BROKEN) == 20
    make_scans(tmp_path / "scans", PICTURES)
    make_broken(tmp_path / "scans" / "broken", BROKEN_PICTURES)
    done = colorize_process("scans", "-o", "out", timeout=1800)
    assert done.returncode == 1
    assert len(files(tmp_path / "out")) == PICTURES
    reasons = [line for line in done.stderr.splitlines() if line.startswith(f"colorize: {Path('scans', 'broken')}")]
    assert len(reasons) == BROKEN_PICTURES
    assert f"{PICTURES} coloured, {BROKEN_PICTURES} failed" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="resource, which measures it, is not on Windows")
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    """The largest process of a run, in KB."""
    peaks = []
    for count in (100, 1000, 2000):
        make_scans(tmp_path / f"scans{count}", count)
        # one engine for all: auto takes another for longer runs, and tries its precisions in the first of them
        options = ["-q", "--engine", "onnxruntime", "--precision", "fp32"]
        code = f"import sys; sys.argv[1:] = {[f'scans{count}', '-o', f'out{count}', *options]}" + MEASURED
        done = run_python(code, tmp_path, timeout=1800)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    print("peak RSS for 100, 1000, 2000 pictures, in MB:", [round(peak / 1024) for peak in peaks])
    assert max(peaks) < 1.15 * min(peaks)


def test_killed_at_twenty_moments_the_pictures_are_those_of_an_unbroken_run(
    colorize_process: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 600)
    assert colorize_process("scans", "-o", "unbroken", timeout=900).returncode == 0
    moments = random.Random(0)
    for _ in range(20):
        process = start(tmp_path, "scans", "-o", "out")
        time.sleep(moments.uniform(0.2, 2.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert colorize_process("scans", "-o", "out", timeout=900).returncode == 0
    assert files(tmp_path / "out") == files(tmp_path / "unbroken")


def test_a_killed_process_costs_one_picture(tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 600)
    process = start(tmp_path, "scans", "-o", "out", "--jobs", "2")
    time.sleep(2.5)
    children = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "spawn_main"], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(children[0]), signal.SIGKILL)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 1, said
    assert "599 coloured, 1 failed" in said
    assert "the process that worked on it ended" in said
