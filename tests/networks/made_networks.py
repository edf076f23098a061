"""Networks whose answer is known in closed form, one for each contract that people's files have.

Each undoes its contract's scaling inside the graph, as the real files do, and answers with a fixed map of the lightness
or grey that it then sees. So a wrong grey, range, channel order, scale or layout gives other colours. Built with ONNX's
own package; formulas of colour are written out in float64 here, and share nothing with the product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import onnx
from graphs.drawn import Graph, Shape

Floats = npt.NDArray[np.floating[Any]]
Ab = Callable[[Floats], Floats]  # (h, w) L* to (h, w, 2) ab

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
FREE = ("height", "width")

# ab of white minus ab of black, and of black, as the networks that give ab make it
SLOPE, START = np.array([60.0, -40.0]), np.array([-12.0, 14.0])
# R, G and B of the networks that give RGB: factors and starts of grey, far apart so that a swap shows
GAINS, STARTS = np.array([0.70, 0.85, 0.55]), np.array([0.25, 0.02, 0.10])


def grey_of(lightness: Floats) -> Floats:
    """The sRGB code value of a neutral grey, by CIE 15 and IEC 61966-2-1."""
    f = (np.asarray(lightness, np.float64) + 16) / 116
    y = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    code: Floats = np.where(y <= 0.0031308, 12.92 * y, 1.055 * np.maximum(y, 1e-12) ** (1 / 2.4) - 0.055)
    return code


def ab_of_rgb(rgb: Floats) -> Floats:
    """(..., 3) RGB in 0..1 to (..., 2) ab, D65."""
    code = np.clip(np.asarray(rgb, np.float64), 0, 1)
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    t = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    ab: Floats = np.stack([500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)
    return ab


def ab_of_lightness(lightness: Floats) -> Floats:
    """What networks that are fed L* answer."""
    ab: Floats = np.asarray(lightness)[..., None] / 100 * SLOPE + START
    return ab


def ab_of_grey(lightness: Floats) -> Floats:
    """What networks that are fed grey and give ab answer."""
    ab: Floats = grey_of(lightness)[..., None] * SLOPE + START
    return ab


def ab_of_colored(lightness: Floats) -> Floats:
    """What networks that are fed grey and give RGB answer."""
    return ab_of_rgb(grey_of(lightness)[..., None] * GAINS + STARTS)


@dataclass
class Maker(Graph):
    """A graph under construction."""

    opset: ClassVar[int] = 13

    def mixed(self, value: str, weights: Any, offset: Any, output: str | None = None) -> str:
        """A 1x1 convolution: (out, in) weights."""
        kernels = np.asarray(weights, np.float64)[..., None, None]
        return self.add("Conv", [value, self.constant(kernels), self.constant(offset)], output, kernel_shape=[1, 1])

    def model(self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        model = super().model(inputs, outputs)
        onnx.checker.check_model(model)
        return model


def lightness_net(path: Path, size: Any = (256, 256)) -> Path:
    """C2a: L 0..100 -> ab in Lab units."""
    make = Maker()
    unit = make.affine("l_channel", [1 / 100], [0])
    make.mixed(unit, SLOPE[:, None], START, "ab_channels")
    return make.save(path, {"l_channel": [1, 1, *size]}, {"ab_channels": [1, 2, *size]})


def hinted_net(path: Path, size: Any = FREE) -> Path:
    """C3: L, ab hints and mask -> the hint where there is one."""
    make = Maker()
    unit = make.affine("L", [1 / 100], [0])
    own = make.mixed(unit, SLOPE[:, None], START)
    kept = make.add("Mul", [own, make.affine("hint_mask", [-1], [1])])
    make.add("Add", [kept, make.add("Mul", ["hint_ab", "hint_mask"])], "ab")
    inputs = {"L": [1, 1, *size], "hint_ab": [1, 2, *size], "hint_mask": [1, 1, *size]}
    return make.save(path, inputs, {"ab": [1, 2, *size]})


def ddcolor_net(path: Path, size: Any = (512, 512)) -> Path:
    """C4: RGB 0..1, normalised inside by ImageNet's figures -> ab in Lab units, unbounded."""
    make = Maker()
    normal = make.affine("input", 1 / STD, -MEAN / STD)
    # each channel undone by its own figures: a swap of channels gives another grey
    weights = np.stack([SLOPE[0] * np.array([STD[0], 0, 0]), SLOPE[1] * np.array([0, 0, STD[2]])])
    make.mixed(normal, weights, START + SLOPE * MEAN[[0, 2]], "output")
    return make.save(path, {"input": [1, 3, *size]}, {"output": [1, 2, *size]})


