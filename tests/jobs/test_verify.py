"""Trees of results held against reports, journals, originals and the marks in files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import Command
from PIL import Image
from scans import encoded, make_scans

from colorizer.media.metadata.scanning import PacketScanner

VIEW = ("--model", "lite", "--engine", "opencv", "--size", "32", "--jobs", "1")
JOURNAL = ".colorize-journal.jsonl"


@pytest.fixture
def tree(colorize: Command, tmp_path: Path) -> Path:
    """Six results in `out`, made of `scans`, with two reports."""
    for number, name in enumerate(("a.jpg", "b.png", "box/c.tif", "box/d.webp", "box/e.jpg", "f.pgm")):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(number, path.suffix))
    for report in ("report.jsonl", "report.csv"):
        assert colorize("scans", "-o", "out", *VIEW, "--report", report).returncode == 0
    return tmp_path / "out"


WAYS = (("out",), ("out", "--report", "report.jsonl"), ("out", "--report", "report.csv"), ("report.jsonl",))
"""What results are held against: the journal, and reports of either kind."""


def verified(colorize: Command, *arguments: str) -> tuple[int, list[str], str]:
    """Status, findings in order, and the last line on stderr."""
    done = colorize("verify", *arguments, "--jobs", "1")
    return done.returncode, sorted(done.stdout.splitlines()), done.stderr.splitlines()[-1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("tree")
def test_an_untouched_tree_is_as_it_should_be(way: tuple[str, ...], colorize: Command) -> None:
    assert verified(colorize, *way) == (0, [], "colorize: 6 of 6 files checked: all as it should be")


@pytest.mark.parametrize("way", WAYS)
def test_what_is_missing_changed_extra_or_of_another_source_is_said(
    way: tuple[str, ...], colorize: Command, tree: Path
) -> None:
    (tree / "a.jpg").unlink()
    data = bytearray((tree / "b.png").read_bytes())
    data[-20] ^= 1
    (tree / "b.png").write_bytes(data)
    shutil.copy(tree / "box" / "e.jpg", tree / "new.jpg")
    (tree / "notes.txt").write_text("no result")
    colorize("scans/box/e.jpg", "-o", "out/box/d.webp", "--overwrite", *VIEW)
    status, findings, last = verified(colorize, *way)
    assert status == 1
    assert [finding.partition(" (")[0] for finding in findings] == [
        f"changed: {Path('out', 'b.png')}: its content is not the one that was written",
        f"extra: {Path('out', 'new.jpg')}: nothing is recorded of it",
        f"made from another source: {Path('out', 'box', 'd.webp')}: its mark names e.jpg",
        f"missing: {Path('out', 'a.jpg')}",
    ]
    for words in ("5 of 5 files", "1 missing", "1 extra", "1 changed", "1 made from another source"):
        assert words in last


def test_a_result_of_another_network_or_setting_is_told_from_one_that_changed(colorize: Command, tree: Path) -> None:
    colorize("scans/a.jpg", "-o", "out/a.jpg", "--overwrite", *VIEW, "--saturation", "0.5")
    status, findings, _ = verified(colorize, "out")
    assert (status, len(findings)) == (1, 1)
    assert findings[0].startswith(f"made otherwise: {tree.name}")
    assert "another settings" in findings[0]


def test_a_tree_that_was_moved_is_held_against_its_report(colorize: Command, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    tree.rename(tmp_path / "archive" / "2026")
    (tmp_path / "archive" / "2026" / JOURNAL).unlink()
    assert verified(colorize, "archive/2026", "--report", "report.jsonl")[0] == 0
    status, findings, _ = verified(colorize, "report.jsonl")
    assert (status, len(findings)) == (1, 6)
    assert all(finding.startswith("missing: ") for finding in findings)


def test_one_file_of_a_tree_is_held_against_the_folders_journal(colorize: Command, tree: Path) -> None:
    assert verified(colorize, "out/box/c.tif") == (0, [], "colorize: 1 of 1 file checked: all as it should be")
    with (tree / "box" / "c.tif").open("ab") as file:
        file.write(b"more")
    status, findings, _ = verified(colorize, "out/box/c.tif")
    assert status == 1
    assert findings[0].startswith(f"changed: {Path('out', 'box', 'c.tif')}")


def test_originals_are_held_against_what_results_say_of_them(colorize: Command, tree: Path, tmp_path: Path) -> None:
    assert verified(colorize, "out", "--report", "report.jsonl", "--originals")[0] == 0
    (tmp_path / "scans" / "a.jpg").write_bytes(encoded(99, ".jpg"))
    (tmp_path / "scans" / "b.png").unlink()
    status, findings, _ = verified(colorize, "report.csv", "--originals")
    assert status == 1
    assert len(findings) == 2
    assert findings[0].startswith(f"made from another source: {Path('out', 'a.jpg')}: {Path('scans', 'a.jpg')} is not")
    assert findings[1].startswith(f"missing: {Path('scans', 'b.png')}: the original of {Path('out', 'b.png')}")
    done = colorize("verify", "out", "--originals")
    assert done.returncode == 2
    assert "--originals: where originals are is told by a report" in done.stderr


def test_without_any_record_files_speak_for_themselves(colorize: Command, tree: Path) -> None:
    (tree / JOURNAL).unlink()
    (tree / "f.ppm").unlink()  # a format that says nothing
    status, findings, _ = verified(colorize, "out")
    assert (status, findings) == (0, [])
    data = (tree / "b.png").read_bytes()
    (tree / "b.png").write_bytes(data[: len(data) // 2])
    Image.new("L", (30, 20), 90).save(tree / "foreign.jpg")
    done = colorize("verify", "out")
    assert "nothing is recorded of it" in done.stderr
    damaged, unmarked = sorted(done.stdout.splitlines())
    assert damaged.startswith(f"damaged: {Path('out', 'b.png')}: damaged or incomplete picture")
    assert unmarked == f"unmarked: {Path('out', 'foreign.jpg')}: it does not say how it was made"


def test_a_copy_of_the_tree_keeps_what_is_known_of_it(colorize: Command, tree: Path, tmp_path: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if path.is_file():
            path.touch()  # as a copy without times has them
    again = colorize("scans", "-o", "out", *VIEW, "--report", "again.jsonl")
    assert "6 exists, kept" in again.stderr
    assert "--update" not in again.stderr
    otherwise = colorize("scans", "-o", "out", *VIEW, "--saturation", "0.5")
    assert "6 exist, made with other options" in otherwise.stderr


def test_failures_and_damaged_lines_of_a_report_are_findings(colorize: Command, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "scans" / "bad.jpg").write_text("no picture")
    assert colorize("scans", "-o", "out", *VIEW, "--report", "report.jsonl").returncode == 1
    with (tmp_path / "report.jsonl").open("a") as file:
        file.write('{"input": "scans/torn')
    status, findings, _ = verified(colorize, "out", "--report", "report.jsonl")
    assert status == 1
    assert findings[0].startswith(f"failed: {Path('scans', 'bad.jpg')}: text, not a picture")
    assert findings[1] == "report: report.jsonl: a line cannot be read"


def test_what_is_no_report_or_does_not_exist_is_wrong_use(colorize: Command, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for arguments, words in (
        (("nowhere",), "nowhere: no such file or folder"),
        (("out", "--report", "other.csv"), "other.csv: is no report"),
        ((), "no OUTPUT given"),
    ):
        done = colorize("verify", *arguments)
        assert done.returncode in (1, 2)
        (line,) = done.stderr.splitlines()
        assert words in line


def test_a_picture_in_colour_that_passed_is_as_recorded(
    colorize: Command, tmp_path: Path, photographs: list[Path]
) -> None:
    (tmp_path / "scans").mkdir()
    with Image.open(photographs[0]) as picture:
        picture.thumbnail((96, 96))
        picture.save(tmp_path / "scans" / "colour.png")
    (tmp_path / "scans" / "grey.png").write_bytes(encoded(1, ".png"))
    # a result of an earlier time, which is in colour and has a mark of its own
    assert colorize("scans/grey.png", "-o", "scans/earlier.png", *VIEW, "--saturation", "3").returncode == 0
    for report in ("first.jsonl", "second.jsonl"):
        assert colorize("scans", "-o", "out", "--keep-color", *VIEW, "--report", report).returncode == 0
        assert verified(colorize, "out", "--report", report)[:2] == (0, [])
    assert verified(colorize, "out")[:2] == (0, [])


def test_many_files_are_read_by_processes_with_progress(colorize_process: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 12)
    assert colorize_process("scans", "-o", "out", *VIEW).returncode == 0
    next(path for path in (tmp_path / "out").rglob("*.png")).write_bytes(b"changed")
    done = colorize_process("verify", "out", "--jobs", "2", "--progress", "json")
    assert done.returncode == 1
    assert done.stdout.startswith("changed: ")
    event = json.loads(done.stderr.splitlines()[-2])
    assert (event["done"], event["total"]) == (12, 12)


@pytest.mark.parametrize("size", [1, 7, 11, 64, 1000])
def test_packets_are_found_whole_however_a_file_is_cut(size: int) -> None:
    packets = [b"<x:xmpmeta a='1'>" + bytes([65 + n]) * n * 40 + b"</x:xmpmeta>" for n in range(5)]
    data = b"\xff\xd8 <x:xmp " + b" </x:xmpmeta> ".join(packets) + b"<x:xmpmeta never closed"
    scanner = PacketScanner()
    found = [packet for start in range(0, len(data), size) for packet in scanner.feed(data[start : start + size])]
    assert found == packets
