"""Reduced precision: taken only where a trial with these weights found nothing to be seen, and the trial is kept."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from conftest import run_python
from skimage.color import deltaE_ciede2000
from synthetic import lightness_like, small_pair

from colorizer.engines import EngineRequest, choice, opening
from colorizer.engines.openvino import reduced_precision
from colorizer.errors import EngineError
from colorizer.io.cache import cache_folder
from colorizer.networks import Model, resolve_model
from colorizer.networks.zhang.network import open_zhang
from colorizer.networks.zhang.precision import Verdict, judge, remember, remembered, sample_planes, verdict_key


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty COLORIZER_HOME."""
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return resolve_model(str(small_pair(tmp_path_factory.mktemp("small"))[1]))


@dataclass
class Offset:
    """An engine that colours all in a, b = 20, 10, but for an offset in a in some share of the pixels."""

    offset: float = 0.0
    share: float = 1.0
    seconds: float = 0.0
    name: str = "made up"

    def ab(self, lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        time.sleep(self.seconds)
        batch, _, height, width = lightness.shape
        ab = np.empty((batch, 2, height // 4, width // 4), np.float32)
        ab[:, 0], ab[:, 1] = 20, 10
        flat = ab[:, 0].reshape(batch, -1)
        flat[:, : round(flat.shape[1] * self.share)] += self.offset
        return ab


@pytest.mark.parametrize(
    ("offset", "share", "holds"),
    [(0.0, 1.0, True), (0.2, 1.0, True), (3.0, 1.0, False), (8.0, 0.0005, True), (8.0, 0.01, False)],
)
def test_both_limits_count_the_mean_and_the_percentile(offset: float, share: float, holds: bool) -> None:
    verdict = judge(Offset(seconds=0.004), Offset(offset, share), sample_planes(8))
    assert verdict.exact_enough == holds
    assert verdict.holds == holds
    light = sample_planes(8)[0][0, 0, ::4, ::4] + 50
    lab = np.dstack([light, np.full_like(light, 20), np.full_like(light, 10)])
    other = lab + np.array([0, offset, 0])
    expected = deltaE_ciede2000(lab, other).mean() * share  # type: ignore[no-untyped-call]
    assert verdict.mean == pytest.approx(expected, rel=0.15, abs=1e-3)


def test_what_gains_no_time_is_left() -> None:
    verdict = judge(Offset(seconds=0.003), Offset(seconds=0.003), sample_planes(8))
    assert verdict.exact_enough
    assert not replace(verdict, speedup=1.0).holds
    assert replace(verdict, speedup=2.0).holds


def test_samples_are_picture_like_and_always_the_same() -> None:
    planes = sample_planes(32)
    assert len(planes) >= 4
    for plane, again in zip(planes, sample_planes(32), strict=True):
        np.testing.assert_array_equal(plane, again)
        assert plane.dtype == np.float32
        assert plane.shape == (1, 1, 224, 224)
        assert plane.min() >= -50
        assert plane.max() <= 50
        assert 10 < plane.std() < 35
        # neighbours are alike, as in photographs and unlike noise
        assert np.abs(np.diff(plane[0, 0])).mean() < plane.std() / 3
    assert sample_planes(20)[0].shape == (1, 1, 240, 240)


def test_a_verdict_is_remembered_under_all_that_it_depends_on() -> None:
    verdict = Verdict(0.1, 0.8, 1.9)
    key = verdict_key("model", "1", "bf16")
    assert remembered(key) is None
    remember(key, verdict)
    assert remembered(key) == verdict
    assert remembered(verdict_key("model", "2", "bf16")) is None
    assert verdict_key("a", "bc") != verdict_key("ab", "c")


def test_a_damaged_verdict_is_none() -> None:
    key = verdict_key("x")
    remember(key, Verdict(0.1, 0.8, 1.9))
    (path,) = (cache_folder() / "precision").glob("*.verdict")
    path.write_text(json.dumps({"mean": 0}))
    assert remembered(key) is None


def test_auto_follows_the_trial_and_tries_once(small: Model, home: Path) -> None:
    reduced, _ = reduced_precision()
    asked = EngineRequest("openvino", device="cpu")
    opened = open_zhang(small, request=asked)
    verdicts = list((home / "cache" / "precision").glob("*.verdict"))
    if reduced is None:
        assert opened.engine.choice.precision == "fp32"
        assert not verdicts
        pytest.skip("OpenVINO computes in float32 alone on this CPU, so there is no trial to follow")
    (path,) = verdicts
    verdict = Verdict(**json.loads(path.read_text()))
    assert opened.engine.choice.precision == (reduced if verdict.holds else "fp32")
    assert str(verdict) in opened.engine.choice.why
    # what was found decides, not the precision itself
    for decided in (Verdict(0.1, 0.5, 2.0), Verdict(0.6, 0.5, 2.0), Verdict(0.1, 2.5, 2.0)):
        remember(path.stem, decided)
        again = open_zhang(small, request=asked)
        assert again.engine.choice.precision == (reduced if decided.holds else "fp32")
        assert (f", {reduced}" in again.engine.name) == decided.holds
    # another temperature is another trial
    open_zhang(small, temperature=1.0, request=asked)
    assert len(list((home / "cache" / "precision").glob("*.verdict"))) == 2


@pytest.fixture
def counts_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network counts as a large one, for which another engine is the quickest in float32."""
    for module in (choice, opening):
        monkeypatch.setattr(module, "LARGE_MODEL", 0)


@pytest.mark.usefixtures("counts_as_large")
def test_where_another_engine_is_quickest_the_trial_is_against_that_one(small: Model, home: Path) -> None:
    pytest.importorskip("ncnn")
    reduced, _ = reduced_precision()
    opened = open_zhang(small, request=EngineRequest(device="cpu"))
    if reduced is None:
        assert (opened.engine.choice.engine, opened.engine.choice.precision) == ("ncnn", "fp32")
        pytest.skip("OpenVINO computes in float32 alone on this CPU, so there is no trial to follow")
    (path,) = (home / "cache" / "precision").glob("*.verdict")
    assert f"openvino in {reduced}" in opened.engine.choice.why
    decisions = {Verdict(0.1, 0.5, 2.0): ("openvino", reduced), Verdict(0.1, 0.5, 1.0): ("ncnn", "fp32")}
    for decided, taken in decisions.items():
        remember(path.stem, decided)
        again = open_zhang(small, request=EngineRequest(device="cpu"))
        assert (again.engine.choice.engine, again.engine.choice.precision) == taken
    # of that engine alone what is asked for is taken, and a few pictures are not worth it
    for asked in (EngineRequest("ncnn", device="cpu"), EngineRequest(device="cpu", pictures=3)):
        assert open_zhang(small, request=asked).engine.choice.precision == "fp32"


@pytest.mark.usefixtures("counts_as_large")
def test_a_trial_that_fails_leaves_float32(small: Model, tmp_path: Path) -> None:
    (tmp_path / "openvino.py").write_text("raise ImportError('libopenvino.so: bad')")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from colorizer.engines import EngineRequest, choice, opening
from colorizer.networks.zhang.network import open_zhang
from colorizer.networks import resolve_model
choice.LARGE_MODEL = opening.LARGE_MODEL = 0
print(open_zhang(resolve_model({str(small.files["caffemodel"])!r}), request=EngineRequest(device="cpu")).engine.choice)
"""
    done = run_python(code, tmp_path)
    assert "engine='ncnn', device='cpu', precision='fp32'" in done.stdout, done.stderr
    assert "libopenvino.so: bad" in done.stdout


def test_few_pictures_are_not_worth_a_trial(small: Model, home: Path) -> None:
    opened = open_zhang(small, request=EngineRequest("openvino", device="cpu", pictures=2))
    assert opened.engine.choice.precision == "fp32"
    assert not (home / "cache" / "precision").exists()


def test_float32_stays_float32_where_the_cpu_would_take_less_by_itself(small: Model) -> None:
    light = lightness_like(96, 96)
    exact = open_zhang(small, request=EngineRequest("opencv", device="cpu")).ab(light)
    found = open_zhang(small, request=EngineRequest("openvino", precision="fp32", device="cpu")).ab(light)
    np.testing.assert_allclose(found, exact, atol=0.1)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_precision_asked_for_is_taken_or_refused(small: Model, precision: str) -> None:
    from colorizer.engines.openvino import precisions, the_core

    asked = EngineRequest("openvino", precision=precision, device="cpu")  # type: ignore[arg-type]
    if precision in precisions(the_core()):
        assert open_zhang(small, request=asked).engine.name.endswith(f", {precision}")
    else:
        with pytest.raises(EngineError, match=f"no {precision} arithmetic"):
            open_zhang(small, request=asked)
