"""What is installed, in one list; and taking it away again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from colorizer.errors import OutputError, Remedy, UsageError, WeightsError, shown
from colorizer.io.locks import lock
from colorizer.io.records import RECORD_SUFFIX, has_hash, record_path
from colorizer.networks.catalog import Catalog, ModelSpec, unknown_model
from colorizer.networks.download.partial import Partial
from colorizer.networks.importing import CENTRES_SUFFIX
from colorizer.networks.registry import family
from colorizer.networks.store import NamedPair, Store, is_descriptor


class State(Enum):
    """How it stands with a model."""

    BUILT_IN = "built in"
    INSTALLED = "installed"
    OWN = "your own"
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"
    ABSENT = "not installed"
    BROUGHT = "import only"


@dataclass(frozen=True)
class Item:
    """One line of the list; a size of 0 is not known."""

    name: str
    state: State
    size: int  # bytes of all its files; of the whole, whatever has arrived
    title: str
    temperature: float | None  # of the annealed mean, where the user does not say; None: there is none to set
    spec: ModelSpec | None = None


def inventory(store: Store, catalog: Catalog) -> Iterator[Item]:
    """All models of the catalogue, then those that users brought along.

    Raises
    ------
    WeightsError
        A file cannot be read.
    """
    own = store.described(catalog)
    for spec in catalog:
        size = sum(file.size for file in spec.files)
        if spec.import_only and spec.name in own:
            continue
        yield Item(spec.name, _state(spec, store), size, spec.title, spec.temperature, spec)
    for pair in store.pairs(catalog):
        size = pair.prototxt.stat().st_size + pair.caffemodel.stat().st_size
        yield Item(pair.name, State.OWN, size, shown(pair.caffemodel), family(pair.family).temperature)
    for name, folder in own.items():
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        yield Item(name, State.OWN, size, shown(folder), None)


def _state(spec: ModelSpec, store: Store) -> State:
    if spec.import_only:
        return State.BROUGHT
    if not store.is_installed(spec):
        begun = any(Partial(store.writable, file).size() for file in spec.files)
        return State.INCOMPLETE if begun else State.ABSENT
    if spec.packaged:
        return State.BUILT_IN
    paths = [(store.find(file), file) for file in spec.files if not file.packaged]
    right = all(path is not None and has_hash(path, file.sha256) for path, file in paths)
    return State.INSTALLED if right else State.DAMAGED


def remove_model(name: str, store: Store, catalog: Catalog) -> list[Path]:
    """Delete a model's files, whole or begun, from the store's own folder.

    Returns
    -------
    list of Path
        What was deleted, records not counted.

    Raises
    ------
    UsageError
        The model comes with the package, or the name is unknown.
    WeightsError
        There is nothing to delete, or another process is downloading it.
    OutputError
        A file cannot be deleted.
    """
    spec = catalog.find(name)
    if spec is not None and spec.import_only:
        spec = None  # where it is here, the user brought it along
    if spec is not None and spec.packaged:
        raise UsageError(f"{name} is built in and cannot be removed")
    if spec is not None:
        deleted = _remove_spec(spec, store, catalog)
    else:
        pair = next((pair for pair in store.pairs(catalog) if pair.name == name), None)
        folder = store.described(catalog).get(name)
        if pair is None and folder is None:
            raise unknown_model(name, [*(pair.name for pair in store.pairs(catalog)), *store.described(catalog)])
        deleted = _remove_pair(pair, store) if pair is not None else _remove_folder(folder, store)
    if not deleted:
        raise WeightsError(f"{name} is not installed in {shown(store.writable)}; there is nothing to remove")
    return deleted


def _remove_pair(pair: NamedPair, store: Store) -> list[Path]:
    files = [pair.prototxt, pair.caffemodel, pair.caffemodel.with_suffix(CENTRES_SUFFIX)]
    return _delete([path for path in files if path.parent == store.writable])


def _remove_folder(folder: Path | None, store: Store) -> list[Path]:
    if folder is None or folder.parent != store.writable:
        return []
    # the descriptor first: without it the model is gone, whatever is left of it
    files = sorted(folder.iterdir(), key=lambda path: not is_descriptor(path))
    deleted = _delete([path for path in files if path.is_file() and not path.name.endswith(RECORD_SUFFIX)])
    with contextlib.suppress(OSError):
        folder.rmdir()
    return deleted


def _remove_spec(spec: ModelSpec, store: Store, catalog: Catalog) -> list[Path]:
    others = [other for other in catalog if other is not spec and store.is_installed(other)]
    shared = {file.name for other in others for file in other.files}

    def busy() -> None:
        raise WeightsError(f"{spec.name}: another process is downloading it; stop that one first")

    deleted: list[Path] = []
    for file in spec.files:
        partial = Partial(store.writable, file)
        if file.packaged or file.name in shared or not store.writable.is_dir():
            continue
        with lock(partial.lock_path, busy, remedy=Remedy.LOCAL_STORE):
            deleted += _delete([partial.target, partial.path])
            partial.discard()
    return deleted


def _delete(paths: list[Path]) -> list[Path]:
    deleted = []
    for path in paths:
        try:
            record_path(path).unlink(missing_ok=True)
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OutputError(f"{shown(path)}: cannot be deleted ({error.strerror})") from error
        deleted.append(path)
    return deleted
