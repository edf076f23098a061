"""What is said of a folder of frames: its frames are named by their own numbers, and read a second time for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, InputError, shown
from colorizer.film.frame_files import FrameFile, ReadFrame, check_target, numbered_frames, read_frame_files
from colorizer.film.guidance.files import FilmGuidance, Moment, reference_name
from colorizer.film.guidance.guide import Guide
from colorizer.film.guidance.matching import Matcher
from colorizer.film.guidance.preparing import Geometry
from colorizer.film.options import film_settings
from colorizer.film.shots import SmallFrame, find_shots
from colorizer.media import Picture, write_picture
from colorizer.settings import Settings


@dataclass(frozen=True)
class GuidedFolder:
    """A folder of frames that is to be guided.

    Attributes
    ----------
    folder
        Where they are.
    files
        They, in their order.
    colorizer
        The network.
    """

    folder: Path
    files: list[FrameFile]
    colorizer: Colorizer

    @contextlib.contextmanager
    def guide(self, said: FilmGuidance, store: Path | None) -> Iterator[Guide | None]:
        """What is said, frame by frame, by their places; None where it is nothing.

        Parameters
        ----------
        said
            All of it; frames are named by the numbers in their names.
        store
            Where long shots' planes lie meanwhile.

        Raises
        ------
        InputError
            A frame is named that is not there, or there twice.
        """
        if not said:
            yield None
            return
        said = self._placed(said)
        readable = (read for read in read_frame_files(self.files) if isinstance(read, ReadFrame))
        with contextlib.closing(readable):
            first = next(readable, None)
        if first is None:
            yield None  # every frame fails by itself
            return
        height, width = first.picture.pixels.shape[:2]
        guide = Guide(
            said,
            self.small_frames(),
            Matcher(self.colorizer, height, width),
            Geometry(height, width, turn=0, half=Fraction(0)),
            strength=self.colorizer.settings.saturation * self.colorizer.settings.strength,
            folder=store,
        )
        try:
            yield guide
        finally:
            guide.close()

    def small_frames(self) -> Iterator[SmallFrame]:
        """The frames as the network sees their lightness, by their places.

        In place of one that cannot be read stands the one before: shots have no gaps.

        Raises
        ------
        InputError
            A frame is of another size than the first.
        """
        size: tuple[int, ...] = ()
        before: SmallFrame | None = None
        for place, read in enumerate(read_frame_files(self.files)):
            if isinstance(read, ReadFrame):
                shape = read.picture.pixels.shape[:2]
                size = size or shape
                if shape != size:
                    sizes = " and ".join(f"{columns}x{rows}" for rows, columns in (shape, size))
                    raise InputError(
                        f"{shown(read.file.path)}: frames of which something is said are of one size, not {sizes}; "
                        "colour those of each size from a folder of their own"
                    )
                lightness = self.colorizer.view.of_pixels(read.picture.pixels)[0].lightness[0, 0]
                before = SmallFrame(place, Fraction(place), lightness)
            elif before is not None:
                before = replace(before, number=place)
            if before is not None:
                yield before

    def _placed(self, said: FilmGuidance) -> FilmGuidance:
        """The same, with the places of frames in place of the numbers in their names."""
        frames = tuple(replace(each, at=self._moment(each.at, shown(each.path))) for each in said.frames)
        hints = tuple(replace(each, at=self._moment(each.at, each.name)) for each in said.hints)
        looks = tuple(replace(each, frame=self._place(each.frame, "the look of a shot")) for each in said.looks)
        return replace(said, frames=frames, hints=hints, looks=looks)

    def _moment(self, at: Moment, speaker: str) -> Moment:
        return Moment(number=self._place(at.number or 0, speaker), name=str(at))

    def _place(self, number: int, speaker: str) -> int:
        found = [file for file in self.files if file.number == number]
        if not found:
            numbers = [file.number for file in self.files]
            raise InputError(
                f"{speaker}: speaks of frame {number}, which is not in {shown(self.folder)}; the numbers in the names "
                f"there are {min(numbers)} to {max(numbers)}"
            )
        if len(found) > 1:
            both = " and ".join(file.path.name for file in found[:2])
            raise InputError(
                f"{speaker}: speaks of frame {number}, which may be {both}; colour them from folders of their own"
            )
        return found[0].place


def write_folder_references(
    folder: Path, target: Path, settings: Settings, *, match_shots: bool = False, overwrite: bool = False
) -> list[Path]:
    """Write a frame of each shot of a folder of frames in colour, to be corrected in an editor and given back.

    Parameters
    ----------
    folder
        Where the frames are.
    target
        Where those in colour go; those that are there already are kept, since somebody may have worked on them.
    settings
        How to colour.
    match_shots
        Whether what several shots show is to have one colour in all of them.
    overwrite
        Replace frames that are there.

    Returns
    -------
    list of Path
        Those that were written, by the number in the frame's name: `ref_001200.png`.

    Raises
    ------
    InputError
        The folder holds no numbered frames, or they are not of one size.
    UsageError
        Source and target are one folder.
    OutputError
        The target is no folder, or a frame cannot be written.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    files = numbered_frames(folder)
    check_target(target, folder)
    colorizer = Colorizer(film_settings(settings), pictures=len(files))
    frames = GuidedFolder(folder, files, colorizer)
    shots = list(find_shots(frames.small_frames()))
    target.mkdir(parents=True, exist_ok=True)
    written = []
    with frames.guide(FilmGuidance(match_shots=match_shots), None) as guide:
        for shot in shots:
            middle = files[shot.middle]
            path = target / reference_name(middle.number)
            if path.exists() and not overwrite:
                continue
            (read,) = read_frame_files([middle])
            if isinstance(read, ColorizerError):
                raise read
            pixels = read.picture.pixels
            seen = colorizer.view.of_pixels(pixels, colorizer.settings.threads)
            ab = colorizer.predict_seen(seen)
            if guide is not None:
                ab = guide.at(shot.middle).shifted(ab, seen[0].lightness[0, 0])
            write_picture(path, Picture(colorizer.render(pixels, ab), None, "png"))
            written.append(path)
    return written
