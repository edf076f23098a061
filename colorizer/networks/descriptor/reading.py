"""From JSON to a descriptor, or to one line that says which field is wrong and what it may be."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from colorizer.errors import WeightsError, json_trouble, shown
from colorizer.networks.descriptor.fields import Fields
from colorizer.networks.descriptor.model import (
    CHANNELS,
    CHANNELS_OF,
    GROUPS,
    IMAGENET_MEAN,
    IMAGENET_STD,
    VERSION,
    Canary,
    Descriptor,
    Dtype,
    Holds,
    InputTensor,
    Layout,
    OutputTensor,
    Part,
    Sizes,
    Spreading,
)
from colorizer.networks.descriptor.rules import RULES
from colorizer.settings import LARGEST_SIZE, Fit

LARGEST_FILE = 1 << 20
"""Bytes of a descriptor."""

_NATURAL: dict[str, tuple[float, float]] = {"lightness": (0.0, 100.0), "ab": (-110.0, 110.0)}
"""Natural ranges, low and high; 0..1 for all others. Of ab it is the one that networks are scaled to."""

_TOP = {
    *("$schema", "version", "family", "title", "inputs", "output", "size", "canary", "files", "licence"),
    *("deterministic", "notes", "spreading"),
}
_INPUT = {"tensor", "holds", "range", "scale", "offset", "mean", "std", "layout", "dtype", "order", "shape", "value"}
_OUTPUT = {"tensor", "holds", "range", "scale", "offset", "mean", "std", "layout", "order"}
_SIZE = {"default", "step", "fixed", "min", "max", "fit", "pad"}
_CANARY = {"size", "mean", "spread", "tolerance"}
_FILE = {"name", "role", "bytes", "sha256"}


def read_descriptor(path: Path) -> Descriptor:
    """The descriptor in a file.

    Raises
    ------
    WeightsError
        It cannot be read, is no JSON, or a field of it is wrong.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WeightsError(f"{shown(path)}: too large for a descriptor ({path.stat().st_size} bytes)")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{shown(path)}: cannot read the descriptor ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{shown(path)}: not a descriptor in JSON ({json_trouble(error)})") from error
    return parse_descriptor(data, shown(path))


def parse_descriptor(data: Any, name: str) -> Descriptor:
    """The descriptor that JSON says.

    Parameters
    ----------
    data
        As `json.loads` gives it.
    name
        Where it comes from, for messages.

    Raises
    ------
    WeightsError
        A field is wrong.
    """
    return _Reader(name).descriptor(data)


