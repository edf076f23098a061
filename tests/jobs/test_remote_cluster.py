"""A bucket on a Ray cluster of two nodes: what one machine makes of it, with the keys of whoever types the command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from remote_servers import KEY, SECRET
from remote_store import NEEDED, Store, tree
from scans import make_broken, make_scans
from watching import SMALL_VIEW

for package in ("ray", *NEEDED):
    pytest.importorskip(package)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Ray's own

FROM_AND_TO = ("s3://archive/scans", "-o", "s3://archive/colored", *SMALL_VIEW)
PATIENCE = 300.0
"""Seconds in which a driver has its first results, on a computer that does much else."""


@pytest.fixture
def cluster(ray_cluster: Any, store: Store) -> tuple[str, ...]:
    """Options for a cluster whose nodes were started without the store's keys."""
    return ("--cluster", str(ray_cluster.address))


def report(data: bytes) -> list[dict[str, Any]]:
    """A report's lines but for times, in the order of their inputs."""
    lines = [json.loads(line) for line in data.splitlines()]
    for line in lines:
        for name in ("seconds", "time"):
            line.pop(name)
    return sorted(lines, key=lambda line: str(line["input"]))


def test_a_bucket_gets_the_bytes_lines_and_status_of_one_machine(
    cluster: tuple[str, ...], store: Store, colorize_process: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 18)
    make_broken(tmp_path / "scans" / "bad", 5)
    (tmp_path / "scans" / "box000" / "scan 00000.jpg.hints.json").write_text(
        '{"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "red"}]}'
    )
    store.put(tmp_path / "scans", "scans/")
    command = (*FROM_AND_TO, "--report", "s3://archive/report.jsonl")
    here = colorize_process(*command, **store.environment)
    expected, lines = store.results("colored/"), report(store.all()["report.jsonl"])
    assert len(expected) == 18
    for key in store.all("colored/"):
        store.delete("colored/" + key)
    store.proxy.counts.clear()
    store.proxy.sent = 0
    there = colorize_process(*command, *cluster, **store.environment)
    print(f"23 objects on a cluster: {dict(store.proxy.counts)}, {store.proxy.sent} bytes sent")
    assert there.returncode == here.returncode == 1, there.stderr
    assert store.proxy.counts["GET"] <= 2 * 23 + 3  # each one's header, each one; hints twice, and a journal
    assert sorted(there.stderr.splitlines()) == sorted(here.stderr.splitlines())
    assert there.stdout == here.stdout == ""
    assert store.results("colored/") == expected
    assert report(store.all()["report.jsonl"]) == lines
    told = there.stderr.encode() + b"".join(store.all().values())
    assert KEY.encode() not in told
    assert SECRET.encode() not in told
    again = colorize_process(*FROM_AND_TO, *cluster, **store.environment)
    assert "18 exists, kept, 5 failed" in again.stderr


def test_keys_are_in_nothing_that_ray_writes(
    cluster: tuple[str, ...], ray_cluster: Any, store: Store, colorize_process: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 4)
    store.put(tmp_path / "scans", "scans/")
    assert colorize_process(*FROM_AND_TO, *cluster, **store.environment).returncode == 0
    logs = Path(ray_cluster.head_node.get_session_dir_path())
    written = {path: path.read_bytes() for path in logs.rglob("*") if path.is_file()}
    assert any("worker" in path.name for path in written)
    assert [path for path, data in written.items() if SECRET.encode() in data or KEY.encode() in data] == []


def test_a_killed_driver_is_gone_on_after(
    cluster: tuple[str, ...],
    store: Store,
    colorize_process: Command,
    command_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    make_scans(tmp_path / "scans", 40)
    store.put(tmp_path / "scans", "scans/")
    assert colorize_process("scans", "-o", "here", *SMALL_VIEW).returncode == 0
    driver = subprocess.Popen(
        [sys.executable, "-m", "colorizer", *FROM_AND_TO, *cluster],
        env=command_environment | store.environment,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + PATIENCE
    while driver.poll() is None and len(store.results("colored/")) < 5:
        assert time.monotonic() < until
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    assert 5 <= len(store.results("colored/")) < 40
    done = colorize_process(*FROM_AND_TO, *cluster, **store.environment)
    assert done.returncode == 0, done.stderr
    assert store.results("colored/") == tree(tmp_path / "here")
