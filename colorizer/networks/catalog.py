"""The catalogue: which models there are, what files they are made of, and who serves them.

It is data (`catalog.json`), read and validated here once, at the door. Hashes and sizes of the release are those its
users have confirmed to each other since 2016; mirrors stand in order of trust, and none of them needs to be trusted,
since a file counts only by its SHA-256. An institution adds its own models with a second file of the same form.

Nothing here touches a model's file or the network.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from colorizer.errors import Remedy, UsageError, WeightsError, json_trouble, shown
from colorizer.networks.base import Family
from colorizer.networks.descriptor.model import Descriptor
from colorizer.networks.descriptor.reading import parse_descriptor
from colorizer.networks.descriptor.rules import RULES
from colorizer.networks.registry import DEFAULT_FAMILY, FAMILIES, family
from colorizer.settings import DEFAULT_SIZE, LARGEST_TEMPERATURE, SMALLEST_TEMPERATURE, Fit, read_sizes

CATALOG_VARIABLE = "COLORIZER_CATALOG"
"""Environment variable that names a catalogue of one's own."""

AUTO = "auto"
BUILT_IN = "lite"
"""The model that the package brings along."""
LARGE = "zhang16"
"""The model that `download` fetches when no name is given."""

AUTO_ORDER = (
    *("ddcolor", "ddcolor-artistic", "ddcolor-tiny", LARGE, "deoldify-artistic", "deoldify-stable"),
    *("siggraph17", "eccv16", BUILT_IN),
)
"""What `auto` takes: the first of these that is installed; by how people and papers judge their colours."""

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Lower case, so that names differ on every file system."""

DATA = "data"
"""Role of files that hold a model's tensors, beside it and under names that it knows them by."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Mirror:
    """A place that serves a file."""

    url: str
    dead: bool = False  # known to answer no more; asked last, since dead places have come back before


@dataclass(frozen=True)
class FileSpec:
    """One file of a model, and how to know it."""

    name: str
    role: str  # what its name ends in
    size: int  # bytes; 0 where it is not known, as of some files whose hash is
    sha256: str  # lower-case hexadecimal
    mirrors: tuple[Mirror, ...] = ()
    packaged: bool = False  # comes with this package, never downloaded
    sources: int = 2  # independent places that the hash was read at, 2 or more being as good as many

    @property
    def trust(self) -> str:
        """What is to be said of the hash; "" where nothing is."""
        return "its SHA-256 is recorded from one source" if self.sources == 1 else ""


@dataclass(frozen=True)
class ModelSpec:
    """A model of the catalogue."""

    name: str
    title: str
    description: str
    licence: str
    fit: Fit  # how a picture is brought to network size, by measurement
    stride: int  # pixels; sides of the network's input are multiples of it
    files: tuple[FileSpec, ...]
    family: str = DEFAULT_FAMILY
    temperature: float | None = None  # of the annealed mean, where the user does not say; None: there is none to set
    sizes: tuple[int, ...] = (DEFAULT_SIZE,)  # short sides of its looks at a picture, by measurement, rising

    descriptor: Descriptor | None = None  # of a network that is described by one
    place: str = ""  # where to find a model that has no download that can be checked
    non_commercial: bool = False  # whether the weights' licence forbids commercial use

    @property
    def import_only(self) -> bool:
        """Whether it cannot be downloaded, but has to be brought along."""
        return not self.files

    def file(self, role: str) -> FileSpec:
        """The model's file of that role."""
        return next(file for file in self.files if file.role == role)

    @property
    def packaged(self) -> bool:
        """Whether all of it comes with this package."""
        return bool(self.files) and all(file.packaged for file in self.files)


@dataclass(frozen=True)
class Catalog:
    """All models known by name, in the order in which they are listed."""

    models: tuple[ModelSpec, ...]

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self.models)

    def find(self, name: str) -> ModelSpec | None:
        """The model of that name, None where there is none."""
        return next((spec for spec in self.models if spec.name == name), None)

    def by_hash(self, sha256: str) -> tuple[ModelSpec, FileSpec] | None:
        """The first model with a file of that hash, and the file."""
        return next(((spec, file) for spec in self.models for file in spec.files if file.sha256 == sha256), None)

    @property
    def file_names(self) -> frozenset[str]:
        """Names of all files that belong to a model of the catalogue."""
        return frozenset(file.name for spec in self.models for file in spec.files)


