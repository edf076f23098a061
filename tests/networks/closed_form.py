"""In place of a network its closed form, so that what is made of a known ab can be held to what a network's becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from made_networks import Contract

from colorizer.networks import NetworkInput, Prediction
from colorizer.networks.described.family import DescribedFamily
from colorizer.networks.described.network import DescribedNetwork


class Oracle:
    """Answers with a contract's ab, whatever the network says."""

    def __init__(self, contract: Contract, network: DescribedNetwork) -> None:
        self._contract, self.engine = contract, network.engine
        self.temperature, self.traits = None, ()

    def predict(self, seen: NetworkInput, *, distribution: bool = False) -> Prediction:
        assert not distribution
        ab = np.stack([self._contract.ab(plane[0]) for plane in seen.lightness])
        return Prediction(np.ascontiguousarray(ab.transpose(0, 3, 1, 2), np.float32))


def answer_by_closed_form(contract: Contract, patch: pytest.MonkeyPatch) -> None:
    """Have every described network that is opened from now on answer with the contract's ab."""
    actual: Callable[..., Any] = DescribedFamily.open
    patch.setattr(DescribedFamily, "open", lambda *given: Oracle(contract, actual(*given)))
