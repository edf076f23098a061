"""The values: a hint is a place and what is said of it; guidance is all that is said of one picture.

Places are in fractions of the picture's width and height, or in pixels, from the top left corner of the picture as it
is shown, after its orientation. Pixels are counted from 0, at their centres.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from colorizer.errors import OptionRef, UsageError

Shape = Literal["point", "stroke", "region"]
Meaning = Literal["color", "keep", "grey"]
Role = Literal["scene", "palette"]
Place = tuple[float, float]

SHAPES: tuple[Shape, ...] = ("point", "stroke", "region")
ROLES: tuple[Role, ...] = ("scene", "palette")

DEFAULT_CARRY = 0.4
"""Chosen on photographs: of one hint, 6 % of the picture is moved away from the truth by more than 5 in ab."""

DEFAULT_SIZE = 1 / 128
"""Of a point or a stroke: its width, as a share of the picture's longer side."""

LARGEST_SIZE = 0.5

MOST_HINTS = 10_000
MOST_POINTS = 1_000
"""Of one stroke or region."""

_FEWEST_POINTS: dict[Shape, int] = {"point": 1, "stroke": 2, "region": 3}

_HEXADECIMAL = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)

_EXAMINED_SIDE, _EXAMINED_PERCENT, _GREY_CHROMA = 256, 98, 4.0
"""A reference is grey if so many per cent of it have less chroma than that."""

KEEP, GREY = "keep", "grey"


