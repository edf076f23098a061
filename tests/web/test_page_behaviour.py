"""The page's manners: folders, keys, touch, reloads, cancelled uploads, full queues, ended servers, other networks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from browser import (
    PHONE,
    Visits,
    changed,
    drop,
    files_of,
    mark_as_old,
    moved,
    opened_large,
    passes,
    pixels,
    saved,
    share,
    spread,
    tiles,
    wait_for_new,
)
from conftest import PHOTOS, Command
from serving import Server, photo, serving
from synthetic import small_pair

pytestmark = pytest.mark.slow

STREAM = PHOTOS / "forest-stream.jpg"
PAGODA = PHOTOS / "pagoda.jpg"
DOGS = PHOTOS / "two-dogs.jpg"


def test_files_and_folders_dragged_in_from_the_desktop(server: Server, visits: Visits, tmp_path: Path) -> None:
    """A drop by the browser's own hand: only that brings folders."""
    folder = tmp_path / "album"
    (folder / "inner").mkdir(parents=True)
    for name in ("2.jpg", "10.jpg", "inner/3.jpg"):
        (folder / name).write_bytes(photo(seed=len(name)))
    for name in (".hidden.jpg", "Thumbs.db", "notes.txt"):
        (folder / name).write_bytes(b"no picture")
    page = visits.open(server.url("/"))
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(folder), str(PAGODA)], "dragOperationsMask": 1}
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
        assert page.locator("#curtain").is_visible() == (kind != "drop")
    names = tiles(page, count=4).locator(".name").all_text_contents()
    assert names == ["2.jpg", "10.jpg", "3.jpg", "pagoda.jpg"]


