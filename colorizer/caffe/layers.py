"""What each of Caffe's layers does to shapes: the size of its output, and of the blobs that its weights come in.

Arithmetic alone, after Caffe's own layers (`base_conv_layer.cpp`, `deconv_layer.cpp`, `pooling_layer.cpp`,
`batch_norm_layer.cpp`, `scale_layer.cpp`); nothing is computed with numbers here. Shapes are without the batch: a
feature map is (channels, height, width). Anything that cannot be raises PrototxtError with the layer's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from colorizer.caffe.prototxt import Field, Message, PrototxtError
from colorizer.errors import shown

Shape = tuple[int, ...]
Pair = tuple[int, int]  # vertical, horizontal

MAX_EXTENT = 1 << 16
"""Limit on kernel, stride, padding and dilation, far beyond any network's."""

MAX_SIDE = 1 << 31
"""Limit on channels and sides of a feature map."""

_NAME_LENGTH = 60

_POINTWISE = frozenset(
    ("AbsVal", "BatchNorm", "Dropout", "ELU", "Power", "PReLU", "ReLU", "ReLU6", "Scale", "Sigmoid", "Softmax", "TanH")
)
_JOINING = ("Concat", "Eltwise")
_CONVOLUTIONS = ("Convolution", "ConvolutionDepthwise")  # the second is OpenCV's alias of the first
_PARAMETERS = {
    "BatchNorm": "batch_norm_param",
    "Concat": "concat_param",
    "Convolution": "convolution_param",
    "ConvolutionDepthwise": "convolution_param",
    "Deconvolution": "convolution_param",
    "Eltwise": "eltwise_param",
    "Input": "input_param",
    "PReLU": "prelu_param",
    "Pooling": "pooling_param",
    "ReLU": "relu_param",
    "Scale": "scale_param",
    "Slice": "slice_param",
    "Softmax": "softmax_param",
    "TanH": "tanh_param",
}

_WINDOW_FIELDS = "kernel_size kernel_h kernel_w stride stride_h stride_w pad pad_h pad_w engine"
_FIELDS = {
    "batch_norm_param": "use_global_stats moving_average_fraction eps",
    "concat_param": "axis concat_dim",
    "convolution_param": f"{_WINDOW_FIELDS} num_output bias_term group dilation weight_filler bias_filler axis "
    "force_nd_im2col",
    "eltwise_param": "operation coeff stable_prod_grad",
    "input_param": "shape",
    "pooling_param": f"{_WINDOW_FIELDS} pool global_pooling ceil_mode",
    "prelu_param": "filler channel_shared",
    "relu_param": "negative_slope engine",
    "scale_param": "axis num_axes filler bias_term bias_filler",
    "slice_param": "axis slice_point slice_dim",
    "softmax_param": "engine axis",
    "tanh_param": "engine",
}
"""caffe.proto's fields of each parameter; Caffe refuses others, OpenCV takes them for a custom layer's."""
_LAYER_FIELDS = (
    "name type bottom top phase loss_weight param blobs propagate_down include exclude blobs_lr weight_decay "
    "blob_share_mode"
)


def quoted(name: str) -> str:
    """A layer's or blob's name as it appears in messages: printable, in quotes, not endless."""
    text = shown(name)
    return f"'{text if len(text) <= _NAME_LENGTH else text[:_NAME_LENGTH] + '...'}'"


@dataclass(frozen=True)
class Window:
    """How a kernel moves over a feature map; each pair is vertical, horizontal, in pixels of the input."""

    kernel: Pair
    stride: Pair
    pad: Pair
    dilation: Pair

    @property
    def extent(self) -> Pair:
        """What the dilated kernel covers."""
        return (self.dilation[0] * (self.kernel[0] - 1) + 1, self.dilation[1] * (self.kernel[1] - 1) + 1)


@dataclass(frozen=True)
class Convolution:
    """A Convolution's or Deconvolution's parameters."""

    outputs: int  # channels
    window: Window
    group: int
    bias: bool


