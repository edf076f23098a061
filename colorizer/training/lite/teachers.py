"""Networks that teach another one: its answers are held to theirs, beside the true colours.

The mean of several answers (of networks, of the mirrored picture, of the picture at other sizes) is better than each
of them. Asking all of them for every batch would cost more than learning does; cross-entropy is linear in what is
asked for, so one answer by chance for each batch teaches their mean just as well, at the price of one.

Teachers see the picture as it is, the learner what age has made of it: it learns to see through that too. (Knowledge
distillation: Hinton, Vinyals and Dean 2015.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from colorizer.networks.zhang.contract import OUTPUT_STRIDE
from colorizer.training.lite.files import load

STRIDE = 32
"""Of the network; other sizes are its neighbours at this distance."""


class Teachers:
    """What one of several networks says of a batch, in one of several ways of looking.

    Parameters
    ----------
    models
        The networks, as `files.load` takes them.
    seed
        Where chance begins; with the step it decides who is asked, and how.
    device
        Where to compute.
    """

    def __init__(self, models: Sequence[str], seed: int, device: torch.device) -> None:
        self._networks = [load(each).to(device, memory_format=torch.channels_last) for each in models]
        self._seed = seed

    def answer(self, lightness: Tensor, step: int) -> Tensor:
        """Distributions (N, 313, S/4, S/4) for lightness (N, 1, S, S), L - 50; the same for the same step."""
        rng = np.random.default_rng((self._seed, step, 2))
        network = self._networks[rng.integers(len(self._networks))]
        mirrored = bool(rng.random() < 0.5)
        side = lightness.shape[-1]
        chosen = max(STRIDE, side + int(rng.integers(-1, 2)) * STRIDE)
        seen = lightness.flip(3) if mirrored else lightness
        if chosen != side:
            seen = functional.interpolate(seen, size=(chosen, chosen), mode="bilinear", antialias=True)
        with torch.inference_mode(), torch.autocast(lightness.device.type, torch.bfloat16):
            answer = torch.softmax(network(seen.contiguous(memory_format=torch.channels_last)).float(), 1)
            if chosen != side:
                grid = side // OUTPUT_STRIDE
                answer = functional.interpolate(answer, size=(grid, grid), mode="bilinear", antialias=True)
            answer = answer.flip(3) if mirrored else answer
        return answer.clone()
