"""A network as its prototxt describes it, and whether it belongs to given weights.

Everything that can be wrong with a pair of files is found here, before a runtime sees them: OpenCV would stop with an
assertion, or worse, run and paint garbage. Shapes follow from `layers`; which bytes are which number is `caffemodel`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from colorizer.caffe.caffemodel import BlobLayer, CaffeModel
from colorizer.caffe.diagnose import diagnose
from colorizer.caffe.layers import Layer, Shape, layer_from_message, quoted
from colorizer.caffe.prototxt import Message, PrototxtError, Word, parse
from colorizer.caffe.v1 import type_of_word
from colorizer.errors import WeightsError, shown

MAX_PROTOTXT_BYTES = 4 << 20
"""The release's prototxt has ten thousand; the largest in circulation some hundred thousand."""

MAX_STRIDE = 1024
"""Limit on how far a network may reduce its input; at 32 the deepest known one of this contract."""

_PROBE_SIDE = 64


class Input(NamedTuple):
    """What goes into a network: the blob's name and its shape with the batch, (N, C, H, W); () where none is given."""

    name: str
    shape: Shape


class LayerBlobs(NamedTuple):
    """A layer of the prototxt and the shapes that its weights must have, in Caffe's order."""

    layer: Layer
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Network:
    """A network's inputs and layers, in the order in which they run (inputs are no layers here)."""

    name: str
    inputs: tuple[Input, ...]
    layers: tuple[Layer, ...]
    path: Path | None = field(default=None, compare=False)  # the file it came from, for messages

    def layer(self, name: str) -> Layer | None:
        """The layer of that name, or None."""
        return self._by_name.get(name)

    @cached_property
    def stride(self) -> int:
        """What the sides of the input must be multiples of: the deepest reduction, 8 for the release.

        Raises
        ------
        WeightsError
            The prototxt does not describe a network that can run.
        """
        with naming(self):
            return self._deepest_reduction()

    @cached_property
    def blob_shapes(self) -> tuple[LayerBlobs, ...]:
        """Every layer that has weights, with their shapes; those into which the caller injects as well.

        Raises
        ------
        WeightsError
            The layers do not fit together.
        """
        with naming(self):
            shapes = self._input_shapes(*self.probe_size())
            found = []
            for layer, tops in self._run(shapes):
                wanted = layer.blob_shapes(tuple(shapes[bottom] for bottom in layer.bottoms))
                if wanted:
                    found.append(LayerBlobs(layer, wanted))
                shapes.update(tops)
            return tuple(found)

    def channels(self, blob: str) -> int:
        """How many channels a blob has.

        Raises
        ------
        WeightsError
            The layers do not fit together.
        """
        with naming(self):
            return self.shapes(*self.probe_size())[blob][0]

    def _deepest_reduction(self) -> int:
        stride = lcm(*(side.numerator for pair in self._reductions().values() for side in pair))
        if stride > MAX_STRIDE:
            raise PrototxtError(f"its input's sides would have to be multiples of more than {MAX_STRIDE}")
        return stride

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    def probe_size(self) -> tuple[int, int]:
        """Sides that the network can take, different from each other."""
        height = self.stride * -(-_PROBE_SIDE // self.stride)
        return height, height + self.stride

    def shapes(self, height: int, width: int) -> dict[str, Shape]:
        """Of each blob, by name, its shape (channels, height, width) for an input of that size."""
        shapes = self._input_shapes(height, width)
        for _, tops in self._run(shapes):
            shapes.update(tops)
        return shapes

    def _input_shapes(self, height: int, width: int) -> dict[str, Shape]:
        if any(len(entry.shape) != 4 for entry in self.inputs):
            raise PrototxtError("an input has no shape of batch, channels, height, width")
        return {entry.name: (entry.shape[1], height, width) for entry in self.inputs}

    def _run(self, shapes: dict[str, Shape]) -> Iterator[tuple[Layer, dict[str, Shape]]]:
        """Each layer with the shapes of its tops; the caller adds them to `shapes` before the next."""
        for layer in self.layers:
            for bottom in layer.bottoms:
                if bottom not in shapes:
                    raise layer.error(f"reads {quoted(bottom)}, which nothing before it makes")
            for top in layer.tops:
                if top in shapes and top not in layer.bottoms:
                    raise layer.error(f"makes {quoted(top)} again")
            outputs = layer.output_shapes(tuple(shapes[bottom] for bottom in layer.bottoms))
            yield layer, dict(zip(layer.tops, outputs, strict=False))

    def _reductions(self) -> dict[str, tuple[Fraction, Fraction]]:
        """Of each blob, by name, the input's height and width divided by its own."""
        found = {entry.name: (Fraction(1), Fraction(1)) for entry in self.inputs}
        for layer in self.layers:
            if not layer.bottoms or layer.bottoms[0] not in found:
                raise layer.error("reads nothing that anything before it makes")
            before, by = found[layer.bottoms[0]], layer.reduction
            after = before[0] * by[0], before[1] * by[1]
            if max(side for pair in after for side in pair.as_integer_ratio()) > MAX_STRIDE:
                raise layer.error(f"reduces or enlarges the input more than {MAX_STRIDE} times")
            found.update((top, after) for top in layer.tops)
        return found


def read_network(path: Path) -> Network:
    """The network that a prototxt describes.

    Raises
    ------
    WeightsError
        The file is missing, something else than a prototxt, or no well-formed one; the message says which and where.
    """
    diagnose(path, "prototxt")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PROTOTXT_BYTES + 1)
    except OSError as error:
        raise WeightsError(f"cannot read {shown(path)}: {error.strerror}; check its permissions") from error
    if len(data) > MAX_PROTOTXT_BYTES:
        raise WeightsError(f"{shown(path)} is too large to be a prototxt; give the .prototxt of the model")
    return network_from_message(parse(data.decode("utf-8-sig", "surrogateescape"), path), path)


