"""How the pictures of a film are encoded with PyAV: codec, pixel format, time base and tags, planned once for a film.

The same plan opens the encoder of every segment and the stream of the joined film, so that their headers agree.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from colorizer.color.ycbcr import FULL, LIMITED, PlaneLayout
from colorizer.errors import OptionRef, OutputError, Remedy, UsageError, shown
from colorizer.film.description import Description, Tags
from colorizer.film.formats import (
    CODECS,
    CodecChoice,
    codec_for,
    container_of,
    layout_of,
    pixel_format,
    written_layout,
)
from colorizer.film.frame import Frame, Plane
from colorizer.film.hardware import ChipEncoder, chip_encoder
from colorizer.film.options import FilmOptions
from colorizer.film.pyav import import_av, plane_array
from colorizer.io.machine import usable_cores

_GLOBAL_HEADER_CONTAINERS = {"mp4", "mov", "matroska", "webm"}
"""Containers that keep a codec's parameters in their own header, so the encoder must not repeat them in the packets."""

_INTERLACED_ENCODERS = {"libx264", "prores_ks"}
"""Encoders that tag frames as interlaced; others encode the fields as they are."""


@dataclass(frozen=True)
class EncodingPlan:
    """How a film's pictures are written."""

    container: str
    encoder: str
    options: tuple[tuple[str, str], ...]
    layout: PlaneLayout
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    tags: Tags
    interlaced: bool
    field_order: int
    threads: int = 0  # of the encoder; what x264 and x265 write depends on it, and segments are to fit together
    replaced_encoder: str | None = None  # what would have been taken if it took odd sides
    chip_format: str | None = None  # pixel format in which a chip takes the same planes

    @property
    def pix_fmt(self) -> str:
        """FFmpeg's name of the pixel format."""
        return pixel_format(self.layout)


def plan_encoding(target: Path, source: Description, options: FilmOptions) -> EncodingPlan:
    """Choose how a film is written.

    Raises
    ------
    UsageError
        Container, codec, pixel format or size do not go together.
    OutputError
        The installed PyAV lacks the encoder.
    MissingExtraError
        PyAV is not installed.
    """
    container = container_of(target)
    choice = codec_for(options.codec, container, target)
    layout = _layout_for(choice, container, target, source, options)
    replaced_encoder = None
    if not _takes_size(choice, source, layout):
        odd = CODECS["av1"]
        if options.codec != "auto" or container not in odd.containers or odd.encoder not in encoders():
            _refuse_size(target, source, layout, choice)
        choice, replaced_encoder = odd, choice.encoder
        layout = _layout_for(choice, container, target, source, options)
    chip = None
    if options.hardware:
        codec = next(name for name, each in CODECS.items() if each == choice)
        chip = chip_encoder(codec)
        layout = _layout_of_chip(chip, layout, source)
    # AVI has no time stamps, only a rate
    time_base = 1 / source.rate if container == "avi" else source.time_base
    return EncodingPlan(
        container=container,
        encoder=choice.encoder if chip is None else chip.name,
        options=tuple(
            (
                _encoder_options(options, choice, layout) if chip is None else _chip_options(options, choice, chip)
            ).items()
        ),
        layout=layout,
        width=source.width,
        height=source.height,
        time_base=time_base,
        rate=source.rate,
        tags=source.tags,
        interlaced=source.interlaced and choice.encoder in _INTERLACED_ENCODERS,
        field_order=source.field_order,
        threads=encoder_threads(choice.encoder, usable_cores(), source.height),
        replaced_encoder=replaced_encoder,
        chip_format=None if chip is None else chip.pixel_formats[layout.bits > 8],
    )


