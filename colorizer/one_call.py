"""Colour in one call: a file, a file's bytes, an image of Pillow's or an array in, the same kind out.

Which kind it is decides who does the work: files and bytes go the way of the command, images and arrays that of
`Colorizer`. The network that was used last stays loaded, so that a loop over pictures opens it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import lru_cache
from os import PathLike, fsdecode
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from colorizer.colorizer import Colorizer, Order
from colorizer.errors import InputError, UsageError, shown
from colorizer.io.address import Address, address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.atomic import already_there
from colorizer.jobs.plan import Found, plan
from colorizer.jobs.request import naming
from colorizer.jobs.run import OutputPolicy, color_file
from colorizer.jobs.stream import color_bytes
from colorizer.media import Output, target_format
from colorizer.media.color_management import to_srgb
from colorizer.media.profiles import Space
from colorizer.media.raster import planes
from colorizer.media.samples import rescaled
from colorizer.networks import Model, resolve_model
from colorizer.settings import Settings

if TYPE_CHECKING:
    from PIL import Image

Array = TypeVar("Array", bound=npt.NDArray[Any])

_SETTINGS = frozenset(item.name for item in fields(Settings))
_WRITING = frozenset(item.name for item in fields(Output))

_DEEP_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes of Pillow's that hold grey of 16 bits."""

_NETWORKS_KEPT = 2


@overload
def colorize(
    picture: str | PathLike[str],
    output: str | PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    **options: Any,
) -> Path: ...
@overload
def colorize(picture: bytes | bytearray | memoryview, **options: Any) -> bytes: ...
@overload
def colorize(picture: Image.Image, **options: Any) -> Image.Image: ...
@overload
def colorize(picture: Array, *, order: Order = "bgr", **options: Any) -> Array: ...
def colorize(
    picture: Any,
    output: str | PathLike[str] | None = None,
    *,
    order: Order | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Any:
    """Put colour into a picture, whatever it comes as; its lightness stays.

    Parameters
    ----------
    picture
        A path or an address such as `s3://archive/photo.jpg` (text too), the bytes of a picture file, an image of
        Pillow's, or an array: (H, W) grey or (H, W, 3) colour, each with or without a channel for alpha; uint8, uint16,
        or float in 0..1; sRGB-encoded.
    output
        The file or folder to write, of a picture that is given by its path. `photo.color.jpg` beside `photo.jpg` by
        default.
    order
        Of an array's colour channels, in and out: "bgr" as OpenCV has it (the default), or "rgb".
    overwrite
        Replace a file that exists.
    options
        Those of `Settings`, such as `model="lite"` or `saturation=1.2`; of files and bytes also those of
        `colorizer.media.Output`, such as `format="png"` or `quality=90`.

    Returns
    -------
    Path, bytes, Image or ndarray, as what was given
        The path of the file that was written, or its address where it lies elsewhere; the bytes of a file in the same
        format; an image of 8 bits in mode "RGB" or "RGBA", in sRGB; an array (H, W, 3), or (H, W, 4) where there was an
        alpha, of the same type.

    Raises
    ------
    UsageError
        An option does not exist, is out of range, or does not go with this kind of picture.
    InputError
        It is no picture, missing or damaged.
    OutputError
        The file exists, or cannot be written.
    WeightsError
        The model is missing or damaged.
    MissingExtraError, EngineError
        A package is missing, or the runtime failed.

    Examples
    --------
    >>> import colorizer
    >>> from PIL import Image
    >>> colorizer.colorize(Image.linear_gradient("L")).mode
    'RGB'

    Files, with the options of the command:

    >>> from pathlib import Path, PurePath
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Image.linear_gradient("L").save(Path(folder, "in.jpg"))
    ...     colorizer.colorize(Path(folder, "in.jpg"), Path(folder, "out.png"), saturation=1.2).name
    'out.png'

    Arrays:

    >>> import numpy as np
    >>> colorizer.colorize(np.zeros((64, 96), np.uint16)).shape
    (64, 96, 3)
    """
    settings, writing = _split(options)
    if isinstance(picture, str | PathLike):
        _refuse(order=order)
        source = address(fsdecode(picture))
        target = None if output is None else address(fsdecode(output))
        return _file(source, target, settings, Output(**writing), overwrite=overwrite)
    _refuse(output=output, overwrite=overwrite or None)
    if isinstance(picture, bytes | bytearray | memoryview):
        _refuse(order=order)
        policy = OutputPolicy(Output(**writing))
        return color_bytes(bytes(picture), _colorizer(settings), policy, "the picture")[0]
    _refuse(**writing)
    if isinstance(picture, np.ndarray):
        return _colorizer(settings).colorize(picture, order or "bgr")
    if _is_image(picture):
        _refuse(order=order)
        return _image(picture, _colorizer(settings))
    reason = "; cv2.imread gives that for a file it cannot read" if picture is None else ""
    kinds = "a path, bytes, an image of Pillow's or an array of NumPy's"
    raise InputError(f"expected {kinds}, not {type(picture).__name__}{reason}")


def _split(options: Mapping[str, Any]) -> tuple[Settings, dict[str, Any]]:
    unknown = sorted(options.keys() - _SETTINGS - _WRITING)
    if unknown:
        known = sorted(_SETTINGS | _WRITING)
        near = get_close_matches(unknown[0], known, 1)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UsageError(f"there is no such option; {meant}", option=unknown[0])
    settings = Settings(**{name: value for name, value in options.items() if name in _SETTINGS})
    return settings, {name: value for name, value in options.items() if name in _WRITING}


def _refuse(**given: Any) -> None:
    """Say so where an option would have no effect on this kind of picture."""
    homes = {"order": "an array", "output": "a path", "overwrite": "a path"}
    for name, value in given.items():
        if value is not None:
            home = homes.get(name, "a path or bytes")
            raise UsageError(f"goes with a picture that is given as {home}; leave it out", option=name)


def _colorizer(settings: Settings) -> Colorizer:
    """The one with these settings, which is kept while it is among those used last."""
    model = resolve_model(settings.model, prototxt=settings.prototxt, weights_dir=settings.weights_dir)
    # what `auto` means, and a file of that name, may be others by now
    return _opened(settings, tuple(model.files.values()), _stamp(model))


@lru_cache(maxsize=_NETWORKS_KEPT)
def _opened(settings: Settings, files: tuple[Path, ...], stamp: tuple[int, ...]) -> Colorizer:  # noqa: ARG001 - the key
    return Colorizer(settings)


def _stamp(model: Model) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns for path in model.files.values())


