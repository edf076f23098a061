"""Which engine, device and precision a job gets. The probe for CUDA has a stand-in; nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from colorizer.cli.wording import REMEDIES, worded
from colorizer.engines import Choice, EngineName, EngineRequest
from colorizer.engines.choice import COSTS, PRECISIONS, rank, seconds_on_cpu
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


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("pictures", [1, 3, 10, 100, 1000])
def test_the_choice_is_the_least_estimate_and_the_others_follow_in_order(size: int, pictures: int) -> None:
    ranked = [choice.engine for choice in rank(EngineRequest(pictures=pictures), ALL, size, no_cuda)]
    estimates = [seconds_on_cpu(engine, pictures, size) for engine in ranked]
    assert sorted(ranked) == sorted(ALL)
    assert estimates == sorted(estimates)


@pytest.mark.parametrize("engine", ALL)
def test_with_one_engine_installed_that_one_is_taken(engine: EngineName) -> None:
    (choice,) = rank(EngineRequest(), (engine,), LARGE, no_cuda)
    assert choice.engine == engine
    assert "only one installed" in choice.why


@pytest.mark.parametrize("engine", ALL)
def test_an_engine_asked_for_is_taken_whether_it_is_quick_or_not(engine: EngineName) -> None:
    for pictures in (1, None):
        (choice,) = rank(EngineRequest(engine, pictures=pictures), ALL, LARGE, no_cuda)
        assert choice.engine == engine
    # an absent one too: its own module says how to install it
    assert first(EngineRequest(engine, device="cpu"), installed=()).engine == engine


def test_as_it_comes_is_opencv_on_the_cpu_in_any_case() -> None:
    choice = first(EngineRequest(as_it_comes=True), probe=unasked)
    assert (choice.engine, choice.device, choice.precision) == ("opencv", "cpu", "fp32")


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
