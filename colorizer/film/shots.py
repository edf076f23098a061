"""The shots of a film: from one cut to the next, as the colours see them (`colorizer.film.temporal`).

Knows lightness alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from colorizer.film.motion import FrameFeatures, flow_fields, frame_features
from colorizer.film.temporal import LEAST_CUT, gap_of, is_cut

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SmallFrame:
    """A frame as the network sees its lightness.

    Attributes
    ----------
    number
        From 0, the film's first frame, whatever part of it is taken.
    seconds
        When it is shown, from the first frame.
    lightness
        (h, w) float32 L.
    """

    number: int
    seconds: Fraction
    lightness: Floats


@dataclass(frozen=True)
class Shot:
    """What lies between two cuts.

    Attributes
    ----------
    number
        From 1.
    first, last
        Numbers of its frames, the last one included.
    begin, end
        When its first and last frames are shown, in seconds from the film's first.
    """

    number: int
    first: int
    last: int
    begin: Fraction
    end: Fraction

    @property
    def middle(self) -> int:
        """The number of its frame in the middle; shots begin and end in fades."""
        return (self.first + self.last) // 2


class Cuts:
    """Tells which frames begin a shot; all frames have to be shown to it in order."""

    def __init__(self) -> None:
        self._before: Floats | None = None
        self._features: FrameFeatures | None = None

    def begins(self, lightness: Floats) -> bool:
        """Whether the next frame begins a shot."""
        before, self._before = self._before, lightness
        features, self._features = self._features, None
        if before is None or before.shape != lightness.shape:
            return True
        change = float(np.mean(np.abs(lightness - before)))
        if change <= LEAST_CUT:
            return False  # spares the flow, which nearly all frames do not need for this
        self._features = frame_features(lightness)
        backward, _ = flow_fields(features or frame_features(before), self._features)
        return is_cut(gap_of(backward), change)


def find_shots(frames: Iterable[SmallFrame]) -> Iterator[Shot]:
    """The shots of a film, in order."""
    cuts, number = Cuts(), 0
    first: SmallFrame | None = None
    last: SmallFrame | None = None
    for frame in frames:
        if cuts.begins(frame.lightness):
            if first is not None and last is not None:
                number += 1
                yield Shot(number, first.number, last.number, first.seconds, last.seconds)
            first = frame
        last = frame
    if first is not None and last is not None:
        yield Shot(number + 1, first.number, last.number, first.seconds, last.seconds)
