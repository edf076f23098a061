"""Training from end to end: photographs in, a folder out that `model` takes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from colorizer.errors import MissingExtraError, OptionRef, OutputError, TrainingError, UsageError, shown
from colorizer.io.machine import usable_cores
from colorizer.training.catalog import LITE, Trainable, trainable
from colorizer.training.data.feed import Feed
from colorizer.training.data.photographs import Photographs, base_name, looked_through, sources, split
from colorizer.training.listening import Listener, Silence
from colorizer.training.listing import trained_by
from colorizer.training.recipe import LiteRecipe, Recipe, changed

if TYPE_CHECKING:
    import torch
    from torch import nn

    from colorizer.training.loop import Run
    from colorizer.training.objectives import Objective
    from colorizer.training.record import Row

LEAST_PHOTOGRAPHS = 2

FEW = 200
"""Photographs below which a network is sure to learn them by heart."""

KEPT_LARGER = 1.25
"""Photographs are held so many times as large as the network sees them, for crops to be sharp."""

MOST_FEEDING = 4
"""Threads that prepare batches, and no more than half of the cores."""

SHOWN = 8

RATE_OF_GOING_ON = 0.25
"""Of a recipe's learning rate, where training begins from trained weights and nobody says otherwise."""

_SILENCE = Silence()


@dataclass(frozen=True)
class Request:
    """What to train, on what, for how long.

    Attributes
    ----------
    network
        Its name in the catalogue.
    photographs
        Folders, tars, lists, pictures.
    out
        Folder for all that comes of it.
    validate
        Photographs to validate on; none: a share of the others.
    validation_share
        That share, 0..1.
    validation_pictures
        So many are measured at most.
    start
        Begin from what was trained before: the folder of a run; for `lite` also a model's name, file or folder.
    encoder_weights
        Of an encoder that is to stay frozen: a file, or "timm".
    changes
        Fields of the recipe that are to have other values, or texts that say them.
    epochs, steps, minutes
        How long; the recipe's epochs where nothing is said.
    patience
        Validations without a better loss after which it ends; 0: never.
    device
        "cpu", "cuda", "mps", or "auto".
    threads
        Of the network on a CPU; None: all cores.
    save_every
        Minutes between checkpoints.
    """

    network: str
    photographs: tuple[Path, ...]
    out: Path
    validate: tuple[Path, ...] = ()
    validation_share: float = 0.1
    validation_pictures: int = 64
    start: str | None = None
    encoder_weights: str | None = None
    changes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    patience: int = 10
    device: str = "auto"
    threads: int | None = None
    save_every: float = 5.0


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    finished
        Whether it came to its end; otherwise the same request goes on.
    model
        The file of the network that was written; None where it was stopped before.
    report
        The page.
    best
        Figures of the weights that were kept; None where none were measured.
    """

    finished: bool
    model: Path | None
    report: Path | None
    best: Row | None


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
    _make(request.out)
    learn, validate = _photographs(request, recipe, listener)
    if recipe.batch > len(learn):
        which.check_batch(len(learn))
        recipe = changed(recipe, {"batch": len(learn)})

    device = _device(request.device)
    run, network = _begun(request, which, recipe, learn=learn, validate=validate, device=device, listener=listener)
    finished = run.train()
    return _written(request, which, recipe, run=run, network=network, learnt=len(learn), finished=finished)


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
    if isinstance(recipe, LiteRecipe):
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


def _photographs(request: Request, recipe: Recipe, listener: Listener) -> tuple[Photographs, Photographs]:
    """Those to learn from, and those to validate on."""
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


def _device(name: str) -> torch.device:
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(each for each in ("cuda", "mps", "cpu") if there[each]))
    if not there.get(name):
        raise UsageError(
            f"PyTorch finds none here; there is {', '.join(each for each, found in there.items() if found)}",
            option=OptionRef("device", name),
        )
    return torch.device(name)


def _begun(
    request: Request,
    which: Trainable,
    recipe: Recipe,
    *,
    learn: Photographs,
    validate: Photographs,
    device: torch.device,
    listener: Listener,
) -> tuple[Run, nn.Module]:
    import cv2
    import torch

    from colorizer.training.loop import Budget, Run
    from colorizer.training.validation import ValidationSet

    cv2.setNumThreads(1)  # batches are prepared by threads of our own
    torch.set_num_threads(request.threads or usable_cores())
    torch.manual_seed(recipe.seed)
    network, trained_encoder = _network(request, which, recipe, listener)
    objective = _objective(which, network, recipe, learn, device, trained_encoder=trained_encoder)
    feed = Feed(learn, which.contract, recipe, threads=max(1, min(MOST_FEEDING, usable_cores() // 2)))
    plan = {
        "network": which.name,
        "recipe": asdict(recipe),
        "photographs": _fingerprint(learn, validate),
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


def _fingerprint(*parts: Photographs) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for source in part.sources:
            digest.update(f"{base_name(source.name)}\0".encode("utf-8", "surrogateescape"))
        digest.update(b"\1")
    return digest.hexdigest()[:16]


def _network(request: Request, which: Trainable, recipe: Recipe, listener: Listener) -> tuple[nn.Module, bool]:
    """The network to begin with, and whether an encoder of others' making is trained with it."""
    if which.name == LITE and request.start:
        from colorizer.training.lite.files import load

        return load(request.start), False
    trained_encoder = bool(which.backbone) and not request.encoder_weights and not request.start
    if isinstance(recipe, LiteRecipe):
        from colorizer.training.lite.network import Lite

        network: nn.Module = Lite(encoder=recipe.encoder)
    else:
        network = which.build(trained_encoder=trained_encoder)
    if request.encoder_weights:
        from colorizer.training.encoder_weights import fill

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
    from colorizer.training import checkpoints

    path = folder / checkpoints.NAME if folder.is_dir() else folder
    content = checkpoints.load(path)
    weights = content["best"] or content["objective"]["network"]
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(
            f"{shown(path)}: no run of {which.name}, so there is nothing to begin from; name another folder"
        ) from error


def _objective(
    which: Trainable,
    network: nn.Module,
    recipe: Recipe,
    learn: Photographs,
    device: torch.device,
    *,
    trained_encoder: bool,
) -> Objective:
    from colorizer.training.objectives import Adversarial, Plain

    if isinstance(recipe, LiteRecipe):
        from colorizer.training.lite.objective import Classification, prior

        classes = prior(learn, which.contract, recipe)
        return Classification(network, recipe, which.contract, classes, device, trained_encoder=trained_encoder)
    if which.discriminator and recipe.adversarial:
        return Adversarial(network, which.build_discriminator(), recipe, device)
    return Plain(network, recipe, device)


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
