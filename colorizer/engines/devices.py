"""Which runtime brings which accelerator: data, with the names that people and runtimes call them by.

Whether one is there and works is found out by `probing`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from colorizer.engines.base import Device, EngineName, Precision

_LINUX, _WINDOWS, _MAC = "linux", "win32", "darwin"


@dataclass(frozen=True)
class Accelerator:
    """A device, in one runtime that may know it."""

    device: Device
    engine: EngineName
    name: str  # in words
    how: str  # to get it
    precisions: tuple[Precision, ...] = ("fp32",)  # the first is what is taken
    systems: tuple[str, ...] = (_LINUX, _WINDOWS)  # as `sys.platform` has them
    any_gpu: bool = True  # whether it is meant where somebody asks for a GPU, or lets us choose


ACCELERATORS = (
    Accelerator("cuda", "onnxruntime", "CUDA", "install onnxruntime-gpu in place of onnxruntime"),
    Accelerator("cuda", "opencv", "CUDA", "build OpenCV with CUDA and cuDNN", ("fp32", "fp16")),
    Accelerator(
        "tensorrt", "onnxruntime", "TensorRT", "install onnxruntime-gpu and TensorRT", any_gpu=False
    ),  # it compiles each network for minutes, so it has to be asked for
    Accelerator("rocm", "onnxruntime", "ROCm", "install AMD's build of ONNX Runtime, with MIGraphX", systems=(_LINUX,)),
    Accelerator(
        "directml",
        "onnxruntime",
        "DirectML",
        "install onnxruntime-directml in place of onnxruntime",
        systems=(_WINDOWS,),
    ),
    Accelerator("coreml", "onnxruntime", "Core ML", "install onnxruntime on a Mac", systems=(_MAC,)),
    Accelerator("gpu", "openvino", "OpenVINO's GPU", "install openvino and the driver of an Intel GPU"),
    Accelerator(
        "npu", "openvino", "OpenVINO's NPU", "install openvino and the driver of an Intel NPU", ("fp16",), any_gpu=False
    ),  # it computes in fp16 alone, so it has to be asked for
)
"""In the order in which they are tried."""


def named(device: str) -> str:
    """What to call a device that somebody asks for."""
    return "GPU" if device == "gpu" else next(each.name for each in ACCELERATORS if each.device == device)


def meant_by(device: str) -> tuple[Accelerator, ...]:
    """The accelerators that a wish stands for: "auto" and "gpu" for any GPU that this system may have."""
    if device in ("auto", "gpu"):
        return tuple(each for each in ACCELERATORS if each.any_gpu and sys.platform in each.systems)
    return tuple(each for each in ACCELERATORS if each.device == device)
