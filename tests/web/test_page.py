"""The way through the page of `colorize serve`, in a real browser: drop, compare, tune, save."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from browser import Visits, alike, changed, drop, moved, opened_large, passes, pixels, saved, share, spread, tiles
from conftest import PHOTOS, Command
from PIL import Image
from serving import Server

STREAM = PHOTOS / "forest-stream.jpg"
PAGODA = PHOTOS / "pagoda.jpg"
DOGS = PHOTOS / "two-dogs.jpg"

BROWSER_SCALING = 6.0
"""Grey levels by which the browser's scaling and Pillow's may differ in the mean."""


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    """A photograph without its colours."""
    path = tmp_path / "grey.jpg"
    with Image.open(STREAM) as image:
        image.convert("L").save(path, quality=95)
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A photograph that ends in the middle."""
    path = tmp_path / "torn.jpg"
    path.write_bytes(STREAM.read_bytes()[:4000])
    return path


def by_command(colorize: Command, tmp_path: Path, photo: Path, name: str, *options: str) -> bytes:
    done = colorize(photo, "-o", name, "--model", "lite", *options)
    assert done.returncode == 0, done.stderr
    return (tmp_path / name).read_bytes()


def test_of_three_dropped_pictures_two_are_coloured_and_one_tells_why_not(
    server: Server, visits: Visits, broken: Path
) -> None:
    page = visits.open(server.url("/"))
    assert page.locator("#invitation").is_visible()
    drop(page, STREAM, broken, PAGODA)
    ready = tiles(page, count=2)
    failed = tiles(page, "failed")
    assert [name.text_content() for name in ready.locator(".name").all()] == ["forest-stream.jpg", "pagoda.jpg"]
    assert failed.locator(".name").text_content() == "torn.jpg"
    message = failed.locator(".status").text_content() or ""
    assert "Damaged or incomplete picture" in message
    assert message in (page.locator("#assertive").text_content() or "")
    assert page.locator("#summary").text_content() == "2 of 3 pictures in colour, 1 could not be coloured"
    for at in range(2):
        ready.nth(at).locator("img").wait_for()
        page.wait_for_timeout(1200)  # the colours appear slowly
        with Image.open(io.BytesIO(ready.nth(at).locator("img").screenshot())) as image:
            assert spread(np.asarray(image.convert("RGB")).astype(int)) > 10


def test_the_boundary_shows_the_original_on_its_left_and_colours_on_its_right(
    server: Server, visits: Visits, grey: Path
) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, grey)
    before, after = share(page, "100"), share(page, "0")
    assert spread(before) < 1
    assert spread(after) > 15
    # these are the server's own images, not something else that is grey and coloured
    picture = page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))")[0]["id"]
    for seen, which in ((before, "before"), (after, "after")):
        with Image.open(io.BytesIO(server.get(f"/api/pictures/{picture}/{which}").content)) as image:
            box = page.locator("#compare").bounding_box()
            assert box
            whole = image.convert("RGB").resize((round(box["width"]), round(box["height"])), Image.Resampling.BILINEAR)
            expected = np.asarray(whole).astype(int)[: len(seen), : seen.shape[1]]
        assert np.abs(seen - expected).mean() < BROWSER_SCALING

    box = page.locator("#compare").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 3
    for part in (0.25, 0.7):
        page.mouse.move(box["x"] + box["width"] / 2, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * part, middle, steps=4)
        page.mouse.up()
        assert page.locator("#compare [role=slider]").get_attribute("aria-valuenow") == str(round(100 * part))
        seen = pixels(page)
        edge = round(seen.shape[1] * part)
        assert alike(seen[:, : edge - 3], before[:, : edge - 3])
        assert alike(seen[:, edge + 3 :], after[:, edge + 3 :])
        assert not alike(seen[:, edge + 3 :], before[:, edge + 3 :])

    page.locator("#hold").hover()
    page.mouse.down()
    assert alike(pixels(page), before)
    page.mouse.up()
    assert not alike(pixels(page), before)


def test_tuning_changes_the_colours_and_never_asks_the_network_again(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, PAGODA)
    assert passes(page, server) == 1
    usual = share(page, "0")
    moved(page, "#saturation", 0)
    assert spread(pixels(page)) < 2
    moved(page, "#saturation", 180)
    assert spread(pixels(page)) > 1.3 * spread(usual)
    moved(page, "#saturation", 100)
    moved(page, "#temperature", 90)
    assert page.locator("#temperature").get_attribute("aria-valuetext") == "temperature 0.10"
    vivid = pixels(page)
    assert np.abs(vivid - usual).mean() > 1
    changed(page, page.locator("#reset").click)
    assert alike(pixels(page), usual)
    assert passes(page, server) == 1


def test_opening_a_picture_asks_for_one_rendering_of_each_side(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"))
    drop(page, STREAM)
    tiles(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".tile .open").click()
    page.locator(".before img").wait_for()
    page.wait_for_timeout(800)  # for any that should not come
    large = [url for url in asked if "side=" in url and "side=480" not in url]
    assert sorted(url.partition("?")[0].rpartition("/")[2] for url in large) == ["after", "before"], large


def test_less_detail_is_one_look_by_the_same_network(
    server: Server, visits: Visits, colorize: Command, tmp_path: Path
) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, DOGS)
    usual = pixels(page)
    assert page.locator("#detail").input_value() == "fine"
    changed(page, lambda: page.locator("#detail").select_option("quick"))
    assert passes(page, server) == 2
    assert not alike(pixels(page), usual)
    _, data = saved(page, "#save")
    assert data == by_command(colorize, tmp_path, DOGS, "quick.jpg", "--fast")
    page.reload()
    page.locator(".tile .open").first.click()
    assert page.locator("#detail").input_value() == "quick"


def test_the_saved_file_is_the_commands_to_the_byte(
    server: Server, visits: Visits, colorize: Command, tmp_path: Path
) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, DOGS)
    name, data = saved(page, "#save")
    assert name == "two-dogs.color.jpg"
    assert data == by_command(colorize, tmp_path, DOGS, "usual.jpg")
    moved(page, "#saturation", 140)
    moved(page, "#temperature", 55)
    page.locator("#format").select_option("png")
    name, data = saved(page, "#save")
    assert name == "two-dogs.color.png"
    assert data == by_command(colorize, tmp_path, DOGS, "t.png", "--saturation", "1.4", "--temperature", "0.45")


def test_the_archive_holds_what_is_ready_as_the_command_writes_it(
    server: Server, visits: Visits, colorize: Command, tmp_path: Path, broken: Path
) -> None:
    page = visits.open(server.url("/"))
    drop(page, STREAM, broken, PAGODA)
    tiles(page, "failed")
    tiles(page, count=2).first.locator(".open").click()
    page.locator(".after img").wait_for()
    moved(page, "#saturation", 60)
    page.keyboard.press("Escape")
    name, data = saved(page, "#save-all")
    assert name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["forest-stream.color.jpg", "pagoda.color.jpg"]
        first, second = (archive.read(entry) for entry in archive.namelist())
    assert first == by_command(colorize, tmp_path, STREAM, "first.jpg", "--saturation", "0.6")
    assert second == by_command(colorize, tmp_path, PAGODA, "second.jpg")
