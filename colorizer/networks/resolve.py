"""From what a user wrote after `--model` to two files that belong together.

A name of the catalogue wins over a file of the same name (`./name` means the file). `auto` takes the large model where
it is installed and intact, else the built-in one, and says so in the model's `note`. Files named by path are checked
against each other and against the contract before any runtime sees them; files of the catalogue are known by hash.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from colorizer.errors import UsageError, WeightsError, shown
from colorizer.io.records import has_hash, read_record
from colorizer.networks.catalog import AUTO, BUILT_IN, LARGE, Catalog, FileSpec, ModelSpec, Role, load_catalog
from colorizer.networks.store import NamedPair, Store, is_file, open_store, packaged_weights
from colorizer.networks.zhang.contract import RELEASE_TEMPERATURE
from colorizer.settings import Fit

RELEASE_PROTOTXT = "colorization_deploy_v2.prototxt"
"""Our own prototxt of the release's layers, in the package."""


@dataclass(frozen=True)
class Model:
    """A network on this machine, ready for an engine."""

    name: str
    prototxt: Path
    caffemodel: Path
    fit: Fit  # how a picture is brought to network size, where the user does not say
    stride: int  # pixels; sides of the network's input are multiples of it
    temperature: float = RELEASE_TEMPERATURE  # of the annealed mean, where the user does not say
    bin_centres: Path | None = None  # the user's own centres that came with the pair, else the built-in table
    spec: ModelSpec | None = None  # its entry in the catalogue
    note: str = ""  # one line for the user: what `auto` took, and how to get the other


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
            raise UsageError(f"--prototxt {shown(prototxt)} needs --model with the caffemodel that it belongs to")
        return _automatic(catalog, store)
    spec = catalog.find(name_or_path)
    if spec is not None:
        return _installed(spec, store, prototxt)
    pair = next((pair for pair in store.pairs(catalog) if pair.name == name_or_path), None)
    if pair is not None:
        return _brought_along(pair, prototxt)
    path = Path(name_or_path)
    if name_or_path and (
        _exists(path) or path.name != name_or_path or path.suffix.lower() in (".caffemodel", ".prototxt")
    ):
        return _from_path(path, prototxt)
    known = [spec.name for spec in catalog] + [pair.name for pair in store.pairs(catalog)]
    raise UsageError(
        f"unknown model {shown(name_or_path)!r}; known are {', '.join([AUTO, *known])}; "
        f"a file of your own is written as a path, such as .{os.sep}{shown(name_or_path)}.caffemodel"
    )


def _automatic(catalog: Catalog, store: Store) -> Model:
    large, small = (_expected(catalog, name) for name in (LARGE, BUILT_IN))
    command = f"colorize weights download {LARGE}"
    if not store.is_installed(large):
        note = f"using {BUILT_IN} (built in); for richer colours: {command}"
    else:
        try:
            return _installed(large, store, None)
        except WeightsError as error:
            note = f"using {BUILT_IN} (built in), since {error}"
    return replace(_installed(small, store, None), note=note)


def _expected(catalog: Catalog, name: str) -> ModelSpec:
    spec = catalog.find(name)
    if spec is None:
        raise WeightsError(f"the catalogue does not hold {name}; install colorize again")
    return spec


def _installed(spec: ModelSpec, store: Store, prototxt: Path | None) -> Model:
    caffemodel = _intact(spec, spec.file("caffemodel"), store)
    own = prototxt or _intact(spec, spec.file("prototxt"), store)
    if prototxt is not None or not spec.file("prototxt").packaged:
        # by hash the files are those of the catalogue; only our own catalogue says that they belong together
        check_files(own, caffemodel)
    return Model(spec.name, own, caffemodel, spec.fit, spec.stride, spec.temperature, spec=spec)


def _intact(spec: ModelSpec, file: FileSpec, store: Store) -> Path:
    path = store.find(file)
    if path is None:
        raise WeightsError(missing_message(spec, file))
    if file.packaged:
        # covered by the package's own checksums; read whole only by `weights verify`
        if file.role == "caffemodel" and path.stat().st_size != file.size:
            raise WeightsError(
                f"{shown(path)}: not the file that was packed (its size differs); install colorize again"
            )
    elif not has_hash(path, file.sha256):
        raise WeightsError(wrong_content_message(spec, file, path))
    return path


