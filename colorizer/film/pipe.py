"""A film through a pipe: frames in, coloured frames out, with a latency of a few frames."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import IO

from colorizer.colorizer import Colorizer
from colorizer.errors import Message
from colorizer.film.options import DEFAULT_STEADINESS
from colorizer.film.overlap import ahead
from colorizer.film.painting import Painter, SteadyingOptions
from colorizer.film.segments import Memory
from colorizer.film.streams import header, parse_rawvideo, read_frames, read_header, write_frame
from colorizer.settings import Settings

_UNDER_WAY = 1
"""Frames between two stages. With those that steadying looks ahead to, a frame leaves when at most eight more have
come; `keep_color` looks seven further."""

_A_FILM = 1000
"""Frames that a pipe is taken to bring, for the choice of the engine."""


def color_stream(
    source: IO[bytes],
    target: IO[bytes],
    settings: Settings | None = None,
    steadying: SteadyingOptions = SteadyingOptions(DEFAULT_STEADINESS, every=1),  # noqa: B008 - frozen
    *,
    rawvideo: str | None = None,
    tell: Callable[[int], None] = lambda _: None,
    remark: Callable[[Message | str], None] = lambda _: None,
) -> int:
    """Put colour into a stream of frames.

    Parameters
    ----------
    source, target
        Binary streams.
    settings, steadying
        How to colour, and how steadily.
    rawvideo
        `WxH@FPS:pix_fmt` of bare frames; None for YUV4MPEG2.
    tell
        Is told the number of frames done after each.
    remark
        Is told what model is used.

    Returns
    -------
    int
        How many frames.

    Raises
    ------
    InputError
        The stream is damaged; the frames before are written.
    """
    what = read_header(source) if rawvideo is None else parse_rawvideo(rawvideo)
    colorizer = Colorizer(settings or Settings(), pictures=_A_FILM)
    if colorizer.model.note:
        remark(colorizer.model.note)
    painter = Painter(colorizer, steadying)
    if rawvideo is None:
        target.write(header(what))
        target.flush()
    read = ahead(((piped, piped.frame) for piped in read_frames(source, what, headed=rawvideo is None)), _UNDER_WAY)
    done = 0
    with contextlib.closing(ahead(painter.predict(read, Memory(None, None)), _UNDER_WAY)) as predictions:  # type: ignore[type-var]
        for predicted in predictions:
            luma, chroma = painter.painted(predicted, what.written)
            write_frame(target, predicted.item.head, luma, chroma)
            done += 1
            tell(done)
    return done
