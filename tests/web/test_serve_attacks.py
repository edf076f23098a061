"""What a hostile page, file or client may try, and that it gets nothing."""

from __future__ import annotations

import functools
import io
import json
import re
import struct
import time
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import tifffile
from PIL import Image
from serving import Answer, Server, closed_within, connected, photo, read_answer, said

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)

SAFE_TYPES = {
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "image/bmp",
    "image/x-portable-anymap",
    "image/jp2",
}


def request(
    server: Server, *headers: str, method: str = "GET", path: str = "/api/health", body: bytes = b"", host: str = ""
) -> bytes:
    """A request, with the server's own Host unless another is given."""
    length = [f"Content-Length: {len(body)}"] if body or method != "GET" else []
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host or server.host}", *length, *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def ask(server: Server, *headers: str, **keywords: object) -> Answer:
    return said(server, request(server, *headers, **keywords))  # type: ignore[arg-type]


def still_answers(server: Server) -> bool:
    return ask(server).status == 200


# who asks


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example",
        "evil.example@127.0.0.1:{port}",
        "127.0.0.1:{port}@evil.example",
        "127.0.0.1/evil",
        "127.0.0.1:{port}#.evil.example",
        "127.0.0.2:{port}",
        "0.0.0.0:{port}",
        "2130706433:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "[::1%25lo]:{port}",
        "127.0.0.1:port",
        "127.0.0.1:99999",
        "127.0.0.1, evil.example",
        "lоcalhost",  # with a Cyrillic o
    ],
)
def test_a_foreign_host_name_is_refused_everywhere(server: Server, host: str) -> None:
    name = host.format(port=server.port).encode().decode("latin-1")
    for method, path in (("GET", "/"), ("GET", "/api/models"), ("POST", "/api/colorize"), ("GET", "/page/app.js")):
        answer = ask(server, method=method, path=path, host=name)
        assert answer.status in (400, 403), (name, path)
        if answer.status == 403:
            assert "not a name of this server" in answer.problem()["detail"]


def test_the_names_of_this_machine_are_known(server: Server) -> None:
    for name in ("localhost", "LOCALHOST.", "127.0.0.1", "[::1]"):
        assert ask(server, host=name).status == 200
        assert ask(server, host=f"{name}:{server.port}").status == 200
        assert ask(server, host=f"{name}:9000").status == 200  # through a tunnel


def test_no_host_or_two_are_refused(server: Server) -> None:
    assert said(server, b"GET /api/health HTTP/1.1\r\n\r\n").status == 400
    assert said(server, b"GET /api/health HTTP/1.0\r\n\r\n").status == 403
    assert ask(server, "Host: evil.example").status in (400, 403)
    assert said(server, b"GET http://localhost/api/health HTTP/1.1\r\nHost: evil.example\r\n\r\n").status == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://evil.example:{port}",
        "null",
        "http://127.0.0.1:{other}",
        "http://localhost:{port}",  # another name, so another origin
        "http://127.0.0.1:{port}.evil.example",
        "http://evil.example/http://127.0.0.1:{port}",
        "http://evil@127.0.0.1:{port}",
        "file://",
        "chrome-extension://127.0.0.1:{port}",
        "http://[",
        "",
    ],
)
def test_another_sites_page_changes_nothing(server: Server, origin: str) -> None:
    origin = origin.format(port=server.port, other=server.port + 1)
    address = server.add(photo(), "mine.jpg")
    for method, path in (
        ("POST", "/api/colorize"),
        ("POST", "/api/pictures"),
        ("POST", f"{address}/model"),
        ("POST", "/api/zip"),
        ("DELETE", address),
    ):
        answer = ask(server, f"Origin: {origin}", method=method, path=path, body=photo())
        assert answer.status == 403, path
        assert "other sites" in answer.problem()["detail"]
        assert not any(name.startswith("access-control") for name in answer.headers)
    assert server.get(address).status_code == 200


