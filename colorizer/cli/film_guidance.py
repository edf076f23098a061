"""Options by which people say a film's colours, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorizer.cli.guidance import CARRY, REFERENCE_AS, palette
from colorizer.cli.options import PATH, Repeatable, switch, valued
from colorizer.errors import OptionRef, Remedy, UsageError
from colorizer.io.address import address

if TYPE_CHECKING:
    from colorizer.film.guidance.files import FilmGuiding

GUIDING = ("references", "reference", "reference_as", "palette", "hints", "no_hints", "carry", "match_shots")
"""The options' names."""

_OPTIONS = (
    valued(
        "--references",
        type=PATH,
        metavar="FOLDER",
        help="Frames of the film in colour, named by number (ref_001200.png) or time (00-01-30.500.jpg): each says the "
        "colours of its shot, up to the next one.",
    ),
    valued(
        "--reference",
        cls=Repeatable,
        multiple=True,
        metavar="FILE",
        help="A picture in colour for the whole film; --reference-as says how. Repeatable.",
    ),
    REFERENCE_AS,
    palette("the whole film"),
    valued(
        "--hints",
        type=PATH,
        metavar="FILE|FOLDER",
        help="Hints on frames, and looks of shots, in place of the file beside the film (film.hints.json), which is "
        "found by itself; of a folder, files named as frames are.",
    ),
    switch("--no-hints", help="Leave a hints file beside the film aside."),
    CARRY,
    switch(
        "--match-shots",
        help="Give what several shots show one colour in all of them, where the camera comes back to a place or goes "
        "nearer to it; the first of them says which.",
    ),
)


def film_guidance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a film's guidance."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Guided:
    """What the options say, for each film; they are taken out of the others.

    Parameters
    ----------
    options
        The command's.

    Raises
    ------
    UsageError
        They do not fit each other.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        from colorizer.jobs.guiding import palette_of

        found = {name: options.pop(name) for name in GUIDING}
        if found["reference"] and found["reference_as"] is None:
            wanted = OptionRef("reference_as", "scene"), OptionRef("reference_as", "palette")
            does = "say what it has to do with yours: the same scene or person, or its mood alone"
            raise UsageError(does, option="reference", remedy=Remedy.GIVE, what=wanted)
        files, colors = palette_of(found["palette"]) if found["palette"] else ((), ())
        self._pictures = (
            *((found["reference_as"], address(path)) for path in found["reference"]),
            *(("palette", path) for path in files),
        )
        self._colors = tuple(colors)
        self._references: Path | None = found["references"]
        self._hints: Path | None = found["hints"]
        self._beside, self._carry = not found["no_hints"], found["carry"]
        self.match_shots: bool = found["match_shots"]
        """Whether shots are matched."""
        self.for_one = next((name for name in ("references", "hints") if found[name]), None)
        """The option that speaks of one film, if one was given."""

    def of(self, film: Path) -> FilmGuiding:
        """What is said of a film."""
        from colorizer.film.guidance.files import FilmGuiding
        from colorizer.guidance.files import beside

        hints = self._hints
        if hints is None and self._beside:
            named = film if film.name else film.resolve()  # the current folder has no name otherwise
            hints = next((path for path in beside(named) if isinstance(path, Path) and path.is_file()), None)
        return FilmGuiding(self._references, self._pictures, self._colors, hints, self._carry, self.match_shots)

    def of_all_frames(self) -> FilmGuiding:
        """What is said of frames that pass once and are not named.

        Raises
        ------
        UsageError
            Something is said of single frames, or of shots.
        """
        from colorizer.film.guidance.files import FilmGuiding

        for name in ("references", "hints", "carry"):
            if getattr(self, f"_{name}") is not None:
                raise UsageError(
                    "speaks of single frames and their shots, which have to be read ahead; write the frames to a file "
                    "first (ffmpeg -i - -c:v ffv1 film.mkv) and colour that",
                    option=name,
                )
        if self.match_shots:
            raise UsageError(
                "compares shots, which have to be read ahead; write the frames to a file first "
                "(ffmpeg -i - -c:v ffv1 film.mkv) and colour that",
                option="match_shots",
            )
        return FilmGuiding(pictures=self._pictures, palette=self._colors)
