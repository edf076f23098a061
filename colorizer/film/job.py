"""A film from file to file: decoded, predicted, solved and encoded at the same time, in segments that survive a crash.

source -> frames -> predicted chroma -> planes -> packets in a work folder -> joined with the original's sound
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from colorizer import __version__
from colorizer.colorizer import Colorizer
from colorizer.errors import InputError, Message, OptionRef, OutputError, Remedy, UsageError, shown
from colorizer.film.coloring import FrameColorizer, steadying_of
from colorizer.film.digest import FilmHash
from colorizer.film.encoder import EncodingPlan, plan_encoding
from colorizer.film.encoding import Encode, FilmJob, Progress, encode_here
from colorizer.film.guidance.files import FilmGuiding, read_guiding
from colorizer.film.guided_film import GuidedFilm
from colorizer.film.joining import join
from colorizer.film.options import FilmOptions, film_settings
from colorizer.film.pyav import import_av
from colorizer.film.segments import WorkFolder, work_folder_of
from colorizer.film.source import DecodingProblems, FilmReader
from colorizer.film.trial import plan_carriage
from colorizer.io.atomic import already_there, remove_leftovers
from colorizer.settings import Settings

SEGMENT_FRAMES = 96
"""Four seconds of cinema: the most that is lost when a run is killed, and the most between two key frames."""

_BESIDE_PICTURES = {"audio_codec", "no_audio", "no_mark"}
"""Options on which the pictures do not depend."""


@dataclass(frozen=True)
class FilmResult:
    """What became of a film."""

    frames: int
    network_calls: int  # frames on which this run ran the network
    recipe: str  # model, engine, and what was set
    notes: tuple[str, ...]  # what was damaged or repaired
    pixels: tuple[int, int] = (0, 0)  # height and width
    making: Mapping[str, Any] | None = None  # what the film says of its making (docs/mark.md)


@dataclass(frozen=True)
class FilmPlan:
    """What would become of a film."""

    frames: int | None  # about how many; None where the film does not say
    pixels: tuple[int, int]  # height and width
    encoder: str  # FFmpeg's name
    pixel_format: str
    notes: tuple[Message | str, ...]  # what would be left out or changed


def color_video(
    source: Path,
    target: Path,
    settings: Settings | None = None,
    options: FilmOptions | None = None,
    *,
    guiding: FilmGuiding = FilmGuiding(),  # noqa: B008 - frozen
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_note: Callable[[Message | str], None] = lambda _: None,
    segment_frames: int = SEGMENT_FRAMES,
    encode: Encode | None = None,
) -> FilmResult:
    """Put colour into a film; everything in it that is not colour stays.

    Parameters
    ----------
    source, target
        The film, and the file to write; its suffix says the container.
    settings, options
        How to colour, and how to read and write the film.
    guiding
        What people say of its colours: frames in colour, hints, looks of shots; and whether its shots are matched.
    overwrite
        Replace a target that exists.
    on_progress
        Called after each frame.
    on_note
        Called, before the work begins, with what is used and what is left out.
    segment_frames
        Frames to a segment.
    encode
        Who makes the segments; None: this process.

    Returns
    -------
    FilmResult
        How many frames, with which model, and what was damaged or repaired.

    Raises
    ------
    InputError
        The source is no film, or none of its frames can be decoded.
    OutputError
        The target exists, or cannot be written; a `DiskFullError` where there is no room for it.
    UsageError
        Options do not fit each other or the film.
    MissingExtraError
        PyAV is not installed.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    settings, options = settings or Settings(), options or FilmOptions()
    said = read_guiding(guiding)
    work_folder_of(target)  # names that are too long are refused here; to look for such a file would be an error
    if target.exists() and not overwrite:
        raise already_there(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"{shown(target)}: is the film itself", remedy=Remedy.CHOOSE_OUTPUT, what="another name")
    if not target.parent.is_dir():
        raise OutputError(f"{shown(target)}: create the folder {shown(target.parent)} first")
    # a run that was killed while it joined its segments left a file as large as the film
    remove_leftovers(target.parent, below=False)
    with (
        contextlib.closing(FilmReader(source, options.span, options.deinterlace)) as reader,
        FilmHash(source, wanted=not options.no_mark) as hashing,
    ):
        plan = plan_encoding(target, reader.description, options)
        carriage, left_out = plan_carriage(source, target, plan, options, reader.first_time)
        for note in left_out:
            on_note(note)
        for changed in _changes(reader, plan):
            on_note(f"{shown(source)}: {changed}")
        colorizer = Colorizer(film_settings(settings), pictures=reader.description.frames or SEGMENT_FRAMES)
        if colorizer.model.note:
            on_note(colorizer.model.note)
        fingerprint = _fingerprint(source, options, plan, colorizer, segment_frames)
        work = WorkFolder(target, fingerprint | ({"guidance": said.digest} if said else {}))
        film = GuidedFilm(source, options.deinterlace, reader, colorizer)
        with contextlib.closing(work), film.guide(said, work.path) as guide:
            guidance_of = None if guide is None else guide.of_frame
            frame_colorizer = FrameColorizer(colorizer, steadying_of(options), guidance_of)
            how = colorizer, frame_colorizer, options, plan
            job = FilmJob(source, reader, *how, work, segment_frames, on_progress, guide)
            encoded = (encode or encode_here)(job)
            if not encoded.frames:
                work.remove()
                times = OptionRef("start"), OptionRef("end")
                raise InputError(
                    f"{shown(source)}: no frame lies between start and end", remedy=Remedy.CHOOSE_ANOTHER, what=times
                )
            guide_notes = [] if guide is None else [*guide.notes, *guide.last_notes()]
            if guide is not None:
                guide.close()  # before the folder goes in which its planes lie
            reader.close()
            guided = said.summary() if said else {}
            making = replace(colorizer.making(), guidance=guided, source=hashing.result())
            join(source, target, work.complete(), replace(carriage, making=None if options.no_mark else making))
            work.remove()
    return FilmResult(
        encoded.frames,
        encoded.network_calls,
        ", ".join(filter(None, [colorizer.recipe(), said.describe()])),
        tuple(f"{shown(source)}: {text}" for text in [*_problem_notes(encoded.problems), *guide_notes]),
        (plan.height, plan.width),
        making.as_dict(),
    )


