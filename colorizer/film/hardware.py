"""Encoders on graphics chips, where FFmpeg has one and the chip does its work: tried with a frame, not believed.

NVENC (NVIDIA), Quick Sync (Intel) and VideoToolbox (Apple) take frames from memory. VAAPI takes them from the chip's
own memory alone, which PyAV cannot fill, so it is none of them; FFmpeg's executable does that from a lossless film.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from colorizer.errors import OptionRef, UsageError
from colorizer.film.pyav import import_av

_SIDE = 256
"""Of the frame that is tried; chips refuse very small ones."""

_FRAMES = 3


@dataclass(frozen=True)
class ChipEncoder:
    """An encoder on a chip.

    Attributes
    ----------
    name
        FFmpeg's.
    pixel_formats
        That it takes from memory, by preference: planar ones, or those with Cb and Cr in one plane.
    quality
        FFmpeg's options for a constant quality, given one of x264's scale.
    preset
        By default; None where it has none.
    """

    name: str
    pixel_formats: tuple[str, ...]
    quality: Callable[[int], dict[str, str]]
    preset: str | None


def _nvenc(crf: int) -> dict[str, str]:
    return {"rc": "vbr", "cq": str(crf), "b": "0"}


def _quick_sync(crf: int) -> dict[str, str]:
    return {"global_quality": str(crf)}


def _video_toolbox(crf: int) -> dict[str, str]:
    # its quality goes from 1 to 100, which FFmpeg counts in units of 118
    return {"flags": "+qscale", "global_quality": str(118 * max(1, 100 - 2 * crf))}


CHIP_ENCODERS = {
    codec: (
        ChipEncoder(f"{name}_nvenc", ("yuv420p", "p010le"), _nvenc, "p5"),
        ChipEncoder(f"{name}_qsv", ("nv12", "p010le"), _quick_sync, "medium"),
        ChipEncoder(f"{name}_videotoolbox", ("yuv420p", "p010le"), _video_toolbox, None),
    )
    for codec, name in (("h264", "h264"), ("h265", "hevc"))
}
"""By the values of the option `codec`, in the order in which they are tried."""


def chip_encoder(codec: str) -> ChipEncoder:
    """The first encoder on a chip of this machine that works.

    Parameters
    ----------
    codec
        A value of the option `codec`.

    Raises
    ------
    UsageError
        There is none.
    MissingExtraError
        PyAV is not installed.
    """
    candidates = CHIP_ENCODERS.get(codec, ())
    for candidate in candidates:
        if works(candidate.name, candidate.pixel_formats[0]):
            return candidate
    tried = ", ".join(each.name for each in candidates)
    why = f"none of {tried} works on this machine" if tried else f"no chip writes {codec}; h264 and h265 are written"
    raise UsageError(why, option=OptionRef("hardware"), remedy="leave it out")


@lru_cache(maxsize=16)
def works(name: str, pixel_format: str) -> bool:
    """Whether FFmpeg has an encoder, and it encodes."""
    av = import_av()
    if name not in av.codecs_available:
        return False
    with contextlib.suppress(av.error.FFmpegError, ValueError, OSError):
        return _encoded(av, name, pixel_format) > 0
    return False


def _encoded(av: Any, name: str, pixel_format: str) -> int:
    context = av.CodecContext.create(name, "w")
    context.width = context.height = _SIDE
    context.pix_fmt, context.framerate, context.time_base = pixel_format, 25, Fraction(1, 25)
    packets = 0
    for number in range(_FRAMES):
        grey = np.full((_SIDE, _SIDE), 60 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format=pixel_format)
        frame.pts = number
        packets += len(context.encode(frame))
    return packets + len(context.encode(None))
