"""Whether installed models are whole and work: every byte hashed again, the pair checked, one forward pass made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colorizer.color.lab import AB_LIMIT
from colorizer.errors import EngineError, WeightsError, shown
from colorizer.io.records import hash_file, read_record, record_path
from colorizer.networks.base import Model, NetworkInput
from colorizer.networks.catalog import Catalog
from colorizer.networks.registry import family, open_network
from colorizer.networks.resolve import resolve_model, wrong_content_message
from colorizer.networks.view import NetworkView
from colorizer.settings import DEFAULT_SIZE, Settings


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
    stride = family(model.family).check(model.files)
    if stride != model.stride and model.descriptor is None:
        raise WeightsError(f"{shown(model.weights)}: has stride {stride}, but the catalogue says {model.stride}")
    return _run(model, hashed=hashed)


def _check_hashes(model: Model) -> bool:
    if model.spec is not None:
        for file in model.spec.files:
            path = model.files[file.role]
            if hash_file(path) != file.sha256:
                raise WeightsError(wrong_content_message(model.spec, file, path))
        return True
    if model.descriptor is not None and not model.descriptor.parts:
        return False
    if model.descriptor is not None:
        return True  # the descriptor's hashes were compared when the model was found
    records = [(path, read_record(path)) for path in map(model.files.__getitem__, family(model.family).roles)]
    for path, record in records:
        if record is not None and hash_file(path) != record.sha256:
            raise WeightsError(f"{shown(path)}: changed since {record_path(path).name} was written; import it again")
    return all(record is not None for _, record in records)


def _run(model: Model, *, hashed: bool) -> Report:
    network = open_network(model, Settings(fast=True), pictures=1)
    height, width = NetworkView.of(model, Settings(), model.sizes[0]).size_for(DEFAULT_SIZE, DEFAULT_SIZE)
    ramp = np.linspace(0, 100, height * width, dtype=np.float32).reshape(1, 1, height, width)
    begun = time.perf_counter()
    ab = network.predict(NetworkInput(ramp)).ab
    seconds = time.perf_counter() - begun
    if ab.ndim != 4 or ab.shape[:2] != (1, 2) or not ab.size or not np.all(np.abs(ab) <= AB_LIMIT):
        raise EngineError(f"{shown(model.weights)}: {network.engine.name} computes no colours from it ({ab.shape})")
    return Report(network.engine.name, seconds, hashed)
