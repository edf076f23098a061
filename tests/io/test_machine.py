"""Cores and memory that a process may use: control groups as Linux shows them, in folders that stand for /."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from colorizer.io import machine
from colorizer.io.machine import cgroup_cores, cgroup_memory, usable_cores, usable_memory


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_version_2_limits_of_all_groups_above_count(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/system.slice/docker-1.scope\n")
    write(tmp_path / "sys/fs/cgroup/system.slice/docker-1.scope/cpu.max", "max 100000\n")
    assert cgroup_cores(tmp_path) == math.inf
    write(tmp_path / "sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n")
    assert cgroup_cores(tmp_path) == 1.5
    write(tmp_path / "sys/fs/cgroup/system.slice/docker-1.scope/cpu.max", "50000 100000\n")
    assert cgroup_cores(tmp_path) == 0.5


def test_inside_a_container_the_mount_itself_is_the_group(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/../../kubepods/pod1\n")
    write(tmp_path / "sys/fs/cgroup/cpu.max", "200000 100000\n")
    assert cgroup_cores(tmp_path) == 2


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_version_1_quota_is_read_and_minus_one_is_none(tmp_path: Path, mount: str) -> None:
    write(tmp_path / "proc/self/cgroup", "7:memory:/other\n4:cpu,cpuacct:/docker/1\n1:name=systemd:/x\n")
    folder = tmp_path / "sys/fs/cgroup" / mount / "docker/1"
    write(folder / "cpu.cfs_quota_us", "-1\n")
    write(folder / "cpu.cfs_period_us", "100000\n")
    assert cgroup_cores(tmp_path) == math.inf
    write(folder / "cpu.cfs_quota_us", "300000\n")
    assert cgroup_cores(tmp_path) == 3


@pytest.mark.parametrize("text", ["", "garbage", "0::", "x", "100 0", "max", "\0"])
def test_what_cannot_be_read_limits_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/a\nnonsense\n")
    write(tmp_path / "sys/fs/cgroup/a/cpu.max", text)
    assert cgroup_cores(tmp_path) == math.inf
    assert cgroup_cores(tmp_path / "nowhere") == math.inf


def test_there_is_at_least_one_core_and_no_more_than_the_machine_has() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("cores", [1, 2])
def test_a_process_bound_to_some_cores_uses_those(cores: int) -> None:
    taskset = shutil.which("taskset")
    if taskset is None:
        pytest.skip("no taskset, which binds a process to cores")
    if (os.cpu_count() or 1) < cores:
        pytest.skip(f"this machine has no {cores} cores")
    code = "from colorizer.io.machine import usable_cores; print(usable_cores())"
    command = [taskset, "-c", f"0-{cores - 1}", sys.executable, "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(said) <= cores


def test_version_2_memory_limits_of_all_groups_above_count(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/user.slice/run-1.scope\n")
    write(tmp_path / "sys/fs/cgroup/user.slice/run-1.scope/memory.max", "max\n")
    assert cgroup_memory(tmp_path) == math.inf
    write(tmp_path / "sys/fs/cgroup/user.slice/memory.max", "4294967296\n")
    assert cgroup_memory(tmp_path) == 4 << 30
    write(tmp_path / "sys/fs/cgroup/user.slice/run-1.scope/memory.max", "1073741824\n")
    assert cgroup_memory(tmp_path) == 1 << 30
    write(tmp_path / "sys/fs/cgroup/memory.max", "536870912\n")
    assert cgroup_memory(tmp_path) == 1 << 29


def test_inside_a_container_the_mount_itself_limits_memory(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/../../kubepods/pod1\n")
    write(tmp_path / "sys/fs/cgroup/memory.max", "2147483648\n")
    assert cgroup_memory(tmp_path) == 2 << 30


@pytest.mark.parametrize("mount", ["memory", "memory,hugetlb"])
def test_version_1_memory_limits_are_read_in_their_own_tree(tmp_path: Path, mount: str) -> None:
    write(tmp_path / "proc/self/cgroup", "7:memory,hugetlb:/slurm/job_7/step_0\n4:cpu,cpuacct:/other\n")
    folder = tmp_path / "sys/fs/cgroup" / mount
    write(folder / "memory.limit_in_bytes", "9223372036854771712\n")  # as the kernel writes that there is no limit
    write(folder / "slurm/job_7/step_0/memory.limit_in_bytes", "9223372036854771712\n")
    assert cgroup_memory(tmp_path) > 1 << 60
    write(folder / "slurm/job_7/memory.limit_in_bytes", "8589934592\n")
    assert cgroup_memory(tmp_path) == 8 << 30
    write(tmp_path / "sys/fs/cgroup/cpu/other/memory.limit_in_bytes", "1\n")
    assert cgroup_memory(tmp_path) == 8 << 30


@pytest.mark.parametrize("text", ["", "garbage", "-1", "0", "\0"])
def test_what_cannot_be_read_limits_no_memory(tmp_path: Path, text: str) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/a\nnonsense\n")
    write(tmp_path / "sys/fs/cgroup/a/memory.max", text)
    assert cgroup_memory(tmp_path) == math.inf
    assert cgroup_memory(tmp_path / "nowhere") == math.inf


def test_usable_memory_is_what_is_free_or_the_container_s_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 << 20 < usable_memory() <= psutil.virtual_memory().total
    monkeypatch.setattr(machine, "cgroup_memory", lambda: 12345)
    assert usable_memory() == 12345
