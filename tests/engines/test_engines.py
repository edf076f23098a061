"""Every engine: the same ab as a float64 computation, whatever is asked of it, and errors that name the cure."""

from __future__ import annotations

import functools
import importlib.util
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import run_python
from reference import reference_ab
from synthetic import RELEASE_PROTOTXT, lightness_like, small_pair

from colorizer.caffe.ncnn_export import convert
from colorizer.engines import Device, EngineName, EngineRequest, Setup
from colorizer.engines.ncnn.form import NcnnModel
from colorizer.errors import EngineError, WeightsError
from colorizer.networks import Model, resolve_model
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.contract import RELEASE_TEMPERATURE
from colorizer.networks.zhang.converted import onnx_model
from colorizer.networks.zhang.network import ZhangNetwork, open_zhang

ENGINE_BOUND = 0.05
"""ab units, in float32."""

Floats = npt.NDArray[np.float32]

ENGINES: tuple[EngineName, ...] = ("opencv", "onnxruntime", "ncnn", "openvino")
every_engine = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for the tests of this file, which is not the user's."""
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path_factory.getbasetemp() / "engines_home"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The release's layers with an eighth of the channels."""
    return resolve_model(str(small_pair(tmp_path_factory.mktemp("small"))[1]))


def pair(model: Model) -> tuple[Path, Path]:
    return model.files["prototxt"], model.files["caffemodel"]


@functools.cache
def reference_of_small(
    files: tuple[Path, Path], size: tuple[int, int], temperature: float = RELEASE_TEMPERATURE
) -> npt.NDArray[np.float64]:
    """What every engine is compared with, computed once for all."""
    return reference_ab(*files, lightness_like(*size), temperature, bin_centres())


def opened(
    model: Model,
    engine: EngineName,
    *,
    temperature: float = RELEASE_TEMPERATURE,
    centres: npt.NDArray[np.float32] | None = None,
    threads: int | None = None,
) -> ZhangNetwork:
    request = EngineRequest(engine, precision="fp32", device="cpu", threads=threads)
    return open_zhang(model, temperature=temperature, centres=centres, request=request)


@every_engine
@pytest.mark.parametrize("temperature", [RELEASE_TEMPERATURE, 1.0, 4.0])
@pytest.mark.parametrize("size", [(224, 224), (96, 160)])
def test_ab_is_that_of_float64(small: Model, engine: EngineName, temperature: float, size: tuple[int, int]) -> None:
    found = opened(small, engine, temperature=temperature).ab(lightness_like(*size))
    expected = reference_of_small(pair(small), size, temperature)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=ENGINE_BOUND)


@pytest.fixture(scope="module")
def expected_of_lite() -> npt.NDArray[np.float64]:
    lite = resolve_model("lite")
    return reference_ab(*pair(lite), lightness_like(224, 224), 0.38, bin_centres())


@every_engine
def test_ab_of_lite_is_that_of_float64(engine: EngineName, expected_of_lite: npt.NDArray[np.float64]) -> None:
    found = opened(resolve_model("lite"), engine, temperature=0.38).ab(lightness_like(224, 224))
    np.testing.assert_allclose(found, expected_of_lite, atol=ENGINE_BOUND)


@pytest.fixture(scope="module")
def release(release_weights: Path) -> Model:
    """The release's layers at their full size, with made-up weights."""
    return resolve_model(str(release_weights), prototxt=RELEASE_PROTOTXT)


@pytest.fixture(scope="module", params=[96, pytest.param(224, marks=pytest.mark.slow)])
def of_release(release: Model, request: pytest.FixtureRequest) -> tuple[Floats, npt.NDArray[np.float64]]:
    """A picture, and its colours in float64."""
    light = lightness_like(request.param, request.param)
    return light, reference_ab(*pair(release), light, RELEASE_TEMPERATURE)


@every_engine
def test_ab_of_the_release_is_that_of_float64(
    engine: EngineName, release: Model, of_release: tuple[Floats, npt.NDArray[np.float64]]
) -> None:
    light, expected = of_release
    found = opened(release, engine).ab(light)
    assert expected.std() > 3
    np.testing.assert_allclose(found, expected, atol=ENGINE_BOUND)


@every_engine
def test_towards_zero_the_temperature_gives_the_mode(small: Model, engine: EngineName) -> None:
    ab = opened(small, engine, temperature=0.01).ab(lightness_like(64, 64))
    distance = np.abs(np.moveaxis(ab, 1, -1)[..., None, :] - bin_centres()).max(axis=-1).min(axis=-1)
    assert np.median(distance) < 0.01


@every_engine
def test_brought_bin_centres_are_the_ones_used(small: Model, engine: EngineName) -> None:
    light = lightness_like(64, 64)
    mirrored = -bin_centres().astype(np.float32)
    found = opened(small, engine, centres=mirrored).ab(light)
    np.testing.assert_allclose(found, -opened(small, engine).ab(light), atol=1e-3)


