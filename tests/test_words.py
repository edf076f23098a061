"""Words that reach a user are for people: no talk of libraries, and nothing handed on from what libraries say.

All strings of the package, other than docstrings, are looked through. What is caught may go into a message only where
it is an error of our own; what a library says goes through a function that makes words of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_flags import docstrings

import colorizer

PACKAGE = Path(colorizer.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
OWN = {
    node.name
    for path in MODULES
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
}

LIBRARY_TALK = re.compile(
    r"""reshape|shape\ mismatch|broadcast|NoneType|\b[Ee]rrno\b|codec\ can|traceback|\bnull\ pointer|segfault
    | \b[A-Z][a-z]+(?:Error|Exception)\b
    | not\ a\ valid|invalid\ literal|out\ of\ range|char\ \d|\bIFD\b|\bstr\b|\bkwargs?\b|\bdtype\b
    | unexpected\ keyword|not\ subscriptable|has\ no\ attribute""",
    re.VERBOSE,
)
NO_MESSAGES = {
    "has no attribute",  # what Python expects of a module's __getattr__
}


def spoken(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Strings of more than one word that are no docstrings, with their lines."""
    passed = docstrings(tree)
    passed |= {id(part) for node in ast.walk(tree) if _is_for_no_reader(node) for part in ast.walk(node)}
    for node in ast.walk(tree):
        said = node.value if isinstance(node, ast.Constant) and id(node) not in passed else None
        if isinstance(node, ast.Constant) and isinstance(said, str) and " " in said.strip():
            yield node.lineno, said


def _is_for_no_reader(node: ast.AST) -> bool:
    """Whether its words are shown to nobody: a pattern, which is matched with what libraries say, or a type's name."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"re.compile", "cast"}


def handed_on(tree: ast.Module) -> Iterator[str]:
    """What is put into a message as some library said it: an error that was caught and is not of our own classes."""
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or not handler.name or handler.type is None:
            continue
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if all(ast.unparse(one).rsplit(".", 1)[-1] in OWN for one in caught):
            continue
        for node in ast.walk(handler):
            shown = node.value if isinstance(node, ast.FormattedValue) else None
            if isinstance(node, ast.BoolOp):  # `error.strerror or error`
                shown = node.values[-1]
            if isinstance(shown, ast.Name) and shown.id == handler.name:
                yield f"line {handler.lineno}: {ast.unparse(shown)} of {ast.unparse(handler.type)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_message_talks_as_libraries_do(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [(line, match[0]) for line, text in spoken(tree) for match in LIBRARY_TALK.finditer(text)]
    assert [each for each in found if each[1] not in NO_MESSAGES] == []
    assert list(handed_on(tree)) == []


@pytest.mark.parametrize(
    "said",
    ["array cannot be reshaped from (28545,)", "'utf-8' codec can't decode", "[Errno 2] no such file", "a ValueError"],
)
def test_talk_of_libraries_is_found(said: str) -> None:
    assert any(LIBRARY_TALK.search(text) for _, text in spoken(ast.parse(f"raise UsageError({said!r})")))


def test_what_is_handed_on_is_found() -> None:
    caught = "try:\n    f()\nexcept {kind} as error:\n    raise UsageError(f'x ({{error}})')\n"
    assert list(handed_on(ast.parse(caught.format(kind="(OSError, ValueError)"))))
    assert list(handed_on(ast.parse(caught.format(kind="av.error.FFmpegError"))))
    assert not list(handed_on(ast.parse(caught.format(kind="ColorizerError"))))
    assert not list(handed_on(ast.parse(caught.format(kind="ValueError").replace("{error}", "{error.strerror}"))))
