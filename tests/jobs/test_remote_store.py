"""Folders in a real S3 store (moto's server, on loopback): the same results as on a disk, whole objects, plain errors.

Left out where the server is not installed; see remote_store.py.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command
from remote_servers import KEY, SECRET, unfinished
from remote_store import NEEDED, Store, tree
from scans import encoded, make_scans

from colorizer.errors import InputError, OutputError
from colorizer.io.address import Address, Remote, address
from colorizer.io.anywhere import ANYWHERE, of_job
from colorizer.io.remote import reading, writing

for package in NEEDED:
    pytest.importorskip(package)

LITE = ("--model", "lite", "--engine", "opencv")


def test_a_folder_in_a_store_becomes_the_folder_that_it_would_on_a_disk(
    store: Store, colorize: Command, tmp_path: Path
) -> None:
    scans = tmp_path / "scans"
    make_scans(scans, 6)
    (scans / "box000" / "scan 00000.jpg.hints.json").write_text(
        '{"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "red"}]}'
    )
    (scans / "notes.txt").write_text("no picture")
    store.put(scans, "scans/")
    assert colorize(scans, "-o", "local", *LITE).returncode == 0
    report = "s3://archive/reports/first.jsonl"
    first = colorize("s3://archive/scans", "-o", "s3://archive/colored", "--report", report, *LITE, **store.environment)
    assert first.returncode == 0, first.stderr
    assert "6 coloured" in first.stderr
    assert "1 other files are no pictures" in first.stderr
    assert store.results("colored/") == tree(tmp_path / "local")
    lines = [json.loads(line) for line in store.all("reports/")["first.jsonl"].splitlines()]
    assert {line["input"] for line in lines} == {
        f"s3://archive/scans/{name}" for name in tree(scans) if "box" in name and "hints" not in name
    }
    assert all(line["output_bytes"] == len(store.all()[line["output"].removeprefix("s3://archive/")]) for line in lines)
    # again: nothing is read, written or looked at one by one
    store.proxy.counts.clear()
    again = colorize("s3://archive/scans", "-o", "s3://archive/colored", *LITE, **store.environment)
    assert "6 exists, kept" in again.stderr
    assert store.proxy.counts["PUT"] == 0
    assert store.proxy.counts["HEAD"] <= 3
    assert store.proxy.counts["LIST"] <= 6
    assert store.proxy.counts["GET"] <= 3  # the journal as one object and in segments, and a hints file


def test_a_picture_takes_three_requests_and_is_fetched_once(store: Store, colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 8)
    store.put(tmp_path / "scans", "scans/")
    done = colorize("s3://archive/scans", "-o", "s3://archive/colored", "--jobs", "2", *LITE, **store.environment)
    assert done.returncode == 0, done.stderr
    read = sum(len(data) for name, data in store.all("scans/").items())
    assert store.proxy.counts["GET"] <= 8 + 1  # and one try for a journal
    assert store.proxy.counts["PUT"] == 8 + 1  # and the journal
    assert store.proxy.counts["HEAD"] <= 8 + 3
    assert store.proxy.sent < read + 40_000
    print(f"8 pictures of {read} bytes together: {dict(store.proxy.counts)}, {store.proxy.sent} bytes sent")


def test_what_changed_is_told_by_its_stamp_and_done_again(store: Store, colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 3)
    store.put(tmp_path / "scans", "scans/")
    command = ("s3://archive/scans", "-o", "s3://archive/colored", "--update", *LITE)
    assert "3 coloured" in colorize(*command, **store.environment).stderr
    # of the same length, within the same second: only the tag tells
    key = next(key for key in store.all("scans/") if key.endswith((".bmp", ".png")))
    store.real.put_object(Bucket="archive", Key="scans/" + key, Body=encoded(77, Path(key).suffix))
    second = colorize(*command, **store.environment)
    assert "1 coloured" in second.stderr
    assert "2 exists, kept" in second.stderr


def test_files_go_from_here_to_a_store_and_back(store: Store, colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    assert colorize("a.png", "-o", "here.png", *LITE).returncode == 0
    there = colorize("a.png", "-o", "s3://archive/out/b.png", *LITE, **store.environment)
    assert there.returncode == 0, there.stderr
    assert store.all("out/") == {"b.png": (tmp_path / "here.png").read_bytes()}
    store.real.put_object(Bucket="archive", Key="a.png", Body=(tmp_path / "a.png").read_bytes())
    beside = colorize("s3://archive/a.png", *LITE, **store.environment)
    assert beside.stderr.count("s3://archive/a.png -> s3://archive/a.color.png") == 1
    assert store.all()["a.color.png"] == (tmp_path / "here.png").read_bytes()
    back = colorize("s3://archive/?.png", "-o", "back", *LITE, **store.environment)
    assert "back: no such folder" in back.stderr or back.returncode == 0
    (tmp_path / "back").mkdir(exist_ok=True)
    assert colorize("s3://archive/*.png", "-o", "back", "--overwrite", *LITE, **store.environment).returncode == 0
    assert (tmp_path / "back" / "a.png").read_bytes() == (tmp_path / "here.png").read_bytes()


def test_lists_of_addresses_are_read_from_a_store_too(store: Store, colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 2)
    store.put(tmp_path / "scans", "scans/")
    names = "".join(f"s3://archive/scans/{name}\n" for name in store.all("scans/"))
    store.real.put_object(Bucket="archive", Key="list.txt", Body=names.encode())
    done = colorize("--files-from", "s3://archive/list.txt", "-o", "s3://archive/out", *LITE, **store.environment)
    assert done.returncode == 0, done.stderr
    assert len(store.results("out/")) == 2


def test_a_long_list_of_addresses_is_looked_up_by_folders(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"in/{number}.png" for number in range(20)] + ["other/a.png", "other/b.png"]
    for name in names:
        store.real.put_object(Bucket="archive", Key=name, Body=b"x" * len(name))
    places = [address(f"s3://archive/{name}") for name in [*names, "in/none.png"]]
    storage = of_job(places, ahead=False)
    store.proxy.counts.clear()
    storage.look_up(places)
    assert [found.size if (found := storage.stamp(place)) else None for place in places] == [*map(len, names), None]
    assert store.proxy.counts == {"LIST": 1, "HEAD": 2}


def test_one_object_that_is_refused_fails_alone_and_errors_that_pass_cost_nothing(
    store: Store, colorize: Command, tmp_path: Path
) -> None:
    paths = make_scans(tmp_path / "scans", 6)
    store.put(tmp_path / "scans", "scans/")
    assert colorize("scans", "-o", "local", *LITE).returncode == 0
    refused = paths[2].relative_to(tmp_path).as_posix()
    failures = iter([500, None, 0, None, 503, None, 500, 0] + [None, None, None, 500] * 500)

    def fault(method: str, path: str) -> int | None:
        if refused.replace(" ", "%20") in path and method == "GET":
            return 403
        return next(failures)

    store.proxy.fault = fault
    done = colorize("s3://archive/scans", "-o", "s3://archive/colored", *LITE, **store.environment)
    assert done.returncode == 1
    assert (
        f"s3://archive/{refused}: cannot be read (access is denied (AccessDenied)); check the credentials"
        in done.stderr
    )
    assert "5 coloured, 1 failed" in done.stderr
    expected = tree(tmp_path / "local")
    del expected[paths[2].relative_to(tmp_path / "scans").as_posix()]
    assert store.results("colored/") == expected
    assert SECRET not in done.stderr + done.stdout
    assert KEY not in done.stderr + done.stdout


def test_a_store_that_takes_nothing_ends_the_job_early(store: Store, colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 12)
    store.proxy.fault = lambda method, _: 403 if method == "PUT" else None
    done = colorize("scans", "-o", "s3://archive/colored", "--jobs", "1", *LITE, **store.environment)
    assert done.returncode == 1
    assert "nothing can be written to s3://archive/colored" in done.stderr
    assert "7 not begun" in done.stderr


def test_what_is_not_there_is_said_in_one_line(store: Store, colorize: Command) -> None:
    for arguments, said in (
        (("s3://archive/none.jpg", "-o", "out.jpg"), "s3://archive/none.jpg: no such file; check the name"),
        (("s3://archive/none", "-o", "s3://archive/out"), "s3://archive/none: no such file; check the name"),
        (("s3://archive/*.jpg", "-o", "s3://archive/out"), "s3://archive/*.jpg: no file matches this pattern"),
    ):
        done = colorize(*arguments, *LITE, **store.environment)
        assert done.returncode in (1, 2)
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_bucket_that_is_not_there_is_said_before_the_work(store: Store, colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 2)
    done = colorize("scans", "-o", "s3://nosuch/colored", *LITE, **store.environment)
    assert done.returncode != 0
    assert "there is no bucket nosuch); create it first, or name another" in done.stderr
    assert "Traceback" not in done.stderr


def test_hostile_names_in_a_store_lead_nowhere(store: Store, colorize: Command, tmp_path: Path) -> None:
    data = encoded(3, ".png")
    for key in ("in/../../escaped.png", "in/a//b.png", "in/", "in/sub/", "in/ok.png"):
        store.real.put_object(Bucket="archive", Key=key, Body=b"" if key.endswith("/") else data)
    (tmp_path / "work").mkdir()
    done = colorize("s3://archive/in", "-o", tmp_path / "work" / "out", *LITE, **store.environment)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("escaped*"))
    assert (tmp_path / "work" / "out" / "ok.png").exists()


def test_a_report_and_a_journal_in_a_store_hold_no_keys(store: Store, colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    signed = store.real.generate_presigned_url("get_object", Params={"Bucket": "archive", "Key": "a.png"})
    store.real.put_object(Bucket="archive", Key="a.png", Body=(tmp_path / "a.png").read_bytes())
    query = signed.partition("?")[2]
    signature = next(part for part in query.split("&") if part.startswith(("Signature=", "X-Amz-Signature=")))
    done = colorize(
        signed, signed.replace("a.png", "none.png"), "-o", "s3://archive/out", "--report", "s3://archive/r.jsonl", "-v",
        *LITE, **store.environment,
    )  # fmt: skip
    assert "1 coloured, 1 failed" in done.stderr, done.stderr
    kept = b"".join(store.all("out/").values()) + store.all()["r.jsonl"]
    for secret in (signature.partition("=")[2], KEY, SECRET):
        assert secret not in done.stderr + done.stdout
        assert secret.encode() not in kept
    assert b"a.png?..." in store.all()["r.jsonl"]


def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that small files exceed: parts may be no smaller than 5 MiB."""
    for module in (reading, writing):
        monkeypatch.setattr(module, "IN_MEMORY", 1 << 20)
    monkeypatch.setattr(writing, "PART", 5 << 20)
    monkeypatch.setattr(reading, "RANGE", 1 << 20)


