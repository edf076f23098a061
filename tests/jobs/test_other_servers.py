"""SFTP, Google's and Azure's stores (servers and emulators on loopback): what a local folder becomes, they become.

Each is left out where it is not installed. CI installs what comes from Python's index:
pip install paramiko asyncssh gcsfs gcp-storage-emulator. For Azure: pip install adlfs, npm install -g azurite.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from other_servers import AZURITE, Place, azure_server, google_server, sftp_server
from remote_servers import free_port
from remote_store import tree
from scans import encoded, make_scans
from watching import SMALL_VIEW

from colorizer import Settings
from colorizer.errors import InputError, OutputError
from colorizer.io.address import Address, address
from colorizer.io.anywhere import ANYWHERE, of_job
from colorizer.io.remote import reading, trouble, writing
from colorizer.jobs.journal import JOURNAL_NAME
from colorizer.jobs.request import Request
from colorizer.jobs.run import Outcome, OutputPolicy
from colorizer.jobs.watching.options import WatchOptions
from colorizer.jobs.watching.watch import Rest, Watch
from colorizer.media import read_picture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # of libraries that are not ours
    pytest.mark.skipif(sys.platform == "win32", reason="the servers are tried elsewhere"),
]

SFTP = ("paramiko", "asyncssh")


@pytest.fixture(params=["sftp", "gs", "az"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An empty folder of each kind."""
    if request.param == "sftp":
        for package in SFTP:
            pytest.importorskip(package)
        (tmp_path / "served").mkdir()
        server = sftp_server(tmp_path / "served", tmp_path / "user")
    elif request.param == "gs":
        for package in ("gcsfs", "gcp_storage_emulator"):
            pytest.importorskip(package)
        server = google_server()
    else:
        pytest.importorskip("adlfs")
        if shutil.which(AZURITE) is None:
            pytest.skip(f"{AZURITE} is not installed")
        (tmp_path / "served").mkdir()
        server = azure_server(tmp_path / "served")
    with server as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(trouble, "FIRST_PAUSE", 0.01)
        _forget_connections(request.param)
        yield found
        _forget_connections(request.param)


def _forget_connections(scheme: str) -> None:
    """Servers come and go here, and a connection is kept for each kind of address."""
    from colorizer.io.remote.systems import kind_of

    kind_of(scheme).clear_instance_cache()


def put(where: Address, data: bytes) -> None:
    ANYWHERE.make_folder(where.parent)
    with ANYWHERE.put_whole(where) as file:
        file.write(data)


def get(where: Address) -> bytes:
    with ANYWHERE.open_read(where) as file:
        return file.read()


def files(folder: Address) -> list[Address]:
    """The files in a folder there, without journals."""
    return [
        entry.address
        for _, entries in ANYWHERE.walk(folder, lambda entry: JOURNAL_NAME not in entry.name)
        for entry in entries
        if entry.kind.name == "FILE"
    ]


def everything(folder: Address) -> dict[str, bytes]:
    """The same with what is in them; nobody may rename one meanwhile."""
    return {str(each)[len(str(folder)) + 1 :]: get(each) for each in files(folder)}


def test_a_folder_there_becomes_the_folder_that_it_would_here(place: Place, colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 6)
    for name, data in tree(tmp_path / "scans").items():
        put(address(f"{place.url}/scans/{name}"), data)
    assert colorize("scans", "-o", "here", *SMALL_VIEW).returncode == 0
    command = (f"{place.url}/scans", "-o", f"{place.url}/deep/out", *SMALL_VIEW)
    report = f"{place.url}/report.jsonl"
    done = colorize(*command, "--report", report, **place.environment)
    assert done.returncode == 0, done.stderr
    assert everything(address(f"{place.url}/deep/out")) == tree(tmp_path / "here")
    lines = [json.loads(line) for line in get(address(report)).splitlines()]
    assert {line["address"] for line in lines} == {f"{place.shown}/scans/{name}" for name in tree(tmp_path / "scans")}
    if place.secret:
        assert place.secret not in done.stderr + repr(lines)
    again = colorize(*command, "--report", report, **place.environment)
    assert "6 exists, kept" in again.stderr
    assert all(json.loads(line)["input_sha256"] for line in get(address(report)).splitlines())  # by the journal
    time.sleep(1.1)  # where there are no tags, the time tells
    put(address(f"{place.url}/scans/box000/scan 00001.png"), encoded(77, ".png"))
    assert "1 coloured, 5 exists, kept" in colorize(*command, "--update", **place.environment).stderr
    verified = colorize("verify", f"{place.url}/deep/out", **place.environment)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "6 of 6 files checked: all as it should be" in verified.stderr


def test_odd_names_hold_and_listings_say_what_single_questions_say(place: Place) -> None:
    root = address(place.url)
    names = ("a b.png", "ü.png", "a#1.png", "100%.png", "a%20b.png", "a+b.png", "[x].png", "what?.png", "empty.png")
    for number, name in enumerate(names):
        put(root / "odd" / name, b"" if name == "empty.png" else name.encode() * number)
    assert get(root / "odd" / "a#1.png") == b"a#1.png" * 2
    assert get(root / "odd" / "empty.png") == b""
    storage = of_job([root], ahead=False)
    storage.survey(root)
    for number, name in enumerate(names):
        stamp = storage.stamp(root / "odd" / name)
        assert stamp is not None
        assert stamp == ANYWHERE.stamp(root / "odd" / name)
        assert stamp.size == (0 if name == "empty.png" else len(name.encode() * number))
    assert storage.stamp(root / "odd" / "none.png") is ANYWHERE.stamp(root / "odd" / "none.png") is None
    assert [ANYWHERE.is_folder(root / name) for name in ("odd", "odd/ü.png", "none")] == [True, False, False]
    assert [found.name for found in ANYWHERE.matching(root / "odd" / "a*.png")] == [
        "a b.png", "a#1.png", "a%20b.png", "a+b.png"
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"none\.png: no such file"):
        read_picture(root / "none.png")


