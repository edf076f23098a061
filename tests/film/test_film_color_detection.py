"""`--keep-color`: which frames of a film pass as they are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import SMALL_VIEW, Picture, Recipe, look, make_film, pan, to_grey
from hypothesis import given
from hypothesis import strategies as st

from colorizer.film import FilmOptions
from colorizer.film.color_detection import FRAMES_AHEAD, ColorCheck, decide_in_color
from colorizer.film.job import color_video


def mixed(color: list[Picture], grey: list[Picture], shares: list[float]) -> list[Picture]:
    return [
        np.rint(share * one + (1 - share) * other).astype(np.uint8)
        for share, one, other in zip(shares, color, grey, strict=True)
    ]


def sepia(frames: list[Picture]) -> list[Picture]:
    tone = np.array([1.07, 0.95, 0.72])
    return [np.clip(np.rint(frame * tone), 0, 255).astype(np.uint8) for frame in frames]


def passed(frames: list[Picture], folder: Path) -> list[bool]:
    """Which frames of a film come out as they went in."""
    recipe = Recipe("ffv1", "yuv444p", Fraction(1, 1000), options={}, sounds=())
    source = make_film(folder / "film.mkv", frames, recipe)
    settings = replace(SMALL_VIEW, keep_color=True)
    color_video(source, folder / "out.mkv", settings, FilmOptions(codec="ffv1"), segment_frames=7)
    pairs = zip(look(source).planes, look(folder / "out.mkv").planes, strict=True)
    return [all(np.array_equal(old, new) for old, new in zip(before, after, strict=True)) for before, after in pairs]


def test_a_documentary_of_colour_grey_sepia_and_a_fade(photographs: list[Path], tmp_path: Path) -> None:
    by_name = {path.stem: path for path in photographs}
    fruit, stream = (pan(by_name[name], 10) for name in ("citrus-slices", "forest-stream"))
    house = pan(by_name["mountain-path"], 30)
    dissolve = [min(1.0, max(0.0, (number - 8) / 12)) for number in range(30)]
    dark = [np.zeros_like(fruit[0])] * 3
    film = [*fruit, *to_grey(stream), *sepia(to_grey(fruit)), *dark, *mixed(house, to_grey(house), dissolve)]
    kept = passed(film, tmp_path)
    assert all(kept[:10]), "colour"
    assert not any(kept[10:30]), "grey and sepia"
    changed = kept[33:].index(True)
    assert 5 <= changed <= 18, "the dissolve from grey"
    assert not any(kept[33 : 33 + changed])
    assert all(kept[33 + changed :])


def votes(text: str) -> list[ColorCheck[int]]:
    """A frame for each of c(olour), g(rey), d(ark); a scene begins with a capital."""
    meant = {"c": True, "g": False, "d": None}
    return [ColorCheck(number, letter.isupper(), meant[letter.lower()]) for number, letter in enumerate(text)]


def told(text: str, keeping: bool | None = None) -> str:
    names = {True: "c", False: "g", None: "?"}
    return "".join(names[keeping] for _, keeping in decide_in_color(votes(text), keeping))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ("Cccccccccc", "cccccccccc"),
        ("Ggcgggggggg", "ggggggggggg"),
        ("Dddccccccccc", "cccccccccccc"),
        ("DddGgg", "???ggg"),
        ("Gcccccccccc", "ccccccccccc"),
        ("CccGggCcc", "cccgggccc"),
        ("Cccccggccccccc", "cccccccccccccc"),
        ("Dddd", "????"),
    ],
)
def test_scenes_are_judged_by_most_of_their_frames(frames: str, expected: str) -> None:
    assert told(frames) == expected


def test_a_dissolve_changes_once() -> None:
    text = told("Ggggggggggggcgcccccccccccccc")
    assert text.count("gc") == 1
    assert "cg" not in text
    assert 8 <= text.index("c") <= 13


@given(st.text("cgdCGD", min_size=1, max_size=40), st.integers(0, 40))
def test_a_run_that_goes_on_anywhere_decides_the_same(text: str, place: int) -> None:
    whole = list(decide_in_color(votes("C" + text), None))
    place = min(place, len(whole) - 1)
    resumed = list(decide_in_color(votes("C" + text)[place:], whole[place - 1][1] if place else None))
    assert resumed == whole[place:]
    assert [number for number, _ in whole] == list(range(len(whole)))
    assert FRAMES_AHEAD > 1
