"""Before and after as one film: side by side, or with a line that wipes over the frames.

It is made of the coloured film and its source, when both are there; their planes are laid beside each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from colorizer.color.chroma_planes import converted_luma
from colorizer.color.ycbcr import code_range
from colorizer.errors import OutputError, Remedy, shown
from colorizer.film.encoder import Encoder, EncodingPlan, configure, native_frame, plan_encoding
from colorizer.film.frame import Frame, Plane
from colorizer.film.options import FilmOptions
from colorizer.film.pyav import error_words, file_url, import_av
from colorizer.film.source import FilmReader, TimedFrame
from colorizer.io.atomic import temporary_beside

Layout = Literal["side", "wipe"]

WIPE_SECONDS = 4.0
"""From one edge to the other."""

_LINE = 2
"""Pixels of the line between the two."""

Planes = tuple[Plane, tuple[Plane, Plane]]


def comparison_of(target: Path) -> Path:
    """Where before and after of a film go: `film.color.compare.mp4` for `film.color.mp4`."""
    return target.with_suffix(f".compare{target.suffix}")


def write_comparison(source: Path, colored: Path, target: Path, options: FilmOptions, layout: Layout = "side") -> int:
    """Write before and after of a film as one; a target that exists is replaced, sound is left out.

    Parameters
    ----------
    source, colored
        The film, and what became of it.
    target
        The film to write.
    options
        By which the coloured one was made.
    layout
        "side": side by side; "wipe": a line goes over the frames, to and fro.

    Returns
    -------
    int
        How many frames.

    Raises
    ------
    InputError
        Either cannot be read.
    UsageError
        The container or codec does not take frames of that size.
    OutputError
        It cannot be written.
    """
    av = import_av()
    with (
        contextlib.closing(FilmReader(source, options.span, options.deinterlace)) as before,
        contextlib.closing(FilmReader(colored)) as after,
    ):
        film = after.description
        wide = replace(film, width=2 * film.width, tags=replace(film.tags, display_matrix=None), interlaced=False)
        plan = plan_encoding(target, wide if layout == "side" else replace(wide, width=film.width), options)
        pairs = _pairs(before, after)
        first = next(pairs, None)
        if first is None:
            raise OutputError(f"{shown(target)}: there are no frames to compare", remedy=Remedy.ANOTHER_OUTPUT)
        try:
            with temporary_beside(target) as part:
                count = _write(part, plan, layout, after, (first, pairs))
                part.replace(target)
        except (av.error.FFmpegError, OSError) as error:
            raise OutputError(
                f"{shown(target)}: cannot be written ({error_words(error)})", remedy=Remedy.ANOTHER_OUTPUT
            ) from error
    return count


def _pairs(before: FilmReader, after: FilmReader) -> Iterator[tuple[TimedFrame, TimedFrame]]:
    yield from zip(before.frames(), after.frames(), strict=False)


def _write(part: Path, plan: EncodingPlan, layout: Layout, after: FilmReader, frames: Any) -> int:
    av = import_av()
    first, rest = frames
    count = 0
    with av.open(file_url(part), "w", format=plan.container) as output:
        stream = output.add_stream(plan.encoder, rate=plan.rate, options=dict(plan.options))
        configure(stream.codec_context, plan)
        stream.time_base = plan.time_base
        encoder = Encoder(plan)
        scale = after.description.time_base / plan.time_base
        wipe = WIPE_SECONDS * float(plan.rate)
        for one, other in chain([first], rest):
            turn = abs((count / wipe + 1) % 2 - 1)  # 0 to 1 and back
            pair = _planes(one.frame, plan), _planes(other.frame, plan)
            planes = _joined(*pair, plan, None if layout == "side" else turn)
            frame = replace(other.frame, native=None)
            time, duration = round(other.time * scale), round(other.duration * scale)
            for packet in encoder.encode(native_frame(frame, planes, plan, time=time, duration=duration)):
                packet.stream = stream
                output.mux(packet)
            count += 1
        for packet in encoder.encode(None):
            packet.stream = stream
            output.mux(packet)
    return count


def _planes(frame: Frame, plan: EncodingPlan) -> Planes:
    """A frame's planes in the layout that is written; of a grey one with chroma that is none."""
    bits = plan.layout.bits
    luma = converted_luma(frame.luma, frame.layout.bits, bits, full_range=frame.encoding.full_range)
    rows, columns = plan.layout.chroma_size(*luma.shape)
    if frame.chroma is None:
        middle = code_range(bits, full_range=frame.encoding.full_range).middle
        grey = np.full((rows, columns), round(middle), luma.dtype)
        return luma, (grey, grey)
    shift = bits - frame.layout.bits
    cb, cr = (
        cv2.resize(np.ldexp(plane.astype(np.float32), shift), (columns, rows), interpolation=cv2.INTER_AREA).astype(
            luma.dtype
        )
        for plane in frame.chroma
    )
    return luma, (cb, cr)


def _joined(before: Planes, after: Planes, plan: EncodingPlan, turn: float | None) -> Planes:
    """Side by side, or before on the left of a line, at a share of the width, and after on its right."""

    def joined(one: Plane, other: Plane) -> Plane:
        if turn is None:
            return np.ascontiguousarray(np.hstack([one, other]))
        column = round(turn * one.shape[1])
        return np.ascontiguousarray(np.hstack([one[:, :column], other[:, column:]]))

    luma = joined(before[0], after[0])
    chroma = joined(before[1][0], after[1][0]), joined(before[1][1], after[1][1])
    if turn is not None:
        column = round(turn * luma.shape[1])
        luma[:, max(0, column - _LINE // 2) : column + _LINE // 2] = code_range(plan.layout.bits, full_range=False).top
    return luma, chroma
