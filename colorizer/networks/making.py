"""What a result says of its making: one value, written into XMP, reports and films alike, by one schema.

docs/mark.md tells the fields, `making.schema.json` the same to programs. No path of the machine is among them: of the
picture that was coloured, its own name alone and its SHA-256.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from colorizer import __version__
from colorizer.engines import Opened
from colorizer.io.cache import content_hash
from colorizer.io.records import read_record
from colorizer.networks.base import Model
from colorizer.networks.store import packaged_weights
from colorizer.settings import Settings

VERSION = 1
"""Of the schema; fields may be added under the same number."""

_CHROMA_SETTINGS = ("saturation", "strength", "keep_color", "compat")


@dataclass(frozen=True)
class UsedFile:
    """A file that something was made with or from: a model's, or the picture itself."""

    name: str
    sha256: str


@dataclass(frozen=True)
class UsedModel:
    """The network."""

    name: str
    family: str
    files: tuple[UsedFile, ...]
    descriptor: Mapping[str, Any] | None  # of a network that is described by one, without files and canary
    licence: str  # of its weights, "" where it is not known


@dataclass(frozen=True)
class UsedEngine:
    """What computed."""

    name: str  # runtime and version
    device: str
    precision: str


@dataclass(frozen=True)
class Making:
    """All of it."""

    model: UsedModel
    engine: UsedEngine
    settings: Mapping[str, Any]  # as they took effect
    program: str = f"colorize {__version__}"
    source: UsedFile | None = None  # the picture or film that was coloured; None where it came from no file
    guidance: Mapping[str, Any] = field(default_factory=dict)  # what a person said of the colours
    sources: tuple[Mapping[str, Any], ...] = ()  # other pictures that it was made from, by name and SHA-256
    notes: tuple[str, ...] = ()  # such as luma that was kept

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it; what is empty is left out."""
        whole = {"version": VERSION, **asdict(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in whole.items() if value}

    def as_json(self) -> str:
        """As one line of ASCII."""
        return json.dumps(self.as_dict(), ensure_ascii=True, separators=(",", ":"))


def making_of(
    model: Model, settings: Settings, engine: Opened, temperature: float | None, notes: tuple[str, ...] = ()
) -> Making:
    """How results of a network under these settings are made.

    Parameters
    ----------
    model, settings
        The network, and what was asked for.
    engine
        What it runs in.
    temperature
        Of the annealed mean; None where there is none.
    notes
        What else is to be said.

    Raises
    ------
    WeightsError
        A file of the model cannot be read any more.
    """
    licence = model.spec.licence if model.spec else ""
    descriptor = None
    if model.descriptor is not None:
        source = model.descriptor.source
        descriptor = {name: value for name, value in source.items() if name not in ("$schema", "files", "canary")}
        licence = licence or str(model.descriptor.licence.get("weights", ""))
    files = tuple(UsedFile(path.name, _sha256(model, path)) for path in model.files.values())
    precision = "fp32" if engine.choice.precision == "auto" else engine.choice.precision
    took_effect: dict[str, Any] = {
        "size": list(model.sizes_for(settings)),
        "fit": model.fit if settings.fit == "auto" else settings.fit,
        **{name: getattr(settings, name) for name in _CHROMA_SETTINGS},
    }
    if temperature is not None:
        took_effect["temperature"] = temperature
    return Making(
        UsedModel(model.name, model.family, files, descriptor, licence),
        UsedEngine(engine.name, engine.choice.device, precision),
        took_effect,
        notes=notes,
    )


def _sha256(model: Model, path: Path) -> str:
    if model.spec is not None and path.parent == packaged_weights():
        known = next((file.sha256 for file in model.spec.files if file.packaged and file.name == path.name), None)
        if known is not None:
            return known
    stat = path.stat()
    return _read_hash(path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read_hash(path: Path, size: int, mtime_ns: int) -> str:
    """The hash of a file that was like this when it was asked for; a model may have gigabytes."""
    record = read_record(path)
    if record is not None and (record.size, record.mtime_ns) == (size, mtime_ns):
        return record.sha256
    return content_hash(path)
