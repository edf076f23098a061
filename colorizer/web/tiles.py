"""Pieces of a picture at its full size, so that it can be looked at closely.

A picture is drawn once, whole, into a file that is mapped into memory, and pieces are cut from that while somebody
moves about in it. A piece is a square of the picture, halved in size as often as its level says: level 0 has the
picture's own pixels. It goes out as PNG, so at level 0 nothing is lost but what 8 bits cannot hold. Of the drawings the
last few are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.web.folder import PrivateFolder
from colorizer.web.limits import TILE_SIDE
from colorizer.web.problems import ProblemError

KEPT_BYTES = 1 << 30
"""Of drawings that are kept; before and after of the newest picture are, whatever they take."""

_ALWAYS_KEPT = 2

_FAST = (cv2.IMWRITE_PNG_COMPRESSION, 1)

Canvas = npt.NDArray[np.uint8]
"""(H, W) grey or (H, W, 3) RGB."""


@dataclass(frozen=True)
class Place:
    """Which piece: how often it is halved, and its column and row among those of its level, from 0."""

    level: int
    column: int
    row: int


@dataclass(frozen=True)
class Drawing:
    """What a drawing shows: a picture, and all that its pixels depend on."""

    picture: str  # its id
    look: tuple[object, ...]


class Canvases:
    """Drawings of pictures at full size, in files; for use by several threads.

    Parameters
    ----------
    folder
        Where the files lie.
    """

    def __init__(self, folder: PrivateFolder) -> None:
        self._folder = folder
        self._files: OrderedDict[Drawing, Path] = OrderedDict()
        self._drawing = threading.Lock()  # one at a time: a drawing takes all cores, and many pieces wait for the same
        self._listing = threading.Lock()

    def get(self, drawing: Drawing, draw: Callable[[], Canvas], wanted: Callable[[], bool]) -> Canvas:
        """A drawing, made where there is none yet.

        Parameters
        ----------
        drawing
            Which.
        draw
            Makes it.
        wanted
            Whether its picture is still there.

        Raises
        ------
        ProblemError
            The picture was deleted meanwhile.
        """
        with self._drawing:
            path = self._known(drawing)
            if path is None:
                path = self._folder.new(".npy")
                np.save(path, draw())
                self._keep(drawing, path)
            if not wanted():
                self.drop(drawing.picture)
                raise ProblemError(404, "the picture has been deleted")
            return np.asarray(np.load(path, mmap_mode="r"))

    def drop(self, picture: str) -> None:
        """Delete what was drawn of a picture."""
        with self._listing:
            gone = [self._files.pop(drawing) for drawing in list(self._files) if drawing.picture == picture]
        self._folder.discard(*gone)

    def _known(self, drawing: Drawing) -> Path | None:
        with self._listing:
            path = self._files.get(drawing)
            if path is not None:
                self._files.move_to_end(drawing)
            return path

    def _keep(self, drawing: Drawing, path: Path) -> None:
        with self._listing:
            self._files[drawing] = path
            taken = sum(file.stat().st_size for file in self._files.values())
            gone = []
            while taken > KEPT_BYTES and len(self._files) > _ALWAYS_KEPT:
                _, oldest = self._files.popitem(last=False)
                taken -= oldest.stat().st_size
                gone.append(oldest)
        self._folder.discard(*gone)


def cut(canvas: Canvas, place: Place) -> bytes:
    """A piece of a drawing, as a PNG file.

    Raises
    ------
    ProblemError
        The picture has no such piece.
    """
    side = TILE_SIDE << place.level
    height, width = canvas.shape[:2]
    for name, number, length in (("column", place.column, width), ("row", place.row, height)):
        count = -(-length // side)
        if number >= count:
            raise ProblemError(400, f"{name}: there are {count} at level {place.level}, counted from 0")
    top, left = place.row * side, place.column * side
    piece: npt.NDArray[Any] = np.ascontiguousarray(canvas[top : top + side, left : left + side])
    if place.level:
        size = -(-piece.shape[1] // (1 << place.level)), -(-piece.shape[0] // (1 << place.level))
        piece = cv2.resize(piece, size, interpolation=cv2.INTER_AREA)
    if piece.ndim == 3:
        piece = cv2.cvtColor(piece, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", piece, _FAST)
    return data.tobytes()
