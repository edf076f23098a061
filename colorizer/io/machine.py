"""How many cores and how much memory this process may use, in a container rarely what the machine has.

Of cores, the smallest of three: the machine's, those that the process is bound to (taskset, Slurm, Kubernetes' static
policy), and what the control groups above it grant (Docker's limits, Kubernetes', systemd's CPUQuota). Of memory, the
smaller of what the machine has free and what these groups are limited to.
Sources: cgroups(7), and the kernel's admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and scheduler/sched-bwc.rst.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")


def usable_cores() -> int:
    """Cores that this process may use, at least 1."""
    return max(1, math.ceil(min(_bound_cores(), cgroup_cores())))


def usable_memory() -> int:
    """Bytes of memory that this process may use: what the machine has free, or its container's limit."""
    import psutil

    return int(min(psutil.virtual_memory().available, cgroup_memory()))


def cgroup_cores(root: Path = _ROOT) -> float:
    """Cores' worth of time that the process's control groups grant it, infinite where they set no limit.

    Parameters
    ----------
    root
        Where the file system begins.
    """
    return min((_granted_cores(folder) for folder in _cgroup_folders(root, "cpu")), default=math.inf)


def cgroup_memory(root: Path = _ROOT) -> float:
    """Bytes of memory that the process's control groups limit it to, infinite where they set no limit.

    Parameters
    ----------
    root
        Where the file system begins.
    """
    return min((_granted_memory(folder) for folder in _cgroup_folders(root, "memory")), default=math.inf)


def _bound_cores() -> int:
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_folders(root: Path, controller: str) -> Iterator[Path]:
    """The groups that the process is in and all above them, as far as they can be seen.

    A limit binds all that is below it, so the process's own group alone does not tell. Version 2 has one tree for all
    controllers, version 1 a tree for each, or for some of them together.
    """
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            mounts = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif controller in controllers.split(","):
            mounts = [root / "sys/fs/cgroup" / controller, root / "sys/fs/cgroup" / controllers]
        else:
            continue
        # inside a container the group's path may be the host's, of which only the mount itself is there
        parts = [part for part in group.split("/") if part not in ("", "..")]
        for mount in mounts:
            for depth in range(len(parts) + 1):
                yield mount.joinpath(*parts[:depth])


def _granted_cores(folder: Path) -> float:
    quota, _, period = _text(folder / "cpu.max").partition(" ")  # version 2: "max 100000" or "150000 100000"
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")  # version 1: -1 is none
    try:
        cores = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return math.inf
    return cores if cores > 0 else math.inf


def _granted_memory(folder: Path) -> float:
    # version 2: "max" or bytes; version 1: bytes, where no limit is a number larger than any memory
    limit = _text(folder / "memory.max") or _text(folder / "memory.limit_in_bytes")
    try:
        size = int(limit)
    except ValueError:
        return math.inf
    return size if size > 0 else math.inf


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
