"""What is asked of a training run, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from colorizer.training.record import Row


@dataclass(frozen=True)
class Request:
    """What to train, on what, for how long.

    Attributes
    ----------
    network
        Its name in the catalogue.
    photographs
        Folders, tars, lists, pictures.
    out
        Folder for all that comes of it.
    validate
        Photographs to validate on; none: a share of the others.
    validation_share
        That share, 0..1.
    validation_pictures
        So many are measured at most.
    start
        Begin from what was trained before: the folder of a run; for `lite` also a model's name, file or folder.
    encoder_weights
        Of an encoder that is to stay frozen: a file, or "timm".
    changes
        Fields of the recipe that are to have other values, or texts that say them.
    epochs, steps, minutes
        How long; the recipe's epochs where nothing is said.
    patience
        Validations without a better loss after which it ends; 0: never.
    device
        "cpu", "cuda", "mps", or "auto".
    threads
        Of the network on a CPU; None: all cores.
    save_every
        Minutes between checkpoints.
    """

    network: str
    photographs: tuple[Path, ...]
    out: Path
    validate: tuple[Path, ...] = ()
    validation_share: float = 0.1
    validation_pictures: int = 64
    start: str | None = None
    encoder_weights: str | None = None
    changes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    patience: int = 10
    device: str = "auto"
    threads: int | None = None
    save_every: float = 5.0


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    finished
        Whether it came to its end; otherwise the same request goes on.
    model
        The file of the network that was written; None where it was stopped before.
    report
        The page.
    best
        Figures of the weights that were kept; None where none were measured.
    """

    finished: bool
    model: Path | None
    report: Path | None
    best: Row | None
