"""Watching with a real S3 store (moto's server, on loopback): results go there, and what arrives there is coloured."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import Command
from remote_servers import SECRET
from remote_store import NEEDED, Store, tree
from scans import encoded
from watching import SMALL_VIEW, Watching, write_slowly

from colorizer import Settings
from colorizer.io.address import address
from colorizer.jobs.request import Request
from colorizer.jobs.run import Outcome, OutputPolicy, Status
from colorizer.jobs.watching import watch
from colorizer.jobs.watching.options import WatchOptions
from colorizer.jobs.watching.watch import Remark, Rest, Watch

for package in NEEDED:
    pytest.importorskip(package)

THERE, FROM = "s3://archive/out", "s3://archive/in"
POLLED = ("--settle", "0.4", "--interval", "0.4")

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to processes")


@posix
def test_results_of_a_folder_here_go_to_a_store_once(store: Store, colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "in" / "box").mkdir(parents=True)
    (tmp_path / "in" / "a.png").write_bytes(encoded(1, ".png"))
    writer = threading.Thread(target=write_slowly, args=(tmp_path / "in" / "box" / "slow.tif", encoded(2, ".tif"), 1.5))
    options = (*POLLED, "--report", "s3://archive/report.jsonl")
    with Watching(tmp_path, *options, output=THERE, **store.environment) as watching:
        writer.start()
        watching.wait(lambda: watching.count(" -> ") == 2)
        (tmp_path / "in" / "a.png").write_bytes(encoded(3, ".png"))
        watching.wait(lambda: watching.count(f"{Path('in', 'a.png')} -> {THERE}/a.png") == 2)
        assert watching.stop() == 0
        assert watching.lines[-1] == "colorize: stopped: 3 coloured"
    told = [json.loads(line) for line in store.all()["report.jsonl"].splitlines()]
    assert Counter(line["place"] for line in told) == {"a.png": 2, "box/slow.tif": 1}
    assert colorize("in", "-o", "batch", "--jobs", "1", *SMALL_VIEW).returncode == 0
    assert store.results("out/") == tree(tmp_path / "batch")
    assert SECRET not in "".join(watching.lines)
    (tmp_path / "in" / "later.png").write_bytes(encoded(4, ".png"))
    with Watching(tmp_path, *POLLED, output=THERE, **store.environment) as again:
        again.wait(lambda: again.count("later.png -> ") == 1)
        assert again.stop() == 0
    assert again.count(" -> ") == 1


@posix
def test_what_arrives_in_a_store_is_coloured_once_and_what_is_replaced_again(store: Store, tmp_path: Path) -> None:
    store.put_object("in/early.png", encoded(1, ".png"))
    with Watching(tmp_path, *POLLED, watched=FROM, output="s3://archive/in/out", **store.environment) as watching:
        watching.wait(lambda: watching.count("early.png -> ") == 1)
        store.put_object("in/box/b.jpg", encoded(2, ".jpg"))
        store.put_object("in/bad.jpg", b"no picture")
        watching.wait(lambda: watching.count("b.jpg -> ") == 1 and watching.count("bad.jpg: text") == 1)
        store.put_object("in/early.png", encoded(3, ".png"))
        store.put_object("in/bad.jpg", encoded(5, ".jpg"))
        watching.wait(lambda: watching.count("early.png -> ") == 2 and watching.count("bad.jpg -> ") == 1)
        store.put_object("in/early.hints.json", b'{"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "navy"}]}')
        watching.wait(lambda: watching.count("early.png -> ") == 3)
        store.delete("in/box/b.jpg")
        time.sleep(1.5)
        assert watching.stop() == 0
    assert watching.lines[-1] == "colorize: stopped: 5 coloured, 1 failed"
    assert sorted(store.results("in/out/")) == ["bad.jpg", "box/b.jpg", "early.png"]


@pytest.mark.slow
@posix
def test_a_killed_watch_loses_and_doubles_nothing(store: Store, colorize: Command, tmp_path: Path) -> None:
    for number in range(30):
        store.put_object(f"in/{number:02}.png", encoded(number, ".png"))
    with Watching(tmp_path, *POLLED, watched=FROM, output="out", **store.environment) as watching:
        watching.wait(lambda: watching.count(" -> ") >= 8)
        os.kill(watching.process.pid, signal.SIGKILL)
    with Watching(tmp_path, *POLLED, watched=FROM, output="out", **store.environment) as again:
        again.wait(lambda: len(tree(tmp_path / "out")) == 30)
        assert again.stop() == 0
    assert again.count(" -> ") <= 30 - 8
    assert colorize(FROM, "-o", "batch", "--jobs", "1", *SMALL_VIEW, **store.environment).returncode == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "batch")


def happenings(folder: str, output: str, until: int) -> list[Outcome | str]:
    """What is told of a folder until so many pictures are coloured."""
    settings = Settings(model="lite", engine="opencv", size=32)
    request = Request([address(folder)], address(output), settings, OutputPolicy())
    watched = Watch(request, WatchOptions(settle=0.1, interval=0.1))
    told: list[Outcome | str] = []
    for happening in watched:
        if isinstance(happening, Rest):
            continue
        told.append(str(happening.said) if isinstance(happening, Remark) else happening)
        if sum(isinstance(each, Outcome) and each.status is Status.COLORED for each in told) == until:
            watched.stop()
    return told


def test_a_server_that_fails_for_a_while_is_said_once_and_what_is_left_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.1)
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"{number}.png").write_bytes(encoded(number, ".png"))
    refusals = 8

    def fault(method: str, path: str) -> int | None:
        nonlocal refusals
        if method == "PUT" and path.endswith(".png"):
            refusals -= 1
            return 403 if refusals >= 0 else None
        return None

    store.proxy.fault = fault
    told = happenings(str(tmp_path / "in"), THERE, 3)
    said = [each for each in told if isinstance(each, str)]
    assert len(said) == 1
    assert said[0].startswith(f"{THERE}/0.png: cannot be written (access is denied (AccessDenied)); such are tried")
    assert [each.status for each in told if isinstance(each, Outcome)] == [Status.COLORED] * 3


def test_a_picture_that_cannot_be_read_now_is_tried_again_and_one_that_may_not_be_is_not(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from s3fs import S3FileSystem

    monkeypatch.setattr(watch, "PATIENCE", 0.1)
    monkeypatch.setattr(S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in ("down", "forbidden", "good"):
        store.put_object(f"in/{name}.png", encoded(1, ".png"))
    failures = 8

    def fault(method: str, path: str) -> int | None:
        nonlocal failures
        if method == "GET" and "forbidden" in path:
            return 403
        if method == "GET" and "down" in path and failures > 0:
            failures -= 1
            return 500
        return None

    store.proxy.fault = fault
    told = happenings(FROM, str(tmp_path / "out"), 2)
    (failed,) = [each for each in told if isinstance(each, Outcome) and each.error]
    assert failed.task.source.name == "forbidden.png"
    assert [each.partition("(")[0] for each in told if isinstance(each, str)] == [f"{FROM}/down.png: cannot be read "]
    assert sorted(tree(tmp_path / "out")) == ["down.png", "good.png"]


def test_a_journal_in_a_store_is_one_object_for_many_waves(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.png").write_bytes(encoded(0, ".png"))
    settings = Settings(model="lite", engine="opencv", size=32)
    request = Request([tmp_path / "in"], address(THERE), settings, OutputPolicy())
    watched = Watch(request, WatchOptions(settle=0.1, polling="on", interval=0.1))
    waves = 0
    for happening in watched:
        if isinstance(happening, Rest):
            waves += 1
            if waves == 4:
                watched.stop()
            (tmp_path / "in" / f"{waves}.png").write_bytes(encoded(waves, ".png"))
    assert len(store.all("out/")) == len(store.results("out/")) + 1


def test_what_cannot_be_watched_or_written_to_is_refused_before_it_begins(
    store: Store, colorize: Command, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    store.put_object("file.png", encoded(1, ".png"))
    for arguments, words in (
        ((FROM,), "-o: results need a folder of their own"),
        ((FROM, "-o", FROM), "is the folder that is watched"),
        (("s3://nosuch/in", "-o", "out"), "s3://nosuch/in: the folder cannot be read (there is no bucket nosuch)"),
        (("in", "-o", "s3://nosuch/out"), "s3://nosuch/out: cannot be written to (there is no bucket nosuch)"),
        (("s3://archive/file.png", "-o", "out"), "s3://archive/file.png: is no folder"),
        (("https://127.0.0.1/in", "-o", "out"), "https://127.0.0.1/in: the web has no folders that can be listed"),
        (("in", "-o", "https://127.0.0.1/out"), "https://127.0.0.1/out: web addresses are only read"),
        ((FROM, "-o", "out", "--polling", "off"), "--polling: a store tells of no changes; leave it out"),
        (("in", "-o", THERE, "--keep-times"), "--keep-times: a store gives times itself; leave it out"),
    ):
        done = colorize("watch", *arguments, "--model", "lite", **store.environment)
        assert done.returncode in (1, 2), done.stderr
        (line,) = done.stderr.splitlines()
        assert words in line
