"""Pillow's images as planes of samples, and back; what JPEG, PNG, WebP, BMP, GIF, AVIF and HEIC share."""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from colorizer.media.damage import DamagedError
from colorizer.media.picture import Picture, Pixels, UnsupportedError
from colorizer.media.profiles import Space

CheckSize = Callable[[int, int], None]
"""Refuses a width and height that are more than the user allows, before anything is decoded."""

_limit_lock = threading.Lock()
_warnings_lock = threading.Lock()
_stderr_lock = threading.Lock()
_STDERR = 2
_readers = 0
_silence = warnings.catch_warnings()

_GREY_MODES = ("1", "L", "LA", "La")
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


@contextmanager
def opened(data: bytes, kind: str, check_size: CheckSize) -> Iterator[Image.Image]:
    """A Pillow image whose header is read and whose size is allowed.

    Pillow's own limit of pixels is one for the whole process, ours is an argument; and it warns of odd metadata, which
    is none of the user's concern.

    Raises
    ------
    DamagedError
        Pillow finds no picture of this kind.
    """
    with _quiet():
        with _limit_lock:
            limit = Image.MAX_IMAGE_PIXELS
            Image.MAX_IMAGE_PIXELS = None
            try:
                image = Image.open(io.BytesIO(data), formats=(kind,))
            except UnidentifiedImageError as error:  # which names an object in memory
                raise DamagedError("its header cannot be read") from error
            finally:
                Image.MAX_IMAGE_PIXELS = limit
        with image:
            check_size(*image.size)
            yield image


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore warnings; `catch_warnings` is one for the process: the first thread enters it, the last one leaves."""
    global _readers, _silence  # noqa: PLW0603 - so are warnings
    with _warnings_lock:
        if not _readers:
            _silence = warnings.catch_warnings()
            _silence.__enter__()
            warnings.simplefilter("ignore")
        _readers += 1
    try:
        yield
    finally:
        with _warnings_lock:
            _readers -= 1
            if not _readers:
                _silence.__exit__(None, None, None)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep decoders that complain of damage in C from writing to the process's stderr.

    What other threads write there meanwhile is lost, so only rare kinds of files come this way.
    """
    with _stderr_lock, Path(os.devnull).open("wb") as nowhere:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # there is none
            yield
            return
        try:
            os.dup2(nowhere.fileno(), _STDERR)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)


def refuse_animation(frames: int) -> None:
    """A film is no photograph.

    Raises
    ------
    UnsupportedError
        There is more than one frame.
    """
    if frames > 1:
        raise UnsupportedError(
            f"an animation of {frames} frames, not a photograph; turn it into a video (.mp4) and colour that"
        )


def planes(image: Image.Image) -> tuple[Pixels, Pixels | None, Space]:
    """Samples and alpha of an image at 8 bits: grey, RGB or CMYK; palettes and bilevel pictures as what they show."""
    if image.mode == "CMYK":
        return np.asarray(image), None, "cmyk"
    transparent = image.mode in _ALPHA_MODES or "transparency" in image.info
    grey = image.mode in _GREY_MODES
    flat = np.asarray(image.convert(("LA" if transparent else "L") if grey else ("RGBA" if transparent else "RGB")))
    space: Space = "gray" if grey else "rgb"
    if not transparent:
        return flat, None, space
    return np.ascontiguousarray(flat[..., 0] if grey else flat[..., :3]), np.ascontiguousarray(flat[..., -1]), space


def is_opaque(alpha: Pixels) -> bool:
    """Whether an alpha says nothing."""
    full = np.iinfo(alpha.dtype).max if np.issubdtype(alpha.dtype, np.integer) else 1
    return bool((alpha == full).all())


def combined(picture: Picture) -> npt.NDArray[Any]:
    """Pixels and alpha in one array, (H, W), (H, W, 2), (H, W, 3) or (H, W, 4); both of one type already."""
    return picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])


def saved(picture: Picture, kind: str, **options: Any) -> bytes:
    """What Pillow makes of a picture of 8 bits."""
    buffer = io.BytesIO()
    if picture.metadata.dpi:
        options["dpi"] = picture.metadata.dpi
    Image.fromarray(combined(picture)).save(buffer, format=kind, **options)
    return buffer.getvalue()