@dataclass(frozen=True)
class Layer:
    """A layer of the prototxt."""

    name: str
    type: str  # in today's spelling, such as Convolution
    bottoms: tuple[str, ...]  # the blobs it reads
    tops: tuple[str, ...]  # the blobs it writes; in place where one is also a bottom
    params: Message  # of its type, such as the convolution_param; empty where it gives none

    @property
    def convolution(self) -> Convolution:
        """The parameters of a Convolution or Deconvolution, checked."""
        outputs = self.params.integer("num_output")
        group = self.params.integer("group", 1)
        if not 0 < outputs <= MAX_SIDE or group < 1 or outputs % group:
            raise self.error(f"has {outputs} outputs in {group} groups")
        return Convolution(outputs, self._window(_pair(self, "kernel")), group, self.params.flag("bias_term", True))

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The shape of each top, given those of the bottoms."""
        if self.type == "Silence":
            return ()
        if not inputs:
            raise self.error("reads nothing")
        if len(self.tops) != 1 and self.type not in ("Slice", "Split"):
            raise self.error(f"makes {len(self.tops)} blobs")
        if len(inputs) > 1 and self.type not in _JOINING:
            raise self.error(f"reads {len(inputs)} blobs")
        first = inputs[0]
        if any(len(shape) != 3 for shape in inputs):
            raise self.error("reads what is no feature map")
        if self.type in _CONVOLUTIONS or self.type == "Deconvolution":
            shape = self._convolved(first)
        elif self.type == "Pooling":
            shape = self._pooled(first)
        elif self.type == "Eltwise":
            if any(other != first for other in inputs):
                raise self.error(f"joins feature maps of {' and '.join(map(str, inputs))}")
            shape = first
        elif self.type == "Concat":
            shape = self._concatenated(inputs)
        elif self.type == "Slice":
            return tuple((count, *first[1:]) for count in self.slices(first[0]))
        elif self.type in _POINTWISE or self.type == "Split":
            shape = first
        else:
            raise self.error(f"is of type {quoted(self.type)}, which no network here uses")
        if not all(0 < side <= MAX_SIDE for side in shape):
            raise self.error(f"makes a feature map of {shape}")
        return (shape,) * len(self.tops)

    def slices(self, channels: int) -> tuple[int, ...]:
        """How many channels each top of a Slice gets of so many."""
        if (self.params.integer("axis", 1), self.params.integer("slice_dim", 1)) != (1, 1):
            raise self.error("slices along another axis than the channels")
        points = self.params.integers("slice_point")
        if not points and channels % len(self.tops) == 0:
            return (channels // len(self.tops),) * len(self.tops)
        bounds = (0, *points, channels)
        counts = tuple(end - begin for begin, end in pairwise(bounds))
        if len(counts) != len(self.tops) or min(counts) < 1:
            raise self.error(f"slices {channels} channels into {len(self.tops)} at {points}")
        return counts

    def blob_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The shapes of the blobs that its weights must have, in Caffe's order; none for a layer without weights."""
        channels = inputs[0][0] if inputs else 0
        if self.type in _CONVOLUTIONS or self.type == "Deconvolution":
            convolution = self.convolution
            if channels % convolution.group:
                raise self.error(f"splits {channels} channels into {convolution.group} groups")
            across = (convolution.outputs, channels) if self.type in _CONVOLUTIONS else (channels, convolution.outputs)
            kernels = (across[0], across[1] // convolution.group, *convolution.window.kernel)
            return (kernels, (convolution.outputs,)) if convolution.bias else (kernels,)
        if self.type == "BatchNorm":
            return ((channels,), (channels,), (1,))
        if self.type == "Scale":
            if (self.params.integer("axis", 1), self.params.integer("num_axes", 1)) != (1, 1):
                raise self.error("scales along another axis than the channels")
            return ((channels,),) * (2 if self.params.flag("bias_term") else 1)
        if self.type == "PReLU":
            return ((1,) if self.params.flag("channel_shared") else (channels,),)
        return ()

    @property
    def reduction(self) -> tuple[Fraction, Fraction]:
        """By how much it divides height and width; below 1 where it enlarges."""
        if self.type in _CONVOLUTIONS:
            stride = self.convolution.window.stride
            return Fraction(stride[0]), Fraction(stride[1])
        if self.type == "Deconvolution":
            stride = self.convolution.window.stride
            return Fraction(1, stride[0]), Fraction(1, stride[1])
        if self.type == "Pooling" and not self.params.flag("global_pooling"):
            stride = self._window(_pair(self, "kernel")).stride
            return Fraction(stride[0]), Fraction(stride[1])
        return Fraction(1), Fraction(1)

    def error(self, what: str) -> PrototxtError:
        """An error about this layer."""
        return PrototxtError(f"layer {quoted(self.name)} {what}")

    def _window(self, kernel: Pair) -> Window:
        window = Window(kernel, _pair(self, "stride", 1), _pair(self, "pad", 0), _pair(self, "dilation", 1))
        if min(*window.kernel, *window.stride, *window.dilation) < 1 or min(window.pad) < 0:
            raise self.error("has a kernel, stride or dilation below 1, or a padding below 0")
        if max(*window.kernel, *window.stride, *window.dilation, *window.pad) > MAX_EXTENT:
            raise self.error(f"has a kernel, stride, dilation or padding above {MAX_EXTENT}")
        return window

    def _convolved(self, shape: Shape) -> Shape:
        window = self.convolution.window
        sides = zip(shape[1:], window.extent, window.stride, window.pad, strict=True)
        if self.type == "Deconvolution":
            return (self.convolution.outputs, *(s * (side - 1) + k - 2 * p for side, k, s, p in sides))
        return (self.convolution.outputs, *((side + 2 * p - k) // s + 1 for side, k, s, p in sides))

    def _pooled(self, shape: Shape) -> Shape:
        if self.params.flag("global_pooling"):
            return (shape[0], 1, 1)
        window = self._window(_pair(self, "kernel"))
        sides = zip(shape[1:], window.kernel, window.stride, window.pad, strict=True)
        # rounds up, unlike a convolution; a window that would begin in the padding beyond is left out
        counts = [(side, -(-(side + 2 * p - k) // s) + 1, s, p) for side, k, s, p in sides]
        return (shape[0], *(n - 1 if p and (n - 1) * s >= side + p else n for side, n, s, p in counts))

    def _concatenated(self, shapes: tuple[Shape, ...]) -> Shape:
        axis = self.params.integer("axis", self.params.integer("concat_dim", 1))
        if axis != 1 or any(shape[1:] != shapes[0][1:] for shape in shapes):
            raise self.error(f"cannot concatenate feature maps of {' and '.join(map(str, shapes))}")
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def layer_from_message(message: Message, type_: str) -> Layer:
    """The layer that a `layer` message describes; its type is given, since the old form spells it otherwise."""
    params = Message()
    others = (entry for entry in message.fields if not entry.name.endswith("_param"))
    _check_names("layer", others, _LAYER_FIELDS)
    if type_ in _PARAMETERS:
        params = message.message(_PARAMETERS[type_])
        _check_names(_PARAMETERS[type_], params.fields, _FIELDS[_PARAMETERS[type_]])
    return Layer(message.text("name"), type_, message.texts("bottom"), message.texts("top"), params)


def _check_names(what: str, entries: Iterable[Field], known: str) -> None:
    names = known.split()
    for entry in entries:
        if entry.name not in names:
            where = f"line {entry.line}: " if entry.line else ""
            raise PrototxtError(f"{where}{quoted(entry.name)} is no field of `{what}`")


def _pair(layer: Layer, what: str, default: int = 0) -> Pair:
    """A window's measure in any of Caffe's spellings: once for both directions, twice, or by direction (_h, _w)."""
    params = layer.params
    given = f"{what}_h" in params, f"{what}_w" in params
    if any(given):
        if not all(given):  # Caffe takes the default for the other, OpenCV for both
            raise layer.error(f"gives its {what} in one direction alone")
        return params.integer(f"{what}_h", default), params.integer(f"{what}_w", default)
    values = params.integers("kernel_size" if what == "kernel" else what) or (default,)
    if len(values) > 2:
        raise layer.error(f"gives its {what} in {len(values)} directions")
    return values[0], values[-1]
