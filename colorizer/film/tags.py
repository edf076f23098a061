"""What a film says of its making, where its container holds it: docs/mark.md."""

from __future__ import annotations

from collections.abc import Mapping

from colorizer.networks.making import Making

_ANY_TAG = ("matroska", "webm")
"""Containers that hold tags of any name; the others know a few, among them "comment"."""

TAG = "COLORIZE"


def making_tags(making: Making, container: str, taken: Mapping[str, str]) -> dict[str, str]:
    """Tags to add to a film's own.

    Parameters
    ----------
    making
        How its colours were made.
    container
        As FFmpeg calls it.
    taken
        The tags that the film has; none of them is replaced.
    """
    if container in _ANY_TAG:
        return {TAG: making.as_json()}
    if any(key.lower() == "comment" for key in taken):
        return {}
    return {"comment": f"{TAG} {making.as_json()}"}


def making_in(tags: Mapping[str, str]) -> str:
    """What a film's tags say of its making, as one line of JSON; "" where they say nothing."""
    for key, value in tags.items():
        if key.upper() == TAG:
            return value
        if key.lower() == "comment" and value.startswith(f"{TAG} "):
            return value.removeprefix(f"{TAG} ")
    return ""
