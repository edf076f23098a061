"""What the numbers of a Y'CbCr frame mean: matrix, range, bit depth, and where the chroma samples lie.

Knows no frames and no files. Sources: ITU-R BT.601-7, BT.709-6, BT.2020-2; the codes of the tags are those of ITU-T
H.273, which every container and codec uses. Where a film is not tagged, the guess is the one that players make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Siting = Literal["left", "centre"]

MATRICES = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020, non-constant luminance
}
"""The luma coefficients Kr and Kb, weights of R' and B' in Y', by the matrix's code in H.273."""

BT709, BT601, BT2020 = 1, 6, 9

LIMITED, FULL = 1, 2
"""Codes of the range tag as FFmpeg has them; 0 is unspecified."""

SD_WIDTH, SD_HEIGHT = 1024, 576
"""Untagged frames up to this size are taken for BT.601, larger ones for BT.709, as mpv and FFmpeg's scaler do."""


@dataclass(frozen=True)
class ColorEncoding:
    """How code values are meant."""

    matrix: int = BT709  # a key of MATRICES
    full_range: bool = False
    wide_gamut: bool = False  # BT.2020 primaries in place of BT.709's
    siting: Siting = "left"  # of chroma samples, along a row

    @property
    def luma_coefficients(self) -> tuple[float, float]:
        """Kr and Kb, the weights of R' and B' in Y'."""
        return MATRICES[self.matrix]


@dataclass(frozen=True)
class PlaneLayout:
    """The planes of a frame: their bit depth, and how chroma is subsampled."""

    bits: int  # of a code value; 8 in a byte, more in two bytes
    subsampling: tuple[int, int] | None  # luma rows and columns to a chroma sample; None for grey

    def chroma_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a chroma plane; a grey layout has none."""
        down, across = self.subsampling or (height, width)
        return -(-height // down), -(-width // across)


@dataclass(frozen=True)
class CodeRange:
    """Code values of black, white and no chroma at a bit depth."""

    black: int
    luma_span: int  # white - black
    middle: int  # chroma 0
    chroma_span: int  # code values from chroma -1/2 to 1/2
    top: int  # the largest code value


def code_range(bits: int, *, full_range: bool) -> CodeRange:
    """Code values at a depth: BT.709, table 3.4 and its like in the others."""
    top = (1 << bits) - 1
    middle = 1 << (bits - 1)
    if full_range:
        return CodeRange(0, top, middle, top, top)
    unit = 1 << (bits - 8)
    return CodeRange(16 * unit, 219 * unit, middle, 224 * unit, top)


def guess_matrix(tag: int, height: int, width: int) -> int:
    """The matrix of a tag; for an absent or unknown one, what players take for a frame of that size."""
    if tag in MATRICES:
        return tag
    return BT601 if width <= SD_WIDTH and height <= SD_HEIGHT else BT709
