"""Hints files: guidance as JSON, with a version and a published schema (`hints.schema.json`, beside this module).

`photo.hints.json` beside `photo.jpg` is found by itself. A file may say which picture it was made for; whoever reads it
for another one is told so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import ColorizerError, InputError, UsageError, json_trouble, shown
from colorizer.guidance.hints import (
    DEFAULT_CARRY,
    DEFAULT_SIZE,
    Guidance,
    Hint,
    Reference,
    Role,
    normal_color,
    replace_guidance,
)
from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage

VERSION = 1
SUFFIX = ".hints.json"
SCHEMA = Path(__file__).with_name("hints.schema.json")

LARGEST_FILE = 8 << 20
"""Bytes; ten thousand strokes take less."""

_TOP = ("version", "hints", "carry", "references", "palette", "picture", "shots", "$schema", "comment")
_OF_HINT = ("points", "color", "ab", "shape", "units", "size", "carry", "page", "frame", "comment")
_OF_REFERENCE = ("file", "as", "frame", "comment")
_OF_SHOT = ("frame", "variant", "saturation", "palette", "grey", "comment")
_OF_PICTURE = ("name", "width", "height", "look")

MOST_VARIANTS = 12
MOST_SATURATION = 4.0
"""Of shots of films."""

SAME_ASPECT = 0.02
"""How far two ratios of width to height may differ for one picture in two sizes."""

_LOOK_ROWS, _LOOK_COLUMNS = 8, 9
_MOST_DIFFERENT = 16
"""Of 64 signs. Other pictures differ in about 32; rescaling, compression and retouching change a few."""

Load = Callable[[Address], npt.NDArray[Any]]
"""Reads a reference picture: (H, W, 3) RGB."""


@dataclass(frozen=True)
class MadeFor:
    """The picture that a file was made for, as far as it says."""

    name: str = ""
    width: int | None = None
    height: int | None = None
    look: str = ""  # of its lightness, see `look_of`


@dataclass(frozen=True)
class ShotLook:
    """How one shot of a film is to look.

    Attributes
    ----------
    frame
        Any frame of the shot, from 0.
    variant
        The proposal to take, from 1; None: none.
    saturation
        Factor on its chroma, beside the one for the whole film.
    palette
        Colours that it should have.
    grey
        Whether it is left grey, as titles are.
    pictures
        Whose palettes it should have.
    """

    frame: int
    variant: int | None = None
    saturation: float = 1.0
    palette: tuple[str, ...] = ()
    grey: bool = False
    pictures: tuple[Path, ...] = ()


@dataclass(frozen=True)
class HintsFile:
    """What a file holds: guidance without its references, which are files of their own."""

    guidance: Guidance
    references: tuple[tuple[Role, str, int | None], ...] = ()  # role, file, frame
    picture: MadeFor = MadeFor()
    shots: tuple[ShotLook, ...] = ()  # of films


def beside(picture: Address) -> tuple[Address, Address]:
    """Where a picture's hints may lie: `photo.jpg.hints.json`, or `photo.hints.json`; the first there is counts."""
    return picture.with_name(picture.name + SUFFIX), picture.with_name(picture.stem + SUFFIX)


