"""`--sheet`: before and after of a folder's first pictures, and of those unlike their neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from PIL import Image
from skimage.color import rgb2lab

from colorizer.jobs.comparison import tone_of
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, Status
from colorizer.jobs.sheet import DIFFERENT, FIRST, chosen, write_sheet

RED, BLUE, GREEN = (150, 80, 80), (80, 90, 150), (70, 140, 70)


def flat(path: Path, color: tuple[int, int, int]) -> Path:
    Image.new("RGB", (60, 40), color).save(path)
    return path


def outcome(folder: Path, number: int, color: tuple[int, int, int], status: Status = Status.COLORED) -> Outcome:
    source = flat(folder / f"in{number:03d}.png", (100, 100, 100))
    target = flat(folder / f"out{number:03d}.png", color)
    tone = None if status is Status.KEPT else tone_of(np.asarray(Image.open(target)))
    return Outcome(Task(source, target), status, tone=tone)


def test_a_tone_is_the_mean_colour() -> None:
    rng = np.random.default_rng(1)
    smooth = np.repeat(np.repeat(rng.integers(60, 200, (4, 6, 3), np.uint8), 40, axis=0), 40, axis=1)
    assert np.allclose(tone_of(smooth), rgb2lab(smooth)[..., 1:].mean(axis=(0, 1)), atol=1.5)
    assert np.allclose(
        tone_of(np.full((1, 5000, 3), RED, np.uint8)), rgb2lab(np.array([[RED]], np.uint8))[0, 0, 1:], atol=0.1
    )


def test_the_odd_one_is_found_and_a_change_of_subject_is_not(tmp_path: Path) -> None:
    colors = [RED] * 20 + [BLUE] * 20
    colors[30] = GREEN
    outcomes = [outcome(tmp_path, number, color) for number, color in enumerate(colors)]
    first, different = chosen(outcomes[::-1])
    assert [each.task.target.name for each in first] == [f"out{number:03d}.png" for number in range(FIRST)]
    assert [each.task.target.name for each in different] == ["out030.png"]


def test_no_more_than_so_many_differ_and_the_most_come_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    colors = rng.integers(40, 220, (60, 3)).tolist()
    outcomes = [outcome(tmp_path, number, (red, green, blue)) for number, (red, green, blue) in enumerate(colors)]
    _, different = chosen(outcomes)
    assert len(different) == DIFFERENT
    assert not set(map(id, different)) & set(map(id, outcomes[:FIRST]))


def test_what_is_gone_or_was_kept_is_no_trouble(tmp_path: Path) -> None:
    outcomes = [outcome(tmp_path, number, RED, Status.KEPT) for number in range(3)]
    Path(str(outcomes[1].task.target)).unlink()
    assert write_sheet(tmp_path / "sheet.png", outcomes) == 2
    assert write_sheet(tmp_path / "none.png", []) == 0
    assert not (tmp_path / "none.png").exists()


def test_the_command_writes_it(colorize: Command, photographs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for number, path in enumerate(photographs[:4]):
        with Image.open(path) as image:
            image.convert("L").resize((96, 64)).save(tmp_path / "scans" / f"{number}.png")
    view = ("--model", "lite", "--size", "64", "--jobs", "1")
    done = colorize("scans", "-o", "out", "--sheet", "sheet.jpg", *view)
    assert done.returncode == 0, done.stderr
    assert "sheet.jpg: 4 pictures, before and after" in done.stderr
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        spread = np.ptp(np.asarray(sheet.convert("RGB")).astype(int), axis=-1)
    # befores are grey, afters are not: the first cell's two halves
    assert spread[60:280, 20:250].max() < 12
    assert spread[60:280, 260:480].max() > 25
    again = colorize("scans", "-o", "out", "--sheet", "sheet.jpg", *view)
    assert again.returncode == 1
    assert "sheet.jpg: exists, kept; --overwrite replaces it" in again.stderr
    assert colorize("scans", "-o", "out", "--sheet", "sheet.jpg", "--overwrite", *view).returncode == 0


@pytest.mark.parametrize(("sheet", "said"), [("sheet.xyz", "ends in .xyz"), ("no/where.jpg", "no: no such folder")])
def test_a_sheet_that_cannot_be_written_is_refused_before_the_work(
    sheet: str, said: str, colorize: Command, tmp_path: Path
) -> None:
    flat(tmp_path / "a.png", (90, 90, 90))
    done = colorize("a.png", "-o", "b.png", "--sheet", sheet)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert not (tmp_path / "b.png").exists()
