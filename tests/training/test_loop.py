"""The loop that trains `lite`, where PyTorch is installed: it learns, resumes to the same end, has the right loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import PHOTOS

from training.photographs import Photographs
from training.samples import Augmentation
from training.targets import class_weights, soft_table

torch = pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
pytest.importorskip("efficientnet_lite_pytorch", reason="training needs the encoder's package")

from training.lite_network import Lite, mean_of, to_keep  # noqa: E402 - only where PyTorch is
from training.loop import Plan, Training  # noqa: E402
from training.loss import RebalancedLoss  # noqa: E402
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
