"""Export a checkpoint of `lite` to Caffe: `weights/lite.files["prototxt"]` and `weights/lite.files["caffemodel"]`.

    pip install -e '.[train]' scikit-image
    python scripts/export_lite.py CHECKPOINT

Writes the pair beside its place, holds it against the checkpoint run by PyTorch (`lite_parity`), and moves it into
place only where every bound holds; else it says which does not and exits with 1.

Most weights are stored in half precision. Half has 11 significant bits, and the encoder's early blocks need more: their
folded kernels and biases are large and cancel each other (sums of |w| of 60 to 100 for activations of at most 6), and
all later blocks see their error. In half throughout, ab was off by up to 1.6 (99.9th percentile of a photograph, the
worst of 43); with those of `single_parts` in single, by 0.22 for 6 % of the weights.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import lite_parity
import numpy as np
import numpy.typing as npt

from colorizer.caffe.caffemodel import BlobLayer, write_caffemodel
from colorizer.caffe.prototxt import dumps
from colorizer.errors import ColorizerError
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS
from colorizer.training.lite.caffe_graph import NETWORK_NAME, Parameters, lite_graph

ROOT = Path(__file__).resolve().parent.parent

GOLDEN_PHOTOGRAPH = ("chelsea", 64, 96)
"""Input of the expectations that tests hold the shipped pair to."""


class TrainedNetwork(lite_parity.Trained, Protocol):
    """What `load` in the module of the network's definition gives."""

    block_strides: tuple[int, ...]

    def parameters_by_name(self) -> dict[str, npt.NDArray[np.float64]]:
        """Weights, buffers, and each BatchNorm's `eps`."""


def single_parts(parameters: Parameters, block_strides: tuple[int, ...]) -> tuple[str, ...]:
    """Parts of the encoder that stay in single precision, by their names in the Caffe network.

    All up to the first block at stride 16, and the next that changes the number of channels, where no residual dilutes
    the error. Chosen on EfficientNet-Lite0 by rounding one part at a time.
    """
    _, _, at16, *_ = (i for i, stride in enumerate(block_strides) if stride == 2)
    outputs = [len(parameters[f"encoder._blocks.{i}._project_conv.weight"]) for i in range(len(block_strides))]
    wider = next(i for i in range(at16, len(outputs)) if outputs[i] != outputs[at16])
    return ("enc_stem", *(f"enc{i}" for i in (*range(at16 + 1), wider)))


def write_mixed(path: Path, layers: Iterable[BlobLayer], single: tuple[str, ...]) -> None:
    """Write a caffemodel in half precision but for the layers of some parts, which keep single."""

    def keeps_single(layer: BlobLayer) -> bool:
        return layer.name in single or layer.name.startswith(tuple(f"{part}_" for part in single))

    with path.open("wb") as file:
        # protobuf reads messages written one after the other as one that has the fields of all
        for as_it_is, run in groupby(layers, keeps_single):
            write_caffemodel(file, NETWORK_NAME, run, half=not as_it_is)


def export(network: TrainedNetwork, folder: Path) -> bool:
    """Write the pair into a folder, verify it, and print the table of differences; False where a bound failed."""
    parameters = network.parameters_by_name()
    graph = lite_graph(parameters, network.block_strides)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{NETWORK_NAME}-") as work:
        files = ("lite.prototxt", "lite.caffemodel", "single.caffemodel")
        prototxt, mixed, single = (Path(work) / name for name in files)
        prototxt.write_text(dumps(graph.prototxt), encoding="ascii", newline="\n")
        write_mixed(mixed, graph.layers, single_parts(parameters, network.block_strides))
        write_caffemodel(single, NETWORK_NAME, graph.layers)
        rows = list(lite_parity.differences(network, prototxt, {"single": single, "half": mixed}))
        print(lite_parity.table(rows))
        if not all(row.within_bounds for row in rows):
            return False
        for path in (prototxt, mixed):
            path.replace(folder / path.name)
            print(f"{folder / path.name}: {(folder / path.name).stat().st_size} bytes")
    return True


def write_golden(network: TrainedNetwork, path: Path) -> None:
    """Write a small input and PyTorch's own ab for it, so that a test can compare without PyTorch."""
    # whole numbers of L, which the file holds exactly and in little space
    lightness = np.rint(lite_parity.photograph(*GOLDEN_PHOTOGRAPH) + np.float32(MIDDLE_LIGHTNESS)).astype(np.uint8)
    seen = lightness.astype(np.float32) - np.float32(MIDDLE_LIGHTNESS)
    expected = np.stack([network.predict(seen, scale) for scale in lite_parity.TEMPERATURES.values()])
    np.savez_compressed(path, lightness=lightness, temperatures=np.array(list(lite_parity.TEMPERATURES)), ab=expected)
    print(f"{path}: {path.stat().st_size} bytes")


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="folder of a run, or a state dict, as torch.save wrote it")
    parser.add_argument("--model-module", default="colorizer.training.lite.files", help="module whose load() reads it")
    parser.add_argument("--out", type=Path, default=ROOT / "weights", help="folder for the pair (default: weights)")
    parser.add_argument("--golden", type=Path, help="also write an input and PyTorch's ab (tests/data/lite_golden.npz)")
    options = parser.parse_args()
    try:
        module: Any = importlib.import_module(options.model_module)
        network: TrainedNetwork = module.load(options.checkpoint)
        options.out.mkdir(parents=True, exist_ok=True)
        if not export(network, options.out):
            sys.exit(f"{options.checkpoint}: the exported network differs too much; {options.out} is as it was")
        if options.golden:
            write_golden(network, options.golden)
    except (ImportError, OSError, ValueError, ColorizerError) as error:
        sys.exit(f"cannot export: {error}")


if __name__ == "__main__":
    main()
