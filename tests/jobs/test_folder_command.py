"""Folders as a user meets them: trees, resuming, reports, interruptions, full disks."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from PIL import Image
from scans import BROKEN, encoded, make_broken, make_scans

from colorizer.networks.store import packaged_weights

JOURNAL = ".colorize-journal.jsonl"

SMALL_VIEW = ("--size", "32")
"""What the network sees, where colours are not the point: worse ones, in less time."""

ALONE = (*SMALL_VIEW, "--jobs", "1")
"""In the command's own process, where others are not the point."""


def files(folder: Path) -> dict[str, bytes]:
    """Contents of all files but the journal, by relative name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != JOURNAL
    }


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command under way, in a process group of its own as a shell would have it."""
    return subprocess.Popen(
        [sys.executable, "-m", "colorizer", *arguments],
        cwd=folder,
        env=os.environ | {"COLORIZER_HOME": str(folder / "home")},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(folder: Path, count: int, seconds: int = 30) -> None:
    """Until so many results are complete."""
    for _ in range(seconds * 100):
        if sum(path.is_file() for path in folder.rglob("[!.]*")) >= count:  # hidden are the parts of files
            return
        time.sleep(0.01)
    raise AssertionError(f"not even {count} results after {seconds} seconds")


def test_a_tree_is_mirrored_and_failures_are_named_at_the_end(colorize_process: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 8)
    (tmp_path / "scans" / "notes.txt").write_text("no picture")
    (tmp_path / "scans" / "bad.jpg").write_text("no picture")
    done = colorize_process("scans", "-o", "colored", "--report", "report.jsonl")
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    # PGM holds no colour, PPM is its sister that does
    expected = {name.replace(".pgm", ".ppm") for name in files(tmp_path / "scans")} - {"notes.txt", "bad.jpg"}
    assert set(files(tmp_path / "colored")) == expected
    said = done.stderr.splitlines()
    assert said[-1] == "colorize: 8 coloured, 1 failed"
    assert said[-2].startswith(f"colorize: {Path('scans', 'bad.jpg')}: text, not a picture")
    assert any("1 other files are no pictures" in line for line in said)
    report = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert sorted(line["status"] for line in report) == ["colored"] * 8 + ["failed"]
    for line in report:
        if line["status"] == "colored":
            with Image.open(tmp_path / line["input"]) as picture:
                assert picture.size == (line["width"], line["height"])
            assert (tmp_path / line["output"]).stat().st_size == line["output_bytes"]
        else:
            assert line["error"].startswith(str(Path("scans", "bad.jpg")))


def test_run_again_only_what_is_missing_or_broken_is_done(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 6)
    assert colorize("scans", "-o", "colored", *ALONE).returncode == 0
    unbroken = files(tmp_path / "colored")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "colored").rglob("*.*")}
    first, second, third, *rest = [tmp_path / "colored" / name for name in unbroken]
    first.unlink()
    second.write_bytes(second.read_bytes()[:-40])
    third.write_bytes(b"")
    done = colorize("scans", "-o", "colored", *ALONE)
    assert "3 coloured, 3 exists, kept" in done.stderr
    assert files(tmp_path / "colored") == unbroken
    assert all(path.stat().st_mtime_ns == stamps[path] for path in rest)


def test_without_its_journal_nothing_is_lost_but_time(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 4)
    assert colorize("scans", "-o", "colored", *ALONE).returncode == 0
    unbroken = files(tmp_path / "colored")
    (tmp_path / "colored" / JOURNAL).unlink()
    broken = tmp_path / "colored" / next(iter(unbroken))
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    assert "1 coloured, 3 exists, kept" in colorize("scans", "-o", "colored", *ALONE).stderr
    assert files(tmp_path / "colored") == unbroken


def test_what_is_no_picture_in_an_outputs_place_is_kept(colorize: Command, tmp_path: Path) -> None:
    (scan,) = make_scans(tmp_path / "scans", 1)
    place = tmp_path / "colored" / scan.relative_to(tmp_path / "scans")
    place.parent.mkdir(parents=True)
    place.write_text("somebody's notes")
    done = colorize("scans", "-o", "colored", *ALONE)
    assert "no picture" in done.stderr
    assert place.read_text() == "somebody's notes"


