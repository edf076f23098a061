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
from dataclasses import dataclass, replace
from pathlib import Path

from colorizer.errors import (
    ColorizerError,
    InputError,
    Message,
    MissingExtraError,
    OutputError,
    UsageError,
    shown,
)
from colorizer.io.address import Address, on_this_machine
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.machine import usable_memory
from colorizer.io.storage import Storage
from colorizer.jobs.batch import Batch, Run, load_of
from colorizer.jobs.discover import about_films, discover
from colorizer.jobs.executors.local import LocalExecutor
from colorizer.jobs.executors.serial import SerialExecutor
from colorizer.jobs.journal import Difference
from colorizer.jobs.memory import DEFAULT_FRACTION
from colorizer.jobs.plan import Found, Task, plan
from colorizer.jobs.request import Request, make_ready, naming
from colorizer.jobs.run import Outcome, Status
from colorizer.jobs.standing import Standing, way_of
from colorizer.jobs.watching.arrivals import Arrivals, Sight
from colorizer.jobs.watching.options import WatchOptions
from colorizer.jobs.watching.waking import Waker, can_be_told, is_on_network
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
        Where the folder and the results lie.

    Attributes
    ----------
    native
        Whether the system tells of changes, as against looking now and then.
    model, output
        The network, and the output folder.

    Raises
    ------
    UsageError
        There is not one folder as input, or the output folder is missing or the same.
    OutputError
        The output folder cannot be made.
    WeightsError, EngineError
        The model or its runtime is not available.
    """

    def __init__(self, request: Request, options: WatchOptions, storage: Storage = ANYWHERE) -> None:
        self._request, self._options, self._storage = request, options, storage
        self._folder, self.output = _folders(request, storage)
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
        )
        make_ready(self.output)
        self._executor.prepare(load_of(self._batch, self._executor))
        self._standing = Standing(
            self.output,
            way_of(request.settings, request.policy.output, self.model),
            request.policy.guiding,
            update=tuple(Difference) if request.update else _REDONE,
            storage=storage,
        )
        self.native = _is_told(options, self._folder)
        ignored = Path(os.path.realpath(self.output))
        self._waker = Waker(Path(os.path.realpath(self._folder)), ignored, native=self.native)
        # a server's clock is not ours; and of a disk of ours, no file is older than it looks
        self._arrivals = Arrivals(options.settle, same_clock=self.native)
        self._tasks: dict[Address, Task] = {}
        self._owners: dict[str, Address] = {}
        self._run: Run | None = None
        self._stopping = False
        self._identity = storage.identity(self._folder)
        self._said: dict[str, str] = {}  # what was said last, by what it is about

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

    def _look_and_work(self) -> Iterator[Happening]:
        self._waker.clear()
        begin = time.monotonic()
        try:
            tasks = yield from self._look(begin)
        except InputError as error:
            yield from self._say("folder", f"{error}; it is tried again")
            self._pause(min(PATIENCE, self._options.interval))
            return
        self._said.pop("folder", None)
        took = time.monotonic() - begin
        broken_off = yield from self._wave(tasks)
        if tasks and not broken_off:
            yield Rest()
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
            storage=self._storage,
            lenient=True,
        )
        identity = self._storage.identity(self._folder)
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
        seen = {item.source: sight for item in found.pictures if (sight := self._sight(item.source)) is not None}
        for gone in self._tasks.keys() - seen.keys():
            task = self._tasks.pop(gone)
            self._owners.pop(os.path.normcase(str(task.target)), None)
        by_source = {item.source: item for item in found.pictures}
        tasks = []
        for source in self._arrivals.complete(seen, now, wall):
            outcome = self._planned(by_source[source])
            if isinstance(outcome, Outcome):
                yield outcome
            else:
                tasks.append(outcome)
        return tasks

    def _sight(self, source: Address) -> Sight | None:
        """How a picture is now, and what is said of it."""
        stamp = self._storage.stamp(source)
        if stamp is None:
            return None
        hints = self._request.policy.guiding.file_for(source, self._storage)
        said = None if hints is None else (hints, self._storage.stamp(hints))
        return Sight((stamp, said), stamp.modified_ns / 1e9)

    def _planned(self, found: Found) -> Task | Outcome:
        """The task of a picture; its outcome where there can be none."""
        known = self._tasks.get(found.source)
        if known is not None:
            return known
        try:
            names = naming(self._request.policy.output, self._request.infix)
            (task,) = plan([found], self.output, names, folder=True)
            owner = self._owners.setdefault(os.path.normcase(str(task.target)), found.source)
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
        for outcome in run:
            source = outcome.task.source
            if outcome.error is not None and not self._is_as_it_was(source):
                # it was written on, or taken away, meanwhile: that it failed means nothing
                self._arrivals.again([source])
            elif outcome.error is not None and run.broken_off is not None:
                continue  # nor does this one's name
            else:
                yield outcome
            left.discard(source)
        self._run = None
        if run.broken_off is None:
            self._said.pop("broken off", None)
        if run.broken_off is None or self._stopping:
            return False
        self._executor.resume()
        self._arrivals.again(left)
        cause = run.broken_off.partition(";")[0]
        yield from self._say("broken off", f"{cause}; what is left is tried again every {PATIENCE:g} seconds")
        return True

    def _is_as_it_was(self, source: Address) -> bool:
        sight = self._sight(source)
        return sight is not None and self._arrivals.is_as_handed_out(source, sight.state)


def _folders(request: Request, storage: Storage) -> tuple[Path, Path]:
    """The folder to watch, and the output folder."""
    folder = on_this_machine(request.inputs[0])
    output = None if request.output is None else on_this_machine(request.output)
    if not folder.is_dir():
        problem = "is no folder" if folder.exists() else "no such folder"
        raise UsageError(f"{shown(folder)}: {problem}; name the folder to watch")
    if output is None:
        raise UsageError("results need a folder of their own; name it with the output", option="output")
    if output.exists() and not output.is_dir():
        raise OutputError(f"{shown(output)}: is no folder; name another one")
    if storage.identity(folder) == storage.identity(output):
        raise UsageError(f"{shown(output)}: is the folder that is watched; name another one", option="output")
    return folder, output


def _is_told(options: WatchOptions, folder: Path) -> bool:
    """Whether the system is asked to tell of changes."""
    if options.polling == "off":
        if not can_be_told():
            raise MissingExtraError("being told of changes", "watchfiles", "watch")
        return True
    return options.polling == "auto" and can_be_told() and not is_on_network(folder)
