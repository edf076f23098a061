"""The options of a colorization, defined once for the library, the command line and the documentation.

Each field of `Settings` carries its help text and its range as metadata; the command builds its options from them, and
the tables of docs/commands.md are made of these.
"""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, field, fields
from numbers import Integral, Real
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, TypeAlias

from colorizer.errors import OptionRef, Remedy, UsageError

Fit = Literal["stretch", "aspect"]

Sizes: TypeAlias = int | tuple[int, ...] | str
"""Of `Settings.size`: a size, several in rising order, or "auto"; text such as "224,448" is read as what it says."""

SMALLEST_TEMPERATURE = 0.01
"""Below it the annealed mean is the mode in float32, and 1/T only adds rounding noise."""

LARGEST_TEMPERATURE = 10.0
"""Beyond it the distribution is nearly even, and every picture takes one and the same tint."""

DEFAULT_SIZE = 224
"""What the networks that come first were trained for."""

SMALLEST_SIZE, LARGEST_SIZE = 32, 2048

AUTO_SIZE = "auto"
"""The sizes that measured best for the model."""

MOST_LOOKS = 4
"""Sizes at which one picture is looked at; each larger one costs more than all those before it."""

MOST_THREADS = 1024


@dataclass(frozen=True)
class Option:
    """What the command line and the documentation tell about a setting."""

    help: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    metavar: str | None = None


def option(
    default: Any,
    help: str,  # noqa: A002 - click's word for it
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[str, ...] = (),
    metavar: str | None = None,
) -> Any:
    """A field of a dataclass that is an option: its default, and what `Option` tells of it."""
    return field(default=default, metadata={"option": Option(help, low, high, choices, metavar)})


def option_of(item: Field[Any]) -> Option:
    """What a field made by `option` tells of itself."""
    found: Option = item.metadata["option"]
    return found


@dataclass(frozen=True)
class Settings:
    """How to colour; validated when made.

    Raises
    ------
    UsageError
        A value is outside its range, or two settings exclude each other.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from colorizer import Settings
    >>> vivid = Settings(saturation=1.3, temperature=0.4)
    >>> replace(vivid, strength=0.5)
    Settings(temperature=0.4, saturation=1.3, strength=0.5)
    >>> Settings(temperature=99)
    Traceback (most recent call last):
        ...
    colorizer.errors.UsageError: temperature=99: expected a number from 0.01 to 10
    """

    model: str = option(
        "auto",
        "Network: the name of one that is installed, or the path of an ONNX model or a caffemodel. "
        "auto takes the best that is installed, in a stated order, else lite.",
        metavar="NAME|PATH",
    )
    prototxt: Path | None = option(
        None, "Prototxt of a model that is given by its path, if it is not beside it.", metavar="PATH"
    )
    bin_centres: Path | None = option(
        None, "Colours of the 313 classes (pts_in_hull.npy) in place of the built-in table.", metavar="PATH"
    )
    weights_dir: Path | None = option(None, "Folder to look for models in first.", metavar="DIR")
    temperature: float | None = option(
        None,
        "Temperature of the annealed mean: 1 is the calm mean of all colours thought possible, towards 0 the most "
        "probable one alone, vivid and patchy. Default: what measured best for the model (0.3837 for zhang16, as in "
        "its release; 0.9 for lite).",
        low=SMALLEST_TEMPERATURE,
        high=LARGEST_TEMPERATURE,
        metavar="T",
    )
    fit: Literal["auto", "stretch", "aspect"] = option(
        "auto",
        "How the network sees the picture: stretched to a square, or with its aspect kept. auto takes what measured "
        "better for the model.",
        choices=("auto", "stretch", "aspect"),
    )
    size: Sizes = option(
        AUTO_SIZE,
        "Short side of what the network sees, in pixels; larger finds smaller things and fades the colours. Several, "
        "such as 224,448, are looks at the same picture, of which one answer is made. auto takes what measured best "
        "for the model (224,448 for lite, 224 for others; one look at each frame of a film). The time grows with the "
        "square of each.",
        low=SMALLEST_SIZE,
        high=LARGEST_SIZE,
        metavar="auto|PIXELS[,PIXELS...]",
    )
    fast: bool = option(False, "Look at the picture once: of the model's own sizes, at the smallest alone.")
    saturation: float = option(
        1.0,
        "How strong the colours are: 1.3 for stronger ones, 0.7 for paler ones.",
        low=0.0,
        high=4.0,
        metavar="FACTOR",
    )
    strength: float = option(
        1.0,
        "Blend with the original: 0 is the original's own colour, 1 the network's.",
        low=0.0,
        high=1.0,
        metavar="0..1",
    )
    keep_color: bool = option(False, "Pass pictures that are really in colour (not merely sepia or tinted) through.")
    engine: Literal["auto", "opencv", "onnxruntime", "ncnn", "openvino"] = option(
        "auto",
        "Runtime of the network. auto takes the quickest of those installed for so many pictures.",
        choices=("auto", "opencv", "onnxruntime", "ncnn", "openvino"),
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto",
        "Arithmetic of the network. auto takes less than fp32 only where a trial on this machine, with this model, "
        "found no difference to be seen.",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    device: Literal["auto", "cpu", "gpu", "cuda", "tensorrt", "rocm", "directml", "coreml", "npu"] = option(
        "auto",
        "Where the network runs: gpu is any GPU that works, by whichever runtime knows it; others are one way each. "
        "auto takes a GPU for longer runs where it works and was faster than the CPU when tried.",
        choices=("auto", "cpu", "gpu", "cuda", "tensorrt", "rocm", "directml", "coreml", "npu"),
    )
    threads: int | None = option(
        None,
        "Threads that compute one picture on the CPU. Default: the cores that this process may use.",
        low=1,
        high=MOST_THREADS,
        metavar="N",
    )
    compat: bool = option(
        False,
        "Compute as OpenCV 4's Caffe-era sample does: cv2's Lab, cv2.dnn as it comes, square input, colours clipped "
        "per channel. For comparisons.",
    )

    def __repr__(self) -> str:
        """What differs from the defaults, as it is typed."""
        values = [(item, getattr(self, item.name)) for item in fields(self)]
        said = [f"{item.name}={value!r}" for item, value in values if value != item.default]
        return f"Settings({', '.join(said)})"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", read_sizes(self.size))
        check_options(self)
        if self.fast and isinstance(self.size, tuple):
            several = OptionRef("size", sizes_text(self.size))
            raise UsageError("looks once", option="fast", remedy=Remedy.LEAVE_OUT, what=several)
        if self.compat:
            own = {"model", "prototxt", "bin_centres", "weights_dir", "threads", "compat", "keep_color"}
            changed = [f.name for f in fields(self) if f.name not in own and getattr(self, f.name) != f.default]
            if changed:
                wrong = [*map(OptionRef, changed)]
                raise UsageError("computes with fixed settings", option="compat", remedy=Remedy.LEAVE_OUT, what=wrong)


def read_sizes(given: Any) -> Sizes:
    """Sizes as `Settings.size` has them: several rise, and none is there twice.

    Parameters
    ----------
    given
        A number, several, "auto", or text that says so.

    Raises
    ------
    UsageError
        It is none of that, a size is outside its range, or there are more than `MOST_LOOKS`.
    """
    if given == AUTO_SIZE:
        return AUTO_SIZE
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list | tuple) else [given]
    try:
        wanted = sorted({_whole(part) for part in parts})
    except (TypeError, ValueError) as error:
        asked = OptionRef("size", repr(given) if not isinstance(given, str) else given)
        raise UsageError("expected auto, a whole number, or several such as 224,448", option=asked) from error
    for one in wanted:
        if not SMALLEST_SIZE <= one <= LARGEST_SIZE:
            bounds = f"{SMALLEST_SIZE} to {LARGEST_SIZE}"
            raise UsageError(f"expected a number from {bounds}", option=OptionRef("size", f"{one}"))
    if not 1 <= len(wanted) <= MOST_LOOKS:
        raise UsageError(f"expected 1 to {MOST_LOOKS} sizes", option=OptionRef("size", ",".join(map(str, wanted))))
    return wanted[0] if len(wanted) == 1 else tuple(wanted)


