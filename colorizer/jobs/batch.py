"""Many pictures: which of them still have to be done, by how many processes, and when to stop.

Every outcome comes as soon as it is known. A few pictures are done in this process; more of them by a pool of processes
(see `pool`), each with a network of its own and all cores busy with different pictures: that overlaps reading, network,
recombination and writing without a line of code for it, and no crash takes more than its picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from colorizer import __version__
from colorizer.errors import DiskFullError, InputError, OutputError, shown
from colorizer.io.atomic import prefetch
from colorizer.io.machine import usable_cores
from colorizer.jobs.ahead import FEW
from colorizer.jobs.executors.local import Died, Job, Pool
from colorizer.jobs.journal import Journal, stamp
from colorizer.jobs.memory import extent
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, OutputPolicy, Status, color_file, existing
from colorizer.networks import Model
from colorizer.settings import Settings

Item = tuple[Task, bool]
"""A task, and whether what exists in its output's place has to be looked at first."""

Worker = Callable[[Item], Outcome]


@dataclass(frozen=True)
class Batch:
    """A job of many pictures.

    Attributes
    ----------
    tasks
        In the order in which they are begun.
    settings, policy
        How they are coloured and written.
    root
        The output folder, None for results beside their inputs. Folders inside it are made as needed; it itself is
        not made again if it vanishes, since then a drive is gone.
    overwrite
        Do what exists again.
    update
        Do again what was made from another input, or with other options.
    workers
        How many processes.
    budget
        Bytes that the pictures under way may take together.
    """

    tasks: Sequence[Task]
    settings: Settings
    policy: OutputPolicy
    root: Path | None
    overwrite: bool = False
    update: bool = False
    workers: int = 1
    budget: int = 1 << 30


class Run:
    """A batch under way.

    Parameters
    ----------
    batch
        What to do.
    model
        The model that the settings stand for, whose files tell whether outputs are up to date.
    """

    def __init__(self, batch: Batch, model: Model) -> None:
        self._batch = batch
        self._journal = Journal(batch.root, fingerprint(batch, model)) if batch.root else None
        self._halt: Callable[[], None] = self._stop_here
        self._stopped = False
        self.broken_off: str | None = None

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished."""
        self._stopped = True
        self._halt()

    def _stop_here(self) -> None:
        self._stopped = True

    def __iter__(self) -> Iterator[Outcome]:
        """Do it; give each outcome as soon as it is known."""
        batch = self._batch
        wanted: list[Item] = []
        for task in batch.tasks:
            verdict = self._verdict(task)
            if isinstance(verdict, Outcome):
                yield verdict
            else:
                wanted.append((task, verdict))
        for outcome in self._here(wanted) if self._is_small(wanted) else self._by_processes(wanted):
            if self._journal and outcome.status is not Status.FAILED:
                self._journal.add(outcome.task.source, outcome.task.target)
            if outcome.error:
                self._consider(outcome.error)
            yield outcome

    def _is_small(self, wanted: Sequence[Item]) -> bool:
        return len(wanted) <= FEW or self._batch.workers == 1

    def _verdict(self, task: Task) -> Outcome | bool:
        """What is known of a task beforehand: its outcome, or whether its output has to be looked at first."""
        batch, journal = self._batch, self._journal
        made = stamp(task.target)
        if batch.overwrite or made is None:
            return False
        if batch.update:
            if journal and journal.knows(task.target):
                return Outcome(task, Status.KEPT) if journal.is_current(task.source, task.target) else False
            origin = stamp(task.source)
            if origin is not None and origin.modified_ns > made.modified_ns:
                return False
        if journal and journal.is_complete(task.target):
            return Outcome(task, Status.KEPT)
        return True

    def _here(self, wanted: Sequence[Item]) -> Iterator[Outcome]:
        work: Worker | None = None
        for item in wanted:
            if self._stopped:
                return
            self._make_folder(item[0])
            work = work or worker(self._batch.settings, self._batch.policy, len(self._batch.tasks))
            yield work(item)

    def _by_processes(self, wanted: Sequence[Item]) -> Iterator[Outcome]:
        batch = self._batch
        settings = batch.settings
        if settings.threads is None:
            settings = replace(settings, threads=max(1, usable_cores() // batch.workers))
        make = partial(_process, settings, batch.policy, len(batch.tasks))
        pool: Pool[Item, Outcome] = Pool(make, count=batch.workers, budget=batch.budget)
        self._halt = pool.stop

        def jobs() -> Iterator[Job[Item]]:
            for item in wanted:
                self._make_folder(item[0])
                prefetch(item[0].source)
                yield Job(item, extent(item[0].source).memory)

        for (task, _), result in pool.run(jobs()):
            if isinstance(result, Died):
                cause = f"the process that worked on it ended (exit code {result.exit_code})"
                remedy = "try it alone, and report it if it happens again"
                error = InputError(f"{shown(task.source)}: {cause}; {remedy}")
                yield Outcome(task, Status.FAILED, error=error)
            else:
                yield result

    def _make_folder(self, task: Task) -> None:
        root = self._batch.root
        if root is None or task.target.parent == root:
            return
        missing = [folder for folder in (task.target.parent, *task.target.parent.parents) if root in folder.parents]
        for folder in reversed(missing):
            try:
                folder.mkdir(exist_ok=True)
            except OSError:
                return  # writing will say what is wrong, and to which file

    def _consider(self, error: Exception) -> None:
        """Some failures are those of all pictures to come: stop, and say so once."""
        root = self._batch.root
        if isinstance(error, DiskFullError):
            self.broken_off = (
                "the disk is full; free some space and run the same command again: it goes on with the rest"
            )
        elif isinstance(error, OutputError) and root is not None and not root.is_dir():
            self.broken_off = (
                f"the output folder {shown(root)} is gone; bring it back and run the same command again: "
                "it goes on with the rest"
            )
        elif isinstance(error, OutputError) and root is not None and not os.access(root, os.W_OK):
            self.broken_off = (
                f"the output folder {shown(root)} cannot be written to; change that and run the same command again: "
                "it goes on with the rest"
            )
        if self.broken_off:
            self.stop()


def worker(settings: Settings, policy: OutputPolicy, pictures: int) -> Worker:
    """Load what is needed to colour, and give the function that does one task (and, if so told, looks first)."""
    from colorizer.colorizer import Colorizer

    colorizer = Colorizer(settings, pictures=pictures)

    def work(item: Item) -> Outcome:
        task, look_first = item
        kept = existing(task, policy.max_pixels) if look_first else None
        return kept or color_file(task, colorizer, policy)

    return work


def _process(settings: Settings, policy: OutputPolicy, pictures: int) -> Worker:
    """As `worker`, in a process that has its cores to itself: OpenCV's own threads keep to them too."""
    import cv2

    cv2.setNumThreads(settings.threads or 0)
    return worker(settings, policy, pictures)


def fingerprint(batch: Batch, model: Model) -> str:
    """A text that changes when the pictures would: options, model and version."""
    settings = replace(batch.settings, threads=None, weights_dir=None)
    options = {"settings": asdict(settings), "output": asdict(batch.policy.output), "version": __version__}
    return f"{model.name} {stamp(model.weights)} {options}"
