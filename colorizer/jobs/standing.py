"""Where a job stands before its work: what is finished, what was made otherwise, and what is to be done."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, replace

from colorizer import __version__
from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import LOCAL, Stamp, Storage
from colorizer.jobs.guiding import Guiding
from colorizer.jobs.journal import Difference, Journal, Way, with_hints
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, Status
from colorizer.media import Output
from colorizer.networks import Model
from colorizer.settings import Settings


class Standing:
    """What is known of a job's outputs.

    Parameters
    ----------
    root
        The output folder, whose journal counts; None where there is none.
    way
        How pictures are made now, but for what is said of each.
    guiding
        What is said of them.
    overwrite
        Whether all outputs are done again.
    update
        Those that differ in one of these are done again.
    storage
        Where inputs and outputs lie.

    Attributes
    ----------
    outdated
        How many outputs were found to be kept although they would come out otherwise, by the reason.
    """

    def __init__(
        self,
        root: Address | None,
        way: Way,
        guiding: Guiding,
        *,
        overwrite: bool = False,
        update: Collection[Difference] = (),
        storage: Storage = ANYWHERE,
    ) -> None:
        self._journal = None if root is None else Journal(root, storage)
        self._way, self._guiding, self._storage = way, guiding, storage
        self._overwrite, self._update = overwrite, update
        self._hints: dict[Task, str] = {}
        self.outdated: Counter[Difference] = Counter()

    def is_guided(self, task: Task) -> bool:
        """Whether anything is said of a picture that was asked about and is not finished."""
        return task in self._hints

    def verdict(self, task: Task) -> Outcome | bool:
        """What is known of a task beforehand: its outcome, or whether its output has to be looked at first."""
        journal, stamp = self._journal, self._storage.stamp
        made = stamp(task.target)
        hints = self._guiding.key(task.source, self._storage)
        if hints:
            self._hints[task] = hints
        else:
            self._hints.pop(task, None)
        if self._overwrite or made is None:
            return False
        entry = journal.entry(task.target) if journal else None
        if journal is None or entry is None:
            return not (self._update and self._is_older(task, made))
        difference = journal.difference(task.source, entry, with_hints(self._way, hints))
        if difference in self._update or (self._update and entry.way is None and self._is_older(task, made)):
            return False
        if entry.made != made:
            return True
        if difference is not None:
            self.outdated[difference] += 1
        return journal.kept(task, entry, difference)

    def add(self, outcome: Outcome, source: Stamp | None) -> None:
        """Remember what became of a task; what failed is tried again next time.

        Parameters
        ----------
        outcome
            What became of it.
        source
            The input's stamp, from before it was read.
        """
        hints = self._hints.pop(outcome.task, "")
        if self._journal and outcome.status is not Status.FAILED:
            if outcome.status is not Status.KEPT:
                self._journal.add(outcome, with_hints(self._way, hints), source)
            elif not self._journal.renew(outcome):
                self._journal.add(outcome, None, source)  # it is known to be whole, and no more

    def _is_older(self, task: Task, made: Stamp) -> bool:
        """Whether an output is older than what it is made from."""
        hints = self._guiding.file_for(task.source, self._storage)
        origins = [self._storage.stamp(path) for path in (task.source, hints) if path is not None]
        return any(origin is not None and origin.modified_ns > made.modified_ns for origin in origins)


def way_of(settings: Settings, output: Output, model: Model) -> Way:
    """What all pictures of a job are made with.

    Parameters
    ----------
    settings, output
        How they are coloured and written.
    model
        The model that the settings stand for, whose files count, and whose descriptor.
    """
    # how many threads compute, and where the weights lie, changes no pixel; nor does how the network was named
    same = replace(settings, threads=None, weights_dir=None, model=Settings.model, prototxt=None)
    # what the model's own sizes are may change; and however they were asked for, equal sizes make equal pictures
    same = replace(same, size=model.sizes_for(settings), fast=False) if not settings.compat else same
    descriptor = None if model.descriptor is None else dict(model.descriptor.source)
    files = [str(LOCAL.stamp(path)) for path in model.files.values()]
    return Way(
        network=_digest([model.name, files, descriptor]),
        options=_digest({"settings": asdict(same), "output": asdict(output)}),
        program=__version__,
    )


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
