"""A contact sheet: some frames of a film in colour, before hours are committed to all of them."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.colorizer import Colorizer
from colorizer.errors import OutputError, Remedy, shown
from colorizer.film.encoding import Layout, codes
from colorizer.film.frame import Frame, Plane
from colorizer.film.options import Film
from colorizer.film.painting import Painter, Predicted, SteadyingOptions
from colorizer.film.segments import Memory
from colorizer.film.source import Reader, Timed
from colorizer.media import Picture, target_format, write_picture
from colorizer.settings import Settings

_WIDTH, _GAP = 480, 8
"""Of a picture on the sheet, and between two, in pixels."""


def write_preview(
    film: Path, target: Path, count: int, settings: Settings, treatment: Film, *, overwrite: bool = False
) -> int:
    """Colour some frames spread evenly over a film and write them as one picture.

    Frames are those nearest after their moments that can be reached; each is coloured by itself.

    Returns
    -------
    int
        How many frames are on the sheet: fewer than asked for where the film has fewer.

    Raises
    ------
    InputError
        The film cannot be read.
    OutputError
        The target exists or cannot be written.
    """
    if target.exists() and not overwrite:
        raise OutputError(f"{shown(target)}: exists, kept", remedy=Remedy.OVERWRITE)
    target_format(target)
    painter = Painter(Colorizer(settings, pictures=count), SteadyingOptions(steadiness=0.0, every=1))
    with contextlib.closing(Reader(film, treatment.span, treatment.deinterlace)) as reader:
        timed = reader.spread(count)
        aspect = reader.description.tags.aspect or Fraction(1)
        turn = timed[0].frame.native.rotation if timed else 0
    cells = [_cell(painter, one, aspect, turn) for one in timed]
    write_picture(target, Picture(_sheet(cells), None, "jpeg"))
    return len(cells)


def _cell(painter: Painter, timed: Timed, aspect: Fraction, turn: int) -> npt.NDArray[np.uint8]:
    frame = timed.frame
    full = Layout(frame.layout.bits, (1, 1))
    (predicted,) = painter.predict(iter([(timed, frame)]), Memory(None, None))
    luma, chroma = painter.painted(Predicted(timed, frame, predicted.ab, predicted.memory), full)
    rgb = as_rgb(frame, luma, chroma)
    rgb = np.rot90(rgb, round(turn / 90)) if turn else rgb
    wide = rgb.shape[1] * (float(aspect) if turn % 180 == 0 else 1)
    tall = rgb.shape[0] * (1 if turn % 180 == 0 else float(aspect))
    size = (_WIDTH, max(1, round(_WIDTH * tall / wide)))
    return np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA), np.uint8)


def as_rgb(frame: Frame, luma: Plane, chroma: tuple[Plane, Plane]) -> npt.NDArray[np.uint8]:
    """R'G'B' of Y' and full-size chroma planes: (H, W, 3) uint8."""
    scale = codes(frame.layout.bits, full_range=frame.encoding.full_range)
    y = (luma.astype(np.float32) - scale.black) / scale.luma_span
    cb, cr = ((plane.astype(np.float32) - scale.middle) / scale.chroma_span for plane in chroma)
    red_share, blue_share = frame.encoding.shares
    red, blue = y + 2 * (1 - red_share) * cr, y + 2 * (1 - blue_share) * cb
    green = (y - red_share * red - blue_share * blue) / (1 - red_share - blue_share)
    return np.asarray(np.rint(np.clip(np.stack([red, green, blue], axis=-1), 0, 1) * 255), np.uint8)


def _sheet(cells: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    columns = max(1, round(len(cells) ** 0.5))
    rows = -(-len(cells) // columns)
    height, width = cells[0].shape[:2]
    sheet = np.zeros((rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), np.uint8)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[top : top + height, left : left + width] = cell
    return sheet
