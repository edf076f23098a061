"""The page as people keep it open: loaded again while pictures wait, without the program, installed; folders too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Visits, tiles
from browser import drop as drop_files
from conftest import PHOTOS
from serving import Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

SAFE = """async () => {
    const stored = JSON.parse(sessionStorage.getItem("colorize.pictures") ?? "[]");
    const database = await new Promise((resolve) => {
        const request = indexedDB.open("colorize", 1);
        request.onsuccess = () => resolve(request.result);
    });
    const names = await new Promise((resolve) => {
        const request = database.transaction("files").objectStore("files").getAllKeys();
        request.onsuccess = () => resolve(request.result);
    });
    database.close();
    const arrived = stored.map(({ kept }) => kept);
    return [stored.length, names.filter((name) => !arrived.includes(name)).length, names.length];
}"""
"""How many pictures the server has, how many others the browser keeps, and how many files that is in all."""


def drop_paths(page: Page, *paths: Path) -> None:
    """Drag files and folders of this machine over the page and let go, as the browser itself takes them."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})


@pytest.mark.slow
def test_pictures_that_wait_survive_a_reload(visits: Visits, tmp_path: Path) -> None:
    visits.expected.append("status of 429")
    with serving(tmp_path, "--model", "lite", "--max-waiting", "1", "--jobs", "1") as server:
        page = visits.open(server.url("/"))
        photos = sorted(PHOTOS.glob("*.jpg"))[:6]
        drop_files(page, *photos)
        for _ in range(100):
            sent, kept, _ = page.evaluate(SAFE)
            if sent + kept >= len(photos):
                break
        assert sent + kept >= len(photos) > sent
        page.reload()
        tiles(page, count=len(photos))
        assert sorted(page.locator(".tile .name").all_text_contents()) == [photo.name for photo in photos]
        page.wait_for_timeout(300)
        assert page.evaluate(SAFE) == [len(photos), 0, 0]  # nothing stays in the browser
        visits.close()


def test_a_reload_before_the_browser_lets_go_shows_no_picture_twice(visits: Visits, tmp_path: Path) -> None:
    with serving(tmp_path, "--model", "lite") as server:
        page = visits.open(server.url("/"))
        page.evaluate("() => { IDBObjectStore.prototype.delete = IDBObjectStore.prototype.count; }")  # as if late
        photos = sorted(PHOTOS.glob("*.jpg"))[:2]
        drop_files(page, *photos)
        tiles(page, count=len(photos))
        page.wait_for_timeout(300)
        sent, kept, files = page.evaluate(SAFE)
        assert (sent, kept) == (2, 0)
        assert files > 0, "the server was quicker than the browser, and the test shows nothing"
        page.reload()
        tiles(page, count=len(photos))
        page.wait_for_timeout(300)
        assert page.evaluate(SAFE) == [2, 0, 0]
        assert page.locator(".tile").count() == len(photos)
        visits.close()


def test_without_the_program_the_page_opens_says_so_and_goes_on(visits: Visits, tmp_path: Path) -> None:
    visits.expected.append("net::ERR_")
    with serving(tmp_path, "--model", "lite") as server:
        page = visits.open(server.url("/"))
        page.wait_for_function("() => navigator.serviceWorker.controller")
        port = server.port
    page.reload()
    notice = page.locator("#notice")
    notice.wait_for()
    assert "Start it again" in (notice.text_content() or "")
    assert page.locator("#invitation").is_visible()
    assert page.evaluate("() => getComputedStyle(document.querySelector('.brand')).display") == "flex"
    with serving(tmp_path, "--model", "lite", "--port", str(port)):
        notice.wait_for(state="hidden")
        drop_files(page, PHOTOS / "pagoda.jpg")
        tiles(page)
        visits.close()


def test_the_page_can_be_installed(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"))
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"] == server.url("/page/colorize.webmanifest")
    assert manifest["errors"] == []
    found = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in found} <= {"in-incognito"}  # as every page of a test is


def test_a_folder_is_dropped_with_what_is_in_its_folders(server: Server, visits: Visits, tmp_path: Path) -> None:
    album = tmp_path / "album"
    (album / "1962").mkdir(parents=True)
    shutil.copy(PHOTOS / "pagoda.jpg", album / "b.jpg")
    shutil.copy(PHOTOS / "two-dogs.jpg", album / "1962" / "a.jpg")
    (album / "letter.txt").write_text("no picture")
    (album / ".DS_Store").write_text("made by a system")
    page = visits.open(server.url("/"))
    drop_paths(page, album)
    tiles(page, count=2)
    assert sorted(page.locator(".tile .name").all_text_contents()) == ["a.jpg", "b.jpg"]
