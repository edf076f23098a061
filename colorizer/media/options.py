"""The options of writing, defined once for the library, the command line and the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from colorizer.settings import check_options, option

Profile = Literal["srgb", "keep-rgb"]

FORMAT_NAMES = ("jpeg", "png", "tiff", "webp", "bmp", "pnm", "jp2", "avif", "heic")
"""What can be written, as `Output.format` calls it."""


@dataclass(frozen=True)
class Output:
    """How to write; validated when made.

    Raises
    ------
    UsageError
        A value is outside its range.
    """

    format: str = option(
        "auto",
        "Format to write; auto takes what the output's name says, else the input's own.",
        choices=("auto", *FORMAT_NAMES),
    )
    quality: int | None = option(
        None,
        "Quality of lossy formats; WebP and JPEG 2000 become lossy by it. Default: 95 for JPEG and WebP, 90 for AVIF "
        "and HEIC, lossless where the input is.",
        low=1,
        high=100,
        metavar="1..100",
    )
    subsampling: Literal["444", "422", "420"] = option(
        "444",
        "Chroma resolution of JPEG, AVIF and HEIC: 444 full, 422 and 420 coarser and smaller.",
        choices=("444", "422", "420"),
    )
    profile: Profile = option(
        "srgb",
        "Colour space of the result: sRGB, or with keep-rgb the input's own where that is RGB.",
        choices=("srgb", "keep-rgb"),
    )
    keep_luma: bool | None = option(
        None,
        "Keep a JPEG's own luma as it is coded, coefficient for coefficient, and lay chroma beside it. Default: where "
        "grey JPEG becomes JPEG; if asked for, of JPEG in colour too (sepia, or grey in fact).",
    )
    no_mark: bool = option(False, "Do not say in the result's metadata that its colours were computed.")
    keep_times: bool = option(False, "Give the result the input's times of access and change.")

    def __post_init__(self) -> None:
        check_options(self)
