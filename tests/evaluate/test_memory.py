"""Memory does not grow with the set."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import run_python
from evaluations import tar_of_blobs

EVALUATE = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from evaluations import evaluated
linux = sys.platform == "linux"
if not linux:
    import tracemalloc
    tracemalloc.start()
evaluation = evaluated(Path({tar!r}), resamples=50, examples=2)
assert evaluation.tally.measured == {count}
if linux:
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(peak.split()[1]) << 10)
else:
    print(tracemalloc.get_traced_memory()[1])
"""

ALLOWED = 24 << 20
"""Bytes; the measurements alone of 180 more pictures would take 270 MB, their pixels as arrays in Python 48."""

SIDE = 48
"""Pixels."""


def peak_memory(folder: Path, count: int) -> int:
    tar = tar_of_blobs(folder / f"{count}.tar", count, SIDE)
    here = str(Path(__file__).parent)
    done = run_python(EVALUATE.format(here=here, tar=str(tar), count=count), folder, PYTHONWARNINGS="ignore")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_ten_times_the_pictures_take_about_the_same_memory(tmp_path: Path) -> None:
    few, many = peak_memory(tmp_path, 20), peak_memory(tmp_path, 200)
    assert many - few < ALLOWED
