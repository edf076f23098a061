"""Which engine, device and precision a job gets. The probe of accelerators has a stand-in; nothing else does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from colorizer.cli.wording import REMEDIES, worded
from colorizer.engines import Choice, Device, EngineName, EngineRequest, Setup, choice, probing
from colorizer.engines.choice import COSTS, PRECISIONS, Cost, rank, seconds_on_cpu
from colorizer.engines.devices import ACCELERATORS, Accelerator
from colorizer.engines.loading import load
from colorizer.engines.onnxruntime import open_session
from colorizer.engines.probing import refusal
from colorizer.errors import EngineError, MissingExtraError, Remedy, UsageError

SMALL, LARGE = 7_000_000, 129_000_000
ALL: tuple[EngineName, ...] = ("opencv", "onnxruntime", "ncnn", "openvino")

Probe = Callable[[EngineName, Device], "str | None"]


def no_cuda(engine: EngineName, device: Device) -> str | None:
    return f"{engine} has no {'CUDA' if device == 'cuda' else device}"


def works_in(*engines: EngineName) -> Probe:
    """CUDA, in these engines."""
    return lambda engine, device: None if engine in engines and device == "cuda" else no_cuda(engine, device)


def unasked(engine: EngineName, device: Device) -> str | None:
    raise AssertionError(f"{engine} was probed for {device}")


def first(
    asked: EngineRequest, *, installed: tuple[EngineName, ...] = ALL, size: int = SMALL, probe: Probe = no_cuda
) -> Choice:
    return rank(asked, installed, size, probe)[0]


def test_one_small_picture_from_cold_and_ten_thousand_get_different_engines() -> None:
    assert first(EngineRequest(pictures=1), probe=unasked).engine == "opencv"
    assert first(EngineRequest(pictures=10_000)).engine == "openvino"
    assert first(EngineRequest(pictures=None)).engine == "openvino"
    assert first(EngineRequest(pictures=10_000), size=LARGE).engine == "ncnn"


MADE_UP_COSTS: dict[EngineName, tuple[Cost, Cost]] = {
    "opencv": (Cost(1, 10), Cost(1, 100)),
    "onnxruntime": (Cost(7, 6), Cost(20, 30)),
    "ncnn": (Cost(9, 5), Cost(45, 10)),
    "openvino": (Cost(40, 1), Cost(5, 40)),
}
"""Seconds to start and of one pass, in a small network and in a large one."""


@pytest.mark.parametrize(
    ("size", "pictures", "expected"),
    [
        (SMALL, 1, {"opencv": 11, "onnxruntime": 13, "ncnn": 14, "openvino": 41}),
        (SMALL, 3, {"ncnn": 24, "onnxruntime": 25, "opencv": 31, "openvino": 43}),
        (SMALL, 10, {"openvino": 50, "ncnn": 59, "onnxruntime": 67, "opencv": 101}),
        (SMALL, 100, {"openvino": 140, "ncnn": 509, "onnxruntime": 607, "opencv": 1001}),
        (SMALL, 1000, {"openvino": 1040, "ncnn": 5009, "onnxruntime": 6007, "opencv": 10001}),
        (SMALL, None, {"openvino": 1040, "ncnn": 5009, "onnxruntime": 6007, "opencv": 10001}),
        (LARGE, 1, {"openvino": 45, "onnxruntime": 50, "ncnn": 55, "opencv": 101}),
        (LARGE, 3, {"ncnn": 75, "onnxruntime": 110, "openvino": 125, "opencv": 301}),
        (LARGE, 10, {"ncnn": 145, "onnxruntime": 320, "openvino": 405, "opencv": 1001}),
        (LARGE, 100, {"ncnn": 1045, "onnxruntime": 3020, "openvino": 4005, "opencv": 10001}),
        (LARGE, 1000, {"ncnn": 10045, "onnxruntime": 30020, "openvino": 40005, "opencv": 100001}),
    ],
)
def test_the_choice_takes_the_least_time_and_the_others_follow_in_order(
    size: int, pictures: int | None, expected: dict[EngineName, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds worked out by hand; a run of unknown length is taken for one of a thousand pictures."""
    monkeypatch.setattr(choice, "COSTS", MADE_UP_COSTS)
    ranked = [found.engine for found in rank(EngineRequest(pictures=pictures), ALL, size, no_cuda)]
    assert ranked == list(expected)
    for engine, seconds in expected.items():
        assert seconds_on_cpu(engine, pictures, size) == seconds


@pytest.mark.parametrize("engine", ALL)
def test_with_one_engine_installed_that_one_is_taken(engine: EngineName) -> None:
    (found,) = rank(EngineRequest(), (engine,), LARGE, no_cuda)
    assert found.engine == engine
    assert "only one installed" in found.why


@pytest.mark.parametrize("engine", ALL)
def test_an_engine_asked_for_is_taken_whether_it_is_quick_or_not(engine: EngineName) -> None:
    for pictures in (1, None):
        (found,) = rank(EngineRequest(engine, pictures=pictures), ALL, LARGE, no_cuda)
        assert found.engine == engine
    # an absent one too: its own module says how to install it
    assert first(EngineRequest(engine, device="cpu"), installed=()).engine == engine


