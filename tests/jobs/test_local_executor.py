"""Processes of this machine: order, bounded memory, and what happens when one of them dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from colorizer.jobs import ahead, memory
from colorizer.jobs.executors.base import Job, WorkerDied
from colorizer.jobs.executors.local import LocalExecutor, StartedProcesses
from colorizer.networks import resolve_model
from colorizer.settings import Settings

PLENTY = 1 << 40


def square() -> Callable[[int], int]:
    return lambda number: number * number


def slow_square() -> Callable[[int], int]:
    def work(number: int) -> int:
        time.sleep(0.2)
        return number * number

    return work


def fragile() -> Callable[[int], int]:
    def work(number: int) -> int:
        if number % 5 == 3:
            os.kill(os.getpid(), signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        return number

    return work


def watched() -> Callable[[tuple[Path, int]], float]:
    """Works for a while, and tells how many others were at work at the same time."""

    def work(item: tuple[Path, int]) -> float:
        folder, number = item
        mark = folder / str(number)
        mark.touch()
        time.sleep(0.15)
        together = len(list(folder.iterdir()))
        mark.unlink()
        return together

    return work


def broken() -> Callable[[int], int]:
    raise ValueError("nothing to work with")


def blas_threads() -> Callable[[int], str | None]:
    return lambda _: os.environ.get("OPENBLAS_NUM_THREADS")


def who_and_whether_loaded() -> Callable[[int], tuple[int, bool]]:
    loaded = "fractions" in sys.modules

    def work(_: int) -> tuple[int, bool]:
        time.sleep(0.01)
        return os.getpid(), loaded

    return work


def jobs(count: int, memory: int = 1) -> list[Job[int]]:
    return [Job(number, memory) for number in range(count)]


def test_every_job_is_done_once() -> None:
    executor, load = LocalExecutor(count=2, budget=PLENTY), square
    assert sorted(executor.run(load, jobs(20))) == [(number, number * number) for number in range(20)]


def test_a_process_that_dies_costs_its_job_and_is_replaced() -> None:
    executor, load = LocalExecutor(count=2, budget=PLENTY), fragile
    results = dict(executor.run(load, jobs(20)))
    assert {number for number, result in results.items() if isinstance(result, WorkerDied)} == {3, 8, 13, 18}
    assert all(result == number for number, result in results.items() if not isinstance(result, WorkerDied))


@pytest.mark.parametrize(("memory", "most"), [(1, 3), (5, 2), (10, 1), (99, 1)])
def test_no_more_is_under_way_than_memory_allows_and_the_largest_run_alone(
    memory: int, most: int, tmp_path: Path
) -> None:
    executor, load = LocalExecutor(count=3, budget=10), watched
    some = (Job((tmp_path, number), memory) for number in range(7))
    results = [together for _, together in executor.run(load, some)]
    assert len(results) == 7
    assert max(results) == most  # type: ignore[type-var]


def test_jobs_are_asked_for_as_they_are_begun_not_all_at_once() -> None:
    asked = []

    def source() -> Iterator[Job[int]]:
        for number in range(50):
            asked.append(number)
            yield Job(number, 1)

    executor, load = LocalExecutor(count=2, budget=PLENTY), square
    for done, _ in enumerate(executor.run(load, source())):
        # two results may be at hand, two more jobs under way, and one looked at for its room
        assert len(asked) <= done + 5


def test_after_stop_what_is_under_way_is_finished_and_nothing_begun() -> None:
    executor, load = LocalExecutor(count=2, budget=PLENTY), slow_square
    done: list[int] = []
    asked = set()

    def source() -> Iterator[Job[int]]:
        for job in jobs(50):
            assert not done, "asked for after the stop"
            asked.add(job.item)
            yield job

    for number, result in executor.run(load, source()):
        assert result == number * number
        done.append(number)
        executor.stop()
    assert set(done) <= asked
    # both processes may be done by the time that the first result is looked at, and have been given more before
    assert sorted(done) == list(range(len(done)))
    assert 1 <= len(done) <= 4


def test_leaving_early_ends_the_processes() -> None:
    executor, load = LocalExecutor(count=2, budget=PLENTY), slow_square
    run = executor.run(load, jobs(50))
    next(run)
    processes = [worker.process for worker in executor._workers]
    run.close()  # type: ignore[attr-defined]
    assert processes
    assert not any(process.is_alive() for process in processes)


def test_what_goes_wrong_while_loading_is_raised_here() -> None:
    with pytest.raises(ValueError, match="nothing to work with"):
        list(LocalExecutor(count=2, budget=PLENTY).run(broken, jobs(3)))


def test_processes_started_ahead_do_the_work_and_no_others_are_started() -> None:
    processes = StartedProcesses(2, "fractions")
    started = {worker.process.pid for worker in processes._waiting}
    executor, load = LocalExecutor(count=2, budget=PLENTY, started=processes), who_and_whether_loaded
    results = [result for _, result in executor.run(load, jobs(20))]
    assert {pid for pid, _ in results} <= started  # type: ignore[misc]
    assert all(loaded for _, loaded in results)  # type: ignore[misc]
    assert not processes


def test_of_processes_started_ahead_those_that_are_too_many_end() -> None:
    started = StartedProcesses(3, "fractions")
    processes = [worker.process for worker in started._waiting]
    assert len(list(LocalExecutor(count=1, budget=PLENTY, started=started).run(square, jobs(5)))) == 5
    for process in processes:
        process.join(timeout=20)
        assert process.exitcode == 0


def test_a_process_started_ahead_that_died_costs_no_more_than_its_job() -> None:
    started = StartedProcesses(1, "fractions")
    process = started._waiting[0].process
    process.kill()
    process.join()
    executor, load = LocalExecutor(count=1, budget=PLENTY, started=started), square
    results = dict(executor.run(load, jobs(3)))
    assert isinstance(results.pop(0), WorkerDied)
    assert results == {1: 1, 2: 4}


def test_each_process_has_one_blas_thread_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert dict(LocalExecutor(count=1, budget=PLENTY).run(blas_threads, jobs(1))) == {0: "1"}
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert dict(LocalExecutor(count=1, budget=PLENTY).run(blas_threads, jobs(1))) == {0: "3"}


@pytest.mark.parametrize(
    ("inside", "many"),
    [([], False), (["a", "b", "c"], False), (["a", "b", "c", "d"], True), (["sub/"], True)],
)
def test_a_folder_of_more_than_a_few_gets_its_processes_ahead(
    inside: list[str], many: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[int, str]] = []
    monkeypatch.setattr(ahead, "StartedProcesses", lambda count, module: started.append((count, module)))
    for name in inside:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    ahead.start_processes([tmp_path], 2)
    assert bool(started) == many
    started.clear()
    ahead.start_processes([tmp_path], 1)
    assert not started
    ahead.start_processes([tmp_path / str(n) for n in range(4)], 2)
    assert started == [(2, "colorizer.jobs.batch")]


IMPATIENT = """
import os, signal, sys
from colorizer.jobs.executors.base import Job
from colorizer.jobs.executors.local import LocalExecutor, StartedProcesses
sys.path.insert(0, sys.argv[1])
from test_local_executor import square
if __name__ == "__main__":
    started = StartedProcesses(2, "colorizer.jobs.batch")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for _ in range(30):
        os.killpg(0, signal.SIGINT)
        signal.sigtimedwait([signal.SIGUSR1], 0.01)
    executor = LocalExecutor(count=2, budget=1 << 40, started=started)
    print(sorted(executor.run(square, [Job(3, 1), Job(4, 1)])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="waits for signals as Linux does")
def test_processes_that_are_still_starting_do_not_hear_ctrl_c(tmp_path: Path) -> None:
    program = tmp_path / "impatient.py"
    program.write_text(IMPATIENT)
    command = [sys.executable, str(program), str(Path(__file__).parent)]
    done = subprocess.run(command, start_new_session=True, capture_output=True, text=True, check=False, timeout=100)
    assert done.stderr == ""
    assert done.stdout == "[(3, 9), (4, 16)]\n"


def test_processes_are_as_many_as_there_is_memory_for_their_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "usable_cores", lambda: 16)
    weights = tmp_path / "large.caffemodel"
    with weights.open("wb") as file:
        file.truncate(129_000_000)
    lite = resolve_model("lite")
    large = replace(lite, files={**lite.files, "caffemodel": weights})
    once, counts, closely = Settings(size=224), {}, {}
    for gigabytes in (1, 4, 8, 64):
        monkeypatch.setattr(memory, "usable_memory", lambda free=gigabytes << 30: free)
        counts[gigabytes] = memory.affordable_processes(large, once), memory.affordable_processes(lite, once)
        closely[gigabytes] = memory.affordable_processes(lite)
    assert counts == {1: (1, 3), 4: (2, 12), 8: (5, 16), 64: (16, 16)}
    # two looks: 60 MB more for each process
    assert closely == {1: 2, 4: 9, 8: 16, 64: 16}
