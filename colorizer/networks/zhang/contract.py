"""What every network here has in common: the contract of Zhang, Isola and Efros' 2016 release.

Lightness goes in, minus its middle; chroma comes out at a quarter of the size. The classes' colours (the bin centres)
and the sharpness of the annealed mean are injected by the caller, never read from the weights, so both are options.
"""

from __future__ import annotations

INPUT_BLOB = "data_l"
OUTPUT_BLOB = "class8_ab"
CENTRES_LAYER = "class8_ab"
"""1x1 convolution from the distribution over the classes to ab; its weights are the bin centres."""
SCALE_LAYER = "conv8_313_rh"
"""Scales the logits by 1/T."""

MIDDLE_LIGHTNESS = 50.0
"""Subtracted from L (0..100) before the network sees it."""

BIN_COUNT = 313

RELEASE_PROTOTXT = "colorization_deploy_v2.prototxt"
"""Our own prototxt of the release's layers, in the package."""

OUTPUT_STRIDE = 4
"""Input size divided by output size."""

RELEASE_STRIDE = 8
"""Pixels; what the release's network shrinks its input by at its deepest."""

NETWORK_SIZE = 224
"""The side that the release was trained for; larger inputs fade the colours."""

RELEASE_SCALE = 2.606
"""Factor on the logits in the 2016 release: 1/T with T = 0.3837, "about 0.38" in the paper."""

RELEASE_TEMPERATURE = 1.0 / RELEASE_SCALE