def test_update_redoes_what_was_made_from_another_input_or_otherwise(colorize: Command, tmp_path: Path) -> None:
    paths = make_scans(tmp_path / "scans", 4)
    assert colorize("scans", "-o", "colored", *ALONE).returncode == 0
    assert "4 exists, kept" in colorize("scans", "-o", "colored", *ALONE, "--update").stderr
    paths[0].write_bytes(encoded(99, paths[0].suffix))
    assert "1 coloured, 3 exists, kept" in colorize("scans", "-o", "colored", *ALONE, "--update").stderr
    assert "4 coloured" in colorize("scans", "-o", "colored", *ALONE, "--update", "--saturation", "0.5").stderr


def said_of_kept(stderr: str) -> str:
    """What is said of outputs that would come out otherwise; "" where nothing is."""
    return next((line.removeprefix("colorize: ") for line in stderr.splitlines() if "--update does" in line), "")


def test_outputs_made_otherwise_are_said_with_the_reason_and_update_does_just_these(
    colorize: Command, tmp_path: Path
) -> None:
    paths = sorted(make_scans(tmp_path / "scans", 5))
    job = ("scans", "-o", "colored", *ALONE)
    assert said_of_kept(colorize(*job).stderr) == ""
    assert said_of_kept(colorize(*job).stderr) == ""
    assert said_of_kept(colorize(*job, "--model", "lite", "--threads", "1").stderr) == ""
    others = (*job, "--saturation", "0.5")
    assert said_of_kept(colorize(*others).stderr) == "5 exist, made with other options: --update does them again"
    rehearsal = colorize(*others, "--dry-run")
    assert said_of_kept(rehearsal.stderr) == "5 exist, made with other options: --update does them again"
    assert "5 pictures, 5 of them there already" in rehearsal.stderr
    paths[0].write_bytes(encoded(99, paths[0].suffix))
    hints = paths[1].with_name(paths[1].stem + ".hints.json")
    hints.write_text(json.dumps({"version": 1, "hints": [{"points": [[0.5, 0.5]], "color": "#b03028"}]}))
    wanted = "2 exist, made otherwise (1 from another input, 1 with other hints): --update does them again"
    assert said_of_kept(colorize(*job).stderr) == wanted
    assert "5 pictures, 3 of them there already" in colorize(*job, "--update", "--dry-run").stderr
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "colored").rglob("*.*") if path.name != JOURNAL}
    done = colorize(*job, "--update", "--report", "report.jsonl")
    assert "2 coloured, 3 exists, kept" in done.stderr
    assert said_of_kept(done.stderr) == ""
    changed = {path for path, time in before.items() if path.stat().st_mtime_ns != time}
    report = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert changed == {tmp_path / line["output"] for line in report if line["status"] == "colored"}
    assert len(changed) == 2
    assert said_of_kept(colorize(*job).stderr) == ""


def test_an_output_of_another_network_is_said_to_be_one(
    colorize: Command, tmp_path: Path, photographs: list[Path]
) -> None:
    make_scans(tmp_path / "scans", 1)
    job = ("scans", "-o", "colored", *ALONE)
    assert colorize(*job).returncode == 0
    packaged = packaged_weights() / "lite"
    for path in (packaged if packaged.is_dir() else packaged_weights()).glob("lite.*"):
        shutil.copy(path, tmp_path / path.name.replace("lite.", "mine."))
    done = colorize(*job, "--model", "mine.caffemodel")
    assert said_of_kept(done.stderr) == "1 exists, made with another network: --update does it again"
    assert "made with another network" in done.stderr


