"""The options of watching, defined once for the library, the command line and the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from colorizer.settings import check_options, option


@dataclass(frozen=True)
class WatchOptions:
    """When a file counts as complete, and how changes are noticed; validated when made.

    Raises
    ------
    UsageError
        A value is outside its range.
    """

    settle: float = option(
        2.0,
        "A file is complete when its size and its time of change have been at rest for so long.",
        low=0.1,
        high=86_400,
        metavar="SECONDS",
    )
    polling: Literal["auto", "on", "off"] = option(
        "auto",
        "Look at the folder now and then, in place of being told of changes by the system. auto does so on network "
        "drives, which tell of nothing that other machines do, and where the extra watch is missing.",
        choices=("auto", "on", "off"),
    )
    interval: float = option(
        10.0,
        "When polling: time between two looks, or longer where a look takes long.",
        low=0.1,
        high=86_400,
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        check_options(self)
