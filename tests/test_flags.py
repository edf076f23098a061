"""The library's words: what is said outside `cli` and `web` names no flag and nothing to type into a shell.

How an option is written depends on who asks: `--temperature` on the command line, `temperature` in Python and in the
page's API. So errors, notes and help texts name options by `OptionRef` and remedies by kind (`colorizer.errors`), and
`cli` and `web` spell them. Other programs' commands (`python -m gzip`, `ffmpeg -f`) may be told of.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import colorizer

PACKAGE = Path(colorizer.__file__).parent
SPELLERS = {"cli", "web"}
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if not SPELLERS & set(path.relative_to(PACKAGE).parts) and path.is_file()
)

TYPED = re.compile(
    r"""(?<![\w-])--[a-z][a-z-]+  # a flag
    | (?<![\w-])-[ohqv]\b        # one of the short ones that there are
    | \bcolorize\s(?:weights|doctor|evaluate|serve|video|-)
    | \bpip\ install\b""",
    re.VERBOSE,
)
CSS_PROPERTY = re.compile(r"var\(--[a-z]+\)|(?<=[{;])\s*--[a-z]+:")
"""A page's style has properties that look like flags: `--ink: #222` and `var(--ink)`."""


def docstrings(tree: ast.Module) -> set[int]:
    """Identities of the strings that stand alone as statements: docstrings, of attributes too."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def typed(source: str) -> Iterator[str]:
    """Lines with strings, other than docstrings, that name a flag or a shell's line."""
    tree = ast.parse(source)
    passed = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            for found in TYPED.finditer(CSS_PROPERTY.sub("", node.value)):
                yield f"line {node.lineno}: {found[0]}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_messages_of_the_library_name_nothing_to_type(path: Path) -> None:
    assert list(typed(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "leave out --keep-times",
        "name it with -o",
        "run `colorize weights verify`",
        "pip install 'colorize-photos[web]'",
    ],
)
def test_what_is_to_be_typed_is_found(text: str) -> None:
    assert list(typed(f"raise UsageError({text!r})"))
    assert list(typed(f"raise UsageError(f'{{path}}: ' {text!r})"))
    assert not list(typed(f'def f():\n    """{text}"""\n'))


@pytest.mark.parametrize(
    "text",
    [
        "a - b",
        "L - 50",
        "scikit-image",
        "1-9",
        "--- a",
        "python -m gzip -d x.gz",
        ":root{--ink:#222} p{color:var(--ink)}",
    ],
)
def test_what_only_looks_like_it_is_passed_over(text: str) -> None:
    assert not list(typed(repr(text)))
