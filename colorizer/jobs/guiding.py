"""What is said of the colours of a job's pictures: what was typed, and the hints files beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import ColorizerError, InputError, OptionRef, UsageError, shown
from colorizer.guidance import Guidance, Hint, Reference, from_json, read_guidance
from colorizer.guidance.files import MadeFor, beside, check_picture
from colorizer.guidance.hints import Role, normal_color, replace_guidance
from colorizer.guidance.session import Session
from colorizer.io.address import WEB, Address, Remote, address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage, stamp_if_any
from colorizer.media import read_picture


@dataclass(frozen=True)
class Guiding:
    """How a job's pictures are guided.

    Attributes
    ----------
    hints
        For one picture.
    file
        A hints file for one picture, in place of the one beside it.
    beside
        Whether hints files beside pictures count.
    carry
        In place of what hints files say; None: as they say.
    references
        Pictures in colour, and what they are, for all pictures.
    palette
        Colours for all pictures.
    variant
        The proposal to take, from 1; None: none.
    """

    hints: tuple[Hint, ...] = ()
    file: Address | None = None
    beside: bool = True
    carry: float | None = None
    references: tuple[tuple[Role, Address], ...] = ()
    palette: tuple[str, ...] = ()
    variant: int | None = None

    @property
    def for_one(self) -> bool:
        """Whether what was given is about one picture."""
        return bool(self.hints or self.file)

    @property
    def given(self) -> bool:
        """Whether anything was, beside hints files that lie beside pictures."""
        return self.for_one or bool(self.references or self.palette or self.variant)

    def file_for(self, source: Address | None, storage: Storage = ANYWHERE) -> Address | None:
        """The hints file of a picture; None where it has none, or comes from no file."""
        if self.file is not None:
            return self.file
        if not self.beside or source is None or (isinstance(source, Remote) and source.scheme in WEB):
            return None  # web servers answer all kinds of things to names that they do not have
        return next((path for path in beside(source) if storage.stamp(path) is not None), None)

    def key(self, source: Address | None, storage: Storage = ANYWHERE) -> str:
        """A text that changes when what is said of a picture does; empty where nothing is."""
        file = self.file_for(source, storage)
        if file is None and not self.given:
            return ""
        parts: list[object] = [self.hints, self.carry, self.palette, self.variant]
        named = [path for _, path in self.references]
        if file is not None:
            try:
                with storage.open_read(file) as opened:
                    content = opened.read()
                parts.append(content)
                named += [file.parent / name for _, name, _ in from_json(content.decode("utf-8-sig")).references]
            except (OSError, ValueError, ColorizerError):
                parts.append(stamp_if_any(storage, file))  # what is wrong with it is said when its picture's turn comes
        parts += [(role, str(path)) for role, path in self.references]
        parts += [stamp_if_any(storage, path) for path in named]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def said_of(self, source: Address | None, storage: Storage = ANYWHERE) -> Saying:
        """What is said of a picture.

        Raises
        ------
        InputError
            The hints file cannot be read, or is none; a reference cannot be read, or has no colours.
        """
        file = self.file_for(source, storage)
        guidance, made_for = Guidance(), MadeFor()
        if file is not None:
            guidance, made_for = read_guidance(file, read_reference, storage)
        try:
            references = [Reference(role, read_reference(path), shown(path)) for role, path in self.references]
            guidance = replace_guidance(
                guidance,
                hints=(*guidance.hints, *self.hints),
                references=(*guidance.references, *references),
                palette=(*guidance.palette, *self.palette),
                carry=guidance.carry if self.carry is None else self.carry,
            )
        except UsageError as error:
            raise InputError(error.message) from error
        return Saying(guidance, made_for, "" if file is None else shown(file), self.variant)


@dataclass(frozen=True)
class Saying:
    """What is said of one file's pictures.

    Attributes
    ----------
    guidance
        Of all its pages.
    made_for
        The picture that a hints file is for.
    name
        Of the hints file, for messages; empty where there is none.
    variant
        The proposal to take, from 1; None: none.
    """

    guidance: Guidance = Guidance()
    made_for: MadeFor = MadeFor()
    name: str = ""
    variant: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return bool(self.guidance) or self.variant is not None

    def describe(self) -> str:
        """In a few words, for reports."""
        parts = [self.guidance.describe(), "" if self.variant is None else f"variant {self.variant}"]
        return ", ".join(filter(None, parts))

    def summary(self) -> dict[str, Any]:
        """How much is said, for the mark in a result (docs/mark.md)."""
        return self.guidance.summary() | ({} if self.variant is None else {"variant": self.variant})

    def with_variant(self, session: Session, guidance: Guidance) -> Guidance:
        """What is said of a page, and the proposal that is to be taken.

        Raises
        ------
        InputError
            There is no such proposal.
        """
        if self.variant is None:
            return guidance
        try:
            found = session.variants(self.variant, guidance)
        except UsageError as error:
            raise InputError(error.message) from error
        if self.variant > len(found):
            raise InputError(f"there is no variant {self.variant}, this picture has {len(found)}")
        return found[-1]

    def of_page(self, page: int, pages: int) -> Guidance:
        """What is said of a page, from 1, of so many.

        Raises
        ------
        InputError
            A hint is for a page that there is not, or for a frame of a film.
        """
        last = max((hint.page for hint in self.guidance.hints), default=1)
        if last > pages:
            raise InputError(self._about(f"a hint is for page {last}, and the picture has {pages}; mend its page"))
        timed = [hint.frame for hint in self.guidance.hints if hint.frame is not None]
        timed += [each.frame for each in self.guidance.references if each.frame is not None]
        if timed:
            raise InputError(self._about(f"a hint for frame {timed[0]} is for films; leave frame out for pictures"))
        return self.guidance.of_page(page)

    def check(self, session: Session, page: int) -> None:
        """Refuse what is for another picture; files speak of the first page.

        Raises
        ------
        InputError
            It is for another picture.
        """
        if page == 1 and self.made_for != MadeFor():
            found = session.made_for
            try:
                check_picture(self.made_for, *session.size, found.look)
            except InputError as error:
                raise InputError(error.message.about(self.name)) from error

    def _about(self, text: str) -> str:
        return f"{self.name}: {text}" if self.name else text


def palette_of(text: str) -> tuple[tuple[Address, ...], tuple[str, ...]]:
    """A palette as it is typed: the picture that it names, or its colours.

    Raises
    ------
    UsageError
        It is neither.
    """
    path = address(text)
    parts = [part.strip() for part in text.split(",")]
    try:
        return (), tuple(normal_color(part) for part in parts)
    except UsageError as error:
        if isinstance(path, Remote) or ANYWHERE.stamp(path) is not None:
            return (path,), ()
        message = f"{error.message.text}, or the name of a picture"
        raise UsageError(message, option=OptionRef("palette")) from error


def read_reference(path: Address) -> npt.NDArray[Any]:
    """A reference picture, (H, W, 3) RGB, or (H, W) where it is grey; the last few are kept.

    Raises
    ------
    InputError
        It is no picture, or cannot be read.
    """
    stamp = ANYWHERE.stamp(path) if isinstance(path, Path) else None
    return _read_reference(path, None if stamp is None else stamp.modified_ns)


@lru_cache(maxsize=2)
def _read_reference(path: Address, _modified_ns: int | None) -> npt.NDArray[Any]:
    pixels = read_picture(path).pixels
    return np.asarray(pixels)
