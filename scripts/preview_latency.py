"""How long after a pointer moves its preview is seen on the page, while one of many hints is dragged; needs Chromium.

python scripts/preview_latency.py PICTURE
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
import cv2
import numpy as np

sys.path += [str(Path(__file__).parent.parent / "tests" / part) for part in ("", "web")]

WATCH = """() => {
    window.times = [];
    let moved = 0;
    addEventListener("pointermove", () => { moved = moved || performance.now(); }, true);
    new MutationObserver((changes) => {
        const image = changes.some(({ addedNodes }) => [...addedNodes].some((node) => node.tagName === "IMG"));
        if (!image || !moved) return;
        const since = moved;
        moved = 0;
        requestAnimationFrame(() => window.times.push(performance.now() - since));
    }).observe(document.querySelector(".after"), { childList: true });
}"""


@click.command()
@click.argument("picture", type=click.Path(exists=True, path_type=Path))
@click.option("--side", default=1024, show_default=True, help="Longest, in pixels.")
@click.option("--hints", "count", default=20, show_default=True)
@click.option("--moves", default=20, show_default=True)
@click.option("--pause", default=400, show_default=True, help="Milliseconds between moves.")
def main(picture: Path, side: int, count: int, moves: int, pause: int) -> None:
    """Drag a hint, and time what is seen of it."""
    from browser import Visits, opened_large, running_browser
    from serving import serving

    pixels = cv2.imread(str(picture))
    if pixels is None:
        raise click.BadParameter(f"{picture}: no picture")
    factor = side / max(pixels.shape[:2])
    rng = np.random.default_rng(0)
    said = {
        "version": 1,
        "hints": [
            {"points": [[float(x), float(y)]], "ab": [float(a), float(b)]}
            for x, y, a, b in np.concatenate([rng.uniform(0.1, 0.9, (count, 2)), rng.uniform(-40, 40, (count, 2))], 1)
        ],
    }
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, running_browser() as browser:
        path = Path(folder) / "picture.png"
        cv2.imwrite(str(path), cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
        page = Visits(browser).open(server.url("/"))
        opened_large(page, path)
        stored = page.evaluate("() => JSON.parse(sessionStorage.getItem('colorize.pictures'))")[0]["id"]
        address = f"/api/pictures/{stored}/hints"
        server.put(address, json.dumps(said).encode(), headers={"Content-Type": "application/json"})
        page.reload()
        page.locator(".tile .open").first.click()
        page.locator(".after img").wait_for()
        page.locator("#hint-mode").click()
        page.locator("#hint-list li").nth(count - 1).wait_for()
        page.evaluate(WATCH)
        mark = page.locator(".hint-mark").first.bounding_box()
        if mark is None:
            raise click.ClickException("no hint is to be seen")
        x, y = mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for move in range(moves):
            page.mouse.move(x + 3 * move, y + 2 * move)
            page.wait_for_timeout(pause)
        page.mouse.up()
        found = np.array(page.evaluate("() => window.times"))
    low, middle, high = np.percentile(found, [10, 50, 90])
    click.echo(f"{len(found)} previews: {middle:.0f} ms, 10 to 90 %: {low:.0f} to {high:.0f} ms")


if __name__ == "__main__":
    main()
