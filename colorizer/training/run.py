"""Training from end to end: photographs in, a folder out that `model` takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from colorizer.errors import MissingExtraError, OptionRef, OutputError, UsageError, shown
from colorizer.training.catalog import LITE, Trainable, trainable
from colorizer.training.gathering import gather
from colorizer.training.listening import Listener, Silence
from colorizer.training.listing import trained_by
from colorizer.training.recipe import LiteRecipe, PlainRecipe, Recipe, changed
from colorizer.training.request import Outcome, Request

if TYPE_CHECKING:
    from torch import nn

    from colorizer.training.loop import Run

SHOWN = 8

RATE_OF_GOING_ON = 0.25
"""Of a recipe's learning rate, where training begins from trained weights and nobody says otherwise."""

_SILENCE = Silence()


def train(request: Request, listener: Listener = _SILENCE) -> Outcome:
    """Train a network, or go on with it.

    Parameters
    ----------
    request
        What, on what, for how long.
    listener
        Hears of it.

    Raises
    ------
    UsageError
        There is no such network, or the recipe cannot be what is asked for.
    TrainingError
        Too few photographs, no memory, another run in the folder.
    InputError
        Photographs cannot be found.
    WeightsError
        What to start from is no such network.
    MissingExtraError
        PyTorch or what writes ONNX is not installed.
    OutputError
        The folder cannot be written to.
    """
    which = trainable(request.network)
    recipe = _recipe(request, which)
    which.check_size(recipe.size)
    which.check_batch(recipe.batch)
    _check_others(which, recipe, request)
    check_pytorch(which)
    from colorizer.training.beginning import begin, chosen_device

    device = chosen_device(request.device)
    _make(request.out)
    learn, validate = gather(request, recipe, listener)
    if recipe.batch > len(learn):
        which.check_batch(len(learn))
        recipe = changed(recipe, {"batch": len(learn)})
    with _one_thread_in_opencv():
        run, network = begin(request, which, recipe, learn=learn, validate=validate, device=device, listener=listener)
        finished = run.train()
        return _written(request, which, recipe, run=run, network=network, learnt=len(learn), finished=finished)


@contextmanager
def _one_thread_in_opencv() -> Iterator[None]:
    """Within this, OpenCV computes in the thread that calls it: batches are prepared by threads of our own."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def check_pytorch(which: Trainable) -> None:
    """Refuse what would fail later for want of a package.

    Raises
    ------
    MissingExtraError
        PyTorch or what writes ONNX is not installed.
    """
    try:
        import torch  # noqa: F401 - whether it is there
    except ImportError as error:
        raise MissingExtraError("training", "PyTorch", "train") from error
    if which.name != LITE:
        from colorizer.training.export import check_installed

        check_installed()


def _recipe(request: Request, which: Trainable) -> Recipe:
    changes = dict(request.changes)
    if request.start and "rate" not in changes:
        changes["rate"] = which.recipe.rate * RATE_OF_GOING_ON
    return changed(which.recipe, changes)


def _check_others(which: Trainable, recipe: Recipe, request: Request) -> None:
    if not 0 <= request.validation_share < 1:
        raise UsageError("must be 0 or more and below 1", option=_option("validation_share", request.validation_share))
    if request.minutes is not None and not (math.isfinite(request.minutes) and request.minutes > 0):
        raise UsageError("must be above 0", option=_option("minutes", request.minutes))
    if request.encoder_weights and not which.backbone:
        raise UsageError(f"{which.name} has no encoder of others' making", option=OptionRef("encoder_weights"))
    if isinstance(recipe, PlainRecipe) and recipe.adversarial and not which.discriminator:
        raise UsageError(
            f"{which.name} has no discriminator", option=_option("set", f"adversarial={recipe.adversarial:g}")
        )
    if recipe.smallest_crop > recipe.largest_crop:
        raise UsageError(
            f"must not be above largest_crop, {recipe.largest_crop:g}",
            option=_option("set", f"smallest_crop={recipe.smallest_crop:g}"),
        )
    if isinstance(recipe, LiteRecipe):
        if recipe.mixed_sizes and not recipe.sizes:
            raise UsageError("needs sizes to mix, such as sizes=160,224,320", option=_option("set", "mixed_sizes=yes"))
        for size in recipe.sizes:
            which.check_size(size)
        if bool(recipe.teachers) != bool(recipe.teaching):
            raise UsageError("teachers and their share of the loss (teaching) come together", option=OptionRef("set"))


def _option(name: str, value: object) -> OptionRef:
    return OptionRef(name, str(value))


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{shown(out)}: cannot be made ({error.strerror}); choose another folder") from error


def _written(
    request: Request, which: Trainable, recipe: Recipe, *, run: Run, network: nn.Module, learnt: int, finished: bool
) -> Outcome:
    from colorizer.training.export import export
    from colorizer.training.page import write_page

    state = run.state
    if not finished or not state.best:
        return Outcome(finished, None, None, None)
    run.keep_best()
    loss, optimizer = trained_by(recipe)
    facts = (
        f"{learnt} photographs, {state.step} steps of {recipe.batch} pictures at {recipe.size} x {recipe.size} pixels, "
        f"{state.seconds / 60:.1f} minutes; loss: {loss}; {optimizer} at {recipe.rate:g}."
    )
    page = write_page(request.out, which, facts, state.rows, run.pictures(SHOWN))
    model = export(network.to("cpu").float(), which, recipe.size, request.out)
    return Outcome(finished, model, page, state.rows[state.best_row])
