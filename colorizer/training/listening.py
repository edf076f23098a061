"""Who hears of a run: what it is doing, what people should know, and its figures."""

from __future__ import annotations

from typing import Protocol

from colorizer.errors import Message
from colorizer.training.record import Row


class Listener(Protocol):
    """Hears of a run."""

    def begin(self, what: str, total: int | None, done: int = 0, seconds: float | None = None) -> None:
        """Something begins that has so many units, of which some are done already, or that lasts so long at most."""

    def advance(self) -> None:
        """One unit more."""

    def end(self) -> None:
        """It is over."""

    def remark(self, said: Message | str) -> None:
        """Something that people should know."""

    def row(self, row: Row) -> None:
        """The figures of a validation."""


class Silence:
    """Hears, and says nothing."""

    def begin(self, what: str, total: int | None, done: int = 0, seconds: float | None = None) -> None:
        """See `Listener`."""

    def advance(self) -> None:
        """See `Listener`."""

    def end(self) -> None:
        """See `Listener`."""

    def remark(self, said: Message | str) -> None:
        """See `Listener`."""

    def row(self, row: Row) -> None:
        """See `Listener`."""
