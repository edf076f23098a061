"""Folders on a Ray cluster of two nodes: the same results as here, whatever happens to nodes, workers and drivers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import add_node, kill_node
from conftest import Command
from scans import make_broken, make_scans, scan
from test_folder_command import SMALL_VIEW, files, start, wait_for

from colorizer import __version__
from colorizer.errors import EngineError
from colorizer.jobs.executors.base import Job, WorkerDied
from colorizer.jobs.executors.cluster.executor import Limits, RayExecutor, Sight
from colorizer.networks import resolve_model

pytest.importorskip("ray")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Ray's own

Drive = Callable[..., "subprocess.Popen[str]"]

LITE = ("--model", "lite", *SMALL_VIEW)
"""What is chosen, so that it does not depend on what is installed."""


def report(path: Path) -> list[dict[str, Any]]:
    """A report's lines but for times, in the order of their inputs."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        for name in ("seconds", "time"):
            line.pop(name, None)
    return sorted(lines, key=lambda line: str(line["input"]))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("auto", "no Ray cluster runs on this machine; start one with `ray start --head`"),
        ("127.0.0.1:1", "no Ray cluster answers there; start one"),
        ("nonsense", "expected auto, or HOST:PORT of the cluster's head"),
    ],
)
def test_without_a_cluster_it_is_said_at_once(
    address: str, message: str, colorize_process: Command, tmp_path: Path
) -> None:
    if address == "auto" and _a_cluster_runs():
        pytest.skip("there is one")
    make_scans(tmp_path / "scans", 1)
    done = colorize_process("scans", "-o", "out", *LITE, "--cluster", address)
    assert done.returncode == 2
    assert done.stderr.startswith(f"colorize: --cluster {address}: {message}")
    assert done.stderr.count("\n") == 1


def _a_cluster_runs() -> bool:
    from ray._private.services import find_gcs_addresses

    return bool(find_gcs_addresses())


def test_a_folder_gets_the_bytes_lines_and_status_of_one_machine(
    ray_cluster: Any, colorize_process: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 18)
    make_broken(tmp_path / "scans" / "bad", 5)
    here = colorize_process("scans", "-o", "out", "--report", "here.jsonl", *LITE)
    expected = files(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "here")
    there = colorize_process("scans", "-o", "out", "--report", "there.jsonl", *LITE, "--cluster", ray_cluster.address)
    assert there.returncode == here.returncode == 1
    assert sorted(there.stderr.splitlines()) == sorted(here.stderr.splitlines())
    assert there.stdout == here.stdout == ""
    assert files(tmp_path / "out") == expected
    assert report(tmp_path / "there.jsonl") == report(tmp_path / "here.jsonl")
    known = {"RAY_ADDRESS": ray_cluster.address}
    again = colorize_process("scans", "-o", "out", "--report", "-", *LITE, "--cluster", "auto", **known)
    assert [json.loads(line)["status"] for line in again.stdout.splitlines()].count("kept") == 18


def square() -> Callable[[int], int]:
    return lambda number: number * number


def where() -> Callable[[tuple[int, float]], str]:
    """Works for a while, and tells on which node."""
    import ray

    def work(item: tuple[int, float]) -> str:
        time.sleep(item[1])
        return str(ray.get_runtime_context().get_node_id())

    return work


