"""Whether a film is whole, and what it says of its making; nothing is decoded."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

from colorizer.film.duration import stated_end
from colorizer.film.pyav import error_words, import_av, open_film, picture_stream
from colorizer.film.tags import making_in

_SLACK = Fraction(1, 2)
"""Seconds by which a film may end before it says: headers round, and last frames have no duration."""


def making_of_film(path: Path) -> str:
    """What a film says of its making, as one line of JSON; "" where it says nothing.

    Raises
    ------
    InputError
        It cannot be read as a film.
    MissingExtraError
        PyAV is not installed.
    """
    with contextlib.closing(open_film(path)) as film:
        return making_in(film.metadata)


def trouble_with(path: Path) -> str:
    """Why a film is not whole, by its packets and what it says of its length; "" where nothing is wrong.

    Raises
    ------
    InputError
        It cannot be read as a film.
    MissingExtraError
        PyAV is not installed.
    """
    av = import_av()
    with contextlib.closing(open_film(path)) as film:
        stream = picture_stream(film)
        stated, end, packets = stated_end(film, stream), 0, 0
        try:
            for packet in film.demux(stream):
                if packet.size:
                    packets += 1
                    end = max(end, (packet.pts or 0) + (packet.duration or 0))
        except (av.error.FFmpegError, OSError) as error:
            return f"it breaks off ({error_words(error)})"
        actual = end * stream.time_base
        if not packets:
            return "it holds no frame"
        if stated is not None and stated - actual > _SLACK:
            return f"it ends after {float(actual):.1f} of its stated {float(stated):.1f} seconds"
        return ""