def is_model_name(text: str) -> bool:
    """Whether `text` can name a model: lower-case letters, digits, dot, dash and underscore, on every system."""
    return (
        bool(NAME_PATTERN.fullmatch(text)) and text != AUTO and text.split(".", maxsplit=1)[0] not in _WINDOWS_DEVICES
    )


def load_catalog(extra: Path | None = None) -> Catalog:
    """The built-in catalogue, followed by a user's own.

    Parameters
    ----------
    extra
        A catalogue of the same form; the environment variable `COLORIZER_CATALOG` where it is None.

    Raises
    ------
    WeightsError
        The user's catalogue is missing, is no JSON, lacks a field, or uses a name twice.
    """
    models = _read(Path(__file__).with_name("catalog.json"), packaged=True)
    if extra is None and os.environ.get(CATALOG_VARIABLE):
        extra = Path(os.environ[CATALOG_VARIABLE])
    if extra is not None:
        models += _read(extra, packaged=False)
        for role in ("name", "file"):
            _refuse_twins(extra, models, role)
    return Catalog(models)


def _refuse_twins(path: Path, models: tuple[ModelSpec, ...], what: str) -> None:
    seen: dict[str, str] = {}
    for spec in models:
        entries = {spec.name: ""} if what == "name" else {file.name: file.sha256 for file in spec.files}
        for name, content in entries.items():
            # one file may serve two models, as the release's prototxt does
            if name in seen and (what == "name" or seen[name] != content):
                raise WeightsError(f"{shown(path)}: the {what} {name!r} is taken by another model; choose another one")
            seen[name] = content


def unknown_model(name: str, known: Iterable[str]) -> UsageError:
    """What to raise where there is no model of a name; with the nearest of those that are known."""
    near = difflib.get_close_matches(name, known, 1)
    perhaps = f", perhaps {near[0]}" if near else ""
    path = os.path.join(os.curdir, f"{shown(name)}.onnx")  # noqa: PTH118 - pathlib leaves the dot out
    return UsageError(f"unknown model {shown(name)!r}{perhaps}", remedy=Remedy.LIST_MODELS, path=path)


def _read(path: Path, *, packaged: bool) -> tuple[ModelSpec, ...]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{shown(path)}: cannot read the catalogue ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{shown(path)}: not a catalogue in JSON ({json_trouble(error)})") from error
    reader = _Reader(path, packaged)
    return tuple(reader.model(entry) for entry in reader.field(data, "models", list, "the catalogue"))


