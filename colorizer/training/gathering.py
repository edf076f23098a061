"""The photographs of a run: found, looked through, and parted into those to learn from and those to validate on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

from colorizer.errors import TrainingError, shown
from colorizer.training.data.photographs import Photographs, base_name, looked_through, sources, split
from colorizer.training.listening import Listener
from colorizer.training.recipe import LiteRecipe, Recipe
from colorizer.training.request import Request

LEAST_PHOTOGRAPHS = 2

FEW = 200
"""Photographs below which a network is sure to learn them by heart."""

KEPT_LARGER = 1.25
"""Photographs are held so many times as large as the network sees them, for crops to be sharp."""


def gather(request: Request, recipe: Recipe, listener: Listener) -> tuple[Photographs, Photographs]:
    """Those to learn from, and those to validate on.

    Raises
    ------
    TrainingError
        Too few, or all of them grey, or one of the two parts is empty.
    InputError
        A folder or file is missing, or cannot be read.
    """
    largest = max((recipe.size, *recipe.sizes)) if isinstance(recipe, LiteRecipe) else recipe.size
    side = math.ceil(largest * KEPT_LARGER)
    learn = _looked(request.photographs, side, listener)
    if len(learn) < LEAST_PHOTOGRAPHS and not request.validate:
        raise _too_few(request.photographs, len(learn))
    if not request.validate:
        learn, validate = split(learn, request.validation_share)
    else:
        validate = _looked(request.validate, side, listener)
        if not len(learn) or not len(validate):
            raise _too_few(request.validate if len(learn) else request.photographs, 0)
    listener.remark(f"{len(learn)} photographs to learn from, {len(validate)} to validate on")
    if len(learn) < FEW:
        listener.remark(
            f"{len(learn)} photographs are few: a network learns them by heart and colours others hardly better; "
            "several hundred are wanted, and thousands are better"
        )
    return learn, validate


def _looked(inputs: Sequence[Path], side: int, listener: Listener) -> Photographs:
    found = Photographs(sources(inputs), side)
    listener.begin("reading photographs", len(found))
    try:
        done = looked_through(found, listener.advance)
    finally:
        listener.end()
    for error in done.unreadable:
        listener.remark(error.message)
    if done.unreadable or done.grey:
        listener.remark(
            f"left out: {len(done.grey)} photographs without colour, {len(done.unreadable)} that cannot be read"
        )
    if len(found) and not len(done.usable) and done.grey:
        raise TrainingError(
            f"{', '.join(map(shown, inputs))}: all photographs are grey, and there are no colours to learn; "
            "give colour photographs"
        )
    return done.usable


def _too_few(inputs: Sequence[Path], count: int) -> TrainingError:
    names = ", ".join(map(shown, inputs))
    return TrainingError(
        f"{names}: {count or 'no'} colour photograph{'s' * (count != 1)}, too few to train on and to validate; "
        "name folders or tar files with more"
    )


def fingerprint(*parts: Photographs) -> str:
    """Tells the photographs of one run from those of another, by their names."""
    digest = hashlib.sha256()
    for part in parts:
        for source in part.sources:
            digest.update(f"{base_name(source.name)}\0".encode("utf-8", "surrogateescape"))
        digest.update(b"\1")
    return digest.hexdigest()[:16]
