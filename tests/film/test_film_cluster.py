"""Films on a Ray cluster: the bytes of one machine, whatever happens to nodes and drivers."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import cv2
import pytest
from clusters import add_node, kill_node
from conftest import Command
from films import SMALL_VIEW, make_film, noisy, pan, to_grey
from guided_films import filmed

from colorizer import Settings
from colorizer.errors import InputError, OutputError
from colorizer.film import FilmOptions
from colorizer.film.encoding import Encoded, FilmJob, Progress
from colorizer.film.guidance.files import FilmGuiding
from colorizer.film.job import FilmResult, color_video
from colorizer.jobs.executors.base import Answer, Job
from colorizer.jobs.films import encode_on

SEGMENT = 6
NOTHING_SAID = FilmGuiding()


def make_source(photographs: list[Path], path: Path, count: int) -> Path:
    """Two grey scenes with grain."""
    half = count // 2
    frames = pan(photographs[0], half) + pan(photographs[1], count - half)
    return make_film(path, noisy(to_grey(frames), 2))


@dataclass
class Here:
    """A `DistantExecutor` whose only worker is this process: what is handed over, and in which order, as on others."""

    order: str = "as given"
    stopped: bool = False
    left: bool = False
    done: list[Any] = field(default_factory=list)
    workers: int = 3
    threads: int | None = 1

    def close(self) -> None:
        self.left = True

    def run(
        self, load: Callable[[], Callable[[Any], Any]], jobs: Iterable[Job[Any] | None]
    ) -> Iterator[tuple[Any, Any]]:
        work = load()
        source, waiting = iter(jobs), deque[Any]()
        while not self.stopped:
            job = next(source, None)
            while job is not None:
                waiting.append(job.item)
                job = next(source, None) if len(waiting) < self.workers else None
            if not waiting and inspect.getgeneratorstate(source) == inspect.GEN_CLOSED:  # type: ignore[arg-type]
                return
            if not waiting:
                time.sleep(0.01)
                continue
            item = waiting.pop() if self.order == "last first" else waiting.popleft()
            self.done.append(item)
            yield item, pickle.loads(pickle.dumps(work(pickle.loads(pickle.dumps(item)))))

    def stop(self) -> None:
        self.stopped = True

    def on_a_gpu(self, question: Callable[[], Answer]) -> Answer:
        raise NotImplementedError

    def use_gpus(self) -> None:
        raise NotImplementedError


def packets(path: Path) -> list[tuple[int, int | None, str]]:
    """All packets of a film; its header has a random number."""
    with av.open(str(path)) as film:
        return [(packet.stream_index, packet.pts, hashlib.sha256(bytes(packet)).hexdigest()) for packet in film.demux()]


def color(
    source: Path,
    target: Path,
    executor: Here | None = None,
    options: FilmOptions | None = None,
    *,
    settings: Settings = SMALL_VIEW,
    guiding: FilmGuiding = NOTHING_SAID,
    **more: Any,
) -> FilmResult:
    encode = None if executor is None else encode_on(executor)
    how: dict[str, Any] = {"guiding": guiding, "segment_frames": SEGMENT, "encode": encode} | more
    return color_video(source, target, settings, options or QUICK, **how)


QUICK = FilmOptions(preset="ultrafast")


@pytest.mark.parametrize("order", ["as given", "last first"])
@pytest.mark.parametrize(
    "options",
    [QUICK, replace(QUICK, every="auto"), FilmOptions(codec="ffv1", steadiness=0)],
    ids=["usual", "auto", "each by itself"],
)
def test_segments_made_in_stages_are_those_of_one_run(
    order: str, options: FilmOptions, photographs: list[Path], tmp_path: Path
) -> None:
    source = make_source(photographs, tmp_path / "film.mkv", 15)
    here = color(source, tmp_path / "here.mkv", options=options)
    there = color(source, tmp_path / "there.mkv", Here(order), options)
    assert packets(tmp_path / "there.mkv") == packets(tmp_path / "here.mkv")
    assert there == here
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "here.mkv", "there.mkv"]


def make_guidance(photographs: list[Path], folder: Path) -> FilmGuiding:
    """Of the two scenes of `make_source`, 9 frames each: a frame in colour and a look, hints, and palettes of both."""
    references = folder / "refs"
    references.mkdir()
    cv2.imwrite(str(references / "ref_000003.png"), pan(photographs[0], 9)[3][..., ::-1])
    said = {
        "version": 1,
        "hints": [{"points": [[0.5, 0.5]], "size": 0.2, "color": "navy", "frame": 13}],
        "shots": [{"frame": 2, "saturation": 0.7}, {"frame": 12, "palette": ["#804020"]}],
    }
    hints = folder / "film.hints.json"
    hints.write_text(json.dumps(said))
    return FilmGuiding(references, palette=("#406080",), hints=hints)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (QUICK, SMALL_VIEW),
        (replace(QUICK, every="auto"), SMALL_VIEW),
        (FilmOptions(codec="ffv1", steadiness=0, start="0.3"), SMALL_VIEW),
        (QUICK, replace(SMALL_VIEW, strength=0.5)),
    ],
    ids=["usual", "auto", "each by itself, a part", "half of its own colour"],
)
def test_guided_segments_made_in_stages_are_those_of_one_run(
    options: FilmOptions, settings: Settings, photographs: list[Path], tmp_path: Path
) -> None:
    frames = pan(photographs[0], 9) + pan(photographs[1], 9)
    if settings.strength == 1:
        frames = to_grey(frames)
    source = make_film(tmp_path / "film.mkv", noisy(frames, 2))
    guiding = make_guidance(photographs, tmp_path)
    how: dict[str, Any] = {"options": options, "settings": settings, "guiding": guiding}
    here = color(source, tmp_path / "here.mkv", **how)
    there = color(source, tmp_path / "there.mkv", Here("last first"), **how)
    assert packets(tmp_path / "there.mkv") == packets(tmp_path / "here.mkv")
    assert there == here
    color(source, tmp_path / "plain.mkv", options=options, settings=settings)
    assert packets(tmp_path / "plain.mkv") != packets(tmp_path / "here.mkv")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_guided_film_begun_on_a_cluster_is_gone_on_with_here(photographs: list[Path], tmp_path: Path) -> None:
    source = make_source(photographs, tmp_path / "film.mkv", 18)
    guiding, executor = make_guidance(photographs, tmp_path), Here()
    with pytest.raises(KeyboardInterrupt):
        color(source, tmp_path / "there.mkv", executor, guiding=guiding, on_progress=lambda _: executor.stop())
    result = color(source, tmp_path / "there.mkv", guiding=guiding)
    assert result.network_calls == 18 - SEGMENT
    color(source, tmp_path / "here.mkv", guiding=guiding)
    assert packets(tmp_path / "there.mkv") == packets(tmp_path / "here.mkv")


def test_a_frame_in_colour_that_is_gone_ends_the_work_with_its_name(photographs: list[Path], tmp_path: Path) -> None:
    source = make_source(photographs, tmp_path / "film.mkv", 18)
    guiding = make_guidance(photographs, tmp_path)
    assert guiding.references is not None
    frame = guiding.references / "ref_000003.png"
    begun = Here()

    def encode(job: FilmJob) -> Encoded:
        frame.write_bytes(b"")
        return encode_on(begun)(job)

    with pytest.raises(InputError, match=r"ref_000003.png"):
        color(source, tmp_path / "there.mkv", guiding=guiding, encode=encode)
    assert begun.left


@pytest.mark.parametrize(
    "options", [QUICK, replace(QUICK, every="auto", start="0.21")], ids=["usual", "auto, from the middle"]
)
def test_shots_are_matched_as_in_one_run(options: FilmOptions, photographs: list[Path], tmp_path: Path) -> None:
    places = {path.stem: path for path in photographs}
    first, between = filmed(places["living-room"], 8), filmed(places["dahlia"], 3)
    again = filmed(places["living-room"], 4, nearer=1.4, exposure=0.85, seed=2)
    source = make_film(tmp_path / "film.mkv", [one.grey for one in (*first, *between, *again)])
    settings, guiding = Settings(model="lite", engine="opencv"), FilmGuiding(match_shots=True)
    for name, encode in (("here", None), ("there", encode_on(Here("last first")))):
        result = color_video(
            source, tmp_path / f"{name}.mkv", settings, options, guiding=guiding, segment_frames=SEGMENT, encode=encode
        )
        assert any("1 of 3" in note for note in result.notes)
    assert packets(tmp_path / "there.mkv") == packets(tmp_path / "here.mkv")
    color_video(source, tmp_path / "plain.mkv", settings, options, segment_frames=SEGMENT)
    assert packets(tmp_path / "plain.mkv") != packets(tmp_path / "here.mkv")


@pytest.mark.parametrize("count", [12, 13])
def test_a_film_in_colour_passes_where_it_is_to_and_ends_where_it_ends(
    count: int, photographs: list[Path], tmp_path: Path
) -> None:
    source = make_film(tmp_path / "film.mkv", to_grey(pan(photographs[0], 7)) + pan(photographs[1], count - 7))
    settings = replace(SMALL_VIEW, keep_color=True)
    targets = [tmp_path / "here.mkv", tmp_path / "there.mkv"]
    for target, encode in zip(targets, (None, encode_on(Here("last first"))), strict=True):
        color_video(source, target, settings, QUICK, segment_frames=SEGMENT, encode=encode)
    assert packets(targets[0]) == packets(targets[1])


def test_a_run_that_is_stopped_is_gone_on_with_here(photographs: list[Path], tmp_path: Path) -> None:
    source, target = make_source(photographs, tmp_path / "film.mkv", 20), tmp_path / "there.mkv"
    executor, told = Here(), []

    def stop(progress: Progress) -> None:
        told.append(progress)
        executor.stop()

    with pytest.raises(KeyboardInterrupt):
        color_video(
            source, target, SMALL_VIEW, QUICK, segment_frames=SEGMENT, on_progress=stop, encode=encode_on(executor)
        )
    assert [(progress.done, progress.resumed) for progress in told] == [(SEGMENT, 0)]
    assert not target.exists()
    result = color(source, target)
    assert result.network_calls == 20 - SEGMENT
    color(source, tmp_path / "here.mkv")
    assert packets(target) == packets(tmp_path / "here.mkv")


def test_what_goes_wrong_while_steadying_is_raised_and_leaves_the_work(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: object) -> None:
        raise OutputError(f"{path}: cannot be written")

    monkeypatch.setattr("colorizer.jobs.films.save_chroma", full)
    source, executor = make_source(photographs, tmp_path / "film.mkv", 8), Here()
    with pytest.raises(OutputError, match="cannot be written"):
        color(source, tmp_path / "there.mkv", executor)
    assert executor.left


@pytest.fixture
def film(photographs: list[Path], tmp_path: Path) -> Path:
    """Twelve segments and a bit, of the length that the command makes them."""
    return make_source(photographs, tmp_path / "film.mkv", 12 * SEGMENT + 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
@pytest.mark.parametrize("guided", [False, True])
def test_a_film_on_a_cluster_is_that_of_one_machine_though_a_node_comes_and_is_lost(
    guided: bool, ray_cluster: Any, photographs: list[Path], film: Path, tmp_path: Path
) -> None:
    from colorizer.jobs.executors.cluster.executor import RayExecutor

    node = add_node(ray_cluster)

    def lose(progress: Progress) -> None:
        nonlocal node
        if node is not None and progress.done >= 3 * SEGMENT:
            kill_node(ray_cluster, node)
            node = None

    guiding = make_guidance(photographs, tmp_path) if guided else NOTHING_SAID
    there, encode = tmp_path / "there.mkv", encode_on(RayExecutor(ray_cluster.address))
    color(film, there, guiding=guiding, on_progress=lose, encode=encode)
    assert node is None
    color(film, tmp_path / "here.mkv", guiding=guiding)
    assert packets(there) == packets(tmp_path / "here.mkv")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
@pytest.mark.parametrize("guided", [False, True])
def test_a_killed_driver_of_a_film_is_gone_on_after(
    guided: bool, ray_cluster: Any, photographs: list[Path], colorize_process: Command, tmp_path: Path
) -> None:
    make_source(photographs, tmp_path / "film.mkv", 500)
    if guided:
        hints = [{"points": [[0.5, 0.5]], "size": 0.2, "color": "navy", "frame": frame} for frame in (40, 300)]
        (tmp_path / "film.hints.json").write_text(json.dumps({"version": 1, "hints": hints}))
    how = ("--model", "lite", "--size", "32", "--preset", "ultrafast", "--every", "auto")
    command = ["film.mkv", "-o", "there.mkv", *how, "--cluster", ray_cluster.address]
    assert colorize_process("film.mkv", "-o", "here.mkv", *how).returncode == 0
    environment = os.environ | {"COLORIZER_HOME": str(tmp_path / "home")}
    process = subprocess.Popen([sys.executable, "-m", "colorizer", *command], cwd=tmp_path, env=environment)
    while process.poll() is None and not (tmp_path / ".there.mkv.colorize" / "000000.segment").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = colorize_process(*command)
    assert done.returncode == 0, done.stderr
    assert packets(tmp_path / "there.mkv") == packets(tmp_path / "here.mkv")
