"""Which networks can be trained, with what each sees, gives, and is trained by; PyTorch is not needed to be told.

Sources: the student papers and tutorials that `docs/student-networks.md` goes through one by one, with all that they
print and where they contradict themselves.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from colorizer.errors import OptionRef, UsageError
from colorizer.training.contract import Contract
from colorizer.training.recipe import LiteRecipe, PlainRecipe, Recipe

if TYPE_CHECKING:
    from torch import nn

Backbone = Literal["", "xception", "inception-resnet-v2", "efficientnet-lite"]

_NETWORKS = "colorizer.training.networks"


@dataclass(frozen=True)
class Trainable:
    """A network that can be trained.

    Attributes
    ----------
    name
        As users write it.
    title
        What it is, in a few words.
    source
        Where it was published.
    builder
        Its module and what builds it there.
    contract
        What it sees and gives.
    recipe
        How it is trained, as far as its paper says.
    step
        Pixels; sides are multiples of it.
    count
        Parameters, as its source counts them.
    trained
        Of them, those that are trained, where not all are.
    giga
        Multiplications for a picture of the recipe's size, in thousands of millions, forward.
    fixed
        The only size that it takes, in pixels; None where it takes others.
    backbone
        The encoder of others' making in it.
    discriminator
        The module and builder of what it is trained against.
    discriminator_count
        Its parameters, counted in the same way.
    least_batch
        Pictures that it needs at a time: more than one where a norm meets a single pixel of each.
    """

    name: str
    title: str
    source: str
    builder: str
    contract: Contract
    recipe: Recipe
    step: int
    count: int
    giga: float
    trained: int | None = None
    fixed: int | None = None
    backbone: Backbone = ""
    discriminator: str = ""
    discriminator_count: int = 0
    least_batch: int = 1

    def build(self, *, trained_encoder: bool = False) -> nn.Module:
        """The network, with first weights."""
        build = _loaded(self.builder)
        if self.backbone and self.name != LITE:
            borrowing: nn.Module = build(trained_encoder=trained_encoder)
            return borrowing
        plain: nn.Module = build()
        return plain

    def build_discriminator(self) -> nn.Module:
        """What it is trained against, with first weights."""
        network: nn.Module = _loaded(self.discriminator)()
        return network

    def check_size(self, size: int) -> None:
        """Refuse a size that the network cannot take.

        Raises
        ------
        UsageError
            With those that it takes.
        """
        option = OptionRef("size", str(size))
        if self.fixed is not None and size != self.fixed:
            raise UsageError(f"{self.name} takes {self.fixed} x {self.fixed} pixels alone", option=option)
        if size % self.step or size <= 0:
            raise UsageError(f"{self.name} takes multiples of {self.step} pixels alone", option=option)

    def check_batch(self, batch: int) -> None:
        """Refuse fewer pictures at a time than the network can be trained with.

        Raises
        ------
        UsageError
            With how many it needs.
        """
        if batch < self.least_batch:
            option = OptionRef("batch", str(batch))
            raise UsageError(f"{self.name} needs {self.least_batch} pictures at a time at least", option=option)

    @property
    def size_field(self) -> dict[str, int]:
        """The field of a descriptor that says which sizes it takes."""
        if self.fixed is not None:
            return {"fixed": self.fixed}
        return {"default": self.recipe.size, "step": self.step}


def _loaded(where: str) -> type[nn.Module]:
    module, attribute = where.split(":")
    found: type[nn.Module] = getattr(importlib.import_module(module), attribute)
    return found


LITE = "lite"

_AB = Contract("lightness", 1.0, 0.0, "ab", 1.0)
_AB_128 = Contract("lightness", 1.0, 0.0, "ab", 1 / 128)

_FLICKR = "autoencoder, Xception encoder and 8-block CNN compared on Flickr8k"
_TUTORIAL = "Wallner 2017, How to colorize black and white photos with just 100 lines of neural network code"
_TUTORIAL_RECIPE = PlainRecipe(
    size=256,
    batch=10,
    loss="mse",
    optimizer="rmsprop",
    rate=1e-3,
    epochs=30,
    shear=0.2,
    zoom=0.2,
    rotation=20.0,
    flip=True,
)
_LANDSCAPES = "three autoencoders and a GAN compared on landscape pictures"


TRAINABLE = {
    each.name: each
    for each in (
        Trainable(
            "autoencoder",
            "four convolutions down, two dense layers, four up",
            _FLICKR,
            f"{_NETWORKS}.flickr8k:Autoencoder",
            _AB,
            PlainRecipe(size=128, batch=32, loss="mse", optimizer="rmsprop", rate=1e-3, epochs=30),
            step=128,
            count=9_753_154,
            giga=0.3,
            fixed=128,
        ),
        Trainable(
            "xception",
            "frozen Xception, five transposed convolutions",
            _FLICKR,
            f"{_NETWORKS}.flickr8k:XceptionColorizer",
            _AB,
            PlainRecipe(size=128, batch=32, loss="mse", optimizer="rmsprop", rate=1e-3, epochs=30),
            step=32,
            count=30_981_992,
            giga=1.7,
            trained=10_120_512,
            backbone="xception",
        ),
        Trainable(
            "cnn8",
            "eight blocks after Zhang et al. 2016, ab at the end",
            _FLICKR,
            f"{_NETWORKS}.flickr8k:EightBlocks",
            _AB,
            PlainRecipe(size=128, batch=32, loss="mse", optimizer="adam", rate=1e-3, epochs=120),
            step=8,
            count=32_161_474,
            giga=10.4,
        ),
        Trainable(
            "alpha",
            "nine small convolutions, to learn one picture by heart",
            _TUTORIAL,
            f"{_NETWORKS}.alpha_beta:alpha",
            _AB_128,
            PlainRecipe(size=400, batch=1, loss="mse", optimizer="rmsprop", rate=1e-3, epochs=1000),
            step=8,
            count=32_202,
            giga=0.5,
        ),
        Trainable(
            "beta",
            "twelve convolutions",
            _TUTORIAL,
            f"{_NETWORKS}.alpha_beta:beta",
            _AB_128,
            _TUTORIAL_RECIPE,
            step=8,
            count=3_892_194,
            giga=7.6,
        ),
        Trainable(
            "full",
            "an encoder fused with Inception-ResNet-v2's classes",
            _TUTORIAL,
            f"{_NETWORKS}.fusion:full",
            _AB_128,
            _TUTORIAL_RECIPE,
            step=8,
            count=6_541_202,
            giga=22.9,
            trained=6_541_202,
            backbone="inception-resnet-v2",
        ),
        Trainable(
            "unet-gan",
            "U-Net against a discriminator of patches",
            "Shariatnia 2020, Image Colorization Tutorial",
            f"{_NETWORKS}.pix2pix:UNet",
            Contract("lightness", 0.02, -1.0, "ab", 1 / 110),
            PlainRecipe(
                size=256,
                batch=16,
                loss="mae",
                optimizer="adam",
                rate=2e-4,
                beta1=0.5,
                adversarial=1.0,
                plain=100.0,
                epochs=100,
                flip=True,
            ),
            step=256,
            count=54_409_858,
            giga=6.0,
            trained=54_409_858,
            fixed=256,
            discriminator=f"{_NETWORKS}.pix2pix:patches",
            discriminator_count=2_765_633,
        ),
        Trainable(
            "koalarization",
            "an encoder fused with Inception-ResNet-v2's logits",
            "Baldassarre, Gonzalez Morin and Rodes-Guirao 2017, Deep Koalarization",
            f"{_NETWORKS}.fusion:koalarization",
            Contract("lightness", 0.02, -1.0, "ab", 1 / 127),
            PlainRecipe(size=224, batch=100, loss="mse", optimizer="adam", rate=1e-3, epochs=30),
            step=8,
            count=6_574_050,
            giga=20.7,
            trained=6_574_050,
            backbone="inception-resnet-v2",
        ),
        Trainable(
            "ae-rgb-1",
            "eleven convolutions, RGB at the end",
            _LANDSCAPES,
            f"{_NETWORKS}.landscapes:ae_rgb_1",
            Contract("grey", 2.0, -1.0, "rgb", 1.0),
            PlainRecipe(size=160, batch=32, loss="rmse", optimizer="adam", rate=1e-3, epochs=35),
            step=8,
            count=2_953_955,
            giga=4.4,
        ),
        Trainable(
            "ae-rgb-2",
            "thirteen convolutions at full resolution, RGB at the end",
            _LANDSCAPES,
            f"{_NETWORKS}.landscapes:ae_rgb_2",
            Contract("grey", 2.0, -1.0, "rgb", 2.0, -1.0),
            PlainRecipe(size=160, batch=16, loss="rmse", optimizer="adam", rate=1e-3, epochs=35),
            step=8,
            count=2_879_491,
            giga=73.7,
        ),
        Trainable(
            "ae-lab",
            "eleven convolutions, ab at the end",
            _LANDSCAPES,
            f"{_NETWORKS}.landscapes:ae_lab",
            Contract("lightness", 0.02, -1.0, "ab", 1 / 128),
            PlainRecipe(size=160, batch=32, loss="rmse", optimizer="adam", rate=1e-3, epochs=20),
            step=8,
            count=2_585_042,
            giga=4.3,
        ),
        Trainable(
            "color-gan",
            "pix2pix from grey to RGB",
            _LANDSCAPES,
            f"{_NETWORKS}.pix2pix:KerasUNet",
            Contract("grey", 2.0, -1.0, "rgb", 2.0, -1.0),
            PlainRecipe(
                size=256,
                batch=64,
                loss="mae",
                optimizer="adam",
                rate=1e-4,
                beta1=0.5,
                adversarial=1.0,
                plain=100.0,
                epochs=100,
                smallest_crop=256 / 286,
                flip=True,
            ),
            step=256,
            count=54_423_811,
            giga=6.0,
            fixed=256,
            discriminator=f"{_NETWORKS}.pix2pix:keras_patches",
            least_batch=2,
            discriminator_count=2_768_385,
        ),
        Trainable(
            LITE,
            "the network that is built in: EfficientNet-Lite0 and 313 classes of colour",
            "this project, after Zhang, Isola and Efros 2016",
            "colorizer.training.lite.network:Lite",
            Contract("lightness", 1.0, -50.0, "ab", 1 / 110),
            LiteRecipe(
                size=160,
                batch=32,
                rate=1.2e-3,
                epochs=30,
                precision="bfloat16",
                smallest_crop=0.72,
                aspect=1.18,
                flip=True,
                ageing=1.0,
            ),
            step=32,
            count=3_474_905,
            giga=0.4,
            backbone="efficientnet-lite",
        ),
    )
}
"""By name."""


def trainable(name: str) -> Trainable:
    """The network of that name.

    Raises
    ------
    UsageError
        There is none.
    """
    found = TRAINABLE.get(name)
    if found is None:
        raise UsageError(f"{name!r} is no network that can be trained; there are {', '.join(TRAINABLE)}")
    return found
