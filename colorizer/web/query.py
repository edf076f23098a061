"""Options in a query, named as on the command line, from the same definitions; and what else a query may hold.

Everything is refused that is unknown, given twice, or no plain number: what a server guesses today is what it is asked
for tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from colorizer.guidance.variants import MOST as MOST_VARIANTS
from colorizer.media.options import Output
from colorizer.settings import AUTO_SIZE, MOST_LOOKS, Option, Settings, Sizes, declared_type, option_of, read_sizes
from colorizer.web.limits import MAX_LEVEL, MAX_NETWORK_SIZE, MAX_PIECES, MAX_POLL, TILE_SIDE
from colorizer.web.problems import ProblemError

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_MAX_PARAMETERS = 32
MAX_NAME_LENGTH = 1024

MAX_HINTS_LENGTH = 16_384
"""In a query; pictures of the page take longer ones."""


@dataclass(frozen=True)
class Parameter:
    """One that a query may hold.

    Attributes
    ----------
    name
        As it stands in the query.
    kind
        `str`, `int`, `float` or `bool`; `tuple` for `Settings.size`, which is auto, a whole number or several.
    option
        Its help and range.
    default
        Where it is not given.
    """

    name: str
    kind: type
    option: Option
    default: Any = None

    def read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises
        ------
        ProblemError
            It is none; the problem says what is expected.
        """
        if self.kind is bool:
            if text not in _BOOLEANS:
                raise self._refused("true or false")
            return _BOOLEANS[text]
        if self.kind is str:
            if self.option.choices and text not in self.option.choices:
                raise self._refused(f"one of {', '.join(self.option.choices)}")
            most = MAX_HINTS_LENGTH if self.name == "hints" else MAX_NAME_LENGTH
            if len(text) > most:
                raise self._refused(f"at most {most} characters")
            return text
        if self.kind is tuple:
            return text if text == AUTO_SIZE else self._sizes(text)
        pattern = _WHOLE if self.kind is int else _NUMBER
        value = self.kind(text) if pattern.fullmatch(text) else None
        if value is None or not self.option.low <= value <= self.option.high:
            kind = "a whole number" if self.kind is int else "a number"
            raise self._refused(f"{kind} from {self.option.low:g} to {self.option.high:g}")
        return value

    def _sizes(self, text: str) -> Sizes:
        parts = text.split(",")
        low, high = self.option.low, self.option.high
        if len(parts) > MOST_LOOKS or not all(_WHOLE.fullmatch(part) and low <= int(part) <= high for part in parts):
            raise self._refused(
                f"a whole number from {low:g} to {high:g}, up to {MOST_LOOKS} of them with commas between, or auto"
            )
        return read_sizes(text)

    def _refused(self, expected: str) -> ProblemError:
        return ProblemError(400, f"{self.name}: expected {expected}")


def _from_dataclass(kind: type, *names: str) -> Iterable[Parameter]:
    kinds: dict[str, type] = {"float": float, "int": int, "bool": bool, "Sizes": tuple}
    for item in fields(kind):
        if item.name in names:
            name = item.name.replace("_", "-")
            yield Parameter(name, kinds.get(declared_type(item), str), option_of(item), item.default)


MODEL = Parameter("model", str, Option("Network: a name of /api/models; the server's own where it is not given."), "")
NAME = Parameter("name", str, Option("The picture's file name, for messages and for the result's name."), "")

_CHROMA = tuple(_from_dataclass(Settings, "temperature", "saturation", "strength"))
_KEEP_COLOR = tuple(_from_dataclass(Settings, "keep_color"))
_SEEING = tuple(
    replace(item, option=replace(item.option, high=MAX_NETWORK_SIZE)) if item.name == "size" else item
    for item in _from_dataclass(Settings, "fit", "size", "fast")
)
_WRITING = (
    *_from_dataclass(Output, "format", "quality", "subsampling", "profile", "keep_luma"),
    Parameter("mark", bool, Option("Say in the result's metadata that its colours were computed."), True),
)

HINTS = Parameter("hints", str, Option(f"A hints file's text, at most {MAX_HINTS_LENGTH} characters."), "")

COLORIZE = (MODEL, NAME, HINTS, *_CHROMA, *_SEEING, *_KEEP_COLOR, *_WRITING)
"""Of POST /api/colorize."""

FAST = next(item for item in _SEEING if item.name == "fast")

