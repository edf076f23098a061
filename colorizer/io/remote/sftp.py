"""SFTP, as fsspec has it, with what it lacks: hosts are known, odd names hold, broken connections are made anew.

Imports paramiko, which comes with no extra. fsspec's own takes any host for the one that was meant, and parts of names
for parts of an address (`#`, `?`); it asks for 32 KB at a time and waits for each; its files do not tell their size.
"""

from __future__ import annotations

import errno
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem
from fsspec.spec import AbstractBufferedFile

from colorizer.io.storage import StorageError


class Sftp(SFTPFileSystem):  # type: ignore[misc]
    """A server that is spoken to by SFTP."""

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(_Unknown())
        self.client.connect(self.host, **self.ssh_kwargs)
        self._channel = self.client.open_sftp()

    @property
    def ftp(self) -> Any:
        """The channel; where the connection has broken, another one."""
        transport = self.client.get_transport()
        if transport is None or not transport.is_active() or self._channel.sock.closed:
            self.client.close()
            self._connect()
        return self._channel

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        """The path as the server knows it: what follows the host, whatever is in it."""
        _, found, rest = str(path).partition("://")
        return "/" + rest.partition("/")[2] if found else str(path)

    @staticmethod
    def _get_kwargs_from_urls(urlpath: str) -> dict[str, Any]:
        """Host, port, user name and password."""
        scheme, _, rest = urlpath.partition("://")
        parts = urlsplit(f"{scheme}://{rest.partition('/')[0]}")
        found = {
            "host": parts.hostname,
            "port": parts.port,
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
        }
        return {name: value for name, value in found.items() if value}

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """A range of a file, asked for as a whole."""
        with self.ftp.open(path, "rb") as file:
            return _range(file, start or 0, end)

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> Any:
        if mode == "rb":
            return _Reading(self, path, mode, block_size or "default", **options)
        file = super()._open(path, mode, block_size, **options)
        file.set_pipelined(True)
        return file


class _Reading(AbstractBufferedFile):  # type: ignore[misc]
    """A file that is read by ranges, and stays the one that it was when it was opened."""

    def __init__(self, system: Sftp, path: str, mode: str, block_size: Any, **options: Any) -> None:
        self._handle = system.ftp.open(path, "rb")
        super().__init__(system, path, mode, block_size, size=self._handle.stat().st_size, **options)

    def _fetch_range(self, start: int, end: int) -> bytes:
        return _range(self._handle, start, end)

    def close(self) -> None:
        if not self.closed:
            self._handle.close()
        super().close()


class _Unknown(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Nobody answers for a host that the user's known_hosts does not have."""

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ARG002
        raise StorageError(
            errno.EACCES,
            f"the host {hostname} is not known",
            "connect to it with ssh once, which asks, and remembers it in known_hosts",
        )


def _range(file: Any, start: int, end: int | None) -> bytes:
    size = file.stat().st_size
    stop = size if end is None else min(end, size)
    return b"".join(file.readv([(start, stop - start)])) if start < stop else b""
