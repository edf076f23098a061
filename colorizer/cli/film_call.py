"""What `colorize video` was given, beside the films."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from colorizer import Settings
from colorizer.cli.console import Console
from colorizer.cli.film_guidance import Guided
from colorizer.cli.progress import Choice, Kind, chosen_kind
from colorizer.cli.wording import Said
from colorizer.errors import UsageError, shown
from colorizer.film.formats import target_beside, target_in
from colorizer.film.options import FilmOptions

_STEADYING = {"steadiness", "every"}
"""Options of films that frames in pipes and folders have too."""

_WAYS = {"preview": "--preview", "shots": "--shots", "references_out": "--references-out", "dry_run": "--dry-run"}
"""Things to do in place of colouring."""

_FOR_FILES = {**_WAYS, "compare": "--compare", "report": "--report"}
_FOR_FOLDERS = {"references_out"}
"""Of those, what folders of frames have too."""


@dataclass(frozen=True)
class Call:
    """The options.

    Raises
    ------
    UsageError
        They ask for two things at once.
    """

    output: Path | None
    settings: Settings
    film_options: FilmOptions
    console: Console
    guided: Guided
    y4m: str | None
    rawvideo: str | None
    preview: int | None
    shots: bool
    references_out: Path | None
    compare: bool
    compare_as: Literal["side", "wipe"]
    dry_run: bool
    report: Path | None
    overwrite: bool
    cluster: str | None
    progress: Choice

    def __post_init__(self) -> None:
        """Check what goes together.

        Raises
        ------
        UsageError
            They ask for two things at once.
        """
        if self.cluster is not None and (given := next((name for name in _WAYS if getattr(self, name)), None)):
            raise UsageError("is for the whole film", option="cluster", remedy=f"leave it out, or {_WAYS[given]}")
        ways = [flag for name, flag in _WAYS.items() if getattr(self, name)]
        if len(ways) > 1:
            raise UsageError(f"{' and '.join(ways)} are different things to do; choose one")

    @property
    def lasts(self) -> bool:
        """Whether what is broken off goes on where it was."""
        return not any(getattr(self, name) for name in _WAYS)

    def remark(self, said: Said) -> None:
        """Print a line about the job, unless told to be quiet."""
        self.console.remark(said)

    @property
    def progress_kind(self) -> Kind:
        """How progress is shown."""
        return chosen_kind(self.progress, bar=not self.console.quiet)

    def refuse_film_options(self, why: str, *, folder: bool = False) -> None:
        """Refuse options that frames in pipes, or in a folder, do not have.

        Raises
        ------
        UsageError
            One was given.
        """
        if self.cluster is not None:
            raise UsageError("is for film files, and folders of pictures", option="cluster", remedy="leave it out")
        for item in fields(FilmOptions):
            if item.name not in _STEADYING and getattr(self.film_options, item.name) != item.default:
                raise UsageError(why, option=item.name)
        for name in _FOR_FILES:
            if getattr(self, name) and not (folder and name in _FOR_FOLDERS):
                raise UsageError("is for film files; leave it out", option=name)

    def target(self, film: Path) -> Path:
        """Where a film, a folder's frames or a contact sheet go.

        Raises
        ------
        UsageError
            A folder of frames needs one to be named.
        """
        output = self.output
        if self.references_out:
            return self.references_out
        if film.is_dir():
            if output is None:
                raise UsageError(f"{shown(film)}: name the folder for the coloured frames with -o")
            return output
        if output is not None and not output.is_dir():
            return output
        if self.preview or self.shots:
            return (output or film.parent) / f"{film.stem}.{'preview' if self.preview else 'shots'}.jpg"
        return target_beside(film) if output is None else target_in(output, film)
