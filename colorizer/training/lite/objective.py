"""How `lite` learns: rebalanced classification, teachers beside the true colours, averaged weights (`Objective`)."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from colorizer.networks.zhang.contract import OUTPUT_STRIDE
from colorizer.training.contract import Contract
from colorizer.training.data.feed import Batch
from colorizer.training.data.photographs import Photographs
from colorizer.training.data.samples import sample
from colorizer.training.lite.emphasis import emphasis
from colorizer.training.lite.loss import RebalancedLoss
from colorizer.training.lite.network import Lite
from colorizer.training.lite.operations import part
from colorizer.training.lite.targets import prior_of
from colorizer.training.lite.teachers import Teachers
from colorizer.training.objectives import autocast, finite, on
from colorizer.training.recipe import LiteRecipe

PRIOR_SAMPLES = 1500
PRIOR_SIDE = 128
CLIP_NORM = 2.0
LEAST_RATE = 0.02
"""What remains of the learning rate at the end of the cosine."""


def prior(photographs: Photographs, contract: Contract, recipe: LiteRecipe) -> npt.NDArray[np.float64]:
    """How often each class occurs, (313,), by a sample of the photographs."""
    rng = np.random.default_rng(recipe.seed)
    step = max(1, len(photographs) // PRIOR_SAMPLES)
    planes = []
    for index in range(0, len(photographs), step):
        target = sample(photographs[index], PRIOR_SIDE, contract, recipe, rng)[2] / np.float32(contract.give_scale)
        planes.append(np.ascontiguousarray(target.transpose(1, 2, 0)[::OUTPUT_STRIDE, ::OUTPUT_STRIDE]))
    return prior_of(planes)


class Classification:
    """`lite` and its loss.

    Parameters
    ----------
    network
        What learns.
    recipe
        How.
    contract
        Scale of targets and answers.
    classes
        (313,) how often each class occurs.
    device
        Where it computes.
    trained_encoder
        Train all of the encoder, since it has no weights of anybody's.
    """

    def __init__(
        self,
        network: Lite,
        recipe: LiteRecipe,
        contract: Contract,
        classes: npt.NDArray[np.float64],
        device: torch.device,
        *,
        trained_encoder: bool = False,
    ) -> None:
        self.recipe = recipe
        self.device = device
        self._to_ab = 1 / contract.give_scale
        network.regularize(drop_path=recipe.drop_path, dropout=recipe.dropout)
        self.network = network.to(device, memory_format=torch.channels_last)
        self._still = self._freeze(0 if trained_encoder else recipe.frozen_blocks)
        self._loss_of = RebalancedLoss(
            classes, recipe.rebalance, device, distance=recipe.distance, temperature=recipe.temperature
        )
        self._teachers = Teachers(recipe.teachers, recipe.seed, device) if recipe.teachers else None
        self.averaged = {name: value.clone() for name, value in network.state_dict().items()}
        encoder = [p for name, p in network.named_parameters() if name.startswith("encoder.") and p.requires_grad]
        rest = [p for name, p in network.named_parameters() if not name.startswith("encoder.")]
        share = 1.0 if trained_encoder else recipe.encoder_share
        groups = [{"params": encoder, "share": share}, {"params": rest, "share": 1.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.weight_decay)
        self._evaluated = copy.deepcopy(network)

    def _freeze(self, blocks: int) -> list[nn.Module]:
        """Freeze what is to stay as it is; the modules whose norms stay too."""
        encoder = self.network.encoder
        still: list[nn.Module] = []
        if blocks:
            still = [encoder._conv_stem, encoder._bn0, *encoder._blocks[:blocks]]
        for module in still:
            module.requires_grad_(False)
        for module in self.network.modules() if self.recipe.frozen_depthwise else ():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.requires_grad_(False)
        if self.network.folded:
            still += [module for module in self.network.modules() if isinstance(module, nn.BatchNorm2d)]
        return still

    def learn(self, batch: Batch, step: int, share: float) -> float:
        """See `Objective.learn`."""
        recipe = self.recipe
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.rate * group["share"] * self._rate_at(step, share)
        self.network.train()
        for module in self._still:
            module.eval()
        every = recipe.every
        top, left = divmod(step % every**2, every)
        with autocast(self.device, recipe):
            features = self.network.features(on(batch.seen, self.device))
            logits = self.network.logits(part(features, slice(top, None, every), slice(left, None, every)))
        loss = self._loss_of(logits, *self._sought(on(batch.target, self.device), top, left))
        if self._teachers:
            taught = self._teachers.answer(on(batch.clean, self.device), step)[:, :, top::every, left::every]
            loss = (1 - recipe.teaching) * loss
            loss = loss + recipe.teaching * functional.cross_entropy(logits.float(), taught)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
        self._optimizer.step()
        self._average(step)
        return finite(loss)

    def answer(self, seen: Tensor) -> Tensor:
        """See `Objective.answer`: of the averaged weights, at a quarter of the size."""
        network = self._averaged_network()
        with torch.inference_mode():
            with autocast(self.device, self.recipe):
                logits = network(seen)
            # the mean of colours is taken in float32: 8 bits of bfloat16 would round them to whole Lab units
            distribution = torch.softmax(logits.float() / self.recipe.temperature, 1)
            return torch.einsum("nqhw,qc->nchw", distribution, network.centres) / self._to_ab

    def loss(self, seen: Tensor, target: Tensor) -> Tensor:
        """See `Objective.loss`: of the averaged weights."""
        with torch.inference_mode(), autocast(self.device, self.recipe):
            return self._loss_of(self._averaged_network()(seen), self._ab(target))

    def kept(self) -> dict[str, Tensor]:
        """See `Objective.kept`."""
        return self.averaged

    def keep(self, weights: Mapping[str, Tensor]) -> None:
        """See `Objective.keep`."""
        self.network.load_state_dict(weights)
        self.averaged = {name: value.to(self.device) for name, value in weights.items()}

    def state(self) -> dict[str, Any]:
        """See `Objective.state`."""
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged,
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Objective.restore`."""
        self.network.load_state_dict(state["network"])
        self.averaged = {name: value.to(self.device) for name, value in state["averaged"].items()}
        self._optimizer.load_state_dict(state["optimizer"])

    def _sought(self, target: Tensor, top: int, left: int) -> tuple[Tensor, Tensor | None]:
        """Colours, and how much each counts, at the pixels that this step looks at."""
        ab, recipe = self._ab(target), self.recipe
        rows, columns = slice(top, None, recipe.every), slice(left, None, recipe.every)
        if not (recipe.edges or recipe.skin):
            return ab[:, rows, columns], None
        counts = emphasis(ab, edges=recipe.edges, skin=recipe.skin)
        return ab[:, rows, columns], counts[:, rows, columns]

    def _ab(self, target: Tensor) -> Tensor:
        """(N, h, w, 2) in CIE Lab units, at the size of the logits."""
        return functional.avg_pool2d(target * self._to_ab, OUTPUT_STRIDE).permute(0, 2, 3, 1)

    def _rate_at(self, step: int, share: float) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * share))
        return min(1.0, (step + 1) / max(1, self.recipe.warm_up)) * (LEAST_RATE + (1 - LEAST_RATE) * cosine)

    def _average(self, step: int) -> None:
        # a short memory at first, so that the start does not linger
        keep = min(self.recipe.averaging, (2 + step) / (11 + step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.averaged[name].lerp_(value, 1 - keep)
                else:
                    self.averaged[name].copy_(value)

    def _averaged_network(self) -> Lite:
        self._evaluated.load_state_dict(self.averaged)
        return self._evaluated.eval()
