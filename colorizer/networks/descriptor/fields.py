"""The fields of JSON's objects, each checked; an error is one line that names the field and says what it may be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from colorizer.errors import WeightsError, shown

_KINDS = {int: "a whole number", str: "text", dict: "an object in braces", list: "a list", bool: "true or false"}


@dataclass(frozen=True)
class Fields:
    """Reads fields; all its methods raise a `WeightsError` where one is wrong.

    Parameters
    ----------
    name
        Where the JSON comes from, for messages.
    """

    name: str

    def numbers(
        self, item: Mapping[str, Any], key: str, where: str, count: int, default: float | None
    ) -> tuple[float, ...]:
        """Numbers, one for each of `count` channels; one that stands alone is for all."""
        value = item.get(key, default)
        listed = value if isinstance(value, list) else [value] * count
        right = len(listed) == count and all(
            isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in listed
        )
        if not right:
            many = f", or a list of {count}" if count > 1 else ""
            raise self.wrong(f"{where}.{key}", "is missing" if value is None else f"must be a number{many}")
        return tuple(float(each) for each in listed)

    def no_zero(self, values: Sequence[float], where: str) -> None:
        """Refuse 0 among factors."""
        if 0.0 in values:
            raise self.wrong(where, "cannot be 0")

    def choice(
        self, item: Mapping[str, Any], key: str, choices: tuple[str, ...], where: str, default: str | None = None
    ) -> Any:
        """One of several words."""
        value = item.get(key, default)
        if value not in choices:
            said = "is missing; it may be" if value is None else "must be"
            raise self.wrong(f"{where}.{key}" if where else key, f"{said} {' or '.join(choices)}")
        return value

    def get(self, item: Mapping[str, Any], key: str, kind: type, where: str, default: Any = None) -> Any:
        """A field of a kind."""
        value = item.get(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            said = "is missing" if value is None else f"must be {_KINDS[kind]}"
            raise self.wrong(f"{where}.{key}" if where else key, said)
        return value

    def known(self, item: Any, keys: set[str], where: str) -> None:
        """Refuse what is no object, and fields that there are not."""
        if not isinstance(item, Mapping):
            raise self.wrong(where or "a descriptor", "must be an object in braces")
        for key in item:
            if key not in keys:
                named = f"{where}.{key}" if where else str(key)
                raise self.wrong(shown(named), f"is no field; there are {', '.join(sorted(keys))}")

    def wrong(self, where: str, why: str) -> WeightsError:
        """The error that a field deserves."""
        return WeightsError(f"{self.name}: {where!r} {why}")

    def range(self, given: Any, where: str) -> tuple[float, float]:
        """The first and the last of '0..255' or [0, 255]."""
        parts = given.split("..") if isinstance(given, str) else given
        try:
            low, high = (float(part) for part in parts)
        except (TypeError, ValueError):
            raise self.wrong(where, "must be like '0..255', [0, 255], or imagenet") from None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise self.wrong(where, "must rise from its first number to its second")
        return low, high