def encoder_threads(encoder: str, cores: int, height: int) -> int:
    """As many as an encoder would take by itself on a machine with so many cores; 0 where that changes no byte.

    Said rather than left to it, since segments of one film may be encoded on machines that have different cores. The
    rules are those of x264 (encoder/encoder.c; PyAV has it cut frames into slices, four rows of blocks each at least),
    of x265 (encoder.cpp), and of libvpx, which has rows encoded side by side only where there are two threads at least.
    """
    if encoder == "libx264":
        rows = -(-height // 16)
        return max(1, min(cores, rows // 4))
    if encoder == "libx265":
        return next((count for least, count in ((32, 6), (16, 5), (8, 3), (4, 2)) if cores >= least), 1)
    return max(2, cores) if encoder == "libvpx-vp9" else 0


def encoders() -> frozenset[str]:
    """FFmpeg's names of the encoders that the installed PyAV brings.

    Raises
    ------
    MissingExtraError
        PyAV is not installed.
    """
    return frozenset(import_av().codecs_available)


def _layout_for(
    choice: CodecChoice, container: str, target: Path, source: Description, options: FilmOptions
) -> PlaneLayout:
    """The layout in which a codec writes the film."""
    if choice.encoder not in encoders():
        others = [
            name for name, other in CODECS.items() if container in other.containers and other.encoder in encoders()
        ]
        lack = f"{shown(target)}: the installed PyAV lacks the encoder {choice.encoder}"
        if others:
            raise OutputError(lack, remedy=Remedy.CHOOSE, what=OptionRef("codec", " or ".join(others)))
        raise OutputError(lack, remedy=Remedy.CHOOSE_OUTPUT, what="another container")
    accepted = [name.name for name in import_av().Codec(choice.encoder, "w").video_formats or []]
    return _chosen_layout(options.pixel_format, accepted, choice) or written_layout(source.layout, accepted)


def _chosen_layout(name: str | None, accepted: list[str], choice: CodecChoice) -> PlaneLayout | None:
    if name is None:
        return None
    layout = layout_of(name)
    if layout is None or layout.subsampling is None or name not in accepted:
        fitting = [
            one for one in accepted if (known := layout_of(one)) and known.subsampling and not one.startswith("yuvj")
        ]
        raise UsageError(f"{choice.encoder} takes {', '.join(fitting)}", option=OptionRef("pixel_format", name))
    return layout


def _takes_size(choice: CodecChoice, source: Description, layout: PlaneLayout) -> bool:
    down, across = layout.subsampling or (1, 1)
    return not choice.even or (source.height % down == 0 and source.width % across == 0)


def _refuse_size(target: Path, source: Description, layout: PlaneLayout, choice: CodecChoice) -> NoReturn:
    # their cropping counts chroma samples, so that padding could not be cut off again (H.264, 7.4.2.1.1)
    raise UsageError(
        f"{shown(target)}: {choice.encoder} takes no odd sides such as {source.width}x{source.height} in "
        f"{pixel_format(layout)}",
        remedy=Remedy.CHOOSE,
        what=(OptionRef("pixel_format", "yuv444p"), OptionRef("codec", "av1, vp9 or ffv1 to .mkv")),
    )


def _encoder_options(options: FilmOptions, choice: CodecChoice, layout: PlaneLayout) -> dict[str, str]:
    chosen: dict[str, str] = {}
    crf = choice.crf if options.crf is None else options.crf
    if choice.crf is None and options.crf is not None:
        raise UsageError(f"{choice.encoder} has no constant quality", option="crf", remedy="leave it out")
    if crf is not None:
        chosen["crf"] = str(crf)
    preset = options.preset or choice.preset
    if options.preset and choice.preset is None:
        raise UsageError(f"{choice.encoder} has no presets", option="preset", remedy="leave it out")
    if preset:
        chosen["preset"] = preset
    # libvpx's own defaults take several times as long for a file that is hardly smaller
    if choice.encoder == "libvpx-vp9":
        chosen |= {"row-mt": "1", "cpu-used": "4"}
    # version 3 with checksums is what archives ask for; damage is found, and stays in its slice
    if choice.encoder == "ffv1":
        chosen |= {"level": "3", "slicecrc": "1"}
    # the profiles 4444 and 422 HQ
    if choice.encoder == "prores_ks":
        chosen["profile"] = "4" if layout.subsampling == (1, 1) else "3"
    if choice.encoder == "libx265":
        chosen["x265-params"] = "log-level=error"
    return chosen


def _layout_of_chip(chip: ChipEncoder, layout: PlaneLayout, source: Description) -> PlaneLayout:
    """4:2:0, at 8 bits or 10, which is what chips take."""
    return PlaneLayout(10 if layout.bits > 8 and source.layout.bits > 8 and len(chip.pixel_formats) > 1 else 8, (2, 2))


def _chip_options(options: FilmOptions, choice: CodecChoice, chip: ChipEncoder) -> dict[str, str]:
    crf = choice.crf if options.crf is None else options.crf
    preset = options.preset or chip.preset
    return chip.quality(crf or 0) | ({"preset": preset} if preset else {})


def configure(context: Any, plan: EncodingPlan) -> None:
    """Set up an encoder's context (or an output stream, which passes it on) by the plan."""
    av = import_av()
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 speaks to stderr otherwise; 1 is errors only
    context.width, context.height, context.pix_fmt = plan.width, plan.height, plan.chip_format or plan.pix_fmt
    context.time_base, context.framerate = plan.time_base, plan.rate
    context.options = dict(plan.options)
    if plan.tags.aspect:
        context.sample_aspect_ratio = plan.tags.aspect
    context.colorspace = plan.tags.matrix
    context.color_range = FULL if plan.tags.full_range else LIMITED
    context.color_primaries, context.color_trc = plan.tags.primaries, plan.tags.transfer
    flags = av.codec.context.Flags
    if plan.container in _GLOBAL_HEADER_CONTAINERS:
        context.flags |= flags.global_header
    if plan.container == "avi":
        # AVI has no time stamps, so frames must be stored in the order in which they are shown
        context.max_b_frames = 0
    if plan.interlaced:
        context.flags |= flags.interlaced_dct | flags.interlaced_me
        if plan.field_order:
            context.field_order = plan.field_order


@contextlib.contextmanager
def ordinary_scheduling() -> Iterator[None]:
    """Open an encoder, and stay a process like others.

    Run by root, as in containers, SVT-AV1 gives the thread that opens it and its own, dozens of them, real-time
    scheduling on Linux. What they then start inherits it, and nothing else on the machine gets its turn.
    """
    if not hasattr(os, "sched_setscheduler") or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield  # not Linux; or the person wants it so
        return
    try:
        yield
    finally:
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                if os.sched_getscheduler(int(thread.name)) == os.SCHED_FIFO:
                    os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


class Encoder:
    """Frames in, packets out; for one segment.

    Raises
    ------
    UsageError
        The encoder does not take what the plan says, such as an unknown preset.
    """

    def __init__(self, plan: EncodingPlan) -> None:
        av = import_av()
        self._chip_format = plan.chip_format
        self._context = av.CodecContext.create(plan.encoder, "w")
        configure(self._context, plan)
        self._context.thread_count = plan.threads
        try:
            with ordinary_scheduling():
                self._context.open()
        except (av.error.FFmpegError, ValueError) as error:
            chosen = ", ".join(f"{name} {value}" for name, value in plan.options)
            raise UsageError(
                f"{plan.encoder} does not take {plan.width}x{plan.height} {plan.pix_fmt} with {chosen or 'no options'}",
                remedy=Remedy.CHOOSE_ANOTHER,
                what=tuple(map(OptionRef, ("preset", "crf", "pixel_format", "codec"))),
            ) from error

    def encode(self, native: Any | None) -> Iterator[Any]:
        """Packets that are ready after a frame; after None, those that remain."""
        if native is not None and self._chip_format not in (None, native.format.name):
            native = _in_chip_format(native, self._chip_format)
        yield from self._context.encode(native)


def _in_chip_format(native: Any, chip_format: str | None) -> Any:
    """The same samples, laid out as a chip takes them."""
    converted = native.reformat(format=chip_format)
    converted.pts, converted.time_base, converted.duration = native.pts, native.time_base, native.duration
    return converted


def native_frame(
    frame: Frame, planes: tuple[Plane, tuple[Plane, Plane]], plan: EncodingPlan, *, time: int, duration: int
) -> Any:
    """A PyAV frame of the coloured planes, for the encoder.

    Parameters
    ----------
    frame
        The frame as it was decoded.
    planes
        Y', and Cb and Cr, in the plan's layout.
    plan
        How the film is written.
    time, duration
        When the frame is shown and for how long, in units of the plan's time base.

    Returns
    -------
    av.VideoFrame
        The decoder's own frame with new chroma where the format stays, which saves copying Y'.
    """
    av = import_av()
    luma, chroma = planes
    native = frame.native
    if native is not None and native.format.name == plan.pix_fmt and frame.luma is luma:
        if chroma is not frame.chroma:
            # the planes may move, so arrays of the old ones are not to be read from here on
            native.make_writable()
            _write(native, chroma, first=1, bits=plan.layout.bits)
    else:
        native = av.VideoFrame(plan.width, plan.height, plan.pix_fmt)
        _write(native, (luma, *chroma), first=0, bits=plan.layout.bits)
    native.pts, native.time_base = time, plan.time_base
    native.duration = duration
    native.pict_type = 0  # else the encoder would make key frames where the source had them
    # ProRes writes the tags of the frame, other encoders those of their context
    native.colorspace, native.color_range = plan.tags.matrix, FULL if plan.tags.full_range else LIMITED
    native.color_primaries, native.color_trc = plan.tags.primaries, plan.tags.transfer
    return native


def _write(native: Any, planes: tuple[Plane, ...], *, first: int, bits: int) -> None:
    for index, plane in enumerate(planes, start=first):
        plane_array(native, index, bits)[:] = plane