def deoldify_net(path: Path, size: Any = FREE, dtype: Any = np.float32) -> Path:
    """C5b: RGB 0..255 -> RGB 0..255, clamped."""
    make = Maker(dtype=dtype)
    unit = make.affine("input", [1 / 255] * 3, [0] * 3)
    colored = make.mixed(unit, np.diag(GAINS), STARTS)
    clamped = make.add("Clip", [colored, make.constant(0), make.constant(1)])
    make.add("Mul", [clamped, make.constant(255)], "output")
    return make.save(path, {"input": [1, 3, *size]}, {"output": [1, 3, *size]})


def unit_rgb_net(path: Path, size: Any = FREE, *, tint: float = 1.0) -> Path:
    """C5u: RGB 0..1 -> RGB 0..1, clamped; a small tint leaves the grey nearly as it is, as trained networks do."""
    make = Maker()
    colored = make.mixed("gray", np.diag(1 + tint * (GAINS - 1)), tint * STARTS)
    make.add("Clip", [colored, make.constant(0), make.constant(1)], "rgb")
    return make.save(path, {"gray": [1, 3, *size]}, {"rgb": [1, 3, *size]})


def normalised_net(path: Path, size: Any = FREE) -> Path:
    """C5n: RGB normalised by ImageNet's figures, in and out, within -3..3."""
    make = Maker()
    unit = make.affine("0", STD, MEAN)
    colored = make.mixed(unit, np.diag(GAINS), STARTS)
    normal = make.affine(colored, 1 / STD, -MEAN / STD)
    make.add("Clip", [normal, make.constant(-3), make.constant(3)], "out")
    return make.save(path, {"0": [1, 3, *size]}, {"out": [1, 3, *size]})


def student_net(path: Path) -> Path:
    """Keras' layout: L / 50 - 1, (1, H, W, 1) -> ab / 128 by tanh, (1, H, W, 2)."""
    make = Maker()
    planes = make.add("Transpose", ["x"], perm=[0, 3, 1, 2])
    ab = make.mixed(planes, SLOPE[:, None] / 2 / 128, (START + SLOPE / 2) / 128)
    make.add("Transpose", [ab], "y", perm=[0, 2, 3, 1])
    return make.save(path, {"x": [1, 160, 160, 1]}, {"y": [1, 160, 160, 2]})


def manga_net(path: Path) -> Path:
    """Five channels: grey 0..1, the hint's RGB (-1..1 where there is one), mask -> BGR 0..1 for the test's sake."""
    make = Maker()
    weights = np.zeros((3, 5))
    weights[:, 0] = GAINS[::-1]
    weights[:, 4] = 0.3
    make.mixed("input", weights, STARTS[::-1], "bgr")
    size = ("height", "width")
    return make.save(path, {"input": [1, 5, *size]}, {"bgr": [1, 3, *size]})


def constants_net(path: Path) -> Path:
    """Grey -1..1 of one channel and a constant that must be fed -> RGB -1..1."""
    make = Maker()
    unit = make.affine("grey", [0.5], [0.5])
    colored = make.mixed(unit, GAINS[:, None], STARTS)
    signed = make.affine(colored, [2] * 3, [-1] * 3)
    told = make.add("ReduceMean", ["sam_level0"], axes=[1, 2, 3], keepdims=1)
    make.add("Add", [signed, told], "rgb")
    return make.save(path, {"grey": [1, 1, 512, 512], "sam_level0": [1, 4, 32, 32]}, {"rgb": [1, 3, 512, 512]})


@dataclass(frozen=True)
class Contract:
    """A network, its descriptor, and what it answers."""

    name: str
    make: Callable[[Path], Path]
    descriptor: dict[str, Any]
    ab: Ab
    size: int  # short side that it sees


