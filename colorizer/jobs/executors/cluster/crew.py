"""The workers of a Ray cluster, and the machines that they are on: those that come, are lost, or are left out.

A machine is looked at once, when it is there or when it comes: what is installed on it, whether it sees the files, and
what of the network's files it lacks, which it is given through Ray's object store. Its workers are actors that load
once. Ray's own queues hold nothing but what is under way, so that jobs are begun in order, and none is lost with a
machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError, EngineError, OptionRef, shown
from colorizer.jobs.executors.base import Job, Load
from colorizer.jobs.executors.cluster.connection import Machine, machines, on
from colorizer.jobs.executors.cluster.machines import Facts, NeededFile, Raised, Shared, Worker, files_of, look, place
from colorizer.jobs.executors.cluster.scheduling import Done, Lost
from colorizer.jobs.executors.cluster.versions import PACKAGES, difference, installed, refusal

TICK_SECONDS = 1.0
"""The longest wait for something to happen, between two looks at which machines there are."""

SOON_SECONDS = 0.05
"""The same where somebody waits for work, or there is nobody."""

PATIENCE_SECONDS = 120.0
"""How long a cluster may be without anybody who works, or will: machines come and go."""

WAIT_SECONDS = 30.0
"""For the first worker, until it is said that it is waited for."""

DEFAULT_FRACTION = 0.5
"""Of a machine's memory that pictures under way may take; the rest is for networks and for others."""

MOST_FAILED_STARTS = 3
"""Workers of a machine that die before they have done anything, until no more are started there."""


@dataclass(frozen=True)
class Limits:
    """How much of a cluster is used.

    Attributes
    ----------
    workers
        The most that work at a time; None: as many as there are cores.
    memory
        Bytes that the jobs under way on one machine may take; None: half of what it has.
    worker_memory
        Bytes that a worker takes by itself.
    """

    workers: int | None = None
    memory: int | None = None
    worker_memory: int = 0


@dataclass(eq=False)
class _Node:
    """A machine that works."""

    machine: Machine
    count: int  # workers
    budget: int  # bytes
    load: Load[Any, Any]
    memory: int = 0  # of the jobs under way
    failed_starts: int = 0
    gone: bool = False


@dataclass(eq=False)
class _Hand:
    """A worker."""

    node: _Node
    actor: Any
    ready: bool = False
    job: Job[Any] | None = field(default=None)


