"""`colorize weights download` as a user sees it, against a server that does all that servers do."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import weights_server as web
from in_process import decoded, run_in_process
from weights_server import Server, serving

from colorizer.networks.download import transfer

PROTOTXT = b'name: "tested"\n'
WEIGHTS = random.Random(2016).randbytes(300_000)
NAMES = ("tested.prototxt", "tested.caffemodel")
CERTIFICATE = Path(__file__).with_name("loopback.pem")
QUICK = ("--timeout", "0.5", "--retries", "1")

Completed = subprocess.CompletedProcess[str]
Download = Callable[..., Completed]


def entry(name: str, content: bytes, **more: object) -> dict[str, object]:
    """A file as the catalogue describes it."""
    role = name.rpartition(".")[2]
    return {"name": name, "role": role, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}


def write_catalog(path: Path, *files: dict[str, object]) -> Path:
    """A catalogue of one model."""
    model = {"name": "tested", "title": "a model to test with", "licence": "none", "files": files}
    path.write_text(json.dumps({"models": [model]}), encoding="utf-8")
    return path


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(dict(zip(NAMES, (PROTOTXT, WEIGHTS), strict=True))) as state:
        yield state


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The user's store; the small file is there already, so that each test is about the large one."""
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    (folder / NAMES[0]).write_bytes(PROTOTXT)
    return folder


