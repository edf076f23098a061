"""What a film's pictures are: size, rate, layout of the planes, and how their code values are meant.

Films carry only a part of this in their tags. The rest is guessed as players guess it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from colorizer.color.ycbcr import BT2020, FULL, ColorEncoding, PlaneLayout, Siting, guess_matrix
from colorizer.errors import InputError
from colorizer.film.deinterlacing import Deinterlace, deinterlaced_base
from colorizer.film.formats import layout_of
from colorizer.film.pyav import display_matrix, readable_format

_UNSPECIFIED_IS_LIMITED = {"h264", "hevc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4", "theora"}
"""Codecs whose untagged grey is limited by their standard; elsewhere FFmpeg and players take grey for full range."""

_PROGRESSIVE = {0, 1}
"""FFmpeg's codes of the field order: unknown and progressive."""

_DEFAULT_RATE = Fraction(25)

_HDR = {16: "PQ", 18: "HLG"}
"""Transfer functions of ITU-R BT.2100, by their codes in H.273."""

_HIGHEST_RATE = 1000
"""Frames a second. A film that claims more has a time base that means something else."""

_MICROSECONDS = 1_000_000
"""Units of a container's own duration to a second."""


@dataclass(frozen=True)
class Tags:
    """What a film says of how it is shown, for the output to say the same; codes of ITU-T H.273."""

    matrix: int
    primaries: int
    transfer: int
    full_range: bool
    aspect: Fraction | None  # width to height of a pixel
    display_matrix: tuple[int, ...] | None  # rotation or mirroring


@dataclass(frozen=True)
class Description:
    """What a film's pictures are."""

    width: int
    height: int
    time_base: Fraction  # seconds to a unit of time stamps
    rate: Fraction  # frames a second; average or guessed
    frames: int | None  # about how many
    layout: PlaneLayout  # of the frames as they are read; a decoder may give another one
    encoding: ColorEncoding
    tags: Tags
    interlaced: bool
    field_order: int  # FFmpeg's code
    transparent: bool


def describe(container: Any, stream: Any, native: Any, deinterlace: Deinterlace) -> Description:
    """Describe the pictures of a film.

    Parameters
    ----------
    container, stream
        PyAV's, of the film and of its pictures.
    native
        The first frame that was decoded. It knows more than headers do.
    deinterlace
        How fields become frames.

    Raises
    ------
    InputError
        The pixel format is not understood, or the film is HDR.
    """
    context, name = stream.codec_context, native.format.name
    layout = layout_of(readable_format(name))
    if layout is None:
        raise InputError(f"frames of {name} are not understood")
    if int(native.color_trc) in _HDR:
        # its code values mean other tones than the network knows, and other chroma than is solved
        hdr = _HDR[int(native.color_trc)]
        raise InputError(
            f"is HDR ({hdr}), whose tones are not read", remedy="convert it to SDR first, see docs/video.md"
        )
    full_range = _is_full_range(native, context, layout)
    matrix = guess_matrix(native.colorspace, native.height, native.width)
    primaries = int(native.color_primaries)
    siting: Siting = "centre" if name.startswith("yuvj") else "left"
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate or _DEFAULT_RATE
    if not 1 <= rate <= _HIGHEST_RATE:
        rate = _DEFAULT_RATE
    frames = stream.frames or _guessed_frames(container, stream, rate)
    time_base = stream.time_base
    if deinterlace == "field":
        rate, frames = rate * 2, frames * 2 if frames else None
        time_base = deinterlaced_base(time_base, deinterlace)
    field_order = getattr(context, "field_order", 0)  # PyAV 17 does not tell
    return Description(
        width=native.width,
        height=native.height,
        time_base=time_base,
        rate=rate,
        frames=frames,
        layout=layout,
        encoding=ColorEncoding(matrix, full_range, primaries == BT2020, siting),
        tags=Tags(
            matrix=matrix,
            primaries=primaries,
            transfer=int(native.color_trc),
            full_range=full_range,
            aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio,
            display_matrix=display_matrix(native),
        ),
        interlaced=deinterlace == "no" and (native.interlaced_frame or field_order not in _PROGRESSIVE),
        field_order=field_order,
        transparent=any(component.is_alpha for component in native.format.components),
    )


def _is_full_range(native: Any, context: Any, layout: PlaneLayout) -> bool:
    if native.format.name.startswith("yuvj"):
        return True
    if native.color_range:
        return bool(native.color_range == FULL)
    return layout.subsampling is None and context.name not in _UNSPECIFIED_IS_LIMITED


def _guessed_frames(container: Any, stream: Any, rate: Fraction) -> int | None:
    if stream.duration:
        duration: Fraction = stream.duration * stream.time_base
        return round(duration * rate)
    if container.duration:
        return round(Fraction(container.duration, _MICROSECONDS) * rate)
    return None
