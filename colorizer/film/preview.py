"""A contact sheet: some frames of a film in colour, before hours are committed to all of them."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.ycbcr import PlaneLayout, code_range
from colorizer.colorizer import Colorizer
from colorizer.film.coloring import FilmState, FrameColorizer, PredictedFrame, SteadyingOptions
from colorizer.film.frame import Frame, Plane, rgb_of
from colorizer.film.options import FilmOptions, film_settings
from colorizer.film.source import FilmReader, TimedFrame
from colorizer.io.atomic import already_there
from colorizer.media import Picture, target_format, write_picture
from colorizer.media.contact_sheet import contact_sheet
from colorizer.settings import Settings

_WIDTH, _GAP = 480, 8
"""Pixels: the width of a frame on the sheet, and the gap between two."""


def write_preview(
    source: Path, target: Path, count: int, settings: Settings, options: FilmOptions, *, overwrite: bool = False
) -> int:
    """Colour some frames spread evenly over a film and write them as one picture.

    Frames are coloured one by one, since those between them are not decoded.

    Parameters
    ----------
    source, target
        The film, and the picture to write.
    count
        How many frames.
    settings, options
        How to colour, and which part of the film.
    overwrite
        Replace a target that exists.

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
    UsageError
        The target's suffix is none that is written, or a setting is not for film.
    MissingExtraError
        PyAV is not installed.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    if target.exists() and not overwrite:
        raise already_there(target)
    target_format(target)  # refuses a suffix that is not written before any work
    frame_colorizer = FrameColorizer(
        Colorizer(film_settings(settings), pictures=count), SteadyingOptions(steadiness=0.0, every=1)
    )
    with contextlib.closing(FilmReader(source, options.span, options.deinterlace)) as reader:
        timed = reader.sample(count)
        aspect = reader.description.tags.aspect or Fraction(1)
        turn = timed[0].frame.native.rotation if timed else 0
    cells = [_cell(frame_colorizer, one, aspect, turn) for one in timed]
    write_picture(target, Picture(contact_sheet(cells, gap=_GAP, paper=0), None, "jpeg"))
    return len(cells)


def _cell(frame_colorizer: FrameColorizer, timed: TimedFrame, aspect: Fraction, turn: int) -> npt.NDArray[np.uint8]:
    frame = timed.frame
    full = PlaneLayout(frame.layout.bits, (1, 1))  # a sheet is small; chroma at full size saves enlarging it
    (predicted,) = frame_colorizer.predict(iter([(timed, frame)]), FilmState())
    luma, chroma = frame_colorizer.planes(PredictedFrame(timed, frame, predicted.ab, predicted.state), full)
    rgb = _to_rgb8(frame, luma, chroma)
    # players turn the film and stretch its pixels as its tags say; a sheet has no such tags
    rgb = np.rot90(rgb, round(turn / 90)) if turn else rgb
    wide = rgb.shape[1] * (float(aspect) if turn % 180 == 0 else 1)
    tall = rgb.shape[0] * (1 if turn % 180 == 0 else float(aspect))
    size = (_WIDTH, max(1, round(_WIDTH * tall / wide)))
    return np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA), np.uint8)


def _to_rgb8(frame: Frame, luma: Plane, chroma: tuple[Plane, Plane]) -> npt.NDArray[np.uint8]:
    """R'G'B' of Y' and full-size chroma planes: (H, W, 3) uint8."""
    scale = code_range(frame.layout.bits, full_range=frame.encoding.full_range)
    normalized = (luma.astype(np.float32) - scale.black) / scale.luma_span
    cb, cr = ((plane.astype(np.float32) - scale.middle) / scale.chroma_span for plane in chroma)
    return np.asarray(np.rint(rgb_of(normalized, cb, cr, frame.encoding) * 255), np.uint8)
