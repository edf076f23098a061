"""How a network is trained: size, batch, loss, optimiser, and what chance does to the pictures; each can be changed.

A recipe is what decides the outcome beside the photographs. It is kept with a run, and a run that goes on has to have
the same one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from colorizer.errors import OptionRef, UsageError

Loss = Literal["mse", "rmse", "mae"]
Optimizer = Literal["rmsprop", "adam"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Augmentation:
    """What chance does to a photograph before the network sees it.

    Attributes
    ----------
    smallest_crop
        Least side of the square that is cut out, as a share of the picture's short side.
    largest_crop
        Greatest side likewise; above 1, what lies beyond the picture is its mirror image, and things look smaller.
    aspect
        Squares are stretched by up to this factor, either way.
    flip
        Whether half of them are mirrored.
    rotation, shear
        Up to so many degrees, either way.
    zoom
        Larger or smaller by up to this share.
    mixing
        Share of batches in which a rectangle of each picture is another picture's, with its colours (Yun et al. 2019,
        CutMix, for dense answers): the network learns not to colour a thing by the rest of the scene alone.
    mosaic
        Share of samples that are four photographs at half the size, side by side: things look smaller, at no cost.
    ageing
        Factor on how often the lightness is that of an old print (`data.ageing`); 0: never.
    """

    smallest_crop: float = 1.0
    largest_crop: float = 1.0
    aspect: float = 1.0
    flip: bool = False
    rotation: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    mixing: float = 0.0
    mosaic: float = 0.0
    ageing: float = 0.0


@dataclass(frozen=True)
class Recipe(Augmentation):
    """All that decides what comes out of a training run, besides the photographs and how long it takes.

    Attributes
    ----------
    size
        Side of the input in pixels.
    batch
        Pictures at a time.
    rate
        Learning rate.
    epochs
        How often each photograph is met, where nobody says how long to train.
    precision
        Of arithmetic. bfloat16 is faster where the processor has it.
    seed
        Where chance begins.
    """

    size: int = 128
    batch: int = 16
    rate: float = 1e-3
    epochs: int = 30
    precision: Precision = "float32"
    seed: int = 1


@dataclass(frozen=True)
class PlainRecipe(Recipe):
    """That of a network with one loss, and perhaps a discriminator.

    Attributes
    ----------
    loss
        What is made small.
    optimizer, beta1
        How; `beta1` is Adam's.
    adversarial
        Weight of a discriminator's judgement; 0 leaves it out.
    plain
        Weight of `loss` beside it.
    """

    loss: Loss = "mse"
    optimizer: Optimizer = "adam"
    beta1: float = 0.9
    adversarial: float = 0.0
    plain: float = 1.0


@dataclass(frozen=True)
class LiteRecipe(Recipe):
    """`lite`'s: Zhang, Isola and Efros' classification, with averaged weights.

    Attributes
    ----------
    sizes
        Sides of the input in pixels, one after the other over the run, for equal shares of it; none: `size` throughout.
    mixed_sizes
        Each batch has one of `sizes` by chance, in place of one after the other. `batch` is then at `size` or below;
        larger ones have fewer pictures, so that all have about as many pixels.
    encoder
        Number of the encoder in the EfficientNet-Lite family, where it begins from no weights of its own.
    encoder_share
        The encoder's learning rate, as a share of the decoder's.
    weight_decay
        AdamW's.
    warm_up
        Steps until the highest learning rate, which then falls by a cosine over the run.
    frozen_blocks
        So many of the encoder's blocks, and its first convolution, stay as they are, unless the encoder is untrained.
    frozen_depthwise
        All depthwise kernels stay as they are. They are few and hold little of what is learnt, while PyTorch takes two
        thirds of a step on a CPU for their gradients alone.
    every
        The loss looks at every so manieth pixel in each direction, beginning anywhere: neighbours say the same.
    drop_path
        Stochastic depth of the encoder's residual blocks (Huang et al. 2016), growing linearly to this chance.
    dropout
        Chance that a channel of the decoder's last features is dropped.
    rebalance
        Power of the class weights.
    distance
        Weight of the loss's second term, the annealed mean's distance from the colour.
    edges
        How much more a pixel counts where colours end: 1 is twice as much, at a step of 20 Lab units in ab or more.
    skin
        How much more a pixel counts that has the colour of skin.
    temperature
        Of that annealed mean, and of the one that is measured.
    teachers
        Models or checkpoints of `lite` to learn from as well, with commas between them.
    teaching
        Share of the loss that is the distance from what teachers say, 0..1; the rest is that from the true colours.
    averaging
        Decay of the weights' moving average, which is what is kept.
    """

    sizes: tuple[int, ...] = ()
    mixed_sizes: bool = False
    encoder: int = 0
    encoder_share: float = 0.3
    weight_decay: float = 0.02
    warm_up: int = 200
    frozen_blocks: int = 3
    frozen_depthwise: bool = False
    every: int = 1
    drop_path: float = 0.0
    dropout: float = 0.0
    rebalance: float = 0.6
    distance: float = 0.0
    edges: float = 0.0
    skin: float = 0.0
    temperature: float = 0.8
    teachers: tuple[str, ...] = ()
    teaching: float = 0.0
    averaging: float = 0.998


_POSITIVE = ("size", "batch", "rate", "epochs", "every", "temperature", "aspect", "largest_crop")
_SHARES = (
    *("smallest_crop", "mixing", "mosaic", "drop_path", "dropout", "teaching", "averaging", "beta1", "encoder_share"),
    "zoom",
)
_LARGEST = {
    "size": 4096,
    "batch": 65536,
    "frozen_blocks": 1000,
    "encoder": 4,
    "ageing": 100.0,
    "largest_crop": 3.0,
    "edges": 100.0,
    "skin": 100.0,
}


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A recipe with other values in some of its fields.

    Parameters
    ----------
    recipe
        What is changed.
    changes
        By field, its value, or the text that says it.

    Raises
    ------
    UsageError
        There is no such field, or it cannot have that value.
    """
    hints = get_type_hints(type(recipe))
    known = [item.name for item in fields(recipe)]
    values: dict[str, Any] = {}
    for name, value in changes.items():
        key = name.replace("-", "_")
        if key not in known:
            raise UsageError(
                f"{name} is no part of this network's recipe; it has {', '.join(known)}", option=OptionRef("set")
            )
        values[key] = _read(key, value, hints[key]) if isinstance(value, str) else value
        _check(key, values[key])
    return dataclasses.replace(recipe, **values)


