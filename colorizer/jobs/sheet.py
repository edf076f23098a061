"""A contact sheet of a job: the first pictures before and after, and those that differ most from their neighbours.

Nobody looks at a thousand results. Scans that lie beside each other mostly show alike things, so one whose colours are
far from those of its neighbours is worth a look: a red sky, a green face, or the one picture taken indoors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from colorizer.color.resample import fitted
from colorizer.errors import ColorizerError, OutputError, shown
from colorizer.io.address import Address
from colorizer.io.atomic import already_there
from colorizer.jobs.run import Outcome
from colorizer.media import DEFAULT_MAX_PIXELS, Picture, open_document, target_format, write_picture
from colorizer.media.contact_sheet import contact_sheet
from colorizer.media.labels import PAPER, label, label_height
from colorizer.media.samples import rescaled

FIRST = DIFFERENT = 12
"""How many of either sort."""

NEIGHBOURS = 2
"""On either side, with whose mean colour a picture's is compared."""

NOTABLE = 4.0
"""Distance in a and b from which a picture is said to differ; half of it is hardly seen."""

_SIDE, _GAP, _COLUMNS = 240, 12, 3

Cell = npt.NDArray[np.uint8]


def chosen(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """The first ones of a job, and those of the others that differ most from their neighbours.

    Parameters
    ----------
    outcomes
        Of a whole job, in any order; those that failed are left out.
    """
    there = sorted((each for each in outcomes if each.error is None), key=lambda each: str(each.task.target))
    measured = [each for each in there if each.tone is not None]
    tones = np.array([each.tone for each in measured], np.float64).reshape(-1, 2)
    distances = [_distance(tones, place) for place in range(len(tones))]
    order = sorted(range(len(measured)), key=lambda place: -distances[place])
    notable = [measured[place] for place in order if distances[place] >= NOTABLE]
    first = there[:FIRST]
    return first, [each for each in notable if each not in first][:DIFFERENT]


def check_sheet(target: Path, *, overwrite: bool) -> None:
    """Refuse, before the work, a sheet that could not be written.

    Raises
    ------
    OutputError
        It exists, or its folder does not.
    UsageError
        Its suffix is none that is written.
    """
    target_format(target)
    if target.exists() and not overwrite:
        raise already_there(target)
    if not target.parent.is_dir():
        raise OutputError(f"{shown(target.parent)}: no such folder; create it first")


def write_sheet(target: Path, outcomes: Sequence[Outcome], max_pixels: int = DEFAULT_MAX_PIXELS) -> int:
    """Write the contact sheet of a job.

    Parameters
    ----------
    target
        The picture to write.
    outcomes
        See `chosen`.
    max_pixels
        Larger pictures are left out.

    Returns
    -------
    int
        How many pictures are on it; none is written where there are none.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    bands: list[Cell] = []
    count = 0
    for words, group in zip(("The first", "Unlike their neighbours"), chosen(outcomes), strict=True):
        cells = [cell for each in group if (cell := _cell(each, max_pixels)) is not None]
        if cells:
            count += len(cells)
            bands.append(_band(cells, words))
    if bands:
        write_picture(target, Picture(np.vstack(bands), None, target_format(target).name))
    return count


def _distance(tones: npt.NDArray[np.float64], place: int) -> float:
    """How far a picture's mean colour is from the mean of those before it or after it, whichever is nearer.

    Where the subject changes, pictures are like those on one side of them.
    """
    sides = tones[max(0, place - NEIGHBOURS) : place], tones[place + 1 : place + 1 + NEIGHBOURS]
    return min((float(np.hypot(*(tones[place] - side.mean(axis=0)))) for side in sides if len(side)), default=0.0)


def _cell(outcome: Outcome, max_pixels: int) -> Cell | None:
    """Before and after of a picture, its name under them; None where either cannot be read any more."""
    try:
        before, after = (_small(path, max_pixels) for path in (outcome.task.source, outcome.task.target))
    except ColorizerError:
        return None
    strip = label(outcome.task.target.name, 2 * _SIDE, label_height(_SIDE))
    pair = np.hstack([_squared(before, _SIDE - before.shape[1]), _squared(after, 0)])  # close together
    return np.vstack([pair, np.dstack([strip] * 3)])


def _small(path: Address, max_pixels: int) -> Cell:
    """The first page of a file: (h, w, 3), no larger than a cell."""
    with open_document(path, max_pixels=max_pixels) as document:
        picture = next(iter(document))
    pixels = np.asarray(rescaled(fitted(picture.pixels, _SIDE), np.dtype(np.uint8)), np.uint8)
    return np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels


def _squared(pixels: Cell, left: int) -> Cell:
    square = np.full((_SIDE, _SIDE, 3), PAPER, np.uint8)
    height, width = pixels.shape[:2]
    top = (_SIDE - height) // 2
    square[top : top + height, left : left + width] = pixels
    return square


def _band(cells: list[Cell], words: str) -> Cell:
    """A heading, and rows of cells below it."""
    band = contact_sheet(cells, gap=_GAP, paper=PAPER, columns=_COLUMNS)
    heading = label(words, band.shape[1], 2 * label_height(_SIDE))
    return np.vstack([np.dstack([heading] * 3), band])
