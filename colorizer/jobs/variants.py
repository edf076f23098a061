"""Proposals for pictures: a numbered sheet of each, and a hints file for each proposal on it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, InputError, shown
from colorizer.guidance import Guidance, write_guidance
from colorizer.guidance.files import SUFFIX
from colorizer.guidance.hints import replace_guidance
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.atomic import already_there
from colorizer.io.storage import Storage
from colorizer.jobs.guiding import Guiding
from colorizer.jobs.plan import Task
from colorizer.media import DEFAULT_MAX_PIXELS, Picture, open_document, write_picture
from colorizer.media.contact_sheet import contact_sheet
from colorizer.media.samples import rescaled

SHEET_INFIX = ".variants"
SHEET_SUFFIX = ".jpg"

_SIDE, _GAP = 480, 8
"""Pixels: the longer side of a picture on the sheet, and the gap between two."""

_DIGIT = 32
"""Pixels: height of a number."""


@dataclass(frozen=True)
class Proposed:
    """What became of a picture.

    Attributes
    ----------
    sheet
        The picture as it is (0), and its proposals, numbered.
    hints
        A file for each proposal.
    error
        Why there are none.
    """

    task: Task
    sheet: Path
    hints: tuple[Path, ...] = ()
    error: ColorizerError | None = None


def sheet_of(task: Task) -> Path:
    """Where a picture's sheet goes, on this machine: `photo.color.variants.jpg` for `photo.color.png`."""
    return Path(str(task.target.with_name(task.target.stem + SHEET_INFIX + SHEET_SUFFIX)))


def propose(
    task: Task,
    colorizer: Colorizer,
    guiding: Guiding,
    count: int,
    *,
    overwrite: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    storage: Storage = ANYWHERE,
) -> Proposed:
    """Write a picture's sheet and hints files; of several pages, the first one's.

    Parameters
    ----------
    task
        The picture, and the result that it would have: files are named after that.
    colorizer, guiding
        How it is coloured, and what is said of it already, which every proposal holds too.
    count
        How many proposals.
    overwrite
        Replace a sheet and hints files that exist.
    max_pixels
        Larger pictures fail.
    storage
        Where files lie.
    """
    sheet = sheet_of(task)
    try:
        hints = _written(task, colorizer, guiding, count, overwrite=overwrite, max_pixels=max_pixels, storage=storage)
    except ColorizerError as error:
        return Proposed(task, sheet, error=error)
    return Proposed(task, sheet, hints)


def _written(
    task: Task,
    colorizer: Colorizer,
    guiding: Guiding,
    count: int,
    *,
    overwrite: bool,
    max_pixels: int,
    storage: Storage,
) -> tuple[Path, ...]:
    """The hints files, when they and the sheet are written."""
    sheet = sheet_of(task)
    files = [sheet.with_name(f"{task.source.stem}.variant-{number}{SUFFIX}") for number in range(1, count + 1)]
    with contextlib.suppress(OSError):  # writing will say what is wrong
        sheet.parent.mkdir(parents=True, exist_ok=True)
    there = next((path for path in (sheet, *files) if storage.stamp(path) is not None), None)
    if there is not None and not overwrite:
        raise already_there(there)
    saying = guiding.said_of(task.source, storage)
    with open_document(task.source, max_pixels=max_pixels, storage=storage) as document:
        picture, pages = next(iter(document)), len(document)
    session = colorizer.session(picture.pixels)
    said = saying.of_page(1, pages)
    saying.check(session, 1)
    found = session.variants(count, said)
    if not found:
        raise InputError(f"{shown(task.source)}: the network sees no two ways to colour it")
    small = [session.preview(each, _SIDE) for each in (said, *found)]
    cells = [_numbered(rescaled(pixels, np.dtype(np.uint8)), number) for number, pixels in enumerate(small)]
    write_picture(sheet, Picture(contact_sheet(cells, gap=_GAP, paper=255), None, "JPEG"), storage=storage)
    made_for = replace(session.made_for, name=task.source.name)
    beside = guiding.file_for(task.source, storage)
    for path, guidance in zip(files, found, strict=False):
        named = _named(guidance, beside if isinstance(beside, Path) else None, path)
        write_guidance(path, named, made_for, storage)
    return tuple(files[: len(found)])


def _named(guidance: Guidance, file: Path | None, target: Path) -> Guidance:
    """With references named as seen from a hints file that is written."""
    folders = [Path(), *([file.parent] if file else [])]

    def named(name: str) -> str:
        found = next((folder / name for folder in folders if (folder / name).exists()), Path(name))
        return Path(os.path.relpath(found, target.parent)).as_posix()

    references = tuple(replace(each, name=named(each.name)) for each in guidance.references)
    return replace_guidance(guidance, references=references)


def _numbered(pixels: npt.NDArray[np.uint8], number: int) -> npt.NDArray[np.uint8]:
    """With its number below it."""
    cell = np.full((pixels.shape[0] + _DIGIT + _GAP, pixels.shape[1], 3), 255, np.uint8)
    cell[: pixels.shape[0]] = pixels
    place = (_GAP, cell.shape[0] - _GAP)
    cv2.putText(cell, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2, cv2.LINE_AA)
    return cell
