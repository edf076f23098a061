"""Which numbers a model takes and gives, found out by running it on a made-up scene.

A network for 0..255 that is fed 0..1 sees black and answers nearly the same everywhere; one for 0..1 that is fed 0..255
is driven out of its range. What comes out tells the scale of ab: within ±1, or in Lab units. Where two readings remain,
the user is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colorizer.engines import EngineRequest, Runtime, open_runtime
from colorizer.engines.onnx_file import OnnxFile
from colorizer.errors import EngineError, OptionRef, WeightsError, shown
from colorizer.networks.base import Floats, Model, NetworkInput
from colorizer.networks.described.answer import ab_of
from colorizer.networks.described.feeding import feed, grey_code
from colorizer.networks.described.forms import DescribedForms
from colorizer.networks.described.network import DescribedNetwork
from colorizer.networks.described.tensors import Finding, Overrides, unclear
from colorizer.networks.descriptor.model import Descriptor
from colorizer.networks.descriptor.reading import parse_descriptor
from colorizer.networks.zhang.precision import sample_planes

_PROBE_SIZE = 128  # pixels
_ZHANG_OUTPUT = "class8_ab"

_COLORFUL = 1.0  # CIE Lab units: least spread of an answer to a picture's lightness that makes sense
_LARGEST = 220.0  # CIE Lab units: largest |a| or |b|
_UNIT = 1.05  # largest value of an output that is scaled to ±1, with room for rounding
_DULL = 0.25  # of the spread under the right reading: one that is smaller tells of a network that sees next to nothing
_ALIKE = 0.25  # largest mean difference of grey, 0..1, between what an RGB network is fed and what it gives
_SLOPES = (0.3, 2.0)  # of what it gives over what it is fed
_CLEARLY = 2.0  # factor by which one reading must beat another
_NOISE = 0.01  # grey, 0..1: differences below it tell nothing
_BORDER = 8  # part of the side that is left out at each border, where a network sees its own padding


@dataclass
class ProbedModel:
    """The model in a runtime, loaded once."""

    files: Mapping[str, Path]
    request: EngineRequest
    loaded: Any = None

    def runtime(self, descriptor: Descriptor) -> Runtime:
        """The runtime; the descriptor names the tensors."""
        if self.loaded is None:
            model = Model("probed", descriptor.family, self.files, "stretch", 1, descriptor=descriptor)
            self.loaded = open_runtime(DescribedForms(model, descriptor), self.request)
        runtime: Runtime = self.loaded
        return runtime

    def network(self, descriptor: Descriptor) -> DescribedNetwork:
        """The model, understood as a descriptor says."""
        self.runtime(descriptor)
        return DescribedNetwork(self.loaded, descriptor)


@dataclass
class _Reading:
    """One way to understand a model's numbers."""

    input: Mapping[str, Any]  # fields for the inputs that see the picture
    output: Mapping[str, Any]  # fields for the output
    words: str


@dataclass
class _Strength:
    """How strongly a network answers, as its numbers come."""

    peak: float  # largest |a| or |b|
    spread: float  # standard deviation over the picture, of a or of b

    @property
    def fits(self) -> bool:
        """Whether it may be ab in Lab units."""
        return self.spread >= _COLORFUL and _UNIT < self.peak <= _LARGEST

    @property
    def unit(self) -> bool:
        """Whether it may be ab that is scaled to ±1."""
        return self.spread >= _COLORFUL / 110 and self.peak <= _UNIT


def _inner(planes: Floats) -> Floats:
    """Without the borders; the last two axes are the picture's."""
    height, width = planes.shape[-2:]
    top, left = height // _BORDER, width // _BORDER
    return planes[..., top : height - top, left : width - left]


def _misfit(found: Floats, grey: Floats) -> float:
    """How badly a network's grey follows the picture's; infinite where it does not at all."""
    if found.shape != grey.shape:
        return float("inf")
    slope, start = np.polyfit(grey.ravel().astype(np.float64), found.ravel().astype(np.float64), 1)
    difference = float(np.abs(found - grey).mean())
    if not _SLOPES[0] <= slope <= _SLOPES[1] or difference > _ALIKE:
        return float("inf")
    # what no straight line explains tells of values that were cut off, and counts most
    return float(np.sqrt(np.mean((found - slope * grey - start) ** 2))) + difference / 4


