"""The folder that is watched and the one for results: what they may be, and how changes in the first are noticed."""

from __future__ import annotations

from colorizer.errors import MissingExtraError, OutputError, Remedy, UsageError, shown
from colorizer.io.address import OBJECT_STORES, WEB, Address, Remote
from colorizer.io.storage import Storage
from colorizer.jobs.request import Request, refuse_times
from colorizer.jobs.watching.options import WatchOptions
from colorizer.jobs.watching.waking import can_be_told, is_on_network


def folders_of(request: Request, storage: Storage) -> tuple[Address, Address]:
    """The folder to watch, and the output folder.

    Raises
    ------
    UsageError
        One of them is missing or no folder, or they are the same.
    InputError
        The folder to watch cannot be listed.
    OutputError
        What is there in the output folder's place is none.
    """
    folder, output = request.inputs[0], request.output
    if isinstance(folder, Remote):
        _check_listed(folder, storage)
    elif not folder.is_dir():
        problem = "is no folder" if folder.exists() else "no such folder"
        raise UsageError(f"{shown(folder)}: {problem}; name the folder to watch")
    if output is None:
        raise UsageError("results need a folder of their own; name it with the output", option="output")
    if isinstance(output, Remote):
        if output.scheme in WEB:
            raise UsageError(f"{shown(output)}: web addresses are only read", remedy=Remedy.ANOTHER_OUTPUT)
        refuse_times(request.policy.output, output)
    elif output.exists() and not output.is_dir():
        raise OutputError(f"{shown(output)}: is no folder; name another one")
    if storage.identity(folder) == storage.identity(output):
        raise UsageError(f"{shown(output)}: is the folder that is watched; name another one", option="output")
    return folder, output


def _check_listed(folder: Remote, storage: Storage) -> None:
    """Raise where a folder elsewhere cannot be listed; in a store, one in which nothing lies yet is no mistake."""
    if folder.scheme in WEB:
        raise UsageError(f"{shown(folder)}: the web has no folders that can be listed; name a folder of a store")
    _, entries = next(iter(storage.walk(folder, lambda _: False)))
    is_file = storage.stamp(folder) is not None
    if not entries and (is_file or folder.scheme not in OBJECT_STORES) and not storage.is_folder(folder):
        raise UsageError(
            f"{shown(folder)}: {'is no folder' if is_file else 'no such folder'}; name the folder to watch"
        )


def is_told(options: WatchOptions, folder: Address) -> bool:
    """Whether the system is asked to tell of changes.

    Raises
    ------
    UsageError
        It is to be asked of a folder that lies elsewhere.
    MissingExtraError
        It is to be asked, and the package for it is not installed.
    """
    if isinstance(folder, Remote):
        if options.polling == "off":
            raise UsageError("a store tells of no changes; leave it out", option="polling")
        return False
    if options.polling == "off":
        if not can_be_told():
            raise MissingExtraError("being told of changes", "watchfiles", "watch")
        return True
    return options.polling == "auto" and can_be_told() and not is_on_network(folder)
