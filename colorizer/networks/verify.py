"""Whether installed models are whole and work: every byte hashed again, the pair checked, one forward pass made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colorizer.engines import EngineRequest, open_engine
from colorizer.errors import EngineError, WeightsError, shown
from colorizer.io.records import hash_file, read_record, record_path
from colorizer.networks.catalog import Catalog
from colorizer.networks.resolve import Model, check_files, resolve_model, wrong_content_message
from colorizer.networks.zhang.bins import AB_LIMIT, load_bin_centres
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS, NETWORK_SIZE, OUTPUT_STRIDE


@dataclass(frozen=True)
class Report:
    """What was seen of a model that works."""

    engine: str  # the runtime, as it calls itself
    seconds: float  # of one forward pass, the first
    hashed: bool  # whether there was a hash to compare with


def verify_model(name: str, catalog: Catalog, weights_dir: Path | None = None) -> Report:
    """Hash, load and run an installed model.

    Raises
    ------
    WeightsError
        It is not installed, damaged, or no network of the contract.
    EngineError
        It cannot be run here, or what it computes is no colour.
    """
    model = resolve_model(name, weights_dir=weights_dir, catalog=catalog)
    hashed = _check_hashes(model)
    stride = check_files(model.prototxt, model.caffemodel)
    if stride != model.stride:
        raise WeightsError(f"{shown(model.prototxt)}: has stride {stride}, but the catalogue says {model.stride}")
    return _run(model, hashed=hashed)


def _check_hashes(model: Model) -> bool:
    if model.spec is not None:
        for file, path in zip(model.spec.files, _files(model), strict=True):
            if hash_file(path) != file.sha256:
                raise WeightsError(wrong_content_message(model.spec, file, path))
        return True
    records = [(path, read_record(path)) for path in (model.prototxt, model.caffemodel)]
    for path, record in records:
        if record is not None and hash_file(path) != record.sha256:
            raise WeightsError(f"{shown(path)}: changed since {record_path(path).name} was written; import it again")
    return all(record is not None for _, record in records)


def _files(model: Model) -> list[Path]:
    if model.spec is None:
        return []
    return [{"prototxt": model.prototxt, "caffemodel": model.caffemodel}[file.role] for file in model.spec.files]


def _run(model: Model, *, hashed: bool) -> Report:
    centres = None if model.bin_centres is None else load_bin_centres(model.bin_centres)
    engine = open_engine(model, centres=centres, asked=EngineRequest(pictures=1))
    side = -(-NETWORK_SIZE // model.stride) * model.stride
    ramp = np.linspace(-MIDDLE_LIGHTNESS, MIDDLE_LIGHTNESS, side * side, dtype=np.float32).reshape(1, 1, side, side)
    begun = time.perf_counter()
    ab = engine.ab(ramp)
    seconds = time.perf_counter() - begun
    if ab.shape != (1, 2, side // OUTPUT_STRIDE, side // OUTPUT_STRIDE) or not np.all(np.abs(ab) <= AB_LIMIT):
        raise EngineError(f"{shown(model.caffemodel)}: {engine.name} computes no colours from it ({ab.shape})")
    return Report(engine.name, seconds, hashed)
