"""What is to be told of a result for good, in reports and in the journal: hashes, pages, and when it was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone


@dataclass(frozen=True)
class Facts:
    """Of a result; what is not known is empty.

    Attributes
    ----------
    input_sha256, output_sha256
        Of both files, whole.
    pages
        How many photographs are in it.
    time
        When it was complete: UTC, as ISO 8601 has it, to the second.
    """

    input_sha256: str = ""
    output_sha256: str = ""
    pages: int = 0
    time: str = ""


def utc(seconds: float) -> str:
    """A time since 1970, as `Facts.time` has it."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
