"""Planes of a shot's frames by their place in it: in memory while they are few, in a nameless file beyond that."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

Halves = npt.NDArray[np.float16]

MEMORY = 64 << 20
"""Bytes of a shot that stay in memory; what is more goes to a file that vanishes with the process."""


class PlaneStore:
    """Arrays of one shape, float16 each: 0.06 at 100, finer below, which nobody sees in L or ab.

    Parameters
    ----------
    shape
        Of each.
    folder
        Where the file lies, if it comes to one.
    """

    def __init__(self, shape: tuple[int, ...], folder: Path | None = None) -> None:
        self._shape = shape
        self._file = tempfile.SpooledTemporaryFile(MEMORY, dir=None if folder is None else str(folder))  # noqa: SIM115 - closed by `close`
        self._size = int(np.prod(shape)) * np.dtype(np.float16).itemsize

    def __del__(self) -> None:
        """Let go of it where nobody did, as of a shot that was made ready and never asked for."""
        with contextlib.suppress(AttributeError):  # it was never opened
            self.close()

    def __len__(self) -> int:
        return self._file.seek(0, 2) // self._size

    def put(self, place: int, planes: npt.NDArray[np.float32]) -> None:
        """Keep an array.

        Raises
        ------
        OSError
            The disk is full.
        """
        self._file.seek(place * self._size)
        self._file.write(np.asarray(planes, np.float16).tobytes())

    def get(self, place: int) -> npt.NDArray[np.float32]:
        """An array that was kept."""
        self._file.seek(place * self._size)
        data = np.frombuffer(self._file.read(self._size), np.float16)
        return data.reshape(self._shape).astype(np.float32)

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
