"""Folders that are watched: real processes, slow writers, kills, and what a service manager is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pytest
from conftest import Command
from PIL import Image
from scans import encoded
from watching import SMALL_VIEW, Watching, write_slowly

from colorizer import Settings
from colorizer.errors import DiskFullError, Remedy
from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE, AnyStorage
from colorizer.io.storage import Stamp, Storage
from colorizer.jobs.request import Request
from colorizer.jobs.run import Outcome, OutputPolicy, Status
from colorizer.jobs.watching import watch
from colorizer.jobs.watching.arrivals import Arrivals, Sight
from colorizer.jobs.watching.options import WatchOptions
from colorizer.jobs.watching.service import notify
from colorizer.jobs.watching.waking import is_on_network
from colorizer.jobs.watching.watch import Rest, Watch

JOURNAL = ".colorize-journal.jsonl"

POLLED = ("--polling", "on", "--interval", "0.3")
QUICK = ("--settle", "0.4")

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to processes")


@pytest.fixture(params=["told", "polled"])
def noticing(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options by which changes are noticed in either way."""
    if request.param == "polled":
        return POLLED
    pytest.importorskip("watchfiles")
    return ("--polling", "off")


def quick_when(way: str) -> pytest.MarkDecorator:
    """Both ways; the other one among the longer trials."""
    ways = [each if each == way else pytest.param(each, marks=pytest.mark.slow) for each in ("told", "polled")]
    return pytest.mark.parametrize("noticing", ways, indirect=True)


def results(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != JOURNAL
    }


# What is complete


def sight(size: int, modified: float = 0.0) -> Sight:
    return Sight((Stamp(size, int(modified * 1e9)), None), modified)


def test_a_file_is_complete_when_it_has_been_at_rest() -> None:
    arrivals, path = Arrivals(2.0, same_clock=True), Path("a.jpg")
    assert arrivals.complete({path: sight(1, 100.0)}, 10.0, 100.0) == []
    assert arrivals.due(10.5) == 1.5
    assert arrivals.complete({path: sight(2, 101.5)}, 11.5, 101.5) == []
    assert arrivals.complete({path: sight(2, 101.5)}, 13.4, 103.4) == []
    assert arrivals.complete({path: sight(2, 101.5)}, 13.5, 103.5) == [path]
    assert arrivals.complete({path: sight(2, 101.5)}, 20.0, 110.0) == []
    assert arrivals.due(20.0) is None


def test_a_file_that_was_moved_in_is_complete_at_once_where_clocks_are_the_same() -> None:
    old: dict[Address, Sight] = {Path("a.jpg"): sight(9, 50.0)}
    assert Arrivals(2.0, same_clock=True).complete(old, 0.0, 60.0) == [Path("a.jpg")]
    elsewhere = Arrivals(2.0, same_clock=False)
    assert elsewhere.complete(old, 0.0, 60.0) == []
    assert elsewhere.complete(old, 2.0, 62.0) == [Path("a.jpg")]


def test_a_file_from_the_future_is_no_older_for_that() -> None:
    arrivals = Arrivals(2.0, same_clock=True)
    future: dict[Address, Sight] = {Path("a.jpg"): sight(9, 5000.0)}
    assert arrivals.complete(future, 0.0, 60.0) == []
    assert arrivals.complete(future, 2.0, 62.0) == [Path("a.jpg")]


def test_what_changes_or_comes_back_is_handed_out_again() -> None:
    arrivals, path = Arrivals(1.0, same_clock=True), Path("a.jpg")
    assert arrivals.complete({path: sight(1, 0.0)}, 0.0, 50.0) == [path]
    assert arrivals.is_as_handed_out(path, sight(1, 0.0).state)
    assert arrivals.complete({path: sight(2, 10.0)}, 1.0, 51.0) == [path]
    assert not arrivals.is_as_handed_out(path, sight(1, 0.0).state)
    assert arrivals.complete({}, 2.0, 52.0) == []
    assert arrivals.complete({path: sight(2, 10.0)}, 3.0, 53.0) == [path]
    arrivals.again([path])
    assert arrivals.complete({path: sight(2, 10.0)}, 4.0, 54.0) == [path]


@posix
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("ext4", False), ("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("fuseblk", False), ("9p", True)],
)
def test_network_drives_are_told_by_the_file_system_that_is_mounted_nearest(
    kind: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    place = tmp_path.resolve()
    mounts = [("/", "ext4"), (str(place.parent), "btrfs"), (str(place), kind), (str(place / "below"), "nfs")]

    class Partition:
        def __init__(self, mountpoint: str, fstype: str) -> None:
            self.mountpoint, self.fstype, self.opts = mountpoint, fstype, "rw"

    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [Partition(*each) for each in mounts])
    (place / "in").mkdir()
    assert is_on_network(place / "in") is expected


