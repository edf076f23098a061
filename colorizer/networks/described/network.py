"""A network that a descriptor describes, loaded: its runtime, and the way in and out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from colorizer.engines import Opened
from colorizer.errors import EngineError, UsageError
from colorizer.networks.base import Floats, NetworkInput, Prediction
from colorizer.networks.described.answer import ab_of, cropped
from colorizer.networks.described.feeding import feed, padded_size
from colorizer.networks.descriptor.model import Descriptor


@dataclass(frozen=True)
class DescribedNetwork:
    """See `ColorNetwork`."""

    engine: Opened
    descriptor: Descriptor
    temperature: ClassVar[None] = None
    traits: ClassVar[tuple[str, ...]] = ()

    def predict(self, seen: NetworkInput, *, distribution: bool = False) -> Prediction:  # noqa: ARG002 - it has none
        """The colours for pictures; see `ColorNetwork.predict`.

        Raises
        ------
        UsageError
            There are hints, and the network takes none.
        EngineError
            The runtime failed, or what it computes is no chroma.
        """
        if seen.hints is not None and not self.descriptor.takes_hints:
            raise UsageError("this network takes no hints")
        height, width = seen.lightness.shape[2:]
        # one after the other where the batch's side of the file may be fixed
        answers = [self._one(NetworkInput(*parts)) for parts in _singles(seen)]
        ab = answers[0] if len(answers) == 1 else _joined(answers)
        return Prediction(cropped(ab, padded_size(self.descriptor.sizes, height, width), (height, width)))

    def _one(self, seen: NetworkInput) -> Floats:
        output = self.descriptor.output
        found = self.engine.run(feed(seen, self.descriptor))
        if output.tensor not in found:
            raise EngineError(f"the network gives {', '.join(found)}, and no {output.tensor}")
        return ab_of(found[output.tensor], output)


def _singles(seen: NetworkInput) -> list[tuple[Floats, Floats | None]]:
    hints = seen.hints
    return [
        (seen.lightness[place : place + 1], None if hints is None else hints[place : place + 1])
        for place in range(len(seen.lightness))
    ]


def _joined(answers: list[Floats]) -> Floats:
    import numpy as np

    return np.concatenate(answers)
