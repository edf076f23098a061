"""From the name of a runtime to a network in it; each is imported where it is used."""

from __future__ import annotations

import importlib.util
import sys

from colorizer.engines.base import EngineName, Loadable, Runtime, Setup

MODULES: dict[EngineName, str] = {"opencv": "cv2", "onnxruntime": "onnxruntime", "ncnn": "ncnn", "openvino": "openvino"}


def installed_engines() -> tuple[EngineName, ...]:
    """The engines whose packages are there; nothing is imported."""
    return tuple(name for name, module in MODULES.items() if _is_installed(module))


def load(network: Loadable, engine: EngineName, setup: Setup) -> Runtime:
    """Load a network into this runtime.

    Raises
    ------
    WeightsError
        The network is none that the runtime can load.
    MissingExtraError
        The runtime is not installed.
    EngineError
        It does not load, or lacks what the setup asks for.
    """
    if engine == "openvino":
        from colorizer.engines.openvino import OpenVINO

        return OpenVINO(network, setup)
    if engine == "ncnn":
        from colorizer.engines.ncnn.engine import Ncnn

        return Ncnn(network, setup)
    if engine == "onnxruntime":
        from colorizer.engines.onnxruntime import OnnxRuntime

        return OnnxRuntime(network, setup)
    from colorizer.engines.opencv import OpenCV

    return OpenCV(network, setup)


def _is_installed(module: str) -> bool:
    if module in sys.modules:
        return True
    spec = importlib.util.find_spec(module)
    # a mere folder of that name in the working directory has no origin
    return spec is not None and spec.origin is not None
