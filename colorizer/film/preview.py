"""Contact sheets: some frames of a film before and after, and its shots, before hours are committed to all of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from colorizer.film.guidance.files import FilmGuiding
from colorizer.film.options import FilmOptions
from colorizer.film.picking import Bytes, PickedFrame, Picker, labelled, timecode
from colorizer.film.shots import Shot
from colorizer.film.source import FilmReader
from colorizer.media import Picture, target_format, write_picture
from colorizer.media.contact_sheet import contact_sheet
from colorizer.settings import Settings

_WIDTH, _GAP = 320, 8
"""Pixels: the width of a frame on a sheet, and the gap between two."""

COUNTED = 20_000
"""Frames up to which a film is read whole to tell shots for a preview; that takes a minute or two, and more hours."""

_MOST_ON_A_SHEET = 400


def write_preview(
    source: Path,
    target: Path,
    count: int,
    settings: Settings,
    options: FilmOptions,
    *,
    guiding: FilmGuiding = FilmGuiding(),  # noqa: B008 - frozen
) -> int:
    """Colour some frames spread evenly over a film and write them, before and after, as one picture.

    Frames are coloured one by one, since those between them are not. A target that exists is replaced.

    Parameters
    ----------
    source, target
        The film, and the picture to write.
    count
        How many frames.
    settings, options
        How to colour, and which part of the film.
    guiding
        What people say of its colours.

    Returns
    -------
    int
        How many frames are on the sheet: fewer than asked for where the film has fewer.

    Raises
    ------
    InputError
        The film cannot be read.
    OutputError
        The target cannot be written.
    UsageError
        The target's suffix is none that is written, or a setting is not for film.
    MissingExtraError
        PyAV is not installed.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    target_format(target)  # refuses a suffix that is not written before any work
    picker = Picker(source, settings, options, guiding, pictures=count)
    frames = picker.frames()
    # what is said of a film holds for frames by their numbers, so they have to be counted
    counts = frames <= COUNTED if frames is not None else bool(picker.said)
    shots = picker.shots() if counts else []
    total = shots[-1].last + 1 if shots else None
    picked = picker.numbered(picker.numbers_spread(count, total)) if counts or picker.said else picker.spread(count)
    aspect = float(_aspect(source))

    def cells_of(some: Iterable[PickedFrame]) -> list[Bytes]:
        return [labelled([one.before, one.after], _words(one, shots), _WIDTH, aspect) for one in some]

    cells = cells_of(picked) or cells_of(picker.spread(1))  # the film may have fewer frames than it says
    write_picture(target, Picture(contact_sheet(cells, gap=_GAP, paper=0), None, "jpeg"))
    return len(cells)


def write_shots(source: Path, target: Path, settings: Settings, options: FilmOptions) -> list[Shot]:
    """Find a film's shots, and write a frame of each, in colour, as one picture; a target that exists is replaced.

    Parameters
    ----------
    source, target
        The film, and the picture to write.
    settings, options
        How to colour, and how to read the film.

    Raises
    ------
    InputError
        The film cannot be read.
    OutputError
        The target cannot be written.
    UsageError
        The target's suffix is none that is written, or a setting is not for film.
    MissingExtraError
        PyAV is not installed.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    target_format(target)
    picker = Picker(source, settings, options, pictures=100)
    shots = picker.shots()
    aspect = float(_aspect(source))
    of_middle = {shot.middle: shot for shot in shots[:_MOST_ON_A_SHEET]}
    cells = [
        labelled([one.after], _words(one, [of_middle[one.number or 0]]), _WIDTH, aspect)
        for one in picker.numbered(of_middle)
    ]
    write_picture(target, Picture(contact_sheet(cells, gap=_GAP, paper=0), None, "jpeg"))
    return shots


def _words(picked: PickedFrame, shots: list[Shot]) -> str:
    """Under a frame: its shot, its time, its number."""
    parts = [timecode(picked.seconds)]
    if picked.number is not None:
        parts.append(f"frame {picked.number}")
        shot = next((each for each in shots if each.first <= picked.number <= each.last), None)
        parts = [*([] if shot is None else [f"shot {shot.number}"]), *parts]
    return "   ".join(parts)


def _aspect(source: Path) -> Fraction:
    """How much wider than high its pixels are, as shown: players stretch them, a sheet has no tag for that."""
    with contextlib.closing(FilmReader(source)) as reader:
        aspect = reader.description.tags.aspect or Fraction(1)
        return 1 / aspect if reader.rotation % 180 else aspect
