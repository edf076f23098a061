"""A file of scores for each picture: whole, or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from colorizer.evaluate.rows import open_rows

CODE = """
import os, sys, time
from pathlib import Path
from colorizer.evaluate.rows import open_rows
with open_rows(Path(sys.argv[1])):
    print("open", flush=True)
    time.sleep(600)
"""


def test_a_killed_run_leaves_nothing_after_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    process = subprocess.Popen([sys.executable, "-c", CODE, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"open"
    process.kill()
    process.wait()
    process.stdout.close()
    assert len(list(tmp_path.iterdir())) == 1
    assert not path.exists()
    with open_rows(path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["all.csv"]
    assert path.read_text(encoding="utf-8").startswith("picture,candidate,")
