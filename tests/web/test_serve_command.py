"""`colorize serve` as a process: where it listens, what it says, how it ends, and what it leaves behind."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from serving import connected, environment, photo, read_answer, said, serving

from colorizer.errors import UsageError
from colorizer.web.folder import PREFIX, private_folder, remove_orphans
from colorizer.web.server import ServerOptions, has_desktop, listen, serve_until_stopped

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_its_address_is_all_it_says(tmp_path: Path, number: int) -> None:
    with serving(tmp_path) as server:
        address = server.add(photo(), "x.jpg")
        server.ended(address)
        with connected(server) as link:  # somebody who has said nothing yet
            assert server.stop(number) == 0
            # an end, or a reset where the server has gone before it met this connection
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(1) == b""
    assert len(server.lines) == 1
    assert re.fullmatch(r"colorize: http://127\.0\.0\.1:\d+/", server.lines[0])
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_a_signal_ends_it_while_clients_wait_and_pictures_are_under_way(tmp_path: Path) -> None:
    with serving(tmp_path, "--jobs", "1") as server:
        for seed in range(4):
            server.add(photo(1500, 1200, seed=seed), "x.jpg")
        address = server.add(photo(), "y.jpg")
        with connected(server) as link:
            link.sendall(f"GET {address}?wait=50&state=waiting HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
            assert server.stop() == 0
    assert len(server.lines) == 1
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_verbose_tells_of_every_request_but_no_secret(tmp_path: Path) -> None:
    with serving(tmp_path, "-v", "--token", "a" * 20) as server:
        assert server.address.endswith("?token=" + "a" * 20)
        requests.get(server.address, timeout=30)
        server.get("/api/health", headers={"Authorization": "Bearer " + "a" * 20})
        server.get("/a%0d%0acolorize: forged%1b[2J")
    assert any("GET '/api/health': 200" in line for line in server.lines)
    assert not any("aaaa" in line for line in server.lines[1:])
    assert not any(line.startswith("colorize: forged") or "\x1b" in line for line in server.lines)


def test_temporary_files_are_private(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        address = server.add(photo(), "x.jpg")
        server.ended(address)
        (folder,) = tmp_path.glob(f"{PREFIX}*")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert all(re.fullmatch(r"[0-9a-f]{32}(\.npy)?", path.name) for path in server.files())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_what_a_killed_server_left_is_removed_by_the_next(tmp_path: Path) -> None:
    with serving(tmp_path) as living, serving(tmp_path) as killed:
        for server in (living, killed):
            address = server.add(photo(), "x.jpg")
            server.ended(address)
        killed.stop(signal.SIGKILL)
        assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 2
        with serving(tmp_path):
            left = list(tmp_path.glob(f"{PREFIX}*"))
            assert len(left) == 2
            assert len(living.files()) == 3
            assert living.get(address.replace(address, "/api/health")).status_code == 200
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_a_folder_that_is_no_servers_or_in_use_is_left_alone(tmp_path: Path) -> None:
    with private_folder(tmp_path) as living:
        young = tmp_path / f"{PREFIX}young"
        young.mkdir()
        foreign = tmp_path / "elsewhere"
        foreign.mkdir()
        (foreign / "lock").touch()
        (foreign / "precious").touch()
        (tmp_path / f"{PREFIX}link").symlink_to(foreign, target_is_directory=True)
        remove_orphans(tmp_path)
        assert living.path.is_dir()
        assert young.is_dir()
        assert (foreign / "precious").exists()


def test_a_port_in_use_is_said_with_what_to_do(tmp_path: Path, colorize: Command) -> None:
    with serving(tmp_path) as server:
        done = colorize("serve", "--port", str(server.port), "--no-open")
        assert done.returncode == 2
        assert done.stderr == (
            f"colorize: port {server.port} of 127.0.0.1 is in use, perhaps by another `colorize serve`; stop that, "
            "or take another one with --port (0 takes a free one)\n"
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "no.such.host.invalid"), "no such name or address"),
        (("--host", "192.0.2.1"), "give an address of this machine"),
        (("--model", "nothing-like-it"), "unknown model"),
        (("--token", "short"), "at least 16"),
        (("--token", "with spaces and more than that"), "at least 16"),
        (("--port", "70000"), "70000"),
        (("--max-upload", "many"), "expected a size such as 500M"),
        (("--max-waiting", "0"), "expected a number from 1"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(colorize: Command, options: tuple[str, ...], words: str) -> None:
    done = colorize("serve", "--no-open", "--port", "0", *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["starlette", "uvicorn", "python_multipart"])
def test_a_missing_package_is_said_with_how_to_get_it(tmp_path: Path, name: str) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == {name!r} else find(name, *a)\n"
        "from colorizer.cli.main import main; main(['serve', '--no-open'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment(tmp_path), check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"colorize: the page needs {name}, which is not installed; pip install 'colorize-photos[web]'\n"
    )


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_loopback_is_served_too(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "::1") as server:
        assert server.address == f"http://[::1]:{server.port}/"
        assert requests.get(server.address + "api/health", timeout=30).json()["status"] == "ok"


def test_localhost_listens_on_every_loopback_address_there_is(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "localhost") as server:
        assert server.address == f"http://localhost:{server.port}/"
        places = {info[4][0] for info in socket.getaddrinfo("localhost", server.port, type=socket.SOCK_STREAM)}
        for place in places:
            name = f"[{place}]" if ":" in str(place) else place
            answer = requests.get(f"http://{name}:{server.port}/api/health", timeout=30)
            assert answer.status_code == 200


def test_all_sockets_of_a_name_get_one_port_and_a_taken_one_is_refused() -> None:
    opened = listen("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in opened}) == 1
        with pytest.raises(UsageError, match="in use"):
            listen("localhost", opened[0].getsockname()[1])
    finally:
        for one in opened:
            one.close()


def test_a_token_is_made_where_others_can_reach_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as server:  # noqa: S104 - it is what the test is about
        token = re.fullmatch(rf"http://{re.escape(socket.gethostname())}:\d+/\?token=([\w-]{{32}})", server.address)
        assert token
        host = f"127.0.0.1:{server.port}"

        def ask(path: str, *headers: str, method: str = "GET", name: str = host) -> tuple[int, dict[str, str]]:
            lines = [f"{method} {path} HTTP/1.1", f"Host: {name}", "Content-Length: 0", *headers, "", ""]
            answer = said(server, "\r\n".join(lines).encode())
            return answer.status, answer.headers

        for path in ("/", "/docs", "/page/app.js", "/api/health", "/api/openapi.json", "/?token=wrong", "/api/models"):
            status, headers = ask(path)
            assert (status, headers["content-type"]) == (401, "application/problem+json"), path
            assert headers["www-authenticate"].startswith("Bearer")
        assert ask("/api/colorize", method="POST")[0] == 401
        assert ask("/api/health", f"Authorization: Bearer {token[1]}")[0] == 200
        assert ask("/api/health", f"Authorization: bearer {token[1]}")[0] == 200
        for name in (socket.gethostname(), "localhost", "192.0.2.7"):
            assert ask("/api/health", f"Authorization: Bearer {token[1]}", name=f"{name}:{server.port}")[0] == 200
        for wrong in (token[1][:-1], token[1] + "x", token[1].swapcase(), "", "\xe9"):
            assert ask("/api/health", f"Authorization: Bearer {wrong}")[0] == 401
            assert ask(f"/api/health?token={token[1]}")[0] == 401
        status, headers = ask(f"/?token={token[1]}")
        assert (status, headers["location"]) == (303, "/")
        cookie = headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        pair = cookie.split(";")[0]
        assert pair.startswith(f"colorize-{server.port}=")
        assert ask("/api/health", f"Cookie: a=b; {pair}")[0] == 200
        assert ask("/api/health", f"Cookie: {pair}x")[0] == 401
        assert ask("/api/health", f"Cookie: {pair}", name=f"evil.example:{server.port}")[0] == 403
        assert ask(f"/?token={token[1]}", name=f"evil.example:{server.port}")[0] == 403


def test_further_names_are_known_when_told(tmp_path: Path) -> None:
    with serving(tmp_path, "--allow-host", "photos.example.org") as server:
        for name, status in (("photos.example.org", 200), ("PHOTOS.example.org:443", 200), ("other.example.org", 403)):
            assert said(server, f"GET /api/health HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()).status == status
        request = (
            "POST /api/zip HTTP/1.1\r\nHost: photos.example.org\r\nOrigin: https://{}\r\nContent-Length: 0\r\n\r\n"
        )
        assert said(server, request.format("photos.example.org").encode()).status == 415
        assert said(server, request.format("example.org").encode()).status == 403


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is a desktop unless one comes by SSH")
def test_a_desktop_is_where_a_display_is_and_nobody_came_by_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    assert not has_desktop()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_desktop()
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert not has_desktop()


@pytest.mark.skipif(sys.platform != "linux", reason="the browser is told by variables that Linux has")
def test_the_browser_is_opened_once_it_listens_where_there_is_a_desktop(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\nimport sys, urllib.request as u\nu.urlopen(sys.argv[1] + 'api/health')\n"
        f"open({str(tmp_path / 'opened')!r}, 'w').write(sys.argv[1])\n"
    )
    browser.chmod(0o755)
    variables: dict[str, Any] = {"BROWSER": f"{browser} %s", "DISPLAY": ":0", "SSH_CONNECTION": "", "COLORIZE_OPEN": ""}
    with serving(tmp_path, "--open", **variables) as server:
        for _ in range(100):
            if (tmp_path / "opened").exists():
                break
            time.sleep(0.1)
        else:
            pytest.fail("no browser was opened")
    assert (tmp_path / "opened").read_text() == server.address
    (tmp_path / "opened").unlink()
    with serving(tmp_path, "--no-open", **variables) as server:
        server.get("/api/health")
    assert not (tmp_path / "opened").exists()


def test_options_may_come_from_the_environment(tmp_path: Path) -> None:
    with serving(tmp_path, COLORIZE_MAX_WAITING="7", COLORIZE_MAX_UPLOAD="1M", COLORIZE_MODEL="lite") as server:
        health = server.get("/api/health").json()
        assert (health["capacity"], health["limits"]["bytes"]) == (7, 1 << 20)


def test_serving_on_an_address_of_nobody_is_refused_in_the_library_too() -> None:
    with pytest.raises(UsageError, match="give an address of this machine"):
        serve_until_stopped(ServerOptions(host="192.0.2.1"), lambda _: None)


def test_an_idle_connection_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    with serving(tmp_path) as server, connected(server) as link:
        link.sendall(f"GET /api/health HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
        assert read_answer(link).status == 200
        assert server.stop() == 0
