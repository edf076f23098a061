"""What a job knows of places without asking again: folders that were listed, and files that were asked for.

A listing tells name, size, time and tag of a thousand objects with one request; asking for each takes one or two. So
what a walk has seen is remembered for the time of a job, and the tree of outputs is listed once before it. What is
written meanwhile is told by whoever writes it, not by this.
"""

from __future__ import annotations

from colorizer.io.address import Remote
from colorizer.io.storage import Stamp


class Listings:
    """Stamps by folder and name."""

    def __init__(self) -> None:
        self._folders: dict[Remote, dict[str, Stamp]] = {}
        self._trees: set[Remote] = set()
        self._asked: dict[Remote, Stamp | None] = {}

    def add_folder(self, folder: Remote, stamps: dict[str, Stamp]) -> None:
        """All files of a folder."""
        self._folders[folder] = stamps

    def add_tree(self, folder: Remote) -> None:
        """All folders below it have been added too: others there are none."""
        self._trees.add(folder)

    def add(self, address: Remote, stamp: Stamp | None) -> None:
        """One file that was asked for, or written."""
        folder = self._folders.get(address.parent)
        if folder is not None and stamp is not None:
            folder[address.name] = stamp
        else:
            self._asked[address] = stamp

    def knows(self, address: Remote) -> bool:
        """Whether `stamp` answers."""
        return (
            address in self._asked
            or address.parent in self._folders
            or any(address.is_below(tree) for tree in self._trees)
        )

    def stamp(self, address: Remote) -> Stamp | None:
        """What is known of a file; None: there is none."""
        found = self._folders.get(address.parent, {}).get(address.name)
        return self._asked.get(address) if found is None else found
