"""A picture coloured beside its own luma, where that can be kept as its file has it coded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.chroma_for_luma import rgb_of
from colorizer.color.strips import Adjustment
from colorizer.colorizer import Colorizer
from colorizer.guidance import Guidance
from colorizer.guidance.finish import Lines, full_size
from colorizer.guidance.hints import replace_guidance
from colorizer.guidance.placing import in_fractions
from colorizer.guidance.session import Session
from colorizer.media import Mark, Output, Picture
from colorizer.media.jpeg_luma import kept_luma, not_kept, turned_back, with_chroma_planes
from colorizer.media.picture import KeptLuma, upright
from colorizer.networks.making import UsedFile

LUMA_KEPT = "luma coefficients kept"
"""What the mark says of it."""


@dataclass(frozen=True)
class GuidedPage:
    """A picture that hints are for, and what they say."""

    session: Session
    guidance: Guidance

    def render(self) -> npt.NDArray[Any]:
        """The picture in colour: (H, W, 3) RGB of its dtype."""
        return self.session.render(self.guidance)


def mark_of(colorizer: Colorizer, guided: GuidedPage | None, source: UsedFile | None, *more: str) -> Mark:
    """What a result says of how it was coloured, of which file it is, and what else is to be said."""
    said = Guidance() if guided is None else guided.guidance
    words = ", ".join(filter(None, [colorizer.recipe(), said.describe(), *more]))
    making = replace(colorizer.making(*more), source=source, guidance=said.summary())
    return Mark(colorizer.model.name, words, making.as_json())


def colored_beside_luma(
    picture: Picture,
    colorizer: Colorizer,
    output: Output,
    kind: str,
    *,
    guided: GuidedPage | None = None,
    source: UsedFile | None = None,
) -> Picture:
    """The picture with chroma planes beside its coded luma; where that cannot stay, itself, with a note if need be.

    Parameters
    ----------
    picture
        As it was read.
    colorizer
        Says the chroma.
    output, kind
        How it will be written, and in which format by name.
    guided
        What hints say of it.
    source
        The file that it is of, for the mark.

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
    adjustment: Adjustment | None = None
    if guided is None:
        ab = turned_back(colorizer.predict(picture.pixels), luma.orientation)
    else:
        ab = turned_back(guided.session.said.ab, luma.orientation)
        adjustment = _adjustment(guided, luma.orientation, kept)
    original = turned_back(picture.pixels, luma.orientation) if picture.pixels.ndim == 3 else None
    chroma = colorizer.render_chroma(kept.plane, ab, kept.subsampling, original, adjustment)
    mark = mark_of(colorizer, guided, source, LUMA_KEPT)
    return with_chroma_planes(picture, luma, kept, chroma, mark)


def _adjustment(guided: GuidedPage, orientation: int, kept: KeptLuma) -> Adjustment | None:
    """Guidance for chroma planes, in the orientation in which they are stored."""
    guidance = in_fractions(guided.guidance, guided.session.size)
    found = guided.session.guided(guidance)
    if found.lines is None:
        return None
    maps = {name: turned_back(plane, orientation) for name, plane in vars(found.lines).items()}
    # of the corners of the picture as it is shown, where they are stored: x and y in 0..1
    corners = upright(np.array([[[0, 0], [1, 0]], [[0, 1], [1, 1]]], np.float64), orientation)
    origin, right, down = corners[0, 0], corners[0, 1] - corners[0, 0], corners[1, 0] - corners[0, 0]
    turned = replace_guidance(
        guidance,
        hints=tuple(
            replace(hint, points=tuple(tuple(origin + x * right + y * down) for x, y in hint.points))
            for hint in guidance.hints
        ),
    )
    (height, width), (rows, columns) = kept.plane.shape, kept.subsampling
    size = -(-height // rows), -(-width // columns)
    return full_size(replace(found, lines=Lines(**maps)), turned, kept.plane, size)


def shown_pixels(picture: Picture) -> npt.NDArray[Any]:
    """What a picture with planes to write shows: (H, W, 3) RGB, upright."""
    if picture.coded is None:
        return picture.pixels
    kept, chroma = picture.coded
    turn = 1 if picture.luma is None else picture.luma.orientation
    return np.asarray(upright(rgb_of(kept.plane, chroma), turn))
