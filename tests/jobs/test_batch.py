"""A batch asks for its work to be done, and for its files: it knows neither where nor how."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from PIL import Image
from scans import encoded, make_scans

from colorizer import Settings
from colorizer.cli.wording import worded
from colorizer.errors import DiskFullError, MissingExtraError, OutputError, Remedy
from colorizer.io.address import Address
from colorizer.io.anywhere import AnyStorage
from colorizer.io.storage import LOCAL, Entry, Kind, Stamp, Storage
from colorizer.jobs import ahead, batch
from colorizer.jobs.batch import Batch, Run
from colorizer.jobs.discover import Filter, discover
from colorizer.jobs.executors import base, local, serial
from colorizer.jobs.executors.base import Job, Load, WorkerDied
from colorizer.jobs.executors.local import LocalExecutor, StartedProcesses, local_executor
from colorizer.jobs.executors.serial import SerialExecutor
from colorizer.jobs.journal import JOURNAL_NAME, Journal
from colorizer.jobs.plan import Task
from colorizer.jobs.report import Report
from colorizer.jobs.request import Request, prepare
from colorizer.jobs.run import Outcome, OutputPolicy, Status
from colorizer.media import READABLE_SUFFIXES
from colorizer.networks import resolve_model

LITE = Settings(model="lite", engine="opencv", size=64)


@dataclass
class FakeExecutor:
    """Does the jobs here, last one first, remembers them, and loses those that it is told to."""

    workers: int = 7
    threads: int | None = 1
    loses: tuple[str, ...] = ()
    done: list[Job[Any]] = field(default_factory=list)
    stopped: bool = False

    def run(self, load: Load[Any, Any], jobs: Iterable[Job[Any]]) -> Iterator[tuple[Any, Any]]:
        work = load()
        for job in reversed(list(jobs)):
            if self.stopped:
                return
            self.done.append(job)
            lost = job.item[0].source.name in self.loses
            yield job.item, WorkerDied(-9) if lost else work(job.item)

    def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeStorage:
    """Files in memory; a full one takes no more."""

    files: dict[Address, bytes] = field(default_factory=dict)
    full: bool = False
    prefetched: list[Address] = field(default_factory=list)
    closed: int = 0
    forgotten: list[Address] = field(default_factory=list)

    def open_read(self, address: Address, *, peek: bool = False) -> BinaryIO:  # noqa: ARG002
        if address not in self.files:
            raise FileNotFoundError(2, "no such object")
        return io.BytesIO(self.files[address])

    @contextmanager
    def put_whole(self, address: Address, *, remedy: Remedy | str | None = None) -> Iterator[BinaryIO]:
        file = io.BytesIO()
        yield file
        if self.full:
            raise DiskFullError(f"{address}: no room", remedy=remedy)
        self.files[address] = file.getvalue()

    def open_append(self, address: Address, *, replace: bool = False) -> BinaryIO:
        before = b"" if replace else self.files.get(address, b"")
        files = self.files

        class Appended(io.BytesIO):
            def close(self) -> None:
                if not self.closed:
                    files[address] = before + self.getvalue()
                super().close()

        return Appended()

    def lines(self, address: Address) -> Iterator[bytes]:
        with self.open_read(address) as file:
            yield from file

    def is_folder(self, address: Address) -> bool:
        return any(address in path.parents for path in self.files if isinstance(path, Path))

    def make_folder(self, folder: Address) -> None:
        pass

    def matching(self, pattern: Address) -> list[Address]:
        return [pattern]

    def look_up(self, addresses: Iterable[Address]) -> None:
        pass

    def survey(self, folder: Address) -> None:
        pass

    def note(self, address: Address, stamp: Stamp) -> None:
        pass

    def forget(self, address: Address) -> None:
        self.forgotten.append(address)

    def close(self) -> None:
        self.closed += 1

    def for_workers(self) -> Storage:
        return self

    def stamp(self, address: Address) -> Stamp | None:
        return Stamp(len(self.files[address]), hash(self.files[address])) if address in self.files else None

    def identity(self, address: Address) -> Hashable | None:
        return address

    def walk(
        self, folder: Address, enters: Callable[[Entry[Address]], bool]
    ) -> Iterator[tuple[Address, list[Entry[Address]]]]:
        paths = sorted(Path(str(path)) for path in self.files)
        names = {path.relative_to(str(folder)).parts[0]: path for path in paths if folder in path.parents}
        entries = [
            Entry[Address](folder / name, name, Kind.FILE if path == folder / name else Kind.FOLDER)
            for name, path in names.items()
        ]
        yield folder, entries
        for entry in entries:
            if entry.kind is Kind.FOLDER and enters(entry):
                yield from self.walk(entry.address, enters)

    def prefetch(self, address: Address) -> None:
        self.prefetched.append(address)


def tasks(folder: Path, count: int) -> list[Task]:
    return [Task(path, path.with_suffix(".color.png")) for path in make_scans(folder, count)]


def run(
    executor: Any, wanted: list[Task], policy: OutputPolicy | None = None, **more: Any
) -> tuple[Run, list[Outcome]]:
    one = Run(Batch(wanted, LITE, policy or OutputPolicy(), None, executor=executor, **more), resolve_model("lite"))
    return one, list(one)


def test_a_batch_is_done_by_the_executor_that_it_is_given(tmp_path: Path) -> None:
    wanted, executor = tasks(tmp_path, 5), FakeExecutor()
    _, outcomes = run(executor, wanted)
    assert [outcome.task for outcome in outcomes] == wanted[::-1]
    assert all(outcome.status is Status.COLORED for outcome in outcomes)
    assert all(LOCAL.stamp(Path(str(task.target))) for task in wanted)
    assert all(job.memory > 2 * job.item[0].source.stat().st_size for job in executor.done)


def test_a_worker_that_died_fails_its_picture_and_says_so(tmp_path: Path) -> None:
    wanted = tasks(tmp_path, 5)
    _, outcomes = run(FakeExecutor(loses=(wanted[2].source.name,)), wanted)
    (lost,) = [outcome for outcome in outcomes if outcome.error]
    assert lost.task == wanted[2]
    assert "the process that worked on it ended (exit code -9)" in str(lost.error)


def test_stopping_a_run_stops_its_executor_also_before_it_begins(tmp_path: Path) -> None:
    wanted, executor = tasks(tmp_path, 5), FakeExecutor()
    one = Run(Batch(wanted, LITE, OutputPolicy(), None, executor=executor), resolve_model("lite"))
    for outcome in one:
        assert outcome.error is None
        one.stop()
    assert len(executor.done) == 1
    for few in (5, 2):
        stopped = Run(Batch(wanted[:few], LITE, OutputPolicy(), None, executor=FakeExecutor()), resolve_model("lite"))
        stopped.stop()
        assert all(outcome.status is Status.KEPT for outcome in stopped)


def test_a_few_pictures_are_done_here_whatever_the_executor(tmp_path: Path) -> None:
    executor = FakeExecutor()
    _, outcomes = run(executor, tasks(tmp_path, ahead.SMALL_BATCH))
    assert [outcome.status for outcome in outcomes] == [Status.COLORED] * ahead.SMALL_BATCH
    assert not executor.done


def test_a_request_takes_an_executor_or_makes_one_of_this_machine(tmp_path: Path) -> None:
    make_scans(tmp_path, 2)
    request = Request([tmp_path], None, LITE, OutputPolicy(), jobs=2, memory=1 << 20)
    executor = FakeExecutor()
    assert prepare(request, executor=executor).batch.executor is executor
    made = prepare(request).batch.executor
    assert isinstance(made, LocalExecutor)
    assert made.workers == 2
    assert isinstance(local_executor(1, 1 << 20), SerialExecutor)


def test_executors_share_nothing_but_what_they_are_given() -> None:
    for module in (base, local, serial, batch, ahead):
        state = {name: value for name, value in vars(module).items() if isinstance(value, list | dict | set)}
        assert not {name for name in state if not name.startswith("__")}
    first, second = StartedProcesses(1, "fractions"), StartedProcesses(1, "fractions")
    executor = LocalExecutor(1, 1 << 30, first)
    assert list(executor.run(doubled, [Job(2, 1)])) == [(2, 4)]
    assert (len(first), len(second)) == (0, 1)
    (waiting,) = second._waiting
    assert waiting.process.is_alive()
    second.end()
    assert not waiting.process.is_alive()
    assert not len(second)


def doubled() -> Callable[[int], int]:
    return lambda number: 2 * number


def test_pictures_journal_and_report_go_through_the_storage_that_is_given(tmp_path: Path) -> None:
    folder, out = Path("archive"), tmp_path / "out"
    storage = FakeStorage({folder / f"{number}.png": encoded(number, ".png") for number in range(4)})
    storage.files[folder / "below" / "4.png"] = encoded(4, ".png")
    storage.files[folder / "notes.txt"] = b"no picture"
    suffixes = tuple(READABLE_SUFFIXES)
    found = discover([], suffixes, storage=storage)
    assert not found.pictures
    search = [item.relative for item in _found(storage, folder, suffixes)]
    assert search == [*(Path(f"{number}.png") for number in range(4)), Path("below/4.png")]
    wanted = [Task(folder / relative, out / relative.name) for relative in search]
    one = Run(Batch(wanted, LITE, OutputPolicy(), out, executor=FakeExecutor(), storage=storage), resolve_model("lite"))
    with Report(Path("report.jsonl"), storage=storage) as report:
        for outcome in one:
            assert outcome.status is Status.COLORED
            report.add(outcome)
    assert set(storage.prefetched) == set(storage.forgotten) == {task.source for task in wanted}
    assert storage.files[Path("report.jsonl")].count(b'"status": "colored"') == 5
    assert list(tmp_path.iterdir()) == []
    for task in wanted:
        assert np.asarray(Image.open(io.BytesIO(storage.files[task.target]))).shape[2] == 3
    again = Run(
        Batch(wanted, LITE, OutputPolicy(), out, executor=FakeExecutor(), storage=storage), resolve_model("lite")
    )
    assert [outcome.status for outcome in again] == [Status.KEPT] * 5
    assert out / JOURNAL_NAME in storage.files


def _found(storage: FakeStorage, folder: Path, suffixes: tuple[str, ...]) -> Iterator[Any]:
    from colorizer.jobs.discover import _Search

    return _Search(storage, frozenset(suffixes), Filter(), None).pictures_in(folder)


def test_a_storage_that_is_full_ends_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    folder = Path("archive")
    files: dict[Address, bytes] = {folder / f"{number}.png": encoded(number, ".png") for number in range(5)}
    storage = FakeStorage(dict(files), full=True)
    wanted = [Task(path, path.with_suffix(".color.png")) for path in files]
    one, outcomes = run(FakeExecutor(), wanted, storage=storage)
    (failed,) = outcomes
    assert isinstance(failed.error, DiskFullError)
    assert one.broken_off is not None
    assert "the disk is full" in one.broken_off
    assert storage.files == files


def test_a_storage_that_cannot_be_read_fails_its_pictures_by_name(tmp_path: Path) -> None:
    wanted = [Task(Path("gone.png"), tmp_path / "gone.png")]
    _, (failed,) = run(FakeExecutor(), wanted, storage=FakeStorage())
    assert str(failed.error) == "gone.png: no such file; check the name"


class BrokenJournalStorage(AnyStorage):
    """Where nothing can be appended to."""

    def open_append(self, address: Address, *, replace: bool = False) -> BinaryIO:  # noqa: ARG002
        raise PermissionError(13, "Permission denied")


def test_a_storage_that_refuses_journals_costs_them_alone_and_reports_say_so(tmp_path: Path) -> None:
    (wanted,) = tasks(tmp_path / "scans", 1)
    journal = Journal(tmp_path, BrokenJournalStorage())
    Path(str(wanted.target)).write_bytes(b"whole")
    journal.add(Outcome(wanted, Status.COLORED), None, LOCAL.stamp(Path(str(wanted.source))))
    assert journal.complete(wanted.target) is not None
    with pytest.raises(OutputError, match=r"r\.jsonl: the report cannot be written"):
        Report(tmp_path / "r.jsonl", storage=BrokenJournalStorage())


def test_a_report_words_errors_as_its_opener_does(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(1, ".png"))
    wanted = Task(tmp_path / "a.png", tmp_path / "out.png")
    _, (failed,) = run(SerialExecutor(), [wanted], policy=OutputPolicy(max_pixels=10))
    for words, ending in ((str, "max_pixels="), (worded, "--max-pixels ")):
        with Report(tmp_path / "report.jsonl", words=words) as report:
            report.add(failed)
        assert f"if the file can be trusted: {ending}" in json.loads((tmp_path / "report.jsonl").read_text())["error"]


def test_walking_gives_what_stands_in_folders_in_order_and_enters_what_it_may(tmp_path: Path) -> None:
    for name in ("b/c.txt", "b/a.txt", "a/deep/x.txt", "z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    walked = [
        (folder.relative_to(tmp_path).as_posix(), [entry.name for entry in entries])
        for folder, entries in LOCAL.walk(tmp_path, lambda entry: entry.name != "deep")
    ]
    assert walked == [(".", ["a", "b", "z.txt"]), ("a", ["deep"]), ("b", ["a.txt", "c.txt"])]


def test_without_its_package_heic_fails_alone_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pillow_heif

    wanted = tasks(tmp_path, 2)
    grey = np.zeros((64, 64), np.uint8)
    with (tmp_path / "photo.heic").open("wb") as file:
        pillow_heif.encode("L", grey.shape, grey.tobytes(), file, quality=90)
    wanted.insert(1, Task(tmp_path / "photo.heic", tmp_path / "photo.png"))
    wanted.append(Task(wanted[0].source, tmp_path / "out.heic"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    _, outcomes = run(SerialExecutor(), wanted)
    assert [outcome.status for outcome in outcomes] == [Status.COLORED, Status.FAILED, Status.COLORED, Status.FAILED]
    for outcome, name in ((outcomes[1], "photo.heic"), (outcomes[3], "out.heic")):
        assert isinstance(outcome.error, MissingExtraError)
        needs = f"{tmp_path / name}: HEIC needs pillow-heif, which is not installed; "
        assert str(outcome.error) == needs + "install colorize-photos with its extra 'heic'"
        assert worded(outcome.error) == needs + "pip install 'colorize-photos[heic]'"
