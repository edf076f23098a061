"""Every contract: what its network is fed, and what is made of the answer, against the closed form of a made one."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from closed_form import answer_by_closed_form
from in_process import run_in_process
from made_ideepcolor import IDEEPCOLOR
from made_networks import CONTRACTS, Contract, ab_of_lightness, deoldify_net, grey_of, hinted_net
from PIL import Image

from colorizer import Colorizer, Settings
from colorizer.cli.main import run
from colorizer.engines import EngineName
from colorizer.errors import UsageError
from colorizer.film.coloring import SteadyingOptions
from colorizer.film.pipe import color_stream
from colorizer.media.options import Output
from colorizer.networks import NetworkInput
from colorizer.networks.described import family as described_family
from colorizer.networks.described import feeding
from colorizer.networks.described import network as described_network
from colorizer.networks.described.answer import ab_of
from colorizer.networks.described.feeding import feed
from colorizer.web.coloring import Source, color_file
from colorizer.web.folder import private_folder

Grey = npt.NDArray[np.uint8]
CPU = {"precision": "fp32", "device": "cpu"}
CLOSE = 0.05  # CIE Lab units
ENGINES: tuple[EngineName, ...] = ("onnxruntime", "openvino", "opencv")

each_contract = pytest.mark.parametrize("contract", [*CONTRACTS, IDEEPCOLOR], ids=lambda contract: contract.name)


@pytest.fixture(autouse=True)
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are opened at once; that they are tried in a process first is a test of its own."""
    monkeypatch.setattr(described_family, "ensure_tried", lambda *_: None)


@pytest.fixture
def grey(photographs: list[Path]) -> Grey:
    with Image.open(photographs[0]) as picture:
        picture.thumbnail((150, 100))
        return np.asarray(picture.convert("L"))


def written(contract: Contract, folder: Path) -> Path:
    path = contract.make(folder / "net.onnx")
    if contract.descriptor:
        (folder / "net.colorize.json").write_text(json.dumps(contract.descriptor))
    return path


def opened(model: Path, engine: EngineName = "onnxruntime", **settings: Any) -> Colorizer:
    return Colorizer(Settings(model=str(model), engine=engine, **CPU, **settings))  # type: ignore[arg-type]


def known(colorizer: Colorizer, contract: Contract, grey: Grey) -> npt.NDArray[np.floating[Any]]:
    (seen,) = colorizer.view.of_pixels(grey)
    return contract.ab(seen.lightness[0, 0])


@each_contract
@pytest.mark.parametrize("engine", ENGINES)
def test_ab_is_the_closed_form(contract: Contract, engine: EngineName, grey: Grey, tmp_path: Path) -> None:
    colorizer = opened(written(contract, tmp_path), engine)
    expected = known(colorizer, contract, grey)
    assert min(expected.shape[:2]) == contract.size
    assert np.ptp(expected[..., 0]) > 8
    np.testing.assert_allclose(colorizer.predict(grey), expected, atol=CLOSE)


@each_contract
def test_a_flat_grey_has_the_answer_to_its_lightness(contract: Contract, tmp_path: Path) -> None:
    colorizer = opened(written(contract, tmp_path))
    for code in (0, 24, 128, 230):
        flat = np.full((96, 128), code, np.uint8)
        lightness = _lightness(np.full(3, code / 255))  # CIE 15, in float64: 53.6 and not 50.2 of 128
        found = colorizer.predict(flat)
        np.testing.assert_allclose(
            found, np.broadcast_to(contract.ab(np.full((2, 2), lightness))[0, 0], found.shape), atol=CLOSE
        )


@pytest.mark.parametrize("engine", ENGINES)
def test_tensors_of_half_precision_are_fed_as_such(engine: EngineName, grey: Grey, tmp_path: Path) -> None:
    contract = next(each for each in CONTRACTS if each.name == "C5b")
    half = replace(contract, make=lambda path: deoldify_net(path, dtype=np.float16))
    half.descriptor["inputs"][0]["dtype"] = "float16"
    colorizer = opened(written(half, tmp_path), engine)
    # RGB in 0..255 has 11 bits: steps of an eighth, which are up to 0.2 of ab
    np.testing.assert_allclose(colorizer.predict(grey), known(colorizer, half, grey), atol=0.4)


Tensors = dict[str, npt.NDArray[np.float32]]


def _code_values_for_lightness(seen: NetworkInput) -> NetworkInput:
    return replace(seen, lightness=(100 * grey_of(seen.lightness)).astype(np.float32))


