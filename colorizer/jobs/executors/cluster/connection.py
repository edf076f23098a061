"""Connecting to a Ray cluster, without what Ray would do to a command on the way: prints, signals, long waits."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from colorizer.errors import MissingExtraError, OptionRef, Remedy, UsageError
from colorizer.jobs.executors.cluster import versions

AUTO = "auto"
"""The cluster that runs on this machine, or that RAY_ADDRESS names."""

_ANSWER_SECONDS = 5.0


def import_ray() -> Any:
    """The package.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("a cluster", "ray", "cluster") from error
    # goes to machines as it stands, since what is installed there is what it asks
    ray.cloudpickle.register_pickle_by_value(versions)
    return ray


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster; where this process is connected already, to that.

    Parameters
    ----------
    address
        `auto`, or host and port of the cluster's head.

    Raises
    ------
    UsageError
        There is no cluster, or its Ray or Python is another.
    MissingExtraError
        Ray is not installed.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    with _signals_kept():
        try:
            _check_answers(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, namespace="colorize")
        except (OSError, RuntimeError, ValueError) as error:
            raise _refused(address, error) from error
    # what happens to machines and workers is said by us; this would go to stdout, between the lines of a report
    with contextlib.suppress(AttributeError):
        ray._private.worker._worker_logs_enabled = False
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Ray would wait for minutes where nothing answers, and tell stderr of each attempt."""
    host, found, port = address.rpartition(":")
    if found and "://" not in address and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()


def _refused(address: str, error: Exception) -> UsageError:
    option = OptionRef("cluster", address)
    said = str(error).strip()
    if "ersion mismatch" in said:
        return UsageError(" ".join(said.split()), option=option, remedy="have the same versions on all machines")
    if isinstance(error, ValueError):
        return UsageError("expected auto, or HOST:PORT of the cluster's head", option=option)
    if address == AUTO:
        return UsageError("no Ray cluster runs on this machine", option=option, remedy=Remedy.START_CLUSTER)
    return UsageError("no Ray cluster answers there", option=option, remedy=Remedy.START_CLUSTER)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray has SIGTERM end the process; who handles it here goes on doing so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Machine:
    """A machine of a cluster, as Ray knows it."""

    identity: str
    name: str
    cores: int  # that Ray gives out
    gpus: int
    memory: int  # bytes, likewise


def machines(ray: Any) -> list[Machine]:
    """The machines that are there now; those of one host are told apart by their identity."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    hosts = [node["NodeManagerHostname"] for node in alive]
    return [
        Machine(
            node["NodeID"],
            host if hosts.count(host) == 1 else f"{host} ({node['NodeID'][:6]})",
            int(node["Resources"].get("CPU", 0)),
            int(node["Resources"].get("GPU", 0)),
            int(node["Resources"].get("memory", 0)),
        )
        for node, host in zip(alive, hosts, strict=True)
    ]


def on(machine: Machine) -> Any:
    """What tells Ray to run something on a machine, and on no other."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(machine.identity, soft=False)


def ask_all(ray: Any, function: Callable[..., Any], *values: Any, seconds: float) -> list[tuple[Machine, Any]]:
    """What a function that raises nothing answers on each machine; None where none comes in time."""
    task = ray.remote(num_cpus=0, max_retries=0)(function)
    asked = [(machine, task.options(scheduling_strategy=on(machine)).remote(*values)) for machine in machines(ray)]
    ready, _ = ray.wait([reference for _, reference in asked], num_returns=len(asked), timeout=seconds)
    answers = []
    for machine, reference in asked:
        answer = None
        if reference in ready:
            with contextlib.suppress(ray.exceptions.RayError):
                answer = ray.get(reference)
        answers.append((machine, answer))
    return answers
