"""From a path to a described model: by the descriptor beside it, or by what it is found to be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from colorizer.engines import EngineRequest
from colorizer.engines.loading import installed_engines
from colorizer.errors import OptionRef, Remedy, WeightsError, shown
from colorizer.io.cache import cache_folder, content_hash, keep, kept
from colorizer.io.records import has_hash
from colorizer.networks.base import Model
from colorizer.networks.described.child import in_child
from colorizer.networks.described.files import descriptor_path, files_at, model_of
from colorizer.networks.described.forms import ENGINES
from colorizer.networks.descriptor.model import Descriptor
from colorizer.networks.descriptor.reading import parse_descriptor, read_descriptor

RECOGNITION_VERSION = "2"


def model_at(path: Path, name: str | None = None) -> Model:
    """The model that a path names.

    Parameters
    ----------
    path
        Of the model, of its descriptor, or of a folder that holds one.
    name
        What to call it; the file's stem by default.

    Raises
    ------
    WeightsError
        A file is missing, changed since it was imported, or no network of a known family; or what it is cannot be told.
    """
    files = files_at(path)
    weights = next(iter(files.values()))
    beside = descriptor_path(weights)
    if beside.is_file():
        descriptor = read_descriptor(beside)
        _check_parts(descriptor, weights.parent)
    else:
        descriptor = parse_descriptor(recognised(files)["descriptor"], shown(weights))
    return model_of(files, descriptor, name or weights.stem)


def hinted_pair(path: Path, companion: Path | None) -> Model | None:
    """The model that a path of Caffe's names, where it is one with hints; None where it is another network of Caffe's.

    Raises
    ------
    WeightsError
        A file is missing, they do not belong together, or it is a variant that cannot be run.
    """
    from colorizer.networks.described.caffe import check_pair, hinted_descriptor

    prototxt = companion or (path if path.suffix.lower() == ".prototxt" else _prototxt_beside(path))
    if prototxt is None or not prototxt.is_file():
        return None
    descriptor = hinted_descriptor(prototxt)
    if descriptor is None:
        return None
    caffemodel = path if path.suffix.lower() == ".caffemodel" else None
    if caffemodel is None:
        found = sorted(each for each in prototxt.parent.iterdir() if each.suffix.lower() == ".caffemodel")
        same = [each for each in found if each.stem == prototxt.stem]
        if len(same or found) != 1:
            raise WeightsError(
                f"{shown(prototxt)}: {len(found)} .caffemodel files lie beside it",
                remedy=Remedy.NAME_BOTH,
                what=OptionRef("model"),
                other=OptionRef("prototxt"),
            )
        caffemodel = (same or found)[0]
    check_pair(prototxt, caffemodel)
    return model_of({"caffemodel": caffemodel, "prototxt": prototxt}, descriptor, caffemodel.stem)


def _prototxt_beside(path: Path) -> Path | None:
    folder = path if path.is_dir() else path.parent
    found = [each for each in folder.iterdir() if each.suffix.lower() == ".prototxt"]
    same = [each for each in found if each.stem == path.stem]
    return (same or found)[0] if len(same or found) == 1 else None


def recognised(files: Mapping[str, Path], **overrides: Any) -> dict[str, Any]:
    """What a model without a descriptor is found to be; see `recognition.recognise`. Remembered by the files' hashes.

    Raises
    ------
    WeightsError
        It is no network of a known family, what it is cannot be told, or it crashes or hangs.
    """
    weights = next(iter(files.values()))
    given = {name: value for name, value in overrides.items() if value is not None}
    told = [RECOGNITION_VERSION, *map(content_hash, files.values()), given]
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
    path = cache_folder() / "recognised" / f"{key}.json"
    data = kept(path)
    if data is not None:
        found: dict[str, Any] = json.loads(data)
        return found
    model = Model(weights.stem, "", files, "stretch", 1)
    # the first of them: it refuses what others compute somehow; and knows a format of its own
    able = ENGINES[:1] if "ort" in files else ENGINES
    engines = tuple(name for name in able if name in installed_engines())[:1]
    found = in_child("recognise", model, EngineRequest(able=engines or able, pictures=1), **given)
    keep(path, json.dumps(found).encode())
    return found


def _check_parts(descriptor: Descriptor, folder: Path) -> None:
    for part in descriptor.parts:
        path = folder / part.name
        if not path.is_file():
            raise WeightsError(f"{shown(path)}: missing; its descriptor says that it belongs to the model")
        if part.sha256 and not has_hash(path, part.sha256):
            raise WeightsError(
                f"{shown(path)}: changed since its descriptor was written (its SHA-256 differs)",
                remedy=Remedy.IMPORT_MODEL,
            )
