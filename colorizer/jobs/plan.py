"""Which file becomes which: everything that can be wrong with a job is found before work starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from colorizer.errors import Remedy, UsageError, shown
from colorizer.io.address import WEB, Address, Remote
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage
from colorizer.media.formats import ENDINGS, unknown_ending

COLORED_INFIX = ".color"
COMPARE_INFIX = ".compare"


@dataclass(frozen=True, slots=True)
class Found:
    """A picture to colour, and its place relative to the folder that was named."""

    source: Address
    relative: PurePath


@dataclass(frozen=True, slots=True)
class Task:
    """One picture to colour, and the file to write."""

    source: Address
    target: Address

    @property
    def comparison(self) -> Address:
        """Where before and after go side by side, if asked for: `out.jpg` has `out.compare.jpg`."""
        return self.target.with_suffix(COMPARE_INFIX + self.target.suffix)


@dataclass(frozen=True)
class Naming:
    """How outputs are called.

    Attributes
    ----------
    suffixes
        The suffixes that can be written.
    suffix_of
        From an input's suffix to that of an output named after it.
    suffix_by_content
        Likewise for an input whose suffix says nothing, by what is in it; "" if that is no picture.
    infix
        What goes before the suffix; None: `.color` beside the input, nothing in an output folder.
    """

    suffixes: Sequence[str]
    suffix_of: Callable[[str], str] = str
    suffix_by_content: Callable[[Address], str] = lambda _: ""
    infix: str | None = None

    def name(self, source: Address, *, beside: bool) -> str:
        """The output's name for an input."""
        infix = self.infix if self.infix is not None else COLORED_INFIX if beside else ""
        suffix = self.suffix_of(source.suffix)
        by_content = "" if suffix.lower() in self.suffixes else self.suffix_by_content(source)
        return result_name(source.name, infix, suffix, by_content)


def result_name(name: str, infix: str, suffix: str, by_content: str = "") -> str:
    """What the result of a picture is called: `photo.color.jpg` for `photo.jpg`.

    Parameters
    ----------
    name
        The picture's, without folders.
    infix
        What goes before the suffix.
    suffix
        The result's suffix, in place of the picture's own.
    by_content
        The suffix to take where the picture's own says nothing of pictures. The whole name stays then, since what
        follows its last dot may tell it from its neighbours: `box7.0113.color.jpg` for `box7.0113`.
    """
    return name + infix + by_content if by_content else PurePosixPath(name).stem + infix + suffix


def plan(
    found: Sequence[Found],
    output: Address | None,
    naming: Naming,
    *,
    folder: bool = False,
    storage: Storage = ANYWHERE,
) -> list[Task]:
    """Pair every input with its output.

    Parameters
    ----------
    found
        The inputs.
    output
        A file (for one input), a folder, or None: `photo.color.jpg` beside `photo.jpg`. Inputs from a folder keep
        their place in the tree.
    naming
        How outputs are called.
    folder
        A folder was among what the user named: the output is one too, and need not exist yet.
    storage
        Where files lie.

    Raises
    ------
    UsageError
        The output is no place for these inputs: a missing folder, an unknown suffix, the input itself, or one file
        for two inputs.
    """
    several = folder or len(found) > 1
    into = output is not None and is_output_folder(output, naming.suffixes, several=several, storage=storage)
    if folder and output is not None and output.suffix.lower() in naming.suffixes and not into:
        raise UsageError(f"{shown(output)}: is called like a file, but a folder's pictures go into a folder")
    if (isinstance(output, Remote) and output.scheme in WEB) or (
        output is None and any(isinstance(each.source, Remote) and each.source.scheme in WEB for each in found)
    ):
        where = "" if output is None else f"{shown(output)}: "
        raise UsageError(f"{where}web addresses are only read", remedy=Remedy.ANOTHER_OUTPUT)
    tasks = [
        Task(item.source, _target(item, output, naming, into=into, several=several, folder=folder)) for item in found
    ]
    writers: dict[str, Address] = {}
    for task in tasks:
        # where the name comes from the input, that is no picture, and its turn comes to say so
        if output == task.target and output.suffix.lower() not in naming.suffixes:
            if isinstance(output, Path) and output.exists() and not output.suffix:
                raise UsageError(f"{shown(output)}: is no folder", remedy=Remedy.ANOTHER_OUTPUT)
            problem = (
                unknown_ending(output)
                if output.suffix
                else f"no such folder; create it first, or name a file {ENDINGS}"
            )
            raise UsageError(f"{shown(output)}: {problem}")
        if _same_file(task.source, task.target):
            raise UsageError(f"{shown(task.target)}: output and input are the same file", remedy=Remedy.ANOTHER_NAME)
        # file systems that take A.jpg and a.jpg for one file must not lose one of two results
        other = writers.setdefault(target_key(task.target), task.source)
        if other is not task.source:
            raise UsageError(
                f"{shown(task.target)}: both {shown(other)} and {shown(task.source)} would be written there; "
                "colour them apart, each with an output folder of its own"
            )
    return tasks


def is_output_folder(output: Address, suffixes: Sequence[str], *, several: bool, storage: Storage = ANYWHERE) -> bool:
    """Whether results go into a folder of this name: one that exists, or one in a store, where none has to.

    Parameters
    ----------
    output
        As it was named.
    suffixes
        What files that are written end with.
    several
        Whether there are several pictures, or folders of them.
    storage
        Where it lies.
    """
    if isinstance(output, Remote):
        return several or output.suffix.lower() not in suffixes
    return storage.is_folder(output)


def _target(item: Found, output: Address | None, naming: Naming, *, into: bool, several: bool, folder: bool) -> Address:
    source = item.source
    if output is None:
        return source.with_name(naming.name(source, beside=True)) if source.name else source
    if into or (folder and isinstance(output, Path) and not output.exists()):
        return output / item.relative.with_name(naming.name(source, beside=False))
    if isinstance(output, Remote):
        return output
    if several:
        raise UsageError(f"{shown(output)}: no such folder, and several pictures need one; create it first")
    if not output.name or os.fspath(output).endswith(os.sep):
        raise UsageError(f"{shown(output)}: no such folder; create it first")
    if not output.parent.is_dir():
        raise UsageError(f"{shown(output.parent)}: no such folder; create it first")
    return output


def target_key(target: Address) -> str:
    """Equal for names that some file system takes for one; object stores do tell A.jpg from a.jpg."""
    return target.url if isinstance(target, Remote) else os.path.normcase(target.absolute())


def _same_file(source: Address, target: Address) -> bool:
    if isinstance(source, Remote) or isinstance(target, Remote):
        return source == target
    try:
        return source.samefile(target)
    except OSError:
        return source.absolute() == target.absolute()
    except ValueError:
        return False
