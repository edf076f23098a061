"""What is added up over a set, and what came out in the end. None of it grows with the set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError
from colorizer.evaluate.bootstrap import Weights
from colorizer.evaluate.candidates import Candidate
from colorizer.evaluate.figures import (
    FACE_FIGURES,
    FIGURES,
    Figure,
    Sums,
    Value,
    figures_of,
    figures_of_originals,
)
from colorizer.evaluate.measure import LAST_CHROMA, Measured
from colorizer.evaluate.protocol import Protocol
from colorizer.evaluate.samples import Exhibit, Extremes, Points, Reservoir
from colorizer.metrics import CumulativeAbError

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """How many pictures were measured, were left out, and had to be enlarged for the protocol; and their faces."""

    measured: int = 0
    grey: int = 0
    unreadable: int = 0
    enlarged: int = 0
    small_faces: int = 0
    large_faces: int = 0


@dataclass(frozen=True)
class Column:
    """What a candidate came to.

    Attributes
    ----------
    name, note, baseline
        As in `Candidate`.
    values
        In the order of `Evaluation.figures`.
    errors
        All its ab errors.
    chroma
        (129,) pixels by whole Lab units of chroma.
    best, worst
        Pictures that stand out.
    """

    name: str
    note: str
    baseline: bool
    values: tuple[Value, ...]
    errors: CumulativeAbError
    chroma: Counts
    best: tuple[Exhibit, ...]
    worst: tuple[Exhibit, ...]


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes
    ----------
    protocol, resamples
        As asked for.
    figures
        What is measured.
    tally
        How many pictures.
    originals
        The originals' own values in the order of `figures`; None where they have none.
    true_chroma
        (129,) pixels of the originals by whole Lab units of chroma.
    columns
        One for each candidate, baselines first.
    points
        Some of the pictures, for scatter plots.
    """

    protocol: Protocol
    resamples: int
    figures: tuple[Figure, ...]
    tally: Tally
    originals: tuple[Value | None, ...]
    true_chroma: Counts
    columns: tuple[Column, ...]
    points: Points


class Totals:
    """Everything that is added up over the set.

    Parameters
    ----------
    candidates
        Baselines first, grey first of all.
    protocol
        What is compared.
    resamples
        Resampled sets of the bootstrap.
    examples
        Best and worst pictures to keep of each network.
    faces
        Whether faces are measured.
    """

    def __init__(
        self, candidates: Sequence[Candidate], protocol: Protocol, *, resamples: int, examples: int, faces: bool = False
    ) -> None:
        self._figures = (*FIGURES, *FACE_FIGURES) if faces else FIGURES
        self.candidates = candidates
        self._protocol = protocol
        self._resamples = resamples
        self._weights = Weights(resamples)
        self._sums = [Sums(resamples) for _ in candidates]
        self._errors = [CumulativeAbError() for _ in candidates]
        self._chroma = [np.zeros(LAST_CHROMA + 1, np.int64) for _ in candidates]
        self._true_chroma = np.zeros(LAST_CHROMA + 1, np.int64)
        self._extremes = [Extremes(examples) for _ in candidates]
        self._sample = Reservoir()
        self._measured = self._grey = self._unreadable = self._enlarged = 0

    def add(self, outcome: Measured | InputError | None) -> None:
        """Take in a picture, or why there is none: None for one without colour."""
        if outcome is None:
            self._grey += 1
        elif isinstance(outcome, InputError):
            self._unreadable += 1
        else:
            self._add_measured(outcome)

    def _add_measured(self, measured: Measured) -> None:
        self._measured += 1
        self._enlarged += measured.enlarged
        self._true_chroma += measured.true_chroma
        self._sample.add(measured)
        weights = self._weights.next()
        grey = measured.measurements[0].scores.ab_distance
        for place, found in enumerate(measured.measurements):
            self._sums[place].add(weights, found)
            self._errors[place].counts += found.errors
            self._chroma[place] += found.chroma
            if found.example is not None and measured.original is not None and not self.candidates[place].baseline:
                distance = found.scores.ab_distance
                self._extremes[place].add(
                    Exhibit(measured.name, grey - distance, distance, measured.original, found.example)
                )

    def evaluation(self) -> Evaluation:
        """The results for the whole set.

        Raises
        ------
        InputError
            No picture was measured.
        """
        seen = self._sums[0].faces
        counts = (seen.count(large=False), seen.count(large=True))
        tally = Tally(self._measured, self._grey, self._unreadable, self._enlarged, *counts)
        if not tally.measured:
            raise InputError("the pictures of the set have gone since it was first looked through; put them back")
        baselines = [s for s, c in zip(self._sums, self.candidates, strict=True) if c.baseline]
        columns = tuple(
            Column(
                name=candidate.name,
                note=candidate.note,
                baseline=candidate.baseline,
                values=figures_of(
                    self._sums[place], [] if candidate.baseline else baselines, tally.measured, self._figures
                ),
                errors=self._errors[place],
                chroma=self._chroma[place],
                best=self._extremes[place].best(),
                worst=self._extremes[place].worst(),
            )
            for place, candidate in enumerate(self.candidates)
        )
        return Evaluation(
            protocol=self._protocol,
            resamples=self._resamples,
            figures=self._figures,
            tally=tally,
            originals=figures_of_originals(self._sums[0], tally.measured, self._figures),
            true_chroma=self._true_chroma,
            columns=columns,
            points=self._sample.points(),
        )
