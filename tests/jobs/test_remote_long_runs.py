"""What only long runs with a store show: deaths at any moment, no half object for anybody, memory that stays flat."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Command, run_python
from remote_servers import Proxy, client, contents, keys_in, s3_server, unfinished, variables
from scans import make_scans, scan

from colorizer.jobs.journal import JOURNAL_NAME

for package in ("s3fs", "moto", "flask", "flask_cors"):
    pytest.importorskip(package)

pytestmark = pytest.mark.slow

OPTIONS = ("--model", "lite", "--engine", "opencv", "--fast")

WATCHER = """
import hashlib, json, sys, time
sys.path.insert(0, {folder!r})
from remote_servers import client
store, known = client({port}), json.load(open({known!r}))
seen, wrong = 0, []
print("watching", flush=True)
while True:
    try:
        pages = store.get_paginator("list_objects_v2").paginate(Bucket="archive", Prefix="colored/")
        for found in [each for page in pages for each in page.get("Contents", [])]:
            name = found["Key"].removeprefix("colored/")
            if ".colorize-journal" in name:
                continue
            data = store.get_object(Bucket="archive", Key=found["Key"])["Body"].read()
            seen += 1
            if hashlib.sha256(data).hexdigest() != known.get(name):
                wrong.append(name)
    except Exception as error:
        wrong.append(repr(error))
    json.dump([seen, wrong], open({out!r}, "w"))
    time.sleep(0.2)