def _one(
    family: str, holds: str, gives: str, size: dict[str, Any], names: tuple[str, str], **more: Any
) -> dict[str, Any]:
    into, out = more.get("input", {}), more.get("output", {})
    return {
        "version": 1,
        "family": family,
        "inputs": [{"tensor": names[0], "holds": holds, **into}],
        "output": {"tensor": names[1], "holds": gives, **out},
        "size": size,
    }


def _rgb(names: tuple[str, str], wanted: str, size: dict[str, Any]) -> dict[str, Any]:
    ranges = {"range": wanted}
    return _one("rgb", "grey-rgb", "rgb", size, names, input=ranges, output=ranges)


_FREE_32 = {"default": 128, "step": 32}
_FREE_16 = {"default": 112, "step": 16}

CONTRACTS = (
    Contract(
        "C2a",
        lightness_net,
        _one("ab", "lightness", "ab", {"fixed": 256}, ("l_channel", "ab_channels")),
        ab_of_lightness,
        256,
    ),
    Contract(
        "C3",
        hinted_net,
        {
            "family": "hinted",
            "inputs": [
                {"tensor": "L", "holds": "lightness"},
                {"tensor": "hint_ab", "holds": "hint-ab"},
                {"tensor": "hint_mask", "holds": "hint-mask"},
            ],
            "output": {"tensor": "ab", "holds": "ab"},
            "size": {"default": 128, "step": 8},
        },
        ab_of_lightness,
        128,
    ),
    Contract(
        "C4-512",
        ddcolor_net,
        _one("grey-rgb-to-ab", "grey-rgb", "ab", {"fixed": 512}, ("input", "output"), input={"range": "0..1"}),
        ab_of_grey,
        512,
    ),
    Contract(
        "C4-256",
        lambda path: ddcolor_net(path, (256, 256)),
        _one("grey-rgb-to-ab", "grey-rgb", "ab", {"fixed": [256, 256]}, ("input", "output")),
        ab_of_grey,
        256,
    ),
    Contract(
        "C4-dyn",
        lambda path: ddcolor_net(path, FREE),
        _one("grey-rgb-to-ab", "grey-rgb", "ab", _FREE_32, ("input", "output"), input={"range": [0, 1]}),
        ab_of_grey,
        128,
    ),
    Contract("C5b", deoldify_net, _rgb(("input", "output"), "0..255", _FREE_32), ab_of_colored, 128),
    Contract(
        "C5b-256",
        lambda path: deoldify_net(path, (256, 256)),
        _rgb(("input", "output"), "0..255", {"fixed": 256}),
        ab_of_colored,
        256,
    ),
    Contract("C5u", unit_rgb_net, _rgb(("gray", "rgb"), "0..1", _FREE_16), ab_of_colored, 112),
    Contract("C5n", normalised_net, _rgb(("0", "out"), "imagenet", _FREE_16), ab_of_colored, 112),
    Contract(
        "Keras",
        student_net,
        _one(
            "ab",
            "lightness",
            "ab",
            {"fixed": 160},
            ("x", "y"),
            input={"range": "-1..1", "layout": "NHWC"},
            output={"scale": 128, "layout": "NHWC"},
        ),
        ab_of_lightness,
        160,
    ),
    Contract(
        "manga",
        manga_net,
        {
            "family": "hinted",
            "inputs": [
                {
                    "tensor": "input",
                    "holds": ["grey", "hint-red", "hint-green", "hint-blue", "hint-mask"],
                    "scale": [1, 2, 2, 2, 1],
                    "offset": [0, -1, -1, -1, 0],
                }
            ],
            "output": {"tensor": "bgr", "holds": "rgb", "order": "bgr"},
            "size": {"default": 96, "step": 32},
        },
        ab_of_colored,
        96,
    ),
    Contract(
        "constants",
        constants_net,
        {
            "family": "rgb",
            "inputs": [
                {"tensor": "grey", "holds": ["grey"], "range": "-1..1"},
                {"tensor": "sam_level0", "holds": "constant", "shape": [1, 4, 32, 32], "value": 0},
            ],
            "output": {"tensor": "rgb", "holds": "rgb", "range": "-1..1"},
            "size": {"fixed": 512},
        },
        ab_of_colored,
        512,
    ),
)
"""Ids of the contracts as docs/networks.md has them, and three that show what a descriptor can say."""
