"""What a colouring network is: lightness in, chroma out; and what a family of such networks tells the rest.

A family is all networks of one contract: what they see, in which scale, and what their output means. Families speak to
runtimes (`colorizer.engines`), which know tensors alone, and nobody else has to know which family a network is of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from colorizer.engines import EngineRequest, Loadable, Opened
from colorizer.errors import Message
from colorizer.networks.descriptor.model import Descriptor
from colorizer.settings import DEFAULT_SIZE, Fit, Settings

if TYPE_CHECKING:
    from colorizer.networks.catalog import ModelSpec
    from colorizer.networks.distribution import Distribution

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NetworkInput:
    """What a network sees of pictures that are all of one size."""

    lightness: Floats  # (N, 1, H, W) float32, L in 0..100; H and W multiples of the network's stride
    hints: Floats | None = None  # (N, 3, H, W) float32: a and b in CIE Lab units, and 1 where they hold; 0 elsewhere


@dataclass(frozen=True)
class Prediction:
    """What a network says of the pictures that it has seen."""

    ab: Floats  # (N, 2, h, w) float32, CIE Lab units; h and w in the network's own proportion to its input
    distributions: tuple[Distribution, ...] | None = None  # one a picture, where it was asked for and the family has it


class ColorNetwork(Protocol):
    """A network, loaded and ready. Safe to call from several threads."""

    @property
    def engine(self) -> Opened:
        """The runtime that it runs in, and why that one."""

    @property
    def temperature(self) -> float | None:
        """Of the annealed mean; None where there is no distribution to take one of."""

    @property
    def traits(self) -> tuple[str, ...]:
        """What was set of it, in words, for reports: "T = 0.9"."""

    def predict(self, seen: NetworkInput, *, distribution: bool = False) -> Prediction:
        """The colours for pictures.

        Parameters
        ----------
        seen
            Lightness, at a size that the network takes.
        distribution
            Whether to give the distribution over colours as well, where the family has one; may load more.

        Raises
        ------
        EngineError
            The runtime failed.
        """


@dataclass(frozen=True)
class Model:
    """A network on this machine, ready to be opened."""

    name: str
    family: str
    files: Mapping[str, Path]  # by role, such as "caffemodel"; the first holds the weights
    fit: Fit  # how a picture is brought to network size, where the user does not say
    stride: int  # pixels; sides of the network's input are multiples of it
    temperature: float | None = None  # of the annealed mean, where the user does not say; None: there is none to set
    sizes: tuple[int, ...] = (DEFAULT_SIZE,)  # short sides of its looks in pixels, where the user does not say; rising
    spec: ModelSpec | None = None  # its entry in the catalogue
    note: Message | None = field(default=None)  # one line for the user: what `auto` took, and how to get the other
    descriptor: Descriptor | None = None  # of a network that is described by one

    @property
    def weights(self) -> Path:
        """The file that holds the weights."""
        return next(iter(self.files.values()))

    @property
    def weights_size(self) -> int:
        """Bytes of all files; one that cannot be looked at counts for nothing: whoever loads it says what is wrong."""
        return sum(_size(path) for path in self.files.values())

    def sizes_for(self, settings: Settings) -> tuple[int, ...]:
        """Short sides of the looks that settings ask for, or else the model's own; in pixels, rising."""
        size = settings.size
        sizes = self.sizes if isinstance(size, str) else size if isinstance(size, tuple) else (size,)
        return sizes[:1] if settings.fast or settings.compat else sizes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class Family(Protocol):
    """All networks of one contract."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The files that models may have, by what their names end in; the first holds the weights."""

    @property
    def file_sets(self) -> tuple[tuple[str, ...], ...]:
        """Roles that make a model, each of them once; of role "data" there may be more files."""

    @property
    def stride(self) -> int:
        """What sides of the input are multiples of, where the catalogue does not say."""

    @property
    def temperature(self) -> float | None:
        """The temperature of the annealed mean, where the catalogue does not say; None for a family without one."""

    def files_at(self, path: Path, companion: Path | None) -> Mapping[str, Path]:
        """The files of a model that a user names by the path of one of them, or of their folder; by role.

        Parameters
        ----------
        path
            Exists.
        companion
            A second file that the user names.

        Raises
        ------
        WeightsError
            A file is missing, or there are several that it may be.
        UsageError
            `companion` is none that belongs to `path`.
        """

    def check(self, files: Mapping[str, Path]) -> int:
        """Refuse files that are no network of the family, or do not belong together, before a runtime sees them.

        Returns
        -------
        int
            The network's stride in pixels: sides of its input are multiples of it.

        Raises
        ------
        WeightsError
            With the cause and the file in its message.
        """

    def diagnose(self, path: Path, role: str) -> None:
        """Return if the file may be what its role says, else say what it is.

        Raises
        ------
        WeightsError
            It is known to be something else, or cannot be read.
        """

    def loadable(self, model: Model, settings: Settings) -> Loadable:
        """A model in the forms that runtimes load.

        Raises
        ------
        WeightsError
            A file that the settings name is none that belongs to a network of the family.
        """

    def open(self, model: Model, settings: Settings, request: EngineRequest) -> ColorNetwork:
        """Load a model.

        Raises
        ------
        WeightsError
            The files are no network that a runtime can load.
        MissingExtraError, EngineError
            The runtime is not installed, does not load, or cannot do what is asked for.
        """
