"""How a network in training does on photographs that it does not learn from: quick figures to choose by.

The middle square of each picture at 256 x 256, the network at 224 x 224, ab enlarged bilinearly, every fourth pixel of
every fourth row compared before any rounding to pixels. `colorize evaluate --protocol ddcolor` on the exported network
has the last word; this one takes seconds, and agrees with it within a tenth of a point.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.evaluate.measure import GREY_CHROMA
from colorizer.evaluate.protocol import DDCOLOR, PAPER_SIDE
from colorizer.metrics import CumulativeAbError, mean_chroma
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS, NETWORK_SIZE
from training.lite_network import Lite
from training.photographs import Photographs

Floats = npt.NDArray[np.float32]

STEP = 4
"""Of so many pixels one is compared, each way."""


@dataclass(frozen=True)
class Row:
    """Figures of one network on one set; AuC in points above grey."""

    name: str
    temperature: float
    raw: float
    equal: float
    chroma_ratio: float

    def __str__(self) -> str:
        """As a line of a log."""
        return (
            f"{self.name:<12} T {self.temperature:<5.3g} raw {self.raw:+.2f}  equal {self.equal:+.2f}  "
            f"chroma {self.chroma_ratio:.2f}"
        )


class ValidationSet:
    """Photographs as arrays, read once.

    Attributes
    ----------
    lightness
        (N, 1, 224, 224) L - 50.
    ab
        (N, 64, 64, 2) true ab.
    """

    def __init__(self, name: str, photographs: Photographs) -> None:
        self.name = name
        lights, planes = [], []
        for i in range(len(photographs)):
            pixels = DDCOLOR.prepare(photographs[i])
            ab = chroma_plane(pixels)[STEP // 2 :: STEP, STEP // 2 :: STEP]
            if mean_chroma(ab) < GREY_CHROMA:
                continue
            seen = cv2.resize(lightness(pixels), (NETWORK_SIZE, NETWORK_SIZE), interpolation=cv2.INTER_AREA)
            lights.append(np.asarray(seen, np.float32)[None] - np.float32(MIDDLE_LIGHTNESS))
            planes.append(ab)
        self.lightness: Floats = np.stack(lights)
        self.ab: Floats = np.stack(planes)

    def rows(self, network: Lite, temperatures: Iterable[float], batch: int = 16) -> list[Row]:
        """The figures at each temperature, from one pass over the set."""
        temperatures = list(temperatures)
        device = next(network.parameters()).device
        errors = {t: CumulativeAbError() for t in temperatures}
        chroma = dict.fromkeys(temperatures, 0.0)
        grey, true_chroma = CumulativeAbError(), 0.0
        with torch.inference_mode():
            for start in range(0, len(self.ab), batch):
                true = self.ab[start : start + batch]
                grey.add(true, np.zeros_like(true))
                true_chroma += float(np.hypot(true[..., 0], true[..., 1]).sum())
                logits = network(torch.from_numpy(self.lightness[start : start + batch]).to(device)).float()
                for t in temperatures:
                    small = torch.einsum("nqhw,qc->nchw", torch.softmax(logits / t, 1), network.centres)
                    large = functional.interpolate(
                        small, size=(PAPER_SIDE, PAPER_SIDE), mode="bilinear", align_corners=False
                    )
                    ab = large[:, :, STEP // 2 :: STEP, STEP // 2 :: STEP].permute(0, 2, 3, 1).cpu().numpy()
                    errors[t].add(true, ab)
                    chroma[t] += float(np.hypot(ab[..., 0], ab[..., 1]).sum())
        base = grey.result()
        results = {t: errors[t].result() for t in temperatures}
        return [
            Row(
                self.name,
                t,
                100 * (results[t].auc_raw - base.auc_raw),
                100 * (results[t].auc_equal_bins - base.auc_equal_bins),
                chroma[t] / true_chroma,
            )
            for t in temperatures
        ]