@dataclass(frozen=True, init=False)
class Hint:
    """A place in a picture, and what is said of its colour.

    Attributes
    ----------
    points
        One for a point, two and more for a stroke, the corners of a region: (x, y) in fractions of the width and
        height, or in pixels.
    color
        "#b03028", a colour's name in CSS, "grey" (no colour), or "keep": the network is right here. Its lightness is
        the picture's own and does not matter.
    shape
        "point", "stroke" or "region"; by the number of points where it is not given.
    pixels
        Whether points are counted in pixels.
    ab
        The colour in CIE Lab units instead, for those who have it so; `color` then names its sRGB at mid lightness.
    size
        Width of a point or stroke, as a share of the picture's longer side; all of it gets the colour.
    carry
        How far it goes beyond its own object, 0..1; None: as `Guidance.carry` says.
    page
        Of a picture with several, from 1.
    frame
        Of a film, from 0; None for pictures.

    Raises
    ------
    UsageError
        It is no place, or no colour.
    """

    points: tuple[Place, ...]
    color: str = KEEP
    shape: Shape | None = None
    pixels: bool = False
    ab: tuple[float, float] | None = None
    size: float = DEFAULT_SIZE
    carry: float | None = None
    page: int = 1
    frame: int | None = None

    def __init__(
        self,
        points: Iterable[Sequence[float]],
        color: str = KEEP,
        *,
        shape: Shape | None = None,
        pixels: bool = False,
        ab: Sequence[float] | None = None,
        size: float = DEFAULT_SIZE,
        carry: float | None = None,
        page: int = 1,
        frame: int | None = None,
    ) -> None:
        places = tuple(_place(point, pixels=pixels) for point in points)
        if shape is None:
            shape = "point" if len(places) == 1 else "stroke"
        if shape not in SHAPES:
            raise UsageError(f"expected one of {', '.join(SHAPES)}", option=OptionRef("shape", repr(shape)))
        if not _FEWEST_POINTS[shape] <= len(places) <= (1 if shape == "point" else MOST_POINTS):
            raise UsageError(
                f"a {shape} of {len(places)} points; it takes {_FEWEST_POINTS[shape]}"
                + ("" if shape == "point" else f" to {MOST_POINTS}")
            )
        if ab is not None:
            ab = (_number(ab[0], "ab", -150, 150), _number(ab[1], "ab", -150, 150)) if len(ab) == 2 else None
            if ab is None:
                raise UsageError("expected two numbers, a and b", option=OptionRef("ab"))
            color = hexadecimal_of(ab)
        else:
            color = normal_color(color)
        values = {
            "points": places,
            "color": color,
            "shape": shape,
            "pixels": bool(pixels),
            "ab": ab,
            "size": _number(size, "size", 0, LARGEST_SIZE),
            "carry": None if carry is None else _number(carry, "carry", 0, 1),
            "page": _whole(page, "page", 1),
            "frame": None if frame is None else _whole(frame, "frame", 0),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def meaning(self) -> Meaning:
        """Whether it says a colour, that there is none, or that the network's is right."""
        if self.ab is None and self.color == KEEP:
            return "keep"
        return "grey" if self.ab is None and self.color == GREY else "color"

    @property
    def target(self) -> tuple[float, float]:
        """The colour said, a and b in CIE Lab units; (0, 0) for grey, and for `keep`, where it means nothing."""
        if self.ab is not None:
            return self.ab
        return (0.0, 0.0) if self.color in (KEEP, GREY) else ab_of(self.color)

    @property
    def place(self) -> str:
        """Where it is, as it is written: its first point."""
        x, y = self.points[0]
        return f"{x:.0f},{y:.0f}" if self.pixels else f"{x:.4g},{y:.4g}"


@dataclass(frozen=True)
class Reference:
    """A picture in colour that says something of this one's colours.

    Attributes
    ----------
    role
        "scene": it shows the same scene or person, and colours go to matching places. "palette": its mood alone.
    pixels
        (H, W, 3) RGB; uint8, uint16, or float in 0..1.
    name
        What messages and files call it.
    frame
        Of a film, from where on it holds; None: everywhere.

    Raises
    ------
    UsageError
        The role is neither of the two, or the picture has no colours.
    """

    role: Role
    pixels: npt.NDArray[Any] = field(repr=False, compare=False)
    name: str = "reference"
    frame: int | None = None
    digest: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise UsageError("expected scene or palette", option=OptionRef("reference_as", str(self.role)))
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise UsageError(f"{self.name}: a reference without colour says nothing; give a picture in colour")
        if _is_grey(self.pixels):
            raise UsageError(f"{self.name}: a reference in grey says nothing; give a picture in colour")
        if not self.digest:
            found = hashlib.sha256(np.ascontiguousarray(self.pixels).tobytes()).hexdigest()
            object.__setattr__(self, "digest", found)


@dataclass(frozen=True, init=False)
class Guidance:
    """All that is said of a picture's colours.

    Attributes
    ----------
    hints
        In any order; the picture does not depend on it.
    carry
        How far hints go beyond their own objects, to what looks alike: 0 not at all, 1 as far as the network's errors
        are alike.
    references
        Pictures in colour.
    palette
        Colours that the picture should have, as `Hint.color` writes them.

    Raises
    ------
    UsageError
        There are more hints than `MOST_HINTS`, or `carry` is outside 0..1.
    """

    hints: tuple[Hint, ...] = ()
    carry: float = DEFAULT_CARRY
    references: tuple[Reference, ...] = ()
    palette: tuple[str, ...] = ()

    def __init__(
        self,
        hints: Iterable[Hint] = (),
        carry: float = DEFAULT_CARRY,
        references: Iterable[Reference] = (),
        palette: Iterable[str] = (),
    ) -> None:
        given = tuple(hints)
        if len(given) > MOST_HINTS:
            raise UsageError(f"{len(given)} hints; a picture takes {MOST_HINTS} at most, strokes and regions say more")
        object.__setattr__(self, "hints", given)
        object.__setattr__(self, "carry", _number(carry, "carry", 0, 1))
        object.__setattr__(self, "references", tuple(references))
        object.__setattr__(self, "palette", tuple(normal_color(color) for color in palette))

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return bool(self.hints or self.references or self.palette)

    def with_hints(self, *hints: Hint) -> Guidance:
        """The same, and these hints."""
        return replace_guidance(self, hints=(*self.hints, *hints))

    def without(self, hint: Hint) -> Guidance:
        """The same without a hint."""
        return replace_guidance(self, hints=tuple(other for other in self.hints if other != hint))

    def joined(self, other: Guidance) -> Guidance:
        """What both say; how far hints go is the other's."""
        return Guidance(
            (*self.hints, *other.hints),
            other.carry,
            (*self.references, *other.references),
            (*self.palette, *other.palette),
        )

    def of_page(self, page: int) -> Guidance:
        """What is said of one page, from 1; references and palettes hold for all."""
        return replace_guidance(self, hints=tuple(hint for hint in self.hints if hint.page == page))

    def of_frame(self, frame: int) -> Guidance:
        """What is said of one frame of a film, from 0: hints of that very frame, and references that hold there."""
        begun = [reference.frame for reference in self.references if reference.frame is not None]
        last = max((each for each in begun if each <= frame), default=None)
        return replace_guidance(
            self,
            hints=tuple(hint for hint in self.hints if hint.frame == frame),
            references=tuple(each for each in self.references if each.frame in (None, last)),
        )

    def describe(self) -> str:
        """In a few words, for reports: "guided by 3 hints, a reference"."""
        parts = [f"{len(self.hints)} hint{'s' * (len(self.hints) != 1)}"] if self.hints else []
        parts += [f"a reference ({each.role})" for each in self.references]
        parts += ["a palette"] if self.palette else []
        return f"guided by {', '.join(parts)}" if parts else ""

    def summary(self) -> dict[str, Any]:
        """How much was said, for the mark in a result (docs/mark.md); empty where it is nothing."""
        if not self:
            return {}
        found = {
            "hints": len(self.hints),
            "references": [each.role for each in self.references],
            "palette": len(self.palette),
        }
        return {name: value for name, value in found.items() if value} | {"carry": self.carry, "digest": self.digest()}

    def digest(self) -> str:
        """A short text that is another when the picture would be: the same for any order of hints."""
        if not self:
            return ""
        said = (
            sorted(repr(hint) for hint in self.hints),
            self.carry,
            sorted((each.role, each.digest, each.frame) for each in self.references),
            sorted(self.palette),
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def replace_guidance(guidance: Guidance, **changes: Any) -> Guidance:
    """`dataclasses.replace`, typed."""
    return replace(guidance, **changes)


def normal_color(color: object) -> str:
    """A colour in one form: "#b03028", "keep" or "grey".

    Raises
    ------
    UsageError
        It is none.
    """
    text = color.strip().lower() if isinstance(color, str) else ""
    if text in (KEEP, GREY, "gray"):
        return KEEP if text == KEEP else GREY
    if _HEXADECIMAL.fullmatch(text):
        return text if len(text) == 7 else "#" + "".join(2 * digit for digit in text[1:])
    from PIL.ImageColor import colormap, getrgb

    if text in colormap:
        red, green, blue = getrgb(text)[:3]
        return f"#{red:02x}{green:02x}{blue:02x}"
    shown = repr(color if not isinstance(color, str) or len(color) <= 40 else color[:40] + "...")
    raise UsageError(f"{shown} is no colour; expected #b03028, a name such as navy, keep or grey")


@lru_cache(maxsize=4096)
def ab_of(color: str) -> tuple[float, float]:
    """The chroma of "#rrggbb": a and b, CIE Lab units."""
    from colorizer.color.pixels import chroma_plane

    rgb = np.array([[[int(color[at : at + 2], 16) for at in (1, 3, 5)]]], np.uint8)
    a, b = chroma_plane(rgb)[0, 0]
    return float(a), float(b)


@lru_cache(maxsize=4096)
def hexadecimal_of(ab: tuple[float, float], lightness: float = 50.0) -> str:
    """A chroma as "#rrggbb", at a lightness; as much of it as sRGB holds there."""
    from colorizer.color.pixels import recombine

    light = np.full((1, 1), lightness, np.float32)
    red, green, blue = recombine(light, np.array([[ab]], np.float32), np.uint8)[0, 0]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _is_grey(pixels: npt.NDArray[Any]) -> bool:
    """Whether next to no place of a picture has colour; every so many pixels are looked at."""
    from colorizer.color.pixels import chroma_plane

    step = max(1, max(pixels.shape) // _EXAMINED_SIDE)
    ab = chroma_plane(np.ascontiguousarray(pixels[::step, ::step]))
    return float(np.percentile(np.hypot(ab[..., 0], ab[..., 1]), _EXAMINED_PERCENT)) < _GREY_CHROMA


def _place(point: Sequence[float], *, pixels: bool) -> Place:
    try:
        x, y = (float(value) for value in point)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{point!r} is no place; expected x and y") from error
    if not (math.isfinite(x) and math.isfinite(y)) or x < 0 or y < 0 or (not pixels and max(x, y) > 1):
        bounds = "whole numbers of pixels, from 0" if pixels else "fractions from 0 to 1"
        raise UsageError(f"{x:g},{y:g} is outside the picture; expected {bounds}")
    return x, y


def _number(value: object, name: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise UsageError(f"expected a number from {low:g} to {high:g}", option=OptionRef(name, repr(value)[:40]))
    return float(value)  # type: ignore[arg-type]


def _whole(value: object, name: str, low: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise UsageError(f"expected a whole number from {low}", option=OptionRef(name, repr(value)[:40]))
    return value
