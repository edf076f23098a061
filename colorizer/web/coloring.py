"""The work behind a request: a file coloured as the command does it, and previews rendered while sliders move.

A preview costs no pass of the network: its output for the picture and a reduced copy of the picture are kept in files,
from which any saturation and temperature is rendered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.chroma_for_luma import rgb_of
from colorizer.color.resample import fitted
from colorizer.colorizer import Colorizer
from colorizer.errors import TooLargeError, shown
from colorizer.jobs.guiding import Saying
from colorizer.jobs.plan import COLORED_INFIX
from colorizer.jobs.plan import result_name as jobs_result_name
from colorizer.jobs.stream import color_document
from colorizer.media import READABLE_SUFFIXES, SUFFIXES, Document, Output, Picture, encode_picture
from colorizer.media.formats import FORMATS, HEAD_SIZE, format_of
from colorizer.media.jpeg_luma import kept_luma
from colorizer.media.samples import rescaled
from colorizer.networks.descriptor.model import Spreading
from colorizer.networks.distribution import Distribution
from colorizer.web.folder import PrivateFolder
from colorizer.web.names import split_suffix
from colorizer.web.problems import ProblemError
from colorizer.web.work_queue import JobCancelledError

PROXY_SIDE = 2048
"""Longest side of the reduced copy; no screen shows more of a picture beside another."""

PREVIEW_QUALITY = 90

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "PNM": "image/x-portable-anymap",
    "JP2": "image/jp2",
    "AVIF": "image/avif",
    "HEIC": "image/heic",
}
"""Of what is written; no browser takes one of these for a page or a program."""


@dataclass(frozen=True)
class Source:
    """A picture that a client sent: where it lies, and how it is called."""

    path: Path
    name: str
    named: bool = True  # by whoever sent it; else the name is only one to call it by


@dataclass(frozen=True)
class Result:
    """A coloured file."""

    path: Path
    name: str
    media_type: str
    size: int  # bytes
    passes: int  # of the network


@dataclass(frozen=True)
class Preview:
    """What is kept of a picture to render previews: facts, a reduced copy, and the network's output."""

    width: int
    height: int
    format: str
    depth: int  # bits of a sample
    proxy: Path  # (h, w) or (h, w, 3) uint8, on white where the picture is transparent
    predicted: Path  # (C, h, w) float16 logits; (h, w, 2) float32 ab where there is no distribution
    centres: npt.NDArray[np.float32] | None
    temperature: float | None  # the model's
    size: int  # bytes of both files
    keeps_luma: bool = False  # whether the result does, by default
    spreading: Spreading = "program"  # who spreads hints


class CancellableDocument(Document):
    """A document whose pages together may not have more pixels than one, and which stops when its job is cancelled.

    Raises
    ------
    ProblemError
        The picture has been deleted meanwhile.
    """

    def __init__(self, source: Source, max_pixels: int, cancelled: threading.Event, *, hashed: bool = False) -> None:
        self._cancelled = cancelled
        try:
            file = source.path.open("rb")
        except FileNotFoundError as error:
            raise ProblemError(404, "the picture has been deleted") from error
        try:
            super().__init__(file, shown(source.name), max_pixels, hashed=hashed)
        except BaseException:
            file.close()
            raise

    def __iter__(self) -> Iterator[Picture]:
        pixels = 0
        for picture in super().__iter__():
            pixels += picture.pixels.shape[0] * picture.pixels.shape[1]
            if pixels > self._max_pixels:
                raise TooLargeError(f"{self.name}: its pages have more than {self._max_pixels} pixels; send fewer")
            if self._cancelled.is_set():
                raise JobCancelledError
            yield picture


def color_file(
    source: Source,
    colorizer: Colorizer,
    output: Output,
    saying: Saying | None = None,
    *,
    max_pixels: int,
    folder: PrivateFolder,
    cancelled: threading.Event,
) -> Result:
    """Colour a file as the command does, by what hints say of it.

    Raises
    ------
    ColorizerError
        It is no picture, damaged, too large, or cannot be written in that format.
    JobCancelledError
        Nobody waits for it any more.
    """
    with CancellableDocument(source, max_pixels, cancelled, hashed=True) as document:
        data, _, passed = color_document(document, colorizer, output, saying, source.name if source.named else "")
        passes = 0 if passed else len(document)
    if passed and output.format == "auto":
        # nothing changes, so not a byte need: what was sent, and is a whole picture
        data = source.path.read_bytes()
    if cancelled.is_set():
        raise JobCancelledError
    target = folder.new()
    target.write_bytes(data)
    written = format_of(data[:HEAD_SIZE])
    kind = written.name if written else "PNG"
    return Result(target, result_name(source.name, kind), MEDIA_TYPES[kind], len(data), passes)


