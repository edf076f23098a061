"""The executor on a Ray cluster: a worker for each core, or each GPU, of every machine that can work.

What goes where and when is decided in `scheduling`; who works, in `crew`.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError, EngineError
from colorizer.jobs.executors.base import Answer, Item, Job, Load, ReadsFiles, Result, WorkerDied
from colorizer.jobs.executors.cluster.connection import connected, machines
from colorizer.jobs.executors.cluster.crew import TICK_SECONDS, WAIT_SECONDS, Limits, RayCrew, fetch_and_place
from colorizer.jobs.executors.cluster.machines import NeededFile, Raised, files_of, shared
from colorizer.jobs.executors.cluster.scheduling import schedule

GPU_THREADS = 4
"""Of the CPU, for a worker that has a GPU: to decode, recombine and encode."""


_MANY = 1 << 10
"""Workers that a cluster is taken to have until it is known."""


@dataclass(frozen=True)
class Sight:
    """What all machines have to see: files that are read, folders that are written to."""

    files: Sequence[Path] = ()
    folders: Sequence[Path] = ()


class RayExecutor:
    """An `Executor` on the machines of a Ray cluster.

    Parameters
    ----------
    address
        `auto`, or host and port of the cluster's head.
    limits
        How much of it is used.
    sight
        What all machines have to see.
    say
        Told what a user should know: machines that do no work, and why.
    """

    def __init__(
        self,
        address: str,
        limits: Limits | None = None,
        sight: Sight = Sight(),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._address, self._limits, self._sight, self._say = address, limits or Limits(), sight, say
        self._on_gpus = False
        self._stopping = False
        self._stack = contextlib.ExitStack()
        self._ray: Any = None
        self._crew: RayCrew | None = None

    def close(self) -> None:
        """Leave the cluster; see `DistantExecutor`."""
        self._ray = None
        self._stack.close()

    @property
    def workers(self) -> int:
        """How many there are; before the work has begun, how many there may be."""
        return self._limits.workers or _MANY if self._crew is None else self._crew.size

    @property
    def threads(self) -> int | None:
        """A worker has one core; see `Executor`."""
        return GPU_THREADS if self._on_gpus else 1

    def on_a_gpu(self, question: Callable[[], Answer]) -> Answer | None:
        """Have a question answered by a machine of the cluster, with a GPU to itself; it gets files that it reads.

        None where no machine has one, or none any more.

        Raises
        ------
        UsageError, MissingExtraError
            There is no such cluster, or no Ray.
        Exception
            What it raises there.
        EngineError
            No machine answers.
        KeyboardInterrupt
            While it was waited for, `stop` was called.
        """
        ray = self._connected()
        if not _has_gpus(ray):
            return None
        contents = {file: ray.put(file.path.read_bytes()) for file in files_of(question)}
        answer = ray.remote(num_cpus=0, num_gpus=1, max_retries=1)(_answered).remote(question, contents)
        impatient_from = time.monotonic() + WAIT_SECONDS
        while not ray.wait([answer], timeout=TICK_SECONDS)[0]:
            if self._stopping:
                raise KeyboardInterrupt
            if not _has_gpus(ray):
                return None
            if time.monotonic() > impatient_from:
                self._say("waiting for a GPU of the cluster to be free")
                impatient_from = math.inf
        try:
            found: Answer | Raised = ray.get(answer)
        except ray.exceptions.RayError as error:
            text = " ".join(str(getattr(error, "cause", error)).split())
            raise EngineError(f"the machine with a GPU did not answer: {text}") from error
        if isinstance(found, Raised):
            raise found.error
        return found

    def use_gpus(self) -> None:
        """Have a worker for each GPU in place of one for each core."""
        self._on_gpus = True

    def stop(self) -> None:
        """Begin nothing more; see `Executor`."""
        self._stopping = True

    def run(
        self, load: Load[Item, Result], jobs: Iterable[Job[Item] | None]
    ) -> Iterator[tuple[Item, Result | WorkerDied]]:
        """Do the jobs; see `Executor`.

        A job whose worker is lost is done again by another one.

        Raises
        ------
        UsageError, MissingExtraError
            There is no such cluster, or no Ray.
        EngineError
            No machine of it can work.
        """
        with contextlib.closing(self), shared(self._sight.files, self._sight.folders) as what:
            self._crew = RayCrew(self._connected(), load, self._limits, what, self._say, on_gpus=self._on_gpus)
            yield from schedule(self._crew, jobs, lambda: self._stopping)

    def _connected(self) -> Any:
        if self._ray is None:
            self._ray = self._stack.enter_context(connected(self._address))
        return self._ray


def _has_gpus(ray: Any) -> bool:
    return any(machine.gpus for machine in machines(ray))


def _answered(question: Any, contents: dict[NeededFile, Any]) -> Any:
    try:
        if isinstance(question, ReadsFiles):
            places = fetch_and_place({file: data for file, data in contents.items() if not file.is_there()})
            if isinstance(places, ColorizerError):
                return Raised(places)
            return question.placed(places)()
        return question()
    except Exception as error:
        return Raised(error)


__all__ = ["Limits", "RayExecutor", "Sight"]
