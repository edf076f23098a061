"""From what a network sees of pictures to the tensors that it is fed, as its descriptor says."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.lab import F_BLACK, F_EDGE, F_SLOPE, L_BLACK, L_SCALE, encode_srgb
from colorizer.networks.base import Floats, NetworkInput
from colorizer.networks.descriptor.model import Descriptor, InputTensor, Sizes

_BORDERS = {"edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}


def grey_code(lightness: Floats) -> Floats:
    """The sRGB code value, 0..1, of a neutral grey of that L* (0..100): R = G = B; the "Lab grey" of others."""
    f = (lightness + np.float32(L_BLACK)) / np.float32(L_SCALE)
    luminance = np.where(f > F_EDGE, f**3, (f - np.float32(F_BLACK)) / np.float32(F_SLOPE))
    return np.clip(encode_srgb(luminance.astype(np.float32)), 0, 1).astype(np.float32)


def padded_size(sizes: Sizes, height: int, width: int) -> tuple[int, int]:
    """Height and width of what the network is given of a picture that it sees at that height and width."""
    if sizes.fixed is not None:
        return sizes.fixed
    return -(-height // sizes.step) * sizes.step, -(-width // sizes.step) * sizes.step


def feed(seen: NetworkInput, descriptor: Descriptor) -> dict[str, Floats]:
    """The tensors for pictures.

    Parameters
    ----------
    seen
        At most of the size that the network takes; what is less is filled up at the right and at the bottom.
    descriptor
        What each input holds.

    Returns
    -------
    dict
        Of every input its array, float32, in the file's own layout.
    """
    height, width = seen.lightness.shape[2:]
    size = padded_size(descriptor.sizes, height, width)
    light = _padded(seen.lightness, size, descriptor.sizes.pad)
    hints = None if seen.hints is None else _padded(seen.hints, size, 0.0)
    planes = _Planes(light, hints)
    return {each.tensor: _tensor(each, planes) for each in descriptor.inputs}


class _Planes:
    """What channels hold, in natural units, computed when it is asked for."""

    def __init__(self, lightness: Floats, hints: Floats | None) -> None:
        self._lightness, self._hints = lightness, hints
        self._made: dict[str, Floats] = {"lightness": lightness[:, 0]}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number, height and width."""
        count, _, height, width = self._lightness.shape
        return count, height, width

    def plane(self, channel: str) -> Floats:
        """(N, H, W) float32."""
        if channel not in self._made:
            self._made.update(self._compute(channel))
        return self._made[channel]

    def _compute(self, channel: str) -> dict[str, Floats]:
        if channel == "grey":
            return {"grey": grey_code(self._lightness[:, 0])}
        if self._hints is None or channel == "zero":
            return {channel: np.zeros(self.shape, np.float32)}
        if channel in ("hint-red", "hint-green", "hint-blue"):
            return self._hinted_rgb(self._hints)
        return {name: self._hints[:, place] for place, name in enumerate(("hint-a", "hint-b", "hint-mask"))}

    def _hinted_rgb(self, hints: Floats) -> dict[str, Floats]:
        lab = np.stack([self._lightness[:, 0], hints[:, 0], hints[:, 1]], axis=-1)
        rgb = np.stack([cv2.cvtColor(np.ascontiguousarray(each), cv2.COLOR_Lab2RGB) for each in lab])
        shown = np.clip(rgb, 0, 1) * hints[:, 2, ..., None]
        return {name: shown[..., place] for place, name in enumerate(("hint-red", "hint-green", "hint-blue"))}


def _tensor(wanted: InputTensor, planes: _Planes) -> Floats:
    if not wanted.channels:
        return np.full(wanted.shape, wanted.value, np.float32)
    count, height, width = planes.shape
    tensor = np.empty((count, len(wanted.channels), height, width), np.float32)
    for place, channel in enumerate(wanted.channels):
        np.multiply(planes.plane(channel), np.float32(wanted.scale[place]), out=tensor[:, place])
        tensor[:, place] += np.float32(wanted.offset[place])
    if wanted.dtype == "uint8":
        tensor = np.clip(np.rint(tensor), 0, 255)
    return np.ascontiguousarray(tensor.transpose(0, 2, 3, 1)) if wanted.layout == "NHWC" else tensor


def _padded(planes: Floats, size: tuple[int, int], how: Any) -> Floats:
    below, right = size[0] - planes.shape[2], size[1] - planes.shape[3]
    if not below and not right:
        return planes
    if how == "reflect" and (below >= planes.shape[2] or right >= planes.shape[3]):
        how = "edge"  # there is not enough to reflect
    border, value = (_BORDERS[how], 0.0) if how in _BORDERS else (cv2.BORDER_CONSTANT, float(how))
    padded: npt.NDArray[np.float32] = np.empty((*planes.shape[:2], *size), np.float32)
    for source, target in zip(planes.reshape(-1, *planes.shape[2:]), padded.reshape(-1, *size), strict=True):
        target[:] = cv2.copyMakeBorder(np.ascontiguousarray(source), 0, below, 0, right, border, value=value)
    return padded
