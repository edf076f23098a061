"""What cannot run here: how runtimes are told of accelerators, and what is said where there is none or it fails."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from colorizer.engines import onnxruntime as ort_engine
from colorizer.engines import opencv as opencv_engine
from colorizer.engines import probing
from colorizer.engines.base import Device, EngineName, Precision, Setup
from colorizer.engines.devices import ACCELERATORS
from colorizer.engines.openvino import _target
from colorizer.errors import EngineError


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    for each in (probing.refusal, probing.gain):
        each.cache_clear()
    yield
    for each in (probing.refusal, probing.gain):
        each.cache_clear()


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Have ONNX Runtime look like one that came with a library."""
    (tmp_path / "capi").mkdir()

    def with_library(name: str) -> None:
        (tmp_path / "capi" / name).touch()

    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "onnxruntime" else None)
    return with_library


LIBRARIES: list[tuple[Device, str]] = [
    ("cuda", "libonnxruntime_providers_cuda.so"),
    ("tensorrt", "onnxruntime_providers_tensorrt.dll"),
    ("rocm", "libonnxruntime_providers_migraphx.so"),
    ("rocm", "libonnxruntime_providers_rocm.so"),
    ("directml", "DirectML.dll"),
]


@pytest.mark.parametrize(("device", "library"), LIBRARIES)
def test_onnx_runtime_is_asked_only_where_its_library_is_there(
    device: Device, library: str, built: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Setup] = []

    def fails(_: Any, engine: EngineName, setup: Setup) -> Any:
        tried.append(setup)
        raise EngineError("cannot start; its driver or libraries do not fit")

    monkeypatch.setattr(probing, "load", fails)
    assert "as installed is built without" in str(probing.refusal("onnxruntime", device))
    assert not tried
    built(library)
    probing.refusal.cache_clear()
    assert probing.refusal("onnxruntime", device) == "cannot start; its driver or libraries do not fit"
    assert [(setup.device, setup.precision) for setup in tried] == [(device, "fp32")]


