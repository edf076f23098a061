"""What a run begins with: the network, with whatever weights it is to have, and the way that it learns."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch
from torch import nn

from colorizer.errors import OptionRef, TrainingError, UsageError, shown
from colorizer.io.machine import usable_cores
from colorizer.training import checkpoints
from colorizer.training.catalog import LITE, Trainable
from colorizer.training.data.feed import Feed
from colorizer.training.data.photographs import Photographs
from colorizer.training.encoder_weights import fill
from colorizer.training.gathering import fingerprint
from colorizer.training.listening import Listener
from colorizer.training.lite.files import load
from colorizer.training.lite.network import Lite
from colorizer.training.lite.objective import Classification, prior
from colorizer.training.loop import Budget, Run
from colorizer.training.objectives import Adversarial, Objective, Plain
from colorizer.training.recipe import LiteRecipe, PlainRecipe, Recipe
from colorizer.training.request import Request
from colorizer.training.validation import ValidationSet

MOST_FEEDING = 4
"""Threads that prepare batches, and no more than half of the cores."""


def chosen_device(name: str) -> torch.device:
    """The device of that name, or the fastest kind for "auto".

    Raises
    ------
    UsageError
        PyTorch finds none.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(each for each in ("cuda", "mps", "cpu") if there[each]))
    if not there.get(name):
        raise UsageError(
            f"PyTorch finds none here; there is {', '.join(each for each, found in there.items() if found)}",
            option=OptionRef("device", name),
        )
    return torch.device(name)


def network_of(request: Request, which: Trainable, recipe: Recipe, listener: Listener) -> tuple[nn.Module, bool]:
    """The network to begin with, and whether an encoder of others' making is trained with it.

    Raises
    ------
    TrainingError, WeightsError, UsageError, MissingExtraError
        Weights that it is to have cannot be read, fetched, or are another network's.
    """
    if which.name == LITE and request.start:
        return load(request.start), False
    trained_encoder = bool(which.backbone) and not request.encoder_weights and not request.start
    if isinstance(recipe, LiteRecipe):
        network: nn.Module = Lite(encoder=recipe.encoder)
    else:
        network = which.build(trained_encoder=trained_encoder)
    if request.encoder_weights:
        if isinstance(recipe, LiteRecipe):
            fill(network.encoder, which.backbone, request.encoder_weights, str(recipe.encoder))
        else:
            fill(network.backbone, which.backbone, request.encoder_weights)
    elif trained_encoder:
        listener.remark(
            f"{which.backbone} has no weights (encoder_weights names a file of them): it is trained with the rest, "
            "which takes far more photographs and time"
        )
    if request.start:
        _load_start(network, which, Path(request.start))
    return network, trained_encoder


def _load_start(network: nn.Module, which: Trainable, folder: Path) -> None:
    path = folder / checkpoints.NAME if folder.is_dir() else folder
    content = checkpoints.load(path)
    weights = content["best"] or content["objective"]["network"]
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(
            f"{shown(path)}: no run of {which.name}, so there is nothing to begin from; name another folder"
        ) from error


def objective_of(
    which: Trainable,
    network: nn.Module,
    recipe: Recipe,
    learn: Photographs,
    device: torch.device,
    *,
    trained_encoder: bool,
) -> Objective:
    """How a network learns by its recipe."""
    if isinstance(recipe, PlainRecipe):
        if recipe.adversarial:
            return Adversarial(network, which.build_discriminator(), recipe, device)
        return Plain(network, recipe, device)
    of_lite = cast("LiteRecipe", recipe)  # the only other kind
    classes = prior(learn, which.contract, of_lite)
    return Classification(network, of_lite, which.contract, classes, device, trained_encoder=trained_encoder)


def begin(
    request: Request,
    which: Trainable,
    recipe: Recipe,
    *,
    learn: Photographs,
    validate: Photographs,
    device: torch.device,
    listener: Listener,
) -> tuple[Run, nn.Module]:
    """A run that is ready to train, begun or resumed, and its network.

    Raises
    ------
    TrainingError
        The folder holds another run.
    WeightsError, UsageError, MissingExtraError
        Weights that it is to begin with cannot be read, fetched, or are another network's.
    """
    torch.set_num_threads(request.threads or usable_cores())
    torch.manual_seed(recipe.seed)
    network, trained_encoder = network_of(request, which, recipe, listener)
    objective = objective_of(which, network, recipe, learn, device, trained_encoder=trained_encoder)
    feed = Feed(learn, which.contract, recipe, threads=max(1, min(MOST_FEEDING, usable_cores() // 2)))
    plan = {
        "network": which.name,
        "recipe": asdict(recipe),
        "photographs": fingerprint(learn, validate),
        "encoder": request.encoder_weights or "",
        "start": request.start or "",
    }
    validation = ValidationSet(validate, which.contract, recipe.size, request.validation_pictures)
    budget = Budget(_steps(request, recipe, feed), request.minutes, request.patience)
    run = Run(
        objective,
        recipe=recipe,
        feed=feed,
        validation=validation,
        folder=request.out,
        plan=plan,
        budget=budget,
        save_every=request.save_every,
        listener=listener,
        measure_first=bool(request.start),
    )
    return run, network


def _steps(request: Request, recipe: Recipe, feed: Feed) -> int | None:
    if request.steps is not None:
        return request.steps
    if request.epochs is not None:
        return request.epochs * feed.per_epoch
    return None if request.minutes is not None else recipe.epochs * feed.per_epoch