ADD = (MODEL, NAME, FAST)
"""Of POST /api/pictures."""

RECOLOR = (MODEL, FAST)
"""Of POST /api/pictures/ID/model."""

RESULT = (*_CHROMA, *_WRITING)
"""Of GET /api/pictures/ID/result."""

SIDE = Parameter("side", int, Option("Longest side of the answer, in pixels; never enlarged.", 16, 2048), 1600)
BEFORE = (SIDE,)
VARIANT = Parameter("variant", int, Option("Show the proposal of this number, beside the hints.", 1, MOST_VARIANTS))
AFTER = (SIDE, VARIANT, *_CHROMA)

SWATCHES = (
    Parameter("x", float, Option("Place, as a fraction of the width.", 0, 1), 0.5),
    Parameter("y", float, Option("Place, as a fraction of the height.", 0, 1), 0.5),
    *_CHROMA,
)
"""Of GET /api/pictures/ID/swatches."""

VARIANTS = (Parameter("count", int, Option("How many proposals at most.", 1, MOST_VARIANTS), 4), *_CHROMA)
"""Of GET /api/pictures/ID/variants."""

_PLACE = (
    Parameter("level", int, Option("How often the piece is halved; 0: the picture's own pixels.", 0, MAX_LEVEL), 0),
    Parameter("column", int, Option(f"Of pieces with {TILE_SIDE} pixels a side, from 0.", 0, MAX_PIECES), 0),
    Parameter("row", int, Option("Likewise, downwards.", 0, MAX_PIECES), 0),
)
TILE_BEFORE = _PLACE
TILE_AFTER = (*_PLACE, *_CHROMA)
"""Of GET /api/pictures/ID/before/tile and .../after/tile."""

WATCH = (
    Parameter("wait", float, Option("Seconds to wait for another state.", 0, MAX_POLL), 0.0),
    Parameter(
        "state",
        str,
        Option("The state that is known already.", choices=("waiting", "working", "ready", "failed")),
        "",
    ),
)
"""Of GET /api/pictures/ID."""

TOKEN = Parameter("token", str, Option("What the server printed at its start."), "")


def of_request(request: Request, known: Iterable[Parameter]) -> dict[str, Any]:
    """The values of a request's parameters; see `read_query`.

    Raises
    ------
    ProblemError
        One is unknown, given twice, or not what is expected.
    """
    return read_query(request.scope["query_string"], known)


def read_query(query: bytes, known: Iterable[Parameter]) -> dict[str, Any]:
    """The values of all parameters, by name, those not given at their defaults.

    Raises
    ------
    ProblemError
        One is unknown, given twice, or not what is expected.
    """
    parameters = {item.name: item for item in known}
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError as error:  # which a UnicodeDecodeError is too
        raise ProblemError(400, "the query is not well-formed: expected name=value&name=value in UTF-8") from error
    return read_values(pairs, parameters)


def read_values(pairs: Iterable[tuple[str, str]], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The values of parameters by name, those not given at their defaults.

    Parameters
    ----------
    pairs
        Names and texts as they were given.
    parameters
        Those there are, by name.

    Raises
    ------
    ProblemError
        One is unknown, given twice, or not what is expected.
    """
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name not in parameters:
            listed = ", ".join(parameters) if parameters else "none"
            raise ProblemError(400, f"unknown option {_quoted(name)}; there are: {listed}")
        if name in values:
            raise ProblemError(400, f"{name}: given twice; leave one of them out")
        values[name] = parameters[name].read(text)
    return {item.name: item.default for item in parameters.values()} | values


def settings_of(values: Mapping[str, Any], model: str) -> Settings:
    """The settings that a query asks for; what it does not name stays at its default.

    Raises
    ------
    UsageError
        Two of them exclude each other.
    """
    names = {item.name for item in (*_CHROMA, *_SEEING, *_KEEP_COLOR)} & values.keys()
    return Settings(model=model, **{name.replace("-", "_"): values[name] for name in names})


def output_of(values: Mapping[str, Any]) -> Output:
    """How a query wants its result written."""
    names = {item.name for item in _WRITING} & values.keys() - {"mark"}
    return Output(**{name.replace("-", "_"): values[name] for name in names}, no_mark=not values.get("mark", True))


def _quoted(text: str) -> str:
    shortened = text if len(text) <= 40 else text[:40] + "..."
    return repr(shortened)
