"""The house: rooms import only from those below them; docs/architecture.md and its picture tell what is true."""

from __future__ import annotations

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


def test_what_has_a_room_lies_in_it() -> None:
    loose = [path.name for path in (ROOT / "colorizer").glob("*.py")]
    assert len(loose) <= MOST_LOOSE_MODULES, loose
