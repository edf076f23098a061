"""Saying colours on the page: three hints, undo, proposals, and a saved file that is the command's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browser import PHONE, Visits, changed, faults, files_of, opened_large, passes, pixels, saved, share
from conftest import PHOTOS, Command
from serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

DOGS = PHOTOS / "two-dogs.jpg"


def test_three_hints_undo_and_save_are_the_commands_bytes(
    server: Server, visits: Visits, colorize: Command, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    page = visits.open(server.url("/"))
    opened_large(page, DOGS)
    plain = share(page, "0")
    page.locator("#hint-mode").click()
    box = page.locator("#compare").bounding_box()
    assert box

    def click(x: float, y: float) -> None:
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)

    click(0.3, 0.6)
    expect(page.locator(".swatch")).to_have_count(9)
    changed(page, lambda: page.locator("#hint-color").fill("#802050"))
    assert np.abs(pixels(page) - plain).mean() > 1
    click(0.7, 0.3)
    changed(page, page.locator("#hint-keep").click)
    click(0.6, 0.7)
    changed(page, page.locator(".swatch[data-kind=guess]").first.click)
    expect(page.locator("#hint-list li")).to_have_count(3)
    # dragged, and back again
    three = pixels(page)
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.6)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.5, steps=3)
    page.mouse.up()
    expect(page.locator("#hint-list li").first).to_contain_text("35 %")
    page.keyboard.press("Control+z")
    expect(page.locator("#hint-list li").first).to_contain_text("30 %")
    page.keyboard.press("Control+z")
    expect(page.locator("#hint-list li")).to_have_count(2)
    page.locator("#hint-redo").click()
    expect(page.locator("#hint-list li")).to_have_count(3)
    assert faults(page) == []
    stored = page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))")[0]["id"]
    expect(page.locator("#polite")).not_to_be_empty()
    page.wait_for_function(
        "async (id) => (await (await fetch(`/api/pictures/${id}/hints`)).json()).hints.length === 3", arg=stored
    )
    assert passes(page, server) == 1
    said = server.get(f"/api/pictures/{stored}/hints").json()
    (tmp_path / "said.json").write_text(json.dumps(said), encoding="utf-8")
    name, data = saved(page, "#save")
    assert name == "two-dogs.color.jpg"
    done = colorize(DOGS, "-o", "a.jpg", "--hints", "said.json", "--model", "lite")
    assert done.returncode == 0, done.stderr
    assert data == (tmp_path / "a.jpg").read_bytes()
    assert three.shape == plain.shape


def test_places_are_those_of_the_picture_when_it_is_enlarged(server: Server, visits: Visits) -> None:
    from playwright.sync_api import expect

    page = visits.open(server.url("/"))
    opened_large(page, DOGS)
    page.locator("#hint-mode").click()
    for _ in range(2):
        page.locator("#zoom-in").click()
    box = page.locator("#compare").bounding_box()
    image = page.locator("#compare .before > img").bounding_box()
    assert box
    assert image
    assert image["width"] > 1.1 * box["width"]
    x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4
    page.mouse.click(x, y)
    changed(page, lambda: page.locator("#hint-color").fill("#802050"))
    mark = page.locator(".hint-mark").bounding_box()
    assert mark
    assert abs(mark["x"] + mark["width"] / 2 - x) < 2
    assert abs(mark["y"] + mark["height"] / 2 - y) < 2
    wanted = (x - image["x"]) / image["width"], (y - image["y"]) / image["height"]
    stored = page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))")[0]["id"]
    expect(page.locator("#hint-list li")).to_have_count(1)
    page.wait_for_function(
        "async (id) => (await (await fetch(`/api/pictures/${id}/hints`)).json()).hints.length === 1", arg=stored
    )
    (place,) = server.get(f"/api/pictures/{stored}/hints").json()["hints"][0]["points"]
    assert np.abs(np.subtract(place, wanted)).max() < 0.005


def test_by_keyboard_alone_and_by_a_proposal(server: Server, visits: Visits) -> None:
    from playwright.sync_api import expect

    page = visits.open(server.url("/"))
    opened_large(page, DOGS)
    page.locator("#hint-mode").press("Enter")
    page.locator("#hint-place").press("Enter")
    page.locator(".hint-mark").press("ArrowRight")
    page.locator(".hint-mark").press("ArrowDown")
    changed(page, lambda: page.locator("#hint-grey").press("Enter"))
    expect(page.locator("#hint-list li")).to_have_text(["grey (51 %, 51 %)"])
    changed(page, lambda: page.locator(".hint-mark").press("ArrowRight"))
    expect(page.locator("#hint-list li")).to_have_text(["grey (52 %, 51 %)"])
    changed(page, lambda: page.locator(".hint-mark").press("Delete"))
    expect(page.locator("#hint-list li")).to_have_count(0)
    page.locator("#propose").press("Enter")
    expect(page.locator(".proposal img")).to_have_count(4)
    changed(page, lambda: page.locator(".proposal").nth(1).press("Enter"))
    expect(page.locator("#hint-list li")).to_have_count(2)


def dragged(page: Page, *places: tuple[float, float], key: str = "", release: bool = True) -> None:
    """Draw with the mouse from place to place on the large picture, in fractions of it."""
    box = page.locator(".marks").bounding_box()
    assert box
    if key:
        page.keyboard.down(key)
    for number, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=1 if number == 0 else 4)
        if number == 0:
            page.mouse.down()
    if release:
        page.mouse.up()
    if key:
        page.keyboard.up(key)


def stored(page: Page) -> str:
    return str(page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))")[0]["id"])


def test_a_line_an_area_and_another_pictures_colours_are_saved_as_by_the_command(
    server: Server, visits: Visits, colorize: Command, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    page = visits.open(server.url("/"))
    opened_large(page, DOGS)
    page.locator("#hint-mode").click()
    dragged(page, (0.3, 0.6), (0.36, 0.65), (0.4, 0.6), key="Shift")
    expect(page.locator(".marks polyline")).to_have_count(1)
    changed(page, lambda: page.locator("#hint-color").fill("#802050"))
    page.locator("#hint-shapes [value=region]").check()
    dragged(page, (0.7, 0.2), (0.85, 0.2), (0.85, 0.4), (0.7, 0.4))
    expect(page.locator(".marks polygon")).to_have_count(1)
    changed(page, page.locator("#hint-grey").click)
    expect(page.locator("#hint-list li").nth(1)).to_contain_text("area, grey")
    # dropped on the tools it is a reference, and no picture for the shelf
    transfer = files_of(page, PHOTOS / "tabby-cat.jpg")
    changed(page, lambda: page.dispatch_event("#hint-tools", "drop", {"dataTransfer": transfer}))
    expect(page.locator("#references li")).to_contain_text("tabby-cat.jpg")
    assert page.evaluate("() => document.querySelectorAll('.tile').length") == 1
    changed(page, lambda: page.locator("#references select").select_option("palette"))
    changed(page, page.locator("#hint-undo").click)
    expect(page.locator("#references select")).to_have_value("scene")
    assert faults(page) == []
    said = server.get(f"/api/pictures/{stored(page)}/hints").json()
    line, area = said["hints"]
    assert "shape" not in line
    assert len(line["points"]) > 2
    assert area["shape"] == "region"
    assert said["references"] == [{"file": "tabby-cat.jpg", "as": "scene"}]
    (tmp_path / "said.json").write_text(json.dumps(said), encoding="utf-8")
    (tmp_path / "tabby-cat.jpg").write_bytes((PHOTOS / "tabby-cat.jpg").read_bytes())
    _, data = saved(page, "#save")
    done = colorize(DOGS, "-o", "a.jpg", "--hints", "said.json", "--model", "lite")
    assert done.returncode == 0, done.stderr
    assert data == (tmp_path / "a.jpg").read_bytes()


def test_what_is_dragged_is_seen_before_it_is_let_go_and_said_then(server: Server, visits: Visits) -> None:
    from playwright.sync_api import expect

    page = visits.open(server.url("/"))
    opened_large(page, DOGS)
    page.locator("#hint-mode").click()
    dragged(page, (0.3, 0.6))
    changed(page, lambda: page.locator("#hint-color").fill("#802050"))
    address = f"/api/pictures/{stored(page)}/hints"
    page.wait_for_function("async (address) => (await (await fetch(address)).json()).hints.length === 1", arg=address)
    before = server.get(address).json()
    changed(page, lambda: dragged(page, (0.3, 0.6), (0.5, 0.4), release=False))
    assert server.get(address).json() == before
    changed(page, page.mouse.up)
    expect(page.locator("#hint-list li")).to_contain_text("50 %")
    page.wait_for_function(
        "async (address) => (await (await fetch(address)).json()).hints[0].points[0][0] === 0.5", arg=address
    )
    changed(page, page.locator("#hint-undo").click)
    page.wait_for_function(
        "async (address) => (await (await fetch(address)).json()).hints[0].points[0][0] < 0.31", arg=address
    )
    # enlarged, pieces at full size come when it is let go
    for _ in range(2):
        page.locator("#zoom-in").click()
    page.locator(".after canvas").first.wait_for()
    page.evaluate("() => document.querySelectorAll('.after canvas').forEach((each) => { each.dataset.old = 'yes' })")
    x, y = server.get(address).json()["hints"][0]["points"][0]
    changed(page, lambda: dragged(page, (x, y), (x + 0.05, y), release=False))
    expect(page.locator(".after canvas")).to_have_count(0)
    page.mouse.up()
    page.locator(".after canvas:not([data-old])").first.wait_for()


def test_a_finger_draws_a_line_and_the_page_stays_where_it_is(server: Server, visits: Visits) -> None:
    from playwright.sync_api import expect

    page = visits.open(server.url("/"), PHONE, has_touch=True, is_mobile=True)
    opened_large(page, DOGS)
    page.locator("#hint-mode").tap()
    page.locator("#hint-shapes [value=stroke]").tap()
    page.locator("#compare").scroll_into_view_if_needed()
    box = page.locator(".marks").bounding_box()
    assert box
    top = page.evaluate("() => scrollY")
    session = page.context.new_cdp_session(page)
    # as a hand draws, which rests at the end: of one that is flung, the browser takes a tap soon after to stop it
    for number, place in enumerate([(0.3, 0.5), (0.4, 0.55), (0.5, 0.65), *[(0.6, 0.6)] * 3, None]):
        page.wait_for_timeout(60)
        kind = "End" if place is None else "Move" if number else "Start"
        points = [{"x": box["x"] + box["width"] * place[0], "y": box["y"] + box["height"] * place[1]}] if place else []
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    expect(page.locator(".marks polyline")).to_have_count(1)
    assert page.evaluate("() => scrollY") == top
    expect(page.locator(".swatch")).to_have_count(9)
    changed(page, page.locator("#hint-grey").tap)
    expect(page.locator("#hint-list li")).to_contain_text("line, grey")
    page.wait_for_function(
        "async (id) => (await (await fetch(`/api/pictures/${id}/hints`)).json()).hints?.[0]?.points.length === 4",
        arg=stored(page),
    )