def _read(name: str, text: str, kind: Any) -> Any:
    choices = get_args(kind)
    try:
        if kind is bool:
            return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[text.lower()]
        if kind in (int, float):
            return kind(text)
        if choices and all(isinstance(choice, str) for choice in choices):
            return {choice: choice for choice in choices}[text]
        if choices:  # a tuple
            return tuple(choices[0](part) for part in text.split(",") if part)
    except (ValueError, KeyError):
        words = ", ".join(map(str, choices)) if choices and isinstance(choices[0], str) else ""
        expected = {int: "a whole number", float: "a number", bool: "yes or no"}.get(kind, words or "numbers")
        raise UsageError(f"expected {expected}", option=OptionRef("set", f"{name}={text}")) from None
    return text


def _check(name: str, value: Any) -> None:
    if name in _POSITIVE and value <= 0:
        raise UsageError("must be above 0", option=OptionRef("set", f"{name}={value}"))
    if name in _SHARES and not 0 <= value <= 1:
        raise UsageError("must be 0 to 1", option=OptionRef("set", f"{name}={value}"))
    if name in _LARGEST and value > _LARGEST[name]:
        raise UsageError(f"must be {_LARGEST[name]} at most", option=OptionRef("set", f"{name}={value}"))
    if isinstance(value, (int, float)) and value < 0:
        raise UsageError("must not be below 0", option=OptionRef("set", f"{name}={value}"))
