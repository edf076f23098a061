"""The loop, where PyTorch is installed: it learns, resumes to the same weights, stops well, and loses nothing."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PHOTOS

from colorizer.errors import DiskFullError, Message, TrainingError, UsageError
from colorizer.training.catalog import TRAINABLE
from colorizer.training.recipe import PlainRecipe, Recipe, changed
from colorizer.training.record import Row
from colorizer.training.request import Outcome, Request
from colorizer.training.run import train

torch = pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")

from colorizer.training import checkpoints, loop  # noqa: E402 - only where PyTorch is
from colorizer.training.data.feed import Feed  # noqa: E402
from colorizer.training.data.photographs import Photographs, sources  # noqa: E402
from colorizer.training.loop import Budget, Run  # noqa: E402
from colorizer.training.objectives import Adversarial, Objective, Plain  # noqa: E402
from colorizer.training.validation import ValidationSet  # noqa: E402

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"size": 32, "batch": 4, "seed": 5}
LARGE = {"cnn8", "full", "koalarization", "xception", "unet-gan", "color-gan", "ae-rgb-2", "beta"}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rows: list[Row] = []
        self.steps = 0
        self.begun: list[tuple[str, int | None, int, float | None]] = []

    def begin(self, what: str, total: int | None, done: int = 0, seconds: float | None = None) -> None:
        self.begun.append((what, total, done, seconds))

    def advance(self) -> None:
        self.steps += 1

    def end(self) -> None:
        pass

    def remark(self, said: Message | str) -> None:
        self.said.append(str(said))

    def row(self, row: Row) -> None:
        self.rows.append(row)


def objective_of(name: str, recipe: Recipe) -> Objective:
    which = TRAINABLE[name]
    torch.manual_seed(recipe.seed)
    network = which.build(trained_encoder=name == "xception")
    assert isinstance(recipe, PlainRecipe)
    if recipe.adversarial:
        return Adversarial(network, which.build_discriminator(), recipe, CPU)
    return Plain(network, recipe, CPU)


def feed_of(name: str, recipe: Recipe, count: int = 8) -> Feed:
    return Feed(Photographs(sources([PHOTOS])[:count], 80), TRAINABLE[name].contract, recipe)


def run_of(
    folder: Path,
    recipe: Recipe,
    budget: Budget,
    name: str = "alpha",
    heard: Heard | None = None,
    *,
    measure_first: bool = False,
) -> Run:
    photographs = Photographs(sources([PHOTOS])[8:11], 80)
    folder.mkdir(exist_ok=True)
    return Run(
        objective_of(name, recipe),
        recipe=recipe,
        feed=feed_of(name, recipe),
        validation=ValidationSet(photographs, TRAINABLE[name].contract, recipe.size, 3),
        folder=folder,
        plan={"network": name, "recipe": {"seed": recipe.seed}},
        budget=budget,
        save_every=60,
        listener=heard or Heard(),
        measure_first=measure_first,
    )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in TRAINABLE if name != "lite"]
)
def test_some_steps_on_one_batch_lower_its_loss(name: str) -> None:
    which = TRAINABLE[name]
    side = which.fixed or max(which.step, 32)
    recipe = changed(which.recipe, {"size": side, "batch": 2, "rate": 2e-4, "flip": False})
    objective = objective_of(name, recipe)
    batch = feed_of(name, recipe, 2).batch(0, side)
    seen, target = torch.from_numpy(batch.seen), torch.from_numpy(batch.target)
    objective.network.train()

    def loss() -> float:
        # as it learns: with the norms' figures of this batch, and nothing dropped
        for module in objective.network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.eval()
        with torch.no_grad():
            return float(torch.nn.functional.mse_loss(objective.network(seen), target))

    before = loss()
    for step in range(3):
        objective.learn(batch, step, 0.0)
        objective.network.train()
    assert loss() < before


def test_one_step_of_a_plain_loss_is_the_optimiser_s_own() -> None:
    recipe = changed(TRAINABLE["alpha"].recipe, {**TINY, "optimizer": "adam", "rate": 1e-3})
    objective = objective_of("alpha", recipe)
    batch = feed_of("alpha", recipe).batch(0, 32)
    weight = objective.network[0].weight
    before = weight.detach().clone()
    answer = objective.network(torch.from_numpy(batch.seen))
    expected_loss = (answer - torch.from_numpy(batch.target)).square().mean()
    (gradient,) = torch.autograd.grad(expected_loss, [weight])
    assert objective.learn(batch, 0, 0.0) == pytest.approx(float(expected_loss.detach()), rel=1e-5)
    # Adam's first step is the rate times the gradient's sign
    large = gradient.abs() > 1e-4
    assert large.any()
    torch.testing.assert_close((before - weight.detach())[large], 1e-3 * gradient.sign()[large], rtol=1e-2, atol=1e-6)


def test_a_discriminator_learns_to_tell_and_the_network_is_judged_by_it() -> None:
    recipe = changed(TRAINABLE["unet-gan"].recipe, {"batch": 2, "adversarial": 1.0, "plain": 0.0, "rate": 1e-3})
    assert isinstance(recipe, PlainRecipe)
    torch.manual_seed(0)
    small = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.Tanh())
    objective = Adversarial(small, TRAINABLE["unet-gan"].build_discriminator(), recipe, CPU)
    batch = Feed(Photographs(sources([PHOTOS])[:2], 80), TRAINABLE["unet-gan"].contract, recipe).batch(0, 64)
    seen, target = torch.from_numpy(batch.seen), torch.from_numpy(batch.target)
    losses = [objective.learn(batch, step, 0.0) for step in range(6)]
    assert all(np.isfinite(losses))
    with torch.no_grad():
        made = small(seen)
        real, fake = (objective.discriminator(torch.cat([seen, each], 1)).mean() for each in (target, made))
    assert float(real) > float(fake)
    assert all(each.requires_grad for each in objective.discriminator.parameters())


def small_unet(*_: object, **__: object) -> Any:
    """What chance (dropout) and a norm's figures are part of, small."""
    layers = [torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.Dropout(0.5), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Conv2d(8, 2, 3, padding=1), torch.nn.Tanh())