def missing_message(spec: ModelSpec, file: FileSpec) -> str:
    """What to tell about a model whose file is not there."""
    if file.packaged:
        return f"{file.name} is missing from {shown(packaged_weights())}; install colorize again"
    return f"{spec.name} is not installed; get it with: colorize weights download {spec.name}"


def wrong_content_message(spec: ModelSpec, file: FileSpec, path: Path) -> str:
    """What to tell about a file that has the right name and the wrong content."""
    from colorizer.caffe.diagnose import diagnose

    again = f"replace it with: colorize weights download {spec.name}"
    try:
        diagnose(path, file.role)
    except WeightsError as error:
        return f"{error} ({again})"
    size = path.stat().st_size
    if size < file.size:
        return f"{shown(path)}: truncated, {file.size - size} of {file.size} bytes are missing; {again}"
    return f"{shown(path)}: not the {file.name} of {spec.name} (its SHA-256 differs); {again}"


def _brought_along(pair: NamedPair, prototxt: Path | None) -> Model:
    for path in (pair.prototxt, pair.caffemodel):
        record = read_record(path)
        if record is not None and not has_hash(path, record.sha256):
            raise WeightsError(
                f"{shown(path)}: changed since it was imported; run `colorize weights remove {pair.name}` "
                "and import it again"
            )
    return replace(_pair(prototxt or pair.prototxt, pair.caffemodel), name=pair.name, bin_centres=pair.bin_centres)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _from_path(path: Path, prototxt: Path | None) -> Model:
    if _exists(path) and path.is_dir():
        return _pair(prototxt or _only(path, "prototxt"), _only(path, "caffemodel"))
    if not is_file(path):
        raise WeightsError(f"{shown(path)}: no such file; --model takes a name or the path of a .caffemodel")
    if path.suffix.lower() == ".prototxt":
        if prototxt is not None:
            raise UsageError(f"{shown(path)} is a prototxt itself; with --prototxt, --model takes the .caffemodel")
        return _pair(path, _partner(path, "caffemodel"))
    return _pair(prototxt or prototxt_for(path), path)


def prototxt_for(caffemodel: Path) -> Path:
    """The prototxt beside a caffemodel, else the release's, where the layers are the release's.

    Raises
    ------
    WeightsError
        There is none, or there are several.
    """
    try:
        return _partner(caffemodel, "prototxt")
    except WeightsError:
        release = packaged_weights() / RELEASE_PROTOTXT
        if release.is_file() and _fits(release, caffemodel):
            return release
        raise


def _fits(prototxt: Path, caffemodel: Path) -> bool:
    try:
        check_files(prototxt, caffemodel)
    except WeightsError:
        return False
    return True


def _partner(path: Path, role: Role) -> Path:
    """The file that belongs to `path`: of the same stem, else the only one of its kind in the folder."""
    same_stem = path.with_suffix(f".{role}")
    return same_stem if same_stem.is_file() else _only(path.parent, role, wanted_by=path)


def _only(folder: Path, role: Role, wanted_by: Path | None = None) -> Path:
    found = [path for path in folder.iterdir() if path.suffix.lower() == f".{role}" and path.is_file()]
    if len(found) == 1:
        return found[0]
    count = f"{len(found)} .{role} files" if found else f"no .{role} file"
    if wanted_by is None:
        raise WeightsError(f"{shown(folder)}: holds {count}; a folder given as a model holds one pair")
    remedy = "name it with --prototxt" if role == "prototxt" else "give it to --model, and the prototxt to --prototxt"
    raise WeightsError(
        f"{shown(wanted_by)}: needs its .{role}, but {shown(folder)} holds {count}, "
        f"none named {shown(wanted_by.with_suffix(f'.{role}').name)}; {remedy}"
    )


def _pair(prototxt: Path, caffemodel: Path) -> Model:
    stride = check_files(prototxt, caffemodel)
    return Model(caffemodel.stem, prototxt, caffemodel, fit="stretch", stride=stride)


def check_files(prototxt: Path, caffemodel: Path) -> int:
    """Refuse files that are no network of the contract, or do not belong together, before a runtime sees them.

    Returns
    -------
    int
        The network's stride in pixels: sides of its input are multiples of it.

    Raises
    ------
    WeightsError
        With the cause and the file in its message.
    """
    from colorizer.caffe.caffemodel import check_finite, read_caffemodel
    from colorizer.caffe.network import check_contract, check_pair, read_network

    network = read_network(prototxt)
    check_contract(network)
    weights = read_caffemodel(caffemodel)
    check_pair(network, weights)
    check_finite(weights)
    return network.stride