class _Reader(Fields):
    def descriptor(self, data: Any) -> Descriptor:
        self.known(data, _TOP, "")
        version = self.get(data, "version", int, "", VERSION)
        if version != VERSION:
            raise self.wrong("version", f"is {version}, and this colorize reads {VERSION}; a newer one may read it")
        family = self.choice(data, "family", tuple(RULES), "")
        rules = RULES[family]
        given = self.get(data, "inputs", list, "")
        inputs = tuple(self.input(item, f"inputs[{place}]") for place, item in enumerate(given))
        held = [channel for each in inputs for channel in each.channels]
        for needed in rules.needs:
            if not any(channel in held for channel in needed):
                raise self.wrong("inputs", f"of the family {family} must hold {' or '.join(needed)}")
        for channel in held:
            if channel not in rules.may:
                raise self.wrong("inputs", f"of the family {family} cannot hold {channel}")
        names = [each.tensor for each in inputs]
        if len(set(names)) < len(names):
            raise self.wrong("inputs", "name a tensor twice")
        if "spreading" in data and not any(channel.startswith("hint-") for channel in held):
            raise self.wrong("spreading", "is for networks that are fed hints")
        output = self.output(self.get(data, "output", dict, ""))
        if output.holds not in rules.gives:
            raise self.wrong("output.holds", f"must be {' or '.join(rules.gives)} in the family {family}")
        return Descriptor(
            family=family,
            inputs=inputs,
            output=output,
            sizes=self.sizes(self.get(data, "size", dict, "", {}), rules.size, rules.step),
            canary=self.canary(data.get("canary")),
            parts=tuple(
                self.part(item, f"files[{place}]") for place, item in enumerate(self.get(data, "files", list, "", []))
            ),
            title=self.get(data, "title", str, "", ""),
            licence=self.get(data, "licence", dict, "", {}),
            deterministic=self.get(data, "deterministic", bool, "", True),
            spreading=self.choice(data, "spreading", get_args(Spreading), "", "both"),
            source=data,
        )

    def input(self, item: Any, where: str) -> InputTensor:
        self.known(item, _INPUT, where)
        tensor = self.get(item, "tensor", str, where, "")
        layout = self.choice(item, "layout", get_args(Layout), where, "NCHW")
        dtype = self.choice(item, "dtype", get_args(Dtype), where, "float32")
        holds = item.get("holds")
        if holds == "constant":
            shape = self.get(item, "shape", list, where)
            if not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in shape):
                raise self.wrong(f"{where}.shape", "must be a list of numbers above 0")
            if math.prod(shape) > LARGEST_SIZE**2 * 4:
                raise self.wrong(f"{where}.shape", "is too large")
            value = self.numbers(item, "value", where, 1, 0.0)[0]
            return InputTensor(tensor, (), (), (), layout, dtype, tuple(shape), value)
        channels = GROUPS.get(holds) if isinstance(holds, str) else tuple(holds) if isinstance(holds, list) else None
        if not channels or not all(channel in CHANNELS for channel in channels):
            groups, single = ", ".join([*GROUPS, "constant"]), ", ".join(CHANNELS)
            raise self.wrong(f"{where}.holds", f"must be one of {groups}, or a list of {single}")
        scale, offset = self.affine(item, where, channels)
        if self.choice(item, "order", ("rgb", "bgr"), where, "rgb") == "bgr":
            scale, offset = _reversed_colors(channels, scale), _reversed_colors(channels, offset)
        return InputTensor(tensor, channels, scale, offset, layout, dtype)

    def output(self, item: Mapping[str, Any]) -> OutputTensor:
        self.known(item, _OUTPUT, "output")
        holds = self.choice(item, "holds", get_args(Holds), "output")
        if holds == "lab" and "range" in item:
            raise self.wrong("output.range", "is not for lab, whose channels have ranges of their own; give scale")
        scale, offset = self.affine(item, "output", (holds,) * CHANNELS_OF[holds])
        if "scale" not in item and "offset" not in item:  # those are given from value to natural value already
            offset = tuple(-shift / factor for shift, factor in zip(offset, scale, strict=True))
            scale = tuple(1 / factor for factor in scale)
        bgr = self.choice(item, "order", ("rgb", "bgr"), "output", "rgb") == "bgr"
        if bgr and holds != "rgb":
            raise self.wrong("output.order", "is for an output that holds rgb")
        if bgr:
            scale, offset = scale[::-1], offset[::-1]
        return OutputTensor(
            self.get(item, "tensor", str, "output", ""),
            holds,
            scale,
            offset,
            self.choice(item, "layout", get_args(Layout), "output", "NCHW"),
            bgr,
        )

    def affine(
        self, item: Mapping[str, Any], where: str, channels: Sequence[str]
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Factor and offset of each channel, from its natural value to the tensor's."""
        ways = [way for way in (("range",), ("scale", "offset"), ("mean", "std")) if any(key in item for key in way)]
        if len(ways) > 1:
            raise self.wrong(where, f"has {ways[0][0]!r} and {ways[1][0]!r}; one of them says it")
        count = len(channels)
        if "mean" in item or "std" in item:
            mean = self.numbers(item, "mean", where, count, 0.0)
            std = self.numbers(item, "std", where, count, 1.0)
            self.no_zero(std, f"{where}.std")
            return tuple(1 / each for each in std), tuple(-m / s for m, s in zip(mean, std, strict=True))
        if "range" not in item:
            scale = self.numbers(item, "scale", where, count, 1.0)
            self.no_zero(scale, f"{where}.scale")
            return scale, self.numbers(item, "offset", where, count, 0.0)
        if item["range"] == "imagenet":
            if count != 3:
                raise self.wrong(f"{where}.range", "imagenet is for three channels")
            return tuple(1 / each for each in IMAGENET_STD), tuple(
                -m / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)
            )
        low, high = self.range(item["range"], f"{where}.range")
        scales, offsets = [], []
        for channel in channels:
            natural_low, natural_high = _NATURAL.get(channel, (0.0, 1.0))
            factor = (high - low) / (natural_high - natural_low)
            scales.append(factor)
            offsets.append(low - natural_low * factor)
        return tuple(scales), tuple(offsets)

    def sizes(self, item: Mapping[str, Any], default: int, step: int) -> Sizes:
        self.known(item, _SIZE, "size")
        fixed: Any = item.get("fixed")
        if isinstance(fixed, int) and not isinstance(fixed, bool):
            fixed = [fixed, fixed]
        if fixed is not None:
            whole = isinstance(fixed, list) and len(fixed) == 2
            if not whole or not all(isinstance(s, int) and 0 < s <= LARGEST_SIZE for s in fixed):
                raise self.wrong("size.fixed", f"must be a side, or height and width, of 1 to {LARGEST_SIZE} pixels")
            default, step = min(fixed), 1
        low = self.pixels(item, "min", 1)
        high = self.pixels(item, "max", LARGEST_SIZE)
        step = self.pixels(item, "step", step)
        default = self.pixels(item, "default", default)
        if fixed is not None and default != min(fixed):
            raise self.wrong("size.default", "differs from the fixed size")
        if fixed is None and (default % step or not low <= default <= high):
            raise self.wrong("size.default", f"must be a multiple of {step} from {low} to {high}")
        pad = item.get("pad", "edge")
        if pad not in ("edge", "reflect"):
            pad = self.numbers(item, "pad", "size", 1, 0.0)[0]
            if not 0 <= pad <= 100:
                raise self.wrong("size.pad", "must be edge, reflect, or a lightness from 0 to 100")
        fit = self.choice(item, "fit", get_args(Fit), "size", "stretch")
        return Sizes(default, step, None if fixed is None else (fixed[0], fixed[1]), low, high, fit, pad)

    def pixels(self, item: Mapping[str, Any], key: str, default: int) -> int:
        value = self.get(item, key, int, "size", default)
        if not 0 < value <= LARGEST_SIZE:
            raise self.wrong(f"size.{key}", f"must be 1 to {LARGEST_SIZE} pixels")
        return int(value)

    def canary(self, item: Any) -> Canary | None:
        if item is None:
            return None
        self.known(item, _CANARY, "canary")
        mean = self.numbers(item, "mean", "canary", 2, None)
        spread = self.numbers(item, "spread", "canary", 2, None)
        tolerance = self.numbers(item, "tolerance", "canary", 1, Canary.tolerance)[0]
        size = self.get(item, "size", int, "canary")
        if not 0 < size <= LARGEST_SIZE:
            raise self.wrong("canary.size", f"must be 1 to {LARGEST_SIZE} pixels")
        return Canary(size, (mean[0], mean[1]), (spread[0], spread[1]), tolerance)

    def part(self, item: Any, where: str) -> Part:
        self.known(item, _FILE, where)
        name = self.get(item, "name", str, where)
        if not name or Path(name).name != name or "\\" in name or name in (".", ".."):
            raise self.wrong(f"{where}.name", "must be the name of a file in the descriptor's folder")
        sha256 = self.get(item, "sha256", str, where, "").lower()
        if sha256 and (len(sha256) != 64 or set(sha256) - set("0123456789abcdef")):
            raise self.wrong(f"{where}.sha256", "must be 64 hexadecimal digits")
        role = self.choice(item, "role", ("model", "data"), where, "model")
        return Part(name, role, self.get(item, "bytes", int, where, 0), sha256)


def _reversed_colors(channels: Sequence[str], values: tuple[float, ...]) -> tuple[float, ...]:
    """Per-channel numbers given as R, G, B for a tensor that has them as B, G, R."""
    places = [place for place, channel in enumerate(channels) if channel == "grey"]
    swapped = list(values)
    for place, other in zip(places, reversed(places), strict=True):
        swapped[place] = values[other]
    return tuple(swapped)
