"""An S3 store with one bucket, `archive`, behind a proxy: what tests put into it and find in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remote_servers import Proxy, client, contents, variables

from colorizer.jobs.journal import JOURNAL_NAME

NEEDED = ("s3fs", "moto", "flask", "flask_cors")
"""Packages without which these tests are left out; CI installs them: pip install 'moto[s3]' flask flask-cors."""


@dataclass
class Store:
    """A store behind a proxy, with a bucket."""

    proxy: Proxy
    real: Any
    environment: dict[str, str]

    def put(self, folder: Path, prefix: str) -> None:
        """A folder's files, under a prefix."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put_object(prefix + path.relative_to(folder).as_posix(), path.read_bytes())

    def put_object(self, key: str, data: bytes) -> None:
        """One object."""
        self.real.put_object(Bucket="archive", Key=key, Body=data)

    def delete(self, key: str) -> None:
        """One object less."""
        self.real.delete_object(Bucket="archive", Key=key)

    def all(self, prefix: str = "") -> dict[str, bytes]:
        """All objects under a prefix, by the rest of their keys."""
        return {key.removeprefix(prefix): data for key, data in contents(self.real, "archive", prefix).items()}

    def results(self, prefix: str) -> dict[str, bytes]:
        """The same, without journals."""
        return {name: data for name, data in self.all(prefix).items() if JOURNAL_NAME not in name}


@contextmanager
def store_at(upstream: int) -> Iterator[Store]:
    """The store, empty; and empty again after it."""
    real = client(upstream)
    real.create_bucket(Bucket="archive")
    try:
        with Proxy(upstream).running() as proxy:
            yield Store(proxy, real, variables(proxy.port))
    finally:
        for upload in real.list_multipart_uploads(Bucket="archive").get("Uploads", []):
            real.abort_multipart_upload(Bucket="archive", Key=upload["Key"], UploadId=upload["UploadId"])
        for key in contents(real, "archive"):
            real.delete_object(Bucket="archive", Key=key)
        real.delete_bucket(Bucket="archive")


def tree(folder: Path) -> dict[str, bytes]:
    """The files of a folder on this machine, without journals."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and JOURNAL_NAME not in path.name
    }
