"""What people say of a film's colours: frames in colour, hints on frames, looks of shots; and where they say it.

Frames are named by their number from the film's first (`ref_001200.png`), or by their time from it
(`00-01-30.500.jpg`, with hours, minutes and seconds).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError, UsageError, shown
from colorizer.film.frame_files import NUMBER
from colorizer.guidance.files import LARGEST_FILE, SUFFIX, MadeFor, ShotLook, from_json
from colorizer.guidance.hints import DEFAULT_CARRY, Hint, Reference, Role
from colorizer.io.address import Address
from colorizer.io.records import hash_file
from colorizer.io.storage import LOCAL
from colorizer.media import READABLE_SUFFIXES, read_picture

_TIME = re.compile(r"(\d+)[-_.](\d{1,2})[-_.](\d{1,2}(?:\.\d+)?)$")


@dataclass(frozen=True)
class Moment:
    """A frame of a film: by its number from 0, or by its time in seconds from the first; and how people call it."""

    number: int | None = None
    seconds: Fraction | None = None
    name: str = field(default="", compare=False)

    def is_at(self, number: int, seconds: Fraction, half: Fraction) -> bool:
        """Whether it is a frame, or before it; half the time that a frame is shown is rounded away."""
        if self.number is not None:
            return number >= self.number
        return seconds + half >= (self.seconds or 0)

    def __str__(self) -> str:
        """In words."""
        if self.name:
            return self.name
        return f"frame {self.number}" if self.number is not None else f"{float(self.seconds or 0):.3f} s"


@dataclass(frozen=True)
class FrameReference:
    """A frame in colour, in a file, and which one it is."""

    at: Moment
    path: Path


@dataclass(frozen=True)
class FrameHints:
    """Hints on one frame, and the picture of it that they were made on, as far as is known."""

    at: Moment
    hints: tuple[Hint, ...]
    made_for: MadeFor = MadeFor()
    name: str = "hints"


@dataclass(frozen=True)
class FilmGuiding:
    """How a film is guided, as it is given.

    Attributes
    ----------
    references
        A folder of frames in colour.
    pictures
        Pictures in colour for the whole film, and what they are.
    palette
        Colours for the whole film.
    hints
        A hints file, or a folder of them, named as the frames are.
    carry
        In place of what hints files say; None: as they say.
    match_shots
        Whether what several shots show is to have one colour in all of them.
    """

    references: Path | None = None
    pictures: tuple[tuple[Role, Address], ...] = ()
    palette: tuple[str, ...] = ()
    hints: Path | None = None
    carry: float | None = None
    match_shots: bool = False


@dataclass(frozen=True)
class FilmGuidance:
    """All that is said of a film's colours.

    Attributes
    ----------
    frames
        In colour, in the order of the film.
    hints
        On frames, likewise.
    looks
        Of shots.
    references
        Pictures for the whole film.
    palette
        Colours for the whole film.
    carry
        How far hints go beyond their own objects.
    match_shots
        Whether what several shots show is to have one colour in all of them.
    digest
        Another one when anything said is another.
    """

    frames: tuple[FrameReference, ...] = ()
    hints: tuple[FrameHints, ...] = ()
    looks: tuple[ShotLook, ...] = ()
    references: tuple[Reference, ...] = ()
    palette: tuple[str, ...] = ()
    carry: float = DEFAULT_CARRY
    match_shots: bool = False
    digest: str = field(default="", compare=False)

    def __bool__(self) -> bool:
        """Whether there is anything, said by people or to be found out from the film itself."""
        said = self.frames or self.hints or self.looks or self.references or self.palette
        return bool(said or self.match_shots)

    def describe(self) -> str:
        """In a few words."""
        count = sum(len(each.hints) for each in self.hints)
        parts = [f"{len(self.frames)} frame{'s' * (len(self.frames) != 1)} in colour"] if self.frames else []
        parts += [f"{count} hint{'s' * (count != 1)}"] if count else []
        parts += [f"looks of {len(self.looks)} shot{'s' * (len(self.looks) != 1)}"] if self.looks else []
        parts += [f"a reference ({each.role})" for each in self.references]
        parts += ["a palette"] if self.palette else []
        guided = f"guided by {', '.join(parts)}" if parts else ""
        return ", ".join(filter(None, [guided, "shots matched" if self.match_shots else ""]))

    def summary(self) -> dict[str, Any]:
        """How much was said, for the mark in a result (docs/mark.md)."""
        found = {
            "hints": sum(len(each.hints) for each in self.hints),
            "frames": len(self.frames),
            "shots": len(self.looks),
            "references": [each.role for each in self.references],
            "palette": len(self.palette),
            "match_shots": self.match_shots,
        }
        return {name: value for name, value in found.items() if value} | {"carry": self.carry, "digest": self.digest}


def reference_name(number: int) -> str:
    """The name of a frame in colour that says which one it is, as `moment_of` reads it."""
    return f"ref_{number:06d}.png"


def moment_of(path: Path, *, timed: bool = True) -> Moment | None:
    """Which frame a file is of, by its name; None where that says nothing. Without `timed`, frames have no times."""
    stem = path.name[: -len(SUFFIX)] if path.name.endswith(SUFFIX) else path.stem
    if Path(stem).suffix.lower() in READABLE_SUFFIXES:
        stem = Path(stem).stem  # ref_001200.png.hints.json
    if timed and (found := _TIME.search(stem)):
        hours, minutes, seconds = found.groups()
        return Moment(seconds=int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds))
    if found := NUMBER.search(stem):
        return Moment(number=int(found[1]))
    return None


def read_guiding(guiding: FilmGuiding, *, timed: bool = True) -> FilmGuidance:
    """All that was said.

    Parameters
    ----------
    guiding
        Where it is.
    timed
        Whether frames have times, by which files may be named.

    Raises
    ------
    InputError
        A file cannot be read, or is not what it should be.
    """
    frames = list(_frames(guiding.references, timed=timed)) if guiding.references else []
    hints: list[FrameHints] = []
    looks: tuple[ShotLook, ...] = ()
    palette = guiding.palette
    carry = guiding.carry
    pictures = list(guiding.pictures)
    for path in _hints_files(guiding.hints):
        found = from_json(_text_of(path), shown(path))
        whole = found.guidance
        named = moment_of(path, timed=timed) if guiding.hints != path else None
        hints += _by_frame(whole.hints, named, found.picture, path)
        for role, name, frame in found.references:
            if frame is None:
                pictures.append((role, path.parent / name))
            elif role == "scene":
                frames.append(FrameReference(Moment(number=frame), path.parent / name))
            else:
                looks += (ShotLook(frame, pictures=(path.parent / name,)),)
        looks += found.shots
        palette += whole.palette
        carry = whole.carry if carry is None and whole.carry != DEFAULT_CARRY else carry
    references = []
    for role, place in pictures:
        try:
            references.append(Reference(role, read_picture(place).pixels, shown(place)))
        except UsageError as error:
            raise InputError(error.message) from error
    guidance = FilmGuidance(
        tuple(frames),
        tuple(hints),
        looks,
        tuple(references),
        palette,
        DEFAULT_CARRY if carry is None else carry,
        guiding.match_shots,
    )
    return replace(guidance, digest=_digest(guidance))


def read_frame(reference: FrameReference) -> npt.NDArray[Any]:
    """A frame in colour: (H, W, 3) RGB.

    Raises
    ------
    InputError
        It is no picture, or a grey one.
    """
    pixels = read_picture(reference.path).pixels
    if pixels.ndim != 3:
        raise InputError(f"{shown(reference.path)}: a reference without colour says nothing; give a picture in colour")
    return np.asarray(pixels)


def _frames(folder: Path, *, timed: bool) -> Iterator[FrameReference]:
    found = sorted(_pictures_in(folder))
    if not found:
        raise InputError(
            f"{shown(folder)}: holds no frames; names such as ref_001200.png (a number) or 00-01-30.500.jpg (a time) "
            "are expected"
        )
    for path in found:
        moment = moment_of(path, timed=timed)
        if moment is None:
            raise InputError(
                f"{shown(path)}: its name does not say which frame it is; expected a number, as ref_001200.png has, "
                "or a time, as 00-01-30.500.jpg"
            )
        reference = FrameReference(moment, path)
        read_frame(reference)  # here rather than hours later
        yield reference


def _pictures_in(folder: Path) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read ({error.strerror}); name a folder of frames") from error
    for path in entries:
        if not path.name.startswith(".") and path.suffix.lower() in READABLE_SUFFIXES and path.is_file():
            yield path


def _hints_files(path: Path | None) -> list[Path]:
    if path is None:
        return []
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.name.endswith(SUFFIX))
    if not found:
        raise InputError(f"{shown(path)}: holds no hints; names such as ref_001200{SUFFIX} are expected")
    return found


def _text_of(path: Path) -> str:
    try:
        with LOCAL.open_read(path) as file:
            data = file.read(LARGEST_FILE + 1)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(path)}: not text in UTF-8, which hints files are") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no file can have this name"
        remedy = "check the name and its permissions"
        raise InputError(f"{shown(path)}: the hints cannot be read ({reason}); {remedy}") from error


def _by_frame(hints: tuple[Hint, ...], named: Moment | None, picture: MadeFor, path: Path) -> Iterator[FrameHints]:
    of_frame: dict[int | None, list[Hint]] = {}
    for hint in hints:
        of_frame.setdefault(hint.frame, []).append(hint)
    for frame, some in of_frame.items():
        moment = named if frame is None else Moment(number=frame)
        if moment is None:
            raise InputError(
                f"{shown(path)}: the hint at {some[0].place} is on no frame; give it one ('frame': 1200), or name the "
                f"file after its frame (ref_001200{SUFFIX}) in a folder"
            )
        yield FrameHints(moment, tuple(some), picture if frame is None else MadeFor(), shown(path))


def _digest(guidance: FilmGuidance) -> str:
    if not guidance:
        return ""
    files = [(str(each.at), _hash_of(each.path)) for each in guidance.frames]
    said = (
        sorted(files),
        sorted(repr((str(each.at), sorted(map(repr, each.hints)))) for each in guidance.hints),
        sorted(repr((look, [_hash_of(path) for path in look.pictures])) for look in guidance.looks),
        sorted((each.role, each.digest) for each in guidance.references),
        sorted(guidance.palette),
        guidance.carry,
        *(["match_shots"] if guidance.match_shots else []),
    )
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:32]


def _hash_of(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror}); check the name") from error
