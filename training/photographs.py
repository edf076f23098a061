"""Photographs to learn from: whole tars and folders, encoded in memory, decoded when asked for."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


class Photographs:
    """Colour photographs by number.

    Parameters
    ----------
    sources
        Tar files, folders (walked in sorted order) and pictures.
    limit
        Take the first so many alone.

    Raises
    ------
    ValueError
        There is no picture in them.
    OSError
        One cannot be read.
    """

    def __init__(self, sources: Sequence[Path], limit: int | None = None) -> None:
        self.names: list[str] = []
        self._encoded: list[bytes] = []
        for name, data in _members(sources):
            if limit is not None and len(self.names) == limit:
                break
            self.names.append(name)
            self._encoded.append(data)
        if not self.names:
            raise ValueError(f"no photographs in {', '.join(map(str, sources))}; name tar files or folders of pictures")

    def __len__(self) -> int:
        """How many there are."""
        return len(self._encoded)

    def __getitem__(self, index: int) -> Pixels:
        """One of them, (H, W, 3) uint8 RGB, turned upright.

        Raises
        ------
        ValueError
            It is damaged, or no picture.
        """
        bgr = cv2.imdecode(np.frombuffer(self._encoded[index], np.uint8), cv2.IMREAD_COLOR)
        if bgr is None:
            raise ValueError(f"{self.names[index]}: no picture, or a damaged one; leave it out")
        return np.ascontiguousarray(bgr[..., ::-1])


def _members(sources: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for source in sources:
        if source.is_dir():
            yield from _members(sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES))
        elif tarfile.is_tarfile(source):
            with tarfile.open(source) as tar:
                for member in tar:
                    file = tar.extractfile(member) if Path(member.name).suffix.lower() in SUFFIXES else None
                    if file is not None:
                        yield f"{source.name}/{member.name}", file.read()
        else:
            yield str(source), source.read_bytes()
