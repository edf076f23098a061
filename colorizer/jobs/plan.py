"""Which file becomes which: everything that can be wrong with a job is found before work starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colorizer.errors import UsageError, shown

COLOR_MARK = ".color"
COMPARE_MARK = ".compare"


@dataclass(frozen=True)
class Task:
    """One picture to colour, and the file to write."""

    source: Path
    target: Path

    @property
    def comparison(self) -> Path:
        """Where before and after go side by side, if asked for: `out.jpg` has `out.compare.jpg`."""
        return self.target.with_suffix(COMPARE_MARK + self.target.suffix)


def plan(sources: Sequence[Path], output: Path | None, suffixes: Sequence[str]) -> list[Task]:
    """Pair every input with its output.

    Parameters
    ----------
    sources
        Input files.
    output
        A file (for one input), an existing folder, or None: `photo.color.jpg` beside `photo.jpg`.
    suffixes
        The suffixes that can be written.

    Raises
    ------
    UsageError
        The output is no place for these inputs: a missing folder, an unknown suffix, the input itself, or one file
        for two inputs.
    """
    tasks = [Task(source, _target(source, output, len(sources))) for source in sources]
    writers: dict[Path, Path] = {}
    for task in tasks:
        if task.target.suffix.lower() not in suffixes:
            raise UsageError(f"{shown(task.target)}: unknown suffix; with -o, give a name in {', '.join(suffixes)}")
        if _same_file(task.source, task.target):
            raise UsageError(f"{shown(task.target)}: output and input are the same file; give another name with -o")
        other = writers.setdefault(task.target.absolute(), task.source)
        if other is not task.source:
            raise UsageError(
                f"{shown(task.target)}: both {shown(other)} and {shown(task.source)} would be written there; "
                "colour them one by one with -o"
            )
    return tasks


def _target(source: Path, output: Path | None, count: int) -> Path:
    if output is None:
        return source.with_name(source.stem + COLOR_MARK + source.suffix) if source.name else source
    if output.is_dir():
        return output / source.name
    if count > 1:
        raise UsageError(f"{shown(output)}: no such folder, and {count} pictures need one; create it first")
    if not output.name or os.fspath(output).endswith(os.sep):
        raise UsageError(f"{shown(output)}: no such folder; create it first")
    if not output.parent.is_dir():
        raise UsageError(f"{shown(output.parent)}: no such folder; create it first")
    return output


def _same_file(source: Path, target: Path) -> bool:
    try:
        return source.samefile(target)
    except OSError:
        return source.absolute() == target.absolute()
    except ValueError:
        return False
