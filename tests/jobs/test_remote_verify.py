"""Results in a real S3 store (moto's server, on loopback) held against reports, journals, originals and marks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from conftest import Command
from remote_servers import variables
from remote_store import NEEDED, Store
from scans import encoded

from colorizer.io.address import address
from colorizer.io.remote import reading
from colorizer.jobs.verifying.file import Wanted, load_look

for package in NEEDED:
    pytest.importorskip(package)

VIEW = ("--model", "lite", "--engine", "opencv", "--size", "32", "--jobs", "1")
JSONL, CSV, HERE = "s3://archive/reports/report.jsonl", "s3://archive/reports/report.csv", "here.jsonl"


_made: dict[str, bytes] = {}
"""What the first test has made, for the others to begin with."""


@pytest.fixture
def archive(store: Store, colorize: Command, tmp_path: Path) -> Store:
    """Five results in `out`, made of `in`, with reports there and here."""
    if not _made:
        for number, name in enumerate(("a.jpg", "b.png", "box/c.tif", "box/d.webp", "box/e.jpg")):
            store.put_object(f"in/{name}", encoded(number, Path(name).suffix))
        for report in (JSONL, CSV, HERE):
            command = ("s3://archive/in", "-o", "s3://archive/out", *VIEW, "--report", report)
            assert colorize(*command, **store.environment).returncode == 0
        _made.update(store.all() | {HERE: (tmp_path / HERE).read_bytes()})
    for name, data in _made.items():
        store.put_object(name, data)
    store.delete(HERE)
    (tmp_path / HERE).write_bytes(_made[HERE])
    store.proxy.counts.clear()
    return store


WAYS = (("s3://archive/out",), ("s3://archive/out", "--report", JSONL), ("s3://archive/out", "--report", CSV), (HERE,))
"""What results are held against: the journal, and reports of either kind, wherever they are."""


def verified(colorize: Command, store: Store, *arguments: str) -> tuple[int, list[str], str]:
    """Status, findings in order, and the last line on stderr."""
    done = colorize("verify", *arguments, "--jobs", "1", **store.environment)
    return done.returncode, sorted(done.stdout.splitlines()), done.stderr.splitlines()[-1]


@pytest.mark.parametrize("way", WAYS)
def test_an_untouched_tree_is_as_it_should_be_and_is_read_once(
    way: tuple[str, ...], colorize: Command, archive: Store
) -> None:
    assert verified(colorize, archive, *way) == (0, [], "colorize: 5 of 5 files checked: all as it should be")
    assert archive.proxy.counts["GET"] <= 5 + 4  # the journal, of which each run has left a part, or the report
    assert archive.proxy.counts["LIST"] <= 7


@pytest.mark.parametrize("way", WAYS)
def test_what_is_missing_changed_extra_or_of_another_source_is_said(
    way: tuple[str, ...], colorize: Command, archive: Store
) -> None:
    found = archive.all("out/")
    archive.delete("out/a.jpg")
    archive.put_object("out/b.png", found["b.png"][:-20] + bytes([found["b.png"][-20] ^ 1]) + found["b.png"][-19:])
    archive.put_object("out/new.jpg", found["box/e.jpg"])
    archive.put_object("out/box/d.webp", found["box/e.jpg"])
    archive.put_object("out/notes.txt", b"no result")
    status, findings, last = verified(colorize, archive, *way)
    assert status == 1
    assert [finding.partition(" (")[0] for finding in findings] == [
        "changed: s3://archive/out/b.png: its content is not the one that was written",
        "extra: s3://archive/out/new.jpg: nothing is recorded of it",
        "made from another source: s3://archive/out/box/d.webp: its mark names e.jpg",
        "missing: s3://archive/out/a.jpg",
    ]
    assert "1 missing, 1 extra, 1 changed, 1 made from another source" in last


def test_a_tree_that_was_moved_and_one_object_of_a_tree(colorize: Command, archive: Store) -> None:
    for name, data in archive.all("out/").items():
        archive.put_object(f"moved/{name}", data)
    assert verified(colorize, archive, "s3://archive/moved", "--report", JSONL)[:2] == (0, [])
    one = verified(colorize, archive, "s3://archive/moved/box/c.tif")
    assert one == (0, [], "colorize: 1 of 1 file checked: all as it should be")


def test_a_tree_here_is_held_against_a_report_there(colorize: Command, archive: Store, tmp_path: Path) -> None:
    for name, data in archive.results("out/").items():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(data)
    assert verified(colorize, archive, "copy", "--report", CSV)[:2] == (0, [])


def test_originals_in_a_store_are_read_too(colorize: Command, archive: Store) -> None:
    assert verified(colorize, archive, "s3://archive/out", "--report", JSONL, "--originals")[:2] == (0, [])
    archive.put_object("in/a.jpg", encoded(99, ".jpg"))
    archive.delete("in/b.png")
    status, findings, _ = verified(colorize, archive, HERE, "--originals")
    assert status == 1
    changed, missing = findings
    assert changed.startswith("made from another source: s3://archive/out/a.jpg: s3://archive/in/a.jpg is not what")
    assert missing.startswith("missing: s3://archive/in/b.png: the original of s3://archive/out/b.png (there is")


def test_an_original_whose_signature_is_in_no_report_is_said_to_be_so(
    colorize: Command, archive: Store, tmp_path: Path
) -> None:
    text = archive.all()["reports/report.jsonl"].decode().replace("s3://archive/in/a.jpg", "https://host/a.jpg?...")
    (tmp_path / "signed.jsonl").write_text(text)
    status, findings, _ = verified(colorize, archive, "signed.jsonl", "--originals")
    assert (status, len(findings)) == (1, 1)
    assert findings[0].startswith("missing: https://host/a.jpg?...: the original of s3://archive/out/a.jpg (what foll")


def test_objects_of_which_nothing_is_recorded_speak_for_themselves(colorize: Command, archive: Store) -> None:
    found = archive.results("out/")
    for name in ("a.jpg", "b.png"):
        archive.put_object(f"alone/{name}", found[name])
    archive.put_object("alone/half.png", found["b.png"][: len(found["b.png"]) // 2])
    archive.put_object("alone/film.mp4", bytes(1000))
    done = colorize("verify", "s3://archive/alone", **archive.environment)
    assert done.returncode == 1
    assert done.stdout.startswith("damaged: s3://archive/alone/half.png: damaged or incomplete picture")
    assert done.stdout.count("\n") == 1
    assert "s3://archive/alone: nothing is recorded of it" in done.stderr
    assert "films that lie elsewhere are not looked into" in done.stderr


def test_what_is_not_there_or_may_not_be_seen_is_one_line(colorize: Command, archive: Store) -> None:
    archive.proxy.fault = lambda _, path: 403 if "forbidden" in path else None
    for arguments, words in (
        (("s3://archive/nowhere",), "s3://archive/nowhere: no such file or folder; name results, or a report"),
        (("s3://archive/out", "--report", "s3://archive/none.csv"), "s3://archive/none.csv: no such file or folder"),
        (("s3://archive/out", "--report", "s3://archive/in/a.jpg"), "s3://archive/in/a.jpg: is no report"),
        (("s3://forbidden/out",), "s3://forbidden/out: "),
    ):
        done = colorize("verify", *arguments, **archive.environment)
        assert done.returncode in (1, 2)
        (line,) = done.stderr.splitlines()
        assert words in line


def test_a_server_that_fails_is_no_finding_of_a_damaged_file(colorize: Command, archive: Store) -> None:
    failures = iter([500, None, 0, None, 503] + [None] * 1000)
    archive.proxy.fault = lambda *_: next(failures)
    assert verified(colorize, archive, "s3://archive/out")[:2] == (0, [])


def test_a_large_object_is_hashed_by_ranges(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IN_MEMORY", "RANGE"):
        monkeypatch.setattr(reading, name, 1 << 20)
    data = bytes(9 << 20)
    store.put_object("large.tif", data)
    looked = load_look()(Wanted(address("s3://archive/large.tif")))
    assert looked.size == len(data)
    assert looked.sha256 == hashlib.sha256(data).hexdigest()
    assert store.proxy.counts["GET"] >= 5  # a range is of two such blocks at most


def test_many_objects_are_read_by_processes(colorize_process: Command, store: Store, s3_port: int) -> None:
    for number in range(12):
        store.put_object(f"in/{number}.png", encoded(number, ".png"))
    environment = variables(s3_port)
    command = ("s3://archive/in", "-o", "s3://archive/out", *VIEW)
    assert colorize_process(*command, **environment).returncode == 0
    store.put_object("out/3.png", b"changed")
    done = colorize_process("verify", "s3://archive/out", "--jobs", "2", **environment)
    assert done.returncode == 1
    assert done.stdout.startswith("changed: s3://archive/out/3.png: ")
    assert "12 of 12 files checked: 1 changed" in done.stderr