@dataclass(frozen=True)
class _Reader:
    """Turns JSON into the classes above, or says which field of which entry is wrong."""

    path: Path
    packaged: bool

    def model(self, entry: Any) -> ModelSpec:
        name = self.field(entry, "name", str, "a model")
        if not is_model_name(name):
            raise self.wrong(f"model {name!r}", "name", "must be lower-case letters, digits, '.', '-' or '_'")
        fit = self.field(entry, "fit", str, name, default="stretch")
        if fit not in get_args(Fit):
            raise self.wrong(name, "fit", f"must be one of {', '.join(get_args(Fit))}")
        family_name = self.field(entry, "family", str, name, default=DEFAULT_FAMILY)
        if family_name not in FAMILIES:
            raise self.wrong(name, "family", f"must be one of {', '.join(FAMILIES)}")
        of = family(family_name)
        descriptor = self.descriptor(entry, name, family_name)
        usual = of.stride if descriptor is None else descriptor.sizes.step
        stride = self.field(entry, "stride", int, name, default=usual)
        if isinstance(stride, bool) or not 0 < stride <= DEFAULT_SIZE:
            raise self.wrong(name, "stride", f"must be a number of pixels from 1 to {DEFAULT_SIZE}")
        files = tuple(self.file(item, name, of) for item in self.field(entry, "files", list, name))
        place = self.field(entry, "place", str, name, default="")
        roles = sorted(file.role for file in files if file.role != DATA)
        if roles not in map(sorted, of.file_sets) and not (place and not files):
            sets = (" and one ".join(reversed(each)) for each in of.file_sets)
            raise self.wrong(name, "files", f"must be one {', or one '.join(sets)}")
        return ModelSpec(
            name=name,
            title=self.field(entry, "title", str, name),
            description=self.field(entry, "description", str, name, default=""),
            licence=self.field(entry, "licence", str, name),
            fit=fit if descriptor is None else descriptor.sizes.fit,
            stride=stride,
            files=files,
            family=family_name,
            temperature=self.temperature(entry, name, of),
            sizes=self.sizes(entry, name, stride) if descriptor is None else (descriptor.sizes.default,),
            descriptor=descriptor,
            place=place,
            non_commercial=self.field(entry, "non_commercial", bool, name, default=False),
        )

    def descriptor(self, entry: Any, name: str, family_name: str) -> Descriptor | None:
        if family_name not in RULES or not entry.get("files"):
            return None
        descriptor = parse_descriptor(self.field(entry, "descriptor", dict, name), f"{shown(self.path)}: {name}")
        if descriptor.family != family_name:
            raise self.wrong(name, "family", f"is {family_name}, and its descriptor says {descriptor.family}")
        return descriptor

    def temperature(self, entry: Any, name: str, of: Family) -> float | None:
        if of.temperature is None:
            return None
        temperature = float(self.field(entry, "temperature", (int, float), name, default=of.temperature))
        if not SMALLEST_TEMPERATURE <= temperature <= LARGEST_TEMPERATURE:
            bounds = f"{SMALLEST_TEMPERATURE:g} to {LARGEST_TEMPERATURE:g}"
            raise self.wrong(name, "temperature", f"must be a number from {bounds}")
        return temperature

    def sizes(self, entry: Any, name: str, stride: int) -> tuple[int, ...]:
        given = self.field(entry, "sizes", list, name, default=[DEFAULT_SIZE])
        try:
            read = read_sizes(given)
        except UsageError as error:
            raise self.wrong(name, "sizes", f"must be like [{DEFAULT_SIZE}] ({error})") from error
        sizes = read if isinstance(read, tuple) else (int(read),)
        if "sizes" in entry and any(size % stride for size in sizes):
            raise self.wrong(name, "sizes", f"must be multiples of its stride, {stride}")
        return sizes

    def file(self, entry: Any, model: str, of: Family) -> FileSpec:
        name = self.field(entry, "name", str, f"a file of {model}")
        if not _FILE_NAME.fullmatch(name) or name.split(".")[0].lower() in _WINDOWS_DEVICES:
            raise self.wrong(model, "name", f"{name!r} cannot be a file's name on every system")
        role = self.field(entry, "role", str, name)
        if role not in of.roles or (role != DATA and not name.endswith(f".{role}")):
            raise self.wrong(name, "role", f"must be {' or '.join(reversed(of.roles))}, as the file's suffix says")
        size = self.field(entry, "size", int, name, default=0 if self.packaged else None)
        if isinstance(size, bool) or size < 0 or (size == 0 and not self.packaged):
            raise self.wrong(name, "size", "must be a number of bytes")
        sources = self.field(entry, "sources", int, name, default=2)
        if isinstance(sources, bool) or sources < 1:
            raise self.wrong(name, "sources", "must be a number of places")
        sha256 = self.field(entry, "sha256", str, name).lower()
        if not _SHA256.fullmatch(sha256):
            raise self.wrong(name, "sha256", "must be 64 hexadecimal digits")
        packaged = self.field(entry, "packaged", bool, name, default=False)
        if packaged and not self.packaged:
            raise self.wrong(name, "packaged", "is for the built-in catalogue only")
        return FileSpec(
            name=name,
            role=role,
            size=size,
            sha256=sha256,
            mirrors=tuple(self.mirror(item, name) for item in self.field(entry, "mirrors", list, name, default=[])),
            packaged=packaged,
            sources=sources,
        )

    def mirror(self, entry: Any, file: str) -> Mirror:
        url = self.field(entry, "url", str, f"a mirror of {file}")
        if not url.startswith(("https://", "http://")):
            raise self.wrong(file, "url", f"{url!r} must begin with https:// or http://")
        return Mirror(url, self.field(entry, "dead", bool, file, default=False))

    def field(self, entry: Any, key: str, kind: type | tuple[type, ...], where: str, *, default: Any = None) -> Any:
        if not isinstance(entry, Mapping):
            raise WeightsError(f"{shown(self.path)}: {where} must be an object in braces")
        value = entry.get(key, default)
        if not isinstance(value, kind):
            raise self.wrong(where, key, "is missing" if value is None else f"must be of type {_names(kind)}")
        return value

    def wrong(self, where: str, key: str, why: str) -> WeightsError:
        return WeightsError(f"{shown(self.path)}: {where}: {key!r} {why}")


def _names(kind: type | tuple[type, ...]) -> str:
    return " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
