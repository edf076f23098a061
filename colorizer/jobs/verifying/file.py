"""One file, read once: its hash, what it says of its making, and if need be whether it is a whole picture or film."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from colorizer.errors import ColorizerError, MissingExtraError
from colorizer.film import has_video_name
from colorizer.io.address import NOT_TOLD, Address, Remote
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.records import HASH_CHUNK, hash_stream
from colorizer.io.storage import Storage
from colorizer.media import DEFAULT_MAX_PIXELS, open_document
from colorizer.media.metadata.scanning import PacketScanner
from colorizer.media.metadata.xmp import making_in


@dataclass(frozen=True)
class Wanted:
    """A file to look at.

    Attributes
    ----------
    path
        Where it is.
    decode
        Whether it is to be decoded, since no hash tells whether it is whole.
    original
        The file to hash beside it; None for none.
    """

    path: Address
    decode: bool = False
    original: Address | None = None


@dataclass(frozen=True)
class Looked:
    """What was found.

    Attributes
    ----------
    sha256
        Of the file; "" where it cannot be read.
    size
        In bytes.
    makings
        What it says of its making: a film once, a picture for each of its pages.
    trouble
        Why it is not whole, or cannot be read.
    unseen
        Why its marks could not be read, although it may have some.
    original
        SHA-256 of the original; "" where it was not asked for or cannot be read.
    original_trouble
        Why that cannot be read.
    """

    sha256: str = ""
    size: int = 0
    makings: tuple[Mapping[str, Any], ...] = ()
    trouble: str = ""
    unseen: str = ""
    original: str = ""
    original_trouble: str = ""


Look = Callable[[Wanted], Looked]

FILM_ELSEWHERE = "films that lie elsewhere are not looked into; copy them to this machine"


def load_look(max_pixels: int = DEFAULT_MAX_PIXELS, storage: Storage = ANYWHERE) -> Look:
    """What an executor's workers load."""
    return partial(look, max_pixels=max_pixels, storage=storage)


def look(wanted: Wanted, *, max_pixels: int = DEFAULT_MAX_PIXELS, storage: Storage = ANYWHERE) -> Looked:
    """Read a file."""
    path = wanted.path
    digest, scanner, size = hashlib.sha256(), PacketScanner(), 0
    texts: list[str] = []
    film = has_video_name(path)
    if film and wanted.decode and isinstance(path, Remote):
        return Looked(unseen=FILM_ELSEWHERE)
    try:
        with storage.open_read(path) as file:
            while chunk := file.read(HASH_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if not film:
                    texts += filter(None, map(making_in, scanner.feed(chunk)))
    except (OSError, ValueError) as error:
        return Looked(trouble=f"it cannot be read ({getattr(error, 'strerror', None) or 'no file can have this name'})")
    trouble = unseen = ""
    try:
        if film and not isinstance(path, Remote):
            from colorizer.film.checking import making_of_film, trouble_with

            texts = [text for text in [making_of_film(path)] if text]
            trouble = trouble_with(path) if wanted.decode else ""
        elif film:
            unseen = FILM_ELSEWHERE
        elif wanted.decode:
            with open_document(path, max_pixels=max_pixels, storage=storage) as document:
                for _ in document:
                    pass
    except MissingExtraError as error:
        unseen = str(error)
    except ColorizerError as error:
        trouble = str(error).partition(": ")[2] or str(error)
    original, original_trouble = "", ""
    if wanted.original is not None:
        original, original_trouble = _hash(wanted.original, storage)
    makings = tuple(making for text in texts if (making := _read(text)) is not None)
    return Looked(digest.hexdigest(), size, makings, trouble, unseen, original, original_trouble)


def _hash(path: Address, storage: Storage) -> tuple[str, str]:
    if isinstance(path, Remote) and path.query == NOT_TOLD:
        return "", "what followed its name is in no report"
    try:
        with storage.open_read(path) as file:
            return hash_stream(file), ""
    except (OSError, ValueError) as error:
        return "", getattr(error, "strerror", None) or str(error)


def _read(text: str) -> Mapping[str, Any] | None:
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else None
    return None
