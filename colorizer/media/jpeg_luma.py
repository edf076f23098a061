"""A JPEG's luma kept as it is coded: whether it can be, the plane to solve chroma for, and the file with both.

The coded scans of Y are copied (`colorizer.media.jpeg_scans`), and Pillow codes Cb and Cr. A grey file that is
arithmetic-coded, and a file in colour, whose scans mix the components, are first turned into a Huffman-coded grey one
of the same coefficients; that takes pyjpegio.

Where the luma cannot be kept, the picture is encoded anew, and a note says why.
"""

from __future__ import annotations

import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from colorizer.io.machine import usable_cores
from colorizer.media.damage import DamagedError
from colorizer.media.jpeg_scans import PROGRESSIVE, Frame, alone, jfif_segment, put_together, read_frame
from colorizer.media.metadata import exif, iptc, xmp
from colorizer.media.metadata.xmp import Mark
from colorizer.media.options import Output
from colorizer.media.picture import CodedLuma, KeptLuma, Picture, upright
from colorizer.media.raster import opened, silent_stderr

Bytes = npt.NDArray[np.uint8]

_CHROMA_ROWS_AND_COLUMNS = {"444": (1, 1), "422": (1, 2), "420": (2, 2)}
_CHROMA_TABLE = 1
_BITS = 8
_NO_CHROMA = 128
_MOST = 4  # luma samples to a chroma sample along a side, as coarse as JPEG has it
_TRIAL_QUALITY = 50
_OPPOSITE = {6: 8, 8: 6}  # quarter turns; all other orientations undo themselves
_GREY_SPACE = 1  # libjpeg's JCS_GRAYSCALE


class NotKeptError(Exception):
    """The luma cannot be kept; the message says why."""


def kept_luma(picture: Picture, kind: str, output: Output) -> tuple[KeptLuma | None, str]:
    """The luma that a result should keep; None where it should not, with a note where that was to be expected.

    Parameters
    ----------
    picture
        As it was read.
    kind
        The format to write, by its name.
    output
        How to write.
    """
    luma, asked = picture.luma, output.keep_luma
    if asked is False:
        return None, ""
    if luma is None or kind != "JPEG":
        return None, not_kept("it is kept from JPEG to JPEG alone") if asked else ""
    if not luma.grey and not asked:
        return None, ""
    try:
        return _kept(picture, luma, output), ""
    except NotKeptError as error:
        return None, not_kept(str(error))


def not_kept(reason: str) -> str:
    """A note for the user: the luma is not kept, and why."""
    return f"the file's own luma is not kept ({reason}); the picture is encoded anew"


def _kept(picture: Picture, luma: CodedLuma, output: Output) -> KeptLuma:
    if luma.obstacle:
        raise NotKeptError(luma.obstacle)
    frame = _read(luma.file)
    if frame.bits != _BITS:
        raise NotKeptError(f"it has {frame.bits} bits")
    if not alone(frame):
        if frame.components == 1 and not frame.arithmetic:
            raise NotKeptError("it is coded in a way that cannot be copied")
        frame = _read(_as_grey_file(luma.file, frame))
    subsampling = _CHROMA_ROWS_AND_COLUMNS[output.subsampling]
    # a trial with chroma of one value: what a decoder makes of damaged scans may depend on what lies behind them
    none = np.full((-(-frame.height // _MOST), -(-frame.width // _MOST)), _NO_CHROMA, np.uint8)
    try:
        plane = _decoded(encoded(KeptLuma(frame, none, (_MOST, _MOST)), (none, none), _TRIAL_QUALITY))
    except (OSError, SyntaxError, ValueError) as error:
        raise NotKeptError("it is damaged") from error
    own = turned_back(picture.pixels, luma.orientation) if luma.grey else _decoded(luma.file)
    if not np.array_equal(plane, own):
        raise NotKeptError("it is damaged")
    return KeptLuma(frame, plane, subsampling)


def _read(file: bytes) -> Frame:
    try:
        return read_frame(file)
    except DamagedError as error:
        raise NotKeptError(str(error)) from error


def _decoded(file: bytes) -> Bytes:
    """Y' of a file, of grey or of colour, without what else it holds."""
    with opened(file, "JPEG", lambda *_: None) as image:
        image.draft("L", image.size)  # has libjpeg give Y' itself, not a grey made of R'G'B'
        return np.asarray(image.convert("L"))


def _as_grey_file(file: bytes, frame: Frame) -> bytes:
    """A Huffman-coded grey file of the first component's coefficients."""
    try:
        import jpegio
    except ImportError as error:
        what = "arithmetic-coded" if frame.components == 1 else "coded with its colours"
        raise NotKeptError(f"it is {what}, which takes the package pyjpegio, of the extra jpeg") from error
    # Pillow has decoded the file, so what libjpeg refuses does not get here; pyjpegio reads and writes files alone
    with tempfile.TemporaryDirectory(prefix="colorize-") as folder, silent_stderr():
        source, target = Path(folder, "source.jpg"), Path(folder, "grey.jpg")
        source.write_bytes(file)
        try:
            coded = jpegio.read(str(source))
            coded.num_components = coded.image_components = 1
            coded.jpeg_color_space = coded.image_color_space = _GREY_SPACE
            coded.markers, coded.restart_interval = [], 0
            coded.arith_code, coded.optimize_coding = False, True
            coded.progressive_mode = False
            coded.write(str(target))
            return target.read_bytes()
        except (OSError, RuntimeError, ValueError, MemoryError) as error:
            raise NotKeptError("its coefficients cannot be read") from error


def turned_back(plane: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Undo what `colorizer.media.picture.upright` did, to (H, W, ...)."""
    return upright(plane, _OPPOSITE.get(orientation, orientation))


def with_chroma_planes(
    picture: Picture, luma: CodedLuma, kept: KeptLuma, chroma: tuple[Bytes, Bytes], mark: Mark
) -> Picture:
    """The picture to write: its kept luma and chroma planes, and its metadata as they were stored, not upright."""
    stored = luma.metadata
    metadata = replace(
        stored,
        exif=exif.updated(stored.exif, orientation=None, to_srgb=False),
        xmp=xmp.updated(stored.xmp, turned=False, transposed=False, to_srgb=False),
        photoshop=iptc.updated(stored.photoshop),
    )
    return replace(picture, metadata=metadata, mark=mark, coded=(kept, chroma))


def encoded(
    kept: KeptLuma, chroma: tuple[Bytes, Bytes], quality: int, *, dpi: tuple[float, float] | None = None
) -> bytes:
    """The file, without metadata.

    Parameters
    ----------
    kept, chroma
        The planes.
    quality
        1 to 100, of the chroma.
    dpi
        Resolution to state.

    Raises
    ------
    ValueError
        The planes do not fit together.
    """
    options: dict[str, Any] = {"qtables": [_chroma_table(quality)], "optimize": True}
    if dpi:
        options["dpi"] = dpi
    if kept.frame.kind == PROGRESSIVE:
        options["progressive"] = True

    def code(plane: Bytes) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(plane).save(buffer, "JPEG", **options)
        return buffer.getvalue()

    with ThreadPoolExecutor(min(len(chroma), usable_cores())) as pool:
        files = list(pool.map(code, chroma))
    planes = read_frame(files[0]), read_frame(files[1])
    return put_together(kept.frame, planes, kept.subsampling, jfif_segment(files[0]))


@lru_cache(maxsize=8)
def _chroma_table(quality: int) -> tuple[int, ...]:
    """Libjpeg's quantization table of chroma at a quality."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as image:
        return tuple(image.quantization[_CHROMA_TABLE])
