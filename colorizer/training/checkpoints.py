"""Checkpoints: all of a run in one file that appears whole, is read without running code, and says whose it is."""

from __future__ import annotations

import errno
import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from colorizer.errors import DiskFullError, Remedy, TrainingError, shown
from colorizer.io.atomic import writing

NAME = "checkpoint.pth"

VERSION = 1

_AFRESH = "remove it to begin afresh"


def save(folder: Path, content: Mapping[str, Any], *, when: str) -> None:
    """Write a run's checkpoint, or leave the last one.

    Parameters
    ----------
    folder
        The run's.
    content
        What `torch.save` takes and a load without code gives back.
    when
        Until when there is an older one, for the message.

    Raises
    ------
    DiskFullError
        There is no room for it.
    OutputError
        It cannot be written.
    """
    path = folder / NAME
    try:
        with writing(path) as file:
            _write({"version": VERSION, **content}, file)
    except DiskFullError as error:
        raise DiskFullError(error.message.text, remedy=Remedy.GO_ON, when=when) from error


def _write(content: Mapping[str, Any], file: BinaryIO) -> None:
    try:
        torch.save(content, file)
    except RuntimeError as error:  # what PyTorch makes of a write that failed
        if isinstance(error.__context__, OSError):
            raise error.__context__ from error
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error


def load(path: Path) -> dict[str, Any]:
    """A checkpoint's content, on the CPU.

    Raises
    ------
    TrainingError
        It cannot be read, or is none.
    """
    name = shown(path)
    try:
        with path.open("rb") as file:
            whole = zipfile.is_zipfile(file)
        content = torch.load(path, map_location="cpu", weights_only=True) if whole else None
    except OSError as error:
        raise TrainingError(f"{name}: cannot be read ({error.strerror})") from error
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise TrainingError(f"{name}: no checkpoint of a training run, or a damaged one", remedy=_AFRESH) from error
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise TrainingError(f"{name}: no checkpoint of a training run, or a damaged one", remedy=_AFRESH)
    return content


def check_same(path: Path, content: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    """Refuse to go on with another network, another recipe, or other photographs.

    Raises
    ------
    TrainingError
        With what differs.
    """
    before: dict[str, Any] = json.loads(content["plan"])
    if before["network"] != plan["network"]:
        text = f"{shown(path)}: belongs to a run of {before['network']}, and {plan['network']} is asked for"
        raise TrainingError(text, remedy=Remedy.ANOTHER_RUN)
    now: dict[str, Any] = json.loads(json.dumps(plan))
    different = [name for name, value in now["recipe"].items() if before["recipe"].get(name) != value]
    different += [name for name in ("photographs", "encoder", "start") if before.get(name) != now.get(name)]
    if different:
        text = f"{shown(path)}: belongs to a run that was begun otherwise ({', '.join(different)} differ)"
        raise TrainingError(text, remedy=Remedy.ANOTHER_RUN)
