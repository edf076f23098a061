"""The page with networks of other people: what it says of them, a slider that has nothing to do, and downloads."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Visits, opened_large
from PIL import Image
from playwright.sync_api import expect
from serving import Server, serving

from colorizer import Colorizer, Settings
from colorizer.web.downloads import Downloads
from colorizer.web.problems import ProblemError

sys.path.append(str(Path(__file__).parent.parent / "networks"))

from made_networks import CONTRACTS, unit_rgb_net
from weights_server import serving as serving_weights

PHOTO = Path(__file__).parent.parent / "photos" / "astronaut.jpg"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose own network is imported, and whose catalogue offers another from a server on loopback."""
    made = tmp_path / "made"
    made.mkdir()
    contract = next(each for each in CONTRACTS if each.name == "C5u")
    unit_rgb_net(made / "own.onnx", (64, 64))
    (made / "own.colorize.json").write_text(json.dumps(contract.descriptor | {"size": {"fixed": 64}}))
    content = unit_rgb_net(made / "other.onnx", (64, 64)).read_bytes()
    with serving_weights({"other.onnx": content}) as weights:
        file = {"name": "other.onnx", "role": "onnx", "size": len(content)}
        entry = {
            "name": "other",
            "family": "rgb",
            "title": "Another network",
            "description": "made for a test",
            "licence": "MIT",
            "descriptor": contract.descriptor | {"size": {"fixed": 64}},
            "files": [
                {
                    **file,
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "mirrors": [{"url": f"{weights.url}other.onnx"}],
                }
            ],
        }
        catalog = tmp_path / "catalog.json"
        catalog.write_text(json.dumps({"models": [entry]}))
        variables: dict[str, Any] = {"COLORIZER_HOME": str(tmp_path / "home"), "COLORIZER_CATALOG": str(catalog)}
        with serving(tmp_path, "--model", str(made / "own.onnx"), **variables) as running:
            yield running


def model(server: Server, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in server.get("/api/models").json()["models"] if each["name"] == name)
    return found


def test_a_network_without_a_distribution_disables_its_slider_and_says_why(server: Server, visits: Visits) -> None:
    page = visits.open(server.address)
    opened_large(page, PHOTO)
    slider = page.locator("#temperature")
    expect(page.locator("#saturation")).to_be_enabled()
    assert slider.is_disabled()
    assert "one answer" in (slider.get_attribute("title") or "")
    assert page.locator("#temperature-shown").inner_text() == "one answer only"


def test_a_click_downloads_a_network_and_offers_it(server: Server, visits: Visits) -> None:
    page = visits.open(server.address)
    assert model(server, "other")["downloadable"]
    opened_large(page, PHOTO)
    page.locator(".panel .advice summary").click()
    item = page.locator(".panel .advice li", has_text="Another network")
    assert "made for a test; licence: MIT" in item.inner_text()
    item.get_by_role("button", name="Download: Another network (other)").click()
    page.wait_for_selector("#model option[value=other]:not([disabled])", state="attached")
    told = model(server, "other")
    assert told["installed"]
    assert told["download"]["state"] == "done"


def test_the_server_renders_what_the_network_is_known_to_answer(server: Server) -> None:
    contract = next(each for each in CONTRACTS if each.name == "C5u")
    with Image.open(PHOTO) as picture:
        picture.thumbnail((150, 100))
        grey = np.asarray(picture.convert("L"))
    given = io.BytesIO()
    Image.fromarray(grey).save(given, "PNG")
    address = server.add(given.getvalue(), "photo.png")
    assert server.ended(address)["state"] == "ready"
    shown = np.asarray(Image.open(io.BytesIO(server.get(f"{address}/result").content)))
    colorizer = Colorizer(Settings(model=str(server.temporary / "made" / "own.onnx"), precision="fp32"))
    (seen,) = colorizer.view.of_pixels(grey)
    painted = colorizer.render(grey, contract.ab(seen.lightness[0, 0]).astype(np.float32))
    assert np.ptp(painted, axis=2).max() > 20
    assert np.abs(shown.astype(int) - painted.astype(int)).max() <= 1


def test_a_download_that_fails_is_told(server: Server) -> None:
    assert server.post("/api/models/zhang61/download").status_code == 404
    assert server.post("/api/models/lite/download").status_code == 409
    assert server.post("/api/models/ideepcolor/download").status_code == 409
    answer = server.post("/api/models/other/download")
    assert answer.status_code == 202
    for _ in range(100):
        if model(server, "other")["download"]["state"] != "running":
            break
        time.sleep(0.1)
    assert model(server, "other")["download"]["state"] == "done"


@pytest.mark.parametrize("client", [None, "192.0.2.7", "2001:db8::1", "elsewhere"])
def test_nobody_elsewhere_starts_a_download(client: str | None) -> None:
    with pytest.raises(ProblemError, match="on the machine that colorize runs on"):
        Downloads(None).start("zhang16", client)


def test_offline_means_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORIZER_OFFLINE", "1")
    with pytest.raises(ProblemError, match="downloads are off"):
        Downloads(None).start("zhang16", "127.0.0.1")
