"""Whether a model does what its descriptor says: what it answers to a ramp of grey, the canary.

A file that is fed the wrong range gives colours that look nearly right; the mean and spread of its answer tell.
"""

from __future__ import annotations

import numpy as np

from colorizer.engines import EngineRequest, open_runtime
from colorizer.errors import EngineError, Remedy, WeightsError, shown
from colorizer.networks.base import Floats, Model, NetworkInput
from colorizer.networks.described.forms import DescribedForms
from colorizer.networks.described.network import DescribedNetwork
from colorizer.networks.descriptor.model import Canary, Descriptor

_USUAL_CANARY = 256  # pixels
_ROUNDED = 3  # digits of a canary


def answer(model: Model, descriptor: Descriptor, request: EngineRequest) -> Canary:
    """Load a model, run it on a ramp, and hold its answer to its descriptor's canary, where there is one.

    Raises
    ------
    WeightsError
        It does not load, or answers otherwise.
    EngineError
        It fails, or gives values that are no numbers.
    """
    network = DescribedNetwork(open_runtime(DescribedForms(model, descriptor), request), descriptor)
    size = canary_size(descriptor)
    try:
        found = measured(network, size)
    except EngineError as error:
        raise WeightsError(
            f"{shown(model.weights)}: does not do what is said of it; {error.message.text}", remedy=Remedy.DESCRIBE
        ) from error
    expected = descriptor.canary
    if expected is not None:
        has_all, should_all = (*found.mean, *found.spread), (*expected.mean, *expected.spread)
        if any(abs(has - should) > expected.tolerance for has, should in zip(has_all, should_all, strict=True)):
            raise WeightsError(
                f"{shown(model.weights)}: answers to a ramp of grey with ab {_words(found)}, and its descriptor says "
                f"{_words(expected)}; the range of its input or output is another, or it is another file",
                remedy=Remedy.IMPORT_MODEL,
            )
    return found


def canary_size(descriptor: Descriptor) -> int:
    """The side of a canary in pixels, both alike unless the network's size is fixed."""
    if descriptor.canary is not None:
        return descriptor.canary.size
    sizes = descriptor.sizes
    if sizes.fixed is not None:
        return min(sizes.fixed)
    wanted = min(max(_USUAL_CANARY, sizes.low), sizes.high)
    return -(-wanted // sizes.step) * sizes.step


def ramp(height: int, width: int) -> Floats:
    """(1, 1, H, W) float32, L* from 0 at the top left to 100 at the bottom right, row by row."""
    return np.linspace(0, 100, height * width, dtype=np.float32).reshape(1, 1, height, width)


def measured(network: DescribedNetwork, size: int) -> Canary:
    """Mean and spread of what a network answers to a ramp.

    Raises
    ------
    EngineError
        It fails, or gives values that are no numbers.
    """
    height, width = network.descriptor.sizes.fixed or (size, size)
    ab = network.predict(NetworkInput(ramp(height, width))).ab[0].astype(np.float64)
    mean, spread = ab.mean((1, 2)), ab.std((1, 2))
    return Canary(
        size,
        (round(float(mean[0]), _ROUNDED), round(float(mean[1]), _ROUNDED)),
        (round(float(spread[0]), _ROUNDED), round(float(spread[1]), _ROUNDED)),
    )


def _words(answer: Canary) -> str:
    (a, b), (spread_a, spread_b) = answer.mean, answer.spread
    return f"{a:.1f} ± {spread_a:.1f}, {b:.1f} ± {spread_b:.1f}"
