"""The options of film, defined once for the library, the command line and the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from colorizer.errors import OptionRef, UsageError
from colorizer.film.formats import CODECS
from colorizer.settings import AUTO_SIZE, Settings, check_options, option

DEFAULT_STEADINESS = 0.75

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class FilmOptions:
    """How to read and write a film, and how steady its colours are; validated when made.

    Raises
    ------
    UsageError
        A value is outside its range.
    """

    codec: str = option(
        "auto",
        "Codec of the pictures; auto takes h264, or vp9 in .webm.",
        choices=("auto", *CODECS),
    )
    crf: int | None = option(
        None,
        "Constant quality, lower is better and larger. Default: 18 for h264, 20 for h265, 24 for vp9 and av1.",
        low=0,
        high=63,
        metavar="0..63",
    )
    preset: str | None = option(
        None,
        "The encoder's speed: ultrafast to veryslow for h264 and h265, 0 to 13 for av1. Default: veryfast for h264.",
        metavar="NAME",
    )
    hardware: bool = option(
        False, "Encode h264 or h265 on the graphics chip (NVENC, Quick Sync, VideoToolbox), if one here does it."
    )
    pixel_format: str | None = option(
        None,
        "Pixel format to write, such as yuv422p10le. Default: the film's own where the codec has it.",
        metavar="NAME",
    )
    audio_codec: str = option(
        "copy",
        "copy takes the sound over packet for packet; aac, opus, flac or pcm encode it anew.",
        choices=("copy", "aac", "opus", "flac", "pcm"),
    )
    no_audio: bool = option(False, "Leave the sound out.")
    start: str | None = option(None, "Begin here: seconds, or H:MM:SS.", metavar="TIME")
    end: str | None = option(None, "Stop before this: seconds, or H:MM:SS.", metavar="TIME")
    deinterlace: Literal["no", "frame", "field"] = option(
        "no",
        "Make whole frames of interlaced ones: frame keeps the rate, field doubles it. Without it fields stay.",
        choices=("no", "frame", "field"),
    )
    steadiness: float = option(
        DEFAULT_STEADINESS,
        "How much chroma follows the motion from frame to frame; 0 colours every frame by itself.",
        low=0.0,
        high=0.98,
        metavar="0..0.98",
    )
    every: str = option(
        "1",
        "Run the network on every N-th frame only and let chroma follow the motion in between; auto runs it when the "
        "picture changes.",
        metavar="auto|N",
    )

    no_mark: bool = option(False, "Do not say in the film's metadata how its colours were computed.")

    def __post_init__(self) -> None:
        check_options(self)
        begin, end = self.span
        if end is not None and end <= (begin or 0):
            raise UsageError("expected a time after the start", option=OptionRef("end", str(self.end)))
        self.network_every  # noqa: B018 - checks it

    @property
    def span(self) -> tuple[Fraction | None, Fraction | None]:
        """Start and end in seconds."""
        return _seconds("start", self.start), _seconds("end", self.end)

    @property
    def network_every(self) -> int | None:
        """Frames from one run of the network to the next; None for auto.

        Raises
        ------
        UsageError
            `every` is neither; it is checked when the options are made.
        """
        if self.every == "auto":
            return None
        if not self.every.isdecimal() or not int(self.every):
            raise UsageError("expected auto or a number from 1", option=OptionRef("every", self.every))
        return int(self.every)


def film_settings(settings: Settings) -> Settings:
    """Settings as they are for film, where a network looks at a frame once unless it is given several sizes.

    Measured (docs/video.md), a second look makes films little better, and takes the network five times as long.
    """
    return replace(settings, fast=True) if settings.size == AUTO_SIZE and not settings.compat else settings


def _seconds(name: str, text: str | None) -> Fraction | None:
    if text is None:
        return None
    found = _CLOCK.match(text.strip())
    if not found:
        raise UsageError("expected seconds, or H:MM:SS", option=OptionRef(name, text))
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(seconds)
