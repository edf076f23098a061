"""The page on formats names every format, suffix and option."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from colorizer.cli.wording import flag
from colorizer.media import Output
from colorizer.media.formats import FORMATS
from colorizer.media.options import FORMAT_NAMES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def test_every_format_and_suffix_is_in_the_table() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    for item in FORMATS.values():
        assert any(all(suffix in row.split("|")[2].split() for suffix in item.suffixes) for row in rows), item.name


def test_every_option_of_writing_is_in_the_table() -> None:
    for item in fields(Output):
        assert f"| `{flag(item.name)}` |" in PAGE
        for choice in item.metadata["option"].choices:
            assert choice == "auto" or f"`{choice}`" in PAGE


def test_format_names_are_the_formats_that_can_be_written() -> None:
    assert set(FORMAT_NAMES) == {name.lower() for name, item in FORMATS.items() if item.writable}