def noise(megabytes: int) -> bytes:
    return np.random.default_rng(4).bytes(megabytes << 20)


def test_large_objects_are_sent_in_parts_and_read_by_ranges(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    large(monkeypatch)
    data, place = noise(12), address("s3://archive/large.bin")
    with ANYWHERE.put_whole(place) as file:
        file.write(b"?" + data[1:])
        file.seek(0)
        file.write(data[:1])
    assert store.proxy.counts["PART"] == 3
    assert store.all() == {"large.bin": data}
    store.proxy.sent = 0
    with ANYWHERE.open_read(place) as source:
        for offset in (11 << 20, 5, (6 << 20) + 3, 0):
            source.seek(offset)
            assert source.read(1000) == data[offset : offset + 1000]
        assert source.seek(-7, io.SEEK_END) == len(data) - 7
        assert source.read() == data[-7:]
        source.seek(1)
        assert source.read() == data[1:]
    with ANYWHERE.open_read(place, peek=True) as source:
        store.proxy.sent = 0
        assert source.read(10) == data[:10]
    assert store.proxy.sent == 0


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit(143), None])
def test_an_upload_in_parts_that_fails_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, failure: BaseException | None
) -> None:
    large(monkeypatch)
    place = address("s3://archive/large.bin")
    store.real.put_object(Bucket="archive", Key="large.bin", Body=b"before")
    spool_read = reading.Spool.read
    reads = 0

    def read(spool: Any, *size: int) -> bytes:
        nonlocal reads
        reads += 1
        if failure is not None and reads > 8:
            raise failure
        return bytes(spool_read(spool, *size))

    monkeypatch.setattr(reading.Spool, "read", read)
    if failure is None:
        store.proxy.fault = lambda _, path: 403 if "partNumber=2" in path else None
    expected = OutputError if failure is None else type(failure)
    with pytest.raises(expected), ANYWHERE.put_whole(place) as file:
        file.write(noise(12))
    assert store.proxy.counts["BEGIN PARTS"] >= 1
    assert unfinished(store.real, "archive") == []
    assert store.all() == {"large.bin": b"before"}


