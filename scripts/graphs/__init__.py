"""The catalogue's networks at full size, with made-up weights: what they cost, where the real weights are not at hand.

Each module builds one network, or two that share their parts; `drawn.py` is how they write ONNX. Layers and channels
were read in the authors' code and in what public tools state of it; each module names what it assumes beyond that.
`scripts/network_graph.py` writes them to files, and `scripts/benchmark.py networks` measures them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from colorizer.networks.catalog import load_catalog
from graphs import ddcolor, deoldify, ideepcolor, zhang
from graphs.drawn import Drawn, Tensors

GRAPHS: dict[str, Callable[[Drawn], Tensors]] = {
    "ddcolor": partial(ddcolor.draw, encoder=ddcolor.LARGE),
    "ddcolor-tiny": partial(ddcolor.draw, encoder=ddcolor.TINY),
    "deoldify-artistic": partial(deoldify.draw, network=deoldify.ARTISTIC),
    "deoldify-stable": partial(deoldify.draw, network=deoldify.STABLE),
    "siggraph17": zhang.siggraph17,
    "eccv16": zhang.eccv16,
}
"""Those that are ONNX, by their names in the catalogue; `ddcolor-artistic` is `ddcolor` with other weights."""

CAFFE = {"ideepcolor": ideepcolor.write}
"""Those that are Caffe's two files."""

NAMES = (*GRAPHS, *CAFFE)


def write(name: str, folder: Path) -> Path:
    """A network of the catalogue in a folder, with the catalogue's descriptor beside it.

    Returns
    -------
    Path
        The file that holds the weights.
    """
    if name in CAFFE:
        return CAFFE[name](folder / f"{name}.caffemodel")
    drawn = Drawn()
    path = drawn.save(folder / f"{name}.onnx", *GRAPHS[name](drawn))
    path.with_suffix(".colorize.json").write_text(json.dumps(descriptor(name), indent=2) + "\n", encoding="utf-8")
    return path


def descriptor(name: str) -> dict[str, object]:
    """What the catalogue says of a network that is ONNX."""
    descriptors = {spec.name: spec.descriptor for spec in load_catalog() if spec.descriptor is not None}
    return dict(descriptors[name].source)