def _whole(part: Any) -> int:
    if isinstance(part, bool) or not isinstance(part, Integral | str):
        raise TypeError(part)
    if isinstance(part, str) and not part.strip().isascii():
        raise ValueError(part)
    return int(part)


def sizes_text(sizes: Sizes) -> str:
    """Sizes as the command is given them: "auto", "224", or "224,448"."""
    return ",".join(map(str, sizes)) if isinstance(sizes, tuple) else str(sizes)


def declared_type(item: Field[Any]) -> str:
    """A field's type by name, without None."""
    return str(item.type).removesuffix(" | None")


def check_options(options: Any) -> None:
    """Check the values of a dataclass's fields, each of which carries an `Option`.

    Paths may be given as text, and text as a path: each is made what was declared.

    Raises
    ------
    UsageError
        A value is of another kind than was declared, none of the choices, or outside its range.
    """
    for item in fields(options):
        option = option_of(item)
        value, kind = getattr(options, item.name), declared_type(item)
        if value is None and kind != item.type:
            continue
        if isinstance(value, str | PathLike) and kind in ("str", "Path"):
            object.__setattr__(options, item.name, Path(value) if kind == "Path" else fspath(value))
        elif kind in _KINDS and not isinstance(value, _KINDS[kind][0]):
            raise UsageError(f"expected {_KINDS[kind][1]}", option=OptionRef(item.name, repr(value)))
        if option.choices and value not in option.choices:
            raise UsageError(f"expected one of {', '.join(option.choices)}", option=OptionRef(item.name, str(value)))
        if isinstance(value, Real) and not option.low <= float(value) <= option.high:
            bounds = f"{option.low:g} to {option.high:g}"
            raise UsageError(f"expected a number from {bounds}", option=OptionRef(item.name, f"{value:g}"))


_KINDS: dict[str, tuple[type, str]] = {
    "bool": (bool, "True or False"),
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
    "str": (str, "text"),
    "Path": (Path, "a path"),
}
