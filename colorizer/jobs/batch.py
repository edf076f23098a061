"""Many pictures: which of them still have to be done, by how many processes, and when to stop.

Every outcome comes as soon as it is known. A few pictures are done in this process; more of them by the executor that
the batch is given. Processes of this machine each have a network of their own and keep all cores busy with different
pictures: that overlaps reading, network, recombination and writing without a line of code for it, and no crash takes
more than its picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from colorizer.errors import DiskFullError, InputError, OutputError, shown
from colorizer.io.storage import LOCAL, Stamp, Storage
from colorizer.jobs.ahead import SMALL_BATCH
from colorizer.jobs.executors.base import Executor, Job, WorkerDied
from colorizer.jobs.executors.serial import SerialExecutor
from colorizer.jobs.existing import check_existing
from colorizer.jobs.journal import Difference
from colorizer.jobs.memory import GUIDED_BYTES, memory_needed
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, OutputPolicy, Status, color_file
from colorizer.jobs.standing import Standing, way_of
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
    few
        Who does it where there is little; None: this process, which then loads what is needed.
    storage
        Where inputs and outputs lie.
    pictures
        How many to reckon with where an engine is chosen; None: as many as there are tasks.
    """

    tasks: Sequence[Task]
    settings: Settings
    policy: OutputPolicy
    root: Path | None
    overwrite: bool = False
    update: bool = False
    executor: Executor = field(default_factory=SerialExecutor)
    few: Executor | None = None
    storage: Storage = LOCAL
    pictures: int | None = None


class Run:
    """A batch under way.

    Parameters
    ----------
    batch
        What to do.
    model
        The model that the settings stand for, whose files tell whether outputs are up to date.
    standing
        Where the job stands, where that is known already.

    Attributes
    ----------
    standing
        Where the job stands.
    broken_off
        Why it was, in words; None where it was not.
    """

    def __init__(self, batch: Batch, model: Model, standing: Standing | None = None) -> None:
        self._batch = batch
        self.standing = standing or standing_of(batch, model)
        self._executors = (batch.executor, batch.few or SerialExecutor())
        self._origins: dict[Task, Stamp | None] = {}
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
            verdict = self.standing.verdict(task)
            if isinstance(verdict, Outcome):
                yield verdict
            else:
                wanted.append((task, verdict))
        given, own = self._executors
        for outcome in self._done_by(own if len(wanted) <= SMALL_BATCH else given, wanted):
            self.standing.add(outcome, self._origins.pop(outcome.task, None))
            if outcome.error:
                self._consider(outcome.error)
            yield outcome

    def _done_by(self, executor: Executor, wanted: Sequence[Item]) -> Iterator[Outcome]:
        load = load_of(self._batch, executor)
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
            self._origins[item[0]] = storage.stamp(source)  # before it is read: what comes after is another input
            if measured:
                storage.prefetch(source)
            guided = GUIDED_BYTES if self.standing.is_guided(item[0]) else 0
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


def load_of(batch: Batch, executor: Executor) -> Callable[[], Work]:
    """What an executor has its workers load for a batch."""
    settings, shares_cores = batch.settings, executor.threads is not None
    if settings.threads is None and shares_cores:
        settings = replace(settings, threads=executor.threads)
    return partial(
        load_sharing_cores if shares_cores else load_work,
        settings,
        batch.policy,
        batch.pictures or len(batch.tasks),
        batch.storage,
    )


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


def standing_of(batch: Batch, model: Model) -> Standing:
    """Where a batch stands: what of it is finished, and in which way."""
    return Standing(
        batch.root,
        way_of(batch.settings, batch.policy.output, model),
        batch.policy.guiding,
        overwrite=batch.overwrite,
        update=tuple(Difference) if batch.update else (),
        storage=batch.storage,
    )
