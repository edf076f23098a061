"""How much a server takes on: one definition for the command line, the code and the documentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from colorizer.settings import Option, check_options

MEBIBYTE = 1 << 20


def _option(default: Any, help: str, low: float, high: float, metavar: str) -> Any:  # noqa: A002 - click's word for it
    return field(default=default, metadata={"option": Option(help, low, high, metavar=metavar)})


@dataclass(frozen=True)
class Limits:
    """What is refused, and when somebody is given up; validated when made.

    Raises
    ------
    UsageError
        A value is outside its range.
    """

    max_upload: int = _option(200 * MEBIBYTE, "Bytes of an upload.  [default: 200M]", 1, 1 << 40, "BYTES")
    max_pixels: int = _option(100_000_000, "Pixels of a picture, all pages together.", 1, 1 << 40, "N")
    max_waiting: int = _option(
        64, "Pictures that wait for their turn; further ones are asked to come back.", 1, 10_000, "N"
    )
    max_pictures: int = _option(500, "Pictures that the page holds; newer ones push out the oldest.", 1, 100_000, "N")
    max_shelf: int = _option(
        4096 * MEBIBYTE, "Bytes of temporary files for the page's pictures.  [default: 4G]", MEBIBYTE, 1 << 50, "BYTES"
    )
    idle: int = _option(3600, "Seconds after which a picture that nobody asks for is deleted.", 10, 1 << 30, "SECONDS")
    upload_time: int = _option(600, "Seconds that an upload may take.", 1, 86_400, "SECONDS")
    patience: int = _option(600, "Seconds that a request may wait for its result.", 1, 86_400, "SECONDS")
    max_connections: int = _option(256, "Connections at a time.", 2, 65_536, "N")

    def __post_init__(self) -> None:
        check_options(self)


HEAD_SECONDS = 10
"""In which the head of a request has to arrive, and in which something more of a body has to."""

LEAST_RATE = 16_384
"""Bytes a second that an upload has to reach after its first `HEAD_SECONDS`; a modem of 1998 is slower."""

STALL_SECONDS = 60
"""After which a client that takes none of its answer is cut off."""

MAX_HEAD = 32_768
"""Bytes of a request's head."""

MAX_JSON = MEBIBYTE
"""Bytes of a body that is JSON."""

MAX_POLL = 60
"""Seconds for which a client may have a picture's state watched in one request."""

LARGEST_SIZE = 512
"""Of what the network sees: the command allows more, which takes gigabytes."""