def _file(source: Address, output: Address | None, settings: Settings, writing: Output, *, overwrite: bool) -> Address:
    if ANYWHERE.is_folder(source):
        raise InputError(f"{shown(source)}: is a folder; name the picture files in it, one at a time")
    (task,) = plan([Found(source, PurePath(source.name))], output, naming(writing))
    if task.target == output:
        target_format(task.target, writing)
    if ANYWHERE.stamp(task.target) is not None and not overwrite:
        raise already_there(task.target)
    outcome = color_file(task, _colorizer(settings), OutputPolicy(writing))
    if outcome.error:
        raise outcome.error
    return task.target


def _is_image(picture: Any) -> bool:
    from PIL import Image

    return isinstance(picture, Image.Image)


def _image(image: Image.Image, colorizer: Colorizer) -> Image.Image:
    from PIL import Image

    samples, alpha, space = _samples(image)
    rgb = to_srgb(samples, image.info.get("icc_profile") or b"", space).pixels
    colored = rescaled(colorizer.colorize(rgb, "rgb"), np.dtype(np.uint8))
    result = Image.fromarray(colored if alpha is None else np.dstack([colored, alpha]))
    result.info = {name: value for name, value in image.info.items() if name not in ("icc_profile", "transparency")}
    return result


def _samples(image: Image.Image) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None, Space]:
    """Samples and alpha; deep ones as deep as they are."""
    if image.mode == "F":
        return np.asarray(image), None, "gray"
    if image.mode not in _DEEP_GREY:
        return planes(image)
    tones = np.asarray(image)
    if tones.size and not 0 <= int(tones.min()) <= int(tones.max()) <= np.iinfo(np.uint16).max:
        raise InputError(f"tones from {tones.min()} to {tones.max()}; scale them to 0..65535 first")
    return tones.astype(np.uint16), None, "gray"
