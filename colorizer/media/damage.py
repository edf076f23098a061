"""Damaged pictures, in words for people.

Our own parsers say what is wrong (`DamagedError`). Other people's decoders raise whatever they like, and speak to
programmers ("buffer is smaller than requested size", "corrupted IFD structure"); what they say stays in the error's
cause, which `COLORIZE_DEBUG` shows, and in no message.
"""

from __future__ import annotations

import re

_ENDS_EARLY = re.compile(
    r"truncat|incomplete|smaller than|failed to read|not enough|\beof\b|end of file", re.IGNORECASE
)
"""How decoders say that a file breaks off."""


class DamagedError(ValueError):
    """A part of a picture's file is damaged; the text says which, in our own words."""


def damage_words(error: Exception) -> str:
    """What is wrong with a picture whose decoding has failed."""
    if isinstance(error, DamagedError):
        return f"damaged or incomplete picture ({error})"
    if isinstance(error, EOFError) or _ENDS_EARLY.search(str(error)):
        return "damaged or incomplete picture (the file ends too early)"
    return "damaged or incomplete picture"
