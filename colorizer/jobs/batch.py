"""Many pictures: which of them still have to be done, by how many processes, and when to stop.

Every outcome comes as soon as it is known. A few pictures are done in this process; more of them by the executor that
the batch is given. Processes of this machine each have a network of their own and keep all cores busy with different
pictures: that overlaps reading, network, recombination and writing without a line of code for it, and no crash takes
more than its picture.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from colorizer.errors import DiskFullError, InputError, OutputError, shown
from colorizer.io.address import Address, Remote
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.remote.access import Access
from colorizer.io.storage import Stamp, Storage, StorageError, stamp_if_any
from colorizer.jobs.ahead import SMALL_BATCH, mapped_ahead
from colorizer.jobs.deciding import NetworkFiles, decided
from colorizer.jobs.executors.base import DistantExecutor, Executor, Job, WorkerDied
from colorizer.jobs.executors.serial import SerialExecutor
from colorizer.jobs.existing import check_existing
from colorizer.jobs.journal import Difference
from colorizer.jobs.memory import GUIDED_BYTES, memory_needed
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, OutputPolicy, Status, color_file
from colorizer.jobs.standing import Standing, way_of
from colorizer.networks import Model
from colorizer.settings import Settings


class Item(NamedTuple):
    """What is known of a task beforehand.

    Attributes
    ----------
    look_first
        Whether what exists in its output's place has to be looked at first.
    hints
        The hints file that counts, so that those who do the work need not look for it.
    """

    task: Task
    look_first: bool
    hints: Address | None


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
    closes
        Whether nothing more comes after it, so that the storage can be closed.
    """

    tasks: Sequence[Task]
    settings: Settings
    policy: OutputPolicy
    root: Address | None
    overwrite: bool = False
    update: bool = False
    executor: Executor = field(default_factory=SerialExecutor)
    few: Executor | None = None
    storage: Storage = ANYWHERE
    pictures: int | None = None
    closes: bool = True


REFUSALS = 5
"""After so many results in a row that a store did not take, the others are not computed in vain."""


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
        self._batch, self._model = batch, model
        self.standing = standing or standing_of(batch, model)
        self._executors = (batch.executor, batch.few or SerialExecutor())
        self._origins: dict[Task, Stamp | None] = {}
        self._refused = 0
        self._made: set[Remote] = set()
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
            try:
                verdict = self.standing.verdict(task)
                hints = batch.policy.guiding.file_for(task.source, batch.storage)
            except StorageError as error:
                verdict = Outcome(task, Status.FAILED, error=error.about(task.source))
            if isinstance(verdict, Outcome):
                yield verdict
            else:
                wanted.append(Item(task, verdict, hints))
        try:
            for outcome in self._done_by(self._executor_for(len(wanted)), wanted):
                task = outcome.task
                batch.storage.forget(task.source)
                if outcome.made is not None:
                    batch.storage.note(task.target, outcome.made)
                self.standing.add(outcome, self._origins.pop(task, None))
                self._consider(outcome.error)
                yield outcome
        finally:
            if batch.closes:
                batch.storage.close()

    def _executor_for(self, count: int) -> Executor:
        given, own = self._executors
        few = count == 0 or (count <= SMALL_BATCH and not isinstance(given, DistantExecutor))
        return own if few else given

    def _load(self, executor: Executor) -> Callable[[], Work]:
        if isinstance(executor, DistantExecutor):
            return load_elsewhere(self._batch, executor, self._model)
        return load_of(self._batch, executor)

    def _done_by(self, executor: Executor, wanted: Sequence[Item]) -> Iterator[Outcome]:
        with contextlib.closing(executor) if isinstance(executor, DistantExecutor) else contextlib.nullcontext():
            yield from self._run_by(executor, wanted)

    def _run_by(self, executor: Executor, wanted: Sequence[Item]) -> Iterator[Outcome]:
        jobs = self._jobs(wanted, measured=executor.workers > 1)
        for (task, _, _), result in executor.run(self._load(executor), jobs):
            if isinstance(result, WorkerDied):
                code = "" if result.exit_code is None else f" (exit code {result.exit_code})"
                cause = f"the process that worked on it ended{code}"
                remedy = "try it alone, and report it if it happens again"
                error = InputError(f"{shown(task.source)}: {cause}; {remedy}")
                yield Outcome(task, Status.FAILED, error=error)
            else:
                yield result

    def _jobs(self, wanted: Sequence[Item], *, measured: bool) -> Iterator[Job[Item]]:
        """The jobs as they are begun; what memory they take is measured only where several are under way."""
        storage = self._batch.storage

        def memory(item: Item) -> int:
            guided = GUIDED_BYTES if self.standing.is_guided(item.task) else 0
            return memory_needed(item.task.source, storage) + guided if measured else 0

        if measured and isinstance(self._executors[0], DistantExecutor):
            # other machines fetch for themselves; of what comes next only headers are looked at here
            known = mapped_ahead(memory, wanted)
        else:
            coming = _looking_ahead(wanted, storage, self._executors[0].workers if measured else 0)
            known = ((item, memory(item)) for item in coming)
        for item, needed in known:
            self._make_folder(item.task)
            # before it is read: what comes after is another
            self._origins[item.task] = stamp_if_any(storage, item.task.source)
            yield Job(item, needed)

    def _make_folder(self, task: Task) -> None:
        root, target = self._batch.root, task.target
        if isinstance(target, Remote):
            if target.parent not in self._made:
                self._made.add(target.parent)
                with contextlib.suppress(OSError):  # writing will say what is wrong, and to which file
                    self._batch.storage.make_folder(target.parent)
            return
        if not isinstance(root, Path) or target.parent == root:
            return
        missing = [folder for folder in (target.parent, *target.parent.parents) if root in folder.parents]
        for folder in reversed(missing):
            try:
                folder.mkdir(exist_ok=True)
            except OSError:
                return  # writing will say what is wrong, and to which file

    def _consider(self, error: Exception | None) -> None:
        """Some failures are those of all pictures to come: stop, and say so once."""
        root = self._batch.root
        self._refused = self._refused + 1 if isinstance(error, OutputError) else 0
        if isinstance(root, Remote):
            if self._refused == REFUSALS:
                self.broken_off = (
                    f"nothing can be written to {shown(root)}; change that and run the same command again: it goes on "
                    "with the rest"
                )
        elif isinstance(error, DiskFullError):
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


