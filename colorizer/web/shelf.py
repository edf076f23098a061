"""The pictures that the page works on: how each stands, where its files lie, and when it has to go.

Everything here happens on the event loop, so that nothing needs a lock; threads do the work and hand back what came of
it. What is kept of a picture are files, so the shelf takes next to no memory whatever lies on it.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Literal

from colorizer.web.coloring import Source, View
from colorizer.web.folder import PrivateFolder
from colorizer.web.lanes import DroppedError, Lane, Ticket
from colorizer.web.limits import Limits
from colorizer.web.problems import ProblemError, problem_of

State = Literal["waiting", "working", "ready", "failed"]

ENDED: tuple[State, ...] = ("ready", "failed")

Prepare = Callable[[threading.Event], View]
"""Lets the network see a picture, in a thread; given the event that tells whether that is still wanted."""


class ShelvedPicture:
    """A picture on the shelf.

    Attributes
    ----------
    id
        Random: who does not know it cannot ask for the picture.
    source, size
        What was sent, and its bytes.
    model
        The network that colours it.
    state
        How it stands.
    view
        What is needed to look at it, once it is ready.
    problem
        Why it failed, as JSON has it.
    passes
        How often a network has seen it, a page at a time.
    used
        When somebody last asked for it.
    """

    def __init__(self, source: Source, size: int, model: str) -> None:
        self.id = secrets.token_urlsafe(16)
        self.source = source
        self.size = size
        self.model = model
        self.state: State = "waiting"
        self.view: View | None = None
        self.problem: dict[str, Any] | None = None
        self.passes = 0
        self.used = time.monotonic()
        self.ticket: Ticket[View] | None = None
        self._changed = asyncio.Event()

    @property
    def taken(self) -> int:
        """Bytes of its files."""
        return self.size + (self.view.size if self.view else 0)

    def become(self, state: State) -> None:
        """Change the state, and tell those who wait for that."""
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, known: State, seconds: float) -> None:
        """Wait until the state is another than the known one, or some seconds."""
        if self.state == known:
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except asyncio.TimeoutError:
                return


class Shelf:
    """The pictures, bounded in number and bytes.

    Parameters
    ----------
    lane
        Where networks see them.
    folder
        Where their files lie.
    limits
        How many there may be, and for how long.
    """

    def __init__(self, lane: Lane, folder: PrivateFolder, limits: Limits) -> None:
        self._lane = lane
        self._folder = folder
        self._limits = limits
        self._pictures: dict[str, ShelvedPicture] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, picture: ShelvedPicture, prepare: Prepare) -> None:
        """Put a picture on the shelf, push out what there is no more room for, and have it coloured.

        Raises
        ------
        ProblemError
            Too many are waiting; the picture's file is left to the caller.
        """
        self._begin(picture, prepare)
        self._pictures[picture.id] = picture
        self._make_room(picture)

    def find(self, name: str) -> ShelvedPicture:
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

    def view(self, name: str) -> tuple[ShelvedPicture, View]:
        """The picture of that id, which is ready, and what is needed to look at it.

        Raises
        ------
        ProblemError
            There is none, or it is not ready.
        """
        picture = self.find(name)
        if picture.state == "failed" and picture.problem is not None:
            raise ProblemError(409, picture.problem["detail"])
        if picture.state != "ready" or picture.view is None:
            raise ProblemError(
                409, "the picture is not coloured yet; ask again when its state is ready", Retry_After="1"
            )
        return picture, picture.view

    def again(self, picture: ShelvedPicture, model: str, prepare: Prepare) -> None:
        """Have a picture coloured by another model.

        Raises
        ------
        ProblemError
            Too many are waiting; everything stays as it was.
        """
        before, old = picture.ticket, picture.view
        self._begin(picture, prepare)
        if before is not None:
            before.drop()
        if old is not None:
            self._folder.discard(old.proxy, old.predicted)
        picture.model, picture.view, picture.problem = model, None, None
        picture.become("waiting")

    def remove(self, picture: ShelvedPicture) -> None:
        """Take a picture from the shelf, with its files and what is being done for it."""
        self._pictures.pop(picture.id, None)
        if picture.ticket is not None:
            picture.ticket.drop()
        self._folder.discard(picture.source.path)
        if picture.view is not None:
            self._folder.discard(picture.view.proxy, picture.view.predicted)
        picture.problem = ProblemError(404, "the picture was deleted").describe()
        picture.become("failed")

    def remove_idle(self) -> None:
        """Take away what nobody has asked for in a while."""
        oldest = time.monotonic() - self._limits.idle
        for picture in [picture for picture in self._pictures.values() if picture.used < oldest]:
            self.remove(picture)

    def describe(self, picture: ShelvedPicture) -> dict[str, Any]:
        """A picture as JSON has it."""
        view = picture.view
        waits = picture.state == "waiting" and picture.ticket is not None
        return {
            "id": picture.id,
            "name": picture.source.name,
            "model": picture.model,
            "state": picture.state,
            "position": self._lane.position(picture.ticket) if waits and picture.ticket else 0,
            "width": view and view.width,
            "height": view and view.height,
            "format": view and view.format.lower(),
            "depth": view and view.depth,
            "problem": picture.problem,
            "passes": picture.passes,
        }

    def _begin(self, picture: ShelvedPicture, prepare: Prepare) -> None:
        loop = asyncio.get_running_loop()

        def begun(dropped: threading.Event) -> None:
            loop.call_soon_threadsafe(self._note_begin, picture, dropped)

        ticket = self._lane.submit(prepare, begun)
        picture.ticket = ticket
        task = loop.create_task(self._follow(picture, ticket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note_begin(self, picture: ShelvedPicture, dropped: threading.Event) -> None:
        if picture.ticket is not None and picture.ticket.dropped is dropped and picture.state == "waiting":
            picture.become("working")

    async def _follow(self, picture: ShelvedPicture, ticket: Ticket[View]) -> None:
        try:
            view = await asyncio.wrap_future(ticket.future)
        except (DroppedError, CancelledError, asyncio.CancelledError):
            return
        except Exception as error:
            if picture.ticket is ticket:
                picture.problem = problem_of(error).describe()
                picture.become("failed")
            return
        if picture.ticket is not ticket or self._pictures.get(picture.id) is not picture:
            self._folder.discard(view.proxy, view.predicted)
            return
        picture.view = view
        picture.passes += 1
        picture.become("ready")
        self._make_room(picture)

    def _make_room(self, newest: ShelvedPicture) -> None:
        by_age = sorted(self._pictures.values(), key=lambda picture: picture.used)
        count, taken = len(by_age), sum(picture.taken for picture in by_age)
        for picture in by_age:
            if count <= self._limits.max_pictures and taken <= self._limits.max_shelf:
                return
            if picture is newest:
                continue
            count, taken = count - 1, taken - picture.taken
            self.remove(picture)
