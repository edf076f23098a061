"""Addresses: a path on this machine, or a place elsewhere such as `s3://archive/scans/photo.tif`.

A path stays a `pathlib.Path`. What lies elsewhere is a `Remote`: a value with the few parts of a path that planning
asks for, and nothing that touches the network. What opens the door (a password, the query of a signed address) goes
along for whoever connects, and is in no text that can be read: `str` and `repr` leave it out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import unquote, urlsplit

from colorizer.errors import UsageError, shown

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
"""Of two letters at least: what has one is a drive of Windows."""

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "memory"})
"""Where an object appears whole, and folders are but parts of names."""

WEB = frozenset({"http", "https"})
"""Where single files are read, and nothing is listed or written."""

NOT_TOLD = "?..."
"""What is shown in place of an address's query."""

_LOCAL = frozenset({"file", "local"})
_QUERY = re.compile(r"\?[\w.-]+=")
"""Begins a query; a question mark alone may be part of an object's name."""


@dataclass(frozen=True, order=True)
class Remote:
    """A place that is not on this machine.

    Attributes
    ----------
    scheme
        How it is spoken to: `s3`, `https`.
    place
        Host or bucket, and the path in it, without a slash at the end.
    user, query
        What goes before the host and after the path, for whoever connects; never shown.
    """

    scheme: str
    place: str
    user: str = field(default="", repr=False)
    query: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}" + (NOT_TOLD if self.query else "")

    @property
    def url(self) -> str:
        """All of it, for whoever connects: no message may hold this."""
        return f"{self.scheme}://{self.user}{self.place}{self.query}"

    @property
    def root(self) -> str:
        """Host or bucket."""
        return self.place.partition("/")[0]

    @property
    def name(self) -> str:
        """The last part, as a file would be called; empty for a whole bucket."""
        last = self.place.rpartition("/")[2] if "/" in self.place else ""
        plain = unquote(last) if self.scheme in WEB else last
        return last if plain in (".", "..") or re.search(r"[/\\\0]", plain) else plain

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """What follows the name's last dot, with it."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Remote:
        """The folder; of a whole bucket, itself."""
        return replace(self, place=self.place.rpartition("/")[0] or self.place, query="")

    @property
    def parents(self) -> tuple[Remote, ...]:
        """The folders above, up to the whole bucket."""
        above = [self.parent]
        while above[-1].parent != above[-1]:
            above.append(above[-1].parent)
        return tuple(above) if above[0] != self else ()

    def with_name(self, name: str) -> Remote:
        """Another name in the same folder."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> Remote:
        """The same name with another suffix."""
        return self.with_name(self.stem + suffix)

    def __truediv__(self, below: str | PurePath) -> Remote:
        """What lies below."""
        path = below.as_posix() if isinstance(below, PurePath) else below
        return replace(self, place=f"{self.place}/{path}", query="")

    def relative_to(self, folder: Remote) -> PurePosixPath:
        """The path from a folder above.

        Raises
        ------
        ValueError
            The folder is not above.
        """
        if not self.is_below(folder):
            raise ValueError(f"{self} is not in {folder}")
        return PurePosixPath(self.place[len(folder.place) + 1 :])

    def is_below(self, folder: Remote) -> bool:
        """Whether a folder is above it."""
        return (self.scheme, self.user) == (folder.scheme, folder.user) and self.place.startswith(folder.place + "/")


Address = Path | Remote
"""Where something lies."""


def on_this_machine(address: Address) -> Path:
    """The path of what has to be on this machine.

    Raises
    ------
    UsageError
        It lies elsewhere.
    """
    if isinstance(address, Remote):
        raise UsageError(f"{shown(address)}: this has to be on this machine; copy it here, and name it where it lies")
    return address


def address(text: str) -> Address:
    """What is typed, as an address: `file://` and all without a scheme are paths.

    Raises
    ------
    UsageError
        It names no place, or holds a key that belongs elsewhere.
    """
    found = _SCHEME.match(text)
    if found is None:
        return Path(text)
    scheme, rest = found[1].lower(), text[found.end() :]
    if scheme in _LOCAL:
        from urllib.request import url2pathname  # loads ssl and http, which few commands need

        parts = urlsplit(text)
        return Path(url2pathname(parts.path if parts.netloc in ("", "localhost") else f"//{parts.netloc}{parts.path}"))
    begin = rest.find("?") if scheme in WEB else found.start() if (found := _QUERY.search(rest)) else -1
    place, query = (rest, "") if begin < 0 else (rest[:begin], rest[begin:])
    if scheme in WEB:
        place, query = place.partition("#")[0], query.partition("#")[0]
    host, slash, path = place.partition("/")
    user, at, host = host.rpartition("@")
    if at and scheme in OBJECT_STORES and not scheme.startswith("abfs"):  # whose form is container@account
        raise UsageError(
            f"{scheme}://...@{host}: keys do not belong in an address, where others can read them; give them as the "
            "store's own tools take them (docs/remote.md)"
        )
    if scheme.startswith("abfs"):
        user, at, host = "", "", user + at + host
    place = f"{host}{slash}{path}".rstrip("/")
    if not host:
        raise UsageError(f"{scheme}://: the address names no place; write it as {scheme}://HOST-OR-BUCKET/PATH")
    return Remote(scheme, place, user + at, query)
