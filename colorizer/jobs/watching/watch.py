"""A folder that is watched: what is complete is coloured, in waves, until somebody says stop.

Whenever there is reason to, the whole folder is looked at, by the very code that finds pictures for a job of folders;
what is complete and not done makes a wave, which is a batch. So restarts, folders moved in, links in circles and lost
events need no code of their own. The network is loaded once, and stays.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from colorizer.errors import (
    ColorizerError,
    DiskFullError,
    InputError,
    Message,
    OutputError,
    UsageError,
    shown,
)
from colorizer.io.address import Address, Remote
from colorizer.io.anywhere import ANYWHERE, of_job
from colorizer.io.machine import usable_memory
from colorizer.io.remote.trouble import CREDENTIALS, LATER, NETWORK
from colorizer.io.remote.writing import SEGMENT_SECONDS
from colorizer.io.storage import Storage, StorageError
from colorizer.jobs.batch import Batch, Run, load_of
from colorizer.jobs.discover import about_films, discover
from colorizer.jobs.executors.local import LocalExecutor
from colorizer.jobs.executors.serial import SerialExecutor
from colorizer.jobs.journal import Difference
from colorizer.jobs.memory import DEFAULT_FRACTION
from colorizer.jobs.plan import Found, Task, plan, target_key
from colorizer.jobs.request import Request, make_ready, naming
from colorizer.jobs.run import Outcome, Status
from colorizer.jobs.standing import Standing, way_of
from colorizer.jobs.watching.arrivals import Arrivals, Sight
from colorizer.jobs.watching.folders import folders_of, is_told
from colorizer.jobs.watching.options import WatchOptions
from colorizer.jobs.watching.waking import Waker
from colorizer.media import READABLE_SUFFIXES
from colorizer.networks import Model, resolve_model

RECKONED = 1000
"""Pictures to come, where an engine is chosen: nobody knows how many, but starting is soon paid off."""

SAFETY = 300.0
"""Seconds after which a folder is looked at although the system has told of no change."""

IDLE_SHARE = 5
"""After a look, so many times as long as it took nothing is looked at: large trees and slow drives get their rest."""

SHORTEST = 0.1
"""Seconds between two looks, at least."""

PATIENCE = 30.0
"""Seconds after which what all pictures failed by (a full disk, a drive that is gone) is tried again."""

_REDONE = (Difference.SOURCE, Difference.HINTS)
"""What a picture that arrives again changes; other options do nothing again unless asked to."""


@dataclass(frozen=True)
class Remark:
    """Something to be said of the watching itself."""

    said: Message | str


@dataclass(frozen=True)
class Rest:
    """All that was complete is done."""


Happening = Outcome | Remark | Rest
"""What there is to be told while a folder is watched."""


class Watch:
    """Colours what arrives in a folder.

    Parameters
    ----------
    request
        The folder, as the one input, and the output folder; how pictures are coloured and written. `jobs` is 1 where
        it is None: a service shares its machine.
    options
        When a file counts as complete, and how changes are noticed.
    storage
        Where the folder and the results lie; None: one that remembers what it has listed.

    Attributes
    ----------
    native
        Whether the system tells of changes, as against looking now and then.
    model, output, storage
        The network, the output folder, and where it lies.

    Raises
    ------
    UsageError
        There is not one folder as input, or the output folder is missing or the same.
    InputError
        The folder cannot be listed.
    OutputError
        The output folder cannot be made.
    WeightsError, EngineError
        The model or its runtime is not available.
    """

    def __init__(self, request: Request, options: WatchOptions, storage: Storage | None = None) -> None:
        self._request, self._options = request, options
        self.storage = storage = storage or of_job((), ahead=False)
        self._folder, self.output = folders_of(request, storage)
        self.native = is_told(options, self._folder)
        self.model: Model = resolve_model(
            request.settings.model, prototxt=request.settings.prototxt, weights_dir=request.settings.weights_dir
        )
        jobs = request.jobs or 1
        budget = request.memory or int(usable_memory() * DEFAULT_FRACTION)
        self._executor = SerialExecutor(keeps=True) if jobs == 1 else LocalExecutor(jobs, budget, keeps=True)
        self._batch = Batch(
            (),
            request.settings,
            request.policy,
            self.output,
            executor=self._executor,
            few=self._executor,
            storage=storage,
            pictures=RECKONED,
            closes=False,
        )
        make_ready(self.output, storage)
        self._executor.prepare(load_of(self._batch, self._executor))
        self._standing = Standing(
            self.output,
            way_of(request.settings, request.policy.output, self.model),
            request.policy.guiding,
            update=tuple(Difference) if request.update else _REDONE,
            storage=storage,
        )
        self._waker = Waker(_real(self._folder), _real(self.output), native=self.native)
        # a server's clock is not ours; and of a disk of ours, no file is older than it looks
        self._arrivals = Arrivals(options.settle, same_clock=self.native)
        self._tasks: dict[Address, Task] = {}
        self._owners: dict[str, Address] = {}
        self._run: Run | None = None
        self._stopping = False
        self._identity = storage.identity(self._folder)
        self._said: dict[str, str] = {}  # what was said last, by what it is about
        self._closed = time.monotonic()  # when the storage was, the last time

    @property
    def outdated(self) -> Counter[Difference]:
        """How many outputs were kept although they would come out otherwise, by the reason."""
        return self._standing.outdated

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished. May be called by a signal's handler."""
        self._stopping = True
        if self._run is not None:
            self._run.stop()

    def __iter__(self) -> Iterator[Happening]:
        """Watch until it is stopped; give each outcome as soon as it is known, and what is to be said beside.

        Raises
        ------
        EngineError, WeightsError
            What fails for all pictures.
        """
        self._waker.start()
        try:
            while not self._stopping:
                yield from self._look_and_work()
        finally:
            self._waker.end()
            self._executor.end()
            self.storage.close()

    def _look_and_work(self) -> Iterator[Happening]:
        self._waker.clear()
        begin = time.monotonic()
        try:
            tasks = yield from self._look(begin)
        except InputError as error:
            what = error.message.text if _may_pass(error) else error
            yield from self._say("folder", f"{what}; it is tried again")
            self._pause(min(PATIENCE, self._options.interval))
            return
        self._said.pop("folder", None)
        took = time.monotonic() - begin
        broken_off = yield from self._wave(tasks)
        if tasks and not broken_off:
            yield Rest()
        if time.monotonic() - self._closed >= SEGMENT_SECONDS:
            self.storage.close()  # which sends what a journal in a store has been waiting with
            self._closed = time.monotonic()
        if self.native and self._waker.trouble:
            self.native = False
            cause = self._waker.trouble
            yield Remark(f"the system tells of no more changes ({cause}); the folder is looked at now and then instead")
        if broken_off:
            self._pause(PATIENCE)
            return
        rest, due = max(SHORTEST, IDLE_SHARE * took), self._arrivals.due(time.monotonic())
        usual = SAFETY if self.native else self._options.interval
        until = usual if due is None else min(usual, due)
        self._pause(rest if self.native else max(rest, until))
        if self.native:
            self._waker.wait(until - rest, self._is_stopping)

    def _is_stopping(self) -> bool:
        return self._stopping

    def _pause(self, seconds: float) -> None:
        """Wait, whatever changes."""
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(0.2, left))

    def _say(self, about: str, said: Message | str) -> Iterator[Remark]:
        """Say something, unless it is what was said last about this."""
        if self._said.get(about) != str(said):
            self._said[about] = str(said)
            yield Remark(said)

    def _look(self, now: float) -> Generator[Happening, None, list[Task]]:
        """Look at the folder; the tasks that are complete and not done are what it returns."""
        wall = time.time()
        found = discover(
            [self._folder],
            tuple(READABLE_SUFFIXES),
            name_filter=self._request.name_filter,
            output=self.output,
            storage=self.storage,
            lenient=True,
        )
        identity = self.storage.identity(self._folder)
        if identity is None:
            raise InputError(f"{shown(self._folder)}: the folder is gone; bring it back")
        if identity != self._identity:
            self._identity = identity
            self._waker.start()  # what listens, listens to the former one
        if found.unreadable:
            first, *others = map(shown, found.unreadable)
            more = f" and {len(others)} more" if others else ""
            yield from self._say("unreadable", f"{first}{more}: may not be read, and is passed over")
        if found.films:
            yield from self._say("films", about_films(found.films))
        seen = {
            item.source: sight
            for item in found.pictures
            if (sight := self._sight(item.source, self.storage)) is not None
        }
        for gone in self._tasks.keys() - seen.keys():
            task = self._tasks.pop(gone)
            self._owners.pop(target_key(task.target), None)
        by_source = {item.source: item for item in found.pictures}
        tasks = []
        for source in self._arrivals.complete(seen, now, wall):
            outcome = self._planned(by_source[source])
            if isinstance(outcome, Outcome):
                yield outcome
            else:
                tasks.append(outcome)
        return tasks

    def _sight(self, source: Address, storage: Storage) -> Sight | None:
        """How a picture is, as the storage has it, and what is said of it."""
        stamp = storage.stamp(source)
        if stamp is None:
            return None
        hints = self._request.policy.guiding.file_for(source, storage)
        said = None if hints is None else (hints, storage.stamp(hints))
        return Sight((stamp, said), stamp.modified_ns / 1e9)

    def _planned(self, found: Found) -> Task | Outcome:
        """The task of a picture; its outcome where there can be none."""
        known = self._tasks.get(found.source)
        if known is not None:
            return known
        try:
            names = naming(self._request.policy.output, self._request.infix, self.storage)
            (task,) = plan([found], self.output, names, folder=True, storage=self.storage)
            owner = self._owners.setdefault(target_key(task.target), found.source)
            if owner != found.source:
                raise UsageError(
                    f"{shown(found.source)}: {shown(task.target)} is the result of {shown(owner)} already; "
                    "give one of them another name"
                )
        except ColorizerError as error:
            return Outcome(Task(found.source, self.output / found.relative), Status.FAILED, error=error)
        self._tasks[found.source] = task
        return task

    def _wave(self, tasks: Sequence[Task]) -> Generator[Happening, None, bool]:
        """Do what is complete; whether it was broken off, and is to be tried again, is what it returns."""
        if not tasks or self._stopping:
            return False
        run = self._run = Run(replace(self._batch, tasks=tasks), self.model, self._standing)
        if self._is_stopping():  # a signal that came between
            return False
        left = {task.source for task in tasks}
        later: list[Address] = []
        for outcome in run:
            source = outcome.task.source
            if outcome.error is not None and not self._is_as_it_was(source):
                # it was written on, or taken away, meanwhile: that it failed means nothing
                self._arrivals.again([source])
            elif outcome.error is not None and run.broken_off is not None:
                continue  # nor does this one's name
            elif outcome.error is not None and _may_pass(outcome.error):
                later.append(source)
                if "server" not in self._said:
                    cause = str(outcome.error).partition(";")[0]
                    yield from self._say("server", f"{cause}; such are tried again every {PATIENCE:g} seconds")
            else:
                if outcome.error is None:
                    self._said.pop("server", None)
                yield outcome
            left.discard(source)
        self._run = None
        self._arrivals.again(later)
        if run.broken_off is None:
            self._said.pop("broken off", None)
        if run.broken_off is None or self._stopping:
            return bool(later)
        self._executor.resume()
        self._arrivals.again(left)
        cause = run.broken_off.partition(";")[0]
        yield from self._say("broken off", f"{cause}; what is left is tried again every {PATIENCE:g} seconds")
        return True

    def _is_as_it_was(self, source: Address) -> bool:
        # of what lies elsewhere a listing tells how it was, and this is about now
        storage = ANYWHERE if isinstance(source, Remote) else self.storage
        with suppress(StorageError):
            sight = self._sight(source, storage)
            return sight is not None and self._arrivals.is_as_handed_out(source, sight.state)
        return True  # what the picture failed by is said


def _may_pass(error: ColorizerError) -> bool:
    """Whether it is of a server, which may do later what it does not do now."""
    later = (LATER, NETWORK, CREDENTIALS) if isinstance(error, OutputError) else (LATER, NETWORK)
    return error.message.remedy in later or isinstance(error, DiskFullError)


def _real(folder: Address) -> Path | None:
    """A folder on this machine without links; None for one elsewhere."""
    return Path(os.path.realpath(folder)) if isinstance(folder, Path) else None
