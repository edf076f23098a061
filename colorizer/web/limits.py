"""How much a server takes on: one definition for the command line, the code and the documentation."""

from __future__ import annotations

from dataclasses import dataclass

from colorizer.settings import check_options, option

MEBIBYTE = 1 << 20

SERVER_SETTINGS = ("model", "prototxt", "bin_centres", "weights_dir", "engine", "precision", "device", "threads")
"""The settings that are the server's own; a request says how its picture is coloured."""


@dataclass(frozen=True)
class Limits:
    """What is refused, and when somebody is given up; validated when made.

    Raises
    ------
    UsageError
        A value is outside its range.
    """

    max_upload: int = option(
        200 * MEBIBYTE, "Bytes of an upload.  [default: 200M]", low=1, high=1 << 40, metavar="BYTES"
    )
    max_pixels: int = option(100_000_000, "Pixels of a picture, all pages together.", low=1, high=1 << 40, metavar="N")
    max_waiting: int = option(
        64, "Pictures that wait for their turn; further ones are asked to come back.", low=1, high=10_000, metavar="N"
    )
    max_pictures: int = option(
        500, "Pictures that the page holds; newer ones push out the oldest.", low=1, high=100_000, metavar="N"
    )
    max_shelf: int = option(
        4096 * MEBIBYTE,
        "Bytes of temporary files for the page's pictures.  [default: 4G]",
        low=MEBIBYTE,
        high=1 << 50,
        metavar="BYTES",
    )
    idle: int = option(
        3600, "Seconds after which a picture that nobody asks for is deleted.", low=10, high=1 << 30, metavar="SECONDS"
    )
    upload_time: int = option(600, "Seconds that an upload may take.", low=1, high=86_400, metavar="SECONDS")
    patience: int = option(
        600, "Seconds that a request may wait for its result.", low=1, high=86_400, metavar="SECONDS"
    )
    max_connections: int = option(256, "Connections at a time.", low=2, high=65_536, metavar="N")

    def __post_init__(self) -> None:
        check_options(self)


HEAD_SECONDS = 10
"""In which the head of a request has to arrive, and in which something more of a body has to."""

MIN_RATE = 16_384
"""Bytes a second that an upload has to reach after its first `HEAD_SECONDS`; a modem of 1998 is slower."""

STALL_SECONDS = 60
"""After which a client that takes none of its answer is cut off."""

MAX_HEAD = 32_768
"""Bytes of a request's head."""

MAX_JSON = MEBIBYTE
"""Bytes of a body that is JSON."""

MAX_POLL = 60
"""Seconds for which a client may have a picture's state watched in one request."""

MAX_NETWORK_SIZE = 512
"""Of what the network sees: the command allows more, which takes gigabytes."""

TILE_SIDE = 512
"""Pixels of the side of a piece of a picture; those at the right and lower edge may have fewer."""

MAX_LEVEL = 8
"""How often a piece may be halved: a picture of 131,072 pixels is then in one."""

MAX_PIECES = 1 << 24
"""In a row or column, of any picture."""