def plan_video(source: Path, target: Path, options: FilmOptions | None = None) -> FilmPlan:
    """Find out what would become of a film, without colouring it.

    Parameters
    ----------
    source, target
        The film, and the file that would be written.
    options
        How the film would be read and written.

    Raises
    ------
    InputError
        The source is no film, or none of its frames can be decoded.
    OutputError
        The target could not be written.
    UsageError
        Options do not fit each other or the film.
    MissingExtraError
        PyAV is not installed.
    """
    options = options or FilmOptions()
    with contextlib.closing(FilmReader(source, options.span, options.deinterlace)) as reader:
        plan = plan_encoding(target, reader.description, options)
        _, left_out = plan_carriage(source, target, plan, options, reader.first_time)
        changed = [f"{shown(source)}: {text}" for text in _changes(reader, plan)]
        size = plan.height, plan.width
        return FilmPlan(reader.expected, size, plan.encoder, plan.pix_fmt, (*left_out, *changed))


def _fingerprint(
    source: Path, options: FilmOptions, plan: EncodingPlan, colorizer: Colorizer, segment_frames: int
) -> dict[str, str]:
    """Everything that the segments depend on."""
    stat = source.stat()
    settings = replace(colorizer.decided(), threads=None)  # how many threads compute changes no pixel
    return {
        "source": f"{source.resolve()} {stat.st_size} {stat.st_mtime_ns}",
        "settings": repr(sorted(asdict(settings).items())),
        "options": repr(sorted(item for item in asdict(options).items() if item[0] not in _BESIDE_PICTURES)),
        "plan": repr(plan),
        "model": f"{colorizer.recipe()} {colorizer.making().as_json()}",
        "segment_frames": str(segment_frames),
        "versions": f"{__version__} {import_av().__version__}",
    }


def _changes(reader: FilmReader, plan: EncodingPlan) -> list[str]:
    """Notes on what of the pictures' format cannot stay."""
    before = reader.description.layout
    changes = []
    if plan.replaced_encoder:
        changes.append(
            f"{plan.encoder} in place of {plan.replaced_encoder}, which takes no odd sides in {plan.pix_fmt}"
        )
    if before.bits != plan.layout.bits:
        changes.append(f"{before.bits} bits become {plan.layout.bits} ({plan.encoder} writes {plan.pix_fmt})")
    if before.subsampling is not None and before.subsampling != plan.layout.subsampling:
        changes.append(f"the chroma's resolution changes ({plan.encoder} writes {plan.pix_fmt})")
    if reader.description.transparent:
        changes.append("its transparency is left out")
    if reader.description.interlaced and not plan.interlaced:
        changes.append(f"its fields stay as they are, but {plan.encoder} does not tag them as interlaced")
    return changes


def _problem_notes(problems: DecodingProblems) -> list[str]:
    notes = []
    if problems.early_end:
        end, stated = (f"{float(seconds):.1f}" for seconds in problems.early_end)
        notes.append(f"ends after {end} of its stated {stated} seconds; what can be read of it is coloured")
    elif problems.truncated:
        notes.append("the file ends early; what can be read of it is coloured")
    if problems.damaged:
        notes.append(f"{problems.damaged} packets or frames are damaged; the rest is coloured")
    if problems.repaired_times:
        notes.append(f"{problems.repaired_times} frames had no time, or one before their predecessor's; repaired")
    if problems.scaled:
        notes.append(f"{problems.scaled} frames have another size than the first; scaled to it")
    return notes