def test_pasted_and_chosen_pictures(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"))
    transfer = files_of(page, DOGS)
    page.evaluate(
        "(data) => document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))",
        transfer,
    )
    tiles(page)
    with page.expect_file_chooser() as chooser:
        page.locator("#shelf .choose").click()
    chooser.value.set_files([STREAM, PAGODA])
    assert tiles(page, count=3).locator(".name").all_text_contents() == [DOGS.name, STREAM.name, PAGODA.name]


def test_a_finger_moves_the_boundary(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"), PHONE, has_touch=True, is_mobile=True)
    opened_large(page, STREAM)
    box = page.locator("#compare").bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2
    for kind, part in (("touchStart", 0.5), ("touchMove", 0.4), ("touchMove", 0.2)):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": box["width"] * part, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.locator("#compare [role=slider]").get_attribute("aria-valuenow") == "20"


def test_while_a_slider_moves_there_is_always_an_image_and_the_last_value_wins(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, PAGODA)
    page.evaluate(
        """() => {
            window.gaps = 0;
            const look = () => {
                const image = document.querySelector(".after img");
                if (!image || !image.complete || !image.naturalWidth) window.gaps += 1;
            };
            new MutationObserver(look).observe(document.querySelector(".after"), { childList: true });
        }"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/after" in request.url else None)
    page.evaluate(
        """() => {
            const slider = document.getElementById("saturation");
            for (let step = 0; step < 20; step += 1) {
                slider.stepDown();
                slider.dispatchEvent(new Event("input"));
            }
        }"""
    )
    share(page, "0")
    for _ in range(100):
        if spread(pixels(page)) < 2:
            break
        page.wait_for_timeout(50)
    assert spread(pixels(page)) < 2  # 20 steps of 5 % lead to grey
    assert page.evaluate("() => window.gaps") == 0
    assert len(asked) == 1


def test_the_keyboard_alone_is_enough(server: Server, visits: Visits, tmp_path: Path) -> None:
    page = visits.open(server.url("/"))

    def focused() -> str:
        names = ("id", "ariaLabel", "textContent")
        found = [page.evaluate(f"() => document.activeElement.{name}") for name in names]
        return str(next(filter(None, found), "")).strip()

    def tab_to(name: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if re.match(name, focused()):
                return
        raise AssertionError(f"{name} is not reached")

    tab_to("Choose pictures")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([STREAM, PAGODA, DOGS])
    tiles(page, count=3)
    tab_to("forest-stream.jpg: Ready")
    page.keyboard.press("ArrowRight")
    assert focused().startswith("pagoda.jpg: Ready")
    page.keyboard.press("End")
    page.keyboard.press("Delete")
    assert focused().startswith("pagoda.jpg: Ready")
    tiles(page, count=2)
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert focused() == "view-name"
    assert page.locator("#view-name").text_content() == "forest-stream.jpg"
    page.keyboard.press("ArrowRight")
    assert page.locator("#view-name").text_content() == "pagoda.jpg"

    tab_to("Boundary")
    slider = page.locator("#compare [role=slider]")
    told = []
    for key in ("ArrowLeft", "PageDown", "ArrowRight", "Home", "End"):
        page.keyboard.press(key)
        told.append(slider.get_attribute("aria-valuenow"))
    assert told == ["48", "38", "40", "0", "100"]
    assert slider.get_attribute("aria-valuetext") == "100 % original, 0 % coloured"
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    assert page.locator("#view-name").text_content() == "pagoda.jpg"

    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    assert page.locator("#view").is_visible()
    with page.expect_download() as coming:
        page.keyboard.press("Control+s")
    assert coming.value.suggested_filename == "pagoda.color.jpg"
    page.keyboard.press("Escape")
    page.locator("#shelf").wait_for()
    assert focused().startswith("pagoda.jpg: Ready")


def test_the_browsers_way_back_leads_to_the_shelf_and_a_reload_keeps_the_pictures(
    server: Server, visits: Visits
) -> None:
    page = visits.open(server.url("/"))
    opened_large(page, PAGODA)
    moved(page, "#saturation", 0)
    with page.expect_response(re.compile(r"/after.*saturation=0")):  # the thumbnail follows
        page.go_back()
    page.locator("#shelf").wait_for()
    page.reload()
    tiles(page).locator(".open").click()
    page.locator(".after img").wait_for()
    assert page.locator("#saturation").input_value() == "0"
    assert passes(page, server) == 1


def test_removed_pictures_are_removed_from_the_server_too(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"))
    drop(page, STREAM, PAGODA)
    ready = tiles(page, count=2)
    ids = [one["id"] for one in page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))")]
    ready.first.hover()
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_label("Remove forest-stream.jpg").click()
    assert [server.get(f"/api/pictures/{one}").status_code for one in ids] == [404, 200]
    page.on("dialog", lambda dialog: dialog.accept())
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.locator("#clear").click()
    assert page.locator("#invitation").is_visible()
    assert server.get(f"/api/pictures/{ids[1]}").status_code == 404


def test_an_upload_tells_how_far_it_is_can_be_cancelled_and_keeps_the_page(
    server: Server, visits: Visits, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(photo(1500, 1000, kind="PNG"))
    page = visits.open(server.url("/"))
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", slow)
    drop(page, large)
    tile = tiles(page, "uploading")
    tile.get_by_text(re.compile(r"Sending, ([2-9]|\d\d) %")).wait_for()
    assert float(tile.locator("progress").get_attribute("value") or 0) > 0.01
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.mouse.click(5, 5)  # browsers ask only those who have touched the page
    page.on("dialog", stay)
    page.close(run_before_unload=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    waiting = server.get("/api/health").json()["waiting"]
    tile.hover()
    page.get_by_label("Remove large.png").click()
    assert page.locator("#invitation").is_visible()
    assert server.get("/api/health").json()["waiting"] == waiting
    session.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    page.close(run_before_unload=True)
    assert asked == ["beforeunload"]


def test_a_full_queue_is_waited_out(visits: Visits, tmp_path: Path) -> None:
    visits.expected.append("status of 429")
    with serving(tmp_path, "--model", "lite", "--max-waiting", "1", "--jobs", "1") as server:
        page = visits.open(server.url("/"))
        drop(page, *sorted(PHOTOS.glob("*.jpg"))[:8])
        tiles(page, count=8)
        visits.close()


def test_a_server_that_ends_is_told_of_and_its_successor_taken(visits: Visits, tmp_path: Path) -> None:
    visits.expected += ["net::ERR_", "status of 404"]
    with serving(tmp_path, "--model", "lite") as server:
        page = visits.open(server.url("/"))
        opened_large(page, STREAM)
        address, port = server.address, server.port
    page.locator("#saturation").fill("150")
    notice = page.locator("#notice")
    notice.wait_for()
    assert "colorize serve was ended" in (notice.text_content() or "")
    assert "Start it again" in (page.locator("#assertive").text_content() or "")
    # before the successor starts: its rendering may be there before the notice is seen to be gone
    mark_as_old(page)
    with serving(tmp_path, "--model", "lite", "--port", str(port)) as server:
        assert server.address == address
        notice.wait_for(state="hidden")
        wait_for_new(page)
        assert passes(page, server) == 1
        assert page.locator("#saturation").input_value() == "150"
        visits.close()


def test_other_networks_are_offered_and_colour_a_picture_again(
    visits: Visits, colorize: Command, tmp_path: Path
) -> None:
    done = colorize("weights", "import", "--name", "other", *small_pair(tmp_path))
    assert done.returncode == 0, done.stderr
    with serving(tmp_path, "--model", "lite", COLORIZER_HOME=str(tmp_path / "home")) as server:
        page = visits.open(server.url("/"))
        page.locator("#model option").first.wait_for(state="attached")
        options = {option.get_attribute("value"): option for option in page.locator("#model option").all()}
        assert options["zhang16"].is_disabled()
        assert not options["other"].is_disabled()
        opened_large(page, PAGODA)
        page.locator(".panel summary").click()
        assert page.locator(".panel .advice").get_by_text("colorize weights download zhang16", exact=True).is_visible()
        traffic: list[str] = []
        page.on("request", lambda request: traffic.append("asked") if "wait=" in request.url else None)
        page.on("response", lambda answer: traffic.append("answered") if answer.request.method == "POST" else None)
        changed(page, lambda: page.locator("#view-model").select_option("other"))
        assert passes(page, server) == 2
        # a question on its way beside the order could be answered with the pass before, and come last
        assert traffic[0] == "answered"
        page.keyboard.press("Escape")
        tiles(page)
        visits.close()


def test_what_is_too_large_or_empty_is_told_before_it_is_sent(server: Server, visits: Visits, tmp_path: Path) -> None:
    (tmp_path / "huge.tif").write_bytes(bytes(5 << 20))
    (tmp_path / "empty.jpg").write_bytes(b"")
    page = visits.open(server.url("/"))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    drop(page, tmp_path / "huge.tif", tmp_path / "empty.jpg")
    messages = tiles(page, "failed", 2).locator(".status").all_text_contents()
    assert messages == ["The file is too large (5.2 MB); this page takes 4.2 MB at most.", "The file is empty."]
    assert sent == []
    assert not page.get_by_text("Try again").first.is_visible()


def test_names_are_text_whatever_they_hold(server: Server, visits: Visits) -> None:
    page = visits.open(server.url("/"))
    name = '<img src=x onerror=alert(1)> & "Tante Käthe" 日本.jpg'
    page.locator("#files").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": photo()})
    assert tiles(page).locator(".name").text_content() == name
    page.locator(".tile .open").click()
    page.locator(".after img").wait_for()
    saved_name, _ = saved(page, "#save")
    assert "Tante Käthe" in saved_name
    assert "日本.color.jpg" in saved_name


def test_the_address_with_its_token_opens_the_page(visits: Visits, tmp_path: Path) -> None:
    with serving(tmp_path, "--model", "lite", "--token", "open-sesame-0123456789") as server:
        page = visits.open(server.address)
        assert page.url == server.url("/")
        drop(page, STREAM)
        tiles(page).locator("img").wait_for()
        visits.close()


def test_the_promise_is_kept_to_those_who_look_from_another_machine(server: Server, visits: Visits) -> None:
    """Only on this machine do pictures stay "on this computer"."""
    page = visits.open(server.url("/"))
    assert page.locator("footer .promise").text_content() == "The pictures stay on this computer."
    told = page.evaluate("async () => (await import('/page/words.js')).promise('192.168.1.5')")
    assert "192.168.1.5" in told
    assert "this computer" not in told


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="photo.color.jpg"', "photo.color.jpg"),
        ('attachment; filename="a \\"b\\".jpg"', 'a "b".jpg'),
        ("attachment; filename=\"K_the.jpg\"; filename*=UTF-8''K%C3%A4the%3B%20%E6%97%A5.jpg", "Käthe; 日.jpg"),
        ("attachment; filename=plain.tif", "plain.tif"),
        ("attachment; filename=\"spare.jpg\"; filename*=UTF-8''%FF", "spare.jpg"),
        ("attachment", None),
    ],
)
def test_names_of_downloads_are_read_as_the_standards_say(
    server: Server, visits: Visits, disposition: str, name: str | None
) -> None:
    page = visits.open(server.url("/"))
    assert page.evaluate("async (text) => (await import('/page/api.js')).fileName(text)", disposition) == name