@pytest.mark.parametrize("name", ["alpha", "unet-gan"])
def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    which = TRAINABLE[name]
    recipe = changed(which.recipe, {"size": 32, "batch": 4, "flip": True})
    if name == "unet-gan":
        monkeypatch.setattr(type(which), "build", small_unet)
        monkeypatch.setattr(type(which), "build_discriminator", lambda _: torch.nn.Conv2d(3, 1, 4))
    steps = 5
    whole = run_of(tmp_path / "whole", recipe, Budget(steps), name)
    assert whole.train()
    for stop in range(1, steps):  # one step in each process, as it were
        part = run_of(tmp_path / "parts", recipe, Budget(stop), name)
        part.train()
    resumed = run_of(tmp_path / "parts", recipe, Budget(steps), name)
    assert resumed.state.step == steps - 1
    assert resumed.train()
    unbroken = whole._objective.state()
    for key, value in resumed._objective.state().items():
        for tensor_name, tensor in _tensors(value):
            assert torch.equal(tensor, dict(_tensors(unbroken[key]))[tensor_name]), (key, tensor_name)


def _tensors(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, torch.Tensor):
        return [(name, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in items for found in _tensors(each, f"{name}.{key}")]


def test_it_ends_where_validation_stands_still_and_keeps_the_best_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LEAST_BETWEEN", 1)
    heard = Heard()
    recipe = changed(TRAINABLE["alpha"].recipe, TINY)
    run = run_of(tmp_path, recipe, Budget(1000, patience=6), heard=heard)
    losses = iter([5.0, 3.0, 4.0, 4.1, 4.2, 4.3, 4.4, 4.5, 1.0])
    figures = run._validation.figures
    kept: list[Any] = []

    def worse(objective: Objective, batch: int) -> Any:
        kept.append({name: value.clone() for name, value in objective.kept().items()})
        return replace(figures(objective, batch), loss=next(losses))

    monkeypatch.setattr(run._validation, "figures", worse)
    assert run.train()
    assert len(heard.rows) == 8
    assert run.state.best_row == 1
    assert all(torch.equal(value, kept[1][name]) for name, value in run.state.best.items())
    run.keep_best()
    assert all(torch.equal(value, kept[1][name]) for name, value in run._objective.network.state_dict().items())
    assert len([line for line in heard.said if "by heart" in line]) == 1


def test_a_run_without_the_end_that_overfits_is_told_apart_from_one_that_stands_still(tmp_path: Path) -> None:
    heard = Heard()
    run = run_of(tmp_path, changed(TRAINABLE["alpha"].recipe, TINY), Budget(3), heard=heard)
    assert run.train()
    assert not [line for line in heard.said if "by heart" in line]


def test_a_budget_of_time_counts_earlier_calls(tmp_path: Path) -> None:
    recipe = changed(TRAINABLE["alpha"].recipe, TINY)
    run = run_of(tmp_path, recipe, Budget(None, minutes=0.5 / 60))
    begun = time.monotonic()
    assert run.train()
    assert time.monotonic() - begun < 60
    steps = run.state.step
    assert steps > 0
    assert run.state.seconds >= 0.5
    heard = Heard()
    again = run_of(tmp_path, recipe, Budget(None, minutes=0.5 / 60), heard=heard)
    assert again.train()
    assert again.state.step == steps
    assert heard.begun == [("training", None, steps, 0.0)]


def test_another_run_s_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    recipe = changed(TRAINABLE["alpha"].recipe, TINY)
    run_of(tmp_path, recipe, Budget(1)).train()
    before = (tmp_path / checkpoints.NAME).read_bytes()
    with pytest.raises(TrainingError, match="belongs to a run of alpha, and ae-lab is asked for"):
        run_of(tmp_path, changed(TRAINABLE["ae-lab"].recipe, TINY), Budget(1), "ae-lab")
    with pytest.raises(TrainingError, match="seed differ"):
        run_of(tmp_path, changed(recipe, {"seed": 6}), Budget(1))
    assert (tmp_path / checkpoints.NAME).read_bytes() == before


def test_what_it_begins_with_is_measured_and_kept_where_nothing_gets_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LEAST_BETWEEN", 1)
    heard = Heard()
    # at this rate every step is one for the worse
    run = run_of(
        tmp_path,
        changed(TRAINABLE["alpha"].recipe, {**TINY, "rate": 0.3}),
        Budget(100, patience=6),
        heard=heard,
        measure_first=True,
    )
    begun = {name: value.clone() for name, value in run._objective.network.state_dict().items()}
    assert run.train()
    assert [row.step for row in heard.rows[:2]] == [0, 2]
    assert run.state.best_row == 0
    assert all(torch.equal(value, begun[name]) for name, value in run.state.best.items())
    assert any("by heart" in line for line in heard.said)
    assert "nan" in (tmp_path / "log.csv").read_text().splitlines()[1]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no archive at all"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / checkpoints.NAME).write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.pth: no checkpoint of a training run"):
        run_of(tmp_path, changed(TRAINABLE["alpha"].recipe, TINY), Budget(1))


