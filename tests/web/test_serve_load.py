"""Many clients at a time, bad ones among them: all are answered, none gets another's picture, memory stays bounded."""

from __future__ import annotations

import itertools
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from serving import Server, closed_within, connected, photo, read_answer, serving

from colorizer.color.chroma_table import chroma_table
from colorizer.color.ycbcr import BT601, ColorEncoding

Command = Callable[..., Any]

UPLOADS = 50

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it comes to hold in that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def head(server: Server, length: int, path: str = "/api/colorize") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: {length}\r\n\r\n".encode()


@contextmanager
def pestered(server: Server) -> Iterator[None]:
    """Clients that hang up, send slowly, send too much or send garbage, for the time of a `with` block."""
    over = threading.Event()
    picture = photo(600, 400)

    def hang_up(link: socket.socket) -> None:
        link.sendall(head(server, len(picture)) + picture[: len(picture) // 2])

    def leave_waiting(link: socket.socket) -> None:
        link.sendall(head(server, len(picture)) + picture)
        time.sleep(0.05)

    def trickle(link: socket.socket) -> None:
        link.sendall(head(server, len(picture)))
        while not over.wait(0.2):
            link.sendall(b"x")

    def dawdle(link: socket.socket) -> None:
        for byte in itertools.cycle(b"GET / HTTP/1.1\r\nX: y"):
            link.sendall(bytes([byte]))
            if over.wait(0.2):
                return

    def flood(link: socket.socket) -> None:
        link.sendall(head(server, 1 << 40))
        while not over.is_set():
            link.sendall(bytes(1 << 16))

    def babble(link: socket.socket) -> None:
        link.sendall(bytes(range(256)) * 16)

    def pester(behave: Callable[[socket.socket], None]) -> None:
        while not over.is_set():
            try:
                with connected(server) as link:
                    behave(link)
            except OSError:
                pass
            over.wait(0.1)

    kinds = [hang_up, hang_up, leave_waiting, trickle, trickle, dawdle, dawdle, flood, babble]
    threads = [threading.Thread(target=pester, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
@linux
def test_fifty_at_a_time_each_get_their_own_among_clients_that_misbehave(tmp_path: Path, colorize: Command) -> None:
    scans, colored = tmp_path / "scans", tmp_path / "colored"
    scans.mkdir()
    sizes = [(1600, 1200), (900, 700), (320, 240), (64, 48), (1, 1)]
    for seed in range(UPLOADS):
        width, height = sizes[seed % len(sizes)]
        kind, suffix = [("JPEG", "jpg"), ("PNG", "png"), ("TIFF", "tif")][seed % 3]
        data = photo(width + seed, height + seed, seed=seed, kind=kind, deep=seed % 6 == 1)
        (scans / f"{seed:02}.{suffix}").write_bytes(data)
    done = colorize("scans", "-o", "colored", "--engine", "opencv", "--model", "lite", "--jobs", "2", "-q")
    assert done.returncode == 0, done.stderr
    place = tmp_path / "temporary"
    place.mkdir()
    with serving(place, "--engine", "opencv", "--model", "lite", hasty=True) as server:

        def send(path: Path) -> bytes:
            with path.open("rb") as file:
                answer = server.post(f"/api/colorize?name={path.name}", file)
            assert answer.status_code == 200, answer.text
            assert f'filename="{path.stem}.color{path.suffix}"' in answer.headers["Content-Disposition"]
            return answer.content

        paths = sorted(scans.iterdir())
        with ThreadPoolExecutor(2) as clients:  # what two at a time take, with all that is loaded for them
            list(clients.map(send, paths[::5] * 2))
        before = server.memory()
        with pestered(server), ThreadPoolExecutor(UPLOADS) as clients:
            answers = list(clients.map(send, paths))
        for path, answer in zip(paths, answers, strict=True):
            assert answer == (colored / path.name).read_bytes(), path.name
        assert len(set(answers)) == UPLOADS
        # two are worked on at a time, so that fifty take 105 to 125 MiB more at the highest than two; were all fifty
        # worked on at once (--jobs 50), it would be 195
        assert server.memory() - before < 160 << 20
        assert eventually(lambda: server.get("/api/health").json()["waiting"] == 0)
        assert eventually(lambda: not server.files())
        assert len(server.lines) == 1


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that gives up on clients after a second, and colours one picture at a time."""
    options = ("--jobs", "1", "--model", "lite", "--max-waiting", "3")
    with serving(tmp_path_factory.mktemp("hasty"), *options, hasty=True) as server:
        yield server


@contextmanager
def busy(server: Server) -> Iterator[None]:
    """While its only worker has something larger to do, and two more wait."""
    picture = photo(3600, 2700)
    addresses = [server.add(picture, "large.jpg") for _ in range(3)]
    try:
        yield
    finally:
        for address in addresses:
            server.delete(address)
        assert eventually(lambda: server.get("/api/health").json()["waiting"] == 0)


def test_whoever_comes_when_the_queue_is_full_is_told_when_to_come_back(hasty: Server) -> None:
    addresses, answers = [], []
    picture = photo(2000, 1500)
    for _ in range(12):
        answers.append(hasty.post("/api/pictures", picture, params={"name": "x.jpg"}))
        addresses += [answers[-1].headers["Location"]] if answers[-1].status_code == 202 else []
    refused = [answer for answer in answers if answer.status_code != 202]
    assert refused
    assert len(addresses) >= 4
    for answer in refused:
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "try again" in answer.json()["detail"]
    for address in addresses:
        hasty.delete(address)
    assert eventually(lambda: not hasty.files())


def test_who_hangs_up_while_waiting_is_dropped_from_the_queue(hasty: Server) -> None:
    picture = photo(300, 200)
    with busy(hasty):
        waiting = hasty.get("/api/health").json()["waiting"]
        with connected(hasty) as link:
            link.sendall(head(hasty, len(picture)) + picture)
            assert eventually(lambda: hasty.get("/api/health").json()["waiting"] > waiting or waiting == 0)
        assert eventually(lambda: hasty.get("/api/health").json()["waiting"] <= waiting)
    assert eventually(lambda: not hasty.files())


def test_who_hangs_up_in_the_middle_of_an_upload_leaves_nothing(hasty: Server) -> None:
    for part in (0, 10, 1000):
        with connected(hasty) as link:
            link.sendall(head(hasty, 5000) + photo()[:part])
            if part:
                assert eventually(lambda: bool(hasty.files()))
        assert eventually(lambda: not hasty.files())


@pytest.mark.slow
def test_who_sends_nothing_or_half_a_head_is_cut_off(hasty: Server) -> None:
    for said_so_far in (b"", b"GET / HTTP/1.1\r\nHost: loc", b"SSH-2.0-OpenSSH\r\n"):
        with connected(hasty) as link:
            link.sendall(said_so_far)
            assert closed_within(link, 6)
    with connected(hasty) as link:  # and in a second request on a connection that was good
        link.sendall(f"GET /api/health HTTP/1.1\r\nHost: {hasty.host}\r\n\r\n".encode())
        assert read_answer(link).status == 200
        link.sendall(b"GET /api")
        assert closed_within(link, 6)


@pytest.mark.slow
def test_who_sends_too_slowly_is_told_so(hasty: Server) -> None:
    with connected(hasty) as link:  # nothing more
        link.sendall(head(hasty, 100) + b"x")
        answer = read_answer(link)
        assert answer.status == 408
        assert "too slow" in answer.problem()["detail"]
    with connected(hasty) as link:  # a byte now and then
        link.sendall(head(hasty, 1_000_000) + b"x")
        for _ in range(20):
            try:
                link.sendall(b"y")
            except OSError:
                break
            time.sleep(0.2)
        else:
            pytest.fail("it was given all the time it wanted")
    assert eventually(lambda: not hasty.files())


def test_who_takes_nothing_of_the_answer_is_cut_off(hasty: Server) -> None:
    address = hasty.add(photo(1600, 1200), "x.jpg")
    hasty.ended(address)
    kept = len(hasty.files())
    with socket.socket() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.connect(("127.0.0.1", hasty.port))
        link.sendall(f"GET {address}/result?format=bmp HTTP/1.1\r\nHost: {hasty.host}\r\n\r\n".encode())
        assert eventually(lambda: len(hasty.files()) > kept)  # the result waits to be taken
        assert eventually(lambda: len(hasty.files()) == kept)
    hasty.delete(address)


def test_an_upload_on_a_connection_that_was_refused_does_not_go_on_for_ever(hasty: Server) -> None:
    with connected(hasty) as link:
        link.sendall(head(hasty, 1 << 33, "/nowhere"))
        sent, end = 0, time.monotonic() + 15
        try:
            while time.monotonic() < end:
                sent += link.send(bytes(1 << 16))
                time.sleep(0.005)
        except OSError:
            assert sent < 1 << 30
        else:
            pytest.fail("it was read all the time")


def test_who_waits_too_long_is_told_to_come_back(tmp_path: Path) -> None:
    # once for an installation it is computed, which takes longer than the patience here
    chroma_table(ColorEncoding(matrix=BT601))
    with serving(tmp_path, "--patience", "1", "--jobs", "1", "--model", "lite") as server:
        picture = photo(3600, 2700)
        addresses = [server.add(picture, "large.jpg", fast=True) for _ in range(24)]  # some seconds of work
        answer = server.post("/api/colorize", photo())
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        for address in addresses:
            server.delete(address)
        assert eventually(lambda: not server.files())
        # the one that was being worked on may take longer than the patience, too
        assert eventually(lambda: server.post("/api/colorize", photo()).status_code == 200)


def test_too_many_connections_are_told_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-connections", "4", "--model", "lite") as server:
        links = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        try:
            assert eventually(lambda: server.get("/api/health").status_code == 503)
        finally:
            for link in links:
                link.close()
        assert eventually(lambda: server.get("/api/health").status_code == 200)


def test_looks_are_quick_while_pictures_wait(hasty: Server) -> None:
    """They have a lane of their own, so that a slider moves while a folder is being coloured."""
    address = hasty.add(photo(), "x.jpg")
    hasty.ended(address)
    with busy(hasty):
        before = hasty.get("/api/health").json()["waiting"]
        answer = hasty.get(f"{address}/after")
        assert answer.status_code == 200
        assert hasty.get("/api/health").json()["waiting"] <= before
    hasty.delete(address)


@pytest.mark.slow
@linux
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    with serving(tmp_path, "--model", "lite", "--max-pictures", "20") as server:

        def use(seed: int) -> None:
            address = server.add(photo(800, 600, seed=seed % 5), f"{seed}.jpg")
            assert server.ended(address)["state"] == "ready"
            server.get(f"{address}/after?temperature={0.3 + seed % 7 / 10}")
            server.get(f"{address}/result")

        for seed in range(30):
            use(seed)
        before = server.memory()
        for seed in range(30, 90):
            use(seed)
        assert server.memory() - before < 40 << 20
        # the last result's file goes only after its last byte has been sent
        assert eventually(lambda: len(server.files()) == 60)
        assert all(re.fullmatch(r"[0-9a-f]{32}(\.npy)?", path.name) for path in server.files())
