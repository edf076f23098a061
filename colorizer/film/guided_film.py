"""A film file's guidance: the film is read a second time for it, see `colorizer.film.guidance.guide`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from colorizer.colorizer import Colorizer
from colorizer.film.coloring import seen_of
from colorizer.film.deinterlacing import Deinterlace
from colorizer.film.guidance.files import FilmGuidance
from colorizer.film.guidance.guide import Guide
from colorizer.film.guidance.matching import Matcher
from colorizer.film.guidance.preparing import Geometry
from colorizer.film.shots import SmallFrame
from colorizer.film.source import FilmReader


@dataclass(frozen=True)
class GuidedFilm:
    """A film that is to be guided.

    Attributes
    ----------
    source
        The file.
    deinterlace
        How it is read.
    reader
        Reads the frames that are to be coloured.
    colorizer
        The network.
    """

    source: Path
    deinterlace: Deinterlace
    reader: FilmReader
    colorizer: Colorizer

    @contextlib.contextmanager
    def guide(self, said: FilmGuidance, folder: Path | None) -> Iterator[Guide | None]:
        """What is said, frame by frame; None where it is nothing.

        Parameters
        ----------
        said
            All of it.
        folder
            Where long shots' planes lie meanwhile; None: where the system has such files.
        """
        if not said:
            yield None
            return
        film, settings = self.reader.description, self.colorizer.settings
        guide = Guide(
            said,
            small_frames(self.source, self.colorizer, self.deinterlace),
            Matcher(self.colorizer, film.height, film.width),
            Geometry(film.height, film.width, self.reader.rotation, 1 / (2 * film.rate)),
            strength=settings.saturation * settings.strength,
            folder=folder,
        )
        try:
            yield guide
        finally:
            guide.close()


def small_frames(source: Path, colorizer: Colorizer, deinterlace: Deinterlace = "no") -> Iterator[SmallFrame]:
    """A film's frames from its first on, as the network sees their lightness.

    Raises
    ------
    InputError
        The source is no film, or none of its frames can be decoded.
    """
    with contextlib.closing(FilmReader(source, deinterlace=deinterlace)) as reader:
        base = reader.description.time_base
        for timed in reader.frames():
            yield SmallFrame(timed.number, timed.time * base, seen_of(colorizer, timed.frame)[0].lightness[0, 0])
