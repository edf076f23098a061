"""The store: where models' files live, and whether they are still the files that arrived.

Folders are searched in this order: the one given (`--weights-dir`), the user's own (`COLORIZER_HOME`, else the user's
data folder, since a cache may be swept away and the release's links die), and the one that comes with the package,
which in a checkout is its `weights/`. Files lie there flat, under their own names; a model that a user named lies as
`NAME.prototxt` and `NAME.caffemodel`.

"""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from colorizer.errors import OutputError, Remedy, shown
from colorizer.io.cache import HOME_VARIABLE
from colorizer.networks.catalog import Catalog, FileSpec, ModelSpec, is_model_name
from colorizer.networks.descriptor.model import SUFFIX as DESCRIPTOR_SUFFIX
from colorizer.networks.registry import DEFAULT_FAMILY


@dataclass(frozen=True)
class NamedPair:
    """A model that a user brought along: a prototxt and a caffemodel of one name in the store."""

    name: str
    prototxt: Path
    caffemodel: Path
    bin_centres: Path | None  # the user's own pts_in_hull.npy, where one came with the pair
    family: str = DEFAULT_FAMILY

    @property
    def files(self) -> dict[str, Path]:
        """The files by role, those that carry a record first."""
        centres = {} if self.bin_centres is None else {"bin_centres": self.bin_centres}
        return {"caffemodel": self.caffemodel, "prototxt": self.prototxt, **centres}


@dataclass(frozen=True)
class Store:
    """The folders that hold models, first the one that new files go to."""

    writable: Path
    searched: tuple[Path, ...]

    def find(self, file: FileSpec) -> Path | None:
        """Where `file` lies, by its name; None where it does not. Its content is not looked at."""
        folders = (packaged_weights(),) if file.packaged else self.searched
        return next((path for folder in folders if is_file(path := folder / file.name)), None)

    def is_installed(self, spec: ModelSpec) -> bool:
        """Whether all files of a model are there, by name."""
        if spec.import_only:
            return any((folder / spec.name).is_dir() for folder in self.searched)
        return all(self.find(file) is not None for file in spec.files)

    def pairs(self, catalog: Catalog) -> tuple[NamedPair, ...]:
        """Models that users brought along, by name; the first folder wins."""
        found: dict[str, NamedPair] = {}
        for folder in self.searched:
            for caffemodel in sorted(_caffemodels(folder)):
                name = caffemodel.stem
                prototxt = caffemodel.with_suffix(".prototxt")
                centres = caffemodel.with_suffix(".npy")
                own = is_model_name(name) and catalog.find(name) is None and caffemodel.name not in catalog.file_names
                if own and name not in found and is_file(prototxt):
                    found[name] = NamedPair(name, prototxt, caffemodel, centres if is_file(centres) else None)
        return tuple(found.values())

    def described(self, catalog: Catalog) -> dict[str, Path]:
        """Models that users brought along with a descriptor, each in a folder of its own; the first folder wins."""
        found: dict[str, Path] = {}
        for folder in self.searched:
            for each in _folders(folder):
                spec = catalog.find(each.name)
                own = is_model_name(each.name) and (spec is None or spec.import_only)
                if own and each.name not in found and any(is_descriptor(path) for path in _content(each)):
                    found[each.name] = each
        return found


def _folders(folder: Path) -> list[Path]:
    return [path for path in _content(folder) if path.is_dir()]


def _content(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def is_descriptor(path: Path) -> bool:
    """Whether a name is that of a descriptor."""
    return path.name.lower().endswith(DESCRIPTOR_SUFFIX)


def _caffemodels(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix == ".caffemodel"]
    except OSError:
        return []


def is_file(path: Path) -> bool:
    """Whether there is a file that can be looked at; where we may not look, or of an impossible name, there is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def packaged_weights() -> Path:
    """The folder of models that comes with the package: inside it in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def user_weights() -> Path:
    """The user's own folder of models, whether it exists or not."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home).expanduser().absolute() / "weights"
    import platformdirs

    return platformdirs.user_data_path("colorize", appauthor=False) / "weights"


def open_store(weights_dir: Path | None = None) -> Store:
    """The store as the options and the environment describe it; nothing is created."""
    own = user_weights()
    given = (weights_dir.absolute(),) if weights_dir is not None else ()
    return Store(writable=(given or (own,))[0], searched=(*given, own, packaged_weights()))


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no other process uses, for what is not complete yet."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def make_folder(folder: Path) -> None:
    """Make a store's folder where it does not exist.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def check_room(folder: Path, name: str, needed: int) -> None:
    """Refuse a file of `needed` bytes that its folder has no room for.

    Raises
    ------
    OutputError
        With what is needed and what is free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{shown(folder)}: {name} needs {megabytes(needed)}, but {megabytes(free)} are free",
            remedy=Remedy.ANOTHER_STORE,
        )


def megabytes(count: int) -> str:
    """A number of bytes as people read it."""
    return f"{count / 1e6:.1f} MB"


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error for a store that takes no more bytes."""
    text = f"{shown(path)}: cannot be written ({error.strerror})"
    return OutputError(text, remedy=Remedy.ANOTHER_STORE)
