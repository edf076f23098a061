"""The parts of the server alone: names, queries, queues of work, and who is let in."""

from __future__ import annotations

import asyncio
import re
import threading
import time
import unicodedata
from concurrent.futures import CancelledError
from pathlib import Path
from urllib.parse import unquote, urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorizer.cli.serve import serve
from colorizer.errors import (
    ColorizerError,
    DiskFullError,
    EngineError,
    InputError,
    OutputError,
    TooLargeError,
    UnknownFormatError,
    UsageError,
    WeightsError,
)
from colorizer.web import query
from colorizer.web.coloring import Preview, Source
from colorizer.web.folder import PrivateFolder
from colorizer.web.limits import Limits
from colorizer.web.names import attachment, clean_name, unique_name
from colorizer.web.pictures import PictureStore, StoredPicture
from colorizer.web.problems import ProblemError, problem_of
from colorizer.web.security import AccessControl
from colorizer.web.work_queue import WorkQueue

names = st.text(max_size=300) | st.text('./\\connaux1jpg :\u202e\r\n"%;=', max_size=40)


@given(names)
def test_a_clean_name_is_a_plain_file_name_everywhere(name: str) -> None:
    cleaned = clean_name(name)
    assert cleaned
    assert len(cleaned.encode()) <= 255 - len(".color.jpg")
    assert not set('<>:"/\\|?*') & set(cleaned)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in cleaned)
    assert not cleaned.startswith(".")
    assert cleaned.strip() == cleaned
    assert not cleaned.endswith((".", " "))
    assert cleaned.split(".")[0].strip().lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
    assert clean_name(cleaned) == cleaned


@given(names)
def test_a_disposition_is_one_header_with_the_name_in_it(name: str) -> None:
    cleaned = clean_name(name)
    value = attachment(cleaned)
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    plain, _, encoded = value.removeprefix('attachment; filename="').partition('"')
    told = unquote(encoded.removeprefix("; filename*=UTF-8''")) if encoded else plain
    assert told == cleaned


@given(st.lists(st.sampled_from(["a.jpg", "A.JPG", "a-2.jpg", "b", "b.tif"]), max_size=30))
def test_unique_names_are_unique_whatever_the_case_of_letters(given_names: list[str]) -> None:
    taken: set[str] = set()
    for name in given_names:
        found = unique_name(name, taken)
        assert found.casefold() not in taken
        taken.add(found.casefold())


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=20), max_size=5))
def test_a_query_is_read_or_refused_with_a_problem(pairs: dict[str, str]) -> None:
    check_read_or_refused(urlencode(pairs, errors="surrogatepass").encode())


@given(st.binary(max_size=200))
def test_whatever_stands_in_a_query_nothing_else_is_raised(text: bytes) -> None:
    check_read_or_refused(text)


def check_read_or_refused(text: bytes) -> None:
    refused: ProblemError | None = None
    try:
        values = query.read_query(text, query.COLORIZE)
    except ProblemError as error:
        refused = error
    else:
        assert set(values) == {item.name for item in query.COLORIZE}
    assert refused is None or (refused.status == 400 and "\n" not in refused.detail)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=4))
def test_a_number_that_is_written_plainly_is_the_one_that_is_read(value: float) -> None:
    values = query.read_query(urlencode({"saturation": repr(value)}).encode(), query.COLORIZE)
    assert values["saturation"] == value


def test_errors_have_the_status_that_tells_whose_they_are() -> None:
    expected: dict[type[Exception], int] = {
        UsageError: 400,
        TooLargeError: 413,
        UnknownFormatError: 415,
        InputError: 422,
        OutputError: 422,
        DiskFullError: 507,
        WeightsError: 409,
        EngineError: 500,
        ColorizerError: 500,
        MemoryError: 507,
    }
    for kind, status in expected.items():
        assert problem_of(kind("words")).status == status
    assert "secret" not in problem_of(ValueError("secret")).detail


@given(st.text(max_size=40))
def test_only_its_own_names_are_let_in(host: str) -> None:
    access = AccessControl(["localhost", "127.0.0.1", "::1"], any_address=False, token=None, port=80)
    if access.knows_host(host):
        name = host.lower().rsplit(":", 1)[0] if not host.endswith("]") else host.lower()
        assert name.rstrip(".") in ("localhost", "127.0.0.1", "[::1]")


def test_a_queue_does_what_comes_in_its_order_and_refuses_what_is_too_much() -> None:
    queue, go, done = WorkQueue("test", 1, 3), threading.Event(), list[int]()
    first = queue.submit(lambda _: go.wait(10))
    while queue.position(first):
        time.sleep(0.001)
    jobs = [queue.submit(lambda _, number=number: done.append(number)) for number in range(3)]  # type: ignore[misc]
    assert [queue.position(job) for job in jobs] == [1, 2, 3]
    with pytest.raises(ProblemError) as caught:
        queue.submit(lambda _: None)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "5")
    extra = queue.submit(lambda _: done.append(3), even_if_full=True)
    jobs[1].cancel()
    assert queue.waiting == 3
    assert queue.position(jobs[2]) == 2
    go.set()
    assert first.future.result(10) is True
    extra.future.result(10)
    assert done == [0, 2, 3]
    with pytest.raises(CancelledError):
        jobs[1].future.result(10)
    queue.close()


def test_a_picture_that_nobody_asks_for_goes_with_its_files(tmp_path: Path) -> None:
    folder, queue = PrivateFolder(tmp_path), WorkQueue("test", 1, 4)

    def preview(_: threading.Event) -> Preview:
        kept = folder.new(), folder.new()
        for path in kept:
            path.write_bytes(b"x")
        return Preview(1, 1, "JPEG", 8, *kept, np.zeros((313, 2), np.float32), 0.8, 2)

    async def trial() -> None:
        store = PictureStore(queue, folder, Limits(idle=10))
        pictures = []
        for name in ("old.jpg", "new.jpg"):
            source = Source(folder.new(), name)
            source.path.write_bytes(b"y")
            pictures.append(StoredPicture(source, 1, "lite"))
            store.add(pictures[-1], preview)
            while pictures[-1].state != "ready":
                await pictures[-1].wait_for_change(pictures[-1].state, 10)
        assert len(list(tmp_path.iterdir())) == 6
        pictures[0].used -= 11
        store.remove_idle()
        assert len(list(tmp_path.iterdir())) == 3
        assert store.find(pictures[1].id) is pictures[1]
        with pytest.raises(ProblemError, match="no such picture"):
            store.find(pictures[0].id)

    asyncio.run(trial())
    queue.close()


def test_the_documentation_has_every_option_and_no_other() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "web.md").read_text(encoding="utf-8")
    table = text[: text.index("## The API")]
    options = {name for item in serve.params for name in (*item.opts, *item.secondary_opts)} - {"-h", "--help"}
    assert set(re.findall(r"`(--?[a-z-]+)`", table)) | {"--verbose"} == options


def test_work_under_way_learns_that_nobody_wants_it() -> None:
    queue, begun = WorkQueue("test", 1, 1), threading.Event()

    def work(cancelled: threading.Event) -> bool:
        begun.set()
        return cancelled.wait(10)

    job = queue.submit(work)
    assert begun.wait(10)
    job.cancel()
    assert job.future.result(10) is True
    queue.close()