def test_a_full_disk_leaves_the_last_checkpoint_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = changed(TRAINABLE["alpha"].recipe, TINY)
    run_of(tmp_path, recipe, Budget(2)).train()
    before = (tmp_path / checkpoints.NAME).read_bytes()

    class FullFile:
        """A file on a disk without room: what PyTorch writes into it fails as the system says."""

        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    save = torch.save
    monkeypatch.setattr(torch, "save", lambda content, file: save(content, FullFile(file)))
    run = run_of(tmp_path, recipe, Budget(4))
    with pytest.raises(DiskFullError, match="until the last checkpoint is kept"):
        run.train()
    monkeypatch.setattr(torch, "save", save)
    assert (tmp_path / checkpoints.NAME).read_bytes() == before
    assert run_of(tmp_path, recipe, Budget(4)).state.step == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".colorize")] == []


def test_too_little_memory_is_said_with_what_to_take_less_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(tmp_path, changed(TRAINABLE["alpha"].recipe, TINY), Budget(2))

    def greedy(*_: object) -> float:
        torch.empty(1 << 60)
        raise AssertionError

    monkeypatch.setattr(run._objective, "learn", greedy)
    with pytest.raises(TrainingError, match=r"not enough memory for 4 pictures of 32 x 32.*batch"):
        run.train()


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    recipe = changed(TRAINABLE["ae-lab"].recipe, {**TINY, "rate": 1e30})
    with pytest.raises(TrainingError, match="no number any more; take a lower rate"):
        run_of(tmp_path, recipe, Budget(30), "ae-lab").train()


def test_figures_are_those_of_the_metrics_and_accuracy_is_keras_own() -> None:
    name = "ae-lab"
    recipe = changed(TRAINABLE[name].recipe, TINY)
    objective = objective_of(name, recipe)
    photographs = Photographs(sources([PHOTOS])[:3], 80)
    validation = ValidationSet(photographs, TRAINABLE[name].contract, 32, 3)
    figures = validation.figures(objective, 2)
    from skimage import color

    squared, absolute, agree, ratios = [], [], [], []
    for pixels in validation.pixels:
        lab = color.rgb2lab(pixels)
        seen = torch.from_numpy((lab[..., 0] / 50 - 1).astype(np.float32))[None, None]
        with torch.inference_mode():
            answer = objective.network.eval()(seen)[0].numpy().transpose(1, 2, 0)
        target = lab[..., 1:] / 128
        squared.append(((answer - target) ** 2).mean())
        absolute.append(np.abs(answer - target).mean())
        # metrics=["accuracy"] with two channels is categorical accuracy: arg max over the last axis
        agree.append((answer.argmax(-1) == target.argmax(-1)).mean())
        result = color.lab2rgb(np.dstack([lab[..., 0], answer * 128]))
        ratios.append(-10 * np.log10(((pixels / 255 - result) ** 2).mean()))
    assert figures.mse == pytest.approx(np.mean(squared), rel=1e-3)
    assert figures.rmse == pytest.approx(np.sqrt(np.mean(squared)), rel=1e-3)
    assert figures.mae == pytest.approx(np.mean(absolute), rel=1e-3)
    assert figures.accuracy == pytest.approx(np.mean(agree), abs=0.01)
    assert figures.psnr == pytest.approx(np.mean(ratios), abs=0.3)  # colours beyond sRGB are not clipped here
    assert 0 < figures.auc < 1