def _looking_ahead(wanted: Sequence[Item], storage: Storage, workers: int) -> Iterator[Item]:
    """The items in their order; those that come next are read ahead, as many as there are workers."""
    coming: deque[Item] = deque()
    items = iter(wanted)
    while True:
        for item in itertools.islice(items, workers + 1 - len(coming)):
            coming.append(item)
            if workers:
                storage.prefetch(item.task.source)
        if not coming:
            return
        yield coming.popleft()


def load_of(batch: Batch, executor: Executor) -> Callable[[], Work]:
    """What an executor on this machine has its workers load for a batch."""
    settings, shares_cores = batch.settings, executor.threads is not None
    if settings.threads is None and shares_cores:
        settings = replace(settings, threads=executor.threads)
    return partial(
        load_sharing_cores if shares_cores else load_work,
        settings,
        batch.policy,
        batch.pictures or len(batch.tasks),
        batch.storage.for_workers(),
    )


def load_elsewhere(batch: Batch, executor: DistantExecutor, model: Model) -> LoadElsewhere:
    """What an executor on other machines has its workers load, all of them the same.

    Raises
    ------
    UsageError
        The machines have no such device.
    EngineError, MissingExtraError, WeightsError
        The runtime is not to be had, or does not load the network.
    """
    network = decided(NetworkFiles(batch.settings, model, batch.pictures or len(batch.tasks)), executor)
    threads = batch.settings.threads or executor.threads
    network = replace(network, settings=replace(network.settings, threads=threads))
    places = itertools.chain.from_iterable((task.source, task.target) for task in batch.tasks)
    said = (path for _, path in batch.policy.guiding.references)
    return LoadElsewhere(network, batch.policy, batch.storage.for_workers(), Access.to((*places, *said)))


def load_work(
    settings: Settings, policy: OutputPolicy, pictures: int, storage: Storage, model: Model | None = None
) -> Work:
    """Load what is needed to colour, and give the function that does one task (and, if so told, looks first)."""
    from colorizer.colorizer import Colorizer

    colorizer = Colorizer(settings, pictures=pictures, model=model)

    def work(item: Item) -> Outcome:
        kept = check_existing(item.task, policy.max_pixels, storage) if item.look_first else None
        guiding = replace(policy.guiding, file=item.hints, beside=False)
        return kept or color_file(item.task, colorizer, replace(policy, guiding=guiding), storage=storage)

    return work


def load_sharing_cores(
    settings: Settings, policy: OutputPolicy, pictures: int, storage: Storage, model: Model | None = None
) -> Work:
    """As `load_work`, in a process that has only its share of the cores: OpenCV's own threads keep to it too."""
    import cv2

    cv2.setNumThreads(settings.threads or 0)
    return load_work(settings, policy, pictures, storage, model)


@dataclass(frozen=True)
class LoadElsewhere:
    """As `load_sharing_cores`, on any machine that is given the network's files; see `ReadsFiles`."""

    network: NetworkFiles
    policy: OutputPolicy
    storage: Storage
    access: Access

    @property
    def files(self) -> tuple[Path, ...]:
        """What the network is read from."""
        return self.network.files

    def placed(self, places: Mapping[Path, Path]) -> LoadElsewhere:
        """The same, where these lie elsewhere."""
        return replace(self, network=self.network.at(places))

    def __call__(self) -> Work:
        """Load it."""
        self.access.take_over()
        network = self.network
        return load_sharing_cores(network.settings, self.policy, network.pictures, self.storage, network.model)


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