def from_json(text: str, name: str = "hints") -> HintsFile:
    """What a hints file says.

    Parameters
    ----------
    text
        Of the file.
    name
        How messages call it.

    Raises
    ------
    InputError
        It is no hints file, or of a version that is not known here.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name}: not JSON ({json_trouble(error)}); a hints file is text such as {to_json(Guidance())!r}"
        ) from error
    if not isinstance(found, dict) or "version" not in found:
        raise InputError(f"{name}: no hints file; expected an object with version and hints")
    if found["version"] != VERSION:
        raise InputError(
            f"{name}: a hints file of version {str(found['version'])[:20]!r}; this program reads version {VERSION}"
        )
    try:
        _known(found, _TOP, "")
        hints = [_hint(each, f"hint {number}") for number, each in enumerate(_list(found, "hints"), 1)]
        references = tuple(
            _reference(each, f"reference {number}") for number, each in enumerate(_list(found, "references"), 1)
        )
        guidance = Guidance(hints, found.get("carry", DEFAULT_CARRY), palette=_list(found, "palette"))
        picture = _picture(found.get("picture", {}))
        shots = tuple(_shot(each, f"shot {number}") for number, each in enumerate(_list(found, "shots"), 1))
    except UsageError as error:
        # names in its words are those of the file
        raise InputError(f"{name}: {error}") from error
    return HintsFile(guidance, references, picture, shots)


def read_guidance(path: Address, load: Load | None = None, storage: Storage = ANYWHERE) -> tuple[Guidance, MadeFor]:
    """A hints file, with the references that it names.

    Parameters
    ----------
    path
        The file.
    load
        Reads references, which lie relative to the file; None: they are an error.
    storage
        Where it lies.

    Raises
    ------
    InputError
        It cannot be read, is no hints file, or a reference cannot be read.
    """
    name = shown(path)
    try:
        with storage.open_read(path) as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no file can have this name"
        remedy = getattr(error, "remedy", "check the name and its permissions")
        raise InputError(f"{name}: the hints cannot be read ({reason}); {remedy}") from error
    if len(data) > LARGEST_FILE:
        raise InputError(f"{name}: larger than {LARGEST_FILE >> 20} MB, which no hints file is")
    try:
        found = from_json(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not text in UTF-8, which hints files are") from error
    if found.shots:
        raise InputError(f"{name}: it speaks of shots, which films have; leave shots out for pictures")
    references = []
    for role, reference, frame in found.references:
        if load is None:
            raise InputError(f"{name}: references are not read here; leave them out")
        try:
            references.append(Reference(role, load(path.parent / reference), shown(reference), frame))
        except ColorizerError as error:
            raise InputError(error.message.about(name)) from error
    return replace_guidance(found.guidance, references=tuple(references)), found.picture


def write_guidance(
    path: Address, guidance: Guidance, picture: MadeFor | None = None, storage: Storage = ANYWHERE
) -> None:
    """Write a hints file; it appears whole.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    with storage.put_whole(path) as target:
        target.write((to_json(guidance, picture) + "\n").encode("utf-8"))


def to_json(guidance: Guidance, picture: MadeFor | None = None) -> str:
    """Guidance as JSON, a hint a line; references by the names of their files."""
    parts = [f'"version": {VERSION}']
    if picture:
        told = {name: value for name, value in vars(picture).items() if value}
        parts += [f'"picture": {json.dumps(told)}']
    if guidance.carry != DEFAULT_CARRY:
        parts += [f'"carry": {json.dumps(guidance.carry)}']
    if guidance.palette:
        parts += [f'"palette": {json.dumps(guidance.palette)}']
    if guidance.references:
        named = [
            {"file": each.name, "as": each.role} | ({} if each.frame is None else {"frame": each.frame})
            for each in guidance.references
        ]
        parts += [f'"references": {json.dumps(named)}']
    hints = ",\n    ".join(json.dumps(_as_object(hint)) for hint in guidance.hints)
    parts += [f'"hints": [\n    {hints}\n  ]' if hints else '"hints": []']
    return "{\n  " + ",\n  ".join(parts) + "\n}" if hints else "{" + ", ".join(parts) + "}"


def look_of(light: npt.NDArray[np.floating[Any]]) -> str:
    """64 signs of how a picture's lightness changes from left to right, in hexadecimal (a difference hash).

    Parameters
    ----------
    light
        (h, w) L, at a small size.
    """
    import cv2

    size = (_LOOK_COLUMNS, _LOOK_ROWS)
    small = cv2.resize(np.asarray(light, np.float32), size, interpolation=cv2.INTER_AREA)
    return np.packbits(np.diff(small, axis=1) > 0).tobytes().hex()


def check_picture(made_for: MadeFor, height: int, width: int, look: str) -> None:
    """Refuse hints that were made for another picture; for the same one in another size they hold.

    Parameters
    ----------
    made_for
        What the file says.
    height, width
        Of the picture at hand.
    look
        Of the picture at hand, see `look_of`.

    Raises
    ------
    InputError
        It is another picture.
    """
    remedy = "make hints for this one, or take picture out of the file if they fit"
    if made_for.width and made_for.height:
        ratio = made_for.width / made_for.height * height / width
        if abs(ratio - 1) > SAME_ASPECT:
            size = f"{made_for.width} x {made_for.height}"
            raise InputError(f"the hints are for a picture of {size} pixels, this one has {width} x {height}; {remedy}")
    if made_for.look:
        try:
            different = (int(made_for.look, 16) ^ int(look, 16)).bit_count()
        except ValueError:
            different = 0
        if different > _MOST_DIFFERENT:
            name = f" ({shown(made_for.name)})" if made_for.name else ""
            raise InputError(f"the hints are for another picture{name}, whose lights and darks differ; {remedy}")


