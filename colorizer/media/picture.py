"""A picture file, its pixels, and what must survive beside them.

JPEG and PNG, 8 bits a channel, and PNG with 16. Pillow reads and checks; the pixels of 16-bit PNG, which Pillow would
cut to 8, come and go through cv2. Orientation is applied once, here, and its tag reset.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from colorizer.errors import InputError, OutputError, shown
from colorizer.files import write_atomically

SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".png": "PNG"}
"""What an output's name says about its format."""

DEFAULT_MAX_PIXELS = 500_000_000
"""Larger than any scan of a print or a plate, smaller than what a hostile file of a few KB can claim."""

JPEG_QUALITY = 95
JPEG_LARGEST_SIDE = 65500
"""libjpeg's own bound."""

_ORIENTATION_TAG = 0x0112
_UPRIGHT = 1

# offsets in a PNG file, whose header chunk always comes first
_PNG_DEPTH, _PNG_COLOR_TYPE = 24, 25
_PNG_GREY_ALPHA = 4


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright.

    Attributes
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8 or uint16; sRGB-encoded.
    alpha
        (H, W) of the same dtype, or None.
    format
        "JPEG" or "PNG": what the file was.
    exif
        The Exif block with the orientation reset; empty where there is none.
    dpi
        Horizontal and vertical resolution, where stated.
    """

    pixels: npt.NDArray[Any]
    alpha: npt.NDArray[Any] | None
    format: str
    exif: bytes = b""
    dpi: tuple[float, float] | None = None

    def with_pixels(self, pixels: npt.NDArray[Any]) -> Picture:
        """The same picture with other pixels."""
        return replace(self, pixels=pixels)


def read_picture(path: Path, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Picture:
    """Decode a picture file.

    Parameters
    ----------
    path
        A JPEG or PNG file; its content counts, not its name.
    max_pixels
        Larger pictures are refused before anything is decoded.

    Raises
    ------
    InputError
        The file is missing, no picture, damaged, or too large.
    """
    return decode_picture(_read_bytes(path), shown(path), max_pixels=max_pixels)


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise InputError(f"{shown(path)}: is a folder; name the picture files in it") from error
    except FileNotFoundError as error:
        raise InputError(f"{shown(path)}: no such file; check the name") from error
    except OSError as error:
        if path.is_dir():  # Windows answers "permission denied" for a folder
            raise InputError(f"{shown(path)}: is a folder; name the picture files in it") from error
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror}); check the file's permissions") from error
    except ValueError as error:
        raise InputError(f"{shown(path)}: no file can have this name; check the name") from error
    if not data:
        raise InputError(f"{shown(path)}: the file is empty; copy it again from its source")
    return data


def decode_picture(data: bytes, name: str, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Picture:
    """Decode a picture held in memory; see `read_picture`. `name` is how messages call it."""
    try:
        with _open(data) as image, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is none of the user's concern
            return _decode(image, data, name, max_pixels)
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: {_nature(data)}, not a picture that can be read; expected JPEG or PNG") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError) as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name}: damaged or incomplete picture ({cause}); copy it again from its source") from error


def _decode(image: Image.Image, data: bytes, name: str, max_pixels: int) -> Picture:
    width, height = image.size
    if width * height > max_pixels:
        raise InputError(
            f"{name}: {width} x {height} pixels are more than the limit of {max_pixels}; "
            f"if the file can be trusted: --max-pixels {width * height}"
        )
    kind = "PNG" if image.format == "PNG" else "JPEG"
    frames = getattr(image, "n_frames", 1)
    if kind == "PNG" and frames > 1:
        raise InputError(f"{name}: an animation of {frames} frames, not a photograph; take it apart first")
    exif = image.getexif()
    orientation = exif.get(_ORIENTATION_TAG, _UPRIGHT)
    image.load()
    pixels, alpha = _deep_planes(data) if kind == "PNG" and data[_PNG_DEPTH] == 16 else _planes(image)
    pixels = _upright(pixels, orientation)
    exif.pop(_ORIENTATION_TAG, None)
    return Picture(
        pixels=pixels,
        alpha=None if alpha is None else _upright(alpha, orientation),
        format=kind,
        exif=exif.tobytes() if len(exif) else b"",
        dpi=_dpi(image),
    )


def _planes(image: Image.Image) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None]:
    """Grey or RGB, and alpha, of any Pillow image at 8 bits."""
    transparent = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La")
    flat = np.asarray(image.convert(("LA" if transparent else "L") if grey else ("RGBA" if transparent else "RGB")))
    if not transparent:
        return flat, None
    return np.ascontiguousarray(flat[..., 0] if grey else flat[..., :3]), np.ascontiguousarray(flat[..., -1])


def _deep_planes(data: bytes) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16] | None]:
    """The same of a 16-bit PNG."""
    decoded: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ValueError("cannot be decoded")
    if decoded.ndim == 2:
        return decoded, None
    rgb = decoded[..., 0] if data[_PNG_COLOR_TYPE] == _PNG_GREY_ALPHA else decoded[..., 2::-1]
    return np.ascontiguousarray(rgb), np.ascontiguousarray(decoded[..., 3]) if decoded.shape[2] == 4 else None


def _upright(plane: npt.NDArray[Any], orientation: Any) -> npt.NDArray[Any]:
    """Apply an Exif orientation, 1 to 8; anything else is no orientation."""
    if orientation in (5, 6, 7, 8):
        plane = plane.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        plane = plane[::-1]
    if orientation in (2, 3, 6, 7):
        plane = plane[:, ::-1]
    return np.ascontiguousarray(plane)


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    dpi = image.info.get("dpi")
    return (float(dpi[0]), float(dpi[1])) if isinstance(dpi, tuple) and len(dpi) == 2 else None


def _nature(data: bytes) -> str:
    """What a file that is no picture seems to be, in words."""
    head = data[:512]
    if head.startswith(b"%PDF"):
        return "a PDF document"
    if head.lstrip()[:1] == b"<":
        return "a web page or XML"
    if b"\0" not in head and not any(byte < 9 for byte in head):
        return "text"
    return "an unknown kind of file"


_limit_lock = threading.Lock()


def _open(data: bytes) -> Image.Image:
    """Read the header, without Pillow's limit of pixels: that is one for the whole process, ours is an argument."""
    with _limit_lock:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def write_picture(path: Path, picture: Picture) -> None:
    """Encode a picture in the format that the name says, and put it in place when complete.

    JPEG is written with quality 95 and full-resolution chroma; it cuts 16 bits to 8.

    Raises
    ------
    OutputError
        The name's suffix is unknown, the format cannot hold the picture, or the file cannot be written.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise OutputError(f"{shown(path)}: unknown suffix; expected one of {', '.join(SUFFIXES)}")
    write_atomically(path, _encode_jpeg(picture, path) if kind == "JPEG" else _encode_png(picture))


def _encode_jpeg(picture: Picture, path: Path) -> bytes:
    opaque = np.iinfo(picture.pixels.dtype).max
    if picture.alpha is not None and (picture.alpha != opaque).any():
        raise OutputError(f"{shown(path)}: JPEG cannot hold the picture's transparency; write a .png")
    if max(picture.pixels.shape[:2]) > JPEG_LARGEST_SIDE:
        raise OutputError(f"{shown(path)}: JPEG cannot hold sides over {JPEG_LARGEST_SIDE} pixels; write a .png")
    pixels = picture.pixels
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257).astype(np.uint8)
    return _save(
        Image.fromarray(pixels), picture, format="JPEG", quality=JPEG_QUALITY, subsampling="4:4:4", optimize=False
    )


def _encode_png(picture: Picture) -> bytes:
    planes = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    if planes.dtype == np.uint8:
        return _save(Image.fromarray(planes), picture, format="PNG")
    swapped = planes if planes.ndim == 2 else planes[..., [2, 1, 0, 3][: planes.shape[2]]]
    encoded: bytes = cv2.imencode(".png", swapped)[1].tobytes()
    return encoded


def _save(image: Image.Image, picture: Picture, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if picture.dpi:
        options["dpi"] = picture.dpi
    image.save(buffer, exif=picture.exif, **options)
    return buffer.getvalue()