def test_as_it_comes_is_opencv_on_the_cpu_in_any_case() -> None:
    found = first(EngineRequest(as_it_comes=True), probe=unasked)
    assert (found.engine, found.device, found.precision) == ("opencv", "cpu", "fp32")


def test_cuda_is_taken_for_long_runs_where_the_probe_succeeds() -> None:
    found = first(EngineRequest(), probe=works_in("onnxruntime", "opencv"))
    assert (found.engine, found.device, found.precision) == ("onnxruntime", "cuda", "fp32")
    assert first(EngineRequest(), probe=works_in("opencv")).engine == "opencv"
    assert first(EngineRequest(), installed=("opencv",), probe=works_in("onnxruntime", "opencv")).engine == "opencv"


def test_cuda_is_not_begun_for_one_picture_unless_asked_for() -> None:
    assert first(EngineRequest(pictures=1), probe=unasked).device == "cpu"
    assert first(EngineRequest(pictures=1, device="cuda"), probe=works_in("opencv")).device == "cuda"
    assert first(EngineRequest(device="cpu"), probe=unasked).device == "cpu"


def test_auto_falls_back_to_the_cpu_and_says_why() -> None:
    found = first(EngineRequest())
    assert found.device == "cpu"
    assert "no CUDA (onnxruntime has no CUDA; opencv has no CUDA)" in found.why


def test_cuda_asked_for_and_not_there_says_why_and_both_ways_to_get_it() -> None:
    with pytest.raises(EngineError, match="onnxruntime has no CUDA; opencv has no CUDA") as caught:
        first(EngineRequest(device="cuda"))
    how_to_get_cuda = REMEDIES[Remedy.GET_CUDA]
    assert how_to_get_cuda in worded(caught.value)
    assert "onnxruntime-gpu" in how_to_get_cuda
    assert "-D WITH_CUDA=ON" in how_to_get_cuda
    with pytest.raises(EngineError, match="opencv has no CUDA"):
        first(EngineRequest("opencv", device="cuda"), probe=works_in("onnxruntime"))
    with pytest.raises(EngineError, match="no engine that is installed here knows CUDA"):
        first(EngineRequest(device="cuda"), installed=("openvino",), probe=unasked)


