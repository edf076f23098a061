"""Networks to test with, made by `scripts/synthetic_release.py`, and a picture-like input."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
RELEASE_PROTOTXT = ROOT / "weights" / "colorization_deploy_v2.prototxt"


def release_caffemodel(folder: Path) -> Path:
    """The synthetic release in that folder (129 MB), made where it is not there yet; goes with RELEASE_PROTOTXT."""
    path = folder / "synthetic_release.caffemodel"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")  # two processes may make it at once
        _script().make_release(partial)
        partial.replace(path)
    return path


def small_pair(folder: Path) -> tuple[Path, Path]:
    """Prototxt and caffemodel of the release's layers with an eighth of the channels, made where not there yet."""
    prototxt, caffemodel = folder / "small.prototxt", folder / "small.caffemodel"
    if not (prototxt.exists() and caffemodel.exists()):
        _script().make_small(prototxt, caffemodel)
    return prototxt, caffemodel


def lightness_like(height: int, width: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """(1, 1, H, W) L - 50 with a photograph's broad areas, edges and grain; standard deviation about 25."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    light = 20 * np.sin(5 * x + 3 * y) + 25 * ((x - 0.4) ** 2 + (y - 0.5) ** 2 < 0.06) - 30 * (x > 0.7) * (y < 0.6)
    light = light + 15 * np.sin(40 * x * y) + rng.normal(0, 3, (height, width))
    plane: npt.NDArray[np.float32] = np.clip(light, -50, 50).astype(np.float32)
    return plane[None, None]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("synthetic_release", ROOT / "scripts" / "synthetic_release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
