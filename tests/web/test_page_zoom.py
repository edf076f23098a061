"""Looking closely, in a real browser: the picture's own pixels at 100 %, by wheel, keys, buttons, mouse and fingers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import PHONE, SECONDS, Visits, moved, opened_large
from numpy.typing import NDArray
from PIL import Image
from serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, HEIGHT = 1300, 950


@pytest.fixture(scope="module")
def sepia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A brown print, no pixel of which is like its neighbours."""
    rng = np.random.default_rng(24)
    tones = rng.integers(40, 215, (HEIGHT, WIDTH)) + 20 * np.sin(np.arange(WIDTH) / 40)
    path = tmp_path_factory.mktemp("prints") / "print.png"
    Image.fromarray(np.rint(tones[..., None] * (1, 0.82, 0.6)).astype(np.uint8)).save(path)
    return path


def of(path: Path) -> NDArray[np.int64]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def settled(page: Page) -> None:
    """Wait for every piece that is in sight."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(200)


def seen(page: Page, side: str) -> NDArray[np.int64]:
    """The stage's inner part, away from the tags, with nothing but that side."""
    page.locator("#compare [role=slider]").press({"before": "End", "after": "Home"}[side])
    settled(page)
    clip: Any = page.locator("#stage").bounding_box()
    clip = {"x": round(clip["x"]) + 80, "y": round(clip["y"]) + 80, "width": 400, "height": 300}
    with Image.open(io.BytesIO(page.screenshot(clip=clip))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def found(pixels: NDArray[np.int64], piece: NDArray[np.int64], tolerance: int = 0) -> tuple[int, int] | None:
    """Where in a picture a piece lies, row and column, told by its first row."""
    height, width = piece.shape[:2]
    probe = piece[0, :24]
    rows = np.lib.stride_tricks.sliding_window_view(pixels, 24, axis=1)  # (H, W - 23, 3, 24)
    for row in range(pixels.shape[0] - height + 1):
        near = np.abs(rows[row] - probe.T).max(axis=(1, 2)) <= tolerance
        for column in np.flatnonzero(near):
            part = pixels[row : row + height, column : column + width]
            if part.shape == piece.shape and np.abs(part - piece).max() <= tolerance:
                return row, int(column)
    return None


def shown(page: Page) -> str:
    return page.locator("#zoom-shown").text_content() or ""


def test_at_100_per_cent_the_page_shows_the_files_own_pixels(server: Server, visits: Visits, sepia: Path) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, sepia)
    whole = shown(page)
    assert whole.endswith(" %")
    assert page.locator("#zoom-whole").is_disabled()
    page.keyboard.press("1")
    assert shown(page) == "100 %"
    before = seen(page, "before")
    place = found(of(sepia), before)
    assert place is not None
    after = seen(page, "after")
    address = page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))[0].id")
    result = server.get(f"/api/pictures/{address}/result?format=png").content
    with Image.open(io.BytesIO(result)) as image:
        colored = np.asarray(image.convert("RGB")).astype(int)
    row, column = place
    assert np.abs(colored[row : row + 300, column : column + 400] - after).max() <= 1
    assert not np.array_equal(after, before)

    # other colours: pieces are drawn anew
    moved(page, "#saturation", 0)
    assert not np.array_equal(seen(page, "after"), after)

    # beyond: a pixel is a square of four
    page.locator("#zoom-in").click()
    page.locator("#zoom-in").click()
    assert shown(page) == "400 %"
    squares = seen(page, "before")
    corner = next(
        (y, x) for y in range(4) for x in range(4) if np.ptp(squares[y : y + 4, x : x + 4], axis=(0, 1)).max() == 0
    )
    large = squares[corner[0] :, corner[1] :]
    large = large[: large.shape[0] // 4 * 4, : large.shape[1] // 4 * 4]
    assert np.array_equal(large, np.repeat(np.repeat(large[::4, ::4], 4, axis=0), 4, axis=1))
    assert found(of(sepia), large[::4, ::4]) is not None
    page.keyboard.press("0")
    assert shown(page) == whole
    assert not page.locator("#compare").evaluate("(box) => box.classList.contains('enlarged')")


@pytest.mark.slow
def test_the_wheel_keeps_what_is_under_it_and_the_mouse_drags_picture_and_boundary(
    server: Server, visits: Visits, sepia: Path
) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, sepia)
    stage: Any = page.locator("#stage").bounding_box()
    x, y = round(stage["x"] + 200), round(stage["y"] + 150)
    page.mouse.dblclick(x, y)
    slider = page.locator("#compare [role=slider]")
    assert shown(page) == "100 %"
    assert slider.get_attribute("aria-valuenow") == "50"  # as if the clicks had not been there
    at = found(of(sepia), seen(page, "before"))
    assert at is not None
    page.mouse.move(x + 300, y + 200)
    page.mouse.down()
    page.mouse.move(x + 260, y + 170, steps=3)
    page.mouse.up()
    assert slider.get_attribute("aria-valuenow") == "100"
    moved_to = found(of(sepia), seen(page, "before"))
    assert moved_to == (at[0] + 30, at[1] + 40)
    page.keyboard.press("Shift+ArrowRight")
    further = found(of(sepia), seen(page, "before"))
    assert further is not None
    assert further[1] - moved_to[1] == pytest.approx(0.2 * stage["width"], abs=2)

    page.keyboard.press("Home")
    knob: Any = page.locator("#compare .divider").bounding_box()
    page.mouse.move(knob["x"] + 1, knob["y"] + 60)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] / 4, knob["y"] + 60, steps=3)
    page.mouse.up()
    assert slider.get_attribute("aria-valuenow") == "25"
    assert found(of(sepia), seen(page, "before")) == further

    # out and in again about one place: what is there is there again
    page.mouse.move(stage["x"] + 300, stage["y"] + 200)
    page.mouse.wheel(0, -200)
    assert shown(page) == "149 %"
    page.mouse.wheel(0, 200)
    assert shown(page) == "100 %"
    again = found(of(sepia), seen(page, "before"))
    assert again is not None
    assert np.abs(np.subtract(again, further)).max() <= 1
    page.mouse.wheel(0, 5000)
    assert page.locator("#zoom-whole").is_disabled()


