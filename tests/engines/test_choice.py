"""Which engine, device and precision a job gets. The probe for CUDA has a stand-in; nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from colorizer.cli.wording import REMEDIES, worded
from colorizer.engines import Choice, EngineName, EngineRequest, choice
from colorizer.engines.choice import COSTS, PRECISIONS, Cost, rank, seconds_on_cpu
from colorizer.engines.cuda import probe_cuda
from colorizer.errors import EngineError, MissingExtraError, Remedy, UsageError

SMALL, LARGE = 7_000_000, 129_000_000
ALL: tuple[EngineName, ...] = ("opencv", "onnxruntime", "ncnn", "openvino")

Probe = Callable[[EngineName], "str | None"]


def no_cuda(engine: EngineName) -> str | None:
    return f"{engine} has no CUDA"


def works_in(*engines: EngineName) -> Probe:
    return lambda engine: None if engine in engines else f"{engine} has no CUDA"


def unasked(engine: EngineName) -> str | None:
    raise AssertionError(f"{engine} was probed")


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
        (EngineRequest("openvino", device="cuda"), "--engine openvino: computes on the CPU alone"),
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
    assert all("fp32" in precisions for precisions in PRECISIONS.values())


@pytest.mark.parametrize("engine", ["onnxruntime", "opencv"])
def test_the_real_probe_answers_with_a_reason_or_a_working_gpu(engine: EngineName) -> None:
    answer = probe_cuda(engine)
    assert answer is None or ("CUDA" in answer and "\n" not in answer)
