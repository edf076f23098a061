"""Many pictures: which of them still have to be done, by how many processes, and when to stop.

Every outcome comes as soon as it is known. A few pictures are done in this process; more of them by the executor that
the batch is given. Processes of this machine each have a network of their own and keep all cores busy with different
pictures: that overlaps reading, network, recombination and writing without a line of code for it, and no crash takes
more than its picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from colorizer import __version__
from colorizer.errors import DiskFullError, InputError, OutputError, shown
from colorizer.io.storage import LOCAL, Storage
from colorizer.jobs.ahead import SMALL_BATCH
from colorizer.jobs.executors.base import Executor, Job, WorkerDied
from colorizer.jobs.executors.serial import SerialExecutor
from colorizer.jobs.journal import Journal
from colorizer.jobs.memory import GUIDED_BYTES, memory_needed
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, OutputPolicy, Status, check_existing, color_file
from colorizer.networks import Model
from colorizer.settings import Settings

Item = tuple[Task, bool]
"""A task, and whether what exists in its output's place has to be looked at first."""

Work = Callable[[Item], Outcome]


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
    executor
        Who does the work, where there is more than a little of it.
    storage
        Where inputs and outputs lie.
    """

    tasks: Sequence[Task]
    settings: Settings
    policy: OutputPolicy
    root: Path | None
    overwrite: bool = False
    update: bool = False
    executor: Executor = field(default_factory=SerialExecutor)
    storage: Storage = LOCAL


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
        self._journal = Journal(batch.root, fingerprint(batch, model), batch.storage) if batch.root else None
        self._executors = (batch.executor, SerialExecutor())
        self._said: dict[Task, str] = {}
        self.broken_off: str | None = None

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished."""
        for executor in self._executors:
            executor.stop()

    def __iter__(self) -> Iterator[Outcome]:
        """Do it; give each outcome as soon as it is known.

        Raises
        ------
        ColorizerError
            What fails for all pictures: the settings do not fit the model, or the engine cannot be had.
        """
        batch = self._batch
        wanted: list[Item] = []
        for task in batch.tasks:
            verdict = self._verdict(task)
            if isinstance(verdict, Outcome):
                yield verdict
            else:
                wanted.append((task, verdict))
        given, own = self._executors
        for outcome in self._done_by(own if len(wanted) <= SMALL_BATCH else given, wanted):
            if self._journal and outcome.status is not Status.FAILED:  # what failed is tried again next time
                self._journal.add(outcome.task.source, outcome.task.target, self._said.get(outcome.task, ""))
            if outcome.error:
                self._consider(outcome.error)
            yield outcome

    def _verdict(self, task: Task) -> Outcome | bool:
        """What is known of a task beforehand: its outcome, or whether its output has to be looked at first."""
        batch, journal, stamp = self._batch, self._journal, self._batch.storage.stamp
        made = stamp(task.target)
        guiding = batch.policy.guiding
        said = guiding.key(task.source, batch.storage)
        if said:
            self._said[task] = f" guided {said}"
        if batch.overwrite or made is None:
            return False
        if batch.update:
            if journal and journal.knows(task.target):
                current = journal.is_current(task.source, task.target, self._said.get(task, ""))
                return Outcome(task, Status.KEPT) if current else False
            hints = guiding.file_for(task.source, batch.storage)
            origins = [stamp(path) for path in (task.source, hints) if path is not None]
            if any(origin is not None and origin.modified_ns > made.modified_ns for origin in origins):
                return False
        if journal and journal.is_complete(task.target):
            return Outcome(task, Status.KEPT)
        return True

    def _done_by(self, executor: Executor, wanted: Sequence[Item]) -> Iterator[Outcome]:
        batch = self._batch
        settings, shares_cores = batch.settings, executor.threads is not None
        if settings.threads is None and shares_cores:
            settings = replace(settings, threads=executor.threads)
        load = partial(
            load_sharing_cores if shares_cores else load_work,
            settings,
            batch.policy,
            len(batch.tasks),
            batch.storage,
        )
        for (task, _), result in executor.run(load, self._jobs(wanted, measured=executor.workers > 1)):
            if isinstance(result, WorkerDied):
                cause = f"the process that worked on it ended (exit code {result.exit_code})"
                remedy = "try it alone, and report it if it happens again"
                error = InputError(f"{shown(task.source)}: {cause}; {remedy}")
                yield Outcome(task, Status.FAILED, error=error)
            else:
                yield result

    def _jobs(self, wanted: Sequence[Item], *, measured: bool) -> Iterator[Job[Item]]:
        """The jobs as they are begun; what memory they take is measured only where several are under way."""
        storage = self._batch.storage
        for item in wanted:
            source = item[0].source
            self._make_folder(item[0])
            if measured:
                storage.prefetch(source)
            guided = GUIDED_BYTES if item[0] in self._said else 0
            yield Job(item, memory_needed(source, storage) + guided if measured else 0)

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


def load_work(settings: Settings, policy: OutputPolicy, pictures: int, storage: Storage) -> Work:
    """Load what is needed to colour, and give the function that does one task (and, if so told, looks first)."""
    from colorizer.colorizer import Colorizer

    colorizer = Colorizer(settings, pictures=pictures)

    def work(item: Item) -> Outcome:
        task, look_first = item
        kept = check_existing(task, policy.max_pixels, storage) if look_first else None
        return kept or color_file(task, colorizer, policy, storage=storage)

    return work


def load_sharing_cores(settings: Settings, policy: OutputPolicy, pictures: int, storage: Storage) -> Work:
    """As `load_work`, in a process that has only its share of the cores: OpenCV's own threads keep to it too."""
    import cv2

    cv2.setNumThreads(settings.threads or 0)
    return load_work(settings, policy, pictures, storage)


def fingerprint(batch: Batch, model: Model) -> str:
    """A text that changes when the pictures would: options, version, and the model's files and descriptor."""
    # how many threads compute, and where the weights lie, changes no pixel
    settings = replace(batch.settings, threads=None, weights_dir=None)
    # what the model's own sizes are may change; and however they were asked for, equal sizes make equal pictures
    settings = replace(settings, size=model.sizes_for(settings), fast=False) if not settings.compat else settings
    options = {"settings": asdict(settings), "output": asdict(batch.policy.output), "version": __version__}
    files = [str(LOCAL.stamp(path)) for path in model.files.values()]
    descriptor = None if model.descriptor is None else dict(model.descriptor.source)
    return f"{model.name} {files} {descriptor} {options}"