@pytest.fixture
def environment(tmp_path: Path, store: Path) -> dict[str, str]:
    assert store.is_dir()
    unwanted = ("COLORIZE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT", "REQUESTS_CA", "CURL_CA")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(unwanted)}
    catalog = write_catalog(tmp_path / "catalog.json", entry(NAMES[0], PROTOTXT), entry(NAMES[1], WEIGHTS))
    return kept | {"COLORIZER_HOME": str(tmp_path / "home"), "COLORIZER_CATALOG": str(catalog)}


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command; it is not waited for."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "colorizer", "weights", *arguments],
            cwd=tmp_path,
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def weights(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Download:
    """Run the command to its end, in this process; it waits a tenth of its time before it tries again."""
    impatient = functools.partial(transfer.Policy, backoff=transfer.Policy.backoff / 10)
    monkeypatch.setattr(transfer, "Policy", impatient)

    def run(*arguments: str, **variables: str) -> Completed:
        done = run_in_process(["weights", *arguments], cwd=tmp_path, environment=environment | variables)
        return decoded(done)

    return run


@pytest.fixture
def download(server: Server, weights: Download) -> Download:
    """Run the download to its end, from the server unless another mirror is given."""

    def run(*arguments: str, mirror: str | None = None, **variables: str) -> Completed:
        return weights("download", "tested", "--mirror", mirror or server.url, *arguments, **variables)

    return run


def assert_right(store: Path, done: Completed) -> None:
    """The command succeeded, said nothing on stdout, and exactly the right files are in the store."""
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    names = {path.name for path in store.iterdir()}
    assert names - {".tested.caffemodel.lock"} == {name + suffix for name in NAMES for suffix in ("", ".record.json")}
    assert (store / NAMES[1]).read_bytes() == WEIGHTS


def assert_refused(store: Path, done: Completed, *phrases: str, status: int = 2) -> None:
    """The command failed with a line that says why, and nothing has the file's name."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("colorize: ")
    for phrase in phrases:
        assert phrase in last
    known = {NAMES[0], NAMES[0] + ".record.json", ".tested.caffemodel.lock"}
    assert {path.name for path in store.iterdir()} <= known | {"tested.caffemodel.part", "tested.caffemodel.part.json"}


def test_a_served_file_arrives_is_verified_and_recorded(server: Server, download: Download, store: Path) -> None:
    done = download()
    assert_right(store, done)
    record = json.loads((store / "tested.caffemodel.record.json").read_text())
    assert record["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert record["size"] == len(WEIGHTS)
    assert "SHA-256 is right" in done.stderr
    assert server.asked()[0].headers["Accept-Encoding"] == "identity"


def test_a_file_that_is_there_is_not_asked_for_again(server: Server, download: Download, store: Path) -> None:
    (store / NAMES[1]).write_bytes(WEIGHTS)
    assert_right(store, download())
    assert server.requests == []


def test_a_damaged_file_in_the_store_is_replaced(download: Download, store: Path) -> None:
    (store / NAMES[1]).write_bytes(WEIGHTS[:-1] + b"\0")
    assert_right(store, download())


def test_quiet_says_nothing(download: Download, store: Path) -> None:
    done = download("-q")
    assert_right(store, done)
    assert done.stderr == ""


def test_all_files_of_a_model_come_when_none_is_there(download: Download, store: Path) -> None:
    (store / NAMES[0]).unlink()
    done = download()
    assert (store / NAMES[0]).read_bytes() == PROTOTXT
    assert done.returncode == 0


@pytest.mark.parametrize(
    "trouble",
    [
        [web.cut(100_000)],
        [web.cut(0)],
        [web.cut_unannounced(100_000)],
        [web.cut(100_000), web.ignore_range],
        [web.cut(100_000), web.wrong_range],
        [web.cut(100_000), web.lying_range],
        [web.cut(100_000), web.status(416)],
        [web.stall(100_000)],
        [web.silence],
        [web.status(500)],
        [web.status(503)],
        [web.compressed],
        [web.compressed_and_cut],
        [web.redirect("/moved/tested.caffemodel")],
    ],
    ids=[
        "cut",
        "cut at once",
        "cut without a length",
        "cut, then Range ignored",
        "cut, then another range",
        "cut, then other bytes than the range says",
        "cut, then range refused",
        "stall",
        "no answer",
        "500",
        "503",
        "gzip",
        "gzip, cut",
        "redirect",
    ],
)
def test_passing_trouble_is_overcome(
    server: Server, download: Download, store: Path, trouble: list[web.Behaviour]
) -> None:
    server.script = trouble
    assert_right(store, download("--timeout", "0.5", "--retries", "2"))


def test_a_broken_download_goes_on_where_it_stopped(server: Server, download: Download, store: Path) -> None:
    server.script = [web.cut(100_000)]
    done = download()
    assert_right(store, done)
    first, second = server.asked()
    assert "Range" not in first.headers
    offset = int(second.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 80_000 <= offset <= 100_000
    assert second.headers["If-Range"] == '"first"'


def test_a_line_that_breaks_again_and_again_gets_there(server: Server, download: Download, store: Path) -> None:
    server.then = web.cut(100_000)
    assert_right(store, download(*QUICK))
    assert len(server.asked()) >= 3


def test_a_server_that_always_cuts_and_cannot_resume_is_given_up(
    server: Server, download: Download, store: Path
) -> None:
    server.then = web.cut_unannounced(100_000)
    assert_refused(store, download(*QUICK), "broke off after 100000 of 300000 bytes", "colorize weights import")


def test_a_file_that_changes_between_two_requests_is_not_patched_together(
    server: Server, download: Download, store: Path
) -> None:
    server.files[NAMES[1]] = WEIGHTS[::-1]
    first_part = web.cut(100_000)

    def change(handler: web.Handler, content: bytes) -> None:
        first_part(handler, content)
        server.files[NAMES[1]] = WEIGHTS
        server.etags[NAMES[1]] = '"second"'

    server.script = [change]
    assert_right(store, download())
    assert len(server.asked()) == 2


def test_a_change_is_noticed_even_where_the_server_does_not_look_at_if_range(
    server: Server, download: Download, store: Path
) -> None:
    server.files[NAMES[1]] = WEIGHTS[::-1]
    first_part = web.cut(100_000)

    def change(handler: web.Handler, content: bytes) -> None:
        first_part(handler, content)
        server.files[NAMES[1]] = WEIGHTS
        server.etags[NAMES[1]] = '"second"'

    server.script = [change, web.changed_range]
    done = download()
    assert_right(store, done)
    assert "changed there" in done.stderr


def test_the_server_may_ask_to_wait(server: Server, download: Download, store: Path) -> None:
    server.script = [web.status(429, Retry_After="1")]
    assert_right(store, download())
    first, second = server.asked()
    assert second.at - first.at >= 1.0


def test_a_server_that_asks_to_wait_for_an_hour_is_left(server: Server, download: Download, store: Path) -> None:
    server.then = web.status(429, Retry_After="3600")
    begun = time.monotonic()
    assert_refused(store, download(), "429", "asks to wait 3600 s")
    assert time.monotonic() - begun < 20
    assert len(server.asked()) == 1


@pytest.mark.parametrize(
    ("behaviour", "phrase"),
    [
        (web.status(404), "answered 404"),
        (web.status(403), "answered 403"),
        (web.status(500), "answered 500"),
        (web.redirect("/tested.caffemodel"), "redirects in a loop"),
        (web.redirect("ftp://127.0.0.1/tested.caffemodel"), "cannot be asked"),
        (web.page, "a web page"),
        (web.chunked_page, "a web page"),
        (web.lfs_pointer, "a Git LFS pointer"),
        (web.wrong_bytes, "SHA-256 differs"),
        (web.too_much, "more than the 300000 bytes"),
        (web.stall(0), "stalled for 0.5 s"),
        (web.silence, "no answer within 0.5 s"),
        (web.wrong_range, "a part where the whole was asked for"),
    ],
    ids=[
        "404",
        "403",
        "500 for good",
        "redirects in a loop",
        "redirect to FTP",
        "web page",
        "web page in chunks",
        "Git LFS pointer",
        "wrong bytes of the right size",
        "too long",
        "stalls for good",
        "never answers",
        "part unasked",
    ],
)
def test_lasting_trouble_is_named_and_nothing_stays(
    server: Server, download: Download, store: Path, behaviour: web.Behaviour, phrase: str
) -> None:
    server.then = behaviour
    assert_refused(store, download(*QUICK), phrase, "--mirror URL", "colorize weights import tested.caffemodel")


@pytest.mark.parametrize("behaviour", [web.status(404), web.page, web.wrong_bytes, web.status(503)])
def test_the_next_mirror_is_asked(server: Server, download: Download, store: Path, behaviour: web.Behaviour) -> None:
    with serving(server.files) as bad:
        bad.then = behaviour
        done = download("--mirror", server.url, "--retries", "0", mirror=bad.url)
    assert_right(store, done)
    assert len(bad.asked()) == 1


def test_a_mirror_that_is_away_is_passed_over(server: Server, download: Download, store: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        done = download("--mirror", server.url, mirror=away)
    assert_right(store, done)
    assert "no connection" in done.stderr
    assert "Errno" not in done.stderr


def test_a_server_that_has_no_such_name_is_said_in_words(download: Download) -> None:
    done = download("--retries", "0", mirror="http://nowhere.invalid/")
    assert done.returncode == 2
    assert "there is no server of that name, or no network" in done.stderr
    assert not re.search(r"Errno|resolve|Max retries", done.stderr)


def test_a_killed_download_goes_on_and_is_verified(
    server: Server, download: Download, start: Callable[..., subprocess.Popen[str]], store: Path
) -> None:
    server.script = [web.stall(150_000)]
    process = start("download", "tested", "--mirror", server.url)
    partial = store / "tested.caffemodel.part"
    deadline = time.monotonic() + 30
    while not (partial.exists() and partial.stat().st_size >= 100_000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    arrived = partial.stat().st_size
    done = download()
    assert_right(store, done)
    assert server.asked()[1].headers["Range"] == f"bytes={arrived}-"
    assert "going on after" in done.stderr


def test_a_killed_process_leaves_no_lock_and_damaged_remains_do_no_harm(
    server: Server, download: Download, store: Path
) -> None:
    (store / "tested.caffemodel.part").write_bytes(b"\0" * 200_000)
    (store / "tested.caffemodel.part.json").write_text(
        json.dumps({"url": server.url + NAMES[1], "etag": '"first"', "last_modified": ""})
    )
    (store / ".tested.caffemodel.lock").touch()
    done = download()
    assert_right(store, done)
    assert "do not belong together" in done.stderr


def test_two_downloads_at_once_fetch_it_once_and_both_succeed(
    server: Server, start: Callable[..., subprocess.Popen[str]], store: Path
) -> None:
    server.script = [web.stall(100_000)]
    both = [start("download", "tested", "--mirror", server.url) for _ in range(2)]
    deadline = time.monotonic() + 30
    while not server.asked():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(1.0)
    server.released.set()
    ended = [process.communicate(timeout=60) for process in both]
    for process, (output, messages) in zip(both, ended, strict=True):
        assert_right(store, subprocess.CompletedProcess(process.args, process.returncode, output, messages))
    assert len(server.asked()) == 1
    assert sum("waiting" in messages for _, messages in ended) == 1


def test_without_room_nothing_is_asked_for(
    server: Server, download: Download, store: Path, environment: dict[str, str]
) -> None:
    large = entry(NAMES[1], WEIGHTS) | {"size": 10**18}
    write_catalog(Path(environment["COLORIZER_CATALOG"]), entry(NAMES[0], PROTOTXT), large)
    assert_refused(store, download(), "are free", "--weights-dir", status=1)
    assert server.requests == []


@pytest.mark.parametrize("how", [("--offline",), ()])
def test_offline_asks_no_server(server: Server, download: Download, store: Path, how: tuple[str, ...]) -> None:
    done = download(*how, **({} if how else {"COLORIZER_OFFLINE": "1"}))
    assert_refused(store, done, "downloads are off", "colorize weights import tested.caffemodel")
    assert server.requests == []


@pytest.mark.parametrize("mirror", ["ftp://127.0.0.1/", "file:///etc/", "127.0.0.1", "http://[", "https://"])
def test_a_mirror_must_be_a_web_address(download: Download, store: Path, mirror: str) -> None:
    assert_refused(store, download(mirror=mirror), "--mirror", "http")


def test_the_url_of_one_file_cannot_serve_two(server: Server, download: Download, store: Path) -> None:
    assert_refused(store, download(mirror=server.url + NAMES[1]), "must end in /")


def test_mirrors_of_the_catalogue_are_asked_in_their_order(
    server: Server,
    weights: Download,
    store: Path,
    environment: dict[str, str],
) -> None:
    mirrors = [{"url": f"{server.url}{place}/{NAMES[1]}"} for place in ("first", "second")]
    mirrors.insert(0, {"url": f"{server.url}dead/{NAMES[1]}", "dead": True})  # type: ignore[dict-item]
    catalog = Path(environment["COLORIZER_CATALOG"])
    write_catalog(catalog, entry(NAMES[0], PROTOTXT), entry(NAMES[1], WEIGHTS, mirrors=mirrors))
    server.script = [web.status(404), web.status(404)]
    assert_right(store, weights("download", "tested"))
    assert [request.path.split("/")[1] for request in server.asked()] == ["first", "second", "dead"]


@pytest.mark.parametrize("known", [True, False])
def test_without_a_living_mirror_the_message_says_which_file_to_look_for(
    server: Server,
    weights: Download,
    store: Path,
    environment: dict[str, str],
    known: bool,
) -> None:
    mirrors = [{"url": f"{server.url}dead/{NAMES[1]}", "dead": True}] if known else []
    catalog = Path(environment["COLORIZER_CATALOG"])
    write_catalog(catalog, entry(NAMES[0], PROTOTXT), entry(NAMES[1], WEIGHTS, mirrors=mirrors))
    server.then = web.status(404)
    done = weights("download", "tested")
    assert_refused(store, done, "no place is known", hashlib.sha256(WEIGHTS).hexdigest(), "colorize weights import")


def test_what_a_server_says_cannot_drive_the_terminal(server: Server, download: Download, store: Path) -> None:
    server.then = rude
    done = download(*QUICK)
    assert_refused(store, done, "answered 404")
    assert "\x1b" not in done.stderr


def rude(handler: web.Handler, _: bytes) -> None:
    """A reason with a control sequence in it."""
    handler.send_response(404, "Not \x1b[31mFound")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_the_usual_proxy_variable_is_heeded(server: Server, download: Download, store: Path) -> None:
    done = download(mirror="http://weights.invalid/", HTTP_PROXY=server.url)
    assert_right(store, done)
    assert server.asked()[0].path == f"http://weights.invalid/{NAMES[1]}"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_own_certificate_authorities_come_from_the_usual_variables(
    download: Download, store: Path, variable: str
) -> None:
    with serving({NAMES[1]: WEIGHTS}, CERTIFICATE) as secure:
        assert_right(store, download(mirror=secure.url, **{variable: str(CERTIFICATE)}))


def test_an_unknown_certificate_is_refused_with_the_remedy(download: Download, store: Path) -> None:
    with serving({NAMES[1]: WEIGHTS}, CERTIFICATE) as secure:
        assert_refused(store, download(*QUICK, mirror=secure.url), "certificate", "REQUESTS_CA_BUNDLE")


def test_a_store_that_cannot_be_made_is_named(download: Download, store: Path, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file where a folder should be")
    done = download("--weights-dir", str(tmp_path / "occupied" / "weights"))
    assert_refused(store, done, "cannot be written", "--weights-dir", status=1)


def test_the_script_in_the_checkout_is_the_same_command(
    server: Server, store: Path, environment: dict[str, str]
) -> None:
    script = Path(__file__).parents[2] / "scripts" / "download_weights.py"
    done = subprocess.run(
        [sys.executable, str(script), "tested", "--mirror", server.url],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_right(store, done)
