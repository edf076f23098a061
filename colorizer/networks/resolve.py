"""From the name or path of a model to its files, which belong together.

A name of the catalogue wins over a file of the same name (`./name` means the file). `auto` takes the first of a
stated order that is installed and intact, and says which in the model's `note`. Files named by path are checked
against each other and against the contract before any runtime sees them; files of the catalogue are known by hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from colorizer.errors import Message, OptionRef, Remedy, UsageError, WeightsError, shown
from colorizer.io.records import has_hash, hash_file, read_record
from colorizer.networks.base import Model
from colorizer.networks.catalog import (
    AUTO,
    AUTO_ORDER,
    BUILT_IN,
    LARGE,
    Catalog,
    FileSpec,
    ModelSpec,
    load_catalog,
    unknown_model,
)
from colorizer.networks.described.files import is_model_file, model_of, refuse_checkpoint
from colorizer.networks.described.locating import hinted_pair, model_at
from colorizer.networks.registry import DEFAULT_FAMILY, FAMILIES, family, family_of
from colorizer.networks.store import NamedPair, Store, is_file, open_store, packaged_weights

_INSTALL_AGAIN = "install colorize again"


def resolve_model(
    name_or_path: str = AUTO,
    *,
    prototxt: Path | None = None,
    weights_dir: Path | None = None,
    catalog: Catalog | None = None,
) -> Model:
    """Find a model and check that its files belong together.

    Parameters
    ----------
    name_or_path
        `auto`, a name of the catalogue or of the store, or a path: a caffemodel, a prototxt, or a folder that holds
        one pair.
    prototxt
        The prototxt that belongs to it, where it does not lie beside the caffemodel.
    weights_dir
        Folder to search first.
    catalog
        The models known by name; the built-in catalogue and `COLORIZER_CATALOG` by default.

    Raises
    ------
    WeightsError
        The model is not installed, a file is missing, damaged or changed, or the pair is no network of the contract.
    UsageError
        The name is unknown, or `prototxt` is given without a model.
    """
    catalog = load_catalog() if catalog is None else catalog
    store = open_store(weights_dir)
    if name_or_path == AUTO:
        if prototxt is not None:
            raise UsageError(
                "belongs to a caffemodel, and none is named",
                option=OptionRef("prototxt", shown(prototxt)),
                remedy=Remedy.GIVE,
                what=OptionRef("model"),
            )
        return _automatic(catalog, store)
    spec = catalog.find(name_or_path)
    if spec is not None and spec.import_only and name_or_path not in store.described(catalog):
        raise WeightsError(
            f"{spec.name} is not installed, and no download of it can be checked; it is found at {spec.place}",
            remedy=Remedy.IMPORT_AS,
            model=spec.name,
        )
    if spec is not None and not spec.import_only:
        return _installed(spec, store, prototxt)
    pair = next((pair for pair in store.pairs(catalog) if pair.name == name_or_path), None)
    if pair is not None:
        return _brought_along(pair, prototxt, catalog)
    own = store.described(catalog).get(name_or_path)
    if own is not None:
        if prototxt is not None:
            raise UsageError(f"{name_or_path} has no prototxt", option=OptionRef("prototxt", shown(prototxt)))
        return model_at(own, name_or_path)
    path = Path(name_or_path)
    if name_or_path and (_exists(path) or path.name != name_or_path or _is_of_a_family(path)):
        return _from_path(path, prototxt, catalog)
    own_names = [*(pair.name for pair in store.pairs(catalog)), *store.described(catalog)]
    raise unknown_model(name_or_path, [AUTO, *(spec.name for spec in catalog), *own_names])


def _automatic(catalog: Catalog, store: Store) -> Model:
    trouble: Message | None = None
    for name in AUTO_ORDER[:-1]:
        spec = catalog.find(name)
        if spec is None or not store.is_installed(spec):
            continue
        try:
            model = _installed(spec, store, None)
        except WeightsError as error:
            trouble = trouble or error.message
            continue
        taken = f"using {name}"
        note = Message(taken) if trouble is None else replace(trouble, text=f"{taken}, since {trouble.text}")
        return replace(model, note=note)
    taken = f"using {BUILT_IN} (built in)"
    if trouble is None:
        note = Message(taken, None, Remedy.RICHER_COLORS, {"model": LARGE})
    else:
        note = replace(trouble, text=f"{taken}, since {trouble.text}")
    return replace(_installed(_expected(catalog, BUILT_IN), store, None), note=note)


def _expected(catalog: Catalog, name: str) -> ModelSpec:
    spec = catalog.find(name)
    if spec is None:
        raise WeightsError(f"the catalogue does not hold {name}", remedy=_INSTALL_AGAIN)
    return spec


def _installed(spec: ModelSpec, store: Store, companion: Path | None) -> Model:
    of = family(spec.family)
    # the weights first
    ordered = sorted(spec.files, key=lambda file: of.roles.index(file.role))
    files: Mapping[str, Path] = _by_role((file, _intact(spec, file, store)) for file in ordered)
    if spec.descriptor is not None:
        if companion is not None:
            raise UsageError(f"{spec.name} has no prototxt", option=OptionRef("prototxt", shown(companion)))
        return replace(model_of(files, spec.descriptor, spec.name), spec=spec)
    if companion is not None:
        files = of.files_at(files[of.roles[0]], companion)
    if companion is not None or not any(file.packaged for file in spec.files):
        # by hash the files are those of the catalogue; only our own catalogue says that they belong together
        of.check(files)
    return Model(spec.name, spec.family, files, spec.fit, spec.stride, spec.temperature, spec.sizes, spec)


def _by_role(found: Iterable[tuple[FileSpec, Path]]) -> dict[str, Path]:
    """Files by role; several that hold tensors are numbered."""
    files: dict[str, Path] = {}
    for file, path in found:
        files[file.role if file.role not in files else f"{file.role}{len(files)}"] = path
    return files


def _intact(spec: ModelSpec, file: FileSpec, store: Store) -> Path:
    path = store.find(file)
    if path is None:
        raise WeightsError(missing_message(spec, file))
    if file.packaged:
        # covered by the package's own checksums; read whole only when models are verified
        if file.role == family(spec.family).roles[0] and path.stat().st_size != file.size:
            raise WeightsError(f"{shown(path)}: not the file that was packed (its size differs)", remedy=_INSTALL_AGAIN)
    elif not has_hash(path, file.sha256):
        raise WeightsError(wrong_content_message(spec, file, path))
    return path


def missing_message(spec: ModelSpec, file: FileSpec) -> Message:
    """What to tell about a model whose file is not there."""
    if file.packaged:
        return Message(f"{file.name} is missing from {shown(packaged_weights())}", remedy=_INSTALL_AGAIN)
    return Message(f"{spec.name} is not installed", None, Remedy.DOWNLOAD_MODEL, {"model": spec.name})


def wrong_content_message(spec: ModelSpec, file: FileSpec, path: Path) -> Message:
    """What to tell about a file that has the right name and the wrong content."""
    try:
        family(spec.family).diagnose(path, file.role)
    except WeightsError as error:
        text = error.message.text
    else:
        missing = file.size - path.stat().st_size
        if missing > 0:
            text = f"{shown(path)}: truncated, {missing} of {file.size} bytes are missing"
        else:
            text = f"{shown(path)}: not the {file.name} of {spec.name} (its SHA-256 differs)"
    return Message(text, None, Remedy.REPLACE_MODEL, {"model": spec.name})


def _brought_along(pair: NamedPair, companion: Path | None, catalog: Catalog) -> Model:
    for path in (pair.prototxt, pair.caffemodel):
        record = read_record(path)
        if record is not None and not has_hash(path, record.sha256):
            raise WeightsError(
                f"{shown(path)}: changed since it was imported", remedy=Remedy.IMPORT_AGAIN, model=pair.name
            )
    files = pair.files
    if companion is not None:
        files = {**files, **family(pair.family).files_at(next(iter(files.values())), companion)}
    return replace(_checked(pair.family, files, catalog), name=pair.name)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _from_path(path: Path, companion: Path | None, catalog: Catalog) -> Model:
    if not (_exists(path) and path.is_dir()) and not is_file(path):
        raise WeightsError(
            f"{shown(path)}: no such file", remedy=Remedy.NAME_A_MODEL, what=OptionRef("model"), kinds=_kinds()
        )
    if is_model_file(path) or (path.is_dir() and _holds_a_model(path)):
        if companion is not None:
            raise UsageError(f"{shown(path)} has no prototxt", option=OptionRef("prototxt", shown(companion)))
        return model_at(path)
    refuse_checkpoint(path)
    hinted = hinted_pair(path, companion) if _exists(path) else None
    if hinted is not None:
        return hinted
    name = _family_in(path) if path.is_dir() else family_of(path)
    return _checked(name, family(name).files_at(path, companion), catalog)


def _holds_a_model(folder: Path) -> bool:
    return any(is_model_file(path) for path in folder.iterdir())


def _family_in(folder: Path) -> str:
    """The family that the files of a folder are of."""
    return next((family_of(path) for path in sorted(folder.iterdir()) if _is_of_a_family(path)), DEFAULT_FAMILY)


def _is_of_a_family(path: Path) -> bool:
    return path.suffix.lower().removeprefix(".") in _roles() or is_model_file(path)


def _roles() -> tuple[str, ...]:
    return tuple(role for name in FAMILIES for role in family(name).roles if role != "data")


def _kinds() -> str:
    """The files that a model may be named by: the weights of each family."""
    return " or ".join(dict.fromkeys(f".{family(name).roles[0]}" for name in FAMILIES))


def _checked(name: str, files: Mapping[str, Path], catalog: Catalog) -> Model:
    stride = family(name).check(files)
    weights = next(iter(files.values()))
    model = Model(weights.stem, name, files, fit="stretch", stride=stride, temperature=family(name).temperature)
    relative = _relative(model, catalog)
    if relative is None:
        return model
    return replace(model, fit=relative.fit, temperature=relative.temperature, sizes=relative.sizes)


def _relative(model: Model, catalog: Catalog) -> ModelSpec | None:
    """The model of the catalogue whose layers these are, to the byte, with other weights or its own.

    Such as `lite` that went on learning: what was found best for one is the better default for the other.
    """
    layers = [path for role, path in model.files.items() if role == "prototxt"]
    found = catalog.by_hash(hash_file(layers[0])) if layers else None
    return found[0] if found is not None and found[0].family == model.family else None
