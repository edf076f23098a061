"""One picture, from file to file: what is done to it, and what became of it."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from colorizer.colorizer import Colorizer
from colorizer.errors import (
    ColorizerError,
    InputError,
    MissingExtraError,
    OptionRef,
    OutputError,
    Remedy,
    lacks_memory,
    shown,
)
from colorizer.io.address import Address, Remote
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.records import hash_stream
from colorizer.io.storage import Stamp, Storage, stamp_if_any
from colorizer.jobs.comparison import side_by_side, tone_of
from colorizer.jobs.facts import Facts, utc
from colorizer.jobs.guiding import Guiding, Saying
from colorizer.jobs.luma import GuidedPage, colored_beside_luma, mark_of, shown_pixels
from colorizer.jobs.plan import Task
from colorizer.media import (
    DEFAULT_MAX_PIXELS,
    Document,
    Output,
    Picture,
    decode_document,
    open_document,
    target_format,
    write_document,
    write_picture,
)
from colorizer.networks.making import UsedFile


class Status(Enum):
    """What became of a picture."""

    COLORED = "coloured"
    PASSED = "already in colour, passed through"
    KEPT = "exists, kept"
    FAILED = "failed"


@dataclass(frozen=True)
class OutputPolicy:
    """How pictures are done, beside the colouring itself.

    Attributes
    ----------
    output
        How files are written.
    max_pixels
        Larger pictures fail.
    compare
        Also write before and after side by side.
    tones
        Also measure each picture's mean colour, for a contact sheet.
    guiding
        What is said of their colours.
    """

    output: Output = Output()
    max_pixels: int = DEFAULT_MAX_PIXELS
    compare: bool = False
    tones: bool = False
    guiding: Guiding = Guiding()


@dataclass(frozen=True)
class Outcome:
    """A task and what became of it.

    Attributes
    ----------
    seconds
        From opening the input to the complete output.
    pixels
        Height and width of the (first) page, where it could be read.
    error
        The cause, where it failed.
    notes
        What could not be kept or understood, in words.
    remarks
        What is to be said of hints, in words.
    used
        Model, engine and how the network saw the picture, in one line.
    making
        The same and more, as `Making.as_dict` has it (docs/mark.md).
    tone
        The mean colour of its first page, a and b of CIE Lab, if it was to be measured.
    facts
        Hashes and the like.
    made
        The output's stamp, when it was complete.
    frames
        Of a film, how many.
    """

    task: Task
    status: Status
    seconds: float = 0.0
    pixels: tuple[int, int] | None = None
    error: ColorizerError | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    used: str = ""
    making: Mapping[str, Any] | None = None
    tone: tuple[float, float] | None = None
    facts: Facts = Facts()
    made: Stamp | None = None
    frames: int | None = None


def color_file(
    task: Task,
    colorizer: Colorizer,
    policy: OutputPolicy,
    data: bytes | None = None,
    *,
    storage: Storage = ANYWHERE,
) -> Outcome:
    """Do one task; whatever is wrong with its files ends in the outcome, and no part of an output is left.

    Parameters
    ----------
    task
        Which file becomes which.
    colorizer, policy
        How it is coloured and written.
    data
        The input's content where it comes from no file; its source then is only a name for messages.
    storage
        Where both files lie.

    Raises
    ------
    EngineError
        The runtime failed, as it would for all other pictures.
    """
    start = time.perf_counter()
    try:
        outcome = _color(task, colorizer, policy, data, storage)
    except (InputError, OutputError, MissingExtraError) as error:
        outcome = Outcome(task, Status.FAILED, error=error)
    except Exception as error:
        if not lacks_memory(error):
            raise
        cause = InputError(f"{shown(task.source)}: not enough memory for this picture; close other programs")
        outcome = Outcome(task, Status.FAILED, error=cause)
    return replace(outcome, seconds=time.perf_counter() - start)


class ColoredPages:
    """The pages of a document, coloured one at a time while they are asked for.

    Parameters
    ----------
    document
        The pages.
    colorizer
        Colours them.
    output, kind
        How they will be written, and in which format by name: a JPEG may keep its luma as it is coded.
    compare, tones
        Whether before and after of the first page, and its mean colour, are wanted.
    saying
        What is said of their colours.
    name
        Of the file that they are of, without folders; "" where they are of none. The document knows its hash.

    Attributes
    ----------
    sizes
        Height and width of each page so far.
    passed
        Whether each was let pass, being in colour.
    comparison
        Before and after of the first page, if wanted.
    tone
        Its mean colour, likewise.
    remarks
        What is to be said of hints.
    """

    def __init__(
        self,
        document: Document,
        colorizer: Colorizer,
        output: Output,
        kind: str,
        *,
        compare: bool = False,
        tones: bool = False,
        saying: Saying | None = None,
        name: str = "",
    ) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.passed: list[bool] = []
        self.comparison: Picture | None = None
        self._document = document
        self._colorizer = colorizer
        self._output = output
        self._kind = kind
        self._compare = compare
        self._tones = tones
        self.tone: tuple[float, float] | None = None
        self._saying = saying or Saying()
        self._name = name
        self.remarks: list[str] = []

    @property
    def source(self) -> UsedFile | None:
        """The file that they are of, once the first page has been asked for; None where there is none."""
        return UsedFile(self._name, self._document.sha256) if self._name and self._document.sha256 else None

    def __iter__(self) -> Iterator[Picture]:
        """Decode and colour the next page.

        Raises
        ------
        InputError
            It is damaged, too large, or holds values that are no colours; hints do not fit it.
        """
        colorizer = self._colorizer
        for picture in self._document:
            if picture.no_photograph:
                yield picture
                continue
            self.sizes.append((picture.pixels.shape[0], picture.pixels.shape[1]))
            self.passed.append(colorizer.keeps(picture.pixels))
            if self.passed[-1]:
                if self._saying:
                    self.remarks.append("it is in colour already and passed through, its hints are not used")
                yield picture
                continue
            try:
                colored = self._colored(picture)
            except InputError as error:
                raise InputError(error.message.about(self._document.name)) from error
            if self._compare and self.comparison is None:
                self.comparison = side_by_side(picture, shown_pixels(colored))
            if self._tones and self.tone is None:
                self.tone = tone_of(shown_pixels(colored))
            yield colored

    def _colored(self, picture: Picture) -> Picture:
        colorizer, page = self._colorizer, len(self.sizes)
        guided = self._guided(picture, page) if self._saying else None
        colored = colored_beside_luma(picture, colorizer, self._output, self._kind, guided=guided, source=self.source)
        if colored.coded is None:
            mark = mark_of(colorizer, guided, self.source)
            pixels = colorizer.colorize(picture.pixels, order="rgb") if guided is None else guided.render()
            colored = colored.with_pixels(pixels, mark)
        return colored

    def _guided(self, picture: Picture, page: int) -> GuidedPage | None:
        """What hints say of a page; None where it is nothing."""
        guidance = self._saying.of_page(page, len(self._document))
        if not guidance and self._saying.variant is None:
            return None
        if self._colorizer.settings.compat:
            self.remarks.append("compat computes as another program does, its hints are not used")
            return None
        session = self._colorizer.session(picture.pixels)
        self._saying.check(session, page)
        guided = GuidedPage(session, self._saying.with_variant(session, guidance))
        several = f"page {page}: " if len(self._document) > 1 else ""
        self.remarks += [several + remark for remark in guided.session.remarks(guidance, picture.alpha)]
        return guided


def _color(task: Task, colorizer: Colorizer, policy: OutputPolicy, data: bytes | None, storage: Storage) -> Outcome:
    output, limit = policy.output, policy.max_pixels
    with (
        open_document(task.source, max_pixels=limit, storage=storage, hashed=True)
        if data is None
        else decode_document(data, shown(task.source), max_pixels=limit, hashed=True)
    ) as document:
        kind = target_format(task.target, output)
        saying = policy.guiding.said_of(task.source if data is None else None, storage)
        pages = ColoredPages(
            document,
            colorizer,
            output,
            kind.name,
            compare=policy.compare,
            tones=policy.tones,
            saying=saying,
            name=task.source.name if data is None else "",
        )
        hashes: list[str] = []
        notes = write_document(
            task.target,
            pages,
            len(document),
            output,
            storage=storage,
            look=lambda file: hashes.append(hash_stream(file)),
        )
        unchanged = all(pages.passed) and kind is document.format
    if unchanged and output == Output(keep_times=output.keep_times, keep_luma=output.keep_luma):
        # nothing changes, so not a byte need
        hashes.append(_copy(task, data, storage))
    if pages.comparison:
        write_picture(task.comparison, pages.comparison, output, storage=storage)
    if output.keep_times and data is None:
        _copy_times(task.source, task.target, storage)
    status = Status.PASSED if all(pages.passed) else Status.COLORED
    said = None if all(pages.passed) else saying
    used = ", ".join(filter(None, [colorizer.recipe(), said.describe() if said else ""]))
    making = replace(colorizer.making(), source=pages.source, guidance=said.summary() if said else {}).as_dict()
    return Outcome(
        task,
        status,
        pixels=pages.sizes[0],
        notes=notes,
        remarks=tuple(pages.remarks),
        used=used,
        making=making,
        tone=pages.tone,
        facts=Facts(document.sha256, hashes[-1], len(pages.sizes), utc(time.time())),
        made=stamp_if_any(storage, task.target),
    )


def _copy(task: Task, data: bytes | None, storage: Storage) -> str:
    """Copy a file; its SHA-256."""
    if data is None:
        with storage.open_read(task.source) as source:
            data = source.read()
    with storage.put_whole(task.target) as target:
        target.write(data)
    return hashlib.sha256(data).hexdigest()


def _copy_times(source: Address, target: Address, storage: Storage) -> None:
    """Give a file of this machine the times of its original."""
    try:
        if isinstance(target, Remote):
            raise OSError(errno.ENOSYS, "a store gives times itself")
        if isinstance(source, Remote):
            found = storage.stamp(source)
            times = (found.modified_ns, found.modified_ns) if found else None
        else:
            status = source.stat()
            times = (status.st_atime_ns, status.st_mtime_ns)
        if times is not None:
            os.utime(target, ns=times)
    except OSError as error:
        raise OutputError(
            f"{shown(target)}: its times cannot be set ({error.strerror})",
            remedy=Remedy.LEAVE_OUT,
            what=OptionRef("keep_times"),
        ) from error
