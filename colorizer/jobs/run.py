"""Colour the pictures of a plan one after the other; a bad one never stops the others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, InputError, OutputError, shown
from colorizer.files import write_atomically
from colorizer.jobs.plan import Task
from colorizer.media import SUFFIXES, Picture, read_picture, write_picture


class Status(Enum):
    """What became of a picture."""

    COLORED = "coloured"
    PASSED = "already in colour, passed through"
    KEPT = "exists, kept"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """A task and what became of it.

    Attributes
    ----------
    seconds
        From opening the input to the complete output.
    error
        The cause, where it failed.
    """

    task: Task
    status: Status
    seconds: float = 0.0
    error: ColorizerError | None = None


def run(
    tasks: Iterable[Task], colorizer: Colorizer, *, max_pixels: int, overwrite: bool, compare: bool
) -> Iterator[Outcome]:
    """Do the tasks in order.

    Parameters
    ----------
    tasks
        From `plan`.
    colorizer
        Colours them.
    max_pixels
        Larger pictures fail.
    overwrite
        Replace outputs that exist; else they are kept.
    compare
        Also write before and after side by side.

    Yields
    ------
    Outcome
        One for each task, as soon as it is done.
    """
    for task in tasks:
        if task.target.exists() and not overwrite:
            yield Outcome(task, Status.KEPT)
            continue
        start = time.perf_counter()
        try:
            status = _color_one(task, colorizer, max_pixels=max_pixels, compare=compare)
        except (InputError, OutputError) as error:
            yield Outcome(task, Status.FAILED, time.perf_counter() - start, error)
        except MemoryError:
            cause = InputError(f"{shown(task.source)}: not enough memory for this picture; close other programs")
            yield Outcome(task, Status.FAILED, time.perf_counter() - start, cause)
        else:
            yield Outcome(task, status, time.perf_counter() - start)


def _color_one(task: Task, colorizer: Colorizer, *, max_pixels: int, compare: bool) -> Status:
    picture = read_picture(task.source, max_pixels=max_pixels)
    if colorizer.keeps(picture.pixels):
        _pass_through(task, picture)
        return Status.PASSED
    try:
        colored = colorizer.colorize(picture.pixels, order="rgb")
    except InputError as error:
        raise InputError(f"{shown(task.source)}: {error}") from error
    write_picture(task.target, picture.with_pixels(colored))
    if compare:
        write_picture(task.comparison, side_by_side(picture, colored))
    return Status.COLORED


def _pass_through(task: Task, picture: Picture) -> None:
    """The very bytes, if the output has the input's format."""
    if SUFFIXES.get(task.target.suffix.lower()) == picture.format:
        write_atomically(task.target, task.source.read_bytes())
    else:
        write_picture(task.target, picture)


def side_by_side(picture: Picture, colored: npt.NDArray[Any]) -> Picture:
    """Before | after, in one picture; transparency is left out."""
    before = picture.pixels if picture.pixels.ndim == 3 else np.dstack([picture.pixels] * 3)
    return Picture(np.hstack([before, colored]), None, picture.format)
