"""What a model without a descriptor is: asked of its tensors, and found out by running it.

Shapes tell the family, the layout and the size. Ranges are probed: a network for 0..255 that is fed 0..1 sees black and
answers nearly the same everywhere; one for 0..1 that is fed 0..255 is driven out of its range. What comes out tells the
scale of ab: within ±1, or in Lab units. Where two readings remain, the user is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from colorizer.engines import EngineRequest, Runtime, open_runtime
from colorizer.engines.onnx_file import OnnxFile, TensorInfo, read_onnx_file
from colorizer.errors import EngineError, OptionRef, Remedy, WeightsError, shown
from colorizer.networks.base import Floats, Model, NetworkInput
from colorizer.networks.described.answer import ab_of
from colorizer.networks.described.feeding import feed, grey_code
from colorizer.networks.described.files import FEEDABLE, check_against
from colorizer.networks.described.forms import DescribedForms
from colorizer.networks.described.network import DescribedNetwork
from colorizer.networks.described.trial import canary_size, measured
from colorizer.networks.descriptor.model import Descriptor
from colorizer.networks.descriptor.reading import parse_descriptor
from colorizer.networks.descriptor.rules import RULES
from colorizer.networks.zhang.precision import sample_planes

PACKED = "data_l_ab_mask"
"""ideepcolor's input: L - 50, a, b, and 110 where they hold."""

ZHANG_BINS = 313

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
class Overrides:
    """What the user says of a model."""

    family: str | None = None
    input_range: str | None = None
    output_range: str | None = None
    layout: str | None = None
    size: int | None = None


@dataclass
class Finding:
    """A descriptor, and how each of its fields came about."""

    descriptor: dict[str, Any]
    said: list[str] = field(default_factory=list)


def recognise(files: Mapping[str, Path], request: EngineRequest, **overrides: Any) -> dict[str, Any]:
    """What a model is.

    Parameters
    ----------
    files
        Its files; ONNX.
    request
        The runtime to probe it in.
    overrides
        The fields of `Overrides`, as far as the user says something.

    Returns
    -------
    dict
        "descriptor" as JSON has it, and "said": lines on what was found, and how.

    Raises
    ------
    WeightsError
        It is no colouring network of a known family, or what it is cannot be told.
    """
    said = Overrides(**overrides)
    if "onnx" not in files:
        raise _unclear(next(iter(files.values())), "is not in a format that tells of its tensors", "a descriptor")
    found = read_onnx_file(files["onnx"])
    finding = _by_tensors(found, said)
    runtime = _Runs(files, request)
    try:
        _Probe(found, finding, runtime, said).settle()
        descriptor = parse_descriptor(finding.descriptor, shown(found.path))
        check_against(descriptor, found)
        canary = measured(runtime.network(descriptor), canary_size(descriptor))
    except EngineError as error:
        raise WeightsError(
            f"{shown(found.path)}: computes no colours; {error.message.text}", remedy=Remedy.DESCRIBE
        ) from error
    finding.descriptor["canary"] = {"size": canary.size, "mean": list(canary.mean), "spread": list(canary.spread)}
    return {"descriptor": finding.descriptor, "said": finding.said}


def _by_tensors(found: OnnxFile, said: Overrides) -> Finding:
    """Family, layout and size, as far as names and shapes tell."""
    path = found.path
    output = found.outputs[0] if len(found.outputs) == 1 else _chosen_output(found)
    if output.shape is not None and len(output.shape) != 4:
        raise _no_network(path, f"its output is of shape {_shape(output)}")
    for each in (*found.inputs, output):
        if each.dtype not in FEEDABLE:
            kinds = ", ".join(FEEDABLE)
            raise _no_network(path, f"{shown(each.name)} is of {each.dtype}, and pictures come as {kinds}")
    images = [each for each in found.inputs if each.shape is None or len(each.shape) == 4]
    if not images or len(images) < len(found.inputs):
        raise _no_network(path, f"its inputs are {_listed(found.inputs)}")
    layout = said.layout or _layout(path, images[0], output)
    inputs, family, how = _inputs(path, images, output, layout, said)
    holds = _holds(path, output, layout, family, said)
    family = family or {"ab": "grey-rgb-to-ab", "rgb": "rgb"}[holds]
    descriptor: dict[str, Any] = {
        "version": 1,
        "family": family,
        "inputs": [dict(each) for each in inputs],
        "output": {"tensor": output.name, "holds": holds},
        "size": _size(images[0], layout, family, said),
    }
    if layout == "NHWC":
        for each in (*descriptor["inputs"], descriptor["output"]):
            each["layout"] = layout
    lines = [f"family {family}: {how}", f"layout {layout}", _size_words(descriptor["size"])]
    dtypes = sorted({each.dtype for each in images} - {"float32"})
    return Finding(descriptor, lines + [f"tensors of {', '.join(dtypes)}"] * bool(dtypes))


def _chosen_output(found: OnnxFile) -> TensorInfo:
    usable = [each for each in found.outputs if each.shape is None or len(each.shape) == 4]
    if len(usable) == 1:
        return usable[0]
    raise _no_network(found.path, f"its outputs are {_listed(found.outputs)}")


def _channels(each: TensorInfo, layout: str) -> int | None:
    if each.shape is None or len(each.shape) != 4:
        return None
    return each.shape[1 if layout == "NCHW" else 3]


