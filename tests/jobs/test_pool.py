"""The pool of processes: order, bounded memory, and what happens when one of them dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from colorizer.jobs.pool import Died, Job, Pool

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


def jobs(count: int, memory: int = 1) -> list[Job[int]]:
    return [Job(number, memory) for number in range(count)]


def test_every_job_is_done_once() -> None:
    pool: Pool[int, int] = Pool(square, count=2, budget=PLENTY)
    assert sorted(pool.run(jobs(20))) == [(number, number * number) for number in range(20)]


def test_a_process_that_dies_costs_its_job_and_is_replaced() -> None:
    pool: Pool[int, int] = Pool(fragile, count=2, budget=PLENTY)
    results = dict(pool.run(jobs(20)))
    assert {number for number, result in results.items() if isinstance(result, Died)} == {3, 8, 13, 18}
    assert all(result == number for number, result in results.items() if not isinstance(result, Died))


@pytest.mark.parametrize(("memory", "most"), [(1, 3), (5, 2), (10, 1), (99, 1)])
def test_no_more_is_under_way_than_memory_allows_and_the_largest_run_alone(
    memory: int, most: int, tmp_path: Path
) -> None:
    pool: Pool[tuple[Path, int], float] = Pool(watched, count=3, budget=10)
    results = [together for _, together in pool.run(Job((tmp_path, number), memory) for number in range(7))]
    assert len(results) == 7
    assert max(results) == most  # type: ignore[type-var]


def test_jobs_are_asked_for_as_they_are_begun_not_all_at_once() -> None:
    asked = []

    def source() -> Iterator[Job[int]]:
        for number in range(50):
            asked.append(number)
            yield Job(number, 1)

    pool: Pool[int, int] = Pool(square, count=2, budget=PLENTY)
    for done, _ in enumerate(pool.run(source())):
        assert len(asked) <= done + 4


def test_after_stop_what_is_under_way_is_finished_and_nothing_begun() -> None:
    pool: Pool[int, int] = Pool(slow_square, count=2, budget=PLENTY)
    done = []
    for number, result in pool.run(jobs(50)):
        assert result == number * number
        done.append(number)
        pool.stop()
    assert 1 <= len(done) <= 3


def test_leaving_early_ends_the_processes() -> None:
    pool: Pool[int, int] = Pool(slow_square, count=2, budget=PLENTY)
    run = pool.run(jobs(50))
    next(run)
    processes = [worker.process for worker in pool._workers]
    run.close()  # type: ignore[attr-defined]
    assert processes
    assert not any(process.is_alive() for process in processes)


def test_what_goes_wrong_while_loading_is_raised_here() -> None:
    with pytest.raises(ValueError, match="nothing to work with"):
        list(Pool(broken, count=2, budget=PLENTY).run(jobs(3)))
