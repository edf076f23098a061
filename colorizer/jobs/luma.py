"""A picture coloured beside its own luma, where that can be kept as its file has it coded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.chroma_for_luma import rgb_of
from colorizer.colorizer import Colorizer
from colorizer.media import Mark, Output, Picture
from colorizer.media.jpeg_luma import kept_luma, not_kept, turned_back, with_chroma_planes
from colorizer.media.picture import upright

LUMA_KEPT = "luma coefficients kept"
"""What the mark says of it."""


def colored_beside_luma(picture: Picture, colorizer: Colorizer, output: Output, kind: str) -> Picture:
    """The picture with chroma planes beside its coded luma; where that cannot stay, itself, with a note if need be.

    Parameters
    ----------
    picture
        As it was read.
    colorizer
        Says the chroma.
    output, kind
        How it will be written, and in which format by name.

    Raises
    ------
    InputError
        Its pixels are no colours.
    EngineError
        The runtime failed.
    """
    if colorizer.settings.compat:
        kept, note = None, not_kept("compat computes as another program does") if output.keep_luma else ""
    else:
        kept, note = kept_luma(picture, kind, output)
    luma = picture.luma
    if kept is None or luma is None:
        return replace(picture, notes=(*picture.notes, note)) if note else picture
    # the network sees the picture upright; the luma, and so the chroma planes, stay as they are stored
    ab = turned_back(colorizer.predict(picture.pixels), luma.orientation)
    original = turned_back(picture.pixels, luma.orientation) if picture.pixels.ndim == 3 else None
    chroma = colorizer.render_chroma(kept.plane, ab, kept.subsampling, original)
    making = colorizer.making(LUMA_KEPT).as_json()
    mark = Mark(colorizer.model.name, f"{colorizer.recipe()}, {LUMA_KEPT}", making)
    return with_chroma_planes(picture, luma, kept, chroma, mark)


def shown_pixels(picture: Picture) -> npt.NDArray[Any]:
    """What a picture with planes to write shows: (H, W, 3) RGB, upright."""
    if picture.coded is None:
        return picture.pixels
    kept, chroma = picture.coded
    turn = 1 if picture.luma is None else picture.luma.orientation
    return np.asarray(upright(rgb_of(kept.plane, chroma), turn))
