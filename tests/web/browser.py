"""A real browser, headless, that looks at the page and at whatever it should not do.

Playwright brings the driver and no browser; any Chromium of this machine will do.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Download, JSHandle, Locator, Page, Request
    from serving import Server

VARIABLE = "COLORIZE_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

DESKTOP = (1280, 800)
PHONE = (360, 740)

SECONDS = 60
"""For a page on a machine that is busy."""

BROWSER_SEAM = 12
"""Grey levels in a column of pixels, where a browser puts its layers together."""


def find_chromium() -> str | None:
    """The browser's executable: what the environment names, or the first that is on the path."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser; the test is skipped where there is none."""
    executable = find_chromium()
    if not executable:
        pytest.skip(f"no Chromium on the path; {VARIABLE} may name one (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visits:
    """Pages that are opened, and what they did wrong."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # parts of console errors that a test brings about

    def open(self, address: str, size: tuple[int, int] = DESKTOP, **options: Any) -> Page:
        """A page of a browser with nothing remembered, at that address.

        Parameters
        ----------
        address
            Of the server; requests to any other host are complained of.
        size
            Width and height in CSS pixels.
        options
            Of Playwright's `new_context`.
        """
        viewport = {"width": size[0], "height": size[1]}
        context = self.browser.new_context(viewport=cast("Any", viewport), accept_downloads=True, **options)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        host = urlsplit(address).netloc

        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not any(part in message.text for part in self.expected):
                self.complaints.append(f"console: {message.text} at {message.location}")

        def request(sent: Request) -> None:
            found = urlsplit(sent.url)
            if found.scheme not in ("blob", "data") and found.netloc != host:
                self.complaints.append(f"request to elsewhere: {sent.url}")

        page.on("console", console)
        page.on("request", request)
        page.on("pageerror", lambda error: self.complaints.append(f"error of the page: {error}"))
        page.on("filechooser", lambda _: None)  # told of from now on: a later wish may come too late
        page.goto(address)
        page.locator("main").wait_for()
        return page

    def close(self) -> None:
        for context in self.browser.contexts:
            context.close()
        assert self.complaints == []


def files_of(page: Page, *paths: Path, kind: str = "image/jpeg") -> JSHandle:
    """A DataTransfer with these files, as the browser makes one when files are dragged or pasted."""
    told = [[path.name, base64.b64encode(path.read_bytes()).decode(), kind] for path in paths]
    return page.evaluate_handle(
        """(told) => {
            const transfer = new DataTransfer();
            for (const [name, text, type] of told) {
                const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type }));
            }
            return transfer;
        }""",
        told,
    )


def drop(page: Page, *paths: Path) -> None:
    """Drag files over the page and let go."""
    transfer = files_of(page, *paths)
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": transfer})


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, of whatever impact."""
    from axe_playwright_python.base import AXE_FILE_PATH

    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document)")
    assert found["passes"], "axe-core has looked at nothing"
    return [
        f"{fault['impact']} {fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def tiles(page: Page, state: str = "ready", count: int = 1) -> Locator:
    """The tiles of that state, when there are so many of them."""
    from playwright.sync_api import expect

    found = page.locator(f".tile[data-state={state}]")
    expect(found).to_have_count(count, timeout=SECONDS * 1000)
    return found


def opened_large(page: Page, *paths: Path) -> None:
    """Drop pictures, wait for their colours, and look at the first."""
    drop(page, *paths)
    tiles(page, count=len(paths)).first.locator(".open").click()
    page.locator(".after img").wait_for()
    page.locator(".before img").wait_for()
    page.evaluate("() => document.querySelector('.divider').style.setProperty('opacity', '0')")  # pixels are compared


def passes(page: Page, server: Server) -> int:
    """Forward passes of the network for the page's first picture, as the server counts them."""
    stored = page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))")
    return int(server.get(f"/api/pictures/{stored[0]['id']}").json()["passes"])


def pixels(page: Page) -> NDArray[np.int64]:
    """What is to be seen of the large picture, without the tags at its lower edge; (H, W, 3)."""
    found = page.locator("#compare").bounding_box()
    assert found
    clip: Any = {**found, "height": found["height"] * 0.85}
    with Image.open(io.BytesIO(page.screenshot(clip=clip))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def share(page: Page, per_cent: str) -> NDArray[np.int64]:
    """The picture with the boundary moved to an end by the keyboard."""
    page.locator("#compare [role=slider]").press({"0": "Home", "100": "End"}[per_cent])
    page.mouse.move(2, 2)
    return pixels(page)


def spread(seen: NDArray[np.int64]) -> float:
    """Mean distance between the channels of a pixel: 0 for grey."""
    return float(np.ptp(seen, axis=-1).mean())


def alike(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether two looks are the same, but for a seam that a browser may leave where it puts its layers together."""
    return bool(np.abs(one - other).max() <= BROWSER_SEAM)


def mark_as_old(page: Page) -> None:
    """Note which coloured image is shown now, before what may replace it at any time."""
    page.evaluate("() => document.querySelector('.after img').dataset.old = 'yes'")


def wait_for_new(page: Page) -> None:
    """Wait until another coloured image than the noted one is shown, which is how a new rendering comes."""
    page.locator(".after img:not([data-old])").wait_for()


def changed(page: Page, act: Callable[[], object]) -> None:
    """Wait until the coloured image is another element than before the act."""
    mark_as_old(page)
    act()
    wait_for_new(page)


def moved(page: Page, slider: str, value: int) -> None:
    """Move a slider to a value, wait for its rendering."""
    changed(page, lambda: page.locator(slider).fill(str(value)))


def saved(page: Page, button: str) -> tuple[str, bytes]:
    """Name and bytes of what a button gives to the browser to save."""
    with page.expect_download() as coming:
        page.locator(button).click()
    download: Download = coming.value
    return download.suggested_filename, Path(download.path()).read_bytes()
