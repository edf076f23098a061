"""Bring your own: files from anywhere on this machine into the store.

A file of the catalogue is known by its hash, whatever it is called. Any other pair that is a network of the contract is
taken under a name that the user gives, together with its own bin centres where there are some; nobody vouches for it,
and the user is told so. What comes with the package anyway is not copied. Files arrive as downloads do: under a
temporary name, hashed, renamed, recorded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from colorizer.caffe.diagnose import FileKind
from colorizer.errors import Message, OptionRef, Remedy, UsageError, WeightsError, shown
from colorizer.io.records import HASH_CHUNK, Record, has_hash, hash_file, write_record
from colorizer.networks.base import Model
from colorizer.networks.catalog import Catalog, FileSpec, ModelSpec, is_model_name
from colorizer.networks.described.files import descriptor_path, files_at, is_model_file, refuse_checkpoint
from colorizer.networks.described.importing import Told, arrival_of, inspect, name_for, take
from colorizer.networks.described.locating import hinted_pair
from colorizer.networks.store import (
    NamedPair,
    Store,
    cannot_write,
    check_room,
    make_folder,
    packaged_weights,
    temporary_name,
)
from colorizer.networks.zhang.contract import RELEASE_PROTOTXT
from colorizer.networks.zhang.files import check_files, prototxt_for

CENTRES_SUFFIX = ".npy"
PROTOTXT_SUFFIXES = (".prototxt", ".pbtxt", ".txt")

Tell = Callable[[Message], None]


@dataclass(frozen=True)
class _Given:
    """A file that the user gave, and what the catalogue knows of it."""

    path: Path
    sha256: str
    spec: ModelSpec | None  # the model with a file of this hash
    file: FileSpec | None  # and that file


def import_files(
    paths: Sequence[Path],
    store: Store,
    catalog: Catalog,
    tell: Tell,
    *,
    name: str | None = None,
    told: Told | None = None,
) -> None:
    """Copy models' files into the store.

    Parameters
    ----------
    paths
        Files of models of the catalogue, and at most one pair that it does not know; or a model in ONNX, with its
        descriptor and other files or without them.
    store
        Where to.
    catalog
        What is known by hash.
    tell
        Is given one line about each file.
    name
        What a pair that the catalogue does not know shall be called.
    told
        What the user says of a model that has no descriptor.

    Raises
    ------
    WeightsError
        A file is missing, damaged, or something else than a model's file; or the pair is no network of the contract.
    UsageError
        A name is missing, taken or impossible, or there are too many files for one pair.
    OutputError
        The store cannot be written to, or has no room.
    """
    # a file of the catalogue is one, whatever it is called
    strange = [path for path in paths if not path.is_file() or catalog.by_hash(hash_file(path)) is None]
    for path in strange:
        refuse_checkpoint(path)
    models = [path for path in strange if is_model_file(path)]
    if models:
        _import_model(models, paths, _Place(store, catalog, tell), name, told or Told())
        return
    if told is not None and told.given:
        raise UsageError("is for models in ONNX", option=OptionRef(next(iter(told.given))))
    if name is not None and not _is_free(name, catalog):
        raise _impossible(name)
    centres = [path for path in paths if path.suffix.lower() == CENTRES_SUFFIX and not _are_built_in(path, tell)]
    descriptions = [path for path in paths if path.suffix.lower() in PROTOTXT_SUFFIXES]
    prototxts = [_look(path, "prototxt", catalog) for path in descriptions]
    others = [path for path in paths if path.suffix.lower() not in (CENTRES_SUFFIX, *PROTOTXT_SUFFIXES)]
    caffemodels = [_look(path, "caffemodel", catalog) for path in others]
    unknown = [given.path for given in caffemodels if given.file is None]
    hinted = hinted_pair(unknown[0], descriptions[0] if descriptions else None) if unknown else None
    if hinted is not None:
        for kind in (unknown, descriptions, centres):
            _refuse_second(kind)
        take(arrival_of(hinted, tell), _name_of_own(hinted, name), store.writable, _copy, tell)
    elif unknown:
        for kind in (unknown, descriptions, centres):
            _refuse_second(kind)
        pair = _checked_pair(unknown[0], descriptions[0] if descriptions else None, name, catalog)
        _take_pair(replace(pair, bin_centres=centres[0] if centres else None), store, tell)
    else:
        _refuse_lonely(prototxts, centres, tell)
    for given in caffemodels + ([] if unknown else prototxts):
        _take_known(given, store, tell)


@dataclass(frozen=True)
class _Place:
    """Where files go, what is known there, and who is told."""

    store: Store
    catalog: Catalog
    tell: Tell


def _import_model(models: Sequence[Path], paths: Sequence[Path], to: _Place, name: str | None, told: Told) -> None:
    """Take a model in ONNX that the catalogue does not know."""
    weights = sorted({next(iter(files_at(path).values())) for path in models})
    _refuse_second(weights)
    (path,) = weights
    own = {*files_at(path).values(), descriptor_path(path)}
    strangers = [each for each in paths if each not in own]
    if strangers:
        raise UsageError(f"{shown(strangers[0])}: belongs to no model in ONNX; import {shown(path)} by itself")
    chosen = name or name_for(path)
    if not _is_free(chosen, to.catalog):
        raise _impossible(chosen)
    arrival = inspect(path, told, to.tell)
    take(arrival, chosen, to.store.writable, _copy, to.tell)


def _impossible(name: str) -> UsageError:
    return UsageError(
        "choose lower-case letters, digits, '.', '-' and '_', and no name of the catalogue",
        option=OptionRef("name", shown(name)),
    )


def _is_free(name: str, catalog: Catalog) -> bool:
    taken = {f"{name}.prototxt", f"{name}.caffemodel"} & catalog.file_names
    spec = catalog.find(name)
    return is_model_name(name) and (spec is None or spec.import_only) and not taken


def _look(path: Path, role: FileKind, catalog: Catalog) -> _Given:
    from colorizer.caffe.diagnose import diagnose

    diagnose(path, role)
    sha256 = hash_file(path)
    spec, file = catalog.by_hash(sha256) or (None, None)
    return _Given(path, sha256, spec, file)


def _are_built_in(path: Path, tell: Tell) -> bool:
    from colorizer.networks.zhang.bins import bin_centres, load_bin_centres

    if (load_bin_centres(path) != bin_centres()).any():
        return False
    tell(Message(f"{shown(path)}: holds the bin centres that are built in; nothing to import"))
    return True


def _refuse_second(paths: Sequence[Path]) -> None:
    if len(paths) > 1:
        raise UsageError(f"{shown(paths[1])}: a second file of its kind; import one pair of your own at a time")


def _refuse_lonely(prototxts: Sequence[_Given], centres: Sequence[Path], tell: Tell) -> None:
    """Refuse what is of no use without a caffemodel."""
    for given in prototxts:
        if given.file is None:
            if not _says_what_the_release_says(given.path):
                raise UsageError(f"{shown(given.path)}: a prototxt comes with its weights; give the caffemodel as well")
            tell(Message(f"{shown(given.path)}: says what the built-in {RELEASE_PROTOTXT} says; nothing to import"))
    for path in centres:
        raise UsageError(
            f"{shown(path)}: bin centres come with their model; give the caffemodel as well",
            remedy=Remedy.OR_USE,
            what=OptionRef("bin_centres"),
        )


def _says_what_the_release_says(prototxt: Path) -> bool:
    from colorizer.caffe.network import read_network

    return read_network(prototxt) == read_network(packaged_weights() / RELEASE_PROTOTXT)


def _name_of_own(model: Model, name: str | None) -> str:
    if name is not None:
        return name
    raise UsageError(
        f"{shown(model.weights)}: a network that takes hints, which is in no catalogue",
        remedy=Remedy.NAME_TO_IMPORT,
        what=OptionRef("name", "NAME"),
    )


def _checked_pair(caffemodel: Path, prototxt: Path | None, name: str | None, catalog: Catalog) -> NamedPair:
    namesake = next((file for spec in catalog for file in spec.files if file.name == caffemodel.name), None)
    try:
        prototxt = prototxt or prototxt_for(caffemodel)
        check_files(prototxt, caffemodel)
    except WeightsError as error:
        missing = namesake.size - caffemodel.stat().st_size if namesake is not None else 0
        if namesake is None or missing <= 0:
            raise
        raise WeightsError(
            f"{shown(caffemodel)}: truncated, {missing} of {namesake.size} bytes are missing; get it again"
        ) from error
    if name is None:
        known = f"has the name but not the content of {namesake.name}" if namesake else "is in no catalogue"
        raise UsageError(
            f"{shown(caffemodel)}: a well-formed model that {known} (SHA-256 {hash_file(caffemodel)})",
            remedy=Remedy.NAME_TO_IMPORT,
            what=OptionRef("name", "NAME"),
        )
    return NamedPair(name, prototxt, caffemodel, None)


def _take_pair(pair: NamedPair, store: Store, tell: Tell) -> None:
    # the prototxt comes last: with it the pair becomes visible
    parts = ((pair.caffemodel, ".caffemodel"), (pair.bin_centres, CENTRES_SUFFIX), (pair.prototxt, ".prototxt"))
    targets = [(path, store.writable / f"{pair.name}{suffix}") for path, suffix in parts if path is not None]
    for path, target in targets:
        if target.exists() and hash_file(target) != hash_file(path):
            raise UsageError(
                "another model has this name",
                option=OptionRef("name", pair.name),
                remedy=Remedy.ANOTHER_NAME_OR_REMOVE,
                model=pair.name,
            )
    for path, target in targets:
        _copy(path, target, hash_file(path))
    told = (
        f"{shown(pair.caffemodel)}: imported as {pair.name}; it is in no catalogue, so nothing is known of where it "
        "comes from or how well it colours"
    )
    tell(Message(told, None, Remedy.USE_MODEL, {"model": pair.name}))


def _take_known(given: _Given, store: Store, tell: Tell) -> None:
    if given.spec is None or given.file is None:
        return
    what = f"{shown(given.path)}: is {given.file.name} of {given.spec.name} (SHA-256 fits)"
    if given.file.packaged:
        tell(Message(f"{what}, which is built in; nothing to import"))
    else:
        _copy(given.path, store.writable / given.file.name, given.sha256)
        trust = f"; {given.file.trust}" if given.file.trust else ""
        tell(Message(f"{what}; imported{trust}"))


def _copy(source: Path, target: Path, sha256: str) -> None:
    """Bring a file of a known hash under its name in the store, whole or not at all."""
    make_folder(target.parent)
    if target.is_file() and has_hash(target, sha256):
        return
    check_room(target.parent, target.name, source.stat().st_size)
    temporary = temporary_name(target)
    digest = hashlib.sha256()
    try:
        with source.open("rb") as incoming, temporary.open("xb") as outgoing:
            while chunk := incoming.read(HASH_CHUNK):
                digest.update(chunk)
                outgoing.write(chunk)
            outgoing.flush()
            os.fsync(outgoing.fileno())
        if digest.hexdigest() != sha256:
            raise WeightsError(f"{shown(source)}: changed while it was copied; import it again")
        stat = temporary.stat()
        temporary.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    write_record(target, Record(stat.st_size, stat.st_mtime_ns, sha256))