"""


@contextmanager
def watched(port: int, tmp_path: Path, known: dict[str, str]) -> Iterator[Callable[[], tuple[int, list[str]]]]:
    """Another process lists the results and reads each, all the time; gives how many it saw, and which were wrong."""
    (tmp_path / "known.json").write_text(json.dumps(known))
    out = tmp_path / "seen.json"
    code = WATCHER.format(
        folder=str(Path(__file__).parent), port=port, known=str(tmp_path / "known.json"), out=str(out)
    )
    watcher = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert watcher.stdout is not None
    assert watcher.stdout.readline().strip() == b"watching"

    def found() -> tuple[int, list[str]]:
        for _ in range(100):
            try:
                seen, wrong = json.loads(out.read_text())
            except (OSError, ValueError):
                time.sleep(0.1)
            else:
                return seen, wrong
        raise AssertionError("the watcher says nothing")

    try:
        yield found
    finally:
        watcher.kill()
        watcher.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
def test_three_hundred_pictures_through_trouble_and_five_kills(
    colorize_process: Command, command_environment: dict[str, str], tmp_path: Path
) -> None:
    import hashlib

    paths = make_scans(tmp_path / "scans", 300)
    assert colorize_process("scans", "-o", "local", *OPTIONS, timeout=3600).returncode == 0
    local = {
        path.relative_to(tmp_path / "local").as_posix(): path.read_bytes()
        for path in (tmp_path / "local").rglob("scan*")
    }
    chance = random.Random(9)
    guard = threading.Lock()
    refused = paths[123].relative_to(tmp_path).as_posix().replace(" ", "%20")

    def trouble(method: str, path: str) -> int | None:
        if refused in path and method == "GET":
            return 403
        with guard:
            return 500 if chance.random() < 0.01 else None

    with s3_server() as port, Proxy(port, trouble, slow_share=0.05).running() as proxy:
        store = client(port)
        store.create_bucket(Bucket="archive")
        for path in paths:
            key = path.relative_to(tmp_path).as_posix()
            store.put_object(Bucket="archive", Key=key, Body=path.read_bytes())
        environment = command_environment | variables(proxy.port)
        command = [sys.executable, "-m", "colorizer", "s3://archive/scans", "-o", "s3://archive/colored", *OPTIONS]
        known = {name: hashlib.sha256(data).hexdigest() for name, data in local.items()}
        with watched(port, tmp_path, known) as found:
            kills = 0
            for _ in range(5):
                # moments by what is there, not by the clock: a fast machine has none of them after the end
                enough = len(keys_in(store, "archive", "colored/")) + 2 + chance.randrange(40)
                process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
                while process.poll() is None and len(keys_in(store, "archive", "colored/")) <= enough:
                    time.sleep(chance.uniform(0, 0.2))
                kills += process.poll() is None
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            done = colorize_process(*command[3:], timeout=3600, **variables(proxy.port))
            assert done.returncode == 1, done.stderr
            assert "1 failed" in done.stderr
            assert "access is denied (AccessDenied)" in done.stderr
            proxy.fault = None
            last = colorize_process(*command[3:], timeout=3600, **variables(proxy.port))
            assert last.returncode == 0, last.stderr
            assert "1 coloured, 299 exists, kept" in last.stderr
            time.sleep(1)
            seen, wrong = found()
        made = contents(store, "archive", "colored/")
        assert unfinished(store, "archive") == []
    assert {key.removeprefix("colored/"): data for key, data in made.items() if JOURNAL_NAME not in key} == local
    assert wrong == []
    assert seen > 300
    print(f"{kills} kills; another process read {seen} objects; requests: {dict(proxy.counts)}")
    assert kills == 5


def test_two_drivers_on_one_target_do_each_other_no_harm(
    colorize_process: Command, command_environment: dict[str, str], tmp_path: Path
) -> None:
    paths = make_scans(tmp_path / "scans", 24)
    assert colorize_process("scans", "-o", "local", *OPTIONS, timeout=1200).returncode == 0
    with s3_server() as port:
        store = client(port)
        store.create_bucket(Bucket="archive")
        for path in paths:
            key = path.relative_to(tmp_path).as_posix()
            store.put_object(Bucket="archive", Key=key, Body=path.read_bytes())
        command = [sys.executable, "-m", "colorizer", "s3://archive/scans", "-o", "s3://archive/colored", *OPTIONS]
        environment = command_environment | variables(port)
        both = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
        for each in both:
            _, said = each.communicate(timeout=1200)
            assert each.returncode == 0, said
        made = contents(store, "archive", "colored/")
        again = colorize_process(*command[3:], **variables(port))
    assert {key.removeprefix("colored/"): data for key, data in made.items() if JOURNAL_NAME not in key} == {
        path.relative_to(tmp_path / "local").as_posix(): path.read_bytes()
        for path in (tmp_path / "local").rglob("scan*")
    }
    assert sum(JOURNAL_NAME in key for key in made) == 2
    assert "24 exists, kept" in again.stderr


MEASURED = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "colorizer", *sys.argv[1:]], stderr=subprocess.PIPE, text=True)
assert done.returncode == 0, done.stderr
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource, which measures it, is not on Windows")
def test_memory_does_not_grow_with_the_number_of_objects(tmp_path: Path) -> None:
    """The largest process of a run, in KB; tiny pictures, from a bucket into a bucket."""
    import io

    pictures = []
    for seed in range(10):
        buffer = io.BytesIO()
        scan(seed).resize((24, 16)).save(buffer, "PNG")
        pictures.append(buffer.getvalue())
    peaks = []
    with s3_server() as port, Proxy(port).running() as proxy:
        store = client(port)
        store.create_bucket(Bucket="archive")
        for count in (100, 3000):
            for number in range(count):
                key = f"scans{count}/{number // 500}/{number:04d}.png"
                store.put_object(Bucket="archive", Key=key, Body=pictures[number % 10])
            arguments = [f"s3://archive/scans{count}", "-o", f"s3://archive/out{count}", *OPTIONS, "-q"]
            proxy.counts.clear()
            start = time.monotonic()
            code = f"import sys; sys.argv[1:] = {arguments}" + MEASURED
            done = run_python(code, tmp_path, timeout=7200, **variables(proxy.port))
            assert done.returncode == 0, done.stderr
            peaks.append(int(done.stdout))
            each = {kind: round(number / count, 2) for kind, number in proxy.counts.items()}
            print(f"{count} objects: peak {peaks[-1] >> 10} MB, {time.monotonic() - start:.0f} s, requests each {each}")
    assert peaks[1] < 1.15 * peaks[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGTERM")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_large_upload_that_is_ended_at_once_leaves_no_parts(
    command_environment: dict[str, str], tmp_path: Path, ending: signal.Signals
) -> None:
    """Twice Ctrl-C in the middle of an upload in parts, of this process and of one that it has started."""
    from PIL import Image

    for number in range(5):
        Image.new("L", (6000, 5000), 100 + number).save(tmp_path / f"{number}.png")
    with s3_server() as port:
        begun = threading.Event()

        def slow(method: str, path: str) -> int | None:
            if method == "PUT" and "partNumber" in path:
                begun.set()
                time.sleep(2)
            return None

        with Proxy(port, slow).running() as proxy:
            store = client(port)
            store.create_bucket(Bucket="archive")
            command = [sys.executable, "-m", "colorizer", *(f"{number}.png" for number in range(5)), "--jobs", "2"]
            command += ["-o", "s3://archive/out", "--format", "bmp", *OPTIONS]
            environment = command_environment | variables(proxy.port)
            process = subprocess.Popen(
                command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, start_new_session=True
            )
            assert begun.wait(300)
            process.send_signal(ending)
            time.sleep(0.3)
            process.send_signal(ending)
            process.communicate(timeout=120)
            assert process.returncode == 130
            time.sleep(1)
            assert proxy.counts["ABORT PARTS"] >= 1
            assert unfinished(store, "archive") == []
            assert all(len(data) > 90_000_000 for key, data in contents(store, "archive").items() if "bmp" in key)