@dataclass
class Probe:
    """Runs a model under several readings and takes the one that makes sense."""

    found: OnnxFile
    finding: Finding
    model: ProbedModel
    said: Overrides

    def settle(self) -> None:
        """Fill in the ranges.

        Raises
        ------
        WeightsError
            None makes sense, or several do.
        """
        holds = self.finding.descriptor["output"]["holds"]
        if self.said.input_range is not None:
            self._as_said(holds)
        elif holds == "rgb":
            self._rgb()
        else:
            self._ab()

    def _as_said(self, holds: str) -> None:
        given = self.said.input_range
        output = self.said.output_range or (given if holds == "rgb" else None)
        reading = _Reading(
            {"range": given}, {} if output is None else {"range": output}, f"input range {given}, as said"
        )
        if holds == "ab" and output is None:
            reading = self._ab_scale({"range": given}, f"input range {given}, as said")
        self._take(reading)

    def _rgb(self) -> None:
        """The network's grey has to follow the picture's, and be near it."""
        grey = _inner(grey_code(self._scene(self._trial({"range": "0..1"}, {"range": "0..1"}))))
        misfits: dict[str, float] = {}
        for name in ("0..1", "0..255", "-1..1", "imagenet"):
            for rgb in self._answers({"range": name}, {"range": name}, raw=False):
                misfits[name] = _misfit(_inner(rgb), grey)
        (best, error), (second, runner_up) = sorted(misfits.items(), key=lambda item: item[1])[:2]
        if not np.isfinite(error):
            raise self._open("gives no picture like the one it is fed, in any range", "0..255")
        if runner_up < _CLEARLY * error + _NOISE:
            raise self._open(f"works with {best} and with {second} alike", best)
        words = f"RGB {best} in and out: its grey is off by {error:.3f} there, and by {runner_up:.3g} with {second}"
        self._take(_Reading({"range": best}, {"range": best}, words))

    def _ab(self) -> None:
        family = self.finding.descriptor["family"]
        if any("scale" in each for each in self.finding.descriptor["inputs"]):
            self._take(self._ab_scale({}, "input as ideepcolor has it"))
            return
        lightness = family in ("ab", "hinted")
        large, small = ("0..100", "0..1") if lightness else ("0..255", "0..1")
        answers = {name: self._strength({"range": name}) for name in (large, small)}
        told = ", ".join(f"|ab| up to {each.peak:.3g} with {name}" for name, each in answers.items())
        if lightness and self.found.outputs[0].name == _ZHANG_OUTPUT:
            self._take(self._ab_scale({"offset": -50}, "L - 50 in, as the names say"))
        elif answers[large].fits and answers[small].spread < _DULL * answers[large].spread:
            # all published exports of one channel for which ab comes in Lab units take L* as it is
            words = "L 0..100 in" if lightness else "RGB 0..255 in"
            self._take(_Reading({"range": large}, {}, f"{words}, ab in Lab units out ({told})"))
        elif not lightness and answers[small].fits and not answers[large].fits:
            self._take(_Reading({"range": small}, {}, f"RGB 0..1 in, ab in Lab units out ({told})"))
        elif not lightness and answers[large].unit and answers[small].spread < _DULL * answers[large].spread:
            self._take(_Reading({"range": large}, {"scale": 110}, f"RGB 0..255 in, ab / 110 out ({told})"))
        elif not lightness and answers[small].unit and answers[large].peak <= _UNIT:
            # even where it is driven far out of its range, nothing beyond ±1 comes
            self._take(_Reading({"range": small}, {"scale": 110}, f"RGB 0..1 in, ab / 110 out ({told})"))
        elif lightness:
            raise self._open(f"may take lightness as 0..100, -50..50, 0..1 or -1..1 ({told})", large)
        else:
            raise self._open(f"may take RGB as 0..1 or 0..255 ({told})", small)

    def _ab_scale(self, given: Mapping[str, Any], words: str) -> _Reading:
        peak = self._strength(given).peak
        if self.said.output_range is not None:
            told = self.said.output_range
            return _Reading(given, {"range": told}, f"{words}; ab in {told}, as said")
        if peak <= _UNIT:
            return _Reading(given, {"scale": 110}, f"{words}; ab / 110 out (up to {peak:.3g})")
        return _Reading(given, {}, f"{words}; ab in Lab units out (up to {peak:.3g})")

    def _strength(self, given: Mapping[str, Any]) -> _Strength:
        descriptor = self._trial(given, {})
        for raw in self._answers(given, {}, raw=True):
            planes = raw if descriptor.output.layout == "NCHW" else raw.transpose(0, 3, 1, 2)
            inner = _inner(planes[0]).astype(np.float64)
            return _Strength(float(np.abs(inner).max()), float(inner.std(axis=(1, 2)).max()))
        return _Strength(float("inf"), 0.0)

    def _answers(self, given: Mapping[str, Any], output: Mapping[str, Any], *, raw: bool) -> list[Floats]:
        """Raw values, or the grey of the RGB in 0..1; nothing where the network cannot be run so."""
        descriptor = self._trial(given, output)
        runtime = self.model.runtime(descriptor)
        seen = NetworkInput(self._scene(descriptor)[None, None])
        found = runtime.run(feed(seen, descriptor)).get(descriptor.output.tensor)
        if found is None:
            return []
        if raw:
            if not np.isfinite(found).all():
                raise EngineError("gives values that are no numbers (NaN or infinite)")
            return [found]
        ab_of(found, descriptor.output)  # says what is wrong with its shape and its numbers
        planes = found if descriptor.output.layout == "NCHW" else found.transpose(0, 3, 1, 2)
        factor = np.array(descriptor.output.scale, np.float32)[:, None, None]
        rgb = planes[0] * factor + np.array(descriptor.output.offset, np.float32)[:, None, None]
        return [np.asarray(rgb.mean(axis=0), np.float32)]

    def _trial(self, given: Mapping[str, Any], output: Mapping[str, Any]) -> Descriptor:
        return parse_descriptor(self._with(given, output), shown(self.found.path))

    def _with(self, given: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, Any]:
        data = self.finding.descriptor
        sees = ("lightness", "grey-rgb")
        inputs = [{**each, **given} if each["holds"] in sees else each for each in data["inputs"]]
        return {**data, "inputs": inputs, "output": {**data["output"], **output}}

    def _scene(self, descriptor: Descriptor) -> Floats:
        height, width = descriptor.sizes.fixed or (_PROBE_SIZE, _PROBE_SIZE)
        side = max(height, width)
        scene = sample_planes(1, side)[0][0, 0] + np.float32(50)
        return np.ascontiguousarray(scene[:height, :width], np.float32)

    def _take(self, reading: _Reading) -> None:
        self.finding.descriptor.update(self._with(reading.input, reading.output))
        self.finding.said.append(reading.words)

    def _open(self, why: str, example: str) -> WeightsError:
        return unclear(self.found.path, why, OptionRef("input_range", example))