@every_engine
def test_a_batch_is_its_pictures_one_by_one_and_results_stay_theirs(small: Model, engine: EngineName) -> None:
    runner = opened(small, engine)
    lights = np.concatenate([lightness_like(64, 96, seed) for seed in range(3)])
    batch = runner.ab(lights)
    for one, result in zip(lights, batch, strict=True):
        np.testing.assert_allclose(runner.ab(one[None])[0], result, atol=0.02)
    first = runner.ab(lights[:1])
    kept = first.copy()
    runner.ab(lights[1:2])
    np.testing.assert_array_equal(first, kept)


@every_engine
def test_sizes_may_change_from_picture_to_picture(small: Model, engine: EngineName) -> None:
    runner = opened(small, engine)
    for size in ((64, 64), (96, 64), (64, 128), (64, 64)):
        expected = reference_of_small(pair(small), size)
        np.testing.assert_allclose(runner.ab(lightness_like(*size)), expected, atol=ENGINE_BOUND)


@every_engine
def test_threads_that_share_an_engine_each_get_their_own_picture(small: Model, engine: EngineName) -> None:
    runner = opened(small, engine, threads=1)
    lights = [lightness_like(64, 64 + 32 * (seed % 2), seed) for seed in range(6)]
    alone = [runner.ab(light) for light in lights]
    together: dict[int, npt.NDArray[np.float32]] = {}

    def color(i: int) -> None:
        together[i] = runner.ab(lights[i])

    workers = [threading.Thread(target=color, args=(i,)) for i in range(len(lights))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for i, expected in enumerate(alone):
        np.testing.assert_allclose(together[i], expected, atol=1e-3)


@every_engine
def test_files_that_vanish_or_break_after_the_check_are_named(small: Model, engine: EngineName, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="gone"):
        opened(replace(small, files={**small.files, "caffemodel": tmp_path / "gone.caffemodel"}), engine)
    broken = tmp_path / "broken.caffemodel"
    broken.write_bytes(b"no network at all")
    with pytest.raises(WeightsError, match=r"broken\.caffemodel"):
        opened(replace(small, files={**small.files, "caffemodel": broken}), engine)


@every_engine
def test_an_input_of_the_wrong_shape_is_an_error_in_one_line(small: Model, engine: EngineName) -> None:
    with pytest.raises(EngineError, match=r"failed on this network, given 64 x 64 numbers") as caught:
        opened(small, engine).ab(np.zeros((64, 64), np.float32))
    assert "\n" not in str(caught.value)


def test_a_layer_that_others_lack_is_run_by_opencv(small: Model, tmp_path: Path) -> None:
    prototxt = tmp_path / "odd.prototxt"
    text = small.files["prototxt"].read_text().replace('type: "ReLU"', 'type: "AbsVal"', 1)
    prototxt.write_text(text)
    odd = replace(small, files={**small.files, "prototxt": prototxt})
    others: tuple[EngineName, ...] = ("onnxruntime", "ncnn")
    for engine in others:
        with pytest.raises(WeightsError, match="AbsVal"):
            opened(odd, engine)
    import cv2

    if hasattr(cv2.dnn, "readNetFromCaffe"):
        runner = open_zhang(odd, request=EngineRequest(device="cpu"))
        assert runner.engine.choice.engine == "opencv"
        assert "AbsVal" in runner.engine.choice.why


def test_what_ncnn_cannot_read_back_is_an_error(small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(*arguments: Any) -> NcnnModel:
        whole = convert(*arguments)
        return whole._replace(weights=(*whole.weights[:-1], whole.weights[-1][..., :-1].copy()))

    monkeypatch.setattr("colorizer.networks.zhang.forms.convert_to_ncnn", cut_short)
    with pytest.raises(WeightsError, match=r"ncnn .* cannot load this network"):
        opened(small, "ncnn")


def test_opencv_reads_the_converted_model_in_every_engine_of_its_own(small: Model) -> None:
    """What CUDA would be given: on OpenCV 5 by its classic engine, since the new one knows the CPU alone."""
    import cv2

    from colorizer.engines.opencv import read_onnx

    converted = onnx_model(small, Colors(RELEASE_TEMPERATURE, bin_centres()))
    light = lightness_like(64, 96)
    devices: tuple[Device, ...] = ("cpu", "cuda")
    for device in devices:
        net = read_onnx(cv2, converted, Setup(device=device))
        net.enableWinograd(False)
        net.setInput(light, "data_l")
        expected = reference_ab(*pair(small), light)
        np.testing.assert_allclose(net.forward("class8_ab"), expected, atol=ENGINE_BOUND)


ABSENT = """
import sys
sys.path.insert(0, {folder!r})
from colorizer.engines import EngineRequest
from colorizer.networks.zhang.network import open_zhang
from colorizer.cli.wording import worded
from colorizer.errors import EngineError, MissingExtraError
from colorizer.networks import resolve_model
try:
    print(open_zhang(resolve_model("lite"), request=EngineRequest({request})).engine.choice)
except (EngineError, MissingExtraError) as error:
    print(type(error).__name__ + ":", worded(error))
"""


@pytest.mark.parametrize(
    ("module", "content", "asked", "said"),
    [
        ("cv2", "raise ImportError('libGL.so.1: cannot open')", "'opencv'", "libGL.so.1"),
        ("cv2", "raise ImportError('libGL.so.1: cannot open')", "'opencv'", "opencv-python-headless>=4.10"),
        ("onnxruntime", "raise ImportError('DLL load failed')", "'onnxruntime'", "DLL load failed"),
        (
            "onnxruntime",
            "raise ModuleNotFoundError('gone', name='onnxruntime')",
            "'onnxruntime'",
            "MissingExtraError: ONNX Runtime is not installed; pip install 'colorize-photos[onnxruntime]'",
        ),
        ("ncnn", "raise ImportError('libgomp: bad')", "'ncnn'", "ncnn cannot be imported (libgomp: bad)"),
        (
            "ncnn",
            "raise ModuleNotFoundError('gone', name='ncnn')",
            "'ncnn'",
            "MissingExtraError: ncnn is not installed; pip install 'colorize-photos[ncnn]'",
        ),
        (
            "openvino",
            "raise ModuleNotFoundError('gone', name='openvino')",
            "'openvino'",
            "MissingExtraError: OpenVINO is not installed; pip install 'colorize-photos[openvino]'",
        ),
        ("openvino", "raise ImportError('libopenvino.so: bad')", "pictures=1000, device='cpu'", "engine='onnxruntime'"),
        ("openvino", "raise ImportError('libopenvino.so: bad')", "pictures=1000, device='cpu'", "libopenvino.so: bad"),
    ],
)
def test_a_runtime_that_does_not_load_is_named_with_the_cure_and_auto_goes_on(
    module: str, content: str, asked: str, said: str, tmp_path: Path
) -> None:
    """A module of the same name stands in for installations that are absent or broken."""
    (tmp_path / f"{module}.py").write_text(content)
    # resolve_model and the engines must not have loaded the real one
    done = run_python(ABSENT.format(folder=str(tmp_path), request=asked), tmp_path, COLORIZER_HOME=str(tmp_path))
    assert said in done.stdout, done.stdout + done.stderr


@every_engine
def test_no_engine_reaches_for_the_network_or_starts_a_process(engine: EngineName, tmp_path: Path) -> None:
    """As packaged, ONNX Runtime and OpenVINO report to their makers when they are imported, or prepare to.

    Python's own events show OpenVINO's telemetry; ONNX Runtime's is native, and is known by the files that it keeps.
    """
    user = tmp_path / "user"
    user.mkdir()
    code = f"""
import os, sys
def watch(event, arguments):
    if event.startswith(("socket.", "os.fork", "os.spawn", "os.posix_spawn", "subprocess.", "os.system", "os.exec")):
        os.write(1, f"{{event}} {{arguments}}\\n".encode())
sys.addaudithook(watch)
import numpy
from colorizer.engines import EngineRequest
from colorizer.networks.zhang.network import open_zhang
from colorizer.networks import resolve_model
opened = open_zhang(resolve_model("lite"), request=EngineRequest({engine!r}))
opened.ab(numpy.zeros((1, 1, 64, 64), numpy.float32))
"""
    done = run_python(code, tmp_path, COLORIZER_HOME=str(tmp_path), HOME=str(user))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert list(user.rglob("*")) == []


ENGINES_THAT_END = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
import numpy
from colorizer.engines import EngineRequest
from colorizer.networks.zhang.network import open_zhang
from colorizer.networks import resolve_model
request = EngineRequest({engine!r}, device="cpu")
first, second = (open_zhang(resolve_model("lite"), request=request) for _ in range(2))
for opened in (first, second):
    opened.ab(numpy.zeros((1, 1, 32, 32), numpy.float32))
del opened, first
del second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("heard")
"""


@every_engine
def test_ctrl_c_is_heard_after_engines_have_ended_in_any_order(engine: EngineName, tmp_path: Path) -> None:
    done = run_python(ENGINES_THAT_END.format(engine=engine), tmp_path, COLORIZER_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


def test_nothing_heavy_is_imported_to_see_what_is_installed(tmp_path: Path) -> None:
    code = (
        "import sys; from colorizer.engines.loading import installed_engines; print(installed_engines());"
        "print([name for name in ('cv2', 'onnxruntime', 'ncnn', 'openvino') if name in sys.modules])"
    )
    done = run_python(code, tmp_path)
    found, imported = done.stdout.splitlines()
    assert imported == "[]", done.stderr
    assert ("openvino" in found) == (importlib.util.find_spec("openvino") is not None)


def test_a_folder_of_the_name_of_a_runtime_is_no_runtime(tmp_path: Path) -> None:
    for name in ("nothing_installed", "no_runtime"):
        (tmp_path / name).mkdir()
    code = "from colorizer.engines.loading import _is_installed as i; print(i('nothing_installed'), i('json'))"
    assert run_python(code, tmp_path).stdout.split() == ["False", "True"]