def _lightness_for_grey(lightness: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(lightness / 100, np.float32)


def _scaled(factor: float, tensors: Tensors) -> Tensors:
    return {name: np.asarray(each * factor, np.float32) for name, each in tensors.items()}


def _backwards(channels: int, raw: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.flip(raw, raw.shape.index(channels))


def _mirrored(channels: int, raw: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.flip(raw, raw.ndim - 1 if raw.shape[1] == channels else raw.ndim - 2)


@each_contract
def test_reading_it_wrongly_shows(
    contract: Contract, grey: Grey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer = opened(written(contract, tmp_path))
    expected = known(colorizer, contract, grey)
    network, channels = described_network, 3 if _holds(contract) == "rgb" else 2
    wrong: dict[str, tuple[Any, str, Any]] = {
        "code values for L": (network, "feed", lambda seen, told: feed(_code_values_for_lightness(seen), told)),
        "255 times the range": (network, "feed", lambda *told: _scaled(255, feed(*told))),
        "a 255th of the range": (network, "feed", lambda *told: _scaled(1 / 255, feed(*told))),
        "channels backwards": (network, "ab_of", lambda raw, told: ab_of(_backwards(channels, raw), told)),
        "mirrored": (network, "ab_of", lambda raw, told: ab_of(_mirrored(channels, raw), told)),
        "a twentieth too strong": (network, "ab_of", lambda raw, told: 1.05 * ab_of(raw, told)),
    }
    if any("grey" in str(each["holds"]) for each in contract.descriptor.get("inputs", ())):
        wrong["L for grey"] = (feeding, "grey_code", _lightness_for_grey)
    np.testing.assert_allclose(colorizer.predict(grey), expected, atol=CLOSE)
    for how, (module, name, broken) in wrong.items():
        with monkeypatch.context() as patch:
            patch.setattr(module, name, broken)
            assert np.abs(colorizer.predict(grey) - expected).max() > 20 * CLOSE, how


def _holds(contract: Contract) -> str:
    return str(contract.descriptor.get("output", {}).get("holds", "ab"))


def _by_file(model: Path, grey: Grey, folder: Path) -> list[npt.NDArray[Any]]:
    Image.fromarray(grey).save(folder / "in.png")
    assert run([str(folder / "in.png"), "-o", str(folder / "out.png"), "--model", str(model), *_OPTIONS]) == 0
    return [np.asarray(Image.open(folder / "out.png"))]


def _by_folder(model: Path, grey: Grey, folder: Path) -> list[npt.NDArray[Any]]:
    (folder / "scans").mkdir()
    for name, turned in (("a.png", grey), ("b.png", grey[::-1])):
        Image.fromarray(turned).save(folder / "scans" / name)
    options = ["--jobs", "1", "--progress", "none", *_OPTIONS]
    assert run([str(folder / "scans"), "-o", str(folder / "colored"), "--model", str(model), *options]) == 0
    return [np.asarray(Image.open(path)) for path in sorted((folder / "colored").glob("*.png"))]


def _by_pipe(model: Path, grey: Grey, folder: Path) -> list[npt.NDArray[Any]]:
    given = io.BytesIO()
    Image.fromarray(grey).save(given, "PNG")
    words = ["-", "--model", str(model), *_OPTIONS]
    done = run_in_process(words, cwd=folder, environment=os.environ, stdin=given.getvalue())
    assert done.returncode == 0, done.stderr
    return [np.asarray(Image.open(io.BytesIO(done.stdout)))]


def _by_library(model: Path, grey: Grey, folder: Path) -> list[npt.NDArray[Any]]:
    deep = np.asarray(grey, np.uint16) * 257
    return [opened(model).colorize(deep, order="rgb")]


def _by_film(model: Path, grey: Grey, folder: Path) -> list[npt.NDArray[Any]]:
    height, width = grey.shape
    head = f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C444 XCOLORRANGE=FULL\n".encode()
    flat = np.full(2 * grey.size, 128, np.uint8).tobytes()
    out = io.BytesIO()
    settings = Settings(model=str(model), engine="onnxruntime", **CPU)  # type: ignore[arg-type]
    color_stream(io.BytesIO(head + b"FRAME\n" + grey.tobytes() + flat), out, settings, SteadyingOptions(0, 1))
    return [np.frombuffer(out.getvalue()[-3 * grey.size :], np.uint8)]


def _by_page(model: Path, grey: Grey, folder: Path) -> list[npt.NDArray[Any]]:
    Image.fromarray(grey).save(folder / "page.png")
    with private_folder(folder) as private:
        result = color_file(
            Source(folder / "page.png", "page.png"),
            opened(model),
            Output(),
            max_pixels=10**6,
            folder=private,
            cancelled=threading.Event(),
        )
        return [np.asarray(Image.open(result.path))]


_OPTIONS = ["--engine", "onnxruntime", "--precision", "fp32", "--device", "cpu", "-q"]
WAYS: dict[str, Callable[[Path, Grey, Path], list[npt.NDArray[Any]]]] = {
    "file": _by_file,
    "folder": _by_folder,
    "pipe": _by_pipe,
    "library": _by_library,
    "film": _by_film,
    "page": _by_page,
}


@each_contract
def test_all_ways_render_the_known_ab(
    contract: Contract, grey: Grey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = written(contract, tmp_path)
    found = {}
    for name in ("network", "oracle"):
        if name == "oracle":
            answer_by_closed_form(contract, monkeypatch)
        for way, color in WAYS.items():
            folder = tmp_path / name / way
            folder.mkdir(parents=True)
            found[name, way] = color(model, grey, folder)
    for way in WAYS:
        for network, oracle in zip(found["network", way], found["oracle", way], strict=True):
            step = 257 if network.dtype == np.uint16 else 1
            difference = np.abs(network.astype(int) - oracle.astype(int))
            assert difference.max() <= step, way
            assert difference.mean() < 0.03 * step, way


@each_contract
def test_lightness_is_the_pictures_own(contract: Contract, grey: Grey, tmp_path: Path) -> None:
    colored = opened(written(contract, tmp_path)).colorize(grey, order="rgb")
    wrong = np.abs(_lightness(colored / 255) - _lightness(np.dstack([grey] * 3) / 255))
    assert wrong.mean() < 0.10
    assert wrong.max() < 0.30
    assert np.ptp(colored, axis=2).max() > 20


def _lightness(rgb: npt.NDArray[np.float64]) -> Any:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126729, 0.7151522, 0.0721750])
    return 116 * np.where(y > (6 / 29) ** 3, np.cbrt(y), y / (3 * (6 / 29) ** 2) + 4 / 29) - 16


def test_hints_reach_the_network_in_its_own_terms(tmp_path: Path) -> None:
    contract = next(each for each in CONTRACTS if each.name == "C3")
    network = opened(written(contract, tmp_path))._network
    lightness = np.full((1, 1, 64, 72), 50, np.float32)
    hints = np.zeros((1, 3, 64, 72), np.float32)
    hints[0, :, 10:20, 30:40] = np.array([33.0, -21.0, 1.0])[:, None, None]
    ab = network.predict(NetworkInput(lightness, hints)).ab[0]
    hinted = hints[0, 2] == 1
    np.testing.assert_allclose(ab[:, hinted], np.tile([[33.0], [-21.0]], hinted.sum()), atol=CLOSE)
    np.testing.assert_allclose(
        ab[:, ~hinted].T, np.tile(ab_of_lightness(np.array(50.0)), ((~hinted).sum(), 1)), atol=CLOSE
    )


def test_hints_for_a_network_without_them_are_refused(tmp_path: Path) -> None:
    network = opened(written(CONTRACTS[0], tmp_path))._network
    with pytest.raises(UsageError, match="takes no hints"):
        network.predict(NetworkInput(np.zeros((1, 1, 256, 256), np.float32), np.zeros((1, 3, 256, 256), np.float32)))


@pytest.mark.parametrize("pad", ["edge", "reflect", 30])
@pytest.mark.parametrize("shape", [(60, 150), (150, 60), (100, 100)])
def test_a_kept_aspect_in_a_fixed_size_is_filled_up_and_cut_off_again(
    pad: Any, shape: tuple[int, int], tmp_path: Path
) -> None:
    contract = CONTRACTS[0]
    descriptor = contract.descriptor | {"size": {"fixed": 256, "fit": "aspect", "pad": pad}}
    model = written(replace(contract, descriptor=descriptor), tmp_path)
    grey = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    colorizer = opened(model)
    ab = colorizer.predict(grey)
    long, short = max(ab.shape[:2]), min(ab.shape[:2])
    assert long == 256
    assert abs(long / short - max(shape) / min(shape)) < 0.1
    np.testing.assert_allclose(ab, known(colorizer, contract, grey), atol=CLOSE)


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("C2a", 224, "sees 256 x 256 pixels and no other size; leave out size"),
        ("C4-dyn", 100, "takes multiples of 32; try 96"),
        ("C4-dyn", 64, ""),
        ("C3", 1024, "takes 1 to 512 pixels"),
    ],
)
def test_size_is_the_familys(name: str, size: int, said: str, grey: Grey, tmp_path: Path) -> None:
    contract = next(each for each in CONTRACTS if each.name == name)
    limited = contract.descriptor | ({"size": {"default": 128, "step": 8, "max": 512}} if name == "C3" else {})
    model = written(replace(contract, descriptor=limited), tmp_path)
    if said:
        with pytest.raises(UsageError, match=said):
            opened(model, size=size)
    else:
        assert min(opened(model, size=size).predict(grey).shape[:2]) == size


def test_ab_beyond_lab_is_brought_back(grey: Grey, tmp_path: Path) -> None:
    contract = next(each for each in CONTRACTS if each.name == "C4-dyn")
    output = contract.descriptor["output"] | {"scale": 9}
    model = written(replace(contract, descriptor=contract.descriptor | {"output": output}), tmp_path)
    ab = opened(model).predict(grey)
    assert np.abs(ab).max() == 128


def test_a_fixed_batch_of_one_takes_several_pictures(tmp_path: Path) -> None:
    path = hinted_net(tmp_path / "net.onnx", (64, 64))
    contract = next(each for each in CONTRACTS if each.name == "C3")
    (tmp_path / "net.colorize.json").write_text(json.dumps(contract.descriptor | {"size": {"fixed": 64}}))
    lightness = np.random.default_rng(1).uniform(0, 100, (3, 1, 64, 64)).astype(np.float32)
    ab = opened(path)._network.predict(NetworkInput(lightness)).ab
    np.testing.assert_allclose(ab.transpose(0, 2, 3, 1), ab_of_lightness(lightness[:, 0]), atol=CLOSE)
