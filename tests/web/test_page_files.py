"""The page's files and its documentation against the rules they keep and the interface they describe; no browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from serving import Server

import colorizer.web

PAGE = Path(colorizer.web.__file__).parent / "page"
FILES = sorted(path for path in PAGE.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg", ".webmanifest"))
EXAMPLE_ADDRESSES = ("http://127.0.0.1:8313", "http://HOST:8313")
NAMESPACE = "http://www.w3.org/2000/svg"


class Elements(HTMLParser):
    """Tags with their attributes, and the text of each `pre`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.examples: list[str] = []
        self._within = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "pre":
            self._within = True
            self.examples.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = self._within and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._within:
            self.examples[-1] += data


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    addresses = re.findall(
        r"(?:https?:)?//[\w.]+[^\s\"'<`]*", re.sub(r"^\s*//.*$|/\*.*?\*/", "", read(path), flags=re.S | re.M)
    )
    assert [one for one in addresses if not one.startswith((*EXAMPLE_ADDRESSES, NAMESPACE))] == []


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".html"], ids=lambda path: path.name)
def test_no_script_and_no_style_stands_in_the_markup(path: Path) -> None:
    for tag, attributes in Elements(read(path)).tags:
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or attributes.get("src")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_file_names_is_there(path: Path) -> None:
    text = read(path)
    named = re.findall(r"\"/page/([\w.-]+)\"", text) + re.findall(r"from \"\./([\w.-]+)\"", text)
    assert [name for name in named if not (PAGE / name).is_file()] == []
    ids = set(re.findall(r"\bid=\"([\w-]+)\"", read(PAGE / "index.html")))
    if path.name == "app.js":
        assert set(re.findall(r"\bpart\(\"([\w-]+)\"\)", text)) <= ids
    if path.name == "index.html":
        assert set(re.findall(r"href=\"#([\w-]+)\"", text)) <= ids
        assert set(re.findall(r"(?:for|aria-labelledby)=\"([\w-]+)\"", text)) <= ids


def test_the_examples_ask_for_what_the_interface_has(server: Server) -> None:
    paths: dict[str, Any] = server.get("/api/openapi.json").json()["paths"]
    examples = "\n".join(Elements(read(PAGE / "docs.html")).examples)
    seen = set()
    for line in re.findall(r"curl .*", examples):
        url = urlsplit(re.search(r"http://[^\s\"]+", line)[0])  # type: ignore[index]
        sends = re.search(r"--data-binary|-F |-d ", line)
        method = re.search(r"-X (\w+)", line)
        verb = method[1].lower() if method else "post" if sends else "get"
        path = re.sub(r"(/api/pictures)/ID", r"\1/{id}", re.sub("/models/[^/]+/", "/models/{name}/", url.path))
        operation = paths[path][verb]
        known = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert {name for name, _ in parse_qsl(url.query)} <= known
        seen.add((verb, path))
    told = {(verb, path) for path, verbs in paths.items() if path.startswith("/api/") for verb in verbs}
    assert told - seen == {
        ("get", "/api/openapi.json"),
        ("get", "/api/pictures/{id}/after/tile"),
        ("get", "/api/pictures/{id}/before"),
        ("get", "/api/pictures/{id}/before/tile"),
        ("post", "/api/pictures/{id}/model"),
    }


def test_the_example_of_an_error_is_what_the_server_says(server: Server) -> None:
    shown = next(one for one in Elements(read(PAGE / "docs.html")).examples if "letter.txt" in one)
    answer = server.post("/api/colorize?name=letter.txt", b"Dear aunt, here is no picture, but a few lines of text.\n")
    assert shown.splitlines()[1] == answer.text.strip()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_served_with_its_type(server: Server, path: Path) -> None:
    kinds = {
        ".html": "text/html",
        ".css": "text/css",
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
        ".webmanifest": "application/manifest+json",
    }
    answer = server.get(f"/page/{path.name}")
    assert answer.content == path.read_bytes()
    assert answer.headers["Content-Type"].startswith(kinds[path.suffix])