def result_name(name: str, kind: str) -> str:
    """`photo.color.jpg` for `photo.jpg`, `box7.0113.color.jpg` for `box7.0113`, with the suffix of what was written."""
    _, suffix = split_suffix(name)
    usual = FORMATS[kind].suffixes[0]
    written = suffix if SUFFIXES.get(suffix.lower()) == kind else usual
    return jobs_result_name(name, COLORED_INFIX, written, "" if suffix.lower() in READABLE_SUFFIXES else usual)


def prepare(
    source: Source, colorizer: Colorizer, *, max_pixels: int, folder: PrivateFolder, cancelled: threading.Event
) -> Preview:
    """Run the network on a picture, and keep what is needed to render previews; of several pages, the first.

    Raises
    ------
    ColorizerError
        It is no picture, damaged, or too large.
    JobCancelledError
        Nobody waits for it any more.
    """
    with CancellableDocument(source, max_pixels, cancelled) as document:
        picture = next(iter(document))
        kind = document.format.name
    said = None if colorizer.temperature is None else colorizer.distribution(picture.pixels)
    predicted = colorizer.predict(picture.pixels) if said is None else said.logits
    proxy = _shown(picture, PROXY_SIDE)
    kept = folder.new(".npy"), folder.new(".npy")
    try:
        np.save(kept[0], proxy)
        np.save(kept[1], predicted)
        if cancelled.is_set():
            raise JobCancelledError
    except BaseException:
        folder.discard(*kept)
        raise
    height, width = picture.pixels.shape[:2]
    size = sum(path.stat().st_size for path in kept)
    centres = None if said is None else said.centres
    luma, _ = kept_luma(picture, kind, Output())
    return Preview(
        width,
        height,
        kind,
        picture.depth.itemsize * 8,
        *kept,
        centres,
        colorizer.temperature,
        size,
        keeps_luma=luma is not None,
        spreading=colorizer.spreading,
    )


def preview_before(preview: Preview, side: int) -> bytes:
    """The picture as it came, a sepia print in its brown, as a JPEG file."""
    return _jpeg(fitted(np.load(preview.proxy), side))


def preview_after(preview: Preview, side: int, temperature: float | None, colorizer: Colorizer) -> bytes:
    """The picture in colour, by the colorizer's saturation and strength, as a JPEG file; without a pass.

    The temperature is the model's where it is None.
    """
    return _jpeg(_colored(fitted(np.load(preview.proxy), side), preview, temperature, colorizer))


def full_before(source: Source, max_pixels: int, cancelled: threading.Event) -> npt.NDArray[np.uint8]:
    """The picture as it came, at its own size; of several pages, the first.

    Raises
    ------
    ColorizerError
        It is no picture, damaged, or too large.
    JobCancelledError
        Nobody waits for it any more.
    """
    with CancellableDocument(source, max_pixels, cancelled) as document:
        return _shown(next(iter(document)), None)


def full_after(
    before: npt.NDArray[np.uint8], preview: Preview, temperature: float | None, colorizer: Colorizer
) -> npt.NDArray[np.uint8]:
    """The same in colour, as `preview_after` has it small."""
    return _colored(before, preview, temperature, colorizer)


def _colored(
    pixels: npt.NDArray[np.uint8], preview: Preview, temperature: float | None, colorizer: Colorizer
) -> npt.NDArray[np.uint8]:
    ab = np.load(preview.predicted)
    wanted = temperature or preview.temperature
    if preview.centres is not None and wanted is not None:
        ab = Distribution(ab, preview.centres).ab(wanted)
    if preview.keeps_luma:
        return rgb_of(pixels, colorizer.render_chroma(pixels, ab))
    return np.asarray(colorizer.render(pixels, ab), np.uint8)


def as_jpeg(pixels: npt.NDArray[Any]) -> bytes:
    """A preview's file: (h, w) or (h, w, 3) RGB, uint8."""
    return _jpeg(pixels)


def _shown(picture: Picture, side: int | None) -> npt.NDArray[np.uint8]:
    """What is to be seen of a picture, at 8 bits, on white where it is transparent; no larger than that side."""

    def eight_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return rescaled(pixels if side is None else fitted(pixels, side), np.dtype(np.uint8))

    proxy = eight_bits(picture.pixels)
    if picture.alpha is not None:
        cover = eight_bits(picture.alpha).astype(np.float32) / 255
        cover = cover if proxy.ndim == 2 else cover[..., None]
        proxy = np.rint(proxy * cover + 255 * (1 - cover)).astype(np.uint8)
    return np.ascontiguousarray(proxy, np.uint8)


def _jpeg(pixels: npt.NDArray[Any]) -> bytes:
    data, _ = encode_picture(Picture(pixels, None, "JPEG"), Output(quality=PREVIEW_QUALITY))
    return data
