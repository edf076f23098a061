"""How long a film says that it is.

A film that ends before that was cut off. Most demuxers report nothing then, so this is the only sign of it.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

_MICROSECONDS = 1_000_000
"""Units of a container's own times to a second."""

_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def stated_end(container: Any, stream: Any) -> Fraction | None:
    """When a film's pictures end, by its headers.

    Parameters
    ----------
    container, stream
        PyAV's, of the film and of its pictures.

    Returns
    -------
    Fraction or None
        Seconds from the film's zero; None where it does not say.
    """
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        # its duration is that of the frames that were found
        return Fraction(stream.frames / stream.average_rate)
    if stream.duration:
        end: Fraction = ((stream.start_time or 0) + stream.duration) * stream.time_base
        return end
    for name, text in stream.metadata.items():  # Matroska's statistics of a track, "DURATION" or "DURATION-eng"
        clock = _CLOCK.match(text) if name.partition("-")[0] == "DURATION" else None
        if clock:
            return int(clock[1]) * 3600 + int(clock[2]) * 60 + Fraction(clock[3])
    if container.duration and len(container.streams) == 1:  # else it may be the sound that is so long
        return Fraction((container.start_time or 0) + container.duration, _MICROSECONDS)
    return None
