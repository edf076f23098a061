"""Keys of stores on their way to other machines: those that a job needs, as one piece, and shown to nobody."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from colorizer.errors import UsageError
from colorizer.io.address import Remote
from colorizer.io.remote.access import Access

pytest.importorskip("fsspec")

STORE = Remote("s3", "archive/a.jpg")


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """One without any key, which is put back as it was."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "FSSPEC_"))}
    with mock.patch.dict(os.environ, kept, clear=True):
        yield


def test_only_what_the_addresses_need_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ("AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_KEY", "FSSPEC_S3_ANON")
    for name in (*theirs, "FSSPEC_SFTP_PASSWORD", "AWS_MINE"):
        monkeypatch.setenv(name, "value")
    assert set(Access.to([STORE, Path("here.jpg"), None]).variables) == {"AWS_ACCESS_KEY_ID", "FSSPEC_S3_ANON"}
    assert set(Access.to([Remote("az", "box/a.jpg")]).variables) == {"AZURE_STORAGE_ACCOUNT_KEY"}
    assert Access.to([Path("here.jpg")]) == Access()


def test_keys_are_taken_over_as_one_piece_and_settings_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "theirs")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "their secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://there")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(Path("nowhere", "else.pem").absolute()))
    access = pickle.loads(pickle.dumps(Access.to([STORE])))
    for name, value in (("AWS_SESSION_TOKEN", "ours"), ("AWS_ACCESS_KEY_ID", "ours"), ("AWS_REGION", "ours")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_CA_BUNDLE")
    access.take_over()
    assert {name: value for name, value in os.environ.items() if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID": "theirs",
        "AWS_SECRET_ACCESS_KEY": "their secret",
        "AWS_ENDPOINT_URL": "http://there",
        "AWS_REGION": "ours",
    }


def test_who_brings_no_keys_leaves_a_machine_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    access = Access.to([STORE])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ours")
    access.take_over()
    assert os.environ["AWS_ACCESS_KEY_ID"] == "ours"


def test_what_fsspec_itself_takes_counts_although_it_was_loaded_before(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.config import conf

    monkeypatch.setitem(conf, "memory", {})
    monkeypatch.setenv("FSSPEC_MEMORY_COLOUR", "red")
    Access.to([Remote("memory", "archive/a.jpg")]).take_over()
    assert conf["memory"] == {"colour": "red"}


def test_a_machine_that_lacks_a_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"nonsense:// is no kind of address"):
        Access.to([Remote("nonsense", "archive/a.jpg")]).take_over()


def test_what_is_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    assert "topsecret" not in repr(Access.to([STORE]))