class RayCrew:
    """The workers of a cluster; see `scheduling.Crew`.

    Parameters
    ----------
    ray
        Connected.
    load
        What each worker loads.
    limits
        How much of the cluster is used.
    what
        What all machines have to see.
    say
        Told what a user should know.
    on_gpus
        Whether there is a worker for each GPU in place of one for each core.
    """

    def __init__(
        self,
        ray: Any,
        load: Load[Any, Any],
        limits: Limits,
        what: Shared,
        say: Callable[[str], None],
        *,
        on_gpus: bool,
    ) -> None:
        self._ray, self._load, self._limits, self._say, self._on_gpus = ray, load, limits, say, on_gpus
        self._shared = what
        self._needed = files_of(load)
        self._stored: dict[NeededFile, Any] = {}  # in Ray's object store
        self._versions = installed(PACKAGES)
        self._nodes: dict[str, _Node | None] = {}  # by identity; None: does no work, or is being looked at
        self._hands: list[_Hand] = []
        self._awaited: dict[Any, Callable[[Any], Done | Lost | None]] = {}  # by the result's reference
        self._refusal: ColorizerError | None = None
        self._looked = -math.inf
        self._hopeless_since: float | None = None
        self._impatient_from: float | None = time.monotonic() + WAIT_SECONDS  # None: somebody has worked
        self._look_for_machines()

    @property
    def size(self) -> int:
        """How many workers there are."""
        return len(self._hands)

    @property
    def free(self) -> int:
        """See `Crew`."""
        return sum(hand.ready and hand.job is None for hand in self._hands)

    def choose(self, job: Job[Any]) -> Hashable | None:
        """The worker that waits on the machine with the most room; see `Crew`."""
        able = [hand for hand in self._hands if hand.ready and hand.job is None and _has_room(hand.node, job)]
        return max(able, key=lambda hand: hand.node.budget - hand.node.memory, default=None)

    def begin(self, worker: Any, job: Job[Any]) -> None:
        """See `Crew`."""
        worker.job = job
        worker.node.memory += job.memory
        self._awaited[worker.actor.work.remote(job.item)] = partial(self._worked, worker)

    def wait(self, *, soon: bool) -> Sequence[Done | Lost]:
        """See `Crew`."""
        if time.monotonic() - self._looked >= TICK_SECONDS:
            self._look_for_machines()
        if not self._awaited:
            self._check_hope()
            time.sleep(SOON_SECONDS)
            return []
        self._hopeless_since = None
        self._check_patience()
        references = list(self._awaited)
        self._ray.wait(references, num_returns=1, timeout=SOON_SECONDS if soon else TICK_SECONDS)
        ready, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        events = [self._awaited.pop(reference)(self._value(reference)) for reference in ready]
        return [event for event in events if event is not None]

    def end(self) -> None:
        """See `Crew`."""
        self._awaited.clear()
        for hand in self._hands:
            self._ray.kill(hand.actor)
        self._hands.clear()
        self._stored.clear()

    def _value(self, reference: Any) -> Any:
        """A result; the exception where Ray has lost it."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return error

    def _look_for_machines(self) -> None:
        self._looked = time.monotonic()
        there = {machine.identity: machine for machine in machines(self._ray)}
        for identity, node in list(self._nodes.items()):
            if identity not in there:
                if node is not None:
                    self._lose(node)
                del self._nodes[identity]
        for identity, machine in there.items():
            if identity not in self._nodes and (machine.gpus if self._on_gpus else machine.cores):
                self._nodes[identity] = None
                self._ask(machine, installed, PACKAGES, then=self._versions_known)

    def _ask(self, machine: Machine, function: Callable[..., Any], *values: Any, then: Callable[..., None]) -> None:
        """Have a function run on a machine, and its answer handled."""
        task = self._ray.remote(num_cpus=0, max_retries=1)(function).options(scheduling_strategy=on(machine))
        self._awaited[task.remote(*values)] = partial(self._answered, machine, then)

    def _answered(self, machine: Machine, then: Callable[[Machine, Any], None], answer: Any) -> None:
        if isinstance(answer, self._ray.exceptions.RayTaskError):
            self._refuse(machine, " ".join(str(answer.cause).split()))
        elif isinstance(answer, self._ray.exceptions.RayError):
            self._nodes.pop(machine.identity, None)  # it is gone; if it is not, it is looked at again
        else:
            then(machine, answer)

    def _versions_known(self, machine: Machine, versions: dict[str, str]) -> None:
        why = refusal(self._versions, versions)
        if why is not None:
            self._refuse(machine, why, "have the same versions on all machines")
            return
        differing = difference(self._versions, versions)
        if differing:
            self._say(f"{machine.name} has {differing}; results may differ in their last digits or bytes")
        self._ask(machine, look, self._shared, self._needed, then=self._looked_at)

    def _looked_at(self, machine: Machine, facts: Facts) -> None:
        if facts.unseen is not None:
            why = f"it does not see {shown(facts.unseen)} as this machine does"
            self._refuse(machine, why, "mount the drive there under the same name")
        elif facts.missing:
            for file in facts.missing:
                if file not in self._stored:
                    self._stored[file] = self._ray.put(file.path.read_bytes())
            contents = {file: self._stored[file] for file in facts.missing}
            self._ask(machine, fetch_and_place, contents, then=partial(self._placed, facts))
        else:
            self._admit(machine, facts, self._load)

    def _placed(self, facts: Facts, machine: Machine, places: dict[Path, Path] | ColorizerError) -> None:
        if isinstance(places, ColorizerError):
            self._refuse(machine, str(places))
        else:
            load: Any = self._load  # which reads files, or none would be missing
            self._admit(machine, facts, load.placed(places))

    def _admit(self, machine: Machine, facts: Facts, load: Load[Any, Any]) -> None:
        most = machine.gpus if self._on_gpus else machine.cores
        affordable = facts.memory * (1 - DEFAULT_FRACTION) // max(1, self._limits.worker_memory)
        count = max(1, int(min(most, affordable)))
        if self._limits.workers is not None:
            share = math.ceil(self._limits.workers / len(self._nodes))
            count = min(count, share, self._limits.workers - len(self._hands))
        node = _Node(machine, count, self._limits.memory or int(facts.memory * DEFAULT_FRACTION), load)
        self._nodes[machine.identity] = node
        for _ in range(count):
            self._start(node)

    def _start(self, node: _Node) -> None:
        wanted = {"num_gpus": 1, "num_cpus": 0} if self._on_gpus else {"num_cpus": 1}
        actor = (
            self._ray.remote(**wanted, max_restarts=0)(Worker).options(scheduling_strategy=on(node.machine)).remote()
        )
        hand = _Hand(node, actor)
        self._hands.append(hand)
        self._awaited[actor.load.remote(node.load, Path.cwd())] = partial(self._loaded, hand)

    def _loaded(self, hand: _Hand, answer: Any) -> None:
        if isinstance(answer, self._ray.exceptions.RayTaskError):
            answer = Raised(EngineError(" ".join(str(answer.cause).split())))  # it did not come as far as loading
        if isinstance(answer, self._ray.exceptions.RayError):
            hand.node.failed_starts += 1
            self._replace(hand)
        elif isinstance(answer, Raised):
            if not isinstance(answer.error, ColorizerError):
                raise answer.error
            if not hand.node.gone:
                self._lose(hand.node)
                self._refuse(hand.node.machine, str(answer.error), error=answer.error)
        else:
            hand.ready = True

    def _worked(self, hand: _Hand, answer: Any) -> Done | Lost:
        assert hand.job is not None  # noqa: S101 - it was begun
        hand.node.memory -= hand.job.memory
        hand.job = None
        if isinstance(answer, self._ray.exceptions.RayTaskError):
            raise answer.cause
        if isinstance(answer, self._ray.exceptions.RayError):
            self._replace(hand)
            return Lost(hand, alone=self._is_there(hand.node))
        if isinstance(answer, Raised):
            raise answer.error
        hand.node.failed_starts = 0
        return Done(hand, answer)

    def _is_there(self, node: _Node) -> bool:
        return any(machine.identity == node.machine.identity for machine in machines(self._ray))

    def _replace(self, hand: _Hand) -> None:
        """In place of a worker that is gone have a new one, if its machine is still there."""
        if hand in self._hands:
            self._hands.remove(hand)
            self._ray.kill(hand.actor)
        if hand.node.gone or not self._is_there(hand.node):
            return
        if hand.node.failed_starts < MOST_FAILED_STARTS:
            self._start(hand.node)
        elif not any(other.node is hand.node for other in self._hands):
            self._refuse(hand.node.machine, "its workers end as soon as they have begun")

    def _lose(self, node: _Node) -> None:
        """Forget the workers of a machine that are not at work; of the others Ray tells."""
        node.gone = True
        for hand in [each for each in self._hands if each.node is node and each.job is None]:
            self._hands.remove(hand)
            self._ray.kill(hand.actor)

    def _refuse(self, machine: Machine, why: str, remedy: str = "", error: ColorizerError | None = None) -> None:
        """Leave a machine out, and say so."""
        self._nodes[machine.identity] = None
        text = f"{machine.name}, of the cluster, does no work: {why}"
        self._say(f"{text}; {remedy}" if remedy else text)
        self._refusal = error or EngineError(text, remedy=remedy or None)

    def _check_patience(self) -> None:
        """Say once that nobody has begun yet, though there are machines: others may have their cores."""
        if self._impatient_from is None or any(hand.ready for hand in self._hands):
            self._impatient_from = None
        elif self._hands and time.monotonic() > self._impatient_from:
            self._impatient_from = None
            self._say("waiting for the cluster to have cores free" if not self._on_gpus else "waiting for a free GPU")

    def _check_hope(self) -> None:
        """Whether anybody works, or may come to."""
        now = time.monotonic()
        self._hopeless_since = self._hopeless_since or now
        if self._hands:
            self._hopeless_since = None
        elif self._nodes and self._refusal is not None:
            raise self._refusal
        elif now - self._hopeless_since > PATIENCE_SECONDS:
            raise EngineError(
                f"no machine of the cluster works, for {PATIENCE_SECONDS:.0f} seconds now",
                option=OptionRef("cluster"),
                remedy="start some; the same command goes on with the rest",
            )


def _has_room(node: _Node, job: Job[Any]) -> bool:
    """Whether a job fits beside those under way on a machine; one that would not fit at all runs alone."""
    return not node.memory or node.memory + job.memory <= node.budget


def fetch_and_place(contents: dict[NeededFile, Any]) -> dict[Path, Path] | ColorizerError:
    """Write files whose bytes lie in Ray's object store into the cache of the machine where this runs; see `place`."""
    import ray

    return place({file: ray.get(reference) for file, reference in contents.items()})
