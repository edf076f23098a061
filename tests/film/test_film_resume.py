"""A film that is killed anywhere goes on where it was, and comes out as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import pytest
from films import SMALL_VIEW, Recipe, look, make_film, noisy, pan, to_grey
from guided_films import filmed

from colorizer.errors import OutputError
from colorizer.film import FilmOptions
from colorizer.film.encoding import Progress
from colorizer.film.job import color_video
from colorizer.film.segments import WorkFolder
from colorizer.io.atomic import remove_leftovers

SEGMENT = 6
CODE = """
import sys
from pathlib import Path
from colorizer import Settings
from colorizer.film import FilmOptions
from colorizer.film.job import color_video
from colorizer.film.guidance.files import FilmGuiding
source, target, codec = sys.argv[1:]
hints = Path(source).with_suffix(".hints.json")
references = Path(source).with_name("refs")
guiding = FilmGuiding(
    references if references.exists() else None,
    hints=hints if hints.exists() else None,
    match_shots=Path(source).stem == "shots",
)
settings = Settings(model="lite", engine="opencv", threads=1)
film = FilmOptions(codec=codec, preset="ultrafast" if codec == "h264" else None, every="2")
print("begun", flush=True)
say = lambda progress: print(progress.done, flush=True)
color_video(Path(source), Path(target), settings, film, guiding=guiding, segment_frames=6, on_progress=say)
"""


def run_of(source: Path, target: Path, codec: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CODE, str(source), str(target), codec], stdout=subprocess.PIPE)


def content(path: Path) -> list[tuple[int, int | None, str]]:
    """Every packet of every stream: stream, time, hash."""
    with av.open(str(path)) as film:
        return [(packet.stream_index, packet.pts, hashlib.sha256(bytes(packet)).hexdigest()) for packet in film.demux()]


def make_source(photographs: list[Path], path: Path, frames: int) -> Path:
    return make_film(path, noisy(to_grey(pan(photographs[0], frames)), 6), Recipe(time_base=Fraction(1, 1000)))


def broken_and_resumed(source: Path, target: Path, codec: str, kills: int, seed: int) -> int:
    """Kill a run at random moments until none is left, then let it end. Returns how often it was killed at work."""
    rng = random.Random(seed)
    killed = 0
    for _ in range(kills):
        process = run_of(source, target, codec)
        assert process.stdout is not None
        process.stdout.readline()
        # some while the libraries load, most while frames pass
        for _ in range(rng.choice([0, 3, 5, 8])):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.wait()
        process.stdout.close()
        killed += not target.exists()
    process = run_of(source, target, codec)
    process.communicate()
    assert process.returncode == 0
    return killed


def one_trial(photographs: list[Path], tmp_path: Path, codec: str, *, frames: int, kills: int) -> None:
    suffix = ".mp4" if codec == "h264" else ".mkv"
    source = make_source(photographs, tmp_path / "film.mkv", frames)
    whole, resumed = tmp_path / f"whole{suffix}", tmp_path / f"resumed{suffix}"
    process = run_of(source, whole, codec)
    process.communicate()
    assert process.returncode == 0
    assert broken_and_resumed(source, resumed, codec, kills, seed=frames) > 0
    assert content(resumed) == content(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, whole.name, resumed.name])


@pytest.mark.parametrize("codec", ["h264", pytest.param("ffv1", marks=pytest.mark.slow)])
def test_a_killed_film_resumes_to_the_same_pictures_and_sound(
    codec: str, photographs: list[Path], tmp_path: Path
) -> None:
    one_trial(photographs, tmp_path, codec, frames=26, kills=2 if codec == "ffv1" else 1)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", "ffv1"])
def test_ten_kills_leave_no_trace(codec: str, photographs: list[Path], tmp_path: Path) -> None:
    one_trial(photographs, tmp_path, codec, frames=120, kills=10)


@pytest.mark.slow
def test_kills_leave_no_trace_in_a_guided_film(photographs: list[Path], tmp_path: Path) -> None:
    hints = [{"points": [[0.5, 0.5]], "size": 0.2, "color": "navy", "frame": frame} for frame in (8, 50)]
    (tmp_path / "film.hints.json").write_text(json.dumps({"version": 1, "hints": hints}))
    (tmp_path / "refs").mkdir()
    cv2.imwrite(str(tmp_path / "refs" / "ref_000030.png"), pan(photographs[0], 60)[30][..., ::-1])
    source = make_source(photographs, tmp_path / "film.mkv", 60)
    whole, resumed = tmp_path / "whole.mkv", tmp_path / "resumed.mkv"
    process = run_of(source, whole, "ffv1")
    process.communicate()
    assert process.returncode == 0
    assert broken_and_resumed(source, resumed, "ffv1", 5, seed=2) > 0
    assert content(resumed) == content(whole)


@pytest.mark.slow
def test_kills_leave_no_trace_in_a_film_whose_shots_are_matched(photographs: list[Path], tmp_path: Path) -> None:
    places = [path for path in photographs if path.stem in ("living-room", "dahlia")]
    shots = [filmed(places[turn % 2], 12, nearer=1 + 0.2 * turn, seed=turn) for turn in range(5)]
    source = make_film(
        tmp_path / "shots.mkv", [one.grey for shot in shots for one in shot], Recipe(time_base=Fraction(1, 1000))
    )
    whole, resumed = tmp_path / "whole.mkv", tmp_path / "resumed.mkv"
    process = run_of(source, whole, "ffv1")
    process.communicate()
    assert process.returncode == 0
    assert broken_and_resumed(source, resumed, "ffv1", 5, seed=3) > 0
    assert content(resumed) == content(whole)


def test_what_is_done_is_not_done_again(photographs: list[Path], tmp_path: Path) -> None:
    source = make_source(photographs, tmp_path / "film.mkv", 20)

    class StopError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.done == 15:
            raise StopError

    with pytest.raises(StopError):
        color_video(source, tmp_path / "out.mkv", SMALL_VIEW, FilmOptions(), on_progress=stop, segment_frames=SEGMENT)
    assert not (tmp_path / "out.mkv").exists()
    result = color_video(source, tmp_path / "out.mkv", SMALL_VIEW, FilmOptions(), segment_frames=SEGMENT)
    assert result.frames == 20
    assert result.network_calls == 8


def test_segments_of_another_job_are_thrown_away(tmp_path: Path) -> None:
    def work_of(settings: str) -> WorkFolder:
        work = WorkFolder(tmp_path / "out.mkv", {"settings": settings})
        work.close()
        return work

    (work_of("these").path / "000000.segment").write_bytes(b"")
    assert len(work_of("these").complete()) == 1
    assert work_of("others").complete() == []


def test_two_runs_do_not_make_one_film_at_a_time(photographs: list[Path], tmp_path: Path) -> None:
    source, target = make_source(photographs, tmp_path / "film.mkv", 12), tmp_path / "out.mkv"

    def meanwhile(progress: Progress) -> None:
        if progress.done == 5:
            with pytest.raises(OutputError, match=r"out.mkv: another run is making it; wait until that has ended"):
                color_video(source, target, SMALL_VIEW, FilmOptions(), segment_frames=SEGMENT)

    result = color_video(source, target, SMALL_VIEW, FilmOptions(), on_progress=meanwhile, segment_frames=SEGMENT)
    assert result.frames == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "out.mkv"]


def test_interrupting_leaves_no_film_and_the_work_to_go_on_with(photographs: list[Path], tmp_path: Path) -> None:
    source = make_source(photographs, tmp_path / "film.mkv", 20)
    process = run_of(source, tmp_path / "out.mkv", "ffv1")
    assert process.stdout is not None
    while process.stdout.readline() not in (b"8\n", b""):
        pass
    process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
    process.stdout.close()
    process.wait()
    assert not (tmp_path / "out.mkv").exists()
    assert (tmp_path / ".out.mkv.colorize" / "000000.segment").exists()


HANGING_JOIN = """
import time
from colorizer.film import joining
def hanging(segments):
    for number, packet in enumerate(packets(segments)):
        if number == 10:
            print("joining", flush=True)
            time.sleep(600)
        yield packet
packets, joining.packets_in_order = joining.packets_in_order, hanging
"""


def test_a_run_killed_while_it_joins_leaves_nothing_after_the_next_one(photographs: list[Path], tmp_path: Path) -> None:
    source, target = make_source(photographs, tmp_path / "film.mkv", 20), tmp_path / "out.mkv"
    command = [sys.executable, "-c", HANGING_JOIN + CODE, str(source), str(target), "ffv1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    while process.stdout.readline() not in (b"joining\n", b""):
        pass
    assert not target.exists()
    (left,) = tmp_path.glob("*.part")
    # what another run under way is writing stays
    remove_leftovers(tmp_path)
    assert left.exists()
    process.kill()
    process.wait()
    process.stdout.close()
    assert left.exists()
    again = run_of(source, target, "ffv1")
    again.communicate()
    assert again.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "out.mkv"]
    assert len(look(target).times) == 20