def test_an_exception_in_the_block_puts_nothing(store: Store) -> None:
    def failing() -> None:
        with ANYWHERE.put_whole(address("s3://archive/a.png")) as file:
            file.write(b"half")
            raise InputError("no")

    with pytest.raises(InputError):
        failing()
    assert store.all() == {}


def test_an_object_that_changes_while_it_is_read_is_no_mixture(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    large(monkeypatch)
    first, second = bytes(6 << 20), b"\1" * (6 << 20)
    store.real.put_object(Bucket="archive", Key="large.bin", Body=first)
    with ANYWHERE.open_read(address("s3://archive/large.bin")) as source:
        assert source.read(100) == first[:100]
        store.real.put_object(Bucket="archive", Key="large.bin", Body=second)
        source.seek(5 << 20)
        try:
            assert source.read(100) == first[:100]
        except OSError as error:
            assert "changed" in str(error)  # noqa: PT017 - a store may also still hold the old one


def test_an_empty_object_is_an_empty_file(store: Store) -> None:
    store.real.put_object(Bucket="archive", Key="none.jpg", Body=b"")
    with ANYWHERE.open_read(address("s3://archive/none.jpg")) as file:
        assert file.read() == b""


def test_what_is_read_ahead_is_bounded_and_goes_with_the_job(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        store.real.put_object(Bucket="archive", Key=f"in/{number}.bin", Body=bytes(1000))
    monkeypatch.setattr("colorizer.io.remote.ahead.MOST", 2500)
    from colorizer.io.remote.ahead import Ahead
    from colorizer.io.remote.reading import opened

    ahead = Ahead(opened, 2500)
    places = [Remote("s3", f"archive/in/{number}.bin") for number in range(4)]
    for place in places:
        ahead.begin(place, 1000)
    held = [ahead.fetched.opened(place) for place in places]
    assert [file is not None for file in held] == [True, True, False, False]
    for file in held:
        if file is not None:
            assert file.read() == bytes(1000)
            file.close()
    ahead.end(places[0])
    ahead.begin(places[2], 1000)
    third = ahead.fetched.opened(places[2])
    assert third is not None
    third.close()
    folder = ahead.fetched.folder
    ahead.close()
    assert not folder.exists()


def test_two_that_add_to_a_journal_lose_nothing(store: Store) -> None:
    place: Address = address("s3://archive/out/.journal.jsonl")
    one, other = (of_job([place], ahead=False) for _ in range(2))
    for number in range(3):
        for who, storage in (("one", one), ("other", other)):
            with storage.open_append(place) as file:
                file.write(f"{who} {number}\n".encode())
    one.close()
    other.close()
    lines = sorted(line.strip() for line in ANYWHERE.lines(place))
    assert lines == sorted(f"{who} {number}".encode() for who in ("one", "other") for number in range(3))
    assert len(store.all("out/")) == 2