@pytest.mark.parametrize("each", ACCELERATORS, ids=lambda each: f"{each.device}-{each.engine}")
@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (RuntimeError("CUDA failure 35:\n  driver too old"), "CUDA failure 35"),
        (OSError("libcudart.so.12: cannot open shared object file"), "libcudart.so.12"),
        (None, "it computes a convolution wrongly"),
    ],
)
def test_whatever_a_driver_does_is_a_reason_in_one_line(
    each: Any, failure: Exception | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(*_: Any) -> Any:
        if failure is not None:
            raise failure
        return SimpleNamespace(run=lambda _: {"y": np.zeros((1, 4, 14, 14), np.float32)})

    monkeypatch.setattr(probing, "_not_built", lambda _: None)
    monkeypatch.setattr(probing, "load", loaded)
    answer = probing.refusal(each.engine, each.device)
    assert answer is not None
    assert said in answer
    assert "\n" not in answer
    if failure is not None:
        assert probing.gain(each.engine, each.device) == 0


def test_the_timed_pass_compares_a_device_with_the_cpu_once_both_are_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[Device] = []

    def loaded(_: Any, engine: EngineName, setup: Setup) -> Any:
        def run(given: dict[str, Any]) -> None:
            first = setup.device not in passes
            passes.append(setup.device)
            # the first pass of a device compiles
            time.sleep(0.3 if first else 0.04 if setup.device == "cpu" else 0.01)

        return SimpleNamespace(run=run)

    monkeypatch.setattr(probing, "load", loaded)
    assert 1.5 < probing.gain("onnxruntime", "cuda") < 6
    assert passes.count("cuda") == passes.count("cpu") == 4


@pytest.mark.parametrize(
    ("device", "precision", "target", "hint"), [("gpu", "fp32", "GPU", "f32"), ("npu", "fp16", "NPU", "f16")]
)
def test_openvino_is_told_of_gpus_and_npus(device: Device, precision: Precision, target: str, hint: str) -> None:
    core = SimpleNamespace(available_devices=["CPU", f"{target}.0", f"{target}.1"])
    name, options = _target(core, Setup(device, precision, 3))
    assert name == target
    assert options["INFERENCE_PRECISION_HINT"] == hint  # not what the device takes by itself
    assert not {"INFERENCE_NUM_THREADS", "ENABLE_CPU_PINNING"} & options.keys()  # the CPU's alone
    core.available_devices = ["CPU"]
    with pytest.raises(EngineError, match=rf"OpenVINO finds no {target} \(it has CPU\)"):
        _target(core, Setup(device, precision))


@pytest.mark.parametrize("device", ["gpu", "npu"])
def test_on_linux_openvino_is_asked_only_where_a_driver_is_loaded(
    device: Device, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = next(each for each in ACCELERATORS if (each.engine, each.device) == ("openvino", device))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setitem(probing._DRIVERS, device, str(tmp_path / "renderD*"))
    assert f"no driver for {found.name} is loaded" in str(probing._not_built(found))
    (tmp_path / "renderD128").touch()
    assert probing._not_built(found) is None


class FakeCv2:
    """OpenCV as far as CUDA is asked for."""

    __version__ = "9"

    def __init__(self, *, built: bool, devices: int) -> None:
        targets = [6, 7] if built else []
        self.dnn = SimpleNamespace(
            DNN_TARGET_CUDA=6,
            DNN_TARGET_CUDA_FP16=7,
            DNN_BACKEND_CUDA=5,
            ENGINE_CLASSIC=1,
            getAvailableTargets=lambda backend: targets if backend == 5 else [0],
            readNetFromONNX=lambda _, **more: more,
        )
        self.cuda = SimpleNamespace(getCudaEnabledDeviceCount=lambda: devices)


@pytest.mark.parametrize(
    ("built", "devices", "said"),
    [(False, 1, "OpenCV 9 as installed is built without CUDA"), (True, 0, "OpenCV 9 finds no CUDA device")],
)
def test_an_opencv_without_cuda_is_named(built: bool, devices: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv_engine, "import_cv2", lambda: FakeCv2(built=built, devices=devices))
    assert probing.refusal("opencv", "cuda") == said


@pytest.mark.parametrize(("precision", "target"), [("fp32", 6), ("fp16", 7)])
def test_opencv_is_told_of_cuda_and_given_the_engine_that_knows_it(precision: Precision, target: int) -> None:
    cv2 = FakeCv2(built=True, devices=1)
    told: list[int] = []
    net = SimpleNamespace(
        enableWinograd=lambda _: None,
        setPreferableBackend=told.append,
        setPreferableTarget=told.append,
    )
    opencv_engine.direct(cv2, net, Setup("cuda", precision))
    assert told == [5, target]
    assert opencv_engine.read_onnx(cv2, b"", Setup("cuda", precision)) == {"engine": 1}


def test_directml_runs_one_pass_of_a_session_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = 0, 0
    counting = threading.Lock()

    class Session:
        def run(self, *_: Any) -> list[Any]:
            nonlocal inside, most
            with counting:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with counting:
                inside -= 1
            return [np.zeros(1, np.float32)]

        def get_outputs(self) -> list[Any]:
            return [SimpleNamespace(name="y")]

        def get_inputs(self) -> list[Any]:
            return []

    monkeypatch.setattr(ort_engine, "open_session", lambda *_: Session())
    network: Any = SimpleNamespace(onnx=lambda: b"", path=Path("net.onnx"))
    for device, at_a_time in (("directml", 1), ("cuda", 4)):
        most = 0
        runtime = ort_engine.OnnxRuntime(network, Setup(device))  # type: ignore[arg-type]
        threads = [threading.Thread(target=runtime.run, args=({},)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (most == 1) is (at_a_time == 1), device
