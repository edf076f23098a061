"""Hints by the HTTP API: said, tried, proposed, and saved as by the command."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import PHOTOS, Command
from PIL import Image
from serving import Server

SAID = {
    "version": 1,
    "hints": [{"points": [[0.3, 0.6]], "color": "#803050"}, {"points": [[0.8, 0.2]], "color": "keep"}],
}


def put(server: Server, address: str, body: object) -> tuple[int, dict[str, object]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = server.put(address, data, headers={"Content-Type": "application/json"})
    return answer.status_code, json.loads(answer.content)


@pytest.fixture(scope="module")
def address(server: Server) -> str:
    found = server.add((PHOTOS / "two-dogs.jpg").read_bytes(), "two-dogs.jpg")
    server.ended(found)
    return found


def test_hints_are_kept_shown_and_saved_as_by_the_command(
    server: Server, address: str, colorize: Command, tmp_path: Path
) -> None:
    plain = server.get(f"{address}/after?side=200").content
    assert put(server, f"{address}/hints", SAID) == (200, {"hints": 2, "remarks": []})
    assert server.get(address).json()["hints"] == 2
    assert server.get(f"{address}/hints").json()["hints"] == SAID["hints"]
    shown = np.asarray(Image.open(io.BytesIO(server.get(f"{address}/after?side=200").content))).astype(int)
    x, y = round(0.3 * shown.shape[1]), round(0.6 * shown.shape[0])
    before = np.asarray(Image.open(io.BytesIO(plain))).astype(int)
    assert np.abs(shown - before)[y - 2 : y + 3, x - 2 : x + 3].mean() > 10
    (tmp_path / "a.json").write_text(json.dumps(SAID), encoding="utf-8")
    done = colorize(PHOTOS / "two-dogs.jpg", "-o", "a.jpg", "--hints", "a.json", "--model", "lite")
    assert done.returncode == 0, done.stderr
    saved = server.get(f"{address}/result").content
    assert saved == (tmp_path / "a.jpg").read_bytes()
    query = {"hints": json.dumps(SAID), "name": "two-dogs.jpg"}
    assert server.post("/api/colorize", (PHOTOS / "two-dogs.jpg").read_bytes(), params=query).content == saved
    assert server.delete(f"{address}/hints").status_code == 204
    assert server.get(f"{address}/after?side=200").content == plain


def test_swatches_and_variants_are_proposed(server: Server, address: str) -> None:
    passes = server.get(address).json()["passes"]
    found = server.get(f"{address}/swatches?x=0.3&y=0.6").json()["swatches"]
    assert len(found) == 9
    assert {each["kind"] for each in found} == {"guess", "grey", "present"}
    proposed = server.get(f"{address}/variants?count=3").json()["variants"]
    assert len(proposed) == 3
    pictures = {server.get(f"{address}/after?side=100&variant={number}").content for number in (1, 2, 3)}
    assert len(pictures) == 3
    status, _ = put(server, f"{address}/hints", proposed[1])
    assert status == 200
    assert server.get(address).json()["passes"] == passes
    server.delete(f"{address}/hints")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 422, "not JSON"),
        (b"\xff", 400, "UTF-8"),
        ({"version": 2}, 422, "version '2'"),
        ({"version": 1, "hints": [{"points": [[9999, 5]], "units": "pixels", "color": "red"}]}, 422, "outside"),
        ({"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "reddish"}]}, 422, "no colour"),
        ({"version": 1, "references": [{"file": "/etc/passwd", "as": "scene"}]}, 422, "references"),
    ],
)
def test_what_is_no_hint_is_a_problem_and_changes_nothing(
    server: Server, address: str, body: object, status: int, words: str
) -> None:
    found, problem = put(server, f"{address}/hints", body)
    assert found == status
    assert words in str(problem["detail"])
    assert server.get(address).json()["hints"] == 0
