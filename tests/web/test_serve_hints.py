"""Hints by the HTTP API: said, tried, proposed, and saved as by the command."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import PHOTOS, Command
from PIL import Image
from serving import Server, serving

sys.path.append(str(Path(__file__).parent.parent / "networks"))

from made_networks import hinted_net

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
        ({"version": 1, "references": [{"file": "/etc/passwd", "as": "scene"}]}, 422, "is here; send it"),
        ({"version": 1, "references": [{"file": "a.jpg", "as": "mood"}]}, 422, "palette"),
    ],
)
def test_what_is_no_hint_is_a_problem_and_changes_nothing(
    server: Server, address: str, body: object, status: int, words: str
) -> None:
    found, problem = put(server, f"{address}/hints", body)
    assert found == status
    assert words in str(problem["detail"])
    assert server.get(address).json()["hints"] == 0


def test_hints_are_tried_without_being_kept(server: Server, address: str) -> None:
    plain = server.get(f"{address}/after?side=200").content
    headers = {"Content-Type": "application/json"}
    tried = server.post(f"{address}/after?side=200", json.dumps(SAID), headers=headers)
    assert tried.headers["Content-Type"] == "image/jpeg"
    assert server.get(address).json()["hints"] == 0
    assert server.get(f"{address}/after?side=200").content == plain
    put(server, f"{address}/hints", SAID)
    assert server.get(f"{address}/after?side=200").content == tried.content
    server.delete(f"{address}/hints")
    refused = server.post(f"{address}/after", json.dumps({"version": 2}), headers=headers)
    assert refused.status_code == 422


def test_a_reference_is_sent_named_and_saved_by_as_by_the_command(
    server: Server, address: str, colorize: Command, tmp_path: Path
) -> None:
    reference = (PHOTOS / "tabby-cat.jpg").read_bytes()
    (tmp_path / "cat.jpg").write_bytes(reference)
    sent = server.post(f"{address}/references?name=cat.jpg", reference)
    assert (sent.status_code, sent.json()) == (201, {"file": "cat.jpg"})
    plain = server.get(f"{address}/after?side=200").content
    said = dict(SAID)
    for role in ("scene", "palette"):
        said = {**SAID, "references": [{"file": "cat.jpg", "as": role}]}
        assert put(server, f"{address}/hints", said)[0] == 200
        assert server.get(f"{address}/hints").json()["references"] == said["references"]
        assert server.get(f"{address}/after?side=200").content != plain
        (tmp_path / "said.json").write_text(json.dumps(said), encoding="utf-8")
        done = colorize(PHOTOS / "two-dogs.jpg", "-o", f"{role}.jpg", "--hints", "said.json", "--model", "lite")
        assert done.returncode == 0, done.stderr
        assert server.get(f"{address}/result").content == (tmp_path / f"{role}.jpg").read_bytes()
    proposed = server.get(f"{address}/variants?count=1").json()["variants"]
    assert proposed[0]["references"] == said["references"]
    # one of the same name takes its place, in what is said too
    before = server.get(f"{address}/after?side=200").content
    server.post(f"{address}/references?name=cat.jpg", (PHOTOS / "dahlia.jpg").read_bytes())
    assert server.get(f"{address}/after?side=200").content != before
    server.delete(f"{address}/hints")
    assert server.get(f"{address}/after?side=200").content == plain


def test_a_reference_that_says_nothing_is_refused_and_only_so_many_are_kept(server: Server, address: str) -> None:
    grey = io.BytesIO()
    Image.fromarray(np.full((40, 60), 128, np.uint8)).save(grey, "PNG")
    for body, status, words in ((grey.getvalue(), 422, "without colour"), (b"no picture", 415, "none.jpg")):
        refused = server.post(f"{address}/references?name=none.jpg", body)
        assert (refused.status_code, words in refused.json()["detail"]) == (status, True), refused.text
    colors = io.BytesIO()
    Image.fromarray(np.tile(np.array([[[200, 40, 40]]], np.uint8), (40, 60, 1))).save(colors, "PNG")
    names = [f"{number}.png" for number in range(5)]
    for name in names[:4]:
        assert server.post(f"{address}/references?name={name}", colors.getvalue()).status_code == 201
    said = {"version": 1, "references": [{"file": name, "as": "palette"} for name in names[:4]]}
    assert put(server, f"{address}/hints", said)[0] == 200
    assert server.post(f"{address}/references?name={names[4]}", colors.getvalue()).status_code == 409
    server.delete(f"{address}/hints")
    assert server.post(f"{address}/references?name={names[4]}", colors.getvalue()).status_code == 201


@pytest.mark.slow
def test_a_network_that_is_fed_hints_is_asked_anew_and_saves_as_the_command(tmp_path: Path, colorize: Command) -> None:
    hinted_net(tmp_path / "net.onnx")
    data = np.random.default_rng(3).integers(40, 220, (64, 96), np.uint8)
    Image.fromarray(data).resize((192, 128)).save(tmp_path / "a.png")
    with serving(tmp_path, "--model", str(tmp_path / "net.onnx")) as server:
        address = server.add((tmp_path / "a.png").read_bytes(), "a.png")
        server.ended(address)
        plain = server.get(f"{address}/after?side=200").content
        assert put(server, f"{address}/hints", SAID)[0] == 200
        shown = np.asarray(Image.open(io.BytesIO(server.get(f"{address}/after?side=200").content))).astype(int)
        before = np.asarray(Image.open(io.BytesIO(plain))).astype(int)
        assert np.abs(shown - before)[76:78, 57:59].mean() > 10
        piece = server.get(f"{address}/after/tile?level=0&column=0&row=0")
        assert piece.status_code == 200
        saved = server.get(f"{address}/result").content
    (tmp_path / "said.json").write_text(json.dumps(SAID), encoding="utf-8")
    done = colorize("a.png", "-o", "b.png", "--hints", "said.json", "--model", "net.onnx")
    assert done.returncode == 0, done.stderr
    assert saved == (tmp_path / "b.png").read_bytes()
