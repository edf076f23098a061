"""Colour spaces by code points (CICP), as PNG's cICP, nclx of AVIF and HEIC and newer ICC profiles state them.

Ordinary ones become an ICC profile. PQ and HLG, whose highlights are brighter than paper, are tone-mapped:

1. Code values become light on the display: PQ absolute, HLG by its system gamma of 1.2 on a display of 1000 cd/m2.
2. 203 cd/m2, the luminance of HDR reference white, becomes the white of sRGB.
3. Of a picture with brighter parts, the curve of BT.2390 bends these down: its peak (the 99.99th percentile of its
   luminances) becomes white. Tones below the knee stay as they are; a picture without brighter parts is not changed.
4. Chroma that sRGB cannot hold yields, luminance stays.

Source: ITU-T H.273 (code points), ITU-R BT.2100-2 tables 4 and 5 (PQ, HLG), ITU-R BT.2408-7 section 2.2 (reference
white) and annex 5 (the curve, from ITU-R BT.2390).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.lab import RGB_TO_XYZ, XYZ_TO_RGB
from colorizer.color.pixels import FULL_SCALE, quantize
from colorizer.media.profiles import Space, gamma_profile, srgb_curve_profile
from colorizer.media.samples import Pixels, fitted, in_strips

Floats = npt.NDArray[np.float32]
Reals = npt.NDArray[Any]

PQ, HLG = 16, 18
_NAMES = {PQ: "PQ", HLG: "HLG"}
_LINEAR = 8
_GAMMAS = {4: 2.2, 5: 2.8, _LINEAR: 1.0}
_LIKE_SRGB = (1, 2, 6, 13, 14, 15)
"""Transfer functions read as sRGB's: its own, unspecified, and those of cameras, which still encoders mean by it."""

