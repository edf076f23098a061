"""How hints spread: exact at the hint, nothing far away, no order, nothing left when a hint is removed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import lab_of, shrunk_to_gamut
from scenes import colors, fractions, guidances, regions, session

from colorizer import Colorizer, Settings
from colorizer.errors import InputError
from colorizer.guidance import Guidance, Hint

GREY = regions()
WITH, WITHOUT = session(GREY), session(GREY, distribution=False)
few = settings(max_examples=6)


def disc(x: float, y: float, size: float, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width]
    column = np.clip(x * width - 0.5, 0, width - 1)
    row = np.clip(y * height - 0.5, 0, height - 1)
    mask: npt.NDArray[np.bool_] = np.hypot(columns - column, rows - row) <= max(size * max(shape) / 2, 0.75)
    return mask


@few
@given(fractions, fractions, colors.filter(lambda color: color != "keep"), st.booleans(), st.sampled_from([0.01, 0.05]))
def test_a_hinted_place_has_its_colour(x: float, y: float, color: str, distribution: bool, size: float) -> None:
    hint = Hint([(x, y)], color, size=size)
    for depth in (np.uint8, np.uint16):
        pixels = GREY if depth == np.uint8 else GREY.astype(np.uint16) * 257
        made = session(pixels, distribution=distribution) if depth == np.uint16 else (WITH if distribution else WITHOUT)
        place = disc(x, y, size, GREY.shape)
        found = lab_of(made.render(Guidance([hint])))[place]
        wanted = shrunk_to_gamut(lab_of(np.dstack([pixels] * 3))[place][:, 0], hint.target)
        assert np.hypot(*(found[:, 1:] - wanted).T).max() < 2


@few
@given(guidances)
def test_order_does_not_matter_and_lightness_stays(guidance: Guidance) -> None:
    one = WITH.render(guidance)
    other = session(GREY).render(Guidance(guidance.hints[::-1], guidance.carry))
    assert np.array_equal(one, other)
    assert np.abs(lab_of(one)[..., 0] - lab_of(np.dstack([GREY] * 3))[..., 0]).max() < 0.3


@few
@given(guidances)
def test_removing_a_hint_restores_the_bytes(guidance: Guidance) -> None:
    hint = Hint([(0.31, 0.77)], "#123456")
    before = WITH.render(guidance)
    WITH.render(guidance.with_hints(hint))
    assert np.array_equal(session(GREY).render(guidance.with_hints(hint).without(hint)), before)


@pytest.fixture(scope="module")
def lite() -> Colorizer:
    return Colorizer(Settings(model="lite"))


@pytest.mark.parametrize("network", ["lite", "made", "made, without distribution"])
@pytest.mark.parametrize("color", ["#b03028", "navy", "#20c040"])
def test_regions_of_other_lightness_do_not_move(lite: Colorizer, network: str, color: str) -> None:
    """Three bands more than 20 L apart, of which the first is hinted."""
    pixels = regions()
    apart = np.abs(np.diff([np.median(lab_of(np.dstack([band] * 3))[..., 0]) for band in np.split(pixels, 3, axis=1)]))
    assert (apart > 20).all()
    made = lite.session(pixels) if network == "lite" else WITH if network == "made" else WITHOUT
    guidance = Guidance([Hint([(0.1, 0.5)], color)], carry=0)
    moved = lab_of(made.render(guidance))[..., 1:] - lab_of(made.render(Guidance()))[..., 1:]
    first, second, third = (np.hypot(*np.moveaxis(band, -1, 0)) for band in np.split(moved, 3, axis=1))
    assert second[:, 3:].mean() < 1
    assert third.mean() < 1
    assert first.mean() > 15


def test_what_is_kept_of_hints_that_stay_changes_no_byte() -> None:
    """One of several moves to and fro in a session; a session that never saw it elsewhere says the same."""
    stay = [Hint([(x / 8, 0.4)], color) for x, color in enumerate(["#a05050", "navy", "grey", "keep"], 1)]
    used = session(GREY)
    for x in (0.6, 0.7, 0.8, 0.6):
        last = used.render(Guidance([*stay, Hint([(x, 0.7)], "gold")]))
    assert np.array_equal(last, session(GREY).render(Guidance([Hint([(0.6, 0.7)], "gold"), *stay])))
    # of more hints than are kept too
    many = [Hint([((n % 10) / 10, (n // 10) / 10)], "#a05050") for n in range(40)]
    assert np.array_equal(used.render(Guidance(many)), session(GREY).render(Guidance(many[::-1])))


def test_at_the_working_size_nothing_that_was_computed_is_lost() -> None:
    """Where lightness tells nothing of the change: on even grey, in which looks alone differ."""
    flat = np.full((192, 256), 128, np.uint8)
    made = session(flat)
    guidance = Guidance([Hint([(0.3, 0.5)], "#a05050"), Hint([(0.7, 0.5)], "navy")])
    wanted = made.base + made.change(guidance)
    found = lab_of(made.render(guidance))[..., 1:]
    away = np.hypot(*np.moveaxis(found - wanted, -1, 0))
    near = disc(0.3, 0.5, 0.03, flat.shape) | disc(0.7, 0.5, 0.03, flat.shape)
    assert away[~near].mean() < 0.5
    assert np.percentile(away[~near], 99) < 1.5


def test_keep_keeps_its_place_and_holds_against_others() -> None:
    red = Hint([(0.1, 0.5)], "#b03028")
    keep = Hint([(0.25, 0.5)], "keep")
    plain = lab_of(WITH.render(Guidance()))
    place = disc(0.25, 0.5, 1 / 128, GREY.shape)
    moved = lab_of(WITH.render(Guidance([red])))
    kept = lab_of(WITH.render(Guidance([red, keep])))
    assert np.abs(moved - plain)[place].max() > 3
    assert np.abs(kept - plain)[place].max() < 0.7


def test_strokes_and_regions_have_their_colour_everywhere() -> None:
    height, width = GREY.shape
    rows, columns = np.mgrid[0:height, 0:width]
    inside = (columns >= 40) & (columns <= 60) & (rows >= 20) & (rows <= 50)
    region = Hint([(40, 20), (60, 20), (60, 50), (40, 50)], "#a05050", shape="region", pixels=True)
    found = lab_of(WITH.render(Guidance([region])))
    assert np.hypot(*(found[inside][:, 1:] - np.array(region.target)).T).max() < 2
    stroke = Hint([(5, 80), (115, 80)], "#508080", pixels=True)
    line = lab_of(WITH.render(Guidance([stroke])))[80, 5:116, 1:]
    assert np.hypot(*(line - np.array(stroke.target)).T).max() < 2


def test_saturation_and_strength_act_on_the_network_alone() -> None:
    hint = Hint([(0.5, 0.5)], "#a05050", size=0.05)
    place = disc(0.5, 0.5, 0.05, GREY.shape)
    several: tuple[dict[str, Any], ...] = ({"saturation": 0.0}, {"saturation": 2.0}, {"strength": 0.0})
    for options in several:
        found = lab_of(session(GREY, **options).render(Guidance([hint])))
        assert np.hypot(*(found[place][:, 1:] - np.array(hint.target)).T).max() < 2


def test_contradictory_hints_are_told_of_and_their_mean_is_taken() -> None:
    red, blue = Hint([(0.5, 0.5)], "#a05050", size=0.05), Hint([(0.5, 0.5)], "#5050a0", size=0.05)
    guidance = Guidance([red, blue])
    (line,) = WITH.remarks(guidance)
    assert "contradict" in line
    found = lab_of(WITH.render(guidance))[disc(0.5, 0.5, 0.05, GREY.shape)][:, 1:]
    assert np.hypot(*(found - (np.array(red.target) + blue.target) / 2).T).max() < 2


def test_places_without_room_for_colour_and_transparent_ones_are_told_of() -> None:
    pixels = GREY.copy()
    pixels[40:60, 40:60] = 254
    alpha = np.full(pixels.shape, 255, np.uint8)
    alpha[:10] = 0
    guidance = Guidance([Hint([(50, 50)], "#b03028", pixels=True), Hint([(5, 5)], "#b03028", pixels=True)])
    lines = session(pixels).remarks(guidance, alpha)
    assert any("burnt out" in line and "#f" in line for line in lines)
    assert any("transparent" in line for line in lines)


def test_a_hint_outside_the_picture_is_one_line() -> None:
    with pytest.raises(InputError, match="outside the picture, which has 120 x 90 pixels"):
        WITH.render(Guidance([Hint([(120, 5)], "red", pixels=True)]))


def test_ten_thousand_hints_take_bounded_time() -> None:
    rng = np.random.default_rng(0)
    hints = [
        Hint([tuple(at)], ab=tuple(ab))
        for at, ab in zip(rng.random((10_000, 2)), rng.normal(0, 20, (10_000, 2)), strict=True)
    ]
    begun = time.process_time()
    WITH.render(Guidance(hints))
    assert time.process_time() - begun < 30


def test_a_preview_shows_what_the_result_will_be() -> None:
    large = np.kron(GREY, np.ones((4, 4), np.uint8))
    made = session(large)
    guidance = Guidance([Hint([(100, 200)], "#b03028", pixels=True)])
    small = made.preview(guidance, 120)
    whole = made.render(guidance)
    assert small.shape == (90, 120, 3)
    shrunk = whole.reshape(90, 4, 120, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - shrunk).mean() < 2


def test_edges_are_the_pictures_own() -> None:
    """A band's edge between two pixels of the working size; the change ends where the picture's lightness does."""
    large = np.kron(regions(60, 90, (70, 190)), np.ones((20, 20), np.uint8))
    made = session(large)
    plain, found = (
        lab_of(made.render(Guidance())),
        lab_of(made.render(Guidance([Hint([(0.2, 0.5)], "#30a040")], carry=0))),
    )
    moved = np.hypot(*np.moveaxis((found - plain)[..., 1:], -1, 0)).mean(axis=0)
    inner, outer = moved[700], moved[1100]
    assert inner > 8
    # 12 pixels on either side of the edge, which is less than two of the working size
    assert moved[900 - 12] > 0.75 * inner
    assert moved[900 + 12] < outer + 0.25 * (inner - outer)
