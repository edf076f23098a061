"""The loop: rebalanced classification with averaged weights, in checkpoints that resume to the same end."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from training.lite_network import LITE0, Lite, load, to_keep
from training.loss import RebalancedLoss
from training.operations import part
from training.photographs import Photographs
from training.samples import Augmentation, Batch, Feed, sample
from training.targets import prior_of
from training.teachers import Teachers
from training.validation import ValidationSet

PRIOR_SAMPLES = 1500
PRIOR_SIDE = 128
CLIP_NORM = 2.0
LEAST_RATE = 0.02
"""What remains of the learning rate at the end of the cosine."""

REPORT_EVERY = 100
"""Steps between lines of the log."""


@dataclass(frozen=True)
class Plan:
    """All that decides what comes out of a training run, besides the photographs.

    Attributes
    ----------
    pictures
        Samples to see in all.
    batch_size
        Of them at a time.
    sizes
        Sides of the input in pixels, one after the other over the run, for equal shares of the samples.
    rate
        Highest learning rate of the decoder; the encoder's is `encoder_share` of it. After a warm-up it falls by a
        cosine.
    encoder
        Number of the encoder in the EfficientNet-Lite family; with `start`, that of its weights.
    frozen_blocks
        So many of the encoder's blocks, and its first convolution, stay as they are.
    frozen_depthwise
        All depthwise kernels stay as they are. They are few and hold little of what is learnt, while PyTorch takes two
        thirds of a step on a CPU for their gradients alone.
    every
        The loss looks at every so manieth pixel in each direction, beginning anywhere: neighbours say the same.
    drop_path
        Stochastic depth of the encoder's residual blocks (Huang et al. 2016), growing linearly to this chance.
    dropout
        Chance that a channel of the decoder's last features is dropped.
    rebalance
        Power of the class weights.
    distance
        Weight of the loss's second term, the annealed mean's distance from the colour.
    temperature
        Of that annealed mean.
    teaching
        Share of the loss that is the distance from what teachers say, 0..1; the rest is that from the true colours.
    averaging
        Decay of the weights' moving average, which is what is kept.
    """

    pictures: int = 100_000
    batch_size: int = 32
    sizes: tuple[int, ...] = (160,)
    rate: float = 1.2e-3
    encoder_share: float = 0.3
    weight_decay: float = 0.02
    warm_up: int = 200  # steps
    encoder: int = LITE0
    frozen_blocks: int = 3
    frozen_depthwise: bool = False
    every: int = 1
    drop_path: float = 0.0
    dropout: float = 0.0
    rebalance: float = 0.6
    distance: float = 0.0
    temperature: float = 0.8
    teaching: float = 0.0
    averaging: float = 0.998
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def steps(self) -> int:
        """Batches in all."""
        return self.pictures // self.batch_size

    def size(self, step: int) -> int:
        """Side of the input at a step."""
        return self.sizes[min(len(self.sizes) - 1, step * len(self.sizes) // max(1, self.steps))]

    def rate_at(self, step: int) -> float:
        """Share of the highest learning rate at a step, 0..1."""
        cosine = 0.5 * (1 + math.cos(math.pi * step / max(1, self.steps)))
        return min(1.0, (step + 1) / max(1, self.warm_up)) * (LEAST_RATE + (1 - LEAST_RATE) * cosine)


class Training:
    """One run, begun or resumed.

    Parameters
    ----------
    plan
        What to do.
    photographs
        What to learn from.
    folder
        Where checkpoints, weights and the log go.
    start
        Checkpoint of weights to begin from; without it the encoder's ImageNet weights.
    device
        Where to compute.
    teachers
        Checkpoints of networks whose answers count for `plan.teaching` of the loss.

    Raises
    ------
    ValueError
        The plan wants teachers and there are none, or there are some and it wants none.
    """

    def __init__(
        self,
        plan: Plan,
        photographs: Photographs,
        folder: Path,
        start: Path | None,
        device: str,
        *,
        teachers: Sequence[Path] = (),
    ) -> None:
        if bool(teachers) != bool(plan.teaching):
            raise ValueError("teachers and their share of the loss come together: --teacher and --teaching")
        self.plan = plan
        self.folder = folder
        self.device = torch.device(device)
        self.step = 0
        self._photographs = photographs
        torch.manual_seed(plan.seed)
        self.network = load(start) if start else Lite(encoder=plan.encoder, pretrained=True)
        self.network.regularize(drop_path=plan.drop_path, dropout=plan.dropout)
        self.network.to(self.device, memory_format=torch.channels_last)
        self._freeze()
        self._teachers = Teachers(teachers, plan.seed, self.device) if teachers else None
        self.averaged = {name: value.clone() for name, value in self.network.state_dict().items()}
        encoder = [p for n, p in self.network.named_parameters() if n.startswith("encoder.") and p.requires_grad]
        rest = [p for n, p in self.network.named_parameters() if not n.startswith("encoder.")]
        groups = [{"params": encoder, "share": plan.encoder_share}, {"params": rest, "share": 1.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=plan.rate, weight_decay=plan.weight_decay)
        if self._checkpoint.exists():
            self._resume()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pth"

    def _freeze(self) -> None:
        encoder = self.network.encoder
        self._frozen: list[nn.Module] = []
        if self.plan.frozen_blocks:
            self._frozen = [encoder._conv_stem, encoder._bn0, *encoder._blocks[: self.plan.frozen_blocks]]
        for module in [*self._frozen, encoder._conv_head, encoder._bn1, encoder._fc]:
            module.requires_grad_(False)
        for module in self.network.modules() if self.plan.frozen_depthwise else ():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.requires_grad_(False)

    def run(self, sets: list[ValidationSet], temperatures: list[float], save_every: float) -> None:
        """Train to the end of the plan; checkpoints and figures every so many minutes."""
        plan = self.plan
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "plan.json").write_text(json.dumps(asdict(plan), indent=2) + "\n", encoding="utf-8")
        loss_of = RebalancedLoss(
            self._prior(), plan.rebalance, self.device, distance=plan.distance, temperature=plan.temperature
        )
        feed = Feed(self._photographs, plan.augmentation, plan.batch_size, plan.seed)
        begun, first, saved, losses = time.monotonic(), self.step, time.monotonic(), []
        for batch in feed.batches(self._steps_to_come()):
            losses.append(self._learn(batch, loss_of))
            if self.step % REPORT_EVERY == 0:
                pace = (self.step - first) * plan.batch_size / (time.monotonic() - begun)
                self._log(f"step {self.step}/{plan.steps} loss {np.mean(losses):.4f} {pace:.1f} pictures/s")
                losses = []
            if time.monotonic() - saved > 60 * save_every:
                self._save()
                self.report(sets, temperatures)
                saved = time.monotonic()
        self._save()
        self.report(sets, temperatures)

    def report(self, sets: list[ValidationSet], temperatures: list[float]) -> None:
        """Figures of the averaged weights."""
        network = copy.deepcopy(self.network)
        network.load_state_dict(self.averaged)
        network.eval()
        for validation in sets:
            for row in validation.rows(network, temperatures):
                self._log(f"step {self.step} {row}")

    def _steps_to_come(self) -> Iterator[tuple[int, int]]:
        return ((step, self.plan.size(step)) for step in range(self.step, self.plan.steps))

    def _prior(self) -> Any:
        rng = np.random.default_rng(self.plan.seed)
        step = max(1, len(self._photographs) // PRIOR_SAMPLES)
        chosen = range(0, len(self._photographs), step)
        return prior_of([sample(self._photographs[i], PRIOR_SIDE, self.plan.augmentation, rng)[2] for i in chosen])

    def _learn(self, batch: Batch, loss_of: RebalancedLoss) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.rate * group["share"] * self.plan.rate_at(self.step)
        self.network.train()
        for module in self._frozen:
            module.eval()
        seen = self._on_device(batch.lightness).contiguous(memory_format=torch.channels_last)
        every = self.plan.every
        top, left = divmod(self.step % every**2, every)
        with torch.autocast(self.device.type, torch.bfloat16):
            features = part(self.network.features(seen), slice(top, None, every), slice(left, None, every))
            logits = self.network.logits(features)
        loss = loss_of(logits, self._on_device(batch.ab[:, top::every, left::every]))
        if self._teachers:
            taught = self._teachers.answer(self._on_device(batch.clean), self.step)[:, :, top::every, left::every]
            share = self.plan.teaching
            loss = (1 - share) * loss + share * functional.cross_entropy(logits.float(), taught)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
        self._optimizer.step()
        self.step += 1
        self._average()
        return loss.item()

    def _on_device(self, array: npt.NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)

    def _average(self) -> None:
        # a short memory at first, so that the start does not linger
        keep = min(self.plan.averaging, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.averaged[name].lerp_(value, 1 - keep)
                else:
                    self.averaged[name].copy_(value)

    def _save(self) -> None:
        _write(to_keep(self.averaged), self.folder / "lite.pth")
        state = {
            "plan": json.dumps(asdict(self.plan)),
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged,
            "optimizer": self._optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        _write(state, self._checkpoint)

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        if state["plan"] != json.dumps(asdict(self.plan)):
            raise ValueError(f"{self._checkpoint}: belongs to another plan (plan.json); name another --out")
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.averaged = state["averaged"]
        self._optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"].cpu())
        self._log(f"resumed at step {self.step}")

    def _log(self, line: str) -> None:
        stamped = f"{time.strftime('%H:%M:%S')} {line}"
        print(stamped, flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.txt").open("a", encoding="utf-8") as file:
            file.write(stamped + "\n")


def _write(content: dict[str, Any], path: Path) -> None:
    """Save beside its place and move it there, so that a kill leaves the last whole one."""
    partial = path.with_suffix(".part")
    torch.save(content, partial)
    partial.replace(path)