def _known(found: Mapping[str, Any], names: tuple[str, ...], what: str) -> None:
    for name in found:
        if name not in names:
            about = f"{what}: " if what else ""
            raise UsageError(f"{about}unknown name {name[:40]!r}; there are {', '.join(names)}")


def _list(found: Mapping[str, Any], name: str) -> list[Any]:
    value = found.get(name, [])
    if not isinstance(value, list):
        raise UsageError(f"{name}: expected a list")
    return value


def _hint(found: object, what: str) -> Hint:
    if not isinstance(found, dict):
        raise UsageError(f"{what}: expected an object with points and color")
    _known(found, _OF_HINT, what)
    points = found.get("points")
    if not isinstance(points, list) or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise UsageError(f"{what}: expected points as [[x, y], ...]")
    units = found.get("units", "fractions")
    if units not in ("fractions", "pixels"):
        raise UsageError(f"{what}: units: expected fractions or pixels")
    ab = found.get("ab")
    if ("color" in found) == (ab is not None):
        raise UsageError(f"{what}: expected either color or ab")
    if ab is not None and not isinstance(ab, list):
        raise UsageError(f"{what}: expected ab as [a, b]")
    try:
        return Hint(
            points,
            found.get("color", "keep"),
            shape=found.get("shape"),
            pixels=units == "pixels",
            ab=ab,
            size=found.get("size", DEFAULT_SIZE),
            carry=found.get("carry"),
            page=found.get("page", 1),
            frame=found.get("frame"),
        )
    except UsageError as error:
        raise UsageError(f"{what}: {error}") from error


def _reference(found: object, what: str) -> tuple[Role, str, int | None]:
    if not isinstance(found, dict):
        raise UsageError(f"{what}: expected an object with file and as")
    _known(found, _OF_REFERENCE, what)
    role, file, frame = found.get("as"), found.get("file"), found.get("frame")
    if role not in ("scene", "palette") or not isinstance(file, str) or not file:
        raise UsageError(f"{what}: expected file, and as with scene or palette")
    if frame is not None and (not isinstance(frame, int) or frame < 0):
        raise UsageError(f"{what}: frame: expected a whole number from 0")
    return role, file, frame


def _shot(found: object, what: str) -> ShotLook:
    if not isinstance(found, dict):
        raise UsageError(f"{what}: expected an object with frame")
    _known(found, _OF_SHOT, what)
    frame, variant, grey = found.get("frame"), found.get("variant"), found.get("grey", False)
    if not isinstance(frame, int) or isinstance(frame, bool) or frame < 0:
        raise UsageError(f"{what}: frame: expected a whole number from 0, any frame of the shot")
    if variant is not None and (not isinstance(variant, int) or not 1 <= variant <= MOST_VARIANTS):
        raise UsageError(f"{what}: variant: expected a whole number from 1 to {MOST_VARIANTS}")
    saturation = found.get("saturation", 1.0)
    number = isinstance(saturation, int | float) and not isinstance(saturation, bool)
    if not number or not 0 <= saturation <= MOST_SATURATION:
        raise UsageError(f"{what}: saturation: expected a number from 0 to {MOST_SATURATION:g}")
    if not isinstance(grey, bool):
        raise UsageError(f"{what}: grey: expected true or false")
    try:
        palette = tuple(normal_color(color) for color in _list(found, "palette"))
    except UsageError as error:
        raise UsageError(f"{what}: palette: {error}") from error
    return ShotLook(frame, variant, float(saturation), palette, grey)


def _picture(found: object) -> MadeFor:
    if not isinstance(found, dict):
        raise UsageError("picture: expected an object")
    _known(found, _OF_PICTURE, "picture")
    width, height = found.get("width"), found.get("height")
    if any(size is not None and (not isinstance(size, int) or size < 1) for size in (width, height)):
        raise UsageError("picture: expected width and height in pixels")
    return MadeFor(str(found.get("name", "")), width, height, str(found.get("look", "")))


def _as_object(hint: Hint) -> dict[str, Any]:
    result: dict[str, Any] = {"points": [list(point) for point in hint.points]}
    if hint.pixels:
        result["units"] = "pixels"
    if hint.shape == "region":
        result["shape"] = hint.shape
    if hint.ab is None:
        result["color"] = hint.color
    else:
        result["ab"] = list(hint.ab)
    if hint.size != DEFAULT_SIZE:
        result["size"] = hint.size
    if hint.page != 1:
        result["page"] = hint.page
    for name in ("carry", "frame"):
        if getattr(hint, name) is not None:
            result[name] = getattr(hint, name)
    return result
