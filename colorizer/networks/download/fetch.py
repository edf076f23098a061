"""Download a model: mirror after mirror, until a file with the right hash lies in the store.

Nothing comes into the store under its own name but bytes whose SHA-256 the catalogue states. One process at a time
works on a file (see `lock`); another one waits and finds it done. The way of a file is

    already there? -> room for it? -> mirror (transfer, pause, transfer ...) until complete -> hash -> rename -> record

and any wrong turn leads to the next mirror, or, after the last, to an error that says what each of them did.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from colorizer.errors import OptionRef, Remedy, UsageError, WeightsError, shown
from colorizer.io.locks import lock
from colorizer.io.records import has_hash
from colorizer.networks.catalog import FileSpec, ModelSpec
from colorizer.networks.download.partial import Partial
from colorizer.networks.download.transfer import (
    DownloadContext,
    Listener,
    MirrorError,
    Policy,
    TemporaryError,
    UnreachableError,
    open_session,
    transfer,
)
from colorizer.networks.store import Store, check_room, make_folder

WORTHY_GAIN = 50
"""A retry that brings a fiftieth of the file more than any before is no failure: bad lines get there in the end."""


def download_model(
    spec: ModelSpec,
    store: Store,
    listener: Listener,
    *,
    policy: Policy | None = None,
    mirrors: Sequence[str] = (),
    offline: bool = False,
) -> None:
    """Bring all files of a model into the store; what is there and right stays as it is.

    Parameters
    ----------
    spec
        The model.
    store
        Where to.
    listener
        Who is told how it goes.
    policy
        How patient to be.
    mirrors
        URLs to ask in place of the catalogue's: of the file, or, ending in a slash, of the folder it lies in.
    offline
        Refuse to ask any server.

    Raises
    ------
    WeightsError
        No mirror has it, or `offline` was asked for.
    UsageError
        A mirror is no URL, or the one URL of a file is to serve several.
    OutputError
        The store cannot be written to, or has no room.
    """
    if spec.import_only:
        raise WeightsError(
            f"{spec.name}: no download of it can be checked; it is found at {spec.place}",
            remedy=Remedy.IMPORT_AS,
            model=spec.name,
        )
    wanted = [file for file in spec.files if not file.packaged]
    sources = {file.name: _sources(file, mirrors, alone=len(wanted) == 1) for file in wanted}
    for file in wanted:
        partial = Partial(store.writable, file)
        found = store.find(file)
        if found is not None and has_hash(found, file.sha256):
            listener.message(f"{spec.name}: {shown(found)} is there and right")
            continue
        if offline:
            raise WeightsError(
                f"{spec.name}: {file.name} is not here and downloads are off",
                remedy=Remedy.BRING_FILE,
                what=OptionRef("offline"),
                file=file.name,
            )
        make_folder(store.writable)

        def waiting(name: str = file.name) -> None:
            listener.message(f"{name}: another process is downloading it; waiting for that")

        with lock(partial.lock_path, waiting, remedy=Remedy.LOCAL_STORE):
            if not partial.is_there():
                check_room(partial.folder, file.name, file.size - partial.size())
                with open_session() as session:
                    _fetch(
                        spec.name, partial, sources[file.name], DownloadContext(session, policy or Policy(), listener)
                    )
        trust = f"; {file.trust}" if file.trust else ""
        listener.message(f"{spec.name}: {shown(partial.target)} is complete, its SHA-256 is right{trust}")


def _sources(file: FileSpec, mirrors: Sequence[str], *, alone: bool) -> list[str]:
    if not mirrors:
        return [mirror.url for mirror in sorted(file.mirrors, key=lambda mirror: mirror.dead)]
    for url in mirrors:
        if not _is_web_address(url):
            raise UsageError(
                "expected a URL with http:// or https://",
                option=OptionRef("mirror", shown(url)),
                remedy=Remedy.IMPORT_LOCAL_FILE,
            )
        if not url.endswith("/") and not alone:
            raise UsageError(
                f"must end in / and hold {file.name}, since several files are needed",
                option=OptionRef("mirror", shown(url)),
            )
    return [url + file.name if url.endswith("/") else url for url in mirrors]


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _fetch(model: str, partial: Partial, sources: Sequence[str], context: DownloadContext) -> None:
    file = partial.file
    reasons = []
    for url in sources:
        context.listener.message(f"{file.name}: from {host(url)}")
        try:
            _fetch_from(url, partial, context)
        except MirrorError as failure:
            reasons.append(f"{host(url)} {failure}")
            context.listener.message(reasons[-1])
        else:
            return
    why = "; ".join(dict.fromkeys(reasons)) or "no source is known"
    text = f"{model}: {file.name} could not be downloaded ({why})"
    if all(mirror.dead for mirror in file.mirrors) and len(sources) == len(file.mirrors):
        found = f"{f'{file.size} bytes, ' if file.size else ''}SHA-256 {file.sha256}"
        raise WeightsError(text, remedy=Remedy.FIND_FILE, file=file.name, known_by=found)
    raise WeightsError(text, remedy=Remedy.ANOTHER_MIRROR, what=OptionRef("mirror", "URL"), file=file.name)


def host(url: str) -> str:
    """The part of a URL that tells a user who is asked."""
    return shown(urlsplit(url).netloc.rpartition("@")[2])


def _fetch_from(url: str, partial: Partial, context: DownloadContext) -> None:
    """Ask one mirror until the file is complete and right, or patience ends."""
    policy = context.policy
    failures, best, reached = 0, partial.size(), False
    while True:
        try:
            from_one_answer = transfer(context, url, partial)
            if partial.finish():
                return
            partial.discard()
            if from_one_answer:
                raise MirrorError("sends other content (its SHA-256 differs)")
            raise TemporaryError("the parts of the file do not belong together", anew=True)
        except TemporaryError as problem:
            reached = reached or not isinstance(problem, UnreachableError)
            if partial.size() >= best + partial.file.size / WORTHY_GAIN:
                best, failures = partial.size(), 0
            failures += 1
            # an unknown place that cannot be reached is not worth much waiting while there are others
            limit = policy.retries if reached else min(policy.retries, 1)
            if failures > limit:
                raise MirrorError(str(problem)) from problem
            if problem.anew:
                partial.discard()
            pause = _pause(problem, failures, policy)
            context.listener.message(f"{host(url)} {problem}; again in {pause:g} s ({failures} of {limit})")
            time.sleep(pause)


def _pause(problem: TemporaryError, failures: int, policy: Policy) -> float:
    if problem.anew:
        return 0.0
    if problem.after is not None and problem.after > policy.longest_wait:
        raise MirrorError(f"{problem} and asks to wait {problem.after:.0f} s") from problem
    return max(policy.backoff * 2.0 ** (failures - 1), problem.after or 0.0)
