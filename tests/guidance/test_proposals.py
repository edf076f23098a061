"""Swatches, proposals, references and palettes; sessions in several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from oracle import lab_of
from PIL import Image
from scenes import CENTRES, regions, session

from colorizer import Colorizer, Settings
from colorizer.errors import ColorizerError, UsageError
from colorizer.guidance import Guidance, Hint, Reference, read_guidance
from colorizer.guidance.suggestions import cover
from colorizer.networks.distribution import Distribution

Command = Callable[..., Any]
SIDE = 192


@pytest.fixture(scope="module")
def lite() -> Colorizer:
    return Colorizer(Settings(model="lite", fast=True))


def photograph(path: Path, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """(side, side, 3) RGB."""
    found = cv2.imread(str(path))
    assert found is not None
    small = cv2.resize(found, (side, side), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1], np.uint8)


def error(colored: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    away = (lab_of(colored) - lab_of(truth))[..., 1:]
    return float(np.hypot(away[..., 0], away[..., 1]).mean())


def test_swatches_find_the_colours_of_a_mixture() -> None:
    """Of a distribution with four known peaks, four swatches are the peaks."""
    peaks = np.array([[40.0, 20.0], [-30.0, 30.0], [5.0, -40.0], [0.0, 0.0]])
    squared = ((CENTRES[None] - peaks[:, None]) ** 2).sum(-1)
    mixture = (np.array([0.4, 0.3, 0.2, 0.1])[:, None] * np.exp(-squared / (2 * 5**2))).sum(0)
    colors, covered = cover(np.asarray(mixture / mixture.sum(), np.float32), CENTRES, 4)
    assert np.linalg.norm(colors - peaks, axis=1).max() < 6
    assert np.all(np.diff(covered) < 0)


@pytest.mark.parametrize("distribution", [True, False])
def test_swatches_have_grey_the_present_colour_and_those_used(distribution: bool) -> None:
    made = session(regions(), distribution=distribution)
    used = Guidance([Hint([(0.9, 0.9)], "#a05050"), Hint([(0.8, 0.9)], "keep")])
    found = made.suggestions(0.1, 0.5, used)
    assert len(found) == 9
    assert {each.kind for each in found} == {"guess", "grey", "present", "used"}
    (present,) = (each for each in found if each.kind == "present")
    assert np.allclose(present.ab, made.ab_at(0.1, 0.5, used))
    (reused,) = (each for each in found if each.kind == "used")
    assert np.allclose(reused.ab, Hint([(0, 0)], "#a05050").target)
    # shown as it would come out there
    tone = lab_of(np.dstack([made.pixels] * 3))[made.size[0] // 2, made.size[1] // 10, 0]
    for each in found:
        shown = lab_of(np.array([int(each.color[at : at + 2], 16) for at in (1, 3, 5)], np.uint8))
        assert abs(shown[0] - tone) < 0.7


def test_variants_differ_where_the_network_doubts_and_do_not_depend_on_their_number(
    lite: Colorizer, photographs: list[Path]
) -> None:
    made = lite.session(photograph(photographs[0]))
    found = made.variants(4)
    assert len(found) == 4
    assert made.variants(2) == found[:2]
    pictures = [lab_of(made.render(each)) for each in (Guidance(), *found)]
    for number, one in enumerate(pictures):
        for other in pictures[:number]:
            assert np.hypot(*np.moveaxis((one - other)[..., 1:], -1, 0)).mean() > 2
    # what was said stays said
    said = Guidance([Hint([(0.5, 0.5)], "navy")])
    assert all(said.hints[0] in each.hints for each in made.variants(2, said))


def test_a_network_without_a_distribution_says_what_it_lacks() -> None:
    made = session(regions(), distribution=False)
    with pytest.raises(UsageError, match="one answer"):
        made.variants(2)
    with pytest.raises(UsageError, match="one answer"):
        made.render(Guidance(palette=["navy", "gold"]))


def test_a_reference_of_the_same_scene_brings_its_colours(lite: Colorizer, photographs: list[Path]) -> None:
    """The left half for the right, on photographs whose halves the network colours falsely."""
    better = {"scene": 0, "palette": 0}
    chosen = photographs[::3]
    for path in chosen:
        whole = photograph(path)
        left, right = whole[:, : SIDE // 2], np.ascontiguousarray(whole[:, SIDE // 2 :])
        made = lite.session(right)
        before = error(made.render(Guidance()), right)
        for role in ("scene", "palette"):
            reference = Reference(role, np.ascontiguousarray(left))
            better[role] += error(made.render(Guidance(references=[reference])), right) < before
    assert better["scene"] >= len(chosen) - 1
    assert better["palette"] >= len(chosen) - 2


def test_a_palette_of_named_colours_moves_the_picture_towards_them() -> None:
    made = session(regions())
    plain = lab_of(made.render(Guidance()))[..., 1:].mean(axis=(0, 1))
    for color in ("#2040a0", "#a03020", "#208030"):
        wanted = np.array(Hint([(0, 0)], color).target)
        moved = lab_of(made.render(Guidance(palette=[color])))[..., 1:].mean(axis=(0, 1))
        assert (moved - plain) @ (wanted - plain) / np.linalg.norm(wanted - plain) > 2


def test_hints_are_exact_with_a_palette_too() -> None:
    made = session(regions())
    hint = Hint([(0.5, 0.5)], "#a05050", size=0.05)
    found = lab_of(made.render(Guidance([hint], palette=["navy"])))[45, 60, 1:]
    assert np.hypot(*(found - hint.target)) < 2


def test_what_is_right_as_it_is_stays_under_a_palette_too() -> None:
    made = session(regions())
    palette, keep = Guidance(palette=["navy"]), Hint([(0.5, 0.5)], "keep", size=0.05)
    plain, moved, kept = (
        lab_of(made.render(each))[35:56, 50:71, 1:] for each in (Guidance(), palette, palette.with_hints(keep))
    )
    assert np.hypot(*(moved - plain)[10, 10]) > 3
    assert np.hypot(*(kept - plain)[10, 10]) < 1
    # and not at its very place alone
    assert (
        np.hypot(*np.moveaxis(kept - plain, -1, 0)).mean() < 0.6 * np.hypot(*np.moveaxis(moved - plain, -1, 0)).mean()
    )


@pytest.mark.parametrize("pixels", [regions(), np.dstack([regions()] * 3)])
def test_a_reference_in_grey_is_refused(pixels: npt.NDArray[Any]) -> None:
    with pytest.raises(ColorizerError, match="colour"):
        Reference("scene", pixels)


def test_a_session_may_be_shared_between_threads() -> None:
    pixels = regions(60, 90)
    said = [Guidance([Hint([(x / 10, 0.5)], "#a05050")]) for x in range(1, 9)]
    expected = [session(pixels).preview(each, 64) for each in said]
    shared = session(pixels)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: shared.preview(each, 64), said * 2))
    assert all(np.array_equal(*pair) for pair in zip(found, expected * 2, strict=True))


def test_a_preview_is_the_picture_reduced() -> None:
    made = session(regions(180, 240))
    guidance = Guidance([Hint([(0.2, 0.5)], "#a05050", size=0.1)])
    small = made.preview(guidance, 120)
    assert small.shape == (90, 120, 3)
    large = cv2.resize(made.render(guidance), (120, 90), interpolation=cv2.INTER_AREA)
    assert np.abs(lab_of(small) - lab_of(large)).mean() < 1
    assert made.preview(guidance, 1000).shape == (180, 240, 3)


def test_distribution_for_other_classes_has_no_fitted_metric() -> None:
    """A network of the name of a fitted one, with other classes, is guided all the same."""
    from colorizer.guidance.asked import Said
    from colorizer.guidance.session import Session

    few = CENTRES[::10]
    logits = -((few[:, None, None] - np.zeros((1, 8, 8, 2))) ** 2).sum(-1) / 200
    found = Distribution.of(np.asarray(logits, np.float32), few)
    made = Session(regions(), Said("lite", found.ab(1), found))
    hint = Hint([(0.5, 0.5)], "#a05050", size=0.05)
    assert np.hypot(*(lab_of(made.render(Guidance([hint])))[45, 60, 1:] - hint.target)) < 2


def test_variants_of_the_command_are_a_sheet_and_hints_files(tmp_path: Path, colorize: Command) -> None:
    Image.fromarray(regions(60, 90)).save(tmp_path / "a.png")
    done = colorize("a.png", "--variants", "3", "--fast")
    assert done.returncode == 0, done.stderr
    assert "3 variants on a.color.variants.jpg" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == [
        "a.color.variants.jpg",
        "a.png",
        *(f"a.variant-{number}.hints.json" for number in (1, 2, 3)),
    ]
    guidance, made_for = read_guidance(tmp_path / "a.variant-2.hints.json")
    assert guidance.hints
    assert (made_for.name, made_for.width, made_for.height) == ("a.png", 90, 60)
    colorize("a.png", "-o", "named.png", "--hints", "a.variant-2.hints.json", "--fast")
    colorize("a.png", "-o", "taken.png", "--variant", "2", "--fast")
    one, other = (np.asarray(Image.open(tmp_path / name)) for name in ("named.png", "taken.png"))
    assert np.array_equal(one, other)
    again = colorize("a.png", "--variants", "3", "--fast")
    assert again.returncode == 1
    assert "kept" in again.stderr
    assert colorize("a.png", "--variants", "1", "--fast", "--overwrite").returncode == 0


def test_references_and_palettes_of_the_command(tmp_path: Path, photographs: list[Path], colorize: Command) -> None:
    Image.fromarray(regions(60, 90)).save(tmp_path / "a.png")
    Image.fromarray(photograph(photographs[1])).save(tmp_path / "colour.png")
    results = {}
    for name, arguments in {
        "plain": [],
        "scene": ["--reference", "colour.png", "--reference-as", "scene"],
        "mood": ["--reference", "colour.png", "--reference-as", "palette"],
        "picture": ["--palette", "colour.png"],
        "named": ["--palette", "#8b2e2e, navy"],
    }.items():
        done = colorize("a.png", "-o", f"{name}.png", "--fast", *arguments)
        assert done.returncode == 0, done.stderr
        results[name] = np.asarray(Image.open(tmp_path / f"{name}.png"))
    assert np.array_equal(results["mood"], results["picture"])
    assert len({image.tobytes() for image in results.values()}) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--reference", "a.png"], "--reference-as scene or --reference-as palette"),
        (["--reference", "a.png", "--reference-as", "scene"], "without colour"),
        (["--reference", "none.png", "--reference-as", "scene"], "none.png"),
        (["--palette", "reddish"], "--palette"),
        (["--variant", "12"], "there is no variant 12"),
        (["--variants", "99"], "--variants"),
    ],
)
def test_wrong_use_is_one_line(tmp_path: Path, colorize: Command, arguments: list[str], said: str) -> None:
    flat = np.full((40, 60), 128, np.uint8)
    Image.fromarray(flat).save(tmp_path / "a.png")
    done = colorize("a.png", *arguments, "--model", "lite", "--fast")
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not (tmp_path / "a.color.png").exists()
