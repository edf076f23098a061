"""A film through a pipe: frames in, coloured frames out, with a latency of a few frames."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import IO

from colorizer.colorizer import Colorizer
from colorizer.errors import Message, UsageError
from colorizer.film.coloring import FilmState, FrameColorizer, SteadyingOptions
from colorizer.film.guidance.files import FilmGuiding, read_guiding
from colorizer.film.guidance.matching import Matcher
from colorizer.film.guidance.preparing import FrameGuidance
from colorizer.film.options import DEFAULT_STEADINESS, film_settings
from colorizer.film.pipeline import in_thread
from colorizer.film.streams import parse_rawvideo, read_frames, read_header, write_frame, y4m_header
from colorizer.settings import Settings

_QUEUE = 1
"""Frames that may wait between two stages; few, since whoever reads the pipe waits as well. With those that steadying
looks ahead to, a frame leaves when at most eight more have come; `keep_color` looks seven further."""

_ASSUMED_FRAMES = 1000
"""A pipe does not say how many frames it will bring; the choice of the engine needs a number."""


def color_stream(
    source: IO[bytes],
    target: IO[bytes],
    settings: Settings | None = None,
    steadying: SteadyingOptions = SteadyingOptions(DEFAULT_STEADINESS, every=1),  # noqa: B008 - frozen
    *,
    guiding: FilmGuiding = FilmGuiding(),  # noqa: B008 - frozen
    rawvideo: str | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
    on_note: Callable[[Message | str], None] = lambda _: None,
) -> int:
    """Put colour into a stream of frames.

    Parameters
    ----------
    source, target
        Binary streams.
    settings, steadying
        How to colour, and how steadily.
    guiding
        Pictures and colours for all frames; what is said of single ones needs their shots whole, which are not there.
    rawvideo
        `WxH@FPS:pix_fmt` of bare frames; None for YUV4MPEG2.
    on_progress
        Called after each frame with the number of frames done.
    on_note
        Called with a note on the model, if there is one.

    Returns
    -------
    int
        How many frames.

    Raises
    ------
    InputError
        The stream is damaged, and the frames before are written; or a picture cannot be read.
    UsageError
        The format of bare frames is not understood, a setting is not for film, something is said of single frames, or
        the network has no distribution over colours, which pictures and palettes need.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    said = read_guiding(guiding)
    if said.frames or said.hints or said.looks or said.match_shots:
        raise UsageError("what is said of single frames needs a film that is a file; write the frames to one first")
    stream_format = read_header(source) if rawvideo is None else parse_rawvideo(rawvideo)
    colorizer = Colorizer(film_settings(settings or Settings()), pictures=_ASSUMED_FRAMES)
    if colorizer.model.note:
        on_note(colorizer.model.note)
    matching = Matcher(colorizer, stream_format.height, stream_format.width).everywhere(said)
    guidance = FrameGuidance(matching=matching)
    frame_colorizer = FrameColorizer(colorizer, steadying, (lambda _: guidance) if matching else None)
    if rawvideo is None:
        target.write(y4m_header(stream_format))
        target.flush()
    frames = read_frames(source, stream_format, headed=rawvideo is None)
    read = in_thread(((piped, piped.frame) for piped in frames), _QUEUE)
    done = 0
    with contextlib.closing(in_thread(frame_colorizer.predict(read, FilmState()), _QUEUE)) as predictions:  # type: ignore[type-var]
        for predicted in predictions:
            luma, chroma = frame_colorizer.planes(predicted, stream_format.written)
            write_frame(target, predicted.item.header, luma, chroma)
            done += 1
            on_progress(done)
    return done
