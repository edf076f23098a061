"""What is written of a trained network: it answers as PyTorch does, at other sizes and for several pictures too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from colorizer.errors import TrainingError
from colorizer.networks import resolve_model
from colorizer.training.catalog import TRAINABLE

torch = pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
pytest.importorskip("onnxscript", reason="an extra's package")
onnxruntime = pytest.importorskip("onnxruntime")

from colorizer.training import export as exporting  # noqa: E402 - only where PyTorch is

QUICK = {"ae-rgb-1"}
NETWORKS = [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in TRAINABLE if name != "lite"]


def trained(name: str) -> Any:
    """A network with weights of its own, norms included, as if it had learnt."""
    torch.set_num_threads(1)
    torch.manual_seed(3)
    network = TRAINABLE[name].build().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_answers_as_pytorch_at_any_size_that_it_takes(tmp_path: Path, name: str) -> None:
    which = TRAINABLE[name]
    network = trained(name)
    size = which.fixed or 4 * which.step
    path = exporting.export(network, which, size, tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"{name}.colorize.json", f"{name}.onnx"]
    model = resolve_model(str(tmp_path))
    assert model.family == which.contract.gives
    assert model.sizes == (size,)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    sides = (which.fixed, which.fixed) if which.fixed else (2 * which.step, 3 * which.step)
    levels = rng.uniform(0, 100 if which.contract.sees == "lightness" else 1, (3, 1, *sides))
    seen = (levels * which.contract.see_scale + which.contract.see_offset).astype(np.float32)
    (answer,) = session.run(None, {"seen": seen})
    with torch.inference_mode():
        expected = network(torch.from_numpy(seen)).numpy()
    assert answer.shape == expected.shape == (3, which.contract.channels, *sides)
    np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-3 * max(1.0, float(np.abs(expected).max())))


def test_a_network_that_came_out_otherwise_is_not_put_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = TRAINABLE["alpha"]
    network = trained("alpha")

    def wrong(network: Any, *more: Any) -> list[Path]:
        with torch.no_grad():
            network[0].weight.add_(0.1)
        made = write(network, *more)
        with torch.no_grad():
            network[0].weight.sub_(0.1)
        return made

    write = exporting._onnx
    monkeypatch.setattr(exporting, "_onnx", wrong)
    with pytest.raises(TrainingError, match="answers otherwise than the trained one"):
        exporting.export(network, which, 32, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_lite_is_written_as_the_pair_that_it_came_from(tmp_path: Path) -> None:
    from colorizer.training.lite.files import load

    torch.set_num_threads(1)
    network = load("lite")
    exporting.export(network, TRAINABLE["lite"], 64, tmp_path)
    shipped, written = (load(source) for source in ("lite", tmp_path))
    for name, value in shipped.state_dict().items():
        torch.testing.assert_close(written.state_dict()[name], value, rtol=1e-6, atol=1e-6)
    assert (tmp_path / "lite.prototxt").read_text() == resolve_model("lite").files["prototxt"].read_text()
