"""ICC profiles: making and inspecting them, and LittleCMS between two of them.

Source: ICC.1:2022, IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from colorizer.color.lab import decode_srgb
from colorizer.media.damage import DamagedError

Pixels = npt.NDArray[Any]
Space = Literal["gray", "rgb", "cmyk"]

_SIGNATURES: dict[bytes, Space] = {b"GRAY": "gray", b"RGB ": "rgb", b"CMYK": "cmyk"}
_HEADER_SIZE = 128
_SPACE_AT, _DATE_AT = slice(16, 20), slice(24, 36)
_FIXED_DATE = b"\x07\xcf\0\x0a\0\x12" + bytes(6)  # when sRGB was published: the same pixels make the same file

_SRGB_XY = np.array([[0.3127, 0.329], [0.64, 0.33], [0.3, 0.6], [0.15, 0.06]])
"""White, red, green and blue."""

_RELATIVE_COLORIMETRIC = 1
_NO_OPTIMIZATION, _BLACK_POINT_COMPENSATION, _FINE_TABLES = 0x0100, 0x2000, 0x0400  # LittleCMS's flags


def srgb_profile() -> bytes:
    """The standard sRGB profile (588 bytes, ICC version 4, free of rights)."""
    return _built("srgb")


def srgb_grey_profile() -> bytes:
    """A grey profile of sRGB's tone curve."""
    return _built("gray")


def linear_srgb_profile() -> bytes:
    """Linear light of sRGB's primaries."""
    return _built("linear")


@lru_cache(maxsize=3)
def _built(kind: str) -> bytes:
    from imagecodecs import cms_profile

    if kind == "gray":
        curve = decode_srgb(np.linspace(0, 1, 4096))
        return _undated(cms_profile("gray", transferfunction=curve.astype(np.float32)))
    if kind == "linear":
        return gamma_profile(1.0, None, grey=False)
    return _undated(cms_profile(kind))


def _undated(profile: bytes) -> bytes:
    return profile[: _DATE_AT.start] + _FIXED_DATE + profile[_DATE_AT.stop :]


def gamma_profile(gamma: float, chromaticities: npt.NDArray[np.float64] | None, *, grey: bool) -> bytes:
    """A profile from what PNG's gAMA and cHRM say.

    Parameters
    ----------
    gamma
        Exponent from code values to linear light.
    chromaticities
        (4, 2) xy of white, red, green and blue; sRGB's where None.
    grey
        For grey pictures.
    """
    from imagecodecs import cms_profile

    if grey:
        return _undated(cms_profile("gray", gamma=gamma))
    xyy = np.c_[_SRGB_XY if chromaticities is None else chromaticities, np.ones(4)].tolist()
    primaries = [number for point in xyy[1:] for number in point]
    return _undated(cms_profile("rgb", gamma=gamma, whitepoint=xyy[0], primaries=primaries))


def srgb_curve_profile(chromaticities: npt.NDArray[np.float64]) -> bytes:
    """A profile of sRGB's tone curve with other primaries: (4, 2) xy of white, red, green and blue."""
    from imagecodecs import cms_profile

    xyy = np.c_[chromaticities, np.ones(4)].tolist()
    curve = decode_srgb(np.linspace(0, 1, 4096)).astype(np.float32)
    primaries = [number for point in xyy[1:] for number in point]
    return _undated(cms_profile("rgb", whitepoint=xyy[0], primaries=primaries, transferfunction=curve))


def space_of(profile: bytes) -> Space | None:
    """What a profile is for, by its header; None if it is none, or for something else."""
    return _SIGNATURES.get(profile[_SPACE_AT]) if len(profile) > _HEADER_SIZE else None


def has_tables(profile: bytes) -> bool:
    """Whether a profile has tables of several dimensions beside curves and a matrix."""
    count = int.from_bytes(profile[_HEADER_SIZE : _HEADER_SIZE + 4], "big")
    end = min(_HEADER_SIZE + 4 + 12 * count, len(profile))
    return any(profile[place : place + 3] in (b"A2B", b"D2B") for place in range(_HEADER_SIZE + 4, end, 12))


def transform(samples: Pixels, source: bytes, target: bytes, spaces: tuple[Space, Space]) -> npt.NDArray[np.float32]:
    """LittleCMS, any dtype in 0..full scale to unbounded float32.

    Raises
    ------
    DamagedError
        It refuses one of the profiles.
    """
    import imagecodecs

    flags = _BLACK_POINT_COMPENSATION | _FINE_TABLES if spaces[0] == "cmyk" else _NO_OPTIMIZATION
    try:
        result: npt.NDArray[np.float32] = imagecodecs.cms_transform(
            np.ascontiguousarray(samples),
            source,
            target,
            colorspace=spaces[0],
            outcolorspace=spaces[1],
            outdtype=np.float32,
            intent=_RELATIVE_COLORIMETRIC,
            flags=flags,
        )
    except (imagecodecs.CmsError, ValueError, TypeError) as error:
        raise DamagedError("it is damaged") from error
    return result