def test_large_files_go_in_parts_and_are_read_by_ranges(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (reading, writing):
        monkeypatch.setattr(module, "IN_MEMORY", 1 << 20)
    monkeypatch.setattr(writing, "PART", 5 << 20)
    monkeypatch.setattr(reading, "RANGE", 1 << 20)
    data, where = np.random.default_rng(4).bytes(12 << 20), address(place.url) / "large.bin"
    put(where, data)
    with ANYWHERE.open_read(where) as source:
        for offset in (11 << 20, 5, (6 << 20) + 3, 0):
            source.seek(offset)
            assert source.read(1000) == data[offset : offset + 1000]
        source.seek(1)
        assert source.read() == data[1:]


def test_what_fails_half_way_leaves_nothing(place: Place) -> None:
    where = address(place.url) / "a.bin"
    put(where, b"before")

    def failing() -> None:
        with ANYWHERE.put_whole(where) as file:
            file.write(b"half")
            raise InputError("no")

    with pytest.raises(InputError):
        failing()
    assert everything(address(place.url)) == {"a.bin": b"before"}


def test_a_killed_run_is_gone_on_with(
    place: Place, colorize_process: Command, command_environment: dict[str, str], tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 30)
    assert colorize_process("scans", "-o", "here", *SMALL_VIEW).returncode == 0
    for name, data in tree(tmp_path / "scans").items():
        put(address(f"{place.url}/scans/{name}"), data)
    command = (f"{place.url}/scans", "-o", f"{place.url}/out", *SMALL_VIEW)
    process = subprocess.Popen(
        [sys.executable, "-m", "colorizer", *command],
        env=command_environment | place.environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None and len(files(address(f"{place.url}/out"))) < 6:
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert len(files(address(f"{place.url}/out"))) >= 6
    done = colorize_process(*command, **place.environment)
    assert done.returncode == 0, done.stderr
    made = everything(address(f"{place.url}/out"))
    assert {name: data for name, data in made.items() if not name.endswith(".part")} == tree(tmp_path / "here")


def test_what_arrives_there_is_coloured_there(place: Place) -> None:
    settings = Settings(model="lite", engine="opencv", size=32)
    folder, output = address(f"{place.url}/in"), address(f"{place.url}/out")
    put(folder / "a.png", encoded(1, ".png"))
    outcomes: list[Outcome] = []
    watched = Watch(Request([folder], output, settings, OutputPolicy()), WatchOptions(settle=0.1, interval=0.1))
    for happening in watched:
        if isinstance(happening, Outcome):
            outcomes.append(happening)
        if isinstance(happening, Rest) and len(outcomes) == 1:
            put(folder / "box" / "b.jpg", encoded(2, ".jpg"))
        if len(outcomes) == 2:
            watched.stop()
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert sorted(everything(output)) == ["a.png", "box/b.jpg"]


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_by_sftp_a_folder_that_is_not_there_is_not_watched(place: Place, colorize: Command) -> None:
    done = colorize("watch", f"{place.url}/none", "-o", "out", "--model", "lite", **place.environment)
    assert done.returncode == 2
    assert done.stderr == f"colorize: {place.shown}/none: no such folder; name the folder to watch\n"


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_by_sftp_connections_that_break_are_made_anew(place: Place) -> None:
    from colorizer.io.remote.systems import file_system

    where = address(place.url) / "a.bin"
    put(where, b"before")
    system = file_system(where)  # type: ignore[arg-type]
    system.client.get_transport().close()
    assert get(where) == b"before"
    system.ftp.close()
    put(where, b"after")
    assert get(where) == b"after"


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_by_sftp_who_is_not_let_in_hears_why_in_one_line(place: Place, colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    known = tmp_path / "user" / ".ssh" / "known_hosts"
    right = known.read_text()
    other = right.rpartition(" ")[0] + " AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
    nobody = f"sftp://ada:{place.secret}@127.0.0.1:{free_port()}"
    for url, hosts, words in (
        (
            place.url.replace(place.secret, "wrong-password"),
            right,
            "there are no credentials for it, or none that hold",
        ),
        (place.url, "", "is not known); connect to it with ssh once"),
        (place.url, other, "the host's key is another one than was known"),
        (nobody, right, "cannot be reached); check the network and the address"),
    ):
        known.write_text(hosts)
        for arguments in (("a.png", "-o", f"{url}/out.png"), (f"{url}/a.png", "-o", "out.png")):
            _forget_connections("sftp")
            done = colorize(*arguments, *SMALL_VIEW, **place.environment)
            assert done.returncode in (1, 2)
            (line,) = done.stderr.splitlines()
            assert words in line
            assert place.secret not in line
            assert "wrong-password" not in line


@pytest.mark.parametrize("place", ["sftp"], indirect=True)
def test_by_sftp_what_arrives_shorter_than_it_was_sent_gets_no_name(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paramiko import SFTPFile

    write = SFTPFile.write
    monkeypatch.setattr(SFTPFile, "write", lambda self, data: write(self, data[:-1]))
    with (
        pytest.raises(OutputError, match="cannot be written"),
        ANYWHERE.put_whole(address(place.url) / "a.bin") as file,
    ):
        file.write(b"all of it")
    assert everything(address(place.url)) == {}