def dying() -> Callable[[tuple[int, Path]], int]:
    """Ends its process: at 3 always, at 5 the first time."""

    def work(item: tuple[int, Path]) -> int:
        number, marks = item
        if number == 3 or (number == 5 and not (marks / "5").exists()):
            (marks / str(number)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    return work


def failing() -> Callable[[int], int]:
    raise EngineError("no such engine here")


def surprised() -> Callable[[int], int]:
    def work(number: int) -> int:
        raise ValueError(f"what is {number}?")

    return work


@pytest.fixture
def said() -> list[str]:
    """What a user was told."""
    return []


@pytest.fixture
def executor(ray_cluster: Any, said: list[str]) -> RayExecutor:
    """On the cluster, whose nodes do not know this module: its functions go there as they stand."""
    import ray.cloudpickle

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return RayExecutor(ray_cluster.address, say=said.append)


def jobs(items: Iterator[Any] | list[Any]) -> Iterator[Job[Any]]:
    return (Job(item, 1) for item in items)


def test_jobs_are_done_by_all_nodes(executor: RayExecutor, said: list[str]) -> None:
    results = dict(executor.run(where, jobs([(number, 0.1) for number in range(30)])))
    assert len(results) == 30
    assert len(set(results.values())) == 2
    assert said == []


def test_a_node_that_comes_takes_work_and_one_that_is_lost_loses_nothing(
    ray_cluster: Any, executor: RayExecutor, said: list[str]
) -> None:
    items = [(number, 0.4) for number in range(40)]
    results: dict[Any, Any] = {}
    node: Any = None
    for number, (item, result) in enumerate(executor.run(where, jobs(items))):
        assert item not in results
        results[item] = result
        if number == 2:
            node = add_node(ray_cluster)
        if node is not None and result == node.node_id and list(results.values()).count(result) == 4:
            kill_node(ray_cluster, node)
    assert len(results) == 40
    assert 4 <= list(results.values()).count(node.node_id) <= 6
    assert not any(isinstance(result, WorkerDied) for result in results.values())
    assert said == []


def test_a_worker_that_dies_is_replaced_and_a_job_that_kills_each_is_given_up(
    executor: RayExecutor, tmp_path: Path
) -> None:
    results = {item[0]: result for item, result in executor.run(dying, jobs([(n, tmp_path) for n in range(9)]))}
    assert results.pop(3) == WorkerDied(None)
    assert results == {number: number for number in (0, 1, 2, 4, 5, 6, 7, 8)}
    assert (tmp_path / "5").exists()


def test_what_no_worker_can_load_is_said_of_each_node_and_raised_once(executor: RayExecutor, said: list[str]) -> None:
    with pytest.raises(EngineError, match="no such engine here"):
        list(executor.run(failing, jobs([1, 2, 3])))
    assert len(said) == 2
    assert all("does no work: no such engine here" in line for line in said)


def test_what_the_work_raises_is_raised_here(executor: RayExecutor) -> None:
    with pytest.raises(ValueError, match="what is 1"):
        list(executor.run(surprised, jobs([1])))


def test_nodes_with_another_colorize_are_left_out_and_named(
    executor: RayExecutor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.__version__", "99.0")
    with pytest.raises(EngineError, match=r"it has colorize .*, and this machine 99\.0; have the same versions"):
        list(executor.run(square, jobs([1])))
    assert len(said) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="a path that each process sees otherwise")
def test_nodes_that_do_not_see_the_files_are_left_out_and_named(
    ray_cluster: Any, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hidden = Path("/proc/self/cwd/scan.jpg")
    (tmp_path / "scan.jpg").touch()
    executor = RayExecutor(ray_cluster.address, sight=Sight([hidden]), say=said.append)
    with pytest.raises(EngineError, match=f"it does not see {hidden} as this machine does; mount the drive"):
        list(executor.run(square, jobs([1])))
    assert len(said) == 2


def test_no_more_workers_than_wanted(ray_cluster: Any, executor: RayExecutor) -> None:
    executor = RayExecutor(ray_cluster.address, Limits(workers=1))
    results = dict(executor.run(where, jobs([(number, 0.05) for number in range(10)])))
    assert len(set(results.values())) == 1


def test_a_device_that_the_cluster_lacks_is_refused_in_one_line(
    ray_cluster: Any, colorize: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 4)
    there = ("--cluster", ray_cluster.address)
    done = colorize("scans", "-o", "out", *LITE, *there, "--device", "cuda")
    assert done.returncode == 2
    assert done.stderr == "colorize: --device cuda: no machine of the cluster has a GPU\n"
    node = add_node(ray_cluster, num_gpus=1)  # as Ray is told
    try:
        done = colorize("scans", "-o", "out", *LITE, *there, "--device", "cuda")
        assert done.returncode == 2
        assert done.stderr.startswith("colorize: no CUDA: ")
        assert done.stderr.count("\n") == 1
        # left to itself, it takes what works there
        assert colorize("scans", "-o", "out", *LITE, *there).returncode == 0
    finally:
        kill_node(ray_cluster, node)


STARTED = 120
"""Seconds in which a driver has its first results, on a computer that does much else."""

MANY = 40
"""Scans, which take a few seconds."""


@pytest.fixture(scope="module")
def made_here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an unbroken run here makes of them."""
    folder = tmp_path_factory.mktemp("here")
    make_scans(folder / "scans", MANY)
    process = start(folder, "scans", "-o", "out", *LITE)
    process.communicate()
    assert process.returncode == 0
    return files(folder / "out")


@pytest.fixture
def drive(ray_cluster: Any, tmp_path: Path) -> Iterator[Drive]:
    """Start the command on the cluster; it ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> subprocess.Popen[str]:
        command = ("scans", "-o", "out", *LITE, *options, "--cluster", ray_cluster.address)
        started.append(start(tmp_path, *command))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def many(made_here: dict[str, bytes], tmp_path: Path) -> dict[str, bytes]:
    """The scans, and what is to become of them."""
    make_scans(tmp_path / "scans", MANY)
    return made_here


def test_a_killed_driver_is_gone_on_after(
    drive: Drive, ray_cluster: Any, many: dict[str, bytes], colorize_process: Command, tmp_path: Path
) -> None:
    process = drive()
    wait_for(tmp_path / "out", 5, STARTED)
    process.kill()
    process.communicate()
    done = colorize_process("scans", "-o", "out", *LITE, "--cluster", ray_cluster.address)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "out") == many


def test_ctrl_c_drains_and_the_same_command_goes_on(
    drive: Drive, ray_cluster: Any, many: dict[str, bytes], colorize_process: Command, tmp_path: Path
) -> None:
    process = drive()
    wait_for(tmp_path / "out", 5, STARTED)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=STARTED)
    assert process.returncode == 130
    assert "stopping when the pictures under way are done" in errors
    assert "interrupted; the same command goes on with the rest" in errors
    assert "Traceback" not in errors
    made = files(tmp_path / "out")
    assert 5 <= len(made) < MANY
    assert made.items() <= many.items()
    assert colorize_process("scans", "-o", "out", *LITE, "--cluster", ray_cluster.address).returncode == 0
    assert files(tmp_path / "out") == many


