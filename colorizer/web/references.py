"""What is said of a page's picture: hints, and pictures in colour that clients sent for it, by the names they sent.

A hints file names its references; those of the page's are sent to the picture before. They stay files until colours are
computed: a picture in colour takes more memory than all that is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from colorizer.errors import InputError, UsageError, shown
from colorizer.guidance import Reference, from_json
from colorizer.guidance.hints import Role, replace_guidance
from colorizer.guidance.placing import placed
from colorizer.jobs.guiding import Saying
from colorizer.media import read_picture
from colorizer.web.coloring import Preview

MOST_REFERENCES = 4
"""Of a picture."""


@dataclass(frozen=True)
class Sent:
    """A picture in colour that a client sent: how it is called, where it lies, and its bytes."""

    name: str
    path: Path
    size: int


@dataclass(frozen=True)
class Told:
    """What is said of a picture.

    Attributes
    ----------
    saying
        All but references.
    references
        What each is, and the picture.
    """

    saying: Saying = Saying()
    references: tuple[tuple[Role, Sent], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return bool(self.saying) or bool(self.references)

    @property
    def hints(self) -> int:
        """How many hints there are."""
        return len(self.saying.guidance.hints)

    def key(self) -> tuple[Any, ...]:
        """Another one when anything else is said."""
        return (self.saying.guidance.digest(), *((role, sent.path) for role, sent in self.references))

    def whole(self, max_pixels: int) -> Saying:
        """With its references read; in a thread.

        Raises
        ------
        InputError
            A reference is gone.
        """
        found = [_read(sent.path, sent.name, role, max_pixels) for role, sent in self.references]
        return replace(self.saying, guidance=replace_guidance(self.saying.guidance, references=found))


def read_told(text: str, preview: Preview | None = None, sent: Mapping[str, Sent] | None = None) -> Told:
    """What a client says of a picture's colours, as a hints file has it.

    Parameters
    ----------
    text
        The file's text.
    preview
        Of the picture, where it is known: hints outside it are refused.
    sent
        References that were sent, by name.

    Raises
    ------
    InputError
        It is no hints file, names a reference that was not sent, or a hint is outside the picture.
    """
    found = from_json(text)
    references = []
    for role, name, frame in found.references:
        if frame is not None:
            raise InputError(
                f"the reference {shown(name)} is for frame {frame} of a film; leave frame out for pictures"
            )
        if name not in (sent or {}):
            where = "send it to the picture's references first" if sent is not None else "leave references out"
            raise InputError(f"no reference of the name {shown(name)} is here; {where}")
        references.append((role, (sent or {})[name]))
    if preview is not None:
        placed(found.guidance.of_page(1).hints, preview.height, preview.width)
    return Told(Saying(found.guidance, found.picture), tuple(references))


def check_reference(sent: Sent, max_pixels: int) -> None:
    """Refuse what is no picture in colour; in a thread.

    Raises
    ------
    InputError
        It is none.
    """
    _read(sent.path, sent.name, "palette", max_pixels)


@lru_cache(maxsize=2 * MOST_REFERENCES)
def _read(path: Path, name: str, role: Role, max_pixels: int) -> Reference:
    if role == "palette":
        try:
            pixels = read_picture(path, max_pixels=max_pixels).pixels
            return Reference(role, pixels, name)
        except UsageError as error:
            raise InputError(error.message) from error
        except InputError as error:
            # the file's name here says nothing to whoever sent it
            raise type(error)(f"{shown(name)}: {error.message.text.partition(': ')[2]}") from error
    return replace(_read(path, name, "palette", max_pixels), role=role)
