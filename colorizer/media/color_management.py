"""Colour management: pixels interpreted by the ICC profile that came with them, and given in sRGB, and back.

LittleCMS does the arithmetic, in floating point: its integer shortcuts go through coarse tables. Grey pictures need
only as many evaluations as they have tones, and RGB pictures of the usual kind of profile, three curves and a matrix,
only those of each channel. What lies outside sRGB's gamut keeps its luminance and loses chroma; no channel is clipped
by itself.

Rendering is relative colorimetric, with black point compensation for inks only: there alone does a profile's black
mean "as dark as it gets". A profile that cannot be used, or is one for other pixels, is left aside with a note.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.lab import RGB_TO_XYZ, decode_srgb, encode_srgb
from colorizer.color.pixels import FULL_SCALE, quantize
from colorizer.media.cicp import Cicp, cicp_in_profile, profile_of, tone_mapped
from colorizer.media.damage import DamagedError
from colorizer.media.profiles import Space, has_tables, linear_srgb_profile, space_of, srgb_profile, transform
from colorizer.media.samples import Pixels, fitted, in_strips, looked_up, scaled

Floats = npt.NDArray[np.float32]

_GRID = 9
"""Steps along each axis of the cube of colours at which a profile is compared with sRGB."""

_SAME = {np.dtype(np.uint8): 0.5 / 255}
_SAME_DEEP = 3e-4
"""How far from sRGB's code values a profile counts as sRGB: common ones hold tables of 16 bits, coarse near black."""

_TRIALS = 512
_SAME_LINEAR = 2e-5
"""Colours on which a table for each channel is compared with LittleCMS, and how far linear light may differ."""

_LUMA = RGB_TO_XYZ[1]

_COARSE_GRID, _RAMP = 3, 64
_LEAST_RANGE, _DARKEST_WHITE, _LIGHTEST_WHITE, _FALL = 0.1, 0.25, 2.0, 1e-3
"""What a profile that makes sense has: luminances, of which 1 is the white of sRGB."""


@dataclass(frozen=True)
class InSrgb:
    """Samples turned into sRGB.

    Attributes
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB, sRGB-encoded: the very samples where they were sRGB, else uint16 for integers, so
        that nothing is rounded before the result is, and float32 for floats.
    profile
        The ICC profile that holds for the result: the source's own where that is sRGB and RGB, else the standard one.
    source
        The source's own RGB profile where it is another than sRGB; else empty.
    notes
        What could not be done.
    """

    pixels: Pixels
    profile: bytes
    source: bytes = b""
    notes: tuple[str, ...] = ()


def to_srgb(samples: Pixels, profile: bytes, space: Space, cicp: Cicp | None = None) -> InSrgb:
    """Interpret samples by the profile or the code points that came with them.

    Parameters
    ----------
    samples
        (H, W) grey, (H, W, 3) RGB or (H, W, 4) CMYK, the latter with 0 for no ink; uint8, uint16 or float32 in 0..1.
    profile
        The embedded ICC profile; empty for none, which stands for sRGB.
    space
        What the samples are.
    cicp
        The colour space by code points, where the file states it so: HDR counts more than a profile, any other less.
    """
    notes: tuple[str, ...] = ()
    within = cicp_in_profile(profile)
    hdr = next((stated for stated in (cicp, within) if stated and stated.is_hdr), None)
    if hdr and space != "cmyk":
        pixels, note = tone_mapped(samples, hdr)
        return InSrgb(pixels, srgb_profile(), notes=(note,))
    if cicp and not profile and space != "cmyk":
        profile, notes = profile_of(cicp, space)
    if profile:
        try:
            return _converted(samples, profile, space)
        except ValueError as error:
            why = str(error) if isinstance(error, DamagedError) else "it makes no sense"
            notes = (*notes, f"the embedded colour profile is left aside ({why}); the picture is taken for sRGB")
    return InSrgb(_without_inks(samples) if space == "cmyk" else samples, srgb_profile(), notes=notes)


def _converted(samples: Pixels, profile: bytes, space: Space) -> InSrgb:
    own = space_of(profile)
    if (space, own) == ("rgb", "gray") and (samples == samples[..., :1]).all():
        samples, space = np.ascontiguousarray(samples[..., 0]), "gray"  # of formats that know only RGB
    if own is None or (own != space and (space, own) != ("gray", "rgb")):
        raise DamagedError(f"it is {'none for pictures' if own is None else 'for ' + own.upper()}")
    _check_sense(profile, own)
    notes: tuple[str, ...] = ()
    if own != space:
        notes = ("the picture is grey, its profile RGB; its neutral tones are used",)
    if space == "gray":
        return InSrgb(_grey_to_srgb(samples, profile, own), srgb_profile(), notes=notes)
    if space == "cmyk":
        return InSrgb(_transformed(samples, profile, "cmyk"), srgb_profile())
    if _is_srgb(profile, samples.dtype):
        return InSrgb(samples, profile)
    return InSrgb(_transformed(samples, profile, "rgb"), srgb_profile(), profile)


