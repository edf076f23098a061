"""Docstrings: every public function that raises an error says so, in a section `Raises` that names its class."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import colorizer

PACKAGE = Path(colorizer.__file__).parent

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef
CONSTRUCTORS = ("__init__", "__post_init__")
"""What they raise stands in the docstring of their class, as their parameters do, or in their own."""


def is_public(path: Path) -> bool:
    """Whether no part of a module's name says that it is private."""
    return not any(
        part.startswith("_") and part != "__init__" for part in path.relative_to(PACKAGE).with_suffix("").parts
    )


MODULES = sorted(filter(is_public, PACKAGE.rglob("*.py")))


def is_command(function: Function) -> bool:
    """Whether click makes a command of it, whose docstring is the help that users read."""
    return any(re.search(r"\b(command|group)\b", ast.unparse(decorator)) for decorator in function.decorator_list)


def public_functions(scope: Scope, name: str = "") -> Iterator[tuple[str, Function, str]]:
    """Qualified name, function, and the docstring that has to tell what it raises."""
    for node in scope.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in CONSTRUCTORS and isinstance(scope, ast.ClassDef):
                docstrings = (ast.get_docstring(scope), ast.get_docstring(node))
                yield f"{name}{node.name}", node, "\n\n".join(filter(None, docstrings))
            elif not node.name.startswith("_") and not is_command(node):
                yield f"{name}{node.name}", node, ast.get_docstring(node) or ""
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node, f"{name}{node.name}.")


def raised(function: Function) -> set[str]:
    """Names of the classes that a function raises by itself: not in functions within it, and not again."""
    found, left = set[str](), list[ast.AST](function.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            either = (error.body, error.orelse) if isinstance(error, ast.IfExp) else (error,)
            names = [ast.unparse(one).rpartition(".")[2] for one in either]
            found |= {name for name in names if name[:1].isupper()}
        left += ast.iter_child_nodes(node)
    return found


def documented(docstring: str) -> set[str]:
    """Names of the classes in the section `Raises`, in NumPy's form."""
    sections = re.findall(r"^Raises\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}|\Z)", docstring, re.MULTILINE | re.DOTALL)
    headings = [line for section in sections for line in re.findall(r"^\S.*$", section, re.MULTILINE)]
    return {name.strip().rpartition(".")[2] for line in headings for name in line.split(",")}


def undocumented(source: str) -> list[str]:
    """Errors that public functions of a module raise and do not tell of."""
    return [
        f"{name}: {error}"
        for name, function, docstring in public_functions(ast.parse(source))
        for error in sorted(raised(function) - documented(docstring))
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_public_functions_say_what_they_raise(path: Path) -> None:
    assert undocumented(path.read_text(encoding="utf-8")) == []


def test_an_error_that_is_not_told_of_is_found() -> None:
    told = 'def read():\n    """Read.\n\n    Raises\n    ------\n    InputError\n        It is empty.\n    """\n'
    assert undocumented(told + "    raise InputError('empty')\n") == []
    assert undocumented(told + "    raise errors.OutputError('full')\n") == ["read: OutputError"]
    assert undocumented("def read():\n    if x:\n        raise InputError\n") == ["read: InputError"]
    assert undocumented("class A:\n    def __init__(self):\n        raise InputError('')\n") == [
        "A.__init__: InputError"
    ]
    assert undocumented("def read():\n    try: pass\n    except ValueError as error: raise error\n") == []
