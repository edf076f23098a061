"""Bring your own model: an ONNX file from anywhere on this machine into the store, with a descriptor beside it.

Where none comes along, one is made by asking the tensors and running the model (`recognition`). The model lies in a
folder of the store under its own name, since its other files are known to it by theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorizer.engines import EngineRequest
from colorizer.engines.onnx_file import check_weights_finite
from colorizer.errors import Message, OptionRef, Remedy, UsageError, shown
from colorizer.io.atomic import write_atomically
from colorizer.io.records import hash_file
from colorizer.networks.base import Model
from colorizer.networks.described.child import in_child
from colorizer.networks.described.files import descriptor_path, files_at, is_model_file, model_of
from colorizer.networks.described.forms import DescribedForms
from colorizer.networks.described.locating import recognised
from colorizer.networks.descriptor.reading import parse_descriptor, read_descriptor

Tell = Callable[[Message], None]


@dataclass(frozen=True)
class Told:
    """What the user says of a model; see `recognition.Overrides`."""

    family: str | None = None
    input_range: str | None = None
    output_range: str | None = None
    layout: str | None = None
    size: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Arrival:
    """A model that was looked at and may be copied."""

    model: Model
    descriptor: dict[str, Any]  # as JSON has it, without files


def inspect(path: Path, told: Told, tell: Tell) -> Arrival:
    """Find out what a model is and that it runs.

    Parameters
    ----------
    path
        Of the model, or of its descriptor.
    told
        What the user says of it.
    tell
        Is given what was found, a line each.

    Raises
    ------
    WeightsError
        It is no network of a known family, damaged, or what it is cannot be told.
    UsageError
        Something is said of a model that has a descriptor.
    """
    files = files_at(path)
    weights = next(iter(files.values()))
    if "onnx" in files:
        check_weights_finite(files["onnx"])
    beside = descriptor_path(weights)
    if beside.is_file():
        if told.given:
            raise UsageError(
                f"{shown(beside)} says what the model is",
                option=OptionRef(next(iter(told.given))),
                remedy="change it there, or import the model without it",
            )
        data = dict(read_descriptor(beside).source)
        tell(Message(f"{shown(weights)}: described by {shown(beside.name)}"))
    else:
        found = recognised(files, **told.given)
        data = found["descriptor"]
        for line in found["said"]:
            tell(Message(f"{shown(weights)}: {line}"))
    return _tried(model_of(files, parse_descriptor(data, shown(beside)), weights.stem), data, tell)


def arrival_of(model: Model, tell: Tell) -> Arrival:
    """A model whose descriptor is known already, once it was run.

    Raises
    ------
    WeightsError
        It does not do what its descriptor says.
    """
    return _tried(model, {} if model.descriptor is None else dict(model.descriptor.source), tell)


def _tried(model: Model, data: dict[str, Any], tell: Tell) -> Arrival:
    data.pop("files", None)
    _settle_canary(model, data, tell)
    return Arrival(model, data)


def _settle_canary(model: Model, data: dict[str, Any], tell: Tell) -> None:
    """Run the model as its descriptor says, and note what it answers."""
    if model.descriptor is None:
        return
    request = EngineRequest(able=DescribedForms(model, model.descriptor).engines, pictures=1)
    answer = in_child("answer", model, request)
    data["canary"] = data.get("canary") or {name: answer[name] for name in ("size", "mean", "spread")}
    (a, b), (spread_a, spread_b) = answer["mean"], answer["spread"]
    answered = f"a {a:.1f} ± {spread_a:.1f}, b {b:.1f} ± {spread_b:.1f}"
    tell(Message(f"{shown(model.weights)}: runs; a ramp of grey gives {answered}"))


def name_for(path: Path) -> str:
    """A name for a model that was given none: of its file, in lower case."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]


def take(arrival: Arrival, name: str, folder: Path, copy: Callable[[Path, Path, str], None], tell: Tell) -> None:
    """Copy a model into the store.

    Parameters
    ----------
    arrival
        The model.
    name
        What to call it.
    folder
        The store's, that new models go to.
    copy
        Brings a file of a known hash under a name, whole or not at all.
    tell
        Is given a line on what it is called now.

    Raises
    ------
    UsageError
        Another model has the name.
    OutputError
        The store cannot be written to, or has no room.
    """
    target = folder / name
    hashes = {path: hash_file(path) for path in arrival.model.files.values()}
    weights = arrival.model.weights
    for path, sha256 in hashes.items():
        there = target / path.name
        if there.exists() and hash_file(there) != sha256:
            raise _taken(name)
    if target.is_dir() and any(is_model_file(each) and each.stem != weights.stem for each in _models_in(target)):
        raise _taken(name)
    for path, sha256 in hashes.items():
        copy(path, target / path.relative_to(weights.parent), sha256)
    parts = [
        {
            "name": path.name,
            "role": "model" if path == weights else "data",
            "bytes": path.stat().st_size,
            "sha256": sha256,
        }
        for path, sha256 in hashes.items()
    ]
    data = {**arrival.descriptor, "files": parts}
    # the descriptor comes last: with it the model becomes visible
    write_atomically(descriptor_path(target / weights.name), json.dumps(data, indent=2).encode() + b"\n")
    said = (
        f"{shown(weights)}: imported as {name}; it is in no catalogue, so nothing is known of where it comes from or "
        "how well it colours"
    )
    tell(Message(said, None, Remedy.USE_MODEL, {"model": name}))


def _models_in(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.suffix.lower() in (".onnx", ".ort")]


def _taken(name: str) -> UsageError:
    return UsageError(
        "another model has this name", option=OptionRef("name", name), remedy=Remedy.ANOTHER_NAME_OR_REMOVE, model=name
    )