_D65, _C, _DCI, _E = (0.3127, 0.329), (0.310, 0.316), (0.314, 0.351), (1 / 3, 1 / 3)
_PRIMARIES = {
    4: (_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    10: (_E, (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),
    11: (_DCI, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    12: (_D65, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}
"""Chromaticities of white, red, green and blue."""
_LIKE_SRGB_PRIMARIES = (1, 2, 5, 6, 7, 22)
"""Those of BT.709, unspecified, and of older television, which are near."""

_PQ_PEAK = 10_000.0
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_A = 0.17883277
_B, _HLG_C = 1 - 4 * _A, 0.5 - _A * np.log(4 * _A)
_HLG_PEAK, _SYSTEM_GAMMA = 1000.0, 1.2
REFERENCE_WHITE = 203.0
"""Luminance of HDR reference white, in cd/m2."""
_PERCENTILE = 99.99
_SAMPLED = 1 << 22
"""Pixels that the peak is taken from, at least: larger pictures are thinned out."""


@dataclass(frozen=True)
class Cicp:
    """Code points of a colour space.

    Attributes
    ----------
    primaries, transfer
        `ColourPrimaries` and `TransferCharacteristics` of ITU-T H.273.
    """

    primaries: int
    transfer: int

    @property
    def is_hdr(self) -> bool:
        """Whether it is PQ or HLG."""
        return self.transfer in _NAMES

    @property
    def is_known(self) -> bool:
        """Whether it is a space that can be read."""
        primaries = self.primaries in (*_PRIMARIES, *_LIKE_SRGB_PRIMARIES)
        return self.is_hdr or (primaries and self.transfer in (*_GAMMAS, *_LIKE_SRGB))

    @property
    def name(self) -> str:
        """PQ, HLG, or the numbers."""
        return _NAMES.get(self.transfer, f"{self.primaries}/{self.transfer}")


def cicp_in_profile(profile: bytes) -> Cicp | None:
    """What the `cicp` tag of an ICC profile says (ICC.1:2022, 9.2.17)."""
    count = int.from_bytes(profile[128:132], "big")
    for place in range(132, min(132 + 12 * count, len(profile) - 11), 12):
        if profile[place : place + 4] == b"cicp":
            start = int.from_bytes(profile[place + 4 : place + 8], "big")
            content = profile[start : start + 12]
            return Cicp(content[8], content[9]) if len(content) == 12 else None
    return None


def profile_of(cicp: Cicp, space: Space) -> tuple[bytes, tuple[str, ...]]:
    """The ICC profile of a colour space that is not HDR, empty for sRGB, and what could not be made sense of."""
    grey = space == "gray"
    if not cicp.is_known:
        return b"", (f"the colour space {cicp.name} (CICP) is left aside; the picture is taken for sRGB",)
    points = None if cicp.primaries in _LIKE_SRGB_PRIMARIES else np.array(_PRIMARIES[cicp.primaries])
    if cicp.transfer in _GAMMAS:
        return gamma_profile(_GAMMAS[cicp.transfer], points, grey=grey), ()
    return (b"" if points is None or grey else srgb_curve_profile(points)), ()


def tone_mapped(samples: Pixels, cicp: Cicp) -> tuple[Pixels, str]:
    """PQ or HLG as sRGB of 16 bits, and a note that says what was done.

    Parameters
    ----------
    samples
        (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float32 in 0..1.
    cicp
        Its code points.
    """
    weights, to_srgb = _matrices(cicp.primaries)
    thinning = max(1, int((samples.shape[0] * samples.shape[1] / _SAMPLED) ** 0.5))
    light = _display_light(samples[::thinning, ::thinning], cicp, weights)
    luminance = light if light.ndim == 2 else light @ weights
    peak = float(np.percentile(luminance, _PERCENTILE))

    def convert(strip: Pixels) -> Pixels:
        light = _display_light(strip, cicp, weights)
        luminance = light if light.ndim == 2 else light @ weights
        share = _compressed(luminance, peak) / np.maximum(luminance, np.float32(1e-6))
        if light.ndim == 2:
            return quantize(light * share / np.float32(REFERENCE_WHITE), np.dtype(np.uint16))
        linear = (light * share[..., None] / np.float32(REFERENCE_WHITE)) @ to_srgb
        return quantize(fitted(linear), np.dtype(np.uint16))

    pixels = in_strips(convert, samples, samples.shape[2:], np.dtype(np.uint16))
    bent = f", its highlights up to {peak:.0f} cd/m2 bent down" if peak > REFERENCE_WHITE * 1.01 else ""
    note = f"HDR ({cicp.name}) is tone-mapped: {REFERENCE_WHITE:.0f} cd/m2 is white{bent} (ITU-R BT.2408)"
    return pixels, note


def _matrices(primaries: int) -> tuple[Floats, Floats]:
    """Weights of the luminance, (3,), and the matrix from linear RGB to that of sRGB, for rows of colours, (3, 3)."""
    if primaries in _LIKE_SRGB_PRIMARIES or primaries not in _PRIMARIES:
        return RGB_TO_XYZ[1].astype(np.float32), np.eye(3, dtype=np.float32)
    white, *points = _PRIMARIES[primaries]
    x, y = np.array(points).T
    columns = np.stack([x, y, 1 - x - y])
    to_xyz = columns * np.linalg.solve(columns, np.array([white[0] / white[1], 1, (1 - sum(white)) / white[1]]))
    matrix = XYZ_TO_RGB @ to_xyz
    matrix /= matrix.sum(axis=1, keepdims=True)  # white stays white
    return to_xyz[1].astype(np.float32), matrix.T.astype(np.float32)


def _display_light(samples: Pixels, cicp: Cicp, weights: Floats) -> Floats:
    """Light on the display, in cd/m2."""
    to_light = from_pq if cicp.transfer == PQ else _scene_light
    if samples.dtype in FULL_SCALE:
        full = FULL_SCALE[samples.dtype]
        light: Floats = np.take(to_light(np.arange(full + 1) / full).astype(np.float32), samples)
    else:
        light = to_light(samples).astype(np.float32)
    if cicp.transfer == HLG:
        scene = light if light.ndim == 2 else (light @ weights)[..., None]
        light = np.float32(_HLG_PEAK) * scene ** np.float32(_SYSTEM_GAMMA - 1) * light
    return light


def from_pq(code: Reals) -> Reals:
    """Luminance in cd/m2 from code values of PQ in 0..1."""
    power = np.clip(code, 0, 1) ** (1 / _M2)
    luminance: Reals = _PQ_PEAK * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)
    return luminance


def to_pq(luminance: Reals) -> Reals:
    """Code values of PQ in 0..1 from luminance in cd/m2."""
    power = (np.clip(luminance, 0, _PQ_PEAK) / _PQ_PEAK) ** _M1
    code: Reals = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return code


def _scene_light(code: Reals) -> Reals:
    """Scene light in 0..1 from code values of HLG in 0..1."""
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - _HLG_C) / _A) + _B) / 12)


def _compressed(luminance: Floats, peak: float) -> Floats:
    """Luminance in cd/m2 with all above the knee bent so that `peak` becomes reference white."""
    result: Floats = np.minimum(luminance, np.float32(max(peak, REFERENCE_WHITE)))
    if peak <= REFERENCE_WHITE:
        return result
    top = to_pq(np.float64(peak))
    highest = to_pq(np.float64(REFERENCE_WHITE)) / top
    knee = 1.5 * highest - 0.5
    above = luminance > from_pq(knee * top)
    place = (np.minimum(to_pq(luminance[above].astype(np.float64)) / top, 1) - knee) / (1 - knee)
    square, cube = place**2, place**3
    bent = (2 * cube - 3 * square + 1) * knee + (cube - 2 * square + place) * (1 - knee)
    bent += (3 * square - 2 * cube) * highest
    result[above] = from_pq(bent * top)
    return result
