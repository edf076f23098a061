"""A film from file to file: decode, predict, solve and encode side by side, in segments that survive any end.

The way of a film: source -> frames -> chroma -> planes -> packets in a work folder -> joined with the original's sound.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from colorizer import __version__
from colorizer.colorizer import Colorizer
from colorizer.errors import InputError, Message, OptionRef, OutputError, Remedy, UsageError, shown
from colorizer.film.encoder import Encoder, Plan, native_frame, plan_for
from colorizer.film.frame import Frame
from colorizer.film.joining import check_streams, join
from colorizer.film.options import Film
from colorizer.film.overlap import ahead
from colorizer.film.painting import Painter, Predicted, SteadyingOptions
from colorizer.film.segments import Memory, WorkFolder, write_coded
from colorizer.film.source import Reader, Timed, Troubles, import_av
from colorizer.io.atomic import remove_leftovers
from colorizer.settings import Settings

SEGMENT_FRAMES = 240
"""Ten seconds of cinema: what is lost at most when a run is killed, and how far apart key frames are."""

_UNDER_WAY = 4
"""Frames between two stages; a 4K frame of 10 bits takes 25 MB."""


@dataclass(frozen=True)
class Progress:
    """How far a film is."""

    done: int  # frames
    total: int | None  # about how many; None where the film does not say
    resumed: int = 0  # of those done, by an earlier run


@dataclass(frozen=True)
class Result:
    """What became of a film."""

    frames: int
    asked: int  # frames for which the network was asked, if this run did
    recipe: str  # model, engine, and what was set
    remarks: tuple[str, ...]


def color_video(
    source: Path,
    target: Path,
    settings: Settings | None = None,
    film: Film | None = None,
    *,
    overwrite: bool = False,
    tell: Callable[[Progress], None] = lambda _: None,
    remark: Callable[[Message | str], None] = lambda _: None,
    segment_frames: int = SEGMENT_FRAMES,
) -> Result:
    """Put colour into a film; everything in it that is not colour stays.

    Parameters
    ----------
    source, target
        The film, and the file to write; its suffix says the container.
    settings, film
        How to colour, and how to treat the film.
    overwrite
        Replace a target that exists.
    tell
        Is told after each frame.
    remark
        Is told, before the work begins, what is used and what is left out.
    segment_frames
        Frames to a segment.

    Returns
    -------
    Result
        Its remarks say what was damaged or mended.

    Raises
    ------
    InputError
        The source is no film, or none of its frames can be decoded.
    OutputError
        The target exists, or cannot be written.
    UsageError
        Options do not fit each other or the film.
    """
    settings, film = settings or Settings(), film or Film()
    if target.exists() and not overwrite:
        raise OutputError(f"{shown(target)}: exists, kept", remedy=Remedy.OVERWRITE)
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"{shown(target)}: is the film itself", remedy=Remedy.CHOOSE_OUTPUT, what="another name")
    if not target.parent.is_dir():
        raise OutputError(f"{shown(target)}: create the folder {shown(target.parent)} first")
    # a run that was killed while it joined its segments left a file as large as the film
    remove_leftovers(target.parent, below=False)
    with contextlib.closing(Reader(source, film.span, film.deinterlace)) as reader:
        plan = plan_for(target, reader.description, film)
        for left_out in check_streams(source, target, plan.container, film):
            remark(left_out)
        for changed in _changes(reader, plan):
            remark(f"{shown(source)}: {changed}")
        colorizer = Colorizer(settings, pictures=reader.description.frames or SEGMENT_FRAMES)
        if colorizer.model.note:
            remark(colorizer.model.note)
        painter = Painter(colorizer, SteadyingOptions(film.steadiness, film.network_every))
        work = WorkFolder(target, _fingerprint(source, film, plan, colorizer, segment_frames))
        run = _Run(reader, painter, plan, work, tell, segment_frames=segment_frames)
        run.encode()
    if not run.frames:
        work.remove()
        times = OptionRef("start"), OptionRef("end")
        raise InputError(
            f"{shown(source)}: no frame lies between start and end", remedy=Remedy.CHOOSE_ANOTHER, what=times
        )
    join(source, target, work.complete(), plan, film)
    work.remove()
    return Result(
        run.frames,
        painter.asked,
        colorizer.recipe(),
        tuple(f"{shown(source)}: {text}" for text in _told(reader.troubles)),
    )


def _fingerprint(source: Path, film: Film, plan: Plan, colorizer: Colorizer, segment_frames: int) -> dict[str, str]:
    """Everything that the segments depend on."""
    stat = source.stat()
    return {
        "source": f"{source.resolve()} {stat.st_size} {stat.st_mtime_ns}",
        "settings": repr(sorted(asdict(colorizer.settings).items())),
        "film": repr(sorted(asdict(film).items())),
        "plan": repr(plan),
        "model": colorizer.recipe(),
        "segment": str(segment_frames),
        "versions": f"{__version__} {import_av().__version__}",
    }


def _changes(reader: Reader, plan: Plan) -> list[str]:
    """What of the pictures' format cannot stay."""
    before = reader.description.layout
    changes = []
    if plan.instead_of:
        changes.append(f"{plan.encoder} in place of {plan.instead_of}, which takes no odd sides in {plan.pix_fmt}")
    if before.bits != plan.layout.bits:
        changes.append(f"{before.bits} bits become {plan.layout.bits} ({plan.encoder} writes {plan.pix_fmt})")
    if before.chroma is not None and before.chroma != plan.layout.chroma:
        changes.append(f"the chroma's resolution changes ({plan.encoder} writes {plan.pix_fmt})")
    if reader.description.transparent:
        changes.append("its transparency is left out")
    if reader.description.interlaced and not plan.interlaced:
        changes.append(f"its fields stay as they are, but {plan.encoder} does not tag them as interlaced")
    return changes