def network_from_message(message: Message, path: Path | None = None) -> Network:
    """The network that a parsed prototxt describes.

    Both spellings of a layer are understood (`layer`, and the old `layers` with their enum of types), and all three of
    an input: a layer of type Input, `input` with `input_shape`, `input` with four `input_dim`.

    Raises
    ------
    WeightsError
        A field has the wrong type, or two layers have the same name.
    """
    with naming(Network("", (), (), path)):
        return _network(message, path)


def _network(message: Message, path: Path | None) -> Network:
    inputs = list(_inputs(message))
    layers: list[Layer] = []
    for entry in message.fields:
        if entry.name not in ("layer", "layers"):
            continue
        if not isinstance(entry.value, Message):
            raise PrototxtError(f"line {entry.line}: `{entry.name}` should be a message in braces")
        layer = layer_from_message(entry.value, _layer_type(entry.value))
        if layer.type == "Input":
            shapes = [shape.integers("dim") for shape in layer.params.messages("shape")] or [()]
            inputs.extend(Input(top, shapes[min(i, len(shapes) - 1)]) for i, top in enumerate(layer.tops))
        else:
            layers.append(layer)
    name, count = max(Counter(layer.name for layer in layers).items(), key=itemgetter(1), default=("", 0))
    if count > 1:
        raise PrototxtError(f"{count} layers are called {quoted(name)}")
    return Network(message.text("name"), tuple(inputs), tuple(layers), path)


