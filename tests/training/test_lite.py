"""`lite` in training, where PyTorch is installed: its files, its fast operations, its loss, and that it learns."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PHOTOS

from colorizer.errors import WeightsError
from colorizer.networks.zhang.contract import BIN_COUNT
from colorizer.training.catalog import TRAINABLE
from colorizer.training.data.feed import Feed
from colorizer.training.data.photographs import Photographs, sources
from colorizer.training.lite.targets import class_weights, soft_table
from colorizer.training.recipe import LiteRecipe, changed

torch = pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")

from torch.nn import functional  # noqa: E402 - only where PyTorch is

from colorizer.training import checkpoints  # noqa: E402
from colorizer.training.lite.emphasis import edge_strength, emphasis, skin_likeness  # noqa: E402
from colorizer.training.lite.encoder import Encoder, renamed  # noqa: E402
from colorizer.training.lite.files import load, mean_of  # noqa: E402
from colorizer.training.lite.loss import RebalancedLoss  # noqa: E402
from colorizer.training.lite.network import UPSAMPLING_TAPS, Lite  # noqa: E402
from colorizer.training.lite.objective import Classification, prior  # noqa: E402
from colorizer.training.lite.operations import HalvingDepthwise, doubled, part  # noqa: E402
from colorizer.training.lite.teachers import Teachers  # noqa: E402

CPU = torch.device("cpu")
WHICH = TRAINABLE["lite"]
GOLDEN = Path(__file__).parent.parent / "data" / "lite_golden.npz"
HALF_BOUND = 0.3


def recipe_of(**changes: Any) -> LiteRecipe:
    recipe = changed(WHICH.recipe, {"size": 64, "batch": 4, "precision": "float32", "warm_up": 1, "seed": 3, **changes})
    assert isinstance(recipe, LiteRecipe)
    return recipe


def objective_of(recipe: LiteRecipe, network: Any = None, count: int = 8) -> tuple[Classification, Feed]:
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    photographs = Photographs(sources([PHOTOS])[:count], 80)
    objective = Classification(
        network or Lite((32, 32, 32)),
        recipe,
        WHICH.contract,
        prior(photographs, WHICH.contract, recipe),
        CPU,
        trained_encoder=network is None,
    )
    return objective, Feed(photographs, WHICH.contract, recipe)


def test_the_shipped_network_answers_in_pytorch_as_it_did_when_it_was_trained() -> None:
    network = load("lite")
    assert network.folded
    with np.load(GOLDEN) as golden:
        seen = golden["lightness"].astype(np.float32) - 50
        for temperature, ab in zip(golden["temperatures"], golden["ab"], strict=True):
            apart = np.abs(network.predict(seen, 1 / float(temperature)) - ab)
            assert np.percentile(apart, 99.9) < HALF_BOUND  # what half precision costs


def test_larger_encoders_have_the_blocks_of_their_family(tmp_path: Path) -> None:
    assert [len(Encoder(number).block_strides) for number in range(5)] == [16, 21, 21, 24, 30]
    assert Encoder(2).widths == (16, 24, 48, 120, 352)  # round(1.1 x), to multiples of 8
    for number in (1, 2):  # alike in number of blocks
        network = Lite((32, 32, 32), encoder=number).eval()
        torch.save(network.state_dict(), tmp_path / "lite.pth")
        again = load(tmp_path / "lite.pth")
        seen = torch.randn(1, 1, 64, 64)
        with torch.inference_mode():
            assert torch.equal(again(seen), network(seen))


def test_timm_s_names_and_three_channels_become_ours() -> None:
    torch.manual_seed(0)
    own = {name: torch.randn_like(value.float()) for name, value in Encoder().state_dict().items()}
    stem = own["_conv_stem.weight"]
    ours = {**own, "_conv_stem.weight": torch.cat([stem * 0.2, stem * 0.3, stem * 0.5], 1), "_fc.weight": stem}
    found = renamed(ours)
    assert found.keys() == own.keys()
    torch.testing.assert_close(found["_conv_stem.weight"], stem)
    timm = {
        "conv_stem.weight": ours["_conv_stem.weight"],
        "bn1.weight": own["_bn0.weight"],
        "blocks.0.0.conv_dw.weight": own["_blocks.0._depthwise_conv.weight"],
        "blocks.0.0.bn2.bias": own["_blocks.0._bn2.bias"],
        "blocks.1.0.conv_pw.weight": own["_blocks.1._expand_conv.weight"],
        "blocks.1.1.conv_pwl.weight": own["_blocks.2._project_conv.weight"],
        "blocks.2.0.bn2.weight": own["_blocks.3._bn1.weight"],
        "classifier.weight": stem,
    }
    for name, value in renamed(timm).items():
        torch.testing.assert_close(value, own[name])
    assert len(renamed(timm)) == len(timm) - 1


def test_the_mean_of_networks_is_that_of_each_weight(tmp_path: Path) -> None:
    paths = [tmp_path / f"{seed}.pth" for seed in range(3)]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        torch.save(Lite().state_dict(), path)
    mean = mean_of(paths).state_dict()
    for name in ("fuse4.skip.0.weight", "encoder._blocks.3._project_conv.weight", "encoder._bn0.running_var"):
        expected = sum(dict(torch.load(path, weights_only=True))[name].double() for path in paths) / 3
        torch.testing.assert_close(mean[name].double(), expected, rtol=0, atol=1e-6)
    torch.save(Lite((32, 32, 32)).state_dict(), paths[2])
    with pytest.raises(WeightsError, match="wider or narrower"):
        mean_of(paths)
    (tmp_path / "torn.pth").write_bytes(b"PK")
    with pytest.raises(WeightsError, match="no checkpoint of PyTorch"):
        load(tmp_path / "torn.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"no checkpoint of lite \(lacks fuse16.up"):
        load(tmp_path / "other.pth")


def test_a_run_s_folder_holds_its_best_weights_or_those_of_now_where_none_were_measured(tmp_path: Path) -> None:
    torch.manual_seed(2)
    best, now = (Lite((32, 32, 32)).state_dict() for _ in range(2))
    for kept, expected in ((best, best), ({}, now)):
        checkpoints.save(tmp_path, {"best": kept, "objective": {"averaged": now}}, when="its start")
        assert torch.equal(load(tmp_path).state_dict()["logits.weight"], expected["logits.weight"])
    checkpoints.save(tmp_path, {"best": {}, "objective": {"network": {}}}, when="its start")
    with pytest.raises(WeightsError, match="no checkpoint of lite"):
        load(tmp_path)


def gradient_and_result(function: Callable[[Any], Any], x: Any) -> list[Any]:
    x = x.clone().requires_grad_()
    result = function(x)
    (result * torch.linspace(-1, 1, result.numel(), dtype=x.dtype).reshape(result.shape)).sum().backward()
    return [x.grad, result.detach()]


def test_doubling_is_the_transposed_convolution_that_is_written_down() -> None:
    taps = torch.tensor(UPSAMPLING_TAPS, dtype=torch.float64)
    kernel = torch.outer(taps, taps).expand(3, 1, 4, 4)
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    deconvolution = functools.partial(functional.conv_transpose2d, weight=kernel, stride=2, padding=1, groups=3)
    torch.testing.assert_close(gradient_and_result(doubled, x), gradient_and_result(deconvolution, x))


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (5, 1, 2)])
def test_halving_is_tensorflow_s_convolution(kernel: int, before: int, after: int) -> None:
    ours = HalvingDepthwise(6, kernel).double()
    x = torch.randn(2, 6, 8, 12, dtype=torch.float64)

    def same(x: Any) -> Any:
        padded = functional.pad(x, (before, after, before, after))
        return functional.conv2d(padded, ours.weight, stride=2, groups=6)

    torch.testing.assert_close(gradient_and_result(ours, x), gradient_and_result(same, x))


def test_the_gradient_of_a_part_keeps_channels_last() -> None:
    x = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    chosen = part(x, slice(1, None, 2), slice(None, None, 2))
    torch.testing.assert_close(chosen, x[:, :, 1::2, ::2])
    (chosen * 2).sum().backward()
    assert x.grad.is_contiguous(memory_format=torch.channels_last)
    assert x.grad.sum() == 2 * chosen.numel()


@pytest.fixture
def teachers(tmp_path: Path) -> list[str]:
    """Two networks whose answers do not depend on the picture: each knows one class."""
    paths = []
    for known in (20, 200):
        network = Lite((32, 32, 32))
        with torch.no_grad():
            network.logits.weight.zero_()
            network.logits.bias.fill_(0)[known] = 12
        paths.append(str(tmp_path / f"{known}.pth"))
        torch.save(network.state_dict(), paths[-1])
    return paths


def test_teachers_are_asked_in_turn_by_chance_and_the_same_for_the_same_step(teachers: list[str]) -> None:
    asked = Teachers(teachers, 5, CPU)
    seen = torch.randn(2, 1, 64, 64)
    answers = [asked.answer(seen, step) for step in range(12)]
    for answer in answers:
        assert answer.shape == (2, BIN_COUNT, 16, 16)
        torch.testing.assert_close(answer.sum(1), torch.ones(2, 16, 16), rtol=0, atol=1e-2)
    assert {int(answer[0, :, 3, 3].argmax()) for answer in answers} == {20, 200}
    again = Teachers(teachers, 5, CPU)
    for step, answer in enumerate(answers):
        assert torch.equal(again.answer(seen, step), answer)


def test_a_teacher_answers_for_the_place_whichever_way_it_looks() -> None:
    # one half dark, one half light: what is said of each half has to lie there, mirrored and resized or not
    asked = Teachers(["lite"], 1, CPU)
    seen = torch.full((1, 1, 128, 128), -40.0)
    seen[..., 64:] = 40
    answers = torch.stack([asked.answer(seen, step)[0] for step in range(8)])
    halves = answers[:, :, 8:24, 4:12].mean((2, 3)), answers[:, :, 8:24, 20:28].mean((2, 3))
    for own, other in (halves, halves[::-1]):
        near, far = (own - own.mean(0)).abs().sum(1), (own - other.mean(0)).abs().sum(1)
        assert (near < far).all()


@pytest.mark.slow
def test_a_learner_taught_alone_comes_to_its_teacher_s_answer(teachers: list[str]) -> None:
    recipe = recipe_of(rate=1e-2, teaching=1.0, teachers=tuple(teachers[:1]), ageing=0.0)
    objective, feed = objective_of(recipe)
    for step in range(30):
        objective.learn(feed.batch(step, 32), step, step / 30)
    with torch.inference_mode():
        network = objective.network.eval()
        distribution = torch.softmax(network(torch.zeros(1, 1, 64, 64)), 1).mean((0, 2, 3))
    assert int(distribution.argmax()) == 20
    assert distribution[20] > 0.5


def test_fine_tuning_keeps_what_the_shipped_network_knows_and_learns_the_album() -> None:
    recipe = recipe_of(rate=5e-5, warm_up=20, ageing=0.0, averaging=0.5, flip=False, smallest_crop=1.0, aspect=1.0)
    network = load("lite")
    frozen = {
        name: value.clone()
        for name, value in network.state_dict().items()
        if name.startswith(("encoder._conv_stem", "encoder._blocks.0.", "encoder._blocks.1.")) or "running" in name
    }
    objective, feed = objective_of(recipe, network, 4)
    batch = feed.batch(0, 64)
    seen, target = torch.from_numpy(batch.seen), torch.from_numpy(batch.target)
    before, answer = float(objective.loss(seen, target)), objective.answer(seen)
    for step in range(4):
        objective.learn(batch, step, 0.0)
    assert float(objective.loss(seen, target)) < before
    # a few steps are small ones: the colours are still about those that it knew
    assert float((objective.answer(seen) - answer).abs().mean()) * 110 < 6
    for name, value in objective.network.state_dict().items():
        if name in frozen:
            assert torch.equal(value, frozen[name]), name


@pytest.mark.slow
def test_it_learns_a_few_photographs_by_heart() -> None:
    recipe = recipe_of(rate=2e-3, ageing=0.0, averaging=0.9, frozen_depthwise=True, every=2, drop_path=0.1, dropout=0.1)
    objective, feed = objective_of(recipe, None, 4)
    batch = feed.batch(0, 64)
    seen, target = torch.from_numpy(batch.seen), torch.from_numpy(batch.target)
    before = float(objective.loss(seen, target))
    for step in range(60):
        objective.learn(feed.batch(step, 64), step, step / 60)
    assert float(objective.loss(seen, target)) < before - 1


def test_in_bfloat16_answers_are_about_those_in_float32() -> None:
    seen = torch.from_numpy(np.load(GOLDEN)["lightness"].astype(np.float32) - 50)
    answers = []
    for precision in ("float32", "bfloat16"):
        objective, _ = objective_of(recipe_of(precision=precision), load("lite"), 2)
        answers.append(objective.answer(seen) * 110)
        assert answers[-1].dtype == torch.float32
    assert float((answers[0] - answers[1]).abs().mean()) < 1


def test_the_loss_is_the_papers_in_float64() -> None:
    rng = np.random.default_rng(5)
    shares_of_classes = rng.dirichlet(np.ones(313))
    logits = rng.normal(0, 2, (2, 313, 3, 4))
    ab = rng.integers(-60, 60, (2, 3, 4, 2)).astype(np.float64)
    classes, shares = soft_table()
    table = class_weights(shares_of_classes, 0.7)
    expected = 0.0
    for n, y, x in np.ndindex(2, 3, 4):
        row = int((ab[n, y, x, 0] + 110) * 221 + ab[n, y, x, 1] + 110)
        z = logits[n, :, y, x]
        log = z - np.log(np.exp(z).sum())
        target = np.zeros(313)
        target[classes[row]] = shares[row]
        expected -= (target * table).sum() * (target * log).sum() / 24
    loss = RebalancedLoss(shares_of_classes, 0.7, CPU)
    measured = loss(torch.from_numpy(logits.astype(np.float32)), torch.from_numpy(ab.astype(np.float32)))
    assert float(measured) == pytest.approx(expected, rel=1e-5)


def test_emphasis_is_on_edges_of_colour_and_on_the_colour_of_skin_and_one_on_the_mean() -> None:
    ab = torch.zeros(2, 8, 8, 2)
    ab[0, :, 4:] = torch.tensor([30.0, 0.0])  # an edge between the fourth column and the fifth
    ab[1, :, :] = torch.tensor([14.0, 16.0])  # a cheek
    assert torch.equal(edge_strength(ab)[0, 0], torch.tensor([0.0, 0, 0, 1, 1, 0, 0, 0]))
    assert edge_strength(ab)[1].max() == 0
    assert skin_likeness(ab)[0].max() < 0.05
    assert skin_likeness(ab)[1].min() > 0.95
    counts = emphasis(ab, edges=3, skin=1)
    assert counts.mean() == pytest.approx(1)
    assert float(counts[0, 0, 3] / counts[0, 0, 0]) == pytest.approx(4)
    assert float(counts[1, 0, 0] / counts[0, 0, 0]) == pytest.approx(2, abs=0.1)
    assert torch.equal(emphasis(ab, edges=0, skin=0), torch.ones(2, 8, 8))


@pytest.mark.parametrize("color", [(40, 30), (0, 0), (-20, 20), (12, -25), (3, 4), (60, 60)])
def test_what_is_no_skin_counts_as_all_else(color: tuple[int, int]) -> None:
    assert skin_likeness(torch.tensor(color, dtype=torch.float32).reshape(1, 1, 1, 2)).item() < 0.2


def test_emphasis_moves_what_is_learnt_towards_what_counts() -> None:
    # half of the pictures skin, half sky, both under the same lightness: which one wins is for emphasis to say
    logits = torch.zeros(1, BIN_COUNT, 1, 2, requires_grad=True)
    ab = torch.tensor([[[[14.0, 16.0], [-4.0, -24.0]]]])
    loss_of = RebalancedLoss(np.full(BIN_COUNT, 1 / BIN_COUNT), 0, CPU)

    def pulls(skin: float) -> list[float]:
        (gradient,) = torch.autograd.grad(loss_of(logits, ab, emphasis(ab, edges=0, skin=skin)), logits)
        return [float(each) for each in gradient[0, :, 0].norm(dim=0)]

    even, more = pulls(0), pulls(3)
    assert even[0] == pytest.approx(even[1], rel=0.2)
    assert more[0] / more[1] == pytest.approx(4 * even[0] / even[1], rel=0.05)


def test_a_step_with_all_that_is_for_small_things_lowers_the_loss() -> None:
    recipe = recipe_of(mosaic=0.5, largest_crop=1.5, edges=2.0, skin=2.0, every=2, mixed_sizes=True, sizes=(64, 96))
    objective, feed = objective_of(recipe)
    batch = feed.batch(0, 96)
    assert batch.seen.shape == (2, 1, 96, 96)
    losses = [objective.learn(batch, 4 * step, 0.0) for step in range(8)]
    assert losses[-1] < losses[0]
