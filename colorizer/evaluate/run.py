"""A whole set, in two passes: first its true colours, for the best tint; then every candidate on every picture.

Memory does not grow with the set: sums, tables of counts, a sample, and the few pictures under way. Threads measure
pictures side by side; what they find is added up in the order of the set, so that figures do not depend on them.
"""

from __future__ import annotations

import importlib.util
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol as Interface
from typing import TypeVar

from colorizer.errors import InputError, Message, MissingExtraError
from colorizer.evaluate.bootstrap import RESAMPLES
from colorizer.evaluate.candidates import baselines, networks
from colorizer.evaluate.faces import FaceBoxes
from colorizer.evaluate.measure import Measured, measure, read_truth
from colorizer.evaluate.protocol import NATIVE, Protocol
from colorizer.evaluate.sources import Entry, PictureSet
from colorizer.evaluate.totals import Evaluation, Totals
from colorizer.io.machine import usable_cores
from colorizer.media import DEFAULT_MAX_PIXELS
from colorizer.metrics import ColorHistogram
from colorizer.settings import Settings

Result = TypeVar("Result")

MOST_JOBS = 8
"""Pictures measured at once by default; networks use all cores by themselves."""


class Listener(Interface):
    """Receives progress and messages of an evaluation."""

    def begin(self, what: str, total: int | None) -> None:
        """Another pass over the set."""

    def advance(self) -> None:
        """One picture more."""

    def end(self) -> None:
        """The pass is over."""

    def failure(self, error: InputError) -> None:
        """A picture cannot be read."""

    def remark(self, said: Message | str) -> None:
        """Something else that the user may want to know, in a line."""


class Recorder(Interface):
    """Records the scores of each picture."""

    def record(self, measured: Measured, names: Sequence[str]) -> None:
        """A picture, and the candidates' names."""


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes
    ----------
    protocol
        What is compared.
    resamples
        Resampled sets of the bootstrap.
    examples
        Best and worst pictures to keep of each network.
    jobs
        Pictures at once; None for as many as there are cores, up to 8.
    max_pixels
        Larger pictures are not read.
    faces
        Where faces are, which are then measured as well.
    """

    protocol: Protocol = NATIVE
    resamples: int = RESAMPLES
    examples: int = 0
    jobs: int | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    faces: FaceBoxes | None = None


def evaluate(
    pictures: PictureSet,
    settings: Sequence[Settings],
    options: Options,
    listener: Listener,
    recorder: Recorder | None = None,
) -> Evaluation:
    """Measure networks and baselines on a set of colour photographs.

    Parameters
    ----------
    pictures
        The set; walked twice.
    settings
        One for each network to judge.
    options
        How to measure.
    listener
        Receives progress, and the errors of pictures that cannot be read.
    recorder
        Receives the scores of each picture.

    Raises
    ------
    UsageError
        Settings contradict the protocol.
    MissingExtraError
        scikit-image is not installed.
    InputError
        No picture of the set can be measured.
    ColorizerError
        A network cannot be loaded, or fails.
    """
    check_installed("skimage", "scikit-image", "SSIM")
    judged = networks(settings, options.protocol, listener.remark)
    jobs = options.jobs or min(usable_cores(), MOST_JOBS)
    with ThreadPoolExecutor(jobs) as pool:
        colors, count = _survey(pictures, options, listener, pool, jobs)
        totals = Totals(
            [*baselines(colors, keep_luma=options.protocol.keep_luma), *judged],
            options.protocol,
            resamples=options.resamples,
            examples=options.examples,
            faces=options.faces is not None,
        )
        listener.begin("measuring", count)

        def work(entry: Entry) -> Measured | InputError | None:
            try:
                return measure(
                    entry,
                    totals.candidates,
                    options.protocol,
                    max_pixels=options.max_pixels,
                    examples=options.examples > 0,
                    boxes=options.faces,
                )
            except InputError as error:
                return error

        for outcome in _in_order(pool, work, pictures, 2 * jobs):
            if isinstance(outcome, InputError):
                listener.failure(outcome)
            totals.add(outcome)
            if isinstance(outcome, Measured) and recorder is not None:
                recorder.record(outcome, [candidate.name for candidate in totals.candidates])
            listener.advance()
        listener.end()
    return totals.evaluation()


def check_installed(module: str, package: str, what: str) -> None:
    """Refuse at once what would fail after hours because a package is missing.

    Parameters
    ----------
    module
        The module that will be imported.
    package
        The package that it comes in.
    what
        What needs it.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    if importlib.util.find_spec(module) is None:
        raise MissingExtraError(what, package, "evaluate")


def _survey(
    pictures: PictureSet, options: Options, listener: Listener, pool: ThreadPoolExecutor, jobs: int
) -> tuple[ColorHistogram, int]:
    """The true colours of the set, and how many files there are; their errors are reported by the second pass."""
    colors = ColorHistogram()
    listener.begin("looking", None)

    def work(entry: Entry) -> ColorHistogram | None:
        try:
            truth = read_truth(entry, options.protocol, options.max_pixels)
        except InputError:
            return None
        if truth is None:
            return None
        histogram = ColorHistogram()
        histogram.add(truth.ab)
        return histogram

    count = measurable = 0
    for histogram in _in_order(pool, work, pictures, 2 * jobs):
        count += 1
        if histogram is not None:
            measurable += 1
            colors.merge(histogram)
        listener.advance()
    listener.end()
    if not measurable:
        raise InputError(
            f"none of {count} files is a colour photograph that can be read; name a folder or a tar file of some"
        )
    return colors, count


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Entry], Result], entries: Iterable[Entry], window: int
) -> Iterator[Result]:
    """What `work` makes of each entry, in order, with at most `window` of them under way."""
    pending: deque[Future[Result]] = deque()
    try:
        for entry in entries:
            pending.append(pool.submit(work, entry))
            if len(pending) >= window:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