@pytest.mark.slow
def test_the_buttons_have_room_beside_a_scroll_bar(server: Server, visits: Visits, sepia: Path) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, sepia)
    # browsers that hide their scroll bars, as this one does, leave more room
    page.evaluate("() => document.querySelector('.panel').style.setProperty('padding-inline-end', '20px')")
    heights = "() => ['zoom-pixels', 'zoom-whole', 'reset'].map((id) => document.getElementById(id).offsetHeight)"
    pixels, whole, other = page.evaluate(heights)
    assert pixels == whole <= other + 1
    assert not page.evaluate(
        "() => document.querySelector('.panel').scrollWidth > document.querySelector('.panel').clientWidth"
    )


@pytest.mark.slow
def test_two_fingers_on_a_phone(server: Server, visits: Visits, sepia: Path) -> None:
    from playwright.sync_api import expect

    page = visits.open(server.url("/"), PHONE, is_mobile=True, has_touch=True)
    opened_large(page, sepia)
    session = page.context.new_cdp_session(page)
    stage: Any = page.locator("#stage").bounding_box()
    middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2

    def touch(kind: str, *apart: float) -> None:
        points = [{"x": middle[0] + side * half, "y": middle[1], "id": side} for half in apart for side in (-1, 1)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    whole = int(shown(page).removesuffix(" %"))
    touch("touchStart", 20)
    for half in (30, 45, 60):
        touch("touchMove", half)
    touch("touchEnd")
    assert int(shown(page).removesuffix(" %")) == pytest.approx(3 * whole, abs=2)
    assert page.evaluate("() => visualViewport.scale") == 1
    assert not page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
    page.locator("#zoom-whole").tap()
    expect(page.locator("#zoom-shown")).to_have_text(f"{whole} %", timeout=SECONDS * 1000)