def _told(troubles: Troubles) -> list[str]:
    told = []
    if troubles.ends:
        end, stated = (f"{float(seconds):.1f}" for seconds in troubles.ends)
        told.append(f"ends after {end} of the {stated} seconds that it says it has; what can be read of it is coloured")
    elif troubles.cut_short:
        told.append("the file ends early; what can be read of it is coloured")
    if troubles.damaged:
        told.append(f"{troubles.damaged} packets or frames are damaged; the rest is coloured")
    if troubles.mended_times:
        told.append(f"{troubles.mended_times} frames had no time or one before their predecessor's; mended")
    if troubles.scaled:
        told.append(f"{troubles.scaled} frames have another size than the first; scaled to it")
    return told


@dataclass(frozen=True)
class _Coded:
    """A frame ready for the encoder, and what it leaves for the next."""

    native: Any
    memory: Memory


class _Run:
    """The encoding of a film's segments."""

    def __init__(
        self,
        reader: Reader,
        painter: Painter,
        plan: Plan,
        work: WorkFolder,
        tell: Callable[[Progress], None],
        *,
        segment_frames: int,
    ) -> None:
        self._reader, self._painter, self._plan, self._work = reader, painter, plan, work
        self._segment_frames, self._tell = segment_frames, tell
        self.frames = 0

    def encode(self) -> None:
        """Encode what is not yet there."""
        number = len(self._work.complete())
        memory = self._work.memory_after(number - 1) if number else Memory(None, None)
        resumed = number * self._segment_frames
        frames = self._ready(resumed, memory)
        try:
            while self._segment(number, frames, resumed):
                number += 1
        finally:
            frames.close()

    def _ready(self, skipped: int, memory: Memory) -> Any:
        def after_skipped() -> Iterator[tuple[Timed, Frame]]:
            for count, timed in enumerate(self._reader.frames()):
                if count < skipped:
                    self.frames += 1
                    continue
                yield timed, timed.frame

        decoded = ahead(after_skipped(), _UNDER_WAY)
        predicted = ahead(self._painter.predict(decoded, memory), _UNDER_WAY)
        # a generator, since closing it lets go of what it reads from, and so of the reader's frames
        return ahead((self._native(one) for one in predicted), _UNDER_WAY)

    def _native(self, predicted: Predicted[Timed]) -> _Coded:
        timed = predicted.item
        scale = self._reader.description.time_base / self._plan.time_base
        time, duration = round(timed.time * scale), round(timed.duration * scale)
        planes = self._painter.painted(predicted, self._plan.layout)
        native = native_frame(predicted.frame, planes, self._plan, time=time, duration=duration)
        return _Coded(native, predicted.memory)

    def _segment(self, number: int, frames: Iterator[_Coded], resumed: int) -> bool:
        """Encode a segment; False if there was nothing left for one."""
        first = next(frames, None)
        if first is None:
            return False
        encoder = Encoder(self._plan)
        last = first
        try:
            with self._work.open_part(number) as part:
                count = 0
                frame: _Coded | None = first
                while frame is not None:
                    for packet in encoder.encode(frame.native):
                        write_coded(part, packet)
                    last = frame
                    count += 1
                    self.frames += 1
                    self._tell(Progress(self.frames, self._total(), resumed))
                    frame = next(frames, None) if count < self._segment_frames else None
                for packet in encoder.encode(None):
                    write_coded(part, packet)
                self._work.finish(number, part, last.memory)
        except OSError as error:
            raise OutputError(
                f"{shown(self._work.path)}: cannot be written ({error.strerror}); free some space, then run it again"
            ) from error
        return True

    def _total(self) -> int | None:
        total = self._reader.description.frames
        return total if total is None else max(total, self.frames)
