"""Hints as they are typed: "0.42,0.61=#b03028"; "120,80 200,95=keep" is a stroke.

Whole numbers are pixels, numbers with a decimal point are fractions of the width and height.
"""

from __future__ import annotations

import re

from colorizer.errors import UsageError
from colorizer.guidance.hints import Hint

_NUMBER = re.compile(r"\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}", re.ASCII)


def parse_hint(text: str) -> Hint:
    """A hint from its text.

    Parameters
    ----------
    text
        "x,y=colour", "x,y x,y ...=colour" for a stroke; the colour as `Hint.color` has it.

    Raises
    ------
    UsageError
        It is none; the message says what is wrong.
    """
    places, sign, color = text.rpartition("=")
    shown = repr(text if len(text) <= 60 else text[:60] + "...")
    if not sign or not places.strip():
        raise UsageError(f"{shown} is no hint; expected x,y=colour, such as 0.42,0.61=#b03028")
    points, units = [], set()
    for place in places.split():
        parts = place.split(",")
        if len(parts) != 2 or not all(_NUMBER.fullmatch(part) for part in parts):
            raise UsageError(f"{shown}: {place!r} is no place; expected x,y")
        points.append((float(parts[0]), float(parts[1])))
        units |= {"." in part for part in parts}
    if len(units) > 1:
        raise UsageError(f"{shown} mixes pixels and fractions; whole numbers are pixels, 1.0 is the far edge")
    try:
        return Hint(points, color, pixels=units == {False})
    except UsageError as error:
        raise UsageError(error.message.about(shown)) from error
