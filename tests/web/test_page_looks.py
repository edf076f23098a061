"""How the page looks and reads: every face of it by axe-core, on a phone, in the dark, without motion."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browser import DESKTOP, PHONE, Visits, drop, faults
from conftest import PHOTOS
from PIL import Image
from serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

FACES = ["light", "dark", "phone", "forced colours"]

OPTIONS: dict[str, dict[str, object]] = {
    "light": {"size": DESKTOP},
    "dark": {"size": DESKTOP, "color_scheme": "dark"},
    "phone": {"size": PHONE, "is_mobile": True, "has_touch": True},
    "forced colours": {"size": DESKTOP, "forced_colors": "active"},
}


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


@pytest.mark.parametrize("kind", FACES)
def test_no_face_of_the_page_has_a_fault_or_scrolls_sideways(
    server: Server, visits: Visits, tmp_path: Path, kind: str
) -> None:
    torn = tmp_path / ("a-very-long-name-without-a-place-to-break-it-" * 3 + ".jpg")
    torn.write_bytes((PHOTOS / "pagoda.jpg").read_bytes()[:3000])
    page = visits.open(server.url("/"), reduced_motion="reduce", **OPTIONS[kind])  # type: ignore[arg-type]

    def look() -> None:
        assert faults(page) == []
        assert not scrolls_sideways(page)

    page.locator("#invitation").wait_for()
    look()
    drop(page, PHOTOS / "two-dogs.jpg", torn, PHOTOS / "forest-stream.jpg")
    page.locator(".tile .open").first.wait_for()
    look()
    page.locator(".tile[data-state=failed]").wait_for()
    page.locator(".tile[data-state=ready] img").nth(1).wait_for()
    look()
    page.locator(".tile[data-state=ready] .open").first.click()
    page.locator(".after img").wait_for()
    page.locator(".panel summary").click()
    look()
    page.keyboard.press("?")
    look()
    page.keyboard.press("Escape")
    visits.expected.append("status of 500")
    page.route("**/result**", lambda route: route.fulfill(status=500, body="{}", content_type="text/plain"))
    page.locator("#save").click()
    page.locator("#notice").wait_for()
    look()


@pytest.mark.parametrize("kind", FACES)
def test_the_documentation_has_no_fault_either(server: Server, visits: Visits, kind: str) -> None:
    page = visits.open(server.url("/docs"), **OPTIONS[kind])  # type: ignore[arg-type]
    page.locator(".operation").first.wait_for()
    page.locator(".operation summary").first.click()
    assert faults(page) == []
    assert not scrolls_sideways(page)


def test_the_dark_page_is_dark_and_the_light_one_light(server: Server, visits: Visits) -> None:
    means = {}
    for scheme in ("light", "dark"):
        page = visits.open(server.url("/"), color_scheme=scheme)
        page.locator("#invitation").wait_for()
        with Image.open(io.BytesIO(page.screenshot())) as image:
            means[scheme] = np.asarray(image.convert("L")).mean()
    assert means["light"] > 200
    assert means["dark"] < 60


def test_nothing_moves_for_those_who_asked_for_that(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"), reduced_motion="reduce")
    drop(page, PHOTOS / "pagoda.jpg")
    page.locator(".tile[data-state=ready] img").wait_for()
    lasting = "() => document.getAnimations().filter((one) => one.effect.getComputedTiming().duration > 1).length"
    assert page.evaluate(lasting) == 0


def test_progress_is_told_to_screen_readers_at_leisure_and_trouble_at_once(
    server: Server, visits: Visits, tmp_path: Path
) -> None:
    (tmp_path / "letter.jpg").write_text("Dear aunt")
    page = visits.open(server.url("/"))
    drop(page, PHOTOS / "pagoda.jpg", tmp_path / "letter.jpg")
    page.get_by_role("status").get_by_text("pagoda.jpg is ready. 1 of 2 pictures in colour").wait_for(state="attached")
    assert "letter.jpg: Text, not a picture" in (page.get_by_role("alert").text_content() or "")
    assert page.get_by_role("banner").count() == page.get_by_role("main").count() == 1
    assert page.get_by_role("contentinfo").count() == 1
