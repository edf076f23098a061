"""The pictures that the page works on: the state of each, its files, and when it is deleted.

Everything here happens on the event loop, so that nothing needs a lock; threads do the work and hand back its result.
All that is kept of a picture is in files, so the store takes next to no memory however many it holds.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Literal

from colorizer.web.coloring import Preview, Source
from colorizer.web.folder import PrivateFolder
from colorizer.web.limits import Limits
from colorizer.web.problems import ProblemError, problem_of
from colorizer.web.references import MOST_REFERENCES, Sent, Told
from colorizer.web.work_queue import JobCancelledError, QueuedJob, WorkQueue

State = Literal["waiting", "working", "ready", "failed"]

FINAL_STATES: tuple[State, ...] = ("ready", "failed")

Prepare = Callable[[threading.Event], Preview]
"""Runs the network on a picture, in a thread; its argument is set when the result is no longer wanted."""


class StoredPicture:
    """A picture of the page, with its state.

    Attributes
    ----------
    id
        Random: who does not know it cannot ask for the picture.
    source, size
        What was sent, and its bytes.
    model
        The network that colours it.
    fast
        Whether that looks at it once.
    state
        Whether it waits, is worked on, is ready, or has failed.
    preview
        What previews are rendered from, once it is ready.
    problem
        Why it failed, as JSON has it.
    told
        What is said of its colours.
    sent
        Pictures in colour that were sent for it, by name.
    passes
        How often a network has run on it, a page at a time.
    used
        When somebody last asked for it, in seconds of `time.monotonic`.
    """

    def __init__(self, source: Source, size: int, model: str, *, fast: bool = False) -> None:
        self.id = secrets.token_urlsafe(16)
        self.source = source
        self.size = size
        self.model = model
        self.fast = fast
        self.state: State = "waiting"
        self.preview: Preview | None = None
        self.problem: dict[str, Any] | None = None
        self.passes = 0
        self.told = Told()
        self.sent: dict[str, Sent] = {}
        self.used = time.monotonic()
        self.job: QueuedJob[Preview] | None = None
        self._changed = asyncio.Event()

    @property
    def stored_bytes(self) -> int:
        """Size of its files."""
        return self.size + (self.preview.size if self.preview else 0) + sum(each.size for each in self.sent.values())

    def set_state(self, state: State) -> None:
        """Change the state, and wake those who wait for a change."""
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for_change(self, known: State, seconds: float) -> None:
        """Wait until the state is another than the known one, or some seconds."""
        if self.state == known:
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except asyncio.TimeoutError:
                return


class PictureStore:
    """The pictures, bounded in number and bytes.

    Parameters
    ----------
    queue
        Where networks run on them.
    folder
        Where their files lie.
    limits
        How many there may be, and for how long.
    forget
        Told the id of a picture that is deleted or coloured anew, whose drawings are of no more use.
    """

    def __init__(
        self, queue: WorkQueue, folder: PrivateFolder, limits: Limits, forget: Callable[[str], None] = lambda _: None
    ) -> None:
        self._forget = forget
        self._queue = queue
        self._folder = folder
        self._limits = limits
        self._pictures: dict[str, StoredPicture] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, picture: StoredPicture, prepare: Prepare) -> None:
        """Take in a picture, delete the oldest where there is no more room, and have it coloured.

        Raises
        ------
        ProblemError
            Too many are waiting; the picture's file is left to the caller.
        """
        self._begin(picture, prepare)
        self._pictures[picture.id] = picture
        self._make_room(picture)

    def has(self, picture: StoredPicture) -> bool:
        """Whether the picture is not deleted; may be asked by any thread."""
        return self._pictures.get(picture.id) is picture

    def find(self, name: str) -> StoredPicture:
        """The picture of that id.

        Raises
        ------
        ProblemError
            There is none, or no more.
        """
        picture = self._pictures.get(name)
        if picture is None:
            raise ProblemError(404, "no such picture; it may have been deleted, or pushed out by newer ones")
        picture.used = time.monotonic()
        return picture

    def preview(self, name: str) -> tuple[StoredPicture, Preview]:
        """The picture of that id, which is ready, and what its previews are rendered from.

        Raises
        ------
        ProblemError
            There is none, or it is not ready.
        """
        picture = self.find(name)
        if picture.state == "failed" and picture.problem is not None:
            raise ProblemError(409, picture.problem["detail"])
        if picture.state != "ready" or picture.preview is None:
            raise ProblemError(
                409, "the picture is not coloured yet; ask again when its state is ready", Retry_After="1"
            )
        return picture, picture.preview

    def recolor(self, picture: StoredPicture, model: str, prepare: Prepare, *, fast: bool = False) -> None:
        """Have a picture coloured by another model, or with another number of looks.

        Raises
        ------
        ProblemError
            Too many are waiting; everything stays as it was.
        """
        before, old = picture.job, picture.preview
        self._begin(picture, prepare)
        if before is not None:
            before.cancel()
        if old is not None:
            self._folder.discard(old.proxy, old.predicted)
        self._forget(picture.id)
        picture.model, picture.fast, picture.preview, picture.problem = model, fast, None, None
        picture.set_state("waiting")

    def remove(self, picture: StoredPicture) -> None:
        """Delete a picture with its files, and cancel what is being done for it."""
        self._pictures.pop(picture.id, None)
        if picture.job is not None:
            picture.job.cancel()
        self._forget(picture.id)
        self._folder.discard(picture.source.path, *(each.path for each in picture.sent.values()))
        if picture.preview is not None:
            self._folder.discard(picture.preview.proxy, picture.preview.predicted)
        picture.problem = ProblemError(404, "the picture was deleted").describe()
        picture.set_state("failed")

    def send(self, picture: StoredPicture, sent: Sent) -> None:
        """Keep a reference for a picture, in place of one of that name, or of one that nothing names.

        Raises
        ------
        ProblemError
            There are too many already that are named.
        """
        before = picture.sent.pop(sent.name, None)
        if len(picture.sent) >= MOST_REFERENCES:
            named = {each.name for _, each in picture.told.references}
            spare = next((name for name in picture.sent if name not in named), None)
            if spare is None:
                raise ProblemError(409, f"a picture takes {MOST_REFERENCES} references at most; take one out")
            self._folder.discard(picture.sent.pop(spare).path)
        picture.sent[sent.name] = sent
        if before is not None:
            told = picture.told
            now = tuple((role, sent if each is before else each) for role, each in told.references)
            picture.told = Told(told.saying, now)
            self._folder.discard(before.path)

    def remove_idle(self) -> None:
        """Delete what nobody has asked for in a while."""
        oldest = time.monotonic() - self._limits.idle
        for picture in [picture for picture in self._pictures.values() if picture.used < oldest]:
            self.remove(picture)

    def describe(self, picture: StoredPicture) -> dict[str, Any]:
        """A picture as JSON has it."""
        preview = picture.preview
        waits = picture.state == "waiting" and picture.job is not None
        return {
            "id": picture.id,
            "name": picture.source.name,
            "model": picture.model,
            "fast": picture.fast,
            "state": picture.state,
            "position": self._queue.position(picture.job) if waits and picture.job else 0,
            "width": preview and preview.width,
            "height": preview and preview.height,
            "format": preview and preview.format.lower(),
            "depth": preview and preview.depth,
            "problem": picture.problem,
            "passes": picture.passes,
            "hints": picture.told.hints,
        }

    def _begin(self, picture: StoredPicture, prepare: Prepare) -> None:
        loop = asyncio.get_running_loop()

        def begun(cancelled: threading.Event) -> None:
            loop.call_soon_threadsafe(self._note_begin, picture, cancelled)

        job = self._queue.submit(prepare, begun)
        picture.job = job
        task = loop.create_task(self._follow(picture, job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note_begin(self, picture: StoredPicture, cancelled: threading.Event) -> None:
        if picture.job is not None and picture.job.cancelled is cancelled and picture.state == "waiting":
            picture.set_state("working")

    async def _follow(self, picture: StoredPicture, job: QueuedJob[Preview]) -> None:
        try:
            preview = await asyncio.wrap_future(job.future)
        except (JobCancelledError, CancelledError, asyncio.CancelledError):
            return
        except Exception as error:
            if picture.job is job:
                picture.problem = problem_of(error).describe()
                picture.set_state("failed")
            return
        if picture.job is not job or self._pictures.get(picture.id) is not picture:
            self._folder.discard(preview.proxy, preview.predicted)
            return
        picture.preview = preview
        picture.passes += 1
        picture.set_state("ready")
        self._make_room(picture)

    def _make_room(self, newest: StoredPicture) -> None:
        by_age = sorted(self._pictures.values(), key=lambda picture: picture.used)
        count, taken = len(by_age), sum(picture.stored_bytes for picture in by_age)
        for picture in by_age:
            if count <= self._limits.max_pictures and taken <= self._limits.max_shelf:
                return
            if picture is newest:
                continue
            count, taken = count - 1, taken - picture.stored_bytes
            self.remove(picture)