@lru_cache(maxsize=16)
def _check_sense(profile: bytes, own: Space) -> None:
    """Refuse a profile that no picture can mean: one without light and dark, or, where curves and a matrix are all, one
    whose white is not light or whose neutral tones do not rise from black to it.
    """
    channels = {"gray": 1, "rgb": 3, "cmyk": 4}[own]

    def luminance(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        samples = np.rint(values * FULL_SCALE[np.dtype(np.uint16)]).astype(np.uint16)  # of inks floats are percentages
        samples = samples[..., 0] if own == "gray" else samples
        light: npt.NDArray[np.float64] = transform(samples, profile, linear_srgb_profile(), (own, "rgb"))[0] @ _LUMA
        return light

    cube = np.stack(np.meshgrid(*[np.linspace(0, 1, _COARSE_GRID)] * channels), -1).reshape(1, -1, channels)
    found = luminance(cube)
    if not np.isfinite(found).all() or np.ptp(found) < _LEAST_RANGE:
        raise DamagedError("it makes no sense: all its colours are equally light")
    if own == "cmyk" or has_tables(profile):
        return
    ramp = luminance(np.repeat(_tones(_RAMP)[..., None], channels, axis=-1))
    if not _DARKEST_WHITE <= ramp[-1] <= _LIGHTEST_WHITE or (np.diff(ramp) < -_FALL).any():
        raise DamagedError("it makes no sense: its white is not the lightest of its neutral tones")


def _tones(count: int) -> npt.NDArray[np.float64]:
    return np.linspace(0, 1, count)[None]


def _grey_to_srgb(samples: Pixels, profile: bytes, own: Space) -> Pixels:
    def convert(tones: Pixels) -> npt.NDArray[np.float64]:
        values = tones if own == "gray" else np.dstack([tones] * 3)
        rgb = transform(values, profile, srgb_profile(), (own, "rgb")).astype(np.float64)
        return np.clip(encode_srgb(np.clip(decode_srgb(rgb), 0, 1) @ _LUMA), 0, 1)

    if samples.dtype not in FULL_SCALE:
        converted = in_strips(lambda strip: convert(strip).astype(np.float32), samples, (), np.dtype(np.float32))
        return samples if np.abs(convert(_tones(4096)) - _tones(4096)).max() < _SAME_DEEP else converted
    tones = _tones(FULL_SCALE[samples.dtype] + 1)
    table = convert(tones)[0]
    if np.abs(table - tones[0]).max() < _SAME.get(samples.dtype, _SAME_DEEP):
        return samples
    return looked_up(samples, np.rint(table * FULL_SCALE[np.dtype(np.uint16)]).astype(np.uint16))


@lru_cache(maxsize=16)
def _is_srgb(profile: bytes, dtype: np.dtype[Any]) -> bool:
    axis = np.linspace(0, 1, _GRID)
    cube = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(1, -1, 3)
    ramp = np.dstack([_tones(256)] * 3)
    asked = np.concatenate([cube, ramp], axis=1)
    answer = transform(asked, profile, srgb_profile(), ("rgb", "rgb"))
    return bool(np.abs(answer - asked).max() < _SAME.get(dtype, _SAME_DEEP))


def _transformed(samples: Pixels, profile: bytes, space: Space) -> Pixels:
    dtype = np.dtype(np.uint16 if samples.dtype in FULL_SCALE else np.float32)
    to_linear = _by_channel(profile, samples.dtype) if space == "rgb" and samples.dtype in FULL_SCALE else None

    def convert(strip: Pixels) -> Pixels:
        linear = to_linear(strip) if to_linear else transform(strip, profile, linear_srgb_profile(), (space, "rgb"))
        return quantize(fitted(linear), dtype)

    return in_strips(convert, samples, (3,), dtype)


def _by_channel(profile: bytes, dtype: np.dtype[Any]) -> Callable[[Pixels], Floats] | None:
    """Linear light of sRGB's primaries by a table for each channel; None for a profile of another kind."""
    curves, matrix = _curves(profile, FULL_SCALE[dtype])

    def to_linear(samples: Pixels) -> Floats:
        own = np.empty(samples.shape, np.float32)
        for channel in range(3):
            np.take(curves[channel], samples[..., channel], out=own[..., channel])
        linear: Floats = own @ matrix
        return linear

    trial = np.random.default_rng(0).integers(0, FULL_SCALE[dtype] + 1, (1, _TRIALS, 3)).astype(dtype)
    difference = to_linear(trial) - transform(trial, profile, linear_srgb_profile(), ("rgb", "rgb"))
    return to_linear if np.abs(difference).max() < _SAME_LINEAR else None


@lru_cache(maxsize=4)
def _curves(profile: bytes, full: int) -> tuple[Floats, Floats]:
    """Linear light of each channel's code values, (3, N), 1 at full scale, and its colour at full scale, (3, 3)."""
    tones = np.zeros((3, full + 1, 3))
    for channel in range(3):
        tones[channel, :, channel] = np.linspace(0, 1, full + 1)
    linear = transform(tones, profile, linear_srgb_profile(), ("rgb", "rgb")).astype(np.float64)
    matrix = linear[:, -1]
    weights = matrix / np.maximum((matrix**2).sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    curves = np.einsum("cni,ci->cn", linear, weights)
    return curves.astype(np.float32), matrix.astype(np.float32)


def _without_inks(samples: Pixels) -> Pixels:
    """RGB of CMYK without a profile: each ink takes away its complement."""
    full = FULL_SCALE.get(samples.dtype, 1)

    def convert(strip: Pixels) -> Pixels:
        light = (full - strip.astype(np.float32)) / np.float32(full)
        return scaled(light[..., :3] * light[..., 3:], samples.dtype)

    return in_strips(convert, samples, (3,), samples.dtype)


def from_srgb(pixels: Pixels, profile: bytes, dtype: np.dtype[Any]) -> Pixels:
    """Turn sRGB pixels into code values of another RGB profile.

    Parameters
    ----------
    pixels
        (H, W, 3) RGB; uint8, uint16 or float32 in 0..1.
    profile
        An RGB profile.
    dtype
        Of the result.

    Raises
    ------
    ValueError
        The profile only leads into the one direction, as those of scanners may.
    """

    def convert(strip: Pixels) -> Pixels:
        return scaled(np.clip(transform(strip, srgb_profile(), profile, ("rgb", "rgb")), 0, 1), dtype)

    return in_strips(convert, pixels, (3,), dtype)