def test_the_log_has_a_row_for_each_validation(tmp_path: Path) -> None:
    run = run_of(tmp_path, changed(TRAINABLE["alpha"].recipe, TINY), Budget(3))
    run.train()
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [3]
    for name in ("loss", "training_loss", "mse", "mae", "rmse", "psnr", "accuracy", "auc", "colorfulness"):
        assert float(rows[0][name]) == pytest.approx(getattr(run.state.rows[0], name), rel=1e-4)


LISTENER = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from colorizer.training.run import Request, train
class Silent:
    def begin(self, what, total, done=0, seconds=None): pass
    def advance(self): print("step", flush=True)
    def end(self): pass
    def remark(self, said): pass
    def row(self, row): pass
if __name__ == "__main__":
    request = Request("alpha", (Path(sys.argv[1]),), Path(sys.argv[2]), steps=100000, threads=1,
        validation_share=0.3, changes={"size": 32, "batch": 2})
    print("finished", train(request, Silent()).finished, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_ends_after_the_step_and_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(LISTENER)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, *map(str, (tmp_path / "run.py", PHOTOS, tmp_path / "out"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        seen = 0
        for line in process.stdout:
            seen += line == "step\n"
            if seen == 30:  # photographs that are read count too
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
        assert process.wait(120) == 0
    assert "finished False" in rest
    content = checkpoints.load(tmp_path / "out" / checkpoints.NAME)
    photographs = len(list(PHOTOS.glob("*.jpg")))
    assert content["step"] == seen + rest.count("step\n") - photographs
    assert json.loads(content["plan"])["network"] == "alpha"


def request_of(tmp_path: Path, **more: Any) -> Request:
    given: dict[str, Any] = {
        "network": "alpha",
        "photographs": (PHOTOS,),
        "out": tmp_path / "out",
        "steps": 2,
        "threads": 1,
        "validation_share": 0.3,
        "changes": {"size": 32, "batch": 4},
    }
    return Request(**{**given, **more})


def done(request: Request) -> tuple[Outcome, Heard]:
    heard = Heard()
    return train(request, heard), heard


def test_training_goes_on_from_a_folder_at_a_quarter_of_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.training.export.export", lambda *_: tmp_path / "none")
    done(request_of(tmp_path))
    best = checkpoints.load(tmp_path / "out" / checkpoints.NAME)["best"]
    begun: list[Any] = []
    learn = Plain.learn

    def first(self: Any, *arguments: Any) -> float:
        if not begun:
            begun.append({name: value.clone() for name, value in self.network.state_dict().items()})
            begun.append(self._optimizer.param_groups[0]["lr"])
        return float(learn(self, *arguments))

    monkeypatch.setattr(Plain, "learn", first)
    done(request_of(tmp_path, out=tmp_path / "more", start=str(tmp_path / "out")))
    assert all(torch.equal(value, best[name]) for name, value in begun[0].items())
    assert begun[1] == pytest.approx(TRAINABLE["alpha"].recipe.rate / 4)
    with pytest.raises(TrainingError, match="no run of ae-lab"):
        done(request_of(tmp_path, network="ae-lab", out=tmp_path / "other", start=str(tmp_path / "out")))


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({"photographs": (PHOTOS / "dahlia.jpg",)}, TrainingError, "1 colour photograph, too few"),
        ({"validation_share": 0.0}, TrainingError, "none of 23 photographs is kept for validation"),
        ({"changes": {"size": 36}}, UsageError, "multiples of 8"),
        ({"network": "gamma"}, UsageError, "no network that can be trained; there are autoencoder"),
        ({"device": "cuda"}, UsageError, "PyTorch finds none here"),
        ({"encoder_weights": "x.pth"}, UsageError, "alpha has no encoder"),
        ({"changes": {"colour": "1"}}, UsageError, "no part of this network's recipe"),
        ({"changes": {"batch": "many"}}, UsageError, "expected a whole number"),
        ({"changes": {"loss": "hinge"}}, UsageError, "expected mse, rmse, mae"),
        ({"changes": {"zoom": 2.0}}, UsageError, "0 to 1"),
        ({"changes": {"adversarial": 1.0}}, UsageError, "alpha has no discriminator"),
        ({"network": "lite", "changes": {"loss": "mae"}}, UsageError, "loss is no part of this network's recipe"),
        ({"minutes": float("nan")}, UsageError, "above 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_with_the_remedy(
    tmp_path: Path, more: dict[str, Any], kind: type[Exception], words: str
) -> None:
    if "device" in more and torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(kind, match=words):
        done(request_of(tmp_path, **more))
