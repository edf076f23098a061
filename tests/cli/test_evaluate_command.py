"""`colorize evaluate` as a user meets it."""

from __future__ import annotations

import csv
import json
import shutil
import tarfile
from dataclasses import fields
from pathlib import Path

import click
import pytest
from conftest import Command
from PIL import Image

from colorizer import Settings
from colorizer.cli.evaluate import evaluate
from colorizer.cli.wording import flag
from colorizer.errors import OptionRef

QUICK = ("--engine", "opencv", "--size", "64", "--precision", "fp32", "--resamples", "50")


@pytest.fixture
def photos(tmp_path: Path, photographs: list[Path]) -> Path:
    """Five small colour photographs, in a folder `photos` where the command runs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in photographs[:5]:
        with Image.open(path) as image:
            image.convert("RGB").resize((96, 64), Image.Resampling.BOX).save(folder / f"{path.stem}.png")
    return folder


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_is_aligned_markdown_and_says_what_it_is_of(colorize_process: Command, photos: Path) -> None:
    done = colorize_process("evaluate", "photos", "--model", "lite", *QUICK)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    table, notes = done.stdout.rstrip("\n").split("\n\n")
    lines = table.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert cells(lines[0]) == ["measure", "better", "original", "grey", "tint, raw", "tint, equal", "lite"]
    assert set("".join(cells(lines[1]))) == {"-", ":"}
    rows = {cells(line)[0]: cells(line) for line in lines[2:]}
    assert len(rows) == len(lines) - 2
    assert all("\u00b1" in cell for cell in rows["AuC raw, %"][3:])
    assert float(rows["CF (DDColor)"][2]) > 10
    assert notes.startswith("- 5 pictures measured; left out: 0 grey, 0 unreadable\n- protocol native: ")
    assert "95 % bootstrap interval, 50 resamplings" in notes
    assert "- lite: lite in OpenCV" in notes


def test_configurations_stand_side_by_side_and_json_has_their_figures(colorize: Command, photos: Path) -> None:
    options = ("--model", "lite", "--saturation", "0.5", "--saturation", "1", "--protocol", "ddcolor", "--json")
    done = colorize("evaluate", "photos", *options, *QUICK)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["protocol"]["name"] == "ddcolor"
    assert found["pictures"] == {"measured": 5, "grey": 0, "unreadable": 0, "enlarged": 5}
    names = [candidate["name"] for candidate in found["candidates"]]
    assert names == ["grey", "tint, raw", "tint, equal", "lite, saturation 0.5", "lite, saturation 1.0"]
    half, whole = (candidate["figures"]["chroma_ratio"] for candidate in found["candidates"][3:])
    assert half["value"] == pytest.approx(whole["value"] / 2, rel=0.05)
    assert half["low"] <= half["value"] <= half["high"]
    assert not any(figure["ahead"] for figure in found["candidates"][0]["figures"].values())


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_every_picture_has_a_line_for_every_candidate(
    colorize: Command, photos: Path, tmp_path: Path, suffix: str
) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        tar.add(photos, "x")
    done = colorize("evaluate", "set.tar", "--model", "lite", "--limit", "2", "--per-picture", f"all.{suffix}", *QUICK)
    assert done.returncode == 0, done.stderr
    with (tmp_path / f"all.{suffix}").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file)) if suffix == "csv" else [json.loads(line) for line in file]
    assert len(lines) == 2 * 4
    assert [line["candidate"] for line in lines[:4]] == ["grey", "tint, raw", "tint, equal", "lite"]
    assert all(line["picture"].startswith("set.tar:x/") for line in lines)
    means = sum(float(line["psnr"]) for line in lines if line["candidate"] == "lite") / 2
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("| PSNR")]
    assert cells(row)[-1].startswith(f"{means:.2f}")
    assert not list(tmp_path.glob(".*.part"))


def test_the_report_is_one_file(colorize: Command, photos: Path, tmp_path: Path) -> None:
    done = colorize("evaluate", "photos", "--model", "lite", "--html", "report.html", "--examples", "1", *QUICK)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<figure>") == 2
    assert "5 pictures measured" in text
    assert {path.name for path in tmp_path.iterdir()} <= {"photos", "report.html", "home"}


def test_unreadable_pictures_are_named_counted_and_told_by_the_status(colorize: Command, photos: Path) -> None:
    (photos / "bad.jpg").write_text("no picture")
    with Image.open(next(photos.glob("*.png"))) as image:
        image.convert("L").save(photos / "grey.png")
    done = colorize("evaluate", "photos", "--model", "lite", "-q", *QUICK)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("colorize: ")
    assert "bad.jpg: text, not a picture" in line
    assert "- 5 pictures measured; left out: 1 grey, 1 unreadable" in done.stdout


def test_auto_says_which_network_it_took_and_the_environment_may_name_one(
    colorize: Command, photos: Path, tmp_path: Path
) -> None:
    said = colorize("evaluate", "photos", "--limit", "1", *QUICK)
    assert "colorize weights download zhang16" in said.stderr
    lite = Path(__file__).parent.parent.parent / "weights"
    folder = tmp_path / "two words"
    folder.mkdir()
    shutil.copy(lite / "lite.caffemodel", folder / "mine.caffemodel")
    shutil.copy(lite / "lite.prototxt", folder / "mine.prototxt")
    model = str(folder / "mine.caffemodel")
    named = colorize("evaluate", "photos", "--limit", "1", *QUICK, COLORIZE_MODEL=model)
    assert named.returncode == 0, named.stderr
    assert named.stderr == ""
    assert cells(named.stdout.splitlines()[0])[-1] == "mine"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "no DIR, LIST, TAR or PICTURE given"),
        (["missing"], 1, "missing: no such file or folder"),
        (["notes.doc"], 2, "notes.doc: neither a folder"),
        (["empty"], 1, "none of 0 files"),
        (["photos", "--model", "no-such-model"], 2, "no-such-model"),
        (["photos", "--temperature", "0"], 2, "--temperature 0"),
        (["photos", "--protocol", "mine"], 2, "mine"),
        (["photos", "--protocol", "zhang16", "--size", "320"], 2, "leave out --size 320"),
        (["photos", "--per-picture", "all.xls"], 2, "all.xls: unknown suffix"),
        (["photos", "--per-picture", "no/all.csv"], 1, "no/all.csv: cannot be written"),
        (["photos", "--html", "no/report.html"], 1, "no such folder"),
        (["photos", "--strength", "0.5"], 2, "--strength"),
        (["photos", "--keep-color"], 2, "--keep-color"),
        (["photos", "--compat", "--saturation", "2"], 2, "--compat: computes with fixed settings"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_use_is_one_line_and_the_right_status(
    arguments: list[str], status: int, said: str, colorize: Command, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.doc").write_bytes(b"dear sir\n")
    (tmp_path / "empty").mkdir()
    done = colorize("evaluate", *arguments)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if "weights download" not in line]
    assert line.startswith("colorize: ")
    assert said in line.replace("\\", "/")
    assert not list(tmp_path.glob(".*.part"))


def test_the_documentation_names_every_option_of_its_own() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "quality.md").read_text(encoding="utf-8")
    shared = {flag(OptionRef(item.name)) for item in fields(Settings)}
    own = {param.opts[-1] for param in evaluate.params if isinstance(param, click.Option)} - shared - {"--help"}
    assert len(own) > 8
    for name in own:
        assert f"`{name}" in page, name
    for param in evaluate.params:
        assert not isinstance(param, click.Option) or param.help


def test_help_names_every_option(colorize: Command) -> None:
    done = colorize("evaluate", "--help")
    assert done.returncode == 0
    for option in ("--protocol", "--html", "--per-picture", "--json", "--model", "--engine", "--fit", "--temperature"):
        assert option in done.stdout
    for leaking in ("--strength", "--keep-color"):
        assert leaking not in done.stdout