def test_ctrl_c_twice_stops_at_once(drive: Drive, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for number in range(16):  # each takes longer than passes between the two
        scan(number).resize((4000, 3000)).save(tmp_path / "scans" / f"{number}.png", compress_level=1)
    process = drive()
    wait_for(tmp_path / "out", 3, STARTED)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
    _, errors = process.communicate(timeout=STARTED)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_two_drivers_on_one_folder_do_each_other_no_harm(drive: Drive, many: dict[str, bytes], tmp_path: Path) -> None:
    drivers = [drive("--jobs", "1") for _ in range(2)]
    for driver in drivers:
        _, errors = driver.communicate(timeout=STARTED)
        assert driver.returncode == 0, errors
    assert files(tmp_path / "out") == many


def test_a_network_that_nodes_do_not_have_is_brought_to_them(
    ray_cluster: Any, colorize_process: Command, tmp_path: Path
) -> None:
    for path in resolve_model("lite").files.values():
        (tmp_path / f"own{path.suffix}").write_bytes(path.read_bytes())
    make_scans(tmp_path / "scans", 4)
    model = ("--model", f".{os.sep}own.caffemodel", *SMALL_VIEW)
    assert colorize_process("scans", "-o", "here", *model).returncode == 0
    # the name begins at the driver's folder, in which nodes are not
    done = colorize_process("scans", "-o", "there", *model, "--cluster", ray_cluster.address)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "there") == files(tmp_path / "here")


def test_doctor_says_what_the_cluster_has(ray_cluster: Any, colorize_process: Command) -> None:
    done = colorize_process("doctor", "--cluster", ray_cluster.address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 of 2 machines can work, with 2 cores and 0 GPUs\n")
    told = json.loads(colorize_process("doctor", "--cluster", ray_cluster.address, "--json").stdout)
    assert told["healthy"]
    assert [machine["cores"] for machine in told["machines"]] == [1, 1]
    assert {machine["versions"]["colorize"] for machine in told["machines"]} == {__version__}
