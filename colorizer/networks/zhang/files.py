"""The two files of a network of the contract: which belong together, and whether they do."""

from __future__ import annotations

from pathlib import Path

from colorizer.errors import OptionRef, Remedy, UsageError, WeightsError, shown
from colorizer.networks.store import packaged_weights
from colorizer.networks.zhang.contract import RELEASE_PROTOTXT

ROLES = ("caffemodel", "prototxt")


def files_at(path: Path, prototxt: Path | None) -> dict[str, Path]:
    """The pair that a user names by a caffemodel, a prototxt, or a folder that holds one pair.

    Parameters
    ----------
    path
        Exists.
    prototxt
        The prototxt, where the user names it as well.

    Raises
    ------
    WeightsError
        A file is missing, or there are several that it may be.
    UsageError
        A prototxt is named twice.
    """
    if path.is_dir():
        return _pair(_only(path, "caffemodel"), prototxt or _only(path, "prototxt"))
    if path.suffix.lower() == ".prototxt":
        if prototxt is not None:
            raise UsageError(f"{shown(path)} is a prototxt itself", remedy=Remedy.GIVE_WEIGHTS, what=OptionRef("model"))
        return _pair(_partner(path, "caffemodel"), path)
    return _pair(path, prototxt or prototxt_for(path))


def _pair(caffemodel: Path, prototxt: Path) -> dict[str, Path]:
    return {"caffemodel": caffemodel, "prototxt": prototxt}


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


def _partner(path: Path, role: str) -> Path:
    """The file that belongs to `path`: of the same stem, else the only one of its kind in the folder."""
    same_stem = path.with_suffix(f".{role}")
    return same_stem if same_stem.is_file() else _only(path.parent, role, wanted_by=path)


def _only(folder: Path, role: str, wanted_by: Path | None = None) -> Path:
    found = [path for path in folder.iterdir() if path.suffix.lower() == f".{role}" and path.is_file()]
    if len(found) == 1:
        return found[0]
    count = f"{len(found)} .{role} files" if found else f"no .{role} file"
    if wanted_by is None:
        raise WeightsError(
            f"{shown(folder)}: holds {count}; give a folder with one model: a .caffemodel and its .prototxt, or .onnx"
        )
    text = (
        f"{shown(wanted_by)}: needs its .{role}, but {shown(folder)} holds {count}, "
        f"none named {shown(wanted_by.with_suffix(f'.{role}').name)}"
    )
    if role == "prototxt":
        raise WeightsError(text, remedy=Remedy.NAME_IT, what=OptionRef("prototxt"))
    raise WeightsError(text, remedy=Remedy.NAME_BOTH, what=OptionRef("model"), other=OptionRef("prototxt"))


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
    from colorizer.caffe.network import read_network
    from colorizer.networks.zhang.checks import check_contract, check_pair

    network = read_network(prototxt)
    check_contract(network)
    weights = read_caffemodel(caffemodel)
    check_pair(network, weights)
    check_finite(weights)
    return network.stride