def _layout(path: Path, first: TensorInfo, output: TensorInfo) -> str:
    few = range(1, 6)
    for each in (first, output):
        possible = [layout for layout in ("NCHW", "NHWC") if _channels(each, layout) in few]
        if len(possible) == 1:
            return possible[0]
    if first.shape is None or all(side is None for side in first.shape[1:]):
        raise _unclear(path, "does not say which side of its input holds the channels", OptionRef("layout", "NCHW"))
    return "NCHW"


def _inputs(
    path: Path, images: Sequence[TensorInfo], output: TensorInfo, layout: str, said: Overrides
) -> tuple[list[dict[str, Any]], str | None, str]:
    counts = [_channels(each, layout) for each in images]
    if said.family is not None and len(images) == 1 and said.family in ("ab", "grey-rgb-to-ab", "rgb"):
        holds = "lightness" if said.family == "ab" else "grey-rgb"
        return [{"tensor": images[0].name, "holds": holds}], said.family, "as said"
    if counts == [1]:
        return [{"tensor": images[0].name, "holds": "lightness"}], "ab", "one channel in"
    if counts == [3]:
        return [{"tensor": images[0].name, "holds": "grey-rgb"}], None, "three channels in"
    if counts == [4] and (images[0].name == PACKED or said.family == "hinted"):
        entry = {"tensor": images[0].name, "holds": ["lightness", "hint-a", "hint-b", "hint-mask"]}
        return [{**entry, "scale": [1, 1, 1, 110], "offset": [-50, 0, 0, 0]}], "hinted", "ideepcolor's packed input"
    if sorted(filter(None, counts)) == [1, 1, 2] and len(images) == 3:
        return _three(images, counts), "hinted", "lightness, ab hints and mask in"
    channels = ", ".join("?" if count is None else str(count) for count in counts)
    if None in counts:
        raise _unclear(path, "does not say how many channels its input has", OptionRef("family"))
    raise _no_network(path, f"its inputs have {channels} channels, its output {_shape(output)}")


def _three(images: Sequence[TensorInfo], counts: Sequence[int | None]) -> list[dict[str, Any]]:
    ones = [each.name for each, count in zip(images, counts, strict=True) if count == 1]
    masks = [name for name in ones if any(word in name.lower() for word in ("mask", "map"))]
    mask = masks[0] if len(masks) == 1 else ones[-1]
    holds = {name: "hint-mask" if name == mask else "lightness" for name in ones}
    return [{"tensor": each.name, "holds": holds.get(each.name, "hint-ab")} for each in images]


def _holds(path: Path, output: TensorInfo, layout: str, family: str | None, said: Overrides) -> str:
    count = _channels(output, layout)
    if count == ZHANG_BINS:
        raise _no_network(path, "it gives 313 classes; such a network is taken as Caffe's two files")
    usual = {"ab": "ab", "grey-rgb-to-ab": "ab", "rgb": "rgb", "hinted": "ab"}
    if count is None and (said.family or family):
        return usual[str(said.family or family)]
    if count == 2:
        return "ab"
    if count == 3 and family in (None, "rgb"):
        return "rgb"
    if count is None:
        raise _unclear(path, "does not say how many channels its output has", OptionRef("family"))
    raise _no_network(path, f"its output is of shape {_shape(output)}")


def _size(first: TensorInfo, layout: str, family: str, said: Overrides) -> dict[str, Any]:
    sides = [] if first.shape is None else list(first.shape[2:] if layout == "NCHW" else first.shape[1:3])
    if sides and None not in sides:
        return {"fixed": sides}
    rules = RULES[family]
    return {"default": said.size or rules.size, "step": rules.step}


def _size_words(size: Mapping[str, Any]) -> str:
    if "fixed" in size:
        height, width = size["fixed"]
        return f"sees {height} x {width} pixels alone"
    return f"takes any size, here multiples of {size['step']}; {size['default']} if not said otherwise"


@dataclass
class _Runs:
    """The model in a runtime, loaded once."""

    files: Mapping[str, Path]
    request: EngineRequest
    loaded: Any = None

    def runtime(self, descriptor: Descriptor) -> Runtime:
        if self.loaded is None:
            model = Model("probed", descriptor.family, self.files, "stretch", 1, descriptor=descriptor)
            self.loaded = open_runtime(DescribedForms(model, descriptor), self.request)
        runtime: Runtime = self.loaded
        return runtime

    def network(self, descriptor: Descriptor) -> DescribedNetwork:
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
class _Probe:
    """Runs a model under several readings and takes the one that makes sense."""

    found: OnnxFile
    finding: Finding
    runs: _Runs
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
        runtime = self.runs.runtime(descriptor)
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
        return _unclear(self.found.path, why, OptionRef("input_range", example))


def _unclear(path: Path, why: str, what: OptionRef | str) -> WeightsError:
    return WeightsError(
        f"{shown(path)}: {why}, which cannot be told from the file", remedy=Remedy.SAY_ON_IMPORT, what=what
    )


def _no_network(path: Path, why: str) -> WeightsError:
    text = f"{shown(path)}: an ONNX model, but no colouring network of a known family; {why}"
    return WeightsError(text, remedy=Remedy.DESCRIBE)


def _listed(tensors: Sequence[TensorInfo]) -> str:
    return ", ".join(f"{shown(each.name)} {_shape(each)}" for each in tensors[:6]) or "none"


def _shape(each: TensorInfo) -> str:
    if each.shape is None:
        return "of unknown shape"
    return "[" + ", ".join("?" if side is None else str(side) for side in each.shape) + "]"
