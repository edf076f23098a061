"""Jobs and workers that come and go, without a cluster: order, how many at a time, losses, stopping."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

import pytest
from conftest import Command
from scans import make_scans

from colorizer.errors import OutputError
from colorizer.io.storage import LOCAL
from colorizer.jobs.executors.base import Job, WorkerDied
from colorizer.jobs.executors.cluster.machines import NeededFile, Shared, look, place, shared
from colorizer.jobs.executors.cluster.scheduling import AHEAD, Done, Lost, schedule
from colorizer.jobs.executors.cluster.versions import PACKAGES, difference, installed, refusal


class Crew:
    """Workers that finish in turn, the first first; each ends after so many jobs, where a number is given.

    `losing` says for which items, and how often, a worker is lost, and whether alone.
    """

    def __init__(self, count: int, losing: dict[int, list[bool]] | None = None) -> None:
        self.idle: list[Hashable] = [f"worker {number}" for number in range(count)]
        self.losing = losing or {}
        self.begun: list[int] = []
        self.at: dict[Hashable, int] = {}
        self.most = 0
        self.ended = False
        self.soon: list[bool] = []

    @property
    def free(self) -> int:
        return len(self.idle)

    def choose(self, job: Job[int]) -> Hashable | None:  # noqa: ARG002 - all have room
        return self.idle[0] if self.idle else None

    def begin(self, worker: Hashable, job: Job[int]) -> None:
        self.idle.remove(worker)
        self.at[worker] = job.item
        self.begun.append(job.item)
        self.most = max(self.most, len(self.at))

    def wait(self, *, soon: bool) -> Sequence[Done | Lost]:
        self.soon.append(soon)
        if not self.at:
            return []
        worker, item = next(iter(self.at.items()))
        del self.at[worker]
        losses = self.losing.get(item, [])
        if losses:
            self.idle.append(f"{worker}'s successor")
            return [Lost(worker, alone=losses.pop(0))]
        self.idle.append(worker)
        return [Done(worker, item * item)]

    def end(self) -> None:
        self.ended = True


def numbers(count: int) -> Iterator[Job[int]]:
    return (Job(number, 1) for number in range(count))


def never() -> bool:
    return False


def test_every_job_is_done_once_and_begun_in_order() -> None:
    crew = Crew(3)
    assert list(schedule(crew, numbers(20), never)) == [(number, number * number) for number in range(20)]
    assert crew.begun == list(range(20))
    assert crew.ended


def test_no_more_is_under_way_than_there_are_workers_and_a_little_more_is_looked_at() -> None:
    crew, asked = Crew(3), []

    def source() -> Iterator[Job[int]]:
        for job in numbers(50):
            asked.append(job)
            yield job

    for done, _ in enumerate(schedule(crew, source(), never)):
        assert len(asked) <= done + 1 + 3 + AHEAD
    assert crew.most == 3


def test_a_job_that_was_lost_with_its_machine_is_done_again_before_anything_new() -> None:
    crew = Crew(2, losing={4: [False] * 10})
    results = dict(schedule(crew, numbers(12), never))
    assert results == {number: number * number for number in range(12)}
    assert crew.begun.count(4) == 11
    assert max(crew.begun[: crew.begun.index(4) + 11]) <= 10


def test_a_job_at_which_workers_keep_dying_is_given_up_and_the_rest_goes_on() -> None:
    results = dict(schedule(Crew(2, losing={3: [True] * 9, 5: [True, False, True]}), numbers(8), never))
    assert results.pop(3) == WorkerDied(None)
    assert results == {number: number * number for number in (0, 1, 2, 4, 5, 6, 7)}


def test_once_stopping_nothing_is_begun_and_what_is_under_way_is_finished() -> None:
    crew = Crew(3)
    done: list[int] = []
    for item, _ in schedule(crew, numbers(50), lambda: bool(done)):
        done.append(item)
    assert sorted(done) == sorted(crew.begun)
    assert len(done) <= 6


def test_what_is_lost_while_stopping_stays_undone() -> None:
    done: list[int] = []
    for item, _ in schedule(Crew(2, losing={1: [False]}), numbers(9), lambda: bool(done)):
        done.append(item)
    assert 1 not in done


def test_jobs_that_depend_on_results_wait_for_them_and_others_go_on() -> None:
    known: set[int] = set()
    crew = Crew(2)

    def source() -> Iterator[Job[int] | None]:
        yield from numbers(4)
        while known != {0, 1, 2, 3}:
            yield None
        yield Job(9, 1)

    results = []
    for item, _ in schedule(crew, source(), never):
        known.add(item)
        results.append(item)
    assert results == [0, 1, 2, 3, 9]
    # two workers: one of them has nothing to do from the third result on, until it is known
    assert crew.soon[0] is False
    assert crew.soon[-2] is True


def test_workers_are_let_go_when_the_iteration_is_left_early() -> None:
    crew = Crew(2)
    run = schedule(crew, numbers(50), never)
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert crew.ended


def test_a_machine_is_told_by_its_files_and_by_marks_in_its_folders(tmp_path: Path) -> None:
    source, folder = tmp_path / "scan.png", tmp_path / "out"
    source.write_bytes(b"a picture")
    folder.mkdir()
    with shared([source], [folder, tmp_path / "not there"]) as what:
        assert what.unseen() is None
        assert len(what.folders) == 1
        source.write_bytes(b"another of that name")
        assert what.unseen() == source
        source.write_bytes(b"a picture")
        what.folders[0].unlink()
        assert what.unseen() == folder
    assert list(folder.iterdir()) == []
    assert Shared({tmp_path / "gone": LOCAL.stamp(source)}, ()).unseen() == tmp_path / "gone"


def test_files_that_a_machine_lacks_are_placed_together_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path / "home"))
    paths = [tmp_path / "net.onnx", tmp_path / "net.onnx.data"]
    contents = {}
    for path in paths:
        path.write_bytes(bytes(100))
        contents[NeededFile.at(path)] = path.read_bytes()
    assert look(Shared({}, ()), list(contents)).missing == ()
    paths[0].write_bytes(b"x" * 100)
    paths[1].unlink()
    assert [file.path for file in look(Shared({}, ()), list(contents)).missing] == paths
    places = place(contents)
    assert isinstance(places, dict)
    assert [places[path].read_bytes() for path in paths] == list(contents.values())
    assert places[paths[0]].parent == places[paths[1]].parent
    before = [places[path].stat().st_mtime_ns for path in paths]
    assert place(contents) == places
    assert [places[path].stat().st_mtime_ns for path in paths] == before


def test_a_machine_that_takes_no_files_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"net")
    (tmp_path / "home").write_bytes(b"a file where the folder should be")
    monkeypatch.setenv("COLORIZER_HOME", str(tmp_path / "home"))
    said = place({NeededFile.at(path): b"net"})
    assert isinstance(said, OutputError)
    assert "cannot be written" in str(said)


def test_versions_that_differ_are_named() -> None:
    here = installed(PACKAGES)
    assert here["colorize"]
    assert here["numpy"]
    assert refusal(here, here) is None
    assert difference(here, here) == ""
    assert refusal(here, here | {"colorize": ""}) == "colorize is not installed there"
    assert (
        refusal(here | {"colorize": "1.2"}, here | {"colorize": "1.1"}) == "it has colorize 1.1, and this machine 1.2"
    )
    assert refusal(here | {"Python": "3.12.1"}, here | {"Python": "3.12.9"}) is None
    assert "Python 3.11, and this machine 3.12" in str(
        refusal(here | {"Python": "3.12.1"}, here | {"Python": "3.11.1"})
    )
    assert difference(here | {"numpy": "2.2.1"}, here | {"numpy": "1.26"}) == "numpy 1.26 (2.2.1 here)"


def test_without_ray_it_is_said_how_to_get_it(
    colorize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    make_scans(tmp_path / "scans", 1)
    for arguments in (("scans", "-o", "out", "--model", "lite"), ("doctor",)):
        done = colorize(*arguments, "--cluster", "auto")
        assert done.returncode == 2
        assert done.stderr == (
            "colorize: a cluster needs ray, which is not installed; pip install 'colorize-photos[cluster]'\n"
        )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("-",), "--cluster: is for files and folders that are coloured; leave it out"),
        (
            ("scans", "-o", "out", "--variants", "3"),
            "--cluster: is for files and folders that are coloured; leave it out",
        ),
        (
            ("scans", "-o", "out", "--model", "lite", "--device", "coreml"),
            "--device coreml: is for one machine, not for a cluster",
        ),
        (("video", "f.mp4", "--preview", "3"), "--cluster: is for the whole film; leave it out, or --preview"),
        (("video", "--y4m", "-", "-o", "-"), "--cluster: is for film files, and folders of pictures; leave it out"),
        (
            ("video", "f.mp4", "--device", "cuda"),
            "--device: is not for films on a cluster, whose cores compute; leave it out",
        ),
    ],
)
def test_what_a_cluster_does_not_do_is_refused(
    arguments: tuple[str, ...], why: str, colorize: Command, tmp_path: Path
) -> None:
    make_scans(tmp_path / "scans", 1)
    done = colorize(*arguments, "--cluster", "auto")
    assert done.returncode == 2
    assert done.stderr == f"colorize: {why}\n"