def test_its_own_page_may(server: Server) -> None:
    for headers in (
        [f"Origin: http://{server.host}", "Sec-Fetch-Site: same-origin"],
        [f"Origin: http://{server.host}"],
        [f"Referer: http://{server.host}/"],
        [],
    ):
        answer = ask(server, *headers, method="POST", path="/api/colorize", body=photo())
        assert answer.status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_on_another_site_cannot_post(server: Server, kind: str, site: str) -> None:
    """The types that a page may send anywhere without asking (no preflight)."""
    before = set(server.files())
    for evidence in (f"Sec-Fetch-Site: {site}", "Origin: http://evil.example", "Referer: http://evil.example/page"):
        answer = ask(
            server, f"Content-Type: {kind}", evidence, method="POST", path="/api/pictures?name=x.jpg", body=photo()
        )
        assert answer.status == 403
    assert set(server.files()) <= before


def test_another_site_cannot_read_or_ask_for_permission(server: Server) -> None:
    for path in ("/api/health", "/api/models", "/api/openapi.json", "/api/pictures/x/after"):
        for site in ("cross-site", "same-site"):
            assert ask(server, f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: no-cors", path=path).status == 403
    answer = ask(
        server,
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
        method="OPTIONS",
        path="/api/colorize",
    )
    assert answer.status == 403
    assert not any(name.startswith("access-control") for name in answer.headers)
    # a link to the page is no attack
    assert ask(server, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", path="/").status in (200, 404)


def test_every_answer_has_the_headers_that_bind_the_browser(server: Server) -> None:
    address = server.add(photo(), "x.jpg")
    server.ended(address)
    paths = ["/", "/docs", "/nothing", "/api/health", "/api/openapi.json", address, f"{address}/after", "/api/colorize"]
    answers = [ask(server, path=path) for path in paths]
    answers += [
        ask(server, host="evil.example"),
        ask(server, "Origin: http://evil.example", method="POST", path="/api/zip"),
        ask(server, method="POST", path="/api/colorize", body=photo()),
        ask(server, method="POST", path="/api/colorize", body=b"x"),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] in ("no-store", "no-cache")
        assert not any(name.startswith("access-control") for name in answer.headers)


# names and paths


NAMES = [
    ("../../../etc/passwd", "passwd.color.jpg"),
    ("..\\..\\windows\\win.ini", "win.ini.color.jpg"),
    ("/etc/shadow", "shadow.color.jpg"),
    ("C:\\Users\\me\\a.jpg", "a.color.jpg"),
    ("\\\\server\\share\\b.jpg", "b.color.jpg"),
    ("CON.jpg", "_CON.color.jpg"),
    ("lpt1", "_lpt1.color.jpg"),
    ("..", "picture.color.jpg"),
    (".htaccess", "htaccess.color.jpg"),
    ("a.jpg:stream", "a.jpg_stream.color.jpg"),
    ("a\0.jpg", "a.color.jpg"),
    ("~/.ssh/id", "id.color.jpg"),
    ("$(rm -rf x);`id`|.jpg", "$(rm -rf x);`id`_.color.jpg"),
    ("trailing. . .", "trailing.color.jpg"),
    ("   ", "picture.color.jpg"),
    ("x" * 500 + ".jpg", "x" * 116 + ".color.jpg"),
    ("photo.jpg/", "picture.color.jpg"),
]


@pytest.mark.parametrize(("name", "result"), NAMES)
def test_names_that_are_paths_name_nothing_but_the_answer(server: Server, name: str, result: str) -> None:
    answer = server.post("/api/colorize", photo(), params={"name": name})
    assert answer.status_code == 200
    disposition = answer.headers["Content-Disposition"]
    plain = "".join("_" if c in '"\\%;=' else c for c in result)
    assert disposition.startswith(f'attachment; filename="{plain}"')
    files = {"f": (name, photo())}
    if "\0" not in name:
        answer = server.post("/api/colorize", files=files)
        assert answer.status_code == 200
        assert "/" not in answer.headers["Content-Disposition"].replace("UTF-8''", "")


INJECTIONS = [
    "a\r\nSet-Cookie: x=y\r\n\r\n<script>.jpg",
    'a"; filename="evil.exe',
    "a%0d%0aX: y.jpg",
    "a\u2028b\u2029c\x85d.jpg",
    "\u202egpj.exe",
    "Пушкин «1826».jpg",
    "père\u0301 Noël ☃ 😀.jpg",
    "a;b=c.jpg",
    'a\\".jpg',
    "\udcff.jpg",
]


@pytest.mark.parametrize("name", INJECTIONS)
def test_names_cannot_inject_headers(server: Server, name: str) -> None:
    query = quote(name, safe="", errors="surrogatepass")
    answer = said(server, request(server, method="POST", path=f"/api/colorize?name={query}", body=photo()))
    if answer.status == 400:
        assert "\udcff" in name
        return
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    assert "x" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert disposition.isascii()
    assert disposition.isprintable()
    assert disposition.count('"') == 2
    assert disposition.count("filename=") == 1
    _, plain, rest = disposition.split('"')
    assert plain.endswith(".color.jpg")
    assert re.fullmatch(r"(; filename\*=UTF-8''[\w%.~!$&+^`|-]*\.color\.jpg)?", rest, re.ASCII)
    body = (
        b'--x\r\nContent-Disposition: form-data; name=f; filename="'
        + name.encode("utf-8", "replace").replace(b"\r\n", b"%0D%0A").replace(b'"', b'\\"')
        + b'"\r\n\r\n'
        + photo()
        + b"\r\n--x--\r\n"
    )
    answer = ask(
        server, "Content-Type: multipart/form-data; boundary=x", method="POST", path="/api/colorize", body=body
    )
    assert answer.status in (200, 400)
    assert "set-cookie" not in answer.headers


def test_names_survive_where_they_are_harmless(server: Server) -> None:
    answer = server.post("/api/colorize", photo(), params={"name": "Пушкин ☃.jpg"})
    encoded = quote("Пушкин ☃.color.jpg", safe="")
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename=\"______ _.color.jpg\"; filename*=UTF-8''{encoded}"
    )


def test_entries_of_an_archive_stay_in_its_folder(server: Server) -> None:
    ids = []
    for name, _ in NAMES[:8]:
        address = server.add(photo(20, 20), name)
        server.ended(address)
        ids.append({"id": address.rpartition("/")[2]})
    answer = server.post("/api/zip", json={"pictures": ids})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(archive.namelist()) == len(ids)
        for name in archive.namelist():
            assert not set("/\\:") & set(name)
            assert not name.startswith(".")


@pytest.mark.parametrize(
    "path",
    [
        "/page/../../x",
        "/page/../app.py",
        "/page/..%2fapp.py",
        "/page/%2e%2e/app.py",
        "/page/%2e%2e%2fapp.py",
        "/page/..%5capp.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/....//app.py",
        "/page/%252e%252e/app.py",
        "/page/index.html%00.js",
        "/page/./../server.py",
        "/../../etc/passwd",
        "//etc/passwd",
        "/page/C:%5cwindows%5cwin.ini",
        "/page/__init__.py",
        "/api/pictures/..%2f..%2fetc%2fpasswd",
        "/api/pictures/..%2f..%2fetc%2fpasswd/result",
        "/api/pictures/%2e%2e",
        "/api/pictures/lock/result",
    ],
)
def test_paths_lead_to_no_file(server: Server, path: str) -> None:
    answer = ask(server, path=path)
    assert answer.status == 404
    assert answer.problem()["detail"]


def test_the_files_on_disk_are_not_pictures_of_the_interface(server: Server) -> None:
    address = server.add(photo(), "x.jpg")
    server.ended(address)
    for path in server.files():
        for part in ("", "/result", "/after"):
            assert server.get(f"/api/pictures/{path.name}{part}").status_code == 404


# files


def png_of(width: int, height: int, *, depth: int = 8, data: bytes = b"", more: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@functools.cache
def bombs() -> dict[str, bytes]:
    """Small files that declare, or hold, far more than they weigh."""
    rows = zlib.compress(bytes(1 << 24), 9)
    tiff = io.BytesIO()
    with tifffile.TiffWriter(tiff) as writer:
        writer.write(np.zeros((64, 64), np.uint8), photometric="minisblack", compression="zlib", metadata=None)
    broad = bytearray(tiff.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(broad))) as file:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tag = file.pages[0].tags[name]
            struct.pack_into("<I" if tag.dtype == 4 else "<H", broad, tag.valueoffset, 60000)
    jpeg = bytearray(photo())
    at = jpeg.index(b"\xff\xc0") + 5
    struct.pack_into(">HH", jpeg, at, 60000, 60000)
    webp = bytearray(photo(kind="WEBP"))
    gif = bytearray(photo(kind="GIF"))
    struct.pack_into("<HH", gif, 6, 60000, 60000)
    bmp = bytearray(photo(kind="BMP"))
    struct.pack_into("<ii", bmp, 18, 60000, 60000)
    profile = b"iccp\0\0" + zlib.compress(bytes(1 << 26), 9)
    return {
        "png": png_of(60000, 60000, data=rows),
        "png that is honest": png_of(1 << 31 - 1, 1, data=rows),
        "png with a profile of 64 MB": png_of(
            8,
            8,
            data=zlib.compress(bytes(72)),
            more=struct.pack(">I", len(profile)) + b"iCCP" + profile + struct.pack(">I", zlib.crc32(b"iCCP" + profile)),
        ),
        "tiff": bytes(broad),
        "jpeg": bytes(jpeg),
        "gif": bytes(gif),
        "bmp": bytes(bmp),
        "pnm": b"P5\n60000 60000\n255\n" + bytes(100),
        "webp": bytes(webp[:30]),
    }


@pytest.mark.parametrize("kind", sorted(bombs()))
def test_a_bomb_is_refused_before_it_goes_off(server: Server, kind: str) -> None:
    data = bombs()[kind]
    assert len(data) < 200_000
    before = server.memory()
    begun = time.monotonic()
    answer = server.post("/api/colorize", data, params={"name": "bomb"})
    assert answer.status_code in (413, 422) or "profile" in kind, answer.text
    if kind in ("png", "jpeg", "tiff", "pnm"):
        assert answer.status_code == 413, answer.text
        assert "60000 x 60000 pixels are more than the limit" in answer.json()["detail"]
    assert server.memory() - before < 400 << 20
    assert time.monotonic() - begun < 20
    found = server.ended(server.add(data, "bomb"))
    assert found["state"] == "failed" or "profile" in kind
    assert still_answers(server)


def polyglots() -> dict[str, bytes]:
    """Files that are a picture and something that a browser could be made to run."""
    script = b"<!doctype html><html><script>alert(document.domain)</script></html>"
    gif = photo(kind="GIF")
    comment = b"\x21\xfe" + bytes([len(script)]) + script + b"\0"
    head = gif[: 13 + 3 * 2 ** ((gif[10] & 7) + 1)]
    jpeg = photo()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("evil.html", script)
    segment = b"\xff\xfe" + struct.pack(">H", len(script) + 2) + script
    return {
        "gif with html in a comment": head + comment + gif[len(head) :],
        "gif that is a script": b"GIF89a=1;alert(1)//" + gif[19:],
        "jpeg with html in a comment": jpeg[:2] + segment + jpeg[2:],
        "jpeg and zip": jpeg + archive.getvalue(),
        "jpeg and html": jpeg + script,
        "png and html": photo(kind="PNG") + script,
        "bmp and html": photo(kind="BMP") + script,
        "html and jpeg": script + jpeg,
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "pdf and jpeg": b"%PDF-1.4\n" + jpeg,
        "zip": archive.getvalue(),
    }


@pytest.mark.parametrize("kind", sorted(polyglots()))
def test_what_is_two_things_comes_back_as_a_picture_or_not_at_all(server: Server, kind: str) -> None:
    data = polyglots()[kind]
    for name in ("x.html",):
        answer = server.post("/api/colorize", data, params={"name": name})
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.status_code != 200:
            assert answer.headers["Content-Type"] == "application/problem+json"
            continue
        assert answer.headers["Content-Type"] in SAFE_TYPES
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert not answer.headers["Content-Disposition"].endswith(('.html"', '.svg"', '.js"'))
        assert b"alert(" not in answer.content.replace(b"alert(1)//", b"") or kind == "jpeg with html in a comment"
        assert b"evil.html" not in answer.content
        with Image.open(io.BytesIO(answer.content)) as image:
            image.load()
    address = server.add(data, "x.html")
    if server.ended(address)["state"] == "ready":
        for part in ("/before", "/after"):
            answer = server.get(address + part)
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert b"alert" not in answer.content


# the protocol


def test_smuggled_requests_are_refused(server: Server) -> None:
    hidden = b"GET /api/models HTTP/1.1\r\nHost: " + server.host.encode() + b"\r\n\r\n"
    post = f"POST /api/zip HTTP/1.1\r\nHost: {server.host}\r\nContent-Type: application/json\r\n".encode()
    tricks = {
        "both lengths": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        "a list of lengths": b"Content-Length: 0, 5\r\n\r\n",
        "a signed length": b"Content-Length: +5\r\n\r\n",
        "a hexadecimal length": b"Content-Length: 0x5\r\n\r\n",
        "another coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
        "a folded header": b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        "a bare carriage return": b"X: y\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        "a null byte": b"X: \0\r\nContent-Length: 0\r\n\r\n",
        "a bad chunk": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    }
    for trick, rest in tricks.items():
        with connected(server) as link:
            link.sendall(post + rest + hidden)
            answer = read_answer(link)
            assert 400 <= answer.status < 500, trick
            assert b"models" not in answer.body, trick
    assert still_answers(server)


def test_a_chunked_body_is_what_counts_where_a_length_is_given_too(server: Server) -> None:
    """Either such a request is refused, or the chunks are taken and what follows is no second request unseen."""
    head = f"POST /api/zip HTTP/1.1\r\nHost: {server.host}\r\nContent-Type: application/json\r\n"
    body = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with connected(server) as link:
        link.sendall(head.encode() + body)
        answer = read_answer(link)
        assert answer.status == 400
        if b"pictures" in answer.body:  # the chunks were read, all of them and no more
            link.sendall(request(server))
            assert read_answer(link).status == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # TLS
        b"\x00" * 4096,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /api/health HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000,
        b"GET /api/health HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n",
    ],
)
def test_garbage_and_huge_heads_are_cut_off(server: Server, garbage: bytes) -> None:
    with connected(server) as link:
        try:
            link.sendall(garbage)
            answer = read_answer(link)
        except (ConnectionError, OSError):
            pass
        else:
            assert answer.status in (400, 403)
            if answer.status == 403:
                return
        assert closed_within(link, 15)
    assert still_answers(server)


def test_websockets_and_other_upgrades_are_no_way_in(server: Server) -> None:
    answer = ask(
        server, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"
    )
    assert answer.status == 200
    assert json.loads(answer.body)["status"] == "ok"
    assert ask(server, "Connection: Upgrade", "Upgrade: h2c").status == 200


def test_compressed_uploads_are_not_unpacked(server: Server) -> None:
    data = zlib.compress(bytes(1 << 24))
    for coding in ("gzip", "deflate", "br", "identity, gzip"):
        answer = server.post("/api/colorize", data, headers={"Content-Encoding": coding})
        assert answer.status_code == 415
        assert "send the file as it is" in answer.json()["detail"]


def test_an_announced_giant_is_refused_without_being_sent(server: Server) -> None:
    head = (
        f"POST /api/colorize HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 1000000000000\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    answer = said(server, head.encode())
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


def test_nothing_of_a_test_stays_in_the_folder_but_pictures_on_the_shelf(server: Server) -> None:
    shelf = Path(server.temporary)
    assert all(path.is_relative_to(shelf) for path in server.files())
    before = set(server.files())
    for data in (photo(), b"x", b""):
        server.post("/api/colorize", data)
    assert set(server.files()) <= before
