"""What a step of training does: a plain loss, or a network and its discriminator that learn against each other.

`lite.objective` is a third one. The loop knows none of them: it gives batches, and asks for losses and weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorizer.errors import TrainingError
from colorizer.training.data.feed import Batch
from colorizer.training.recipe import Loss, PlainRecipe, Recipe

KERAS_ADAM_EPSILON = 1e-7
KERAS_RMSPROP_EPSILON = math.sqrt(1e-7)
"""Keras adds 1e-7 under the root, PyTorch adds after it."""

RMSPROP_DECAY = 0.9

LOSSES: Mapping[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "rmse": lambda answer, target: functional.mse_loss(answer, target).sqrt(),
}


class Objective(Protocol):
    """A network and how it learns."""

    @property
    def network(self) -> nn.Module:
        """What learns."""

    def learn(self, batch: Batch, step: int, share: float) -> float:
        """One step; its loss.

        Parameters
        ----------
        batch
            What to learn from.
        step
            Its number.
        share
            How much of the run is done, 0..1, where that is known.
        """

    def answer(self, seen: Tensor) -> Tensor:
        """What the network, evaluated, answers in the scale of its contract: (N, C, h, w)."""

    def loss(self, seen: Tensor, target: Tensor) -> Tensor:
        """The loss of the network, evaluated, without what it is trained against."""

    def kept(self) -> dict[str, Tensor]:
        """The weights that are measured and exported."""

    def keep(self, weights: Mapping[str, Tensor]) -> None:
        """Give the network the weights that are to be kept; nothing is learnt after that."""

    def state(self) -> dict[str, Any]:
        """All that is needed to go on."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""


class Plain:
    """A network and one loss.

    Parameters
    ----------
    network
        What learns.
    recipe
        How.
    device
        Where it computes.
    """

    def __init__(self, network: nn.Module, recipe: PlainRecipe, device: torch.device) -> None:
        self.recipe = recipe
        self.device = device
        self.network = network.to(device, memory_format=torch.channels_last)
        self._optimizer = optimizer(network, recipe)

    def learn(self, batch: Batch, step: int, share: float) -> float:  # noqa: ARG002 - nothing here depends on them
        """See `Objective.learn`."""
        self.network.train()
        with autocast(self.device, self.recipe):
            answer = self.network(on(batch.seen, self.device))
        loss = self._loss(answer.float(), on(batch.target, self.device))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        return finite(loss)

    def answer(self, seen: Tensor) -> Tensor:
        """See `Objective.answer`."""
        self.network.eval()
        with torch.inference_mode(), autocast(self.device, self.recipe):
            return self.network(seen).float()

    def loss(self, seen: Tensor, target: Tensor) -> Tensor:
        """See `Objective.loss`."""
        return self._loss(self.answer(seen), target)

    def kept(self) -> dict[str, Tensor]:
        """See `Objective.kept`."""
        return self.network.state_dict()

    def keep(self, weights: Mapping[str, Tensor]) -> None:
        """See `Objective.keep`."""
        self.network.load_state_dict(weights)

    def state(self) -> dict[str, Any]:
        """See `Objective.state`."""
        return {"network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Objective.restore`."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _loss(self, answer: Tensor, target: Tensor) -> Tensor:
        return LOSSES[self.recipe.loss](answer, target)


class Adversarial(Plain):
    """A network that has to persuade a discriminator, beside a plain loss.

    The discriminator sees the picture's grey and the colours, and judges patches. It learns first, from the same
    answer; its loss is half of the sum for real and for made colours, so that it learns no faster than the network.

    Parameters
    ----------
    network, discriminator
        Who learn.
    recipe
        How.
    device
        Where they compute.
    """

    def __init__(self, network: nn.Module, discriminator: nn.Module, recipe: PlainRecipe, device: torch.device) -> None:
        super().__init__(network, recipe, device)
        self.discriminator = discriminator.to(device, memory_format=torch.channels_last)
        self._judges = optimizer(discriminator, recipe)

    def learn(self, batch: Batch, step: int, share: float) -> float:  # noqa: ARG002 - nothing here depends on them
        """See `Objective.learn`; the loss is the network's own."""
        self.network.train()
        self.discriminator.train()
        seen, target = on(batch.seen, self.device), on(batch.target, self.device)
        with autocast(self.device, self.recipe):
            answer = self.network(seen)
        self._learn_to_judge(seen, target, answer.detach())
        self.discriminator.requires_grad_(False)
        with autocast(self.device, self.recipe):
            judged = self.discriminator(torch.cat([seen, answer], 1))
        loss = self.recipe.adversarial * _judgement(judged, real=True)
        loss = loss + self.recipe.plain * self._loss(answer.float(), target)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self.discriminator.requires_grad_(True)
        return finite(loss)

    def _learn_to_judge(self, seen: Tensor, target: Tensor, answer: Tensor) -> None:
        with autocast(self.device, self.recipe):
            real = self.discriminator(torch.cat([seen, target], 1))
            made = self.discriminator(torch.cat([seen, answer], 1))
        loss = (_judgement(real, real=True) + _judgement(made, real=False)) / 2
        self._judges.zero_grad(set_to_none=True)
        loss.backward()
        self._judges.step()
        finite(loss)

    def state(self) -> dict[str, Any]:
        """See `Objective.state`."""
        judges = {"discriminator": self.discriminator.state_dict(), "judges": self._judges.state_dict()}
        return super().state() | judges

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Objective.restore`."""
        super().restore(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self._judges.load_state_dict(state["judges"])


def _judgement(logits: Tensor, *, real: bool) -> Tensor:
    wanted = torch.full_like(logits, float(real), dtype=torch.float32)
    return functional.binary_cross_entropy_with_logits(logits.float(), wanted)


def optimizer(network: nn.Module, recipe: PlainRecipe) -> torch.optim.Optimizer:
    """The optimiser of a recipe, for what is trained of a network."""
    trained = [each for each in network.parameters() if each.requires_grad]
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(trained, recipe.rate, alpha=RMSPROP_DECAY, eps=KERAS_RMSPROP_EPSILON)
    return torch.optim.Adam(trained, recipe.rate, betas=(recipe.beta1, 0.999), eps=KERAS_ADAM_EPSILON)


def autocast(device: torch.device, recipe: Recipe) -> Any:
    """Within this, arithmetic is in the recipe's precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")


def on(array: Any, device: torch.device) -> Tensor:
    """An array (N, C, H, W) on a device, with channels last in memory."""
    return torch.from_numpy(array).to(device, memory_format=torch.channels_last)


def finite(loss: Tensor) -> float:
    """A loss as a number.

    Raises
    ------
    TrainingError
        It is none any more.
    """
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError("the loss is no number any more; take a lower rate, and float32 where it was bfloat16")
    return value