# What a service manager is told


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd's protocol needs local sockets")
def test_a_service_manager_is_told_when_it_is_ready_and_when_it_stops(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encoded(1, ".png"))
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address)
        channel.settimeout(60)
        with Watching(tmp_path, *QUICK, *POLLED, NOTIFY_SOCKET=address) as watching:
            assert channel.recv(4096).decode() == "READY=1\nSTATUS=watching in"
            assert channel.recv(4096).decode() == "STATUS=watching in: 1 coloured"
            assert watching.stop() == 0
            assert channel.recv(4096).decode() == "STOPPING=1"
    assert watching.lines[-1] == "colorize: stopped: 1 coloured"


def test_without_a_manager_nobody_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify(READY="1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify(READY="1")


# Real folders


@posix
@quick_when("told")
def test_what_arrives_is_coloured_once_and_what_is_replaced_again(
    noticing: tuple[str, ...], tmp_path: Path, colorize: Command
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "early.png").write_bytes(encoded(1, ".png"))
    with Watching(tmp_path, *QUICK, *noticing, "--report", "report.jsonl") as watching:
        watching.wait_for("early.png")
        writer = threading.Thread(target=write_slowly, args=(folder / "slow.tif", encoded(2, ".tif"), 1.5))
        writer.start()
        (folder / "bad.jpg").write_text("no picture")
        (tmp_path / "box").mkdir()
        (tmp_path / "box" / "moved.png").write_bytes(encoded(3, ".png"))
        (tmp_path / "box").rename(folder / "box")
        watching.wait_for("box/moved.png", "slow.tif")
        watching.wait(lambda: watching.count("in/bad.jpg: text") == 1)
        writer.join()
        (folder / "early.png").write_bytes(encoded(4, ".png"))
        (folder / "bad.jpg").write_bytes(encoded(5, ".jpg"))
        watching.wait_for("bad.jpg")
        watching.wait(lambda: watching.count("early.png -> ") == 2)
        (folder / "early.hints.json").write_text('{"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "navy"}]}')
        watching.wait(lambda: watching.count("early.png -> ") == 3)
        assert watching.stop() == 0
    assert watching.count("slow.tif -> ") == watching.count("moved.png -> ") == 1
    assert watching.lines[-1] == "colorize: stopped: 6 coloured, 1 failed"
    assert watching.count("slow.tif: ") == 0
    done = colorize("in", "-o", "batch", "--jobs", "1", *SMALL_VIEW)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "out") == results(tmp_path / "batch")
    told = [json.loads(line)["status"] for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert Counter(told) == {"colored": 6, "failed": 1}


@posix
@quick_when("polled")
def test_results_within_the_folder_are_no_pictures_to_colour(noticing: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "loop").symlink_to("..", target_is_directory=True)
    (tmp_path / "in" / "again").symlink_to("results", target_is_directory=True)
    (tmp_path / "in" / "deep" / "a.png").write_bytes(encoded(1, ".png"))
    with Watching(tmp_path, *QUICK, *noticing, output="in/results") as watching:
        watching.wait((tmp_path / "in" / "results" / "deep" / "a.png").exists)
        time.sleep(1.5)
        assert watching.stop(signal.SIGINT) == 0
    found = list((tmp_path / "in" / "results").rglob("*.png"))
    assert found == [tmp_path / "in" / "results" / "deep" / "a.png"]
    assert watching.count(" -> ") == 1


def test_a_watch_that_cannot_be_is_refused_before_it_begins(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "file").touch()
    for arguments, words in (
        (("in",), "-o: results need a folder of their own"),
        (("in", "-o", "in"), "is the folder that is watched"),
        (("in", "-o", "file"), "file: is no folder"),
        (("nowhere", "-o", "out"), "nowhere: no such folder"),
        (("file", "-o", "out"), "file: is no folder"),
        (("in", "-o", "out", "--model", "zhang16"), "colorize weights download zhang16"),
        (("in", "-o", "out", "--settle", "0"), "--settle"),
    ):
        done = colorize("watch", *arguments)
        assert done.returncode in (1, 2), done.stderr
        (line,) = done.stderr.splitlines()
        assert words in line


@pytest.mark.slow
@posix
def test_fifty_files_by_slow_writers_and_a_kill_in_the_middle(
    noticing: tuple[str, ...], tmp_path: Path, colorize: Command
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    suffixes = (".jpg", ".png", ".tif", ".webp")
    files = {folder / f"box{n % 5}" / f"scan {n:02}{suffixes[n % 4]}": n for n in range(50)}
    writers = [
        threading.Thread(target=_after, args=(n % 10, path, encoded(n, path.suffix), 0.5 + n % 7))
        for path, n in files.items()
    ]
    never = threading.Thread(
        target=write_slowly, args=(folder / "never.tif", encoded(60, ".tif"), 24.0, 64), daemon=True
    )
    stalled = threading.Thread(
        target=write_slowly, args=(folder / "stalled.png", encoded(61, ".png"), 1.0), kwargs={"leaves_out": 3}
    )
    for writer in (*writers, never, stalled):
        writer.start()
    options = ("--settle", "1.0", *noticing)
    with Watching(tmp_path, *options) as watching:
        watching.wait(lambda: watching.count(" -> ") >= 8)
        watching.process.send_signal(signal.SIGKILL)
        watching.process.wait()
    left = list((tmp_path / "out").rglob(".colorize-*.part"))
    # what arrives while nobody watches
    arrived = tmp_path / "arrived"
    arrived.mkdir()
    (arrived / "meanwhile.png").write_bytes(encoded(70, ".png"))
    arrived.rename(folder / "arrived")
    with Watching(tmp_path, *options) as watching:
        assert not any(path.exists() for path in left)
        for writer in writers:
            writer.join()
        replaced = next(iter(files))
        watching.wait_for(replaced.relative_to(folder).as_posix())
        temporary = tmp_path / "new.jpg"
        temporary.write_bytes(encoded(99, ".jpg"))
        temporary.replace(replaced)
        names = [path.relative_to(folder).as_posix() for path in files]
        watching.wait_for(*names, "arrived/meanwhile.png")
        watching.wait(lambda: watching.count(f"{replaced.name} -> ") >= 1)
        watching.wait(lambda: watching.count("stalled.png: damaged") >= 1)
        assert not (tmp_path / "out" / "never.tif").exists()
        assert watching.stop() == 0
    assert watching.count("stalled.png") == 1
    assert watching.count("never.tif") == 0
    never.join()
    again = Watching(tmp_path, *options)
    with again:
        again.wait_for("never.tif")
        again.wait(lambda: again.count("stalled.png: damaged") == 1)
        assert again.stop() == 0
    assert again.count(" -> ") == 1
    done = colorize("in", "-o", "batch", "--jobs", "1", *SMALL_VIEW)
    assert "52 coloured, 1 failed" in done.stderr
    assert results(tmp_path / "out") == results(tmp_path / "batch")


def _after(seconds: float, path: Path, data: bytes, taking: float) -> None:
    time.sleep(seconds)
    write_slowly(path, data, taking)


@pytest.mark.slow
@posix
def test_a_second_signal_ends_at_once_and_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(40):
        (tmp_path / "in" / f"{number}.png").write_bytes(encoded(number, ".png"))
    with Watching(tmp_path, *QUICK, *POLLED, "--size", "448") as watching:
        watching.wait(lambda: watching.count(" -> ") >= 2)
        watching.process.send_signal(signal.SIGINT)
        watching.wait(lambda: watching.count("once more to stop at once") == 1 or watching.process.poll() is not None)
        if watching.process.poll() is None:
            watching.process.send_signal(signal.SIGINT)
        # 0 where it was done already; where Python is just closing down, the second signal itself ends the process
        assert watching.process.wait(60) in (0, 130, -signal.SIGINT)
    assert not watching.count("Traceback")
    for path in (tmp_path / "out").glob("[!.]*"):
        with Image.open(path) as picture:
            picture.load()
    assert not list((tmp_path / "out").glob(".colorize-*.part"))


@pytest.mark.slow
@posix
def test_a_folder_that_goes_away_and_comes_back_is_watched_on(noticing: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with Watching(tmp_path, *QUICK, *noticing, "--interval", "0.3") as watching:
        (tmp_path / "in").rename(tmp_path / "away")
        if "on" in noticing:
            watching.wait(lambda: watching.count("is tried again") == 1)
        (tmp_path / "in").mkdir()
        time.sleep(1)
        (tmp_path / "in" / "a.png").write_bytes(encoded(1, ".png"))
        watching.wait_for("a.png")
        assert watching.stop() == 0


@pytest.mark.slow
@posix
def test_several_at_a_time_keep_their_processes(tmp_path: Path) -> None:
    import psutil

    (tmp_path / "in").mkdir()
    with Watching(tmp_path, *QUICK, *POLLED, "--jobs", "2") as watching:
        families: list[set[int]] = []
        for wave in range(3):
            for number in range(6):
                (tmp_path / "in" / f"{wave}-{number}.png").write_bytes(encoded(number, ".png"))
            watching.wait(lambda count=6 * (wave + 1): watching.count(" -> ") == count)  # type: ignore[misc]
            families.append({child.pid for child in psutil.Process(watching.process.pid).children()})
        assert families[0] <= families[1] == families[2]
        assert watching.stop() == 0


@pytest.mark.slow
@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_read_costs_itself_alone(tmp_path: Path) -> None:
    (tmp_path / "in" / "closed").mkdir(parents=True)
    (tmp_path / "in" / "closed").chmod(0)
    try:
        with Watching(tmp_path, *QUICK, *POLLED) as watching:
            (tmp_path / "in" / "a.png").write_bytes(encoded(1, ".png"))
            watching.wait_for("a.png")
            assert watching.stop() == 0
        assert watching.count("closed: may not be read") == 1
    finally:
        (tmp_path / "in" / "closed").chmod(0o755)


# Within this process


class FullAtFirst(AnyStorage):
    """A disk without room, until somebody frees some."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[Address] = []

    def put_whole(self, address: Address, *, remedy: Remedy | str | None = None) -> AbstractContextManager[BinaryIO]:
        if len(self.refused) < 3:
            self.refused.append(address)
            raise DiskFullError(f"{address}: cannot be written (No space left on device)")
        return super().put_whole(address, remedy=remedy)


def happenings(folder: Path, until: int, storage: Storage = ANYWHERE) -> list[Outcome | str]:
    """What is told of `in` until so many pictures are coloured."""
    settings = Settings(model="lite", engine="opencv", size=32)
    request = Request([folder / "in"], folder / "out", settings, OutputPolicy())
    watched = Watch(request, WatchOptions(settle=0.1, polling="on", interval=0.1), storage)
    told: list[Outcome | str] = []
    for happening in watched:
        if isinstance(happening, Rest):
            continue
        told.append(happening if isinstance(happening, Outcome) else str(happening.said))
        if sum(isinstance(each, Outcome) and each.status is Status.COLORED for each in told) == until:
            watched.stop()
    return told


def test_a_full_disk_is_said_once_and_what_is_left_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.1)
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"{number}.png").write_bytes(encoded(number, ".png"))
    storage = FullAtFirst()
    told = happenings(tmp_path, 3, storage)
    assert len(storage.refused) == 3
    assert told[0] == "the disk is full; what is left is tried again every 0.1 seconds"
    assert [each.status for each in told[1:] if isinstance(each, Outcome)] == [Status.COLORED] * 3
    assert len(told) == 4


def test_of_two_pictures_for_one_result_the_second_fails_and_films_are_named_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encoded(1, ".png"))
    Image.new("L", (40, 30), 90).save(tmp_path / "in" / "a.gif")
    Image.new("L", (40, 30), 90).save(tmp_path / "in" / "b.png")
    (tmp_path / "in" / "film.mp4").touch()
    told = happenings(tmp_path, 2)
    (failed,) = [each for each in told if isinstance(each, Outcome) and each.error]
    assert "a.png is the result of" in str(failed.error)
    (said,) = [each for each in told if isinstance(each, str)]
    assert "a film is passed over" in said


def test_a_picture_that_is_taken_away_before_its_turn_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "in" / name).write_bytes(encoded(1, ".png"))

    class Vanishing(AnyStorage):
        def open_read(self, address: Address, *, peek: bool = False) -> BinaryIO:
            if isinstance(address, Path) and address.name == "a.png":
                address.unlink(missing_ok=True)
            return super().open_read(address, peek=peek)

    told = happenings(tmp_path, 1, Vanishing())
    assert [each.task.source.name for each in told if isinstance(each, Outcome)] == ["b.png"]


def test_folders_that_may_not_be_read_are_named_once_and_cost_themselves_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system would answer, were the tests' user not allowed everything in places."""
    for name in ("a.png", "closed/b.png", "closed too/c.png", "open/d.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(encoded(1, ".png"))
    monkeypatch.setattr(os, "access", lambda path, _: not Path(path).name.startswith("closed"))
    told = happenings(tmp_path, 2)
    said = [each for each in told if isinstance(each, str)]
    assert said == [f"{tmp_path / 'in' / 'closed'} and 1 more: may not be read, and is passed over"]
    assert sorted(results(tmp_path / "out")) == ["a.png", "open/d.png"]
