"""The loop that trains every network: batches in, a checkpoint now and then, figures of validation, an end.

A run that is broken off and called again ends with the very weights of an unbroken one: batches and chance depend on
the seed and the step alone, and a checkpoint holds all else. Only a limit of time makes the end depend on the machine.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from colorizer.errors import Remedy, TrainingError, lacks_memory
from colorizer.jobs.interrupt import interruptible
from colorizer.training import checkpoints
from colorizer.training.data.feed import Feed
from colorizer.training.listening import Listener
from colorizer.training.objectives import Objective
from colorizer.training.recipe import LiteRecipe, Recipe
from colorizer.training.record import Row, write_log
from colorizer.training.validation import Shown, ValidationSet

LEAST_BETWEEN = 25
"""Steps between validations, where epochs are shorter."""

MEASURED_IN_A_BUDGET = 20
"""Validations in a run that ends by time alone, where its epochs are longer ..."""

DEARER = 10
"""... and where training takes so many times as long as they do."""

WARNED_AFTER = 5
"""Validations without a better loss, while that of training falls, after which the network is said to overfit."""

_SEED_STEP = 1_000_003
_SEED_LIMIT = 2**63


@dataclass(frozen=True)
class Budget:
    """How long a run is; what comes first ends it.

    Attributes
    ----------
    steps
        Batches in all; None: no limit.
    minutes
        In all, those of earlier calls included; None: no limit.
    patience
        Validations without a better loss after which it ends; 0: never.
    """

    steps: int | None
    minutes: float | None = None
    patience: int = 10

    def share(self, step: int, seconds: float) -> float:
        """How much of it is spent, 0..1."""
        by_steps = step / self.steps if self.steps else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))


@dataclass
class State:
    """Where a run is."""

    step: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # since the last validation
    best: dict[str, Tensor] = field(default_factory=dict)  # weights of the best validation
    best_row: int = -1  # of `rows`


class Run:
    """One run, begun or resumed.

    Parameters
    ----------
    objective
        What learns, and how.
    recipe
        The same that it has.
    feed
        Batches.
    validation
        What is measured.
    folder
        Where checkpoint and log go.
    plan
        All that decides the outcome, as JSON has it; a checkpoint of another plan is refused.
    budget
        How long.
    save_every
        Minutes between checkpoints.
    listener
        Hears of it.
    measure_first
        Measure what it begins with, so that this is kept where nothing gets better.

    Raises
    ------
    TrainingError
        The folder holds a run of another plan, or a checkpoint that cannot be read.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        recipe: Recipe,
        feed: Feed,
        validation: ValidationSet,
        folder: Path,
        plan: Mapping[str, Any],
        budget: Budget,
        save_every: float,
        listener: Listener,
        measure_first: bool = False,
    ) -> None:
        self._objective, self._recipe, self._feed, self._validation = objective, recipe, feed, validation
        self._folder, self._plan, self._budget, self._listener = folder, plan, budget, listener
        self._save_every = save_every
        self._measure_first = measure_first
        self._stopped = False
        self._warned_of = -1
        self._cost = 0.0  # seconds of the last validation
        self.state = State()
        path = folder / checkpoints.NAME
        if path.exists():
            content = checkpoints.load(path)
            checkpoints.check_same(path, content, plan)
            self._restore(content)

    @property
    def every(self) -> int:
        """Steps between validations: an epoch, or more where that is short."""
        per_epoch = self._feed.per_epoch
        return per_epoch * -(-LEAST_BETWEEN // per_epoch)

    def train(self) -> bool:
        """Train to the end of the budget; False where somebody asked to stop before.

        Raises
        ------
        TrainingError
            The loss is no number any more, or memory does not suffice.
        OutputError
            A checkpoint cannot be written.
        """
        minutes = self._budget.minutes
        left = None if minutes is None else max(0.0, 60 * minutes - self.state.seconds)
        self._listener.begin("training", self._budget.steps, self.state.step, left)
        with interruptible(self._stop):
            try:
                self._steps()
            except (RuntimeError, MemoryError) as error:
                if not _lacks_memory(error):
                    raise
                size, batch = self._recipe.size, self._recipe.batch
                raise TrainingError(
                    f"not enough memory for {batch} pictures of {size} x {size} at a time", remedy=Remedy.SMALLER_BATCH
                ) from error
            finally:
                self._listener.end()
        return not self._stopped

    def _stop(self) -> None:
        self._stopped = True

    def _steps(self) -> None:
        state = self.state
        begun, saved = time.monotonic() - state.seconds, time.monotonic()
        if self._measure_first and not state.step:
            self._validate()
        for batch in self._feed.batches(self._to_come()):
            torch.manual_seed((self._recipe.seed * _SEED_STEP + state.step) % _SEED_LIMIT)
            share = self._budget.share(state.step, state.seconds)
            state.losses.append(self._objective.learn(batch, state.step, share))
            state.step += 1
            state.seconds = time.monotonic() - begun
            self._listener.advance()
            if state.step % self.every == 0 or self._long_ago():
                self._validate()
            if self._over() or self._stopped:
                break
            if time.monotonic() - saved > 60 * self._save_every:
                self.save()
                saved = time.monotonic()
        if not self._stopped and state.losses:
            self._validate()
        self.save()

    def _long_ago(self) -> bool:
        """Whether a run that ends by time alone is to be measured, though its epoch is not over."""
        state, budget = self.state, self._budget
        if budget.minutes is None or budget.steps is not None:
            return False
        last = state.rows[-1].seconds if state.rows else 0.0
        return state.seconds - last > max(60 * budget.minutes / MEASURED_IN_A_BUDGET, DEARER * self._cost)

    def _to_come(self) -> Iterator[tuple[int, int]]:
        step = self.state.step
        while not self._over(step):
            yield step, self._size(step)
            step += 1

    def _size(self, step: int) -> int:
        sizes = self._recipe.sizes if isinstance(self._recipe, LiteRecipe) else ()
        if not sizes:
            return self._recipe.size
        if isinstance(self._recipe, LiteRecipe) and self._recipe.mixed_sizes:
            return sizes[np.random.default_rng((self._recipe.seed, step, 2)).integers(len(sizes))]
        share = self._budget.share(step, self.state.seconds)
        return sizes[min(len(sizes) - 1, int(len(sizes) * share))]

    def _over(self, step: int | None = None) -> bool:
        state, budget = self.state, self._budget
        if budget.steps is not None and (state.step if step is None else step) >= budget.steps:
            return True
        if budget.minutes is not None and state.seconds >= 60 * budget.minutes:
            return True
        return bool(budget.patience) and self._waited >= budget.patience

    @property
    def _waited(self) -> int:
        """Validations since the best one."""
        return len(self.state.rows) - 1 - self.state.best_row if self.state.rows else 0

    def _validate(self) -> None:
        state, begun = self.state, time.monotonic()
        figures = self._validation.figures(self._objective, self._recipe.batch)
        self._cost = time.monotonic() - begun
        loss = sum(state.losses) / len(state.losses) if state.losses else math.nan
        row = Row(
            **figures.as_dict(),
            step=state.step,
            epoch=state.step / self._feed.per_epoch,
            seconds=state.seconds,
            training_loss=loss,
        )
        state.rows.append(row)
        state.losses = []
        if state.best_row < 0 or row.loss < state.rows[state.best_row].loss:
            state.best_row = len(state.rows) - 1
            state.best = {name: value.detach().cpu().clone() for name, value in self._objective.kept().items()}
        self._listener.row(row)
        self._warn()

    def _warn(self) -> None:
        state = self.state
        best = state.rows[state.best_row]
        learns = not state.rows[-1].training_loss >= best.training_loss  # of the begin there is none
        if self._waited >= WARNED_AFTER and learns and self._warned_of != state.best_row:
            self._warned_of = state.best_row
            self._listener.remark(
                f"those that it does not learn from were coloured best at step {best.step} (loss {best.loss:.4g}, now "
                f"{state.rows[-1].loss:.4g}), and the weights of then are kept unless better ones come; where none do, "
                "it learns its photographs by heart, and more of them help, or more changes by chance"
            )

    def keep_best(self) -> None:
        """Give the network the weights of its best validation; it is not trained after that."""
        self._objective.keep(self.state.best)

    def pictures(self, count: int) -> list[Shown]:
        """Validation pictures as the network colours them now."""
        return self._validation.shown(self._objective, count)

    def save(self) -> None:
        """Write checkpoint and log.

        Raises
        ------
        OutputError
            One cannot be written.
        """
        state = self.state
        older = (self._folder / checkpoints.NAME).exists()
        checkpoints.save(
            self._folder,
            {
                "plan": json.dumps(self._plan),
                "step": state.step,
                "seconds": state.seconds,
                "rows": json.dumps([row.as_dict() for row in state.rows]),
                "losses": state.losses,
                "best": state.best,
                "best_row": state.best_row,
                "objective": self._objective.state(),
                "random": torch.get_rng_state(),
            },
            when="the last checkpoint" if older else "its start",
        )
        write_log(self._folder, state.rows)

    def _restore(self, content: Mapping[str, Any]) -> None:
        self._objective.restore(content["objective"])
        torch.set_rng_state(content["random"])
        self.state = State(
            content["step"],
            content["seconds"],
            [Row(**row) for row in json.loads(content["rows"])],
            list(content["losses"]),
            content["best"],
            content["best_row"],
        )
        self._listener.remark(f"going on after {self.state.step} steps and {self.state.seconds / 60:.1f} minutes")


def _lacks_memory(error: BaseException) -> bool:
    told = str(error)
    return lacks_memory(error) or isinstance(error, torch.cuda.OutOfMemoryError) or "allocate memory" in told