def test_every_line_of_a_report_is_a_full_one(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 4)
    job = ("scans", "-o", "colored", *ALONE)

    def lines(*more: str) -> list[dict[str, Any]]:
        done = colorize(*job, "--report", "report.jsonl", *more)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
        return sorted(found, key=lambda line: str(line["input"]))

    first = lines()
    for line in first:
        source, target = tmp_path / line["input"], tmp_path / line["output"]
        assert line["address"] == source.as_uri()
        assert line["input_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
        assert line["output_sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
        assert line["making"]["source"] == {"name": source.name, "sha256": line["input_sha256"]}
        assert (line["pages"], line["place"]) == (1, target.relative_to(tmp_path / "colored").as_posix())
        assert abs(datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp() - time.time()) < 600
    kept = lines()
    assert [line["status"] for line in kept] == ["kept"] * 4
    told_anew = ("status", "seconds")
    for was, now in zip(first, kept, strict=True):
        assert {name: was[name] for name in was if name not in told_anew} == {
            name: now[name] for name in now if name not in told_anew
        }
    (tmp_path / "colored" / JOURNAL).unlink()
    for was, now in zip(first, lines(), strict=True):
        if now["output"].endswith(".ppm"):  # which holds no mark
            continue
        for name in ("input_sha256", "output_sha256", "pages", "width", "height"):
            assert was[name] == now[name]
        assert now["making"].items() >= {key: was["making"][key] for key in ("model", "settings", "source")}.items()


def test_a_report_may_be_a_table(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 3)
    (tmp_path / "scans" / 'a, "b".jpg').write_text("no picture")
    assert colorize("scans", "-o", "colored", *ALONE, "--report", "report.csv").returncode == 1
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["status"] for row in rows) == ["colored"] * 3 + ["failed"]
    for row in rows:
        if row["status"] == "failed":
            assert row["input"] == str(Path("scans", 'a, "b".jpg'))
            assert row["error"]
        else:
            data = (tmp_path / row["output"]).read_bytes()
            assert (int(row["output_bytes"]), row["output_sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
            assert json.loads(row["making"])["source"]["sha256"] == row["input_sha256"]


def test_two_inputs_for_one_output_are_found_before_work_starts(colorize: Command, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        make_scans(tmp_path / folder, 2)
    done = colorize("a", "b", "-o", "out")
    assert done.returncode == 2
    assert "would be written there" in done.stderr
    assert not (tmp_path / "out").exists()


def test_inputs_may_be_listed_and_the_list_may_come_from_a_pipe(colorize: Command, tmp_path: Path) -> None:
    paths = make_scans(tmp_path / "scans", 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "list.txt").write_text("\n".join(map(str, paths[:2])))
    assert "2 coloured" in colorize("--files-from", "list.txt", "-o", "out", *ALONE).stderr
    done = colorize("--files-from", "-", "-o", "out", *ALONE, stdin=b"\0".join(map(os.fsencode, paths)))
    assert "1 coloured, 2 exists, kept" in done.stderr or "exists, kept" in done.stderr
    assert len(files(tmp_path / "out")) == 3


def test_include_exclude_suffix_and_format_shape_the_output(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 6)
    done = colorize(
        "scans", "-o", "out", "--include", "*.tif", "--include", "*.png", "--suffix", "-tinted", "--format", "png"
    )
    assert done.returncode == 0, done.stderr
    assert set(files(tmp_path / "out")) == {"box000/scan 00001-tinted.png", "box000/scan 00002-tinted.png"}


def test_dry_run_lists_estimates_and_writes_nothing(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 4)
    done = colorize("scans", "-o", "out", "--dry-run")
    assert done.returncode == 0
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == [
        str(Path("out", path.relative_to(tmp_path / "scans"))) for path in sorted((tmp_path / "scans").rglob("*.*"))
    ]
    assert "4 pictures" in done.stderr
    assert "MB" in done.stderr
    assert not (tmp_path / "out").exists()


def test_fail_fast_stops_at_the_first_failure(colorize: Command, tmp_path: Path) -> None:
    make_broken(tmp_path / "scans" / "a", 1)
    make_scans(tmp_path / "scans", 30)
    done = colorize("scans", "-o", "out", "--fail-fast", "--jobs", "1")
    assert done.returncode == 1
    assert "not begun" in done.stderr
    assert len(files(tmp_path / "out")) < 30


def test_progress_for_programs_is_lines_of_json_on_stderr(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 5)
    done = colorize("scans", "-o", "out", "--progress", "json", "-q", *ALONE)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["done"] for event in events] == [1, 2, 3, 4, 5]
    assert events[-1]["total"] == 5
    assert events[-1]["failed"] == 0
    assert events[-1]["pixels_per_second"] > 0


@pytest.mark.parametrize("way", BROKEN)
def test_each_way_of_being_broken_has_its_own_line(way: str, colorize: Command, tmp_path: Path) -> None:
    suffix, data = BROKEN[way]()
    (tmp_path / f"broken{suffix}").write_bytes(data)
    done = colorize(f"broken{suffix}", "--model", "lite")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"colorize: broken{suffix}: ")
    assert {path.name for path in tmp_path.iterdir()} <= {f"broken{suffix}", "home"}


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_the_first_signal_finishes_what_is_under_way_and_the_run_can_go_on(
    number: signal.Signals, colorize: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 60)
    process = start(tmp_path, "scans", "-o", "out", "--jobs", "2")
    wait_for(tmp_path / "out", 5)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "the same command goes on with the rest" in said
    assert not list((tmp_path / "out").rglob(".*.part"))
    begun = len(files(tmp_path / "out"))
    assert begun < 60
    done = colorize("scans", "-o", "out", *ALONE)
    assert done.returncode == 0, done.stderr
    assert f"{begun} exists, kept" in done.stderr
    assert len(files(tmp_path / "out")) == 60


def test_the_second_signal_stops_at_once(tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 60)
    process = start(tmp_path, "scans", "-o", "out", "--jobs", "2")
    wait_for(tmp_path / "out", 3)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_killed_run_leaves_no_broken_output_and_ends_like_an_unbroken_one(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 40)
    assert colorize("scans", "-o", "unbroken", "--jobs", "1", "--fast").returncode == 0
    for enough in (3, 13, 26):
        process = start(tmp_path, "scans", "-o", "out", "--jobs", "2", "--fast")
        wait_for(tmp_path / "out", enough)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        for path in (tmp_path / "out").rglob("[!.]*"):  # workers may still be ending, with hidden parts of files
            if path.is_file():
                name = path.relative_to(tmp_path / "out")
                assert path.read_bytes() == (tmp_path / "unbroken" / name).read_bytes()
    assert colorize("scans", "-o", "out", "--jobs", "1", "--fast").returncode == 0
    assert files(tmp_path / "out") == files(tmp_path / "unbroken")


def test_an_output_folder_that_vanishes_ends_the_run_and_is_not_made_anew(colorize: Command, tmp_path: Path) -> None:
    make_scans(tmp_path / "scans", 60)
    process = start(tmp_path, "scans", "-o", "out", "--jobs", "2", "--fast")
    wait_for(tmp_path / "out", 3)
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "the output folder out is gone" in said
    assert not (tmp_path / "out").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "out")
    assert colorize("scans", "-o", "out", *ALONE).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 200 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = sys.platform == "linux" and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("only an administrator of a Linux machine can make a disk that is full")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_stops_the_run_and_once_there_is_room_it_goes_on(
    small_disk: Path, colorize: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 60)
    full = colorize("scans", "-o", small_disk / "out", *SMALL_VIEW)
    assert full.returncode == 1
    assert "the disk is full" in full.stderr
    assert "not begun" in full.stderr
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert colorize("scans", "-o", small_disk / "out", *ALONE).returncode == 0
    assert colorize("scans", "-o", "unbroken", *ALONE).returncode == 0
    assert files(small_disk / "out") == files(tmp_path / "unbroken")


def test_a_folder_that_turns_read_only_ends_the_run_and_once_writable_it_goes_on(
    small_disk: Path, colorize: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 20)
    (small_disk / "out").mkdir()
    subprocess.run(["mount", "-o", "remount,ro,size=20m", str(small_disk)], check=True)
    locked = colorize("scans", "-o", small_disk / "out", *SMALL_VIEW)
    assert locked.returncode == 1
    assert "cannot be written to" in locked.stderr
    assert "not begun" in locked.stderr
    subprocess.run(["mount", "-o", "remount,rw,size=20m", str(small_disk)], check=True)
    assert colorize("scans", "-o", small_disk / "out", *ALONE).returncode == 0
