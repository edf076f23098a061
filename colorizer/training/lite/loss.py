"""What training makes small: cross-entropy against soft classes, rebalanced."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from colorizer.networks.zhang.bins import bin_centres
from colorizer.training.lite.targets import LIMIT, SIDE, class_weights, soft_table

DISTANCE_UNIT = 10.0
ROUNDING = 1.0
"""Both in Lab units."""


class RebalancedLoss:
    """Multinomial cross-entropy, pixels weighed by how rare their colour is (Zhang et al. 2016, equation 2).

    Parameters
    ----------
    prior
        (313,) shares of the classes.
    power
        Of the weights; see `class_weights`.
    device
        Where logits will be.
    distance
        Weight of a second term: how far the annealed mean lies from the colour, in tens of Lab units, weighed like the
        first. It is what AuC measures (while no error exceeds 150, AuC is 1 - its mean / 150).
    temperature
        Of that annealed mean.
    """

    def __init__(
        self,
        prior: npt.NDArray[np.float64],
        power: float,
        device: torch.device,
        *,
        distance: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        classes, shares = soft_table()
        self._distance = distance / DISTANCE_UNIT
        self._temperature = temperature
        self._centres = torch.from_numpy(bin_centres().astype(np.float32)).to(device)
        self._weights = torch.from_numpy(class_weights(prior, power).astype(np.float32)).to(device)
        self._classes = torch.from_numpy(classes).to(device)
        self._shares = torch.from_numpy(shares).to(device)

    def __call__(self, logits: Tensor, ab: Tensor, emphasis: Tensor | None = None) -> Tensor:
        """Mean over the pixels; logits (N, 313, h, w), ab (N, h, w, 2) in CIE Lab units, emphasis (N, h, w)."""
        whole = ab.round().clamp(-LIMIT, LIMIT).long() + LIMIT
        rows = whole[..., 0] * SIDE + whole[..., 1]
        classes, shares = self._classes[rows], self._shares[rows]
        scores = logits.permute(0, 2, 3, 1).float()
        log = functional.log_softmax(scores, 3).gather(3, classes)
        importance = (shares * self._weights[classes]).sum(-1)
        if emphasis is not None:
            importance = importance * emphasis
        loss = -(importance * (shares * log).sum(-1)).mean()
        if not self._distance:
            return loss
        error = torch.softmax(scores / self._temperature, 3) @ self._centres - ab
        # the smallest distances count as ROUNDING, for a gradient that stays finite
        length = (error.square().sum(-1) + ROUNDING**2).sqrt()
        return loss + self._distance * (importance * length).mean()
