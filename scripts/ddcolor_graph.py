"""DDColor's graph at full size with made-up weights: what its contract costs, where the real weights are not at hand.

    python scripts/ddcolor_graph.py OUT.onnx [--measure]

The encoder is ConvNeXt-T as it is (depths 3, 3, 9, 3; 96 to 768 channels; Liu et al. 2022), the pixel decoder the U-Net
of DDColor (Kang et al. 2023) with 512 channels and pixel shuffles. The colour decoder, a transformer over 100 queries
at three scales, is replaced by one 1x1 convolution to 100 channels, so real files take somewhat more. ImageNet's
normalisation is inside; ab comes out in Lab units: [1, 3, 512, 512] in 0..1 -> [1, 2, 512, 512].
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 512
DEPTHS, WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)
DECODER = 512  # channels of the pixel decoder
QUERIES = 100
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
OPSET = 17  # from which on there is LayerNormalization

_MEASURE = """
import json, re, resource, sys, time
from pathlib import Path
import numpy as np
from colorizer import Colorizer, Settings
begun = time.perf_counter()
colorizer = Colorizer(Settings(model=sys.argv[1], engine=sys.argv[2], precision="fp32", device="cpu"))
load = time.perf_counter() - begun
grey = np.random.default_rng(0).integers(0, 256, (600, 800), np.uint8)
times = []
for _ in range(3):
    begun = time.perf_counter()
    colorizer.predict(grey)
    times.append(time.perf_counter() - begun)
status = Path("/proc/self/status")
# getrusage would tell of the process that started this one as well
found = re.search(r"VmHWM:\\s+([0-9]+)", status.read_text()) if status.exists() else None
peak = (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024
print(json.dumps({"load": load, "pass": min(times), "peak": peak}))
"""


class Drawn:
    """A graph whose weights are drawn as it grows."""

    def __init__(self, seed: int = 2023) -> None:
        self._rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """A tensor; its name."""
        name = f"t{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """An operation; the name of its output."""
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def conv(self, value: str, into: int, out: int, kernel: int, **more: Any) -> str:
        """A convolution with bias, weights of a size that keeps activations ordinary."""
        group = more.get("group", 1)
        weights = self._rng.normal(0, (into // group * kernel**2) ** -0.5, (out, into // group, kernel, kernel))
        return self.add("Conv", [value, self.constant(weights), self.constant(np.zeros(out))], **more)

    def norm(self, value: str, channels: int) -> str:
        """LayerNorm over the channels of NCHW, by way of NHWC."""
        last = self.add("Transpose", [value], perm=[0, 2, 3, 1])
        scale, shift = self.constant(np.ones(channels)), self.constant(np.zeros(channels))
        normal = self.add("LayerNormalization", [last, scale, shift], axis=-1, epsilon=1e-6)
        return self.add("Transpose", [normal], perm=[0, 3, 1, 2])

    def gelu(self, value: str) -> str:
        """X / 2 * (1 + erf(x / sqrt 2))."""
        erf = self.add("Erf", [self.add("Mul", [value, self.constant(2**-0.5)])])
        half = self.add("Mul", [value, self.constant(0.5)])
        return self.add("Mul", [half, self.add("Add", [erf, self.constant(1.0)])])

    def block(self, value: str, channels: int) -> str:
        """ConvNeXt's block."""
        spread = self.norm(self.conv(value, channels, channels, 7, pads=[3] * 4, group=channels), channels)
        wide = self.gelu(self.conv(spread, channels, 4 * channels, 1))
        narrow = self.conv(wide, 4 * channels, channels, 1)
        return self.add("Add", [value, self.add("Mul", [narrow, self.constant(np.full((1, channels, 1, 1), 0.2))])])

    def up(self, value: str, into: int, out: int, factor: int) -> str:
        """A pixel shuffle of a 1x1 convolution."""
        wide = self.add("Relu", [self.conv(value, into, out * factor**2, 1)])
        return self.add("DepthToSpace", [wide], blocksize=factor, mode="CRD")


def ddcolor_like(size: int = SIZE) -> onnx.ModelProto:
    """The model."""
    drawn = Drawn()
    scale = drawn.constant(np.reshape(STD, (1, 3, 1, 1)))
    value = drawn.add("Div", [drawn.add("Sub", ["input", drawn.constant(np.reshape(MEAN, (1, 3, 1, 1)))]), scale])
    value = drawn.norm(drawn.conv(value, 3, WIDTHS[0], 4, strides=[4, 4]), WIDTHS[0])
    stages = []
    for place, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True)):
        if place:
            value = drawn.conv(drawn.norm(value, WIDTHS[place - 1]), WIDTHS[place - 1], width, 2, strides=[2, 2])
        for _ in range(depth):
            value = drawn.block(value, width)
        stages.append(value)
    channels = WIDTHS[-1]
    for place in (2, 1, 0):
        out = DECODER if place else DECODER // 2
        joined = drawn.add("Concat", [drawn.up(value, channels, out, 2), stages[place]], axis=1)
        value = drawn.add("Relu", [drawn.conv(joined, out + WIDTHS[place], out, 3, pads=[1] * 4)])
        channels = out
    full = drawn.up(value, channels, DECODER // 2, 4)
    queries = drawn.conv(full, DECODER // 2, QUERIES, 1)
    ab = drawn.conv(drawn.add("Concat", [queries, "input"], axis=1), QUERIES + 3, 2, 1)
    drawn.add("Mul", [drawn.add("Tanh", [ab]), drawn.constant(60.0)], "output")
    graph = helper.make_graph(
        drawn.nodes,
        "ddcolor-like",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2, size, size])],
        drawn.tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def measure(model: str, engine: str) -> dict[str, float]:
    """Seconds to load and of a pass, and peak memory in MB, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _MEASURE, model, engine], capture_output=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Write the model with its descriptor; measure it beside others where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--measure", nargs="*", metavar="MODEL", help="time it, and these models, in ONNX Runtime")
    asked = parser.parse_args()
    onnx.save(ddcolor_like(), asked.target)
    descriptor = {
        "version": 1,
        "family": "grey-rgb-to-ab",
        "inputs": [{"tensor": "input", "holds": "grey-rgb", "range": "0..1"}],
        "output": {"tensor": "output", "holds": "ab"},
    }
    asked.target.with_suffix(".colorize.json").write_text(json.dumps(descriptor, indent=2), encoding="utf-8")
    print(f"{asked.target}: {asked.target.stat().st_size / 1e6:.0f} MB")
    if asked.measure is None:
        return
    for model in (str(asked.target), *asked.measure):
        for engine in ("onnxruntime", "openvino"):
            measure(model, engine)  # the first time, a model is tried and converted
            found = measure(model, engine)
            words = f"load {found['load']:.2f} s, pass {found['pass']:.2f} s, peak {found['peak']:.0f} MB"
            print(f"{model} in {engine}: {words}")


if __name__ == "__main__":
    main()
