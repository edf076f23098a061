"""One picture, where the machine fails it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from colorizer import Colorizer, Settings
from colorizer.jobs.plan import Task
from colorizer.jobs.run import OutputPolicy, Status, color_file


@pytest.mark.parametrize(
    "greedy",
    [
        lambda: np.empty(1 << 60, np.uint8),
        lambda: cv2.resize(np.zeros((1, 1), np.uint8), (2**31 - 1, 2**31 - 1), interpolation=cv2.INTER_NEAREST),
    ],
    ids=["numpy", "opencv"],
)
def test_a_picture_for_which_memory_is_missing_fails_alone_and_says_so(
    greedy: Any, photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer = Colorizer(Settings(model="lite", engine="opencv", size=64))
    monkeypatch.setattr(colorizer, "colorize", lambda *_, **__: greedy())
    outcome = color_file(Task(photographs[0], tmp_path / "out.jpg"), colorizer, OutputPolicy())
    assert outcome.status is Status.FAILED
    assert "not enough memory" in str(outcome.error)
    assert list(tmp_path.iterdir()) == []