def test_half_precision_with_cuda_goes_to_the_engine_that_has_it() -> None:
    found = first(EngineRequest(device="cuda", precision="fp16"), probe=works_in("onnxruntime", "opencv"))
    assert (found.engine, found.precision) == ("opencv", "fp16")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            EngineRequest("openvino", device="cuda"),
            "openvino: knows no CUDA; for CUDA take onnxruntime or opencv",
        ),
        (EngineRequest("ncnn", device="cuda"), "--engine ncnn: computes on the CPU alone"),
        (EngineRequest("ncnn", device="gpu"), "--engine ncnn: computes on the CPU alone"),
        (
            EngineRequest("opencv", device="directml"),
            "opencv: knows no DirectML; for DirectML take onnxruntime",
        ),
        (EngineRequest(device="npu", precision="fp32"), "--precision fp32: is not available with OpenVINO's NPU"),
        (EngineRequest("onnxruntime", device="cuda", precision="fp16"), "--precision fp16: is not available with CUDA"),
        (EngineRequest(device="cuda", precision="bf16"), "--precision bf16: is not available with CUDA"),
        (EngineRequest("opencv", precision="bf16", device="cpu"), "take --engine openvino"),
        (EngineRequest("onnxruntime", precision="fp16", device="cpu"), "take --engine openvino"),
    ],
)
def test_wishes_that_exclude_each_other_are_refused(asked: EngineRequest, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        first(asked, probe=unasked)
    assert said in worded(caught.value)


def test_reduced_precision_asked_for_goes_to_openvino_or_says_how_to_get_it() -> None:
    found = first(EngineRequest(precision="bf16", pictures=1))
    assert (found.engine, found.precision) == ("openvino", "bf16")
    with pytest.raises(MissingExtraError) as caught:
        first(EngineRequest(precision="bf16", pictures=1), installed=("opencv", "onnxruntime"))
    assert "pip install 'colorize-photos[openvino]'" in worded(caught.value)


def test_every_engine_has_a_cost_and_computes_in_float32() -> None:
    assert set(COSTS) == set(ALL)
    assert [way for way, precisions in PRECISIONS.items() if "fp32" not in precisions] == [("openvino", "npu")]


@pytest.mark.parametrize("each", ACCELERATORS, ids=lambda each: f"{each.device}-{each.engine}")
def test_the_real_probe_answers_with_a_reason_or_a_working_device(each: Accelerator) -> None:
    answer = refusal(each.engine, each.device)
    assert answer is None or (each.name in answer and "\n" not in answer)


def test_a_gpu_is_any_that_works_in_a_fixed_order() -> None:
    def only(device: Device) -> Probe:
        return lambda engine, asked: None if asked == device else f"{engine} has no {asked}"

    here = [each for each in ACCELERATORS if each.any_gpu and sys.platform in each.systems]
    assert {"onnxruntime", "openvino"} <= {each.engine for each in here} or sys.platform == "darwin"
    for each in here:
        found = first(EngineRequest(device="gpu", pictures=1), probe=only(each.device))
        assert (found.device, found.precision) == (each.device, "fp32")
    # what takes minutes to start, or computes in less than float32, has to be asked for by its name
    for device in ("tensorrt", "npu"):
        with pytest.raises(EngineError, match="no GPU: "):
            first(EngineRequest(device="gpu"), probe=only(device))
        assert first(EngineRequest(), probe=only(device)).device == "cpu"
        assert first(EngineRequest(device=device), probe=only(device)).device == device
    assert first(EngineRequest(device="npu"), probe=only("npu")).precision == "fp16"


def test_a_gpu_that_is_hardly_faster_is_left_unless_it_is_asked_for() -> None:
    asked: list[tuple[EngineName, Device]] = []

    def slow(engine: EngineName, device: Device) -> float:
        asked.append((engine, device))
        return 1.2

    (*_, last) = rank(EngineRequest(), ALL, SMALL, works_in("onnxruntime"), slow)
    assert last.device == "cpu"
    assert "no CUDA (1.2 times the CPU's speed, tried here; opencv has no CUDA)" in last.why
    assert asked == [("onnxruntime", "cuda")]
    for device in ("cuda", "gpu"):
        assert rank(EngineRequest(device=device), ALL, SMALL, works_in("onnxruntime"), slow)[0].device == "cuda"
    assert rank(EngineRequest(), ALL, SMALL, works_in("onnxruntime"), lambda *_: 1.6)[0].device == "cuda"


@pytest.mark.parametrize("device", ["tensorrt", "rocm", "directml", "coreml", "gpu", "npu"])
def test_a_device_that_is_not_there_is_refused_with_the_way_to_get_it(device: Device) -> None:
    with pytest.raises(EngineError) as caught:
        rank(EngineRequest(device=device), ALL, SMALL, lambda engine, _: f"{engine} has none")
    said = worded(caught.value)
    assert "has none" in said
    assert "install" in said
    assert "\n" not in said


@dataclass
class FakeRuntime:
    """ONNX Runtime as far as sessions are opened, built with some providers, of which some start."""

    built: tuple[str, ...]
    starts: tuple[str, ...]
    __version__: str = "9"
    asked: list[Any] = field(default_factory=list)

    def get_available_providers(self) -> list[str]:
        return [*self.built, "CPUExecutionProvider"]

    class SessionOptions:
        enable_mem_pattern = True

        def add_session_config_entry(self, name: str, value: str) -> None:
            pass

    def InferenceSession(self, _: bytes, options: Any, providers: list[Any]) -> Any:  # noqa: N802 - its name
        self.asked.append((options, providers))
        wanted = [each if isinstance(each, str) else each[0] for each in providers]
        started = [each for each in wanted if each in (*self.starts, "CPUExecutionProvider")]
        return SimpleNamespace(get_providers=lambda: started)


@pytest.mark.parametrize(
    ("device", "provider", "options"),
    [
        ("cuda", "CUDAExecutionProvider", {"use_tf32": "0"}),
        ("tensorrt", "TensorrtExecutionProvider", {}),
        ("rocm", "MIGraphXExecutionProvider", {}),
        ("rocm", "ROCMExecutionProvider", {}),
        ("directml", "DmlExecutionProvider", {}),
        ("coreml", "CoreMLExecutionProvider", {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"}),
    ],
)
def test_onnx_runtime_is_told_its_own_name_of_a_device_and_must_start_it(
    device: Device, provider: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    runtime = FakeRuntime((provider,), (provider,))
    open_session(runtime, b"", Setup(device))
    ((given, providers),) = runtime.asked
    assert providers == [(provider, options), "CPUExecutionProvider"]
    assert given.enable_mem_pattern is (device != "directml")
    assert os.environ.get("NVIDIA_TF32_OVERRIDE") == ("0" if device == "tensorrt" else None)
    with pytest.raises(EngineError, match=r"ONNX Runtime 9 cannot start .*; its driver or libraries do not fit"):
        open_session(FakeRuntime((provider,), ()), b"", Setup(device))
    with pytest.raises(EngineError, match="ONNX Runtime 9 as installed has no"):
        open_session(FakeRuntime((), ()), b"", Setup(device))


def test_a_device_is_timed_by_real_passes() -> None:
    """The CPU stands in for an accelerator: it is as fast as itself, within what a busy machine does."""
    probing.gain.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probing, "load", lambda network, engine, _: load(network, engine, Setup()))
        assert 0.05 < probing.gain("onnxruntime", "cuda") < 20
        small = probing._run_small(ACCELERATORS[0])
        assert probing._compared(small) is None
        with pytest.raises(EngineError, match="wrongly"):
            probing._compared(small * 2)
    probing.gain.cache_clear()
