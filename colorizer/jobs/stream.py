"""One picture through a pipe: bytes in, bytes out, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from colorizer.colorizer import Colorizer
from colorizer.errors import InputError, shown
from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage
from colorizer.jobs.guiding import Saying
from colorizer.jobs.run import ColoredPages, OutputPolicy
from colorizer.media import Document, Output, decode_document, encode_document, result_format

STDIN = "<stdin>"


def color_bytes(
    data: bytes, colorizer: Colorizer, policy: OutputPolicy, name: str = STDIN, source: Address | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Colour a picture file held in memory.

    Parameters
    ----------
    data
        The file.
    colorizer
        Colours it.
    policy
        How it is written; in the input's format unless the options say otherwise.
    name
        How messages call it.
    source
        The file that it comes from, whose hints file counts, and which the mark names.

    Returns
    -------
    bytes
        The coloured file; the very input where the settings let it pass as being in colour.
    tuple of str
        What could not be kept, and what is to be said of hints, in words.

    Raises
    ------
    InputError
        It is no picture, damaged, or too large; hints do not fit it.
    OutputError
        The format cannot hold the result.
    """
    with decode_document(data, name, max_pixels=policy.max_pixels, hashed=source is not None) as document:
        saying = policy.guiding.said_of(source)
        written, notes, passed = color_document(
            document, colorizer, policy.output, saying, "" if source is None else source.name
        )
    return (data, ()) if passed and policy.output.format == "auto" else (written, notes)


def color_document(
    document: Document, colorizer: Colorizer, output: Output, saying: Saying | None = None, name: str = ""
) -> tuple[bytes, tuple[str, ...], bool]:
    """Colour a document that is open, by what is said of its colours; see `color_bytes`.

    `name` is that of the file that it is of, without folders, which the mark names; "" for none.

    Returns
    -------
    bytes, tuple of str
        The coloured file; what could not be kept, and what is to be said of hints.
    bool
        Whether the settings let all pages pass as being in colour.

    Raises
    ------
    InputError
        It is damaged, or too large; hints do not fit it.
    OutputError
        The format cannot hold the result.
    """
    kind = result_format(document.format.name, output)
    pages = ColoredPages(document, colorizer, output, kind.name, saying=saying, name=name)
    written, notes = encode_document(pages, len(document), document.format.name, output)
    return written, (*notes, *pages.remarks), all(pages.passed)


def read_file(path: Address, storage: Storage = ANYWHERE) -> bytes:
    """A file's content.

    Raises
    ------
    InputError
        It cannot be read.
    """
    with readable(path, storage) as file:
        return file.read()


@contextmanager
def readable(path: Address, storage: Storage = ANYWHERE) -> Iterator[BinaryIO]:
    """A file, open for reading; what goes wrong with it in the `with` block is said of it.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        with storage.open_read(path) as file:
            yield file
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no file can have this name"
        remedy = getattr(error, "remedy", "check the name and its permissions")
        raise InputError(f"{shown(path)}: cannot be read ({reason}); {remedy}") from error
