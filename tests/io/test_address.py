"""Addresses: what is one, what it is called, and what of it may be read."""

from __future__ import annotations

import pickle
from pathlib import Path, PurePosixPath

import pytest

from colorizer.errors import UsageError, shown
from colorizer.io.address import Remote, address


def remote(text: str) -> Remote:
    found = address(text)
    assert isinstance(found, Remote)
    return found


@pytest.mark.parametrize("text", ["photo.jpg", "a/b.jpg", "c:\\scans", "C:/scans/a.jpg", "x:", "odd:name.jpg", "s3:/a"])
def test_names_of_files_and_drives_stay_paths(text: str) -> None:
    assert address(text) == Path(text)


def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    assert address((tmp_path / "a b.jpg").as_uri()) == tmp_path / "a b.jpg"


def test_a_remote_address_has_the_parts_of_a_path() -> None:
    photo = remote("s3://archive/scans/box 1/photo.old.tif")
    assert (photo.name, photo.stem, photo.suffix) == ("photo.old.tif", "photo.old", ".tif")
    assert str(photo.parent) == "s3://archive/scans/box 1"
    assert str(photo.with_name("b.png")) == "s3://archive/scans/box 1/b.png"
    assert str(photo.with_suffix(".png")) == "s3://archive/scans/box 1/photo.old.png"
    assert photo.relative_to(remote("s3://archive/scans/")) == PurePosixPath("box 1/photo.old.tif")
    assert str(remote("s3://archive/out/") / PurePosixPath("a/b.jpg")) == "s3://archive/out/a/b.jpg"
    with pytest.raises(ValueError, match="is not in"):
        photo.relative_to(remote("s3://archive/scan"))
    assert remote("s3://archive").parent == remote("s3://archive/")
    assert remote("s3://archive").name == ""


def test_a_web_address_is_called_by_its_path_alone() -> None:
    assert remote("https://host/a/my%20scan.jpg?size=full#top").name == "my scan.jpg"
    # no name leads out of the folder that it is written to
    assert "/" not in remote("https://host/..%2F..%2Fetc%2Fpasswd").name
    assert remote("https://host/%2e%2e").name == "%2e%2e"


SIGNED = "https://host/a.jpg?X-Amz-Credential=AKIAQQ&X-Amz-Signature=0badc0de0badc0de"


@pytest.mark.parametrize(
    ("text", "hidden", "told"),
    [
        (SIGNED, ("AKIAQQ", "0badc0de"), "https://host/a.jpg?..."),
        ("https://anna:pa55word@host/a.jpg", ("anna", "pa55word"), "https://host/a.jpg"),
        ("sftp://anna:pa55word@host:2222/a.jpg", ("anna", "pa55word"), "sftp://host:2222/a.jpg"),
        ("az://box/a.jpg?sv=2024&sig=0badc0de", ("0badc0de",), "az://box/a.jpg?..."),
    ],
)
def test_what_opens_doors_is_in_no_text(text: str, hidden: tuple[str, ...], told: str) -> None:
    found = remote(text)
    texts = [str(found), repr(found), shown(found), f"{found}", repr([found]), found.name, str(found.parent)]
    assert not [(word, each) for word in hidden for each in texts if word in each]
    assert str(found) == told
    assert all(word in found.url for word in hidden)
    assert pickle.loads(pickle.dumps(found)) == found


def test_keys_in_the_address_of_a_store_are_refused_without_repeating_them() -> None:
    with pytest.raises(UsageError) as refused:
        address("s3://AKIAQQ:topsecret@archive/scans")
    assert "keys do not belong in an address" in str(refused.value)
    assert "AKIAQQ" not in str(refused.value)
    assert "topsecret" not in str(refused.value)


def test_an_address_without_a_place_is_refused() -> None:
    with pytest.raises(UsageError, match="names no place"):
        address("s3://")


def test_a_question_mark_may_be_part_of_a_name_in_a_store() -> None:
    assert remote("s3://archive/who is it?.jpg").name == "who is it?.jpg"
