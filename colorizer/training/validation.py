"""How a network in training does on photographs that it does not learn from, in the figures that papers print.

Errors are in the network's own scale, so those of two networks compare only where their contracts are the same; PSNR,
AuC and colourfulness are of pixels, and compare always. `colorize evaluate` on the exported network has the last word.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness, recombine
from colorizer.metrics import CumulativeAbError, area_under, colorfulness, psnr
from colorizer.training.contract import Contract
from colorizer.training.data.photographs import Photographs
from colorizer.training.data.samples import ab_of, middle, seen_of, target_of
from colorizer.training.objectives import Objective, on
from colorizer.training.record import Figures

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

_MOST_DECIBEL = 100.0
"""What a picture that is given back as it was counts for, so that a mean stays finite."""


@dataclass(frozen=True)
class Shown:
    """A validation picture to look at."""

    original: Pixels  # (S, S, 3) RGB
    grey: Pixels
    colored: Pixels


class ValidationSet:
    """Middle squares of photographs, held in memory.

    Parameters
    ----------
    photographs
        They are spread over these.
    contract
        What the network sees and gives.
    size
        Side of what it sees, in pixels.
    count
        How many at most.
    """

    def __init__(self, photographs: Photographs, contract: Contract, size: int, count: int) -> None:
        chosen = np.linspace(0, len(photographs) - 1, min(count, len(photographs))).round().astype(int)
        self.contract = contract
        self.pixels = [middle(photographs[int(index)], size) for index in np.unique(chosen)]
        self.lightness = np.stack([lightness(each) for each in self.pixels])

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.pixels)

    def figures(self, objective: Objective, batch: int) -> Figures:
        """What the network comes to; `batch` pictures at a time."""
        device = next(objective.network.parameters()).device
        errors = CumulativeAbError()
        losses, squared, absolute, agreement, ratios, colors = [], [], [], [], [], []
        for start in range(0, len(self), batch):
            part = slice(start, start + batch)
            seen = on(seen_of(self.lightness[part], self.contract)[:, None], device)
            targets = np.stack([target_of(each, self.contract) for each in self.pixels[part]])
            losses.append((float(objective.loss(seen, on(targets, device))), len(targets)))
            for place, answer in enumerate(self._enlarged(objective.answer(seen))):
                original, target = self.pixels[start + place], targets[place]
                difference = answer.astype(np.float64) - target
                squared.append(float(np.square(difference).mean()))
                absolute.append(float(np.abs(difference).mean()))
                agreement.append(float((answer.argmax(0) == target.argmax(0)).mean()))
                result = self._colored(start + place, answer)
                errors.add(chroma_plane(original), chroma_plane(result))
                ratios.append(min(psnr(original, result), _MOST_DECIBEL))
                colors.append((colorfulness(result), colorfulness(original)))
        made, true = np.mean(colors, 0)
        return Figures(
            loss=sum(loss * count for loss, count in losses) / len(self),
            mse=float(np.mean(squared)),
            mae=float(np.mean(absolute)),
            rmse=float(np.sqrt(np.mean(squared))),
            psnr=float(np.mean(ratios)),
            accuracy=float(np.mean(agreement)),
            auc=area_under(errors.curve()),
            colorfulness=float(made),
            true_colorfulness=float(true),
        )

    def shown(self, objective: Objective, count: int) -> list[Shown]:
        """The first pictures: original, grey, and as the network colours them."""
        device = next(objective.network.parameters()).device
        found = []
        for place in range(min(count, len(self))):
            seen = on(seen_of(self.lightness[place : place + 1], self.contract)[:, None], device)
            light = self.lightness[place]
            grey = recombine(light, np.zeros((*light.shape, 2), np.float32), np.uint8)
            colored = self._colored(place, self._enlarged(objective.answer(seen))[0])
            found.append(Shown(self.pixels[place], grey, colored))
        return found

    def _enlarged(self, answer: object) -> Floats:
        """(N, C, S, S): answers at the size of what the network saw."""
        planes: Floats = answer.cpu().numpy()  # type: ignore[attr-defined]
        side = self.lightness.shape[-1]
        if planes.shape[-1] == side:
            return planes
        large = [cv2.resize(each.transpose(1, 2, 0), (side, side), interpolation=cv2.INTER_LINEAR) for each in planes]
        return np.stack(large).transpose(0, 3, 1, 2)

    def _colored(self, place: int, answer: Floats) -> Pixels:
        ab = np.ascontiguousarray(ab_of(answer, self.contract), np.float32)
        return np.asarray(recombine(self.lightness[place], ab, np.uint8), np.uint8)
