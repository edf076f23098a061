"""What fsspec knows of: the file system of an address, and the package that it needs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from colorizer.errors import MissingExtraError, Remedy, UsageError
from colorizer.io.address import OBJECT_STORES, WEB, Remote
from colorizer.io.remote.trouble import patiently

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

EXTRA = "remote"

PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "http": "aiohttp",
    "https": "aiohttp",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "adl": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "oss": "ossfs",
    "oci": "ocifs",
}
"""What each kind of address needs beside fsspec."""

SSH = frozenset({"sftp", "ssh"})

_LIBRARIES = ("fsspec", "s3fs", "gcsfs", "adlfs", "azure", "botocore", "aiobotocore", "paramiko")
"""What they log is not for those who read our messages, and may name what must stay secret."""

_OF_EXTRA = frozenset({"fsspec", "s3fs", "aiohttp"})
_SILENCE_SECONDS = 60
"""After which a web server that sends nothing is given up; a whole file may take as long as it takes."""


def kind_of(scheme: str) -> type[AbstractFileSystem]:
    """What fsspec has for a kind of address.

    Raises
    ------
    MissingExtraError
        The package for it is not installed.
    UsageError
        fsspec knows no such kind of address, or its package is none of an extra.
    """
    try:
        import fsspec
    except ImportError as error:
        raise _missing(scheme, "fsspec") from error
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())  # else, for want of another one, warnings go to stderr
    try:
        if scheme in SSH:
            from colorizer.io.remote.sftp import Sftp

            return Sftp
        kind: type[AbstractFileSystem] = fsspec.get_filesystem_class(scheme)
    except ValueError as error:
        known = "s3, gs, az, sftp, http, https, and what else fsspec has"
        raise UsageError(f"{scheme}:// is no kind of address that is known; expected {known}") from error
    except ImportError as error:
        raise _missing(scheme, PACKAGES.get(scheme) or error.name or "a package") from error
    return kind


def file_system(address: Remote) -> AbstractFileSystem:
    """The file system of an address; one for all addresses of a server.

    Raises
    ------
    MissingExtraError, UsageError
        See `kind_of`.
    StorageError
        It is connected to at once, and that cannot be.
    """
    scheme = address.scheme
    kind: Any = kind_of(scheme)
    options: dict[str, Any] = dict(kind._get_kwargs_from_urls(address.url))
    if scheme in WEB:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_SILENCE_SECONDS, sock_read=_SILENCE_SECONDS)
        # what the system says of proxies holds here too; addresses are taken as they are, signed ones above all
        options |= {"client_kwargs": {"timeout": timeout, "trust_env": True}, "encoded": "%" in address.url}
    elif scheme in OBJECT_STORES - {"memory"}:
        # what is remembered of listings is for us to say: others write there meanwhile
        options |= {"use_listings_cache": False}
    return cast("AbstractFileSystem", patiently(address, lambda: kind(**options)))


def path_of(system: AbstractFileSystem, address: Remote) -> str:
    """How a file system calls a place."""
    return str(system._strip_protocol(address.url))


def _missing(scheme: str, package: str) -> MissingExtraError | UsageError:
    if package in _OF_EXTRA:
        return MissingExtraError(f"{scheme}://", package, EXTRA)
    return UsageError(
        f"{scheme}:// needs the package {package}, which is not installed",
        remedy=Remedy.INSTALL_PACKAGE,
        package=package,
    )