def check_weights(network: Network, model: CaffeModel, injected: Container[str] = ()) -> None:
    """Refuse weights that do not belong to the prototxt: names, types and shapes are compared, layer by layer.

    Layers of the caffemodel that the prototxt does not have (data, losses, Silence) do not matter, unless they are
    normalisations.

    Parameters
    ----------
    network, model
        What the two files say.
    injected
        Names of layers whose weights the caller sets, so that what the file holds of them does not matter.

    Raises
    ------
    WeightsError
        The message names the first layer that differs, and how.
    """
    expected = network.blob_shapes
    _check_normalisation(network, model)
    for layer, shapes in expected:
        if layer.name in injected:
            continue
        found = model.layer(layer.name)
        if found is None:
            raise _mismatch(network, model, f"the weights lack layer {quoted(layer.name)} ({layer.type})")
        if not _same_type(layer, found):
            types = f"a {layer.type} in the prototxt and a {shown(found.type)} in the weights"
            raise _mismatch(network, model, f"layer {quoted(layer.name)} is {types}")
        given = tuple(blob.shape for blob in found.blobs)
        if len(given) != len(shapes) or not all(map(_same_shape, shapes, given)):
            both = f"{_listed(shapes)} in the prototxt and {_listed(given)} in the weights"
            raise _mismatch(network, model, f"layer {quoted(layer.name)} is {both}")


@contextmanager
def naming(network: Network) -> Iterator[None]:
    """Turn an error about a prototxt's content into one that names the file.

    Raises
    ------
    WeightsError
        Where the content is wrong.
    """
    try:
        yield
    except PrototxtError as error:
        raise WeightsError(
            f"{named(network.path)} describes no network that can run: {error}; correct it or download it again"
        ) from error


def named(path: Path | None) -> str:
    """A prototxt's name for messages."""
    return shown(path) if path else "the prototxt"


def _inputs(message: Message) -> Iterator[Input]:
    names = message.texts("input")
    shapes = [shape.integers("dim") for shape in message.messages("input_shape")]
    dims = message.integers("input_dim")
    if len(dims) % 4:
        raise PrototxtError(f"`input_dim` is given {len(dims)} times, not four times for each input")
    if dims:
        shapes = [dims[i : i + 4] for i in range(0, len(dims), 4)]
    if shapes and len(shapes) != len(names):
        raise PrototxtError(f"{len(names)} inputs are given {len(shapes)} shapes")
    yield from map(Input, names, shapes or [()] * len(names))


def _layer_type(message: Message) -> str:
    """The type in today's spelling, from a string ("Convolution") or the old enum (CONVOLUTION)."""
    if any(isinstance(entry.value, Word) for entry in message.all("type")):
        return type_of_word(message.word("type"))
    return message.text("type")


def _check_normalisation(network: Network, model: CaffeModel) -> None:
    """A BatchNorm in one file alone is worth saying so: OpenCV would load the pair, and paint garbage."""
    wanted = [layer.name for layer in network.layers if layer.type == "BatchNorm"]
    given = [layer.name for layer in model.layers if layer.type == "BatchNorm" and layer.blobs]
    unused = next((name for name in given if network.layer(name) is None), None)
    if unused is not None:
        both = "as v2 of the 2016 release does) and the prototxt does not"
        raise _mismatch(network, model, f"the weights normalise (layer {quoted(unused)}, {both}")
    if wanted and not any(model.layer(name) for name in wanted):
        both = "as v2 of the 2016 release does) and the weights do not"
        raise _mismatch(network, model, f"the prototxt normalises (layer {quoted(wanted[0])}, {both}")


def _mismatch(network: Network, model: CaffeModel, what: str) -> WeightsError:
    weights = shown(model.path) if model.path else "the caffemodel"
    return WeightsError(
        f"{named(network.path)} and {weights} do not belong together: {what}; give the two files of one release"
    )


def _same_type(layer: Layer, found: BlobLayer) -> bool:
    aliases = {"ConvolutionDepthwise": "Convolution"}
    return aliases.get(layer.type, layer.type) == aliases.get(found.type, found.type)


def _same_shape(wanted: Shape, given: Shape) -> bool:
    """Equal but for the leading ones that the old four-axis form puts before a bias."""
    surplus = len(given) - len(wanted)
    return given[max(surplus, 0) :] == wanted and all(side == 1 for side in given[: max(surplus, 0)])


def _listed(shapes: tuple[Shape, ...]) -> str:
    return ", ".join(map(str, shapes)) if shapes else "nothing"
