"""The house: rooms import only from those below them; docs/architecture.md and its picture tell what is true."""

from __future__ import annotations

import configparser
import re
import runpy
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
MOST_LOOSE_MODULES = 8


def test_no_import_leads_upwards_and_none_in_a_circle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rules, and why the order is this one, stand in setup.cfg; `lint-imports` alone says the same."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", sys.path.copy())  # the linter adds the folder it is run in
    status = lint_imports(no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_the_picture_is_what_its_script_draws_and_shows_the_rooms_in_the_order_of_the_rules() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "draw_architecture.py"))
    drawn = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == script["draw"]()  # if not: python scripts/draw_architecture.py
    rules = configparser.ConfigParser()
    rules.read(ROOT / "setup.cfg", encoding="utf-8")
    layers = rules["importlinter:contract:rooms"]["layers"].split()
    shown = [room.name for floor in script["HOUSE"] for room in floor.rooms]
    assert shown == [layer for layer in layers if not layer.startswith("(")]


def test_the_page_has_a_row_for_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = "\n".join(re.findall(r"^\| `.*?\|", page, re.MULTILINE))
    rooms = [path.name for path in (ROOT / "colorizer").iterdir() if (path / "__init__.py").exists()]
    assert [room for room in rooms if f"`{room}/`" not in rows] == []


def test_what_has_a_room_lies_in_it() -> None:
    loose = [path.name for path in (ROOT / "colorizer").glob("*.py")]
    assert len(loose) <= MOST_LOOSE_MODULES, loose
