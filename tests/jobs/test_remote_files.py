"""Pictures at web servers and in memory: read whole or said to be broken, written whole, films and formats refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from conftest import Command
from remote_servers import free_port, web_site
from scans import encoded

import colorizer
from colorizer.errors import InputError, MissingExtraError, OutputError, UsageError
from colorizer.io.address import Remote, address
from colorizer.io.anywhere import ANYWHERE, of_job
from colorizer.io.remote import reading, trouble, writing
from colorizer.io.remote.trouble import in_words, may_pass, redacted
from colorizer.io.storage import StorageError
from colorizer.jobs.run import OutputPolicy
from colorizer.media import read_picture

for package in ("fsspec", "aiohttp"):
    pytest.importorskip(package)

LITE = ("--model", "lite", "--engine", "opencv")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import fsspec

    monkeypatch.setattr(trouble, "FIRST_PAUSE", 0.001)
    memory = fsspec.filesystem("memory")  # now: a test may hide the package
    yield
    memory.store.clear()


def in_memory(name: str, data: bytes = b"") -> Remote:
    found = address(f"memory://archive/{name}")
    assert isinstance(found, Remote)
    if data:
        with ANYWHERE.put_whole(found) as file:
            file.write(data)
    return found


def test_a_picture_of_a_web_server_is_coloured_as_the_file_is(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "old photo.png").write_bytes(encoded(1, ".png"))
    (tmp_path / "a.tif").write_bytes(encoded(2, ".tif"))
    with web_site(tmp_path) as site:
        for name, path in (("old photo.png", "old%20photo.png?token=abcdefgh"), ("a.tif", "a.tif")):
            assert colorize(name, "-o", "local" + Path(name).suffix, *LITE).returncode == 0
            done = colorize(f"{site}/{path}", "-o", "out" + Path(name).suffix, *LITE)
            assert done.returncode == 0, done.stderr
            same = [(tmp_path / (stem + Path(name).suffix)).read_bytes() for stem in ("local", "out")]
            assert same[0] == same[1]
            assert "abcdefgh" not in done.stderr


def test_what_a_web_server_breaks_off_is_tried_again_and_never_half_a_picture(
    colorize: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    answers = iter([0, 503, None])
    with web_site(tmp_path, lambda *_: next(answers)) as site:
        done = colorize(f"{site}/a.png", "-o", "out.png", *LITE)
        assert done.returncode == 0, done.stderr
    with web_site(tmp_path, lambda *_: 0) as site:
        done = colorize(f"{site}/a.png?sig=0badc0de", "-o", "half.png", *LITE)
    assert done.returncode == 1
    said = "a.png?...: cannot be read (the connection broke, again and again); run the same command again later"
    assert said in done.stderr
    assert not (tmp_path / "half.png").exists()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "no such file; check the name"),
        (403, "cannot be read (access is denied (403)); check the credentials"),
        (500, "cannot be read (the server failed: 500); run the same command again later"),
        (400, "cannot be read (it does not understand the request: 400); check the address"),
    ],
)
def test_what_a_web_server_says_comes_in_plain_words(status: int, said: str, tmp_path: Path) -> None:
    with web_site(tmp_path, lambda *_: status) as site, pytest.raises(InputError) as failed:
        read_picture(address(f"{site}/a.png?token=abcdefgh"))
    assert said in str(failed.value)
    assert "abcdefgh" not in str(failed.value)


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError, match=r"the server 127\.0\.0\.1:\d+ cannot be reached\); check the network"):
        read_picture(address(f"http://127.0.0.1:{free_port()}/a.png"))


def test_what_a_web_server_sends_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes(3 << 20))
    monkeypatch.setattr(reading, "SPOOLED", 2 << 20)
    with web_site(tmp_path) as site, pytest.raises(InputError, match="copy it to this machine"):
        read_picture(address(f"{site}/a.png"))


def test_nothing_is_written_to_the_web_and_no_folder_of_it_is_listed(colorize: Command, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    with web_site(tmp_path) as site:
        for arguments in (
            ("a.png", "-o", f"{site}/out.png"),
            (f"{site}/a.png",),
            (f"{site}/a.png", "-o", f"{site}/out"),
        ):
            done = colorize(*arguments, *LITE)
            assert done.returncode == 2
            assert "web addresses are only read" in done.stderr
        done = colorize(f"{site}/folder/", "-o", "out.png", *LITE)
        assert done.returncode == 1
        assert "no such file" in done.stderr


def test_a_tree_in_memory_is_coloured_as_on_a_disk(tmp_path: Path) -> None:
    from colorizer.jobs.request import Request, prepare
    from colorizer.settings import Settings

    for name in ("a.png", "below/b.jpg", "below/c.tif"):
        in_memory(f"scans/{name}", encoded(5, Path(name).suffix))
    settings = Settings(model="lite", engine="opencv")
    request = Request(
        [address("memory://archive/scans")], address("memory://archive/out"), settings, OutputPolicy(), jobs=1
    )
    prepared = prepare(request)
    outcomes = list(prepared.start())
    assert [str(outcome.task.target) for outcome in outcomes] == [
        f"memory://archive/out/{name}" for name in ("a.png", "below/b.jpg", "below/c.tif")
    ]
    assert not [outcome.error for outcome in outcomes if outcome.error]
    assert all(outcome.made == ANYWHERE.stamp(outcome.task.target) for outcome in outcomes)
    (tmp_path / "c.tif").write_bytes(encoded(5, ".tif"))
    local = colorizer.colorize(tmp_path / "c.tif", model="lite", engine="opencv")
    with ANYWHERE.open_read(outcomes[2].task.target) as file:
        assert file.read() == local.read_bytes()


@pytest.fixture
def server_with_folders(tmp_path: Path) -> Path:
    """A file system with real folders and without whole objects, as of SFTP, whose host is not part of its paths."""
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    folder = tmp_path / "served"
    folder.mkdir()

    class Served(LocalFileSystem):  # type: ignore[misc]
        protocol = "served"
        cachable = False

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            place = str(path).removeprefix("served://host")
            return place if place.startswith(str(folder)) else str(folder) + place

    fsspec.register_implementation("served", Served, clobber=True)
    return folder


def test_where_there_are_folders_files_get_their_names_when_they_are_whole(
    server_with_folders: Path, colorize: Command, tmp_path: Path
) -> None:
    for name in ("host/a.png", "host/below/b.png", "host/c.txt"):
        (server_with_folders / name).parent.mkdir(parents=True, exist_ok=True)
        (server_with_folders / name).write_bytes(encoded(6, ".png"))
    done = colorize("served://host/host", "-o", "served://host/out/deep", *LITE)
    assert done.returncode == 0, done.stderr
    made = {path.relative_to(server_with_folders / "out" / "deep").as_posix(): path.read_bytes()
            for path in (server_with_folders / "out").rglob("*.png")}  # fmt: skip
    assert set(made) == {"a.png", "below/b.png"}
    assert not list(server_with_folders.rglob("*.part"))
    assert "2 exists, kept" in colorize("served://host/host", "-o", "served://host/out/deep", *LITE).stderr
    listed = [str(place) for place in ANYWHERE.matching(address("served://host/host/*/*.png"))]
    assert listed == ["served://host/host/below/b.png"]
    (tmp_path / "a.png").write_bytes(encoded(6, ".png"))
    local = colorizer.colorize(tmp_path / "a.png", model="lite", engine="opencv")
    assert made["a.png"] == local.read_bytes()


def test_what_breaks_off_where_there_are_folders_leaves_nothing(
    server_with_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def broken(*_: object, **__: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(LocalFileSystem, "mv", broken)
    with (
        pytest.raises(OutputError, match="access is denied"),
        ANYWHERE.put_whole(address("served://host/a.bin")) as file,
    ):
        file.write(b"all")
    assert list(server_with_folders.iterdir()) == []


def test_in_python_an_address_is_as_good_as_a_path(tmp_path: Path) -> None:
    place = in_memory("a.png", encoded(1, ".png"))
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    options: dict[str, Any] = {"model": "lite", "engine": "opencv"}
    here = colorizer.colorize(str(place), tmp_path / "from.png", **options)
    assert here.read_bytes() == colorizer.colorize(tmp_path / "a.png", **options).read_bytes()
    there = colorizer.colorize(tmp_path / "a.png", "memory://archive/out.png", **options)
    assert str(there) == "memory://archive/out.png"
    with pytest.raises(OutputError, match="exists, kept"):
        colorizer.colorize(tmp_path / "a.png", "memory://archive/out.png", **options)


def test_films_elsewhere_are_refused_with_what_to_do(colorize: Command) -> None:
    for arguments in (("s3://archive/film.mp4",), ("video", "https://host/film.mp4", "-o", "out.mp4")):
        done = colorize(*arguments)
        assert done.returncode == 2
        assert "on this machine; copy it here" in done.stderr


def test_what_has_to_be_here_is_refused_elsewhere(colorize: Command) -> None:
    done = colorize("a.jpg", "--sheet", "s3://archive/sheet.jpg")
    assert done.returncode == 2
    assert "s3://archive/sheet.jpg: this has to be on this machine" in done.stderr


def test_a_missing_package_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch, colorize: Command) -> None:
    with pytest.raises(UsageError, match=r"oci:// needs the package ocifs, which is not installed"):
        ANYWHERE.open_read(address("oci://archive/a.jpg"))
    with pytest.raises(UsageError, match=r"nonsense:// is no kind of address that is known"):
        ANYWHERE.open_read(address("nonsense://archive/a.jpg"))
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"s3:// needs fsspec, which is not installed"):
        ANYWHERE.open_read(address("s3://archive/a.jpg"))
    done = colorize("s3://archive/a.jpg", "-o", "out.jpg")
    assert done.returncode == 2
    assert "pip install 'colorize-photos[remote]'" in done.stderr


def test_without_a_remote_address_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    code = (
        "import sys; from colorizer.cli.main import run\n"
        "assert run(['a.png', '--model', 'lite']) == 0\n"
        "print([name for name in ('fsspec', 's3fs', 'aiohttp', 'botocore') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "passes", "words"),
    [
        (TimeoutError(), True, "the server does not answer in time"),
        (ConnectionResetError(104, "reset"), True, "cannot be reached"),
        (PermissionError("Forbidden"), False, "access is denied (403)"),
        (FileNotFoundError("x"), False, "there is nothing of this name"),
        (ValueError("see https://host/a?sig=0badc0de or topsecret"), False, "ValueError: see ... or ..."),
    ],
)
def test_errors_are_told_in_words_that_hold_no_keys(
    error: Exception, passes: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    place = Remote("s3", "archive/a.jpg")
    assert may_pass(error) is passes
    assert words in str(in_words(error, place).strerror)


def test_own_secrets_of_an_address_are_struck_out() -> None:
    place = address("https://anna:pa55%20word@host/a?sig=0badc0de99")
    assert isinstance(place, Remote)
    told = redacted("failed for pa55%20word, which is pa55 word, and ?sig=0badc0de99", place)
    assert told == "failed for ..., which is ..., and ..."


def test_a_report_elsewhere_is_sent_again_as_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    put = writing.put

    def counted(place: Remote, spool: BinaryIO) -> None:
        put(place, spool)
        sent.append(spool.tell())

    monkeypatch.setattr(writing, "put", counted)
    monkeypatch.setattr(writing, "REFRESH_SECONDS", 0)
    place = in_memory("report.jsonl")
    file = ANYWHERE.open_append(place, replace=True)
    for _ in range(200):
        file.write(b"x" * 99 + b"\n")
        file.flush()
    with ANYWHERE.open_read(place) as seen:
        assert 0.75 * 20_000 <= len(seen.read()) <= 20_000
    file.close()
    with ANYWHERE.open_read(place) as seen:
        assert len(seen.read()) == 20_000
    assert len(sent) < 40


def test_a_journal_that_cannot_be_sent_is_kept_for_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    place = in_memory("out/.journal.jsonl")
    storage = of_job([place], ahead=False)
    with storage.open_append(place) as file:
        file.write(b"one\n")
    put = writing.put

    def refused(*_: object) -> None:
        raise StorageError(5, "no", "later")

    monkeypatch.setattr(writing, "put", refused)
    storage.close()
    monkeypatch.setattr(writing, "put", put)
    storage.close()
    assert list(ANYWHERE.lines(place)) == [b"one"]


def test_keep_times_is_for_files_here(tmp_path: Path, colorize: Command) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    done = colorize("a.png", "-o", "memory://archive/out.png", "--keep-times", *LITE)
    assert done.returncode == 2
    assert "--keep-times: a store gives times itself; leave it out" in done.stderr
