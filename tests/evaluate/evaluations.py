"""What the tests of this room share: an evaluation of free photographs, and someone who listens."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from colorizer import Settings
from colorizer.errors import InputError, Message
from colorizer.evaluate.protocol import NATIVE, Protocol
from colorizer.evaluate.run import Options, Recorder, evaluate
from colorizer.evaluate.sources import PictureSet
from colorizer.evaluate.totals import Evaluation

QUICK = Settings(model="lite", engine="opencv", size=64, precision="fp32", device="cpu")
"""A small view of the picture: worse colours, and a few milliseconds."""


class Listening:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.passes: list[tuple[str, int | None]] = []
        self.failures: list[str] = []
        self.remarks: list[str] = []
        self.steps = 0

    def begin(self, what: str, total: int | None) -> None:
        self.passes.append((what, total))

    def advance(self) -> None:
        self.steps += 1

    def end(self) -> None:
        pass

    def failure(self, error: InputError) -> None:
        self.failures.append(str(error))

    def remark(self, said: Message | str) -> None:
        self.remarks.append(str(said))


def small_copies(photographs: Sequence[Path], folder: Path, side: int) -> Path:
    """The photographs, their longer side so many pixels, as PNG."""
    folder.mkdir()
    for path in photographs:
        with Image.open(path) as image:
            copy = image.convert("RGB")
            copy.thumbnail((side, side), Image.Resampling.BOX)
            copy.save(folder / f"{path.stem}.png")
    return folder


def evaluated(
    folder: Path,
    settings: Sequence[Settings] = (QUICK,),
    *,
    protocol: Protocol = NATIVE,
    examples: int = 0,
    jobs: int = 2,
    resamples: int = 200,
    listener: Listening | None = None,
    recorder: Recorder | None = None,
) -> Evaluation:
    options = Options(protocol=protocol, examples=examples, jobs=jobs, resamples=resamples)
    return evaluate(PictureSet((folder,)), settings, options, listener or Listening(), recorder)


def blobs(seed: int, side: int = 24) -> npt.NDArray[np.uint8]:
    """A small picture of soft spots of colour, (side, side, 3)."""
    rng = np.random.default_rng(seed)
    with Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)) as spots:
        return np.asarray(spots.resize((side, side), Image.Resampling.BICUBIC))


def tar_of_blobs(path: Path, count: int, side: int = 24) -> Path:
    """A tar file of so many pictures."""
    with tarfile.open(path, "w") as tar:
        for number in range(count):
            buffer = io.BytesIO()
            Image.fromarray(blobs(number, side)).save(buffer, format="PNG")
            member = tarfile.TarInfo(f"{number:05}.png")
            member.size = buffer.tell()
            buffer.seek(0)
            tar.addfile(member, buffer)
    return path
