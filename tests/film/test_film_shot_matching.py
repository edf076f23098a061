"""What several shots show has one colour in all of them: films of photographs, to which the camera comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from conftest import Command
from films import Recipe, look, make_film
from guided_films import VIEW, Filmed, filmed, pictures_of

from colorizer import Settings
from colorizer.color.pixels import chroma_plane, lightness
from colorizer.film import FilmOptions
from colorizer.film.encoding import Progress
from colorizer.film.guidance.files import FilmGuidance, FilmGuiding, read_guiding
from colorizer.film.guidance.layers import ShotFrames
from colorizer.film.guidance.recognition import Sight, aligned, traced
from colorizer.film.guidance.shift import Shift, ShotShift, Told
from colorizer.film.job import color_video
from colorizer.film.preview import write_preview

ARCHIVE = FilmOptions(codec="ffv1", pixel_format="yuv444p")
LOSSLESS = Recipe(codec="ffv1", options={}, sounds=(), time_base=Fraction(1, 1000))
LITE = Settings(model="lite", engine="opencv")
MATCHED = FilmGuiding(match_shots=True)


def difference(one: npt.NDArray[Any], other: npt.NDArray[Any], places: Sequence[npt.NDArray[np.float64]]) -> float:
    """Mean distance in ab of what two frames both show, on average over surroundings of it."""
    here, there = (np.vstack([place, [0, 0, 1]]) for place in places)
    motion = np.linalg.solve(here, there)[:2]
    size = VIEW[::-1]
    moved = cv2.warpAffine(np.dstack([one, np.ones(VIEW, np.float32)]), motion, size, flags=cv2.WARP_INVERSE_MAP)
    inside = moved[..., 2] > 0.99
    away = cv2.GaussianBlur((moved[..., :2] - other) * inside[..., None], (0, 0), 4)
    return float(np.linalg.norm(away, axis=-1)[inside].mean())


@dataclass(frozen=True)
class Made:
    """A film of three shots, the third of the first one's place; without and with matched shots."""

    source: Path
    shots: tuple[list[Filmed], list[Filmed], list[Filmed]]
    plain: Path
    matched: Path
    notes: tuple[str, ...]

    def jump(self, target: Path) -> float:
        """How far the colours of the third shot's last frame are from those of the first shot's."""
        pictures = [chroma_plane(frame) for frame in pictures_of(target)]
        first, _, third = self.shots
        places = first[-1].place, third[-1].place
        return difference(pictures[len(first) - 1], pictures[-1], places)


def named(photographs: list[Path], name: str) -> Path:
    return next(path for path in photographs if path.stem == name)


def colored(source: Path, name: str, guiding: FilmGuiding, **more: Any) -> tuple[Path, tuple[str, ...]]:
    target = source.with_name(name)
    result = color_video(source, target, LITE, more.pop("options", ARCHIVE), guiding=guiding, **more)
    return target, result.notes


@pytest.fixture(scope="module")
def made(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("shots")
    shots = (
        filmed(named(photographs, "living-room"), 6),
        filmed(named(photographs, "dahlia"), 4),
        filmed(named(photographs, "living-room"), 6, nearer=1.5, exposure=0.85, seed=2),
    )
    source = make_film(folder / "film.mkv", [one.grey for shot in shots for one in shot], LOSSLESS)
    plain, _ = colored(source, "plain.mkv", FilmGuiding())
    matched, notes = colored(source, "matched.mkv", MATCHED)
    return Made(source, shots, plain, matched, notes)


def test_a_place_that_is_shown_again_has_its_colours_and_other_shots_keep_theirs(made: Made) -> None:
    assert made.jump(made.matched) < 0.6 * made.jump(made.plain)
    before, after = look(made.plain).planes, look(made.matched).planes
    assert all(np.array_equal(one[0], two[0]) for one, two in zip(before, after, strict=True))
    for one, two in zip(before[:10], after[:10], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert any("of the same place: 1 of 3" in note for note in made.notes)


def test_a_run_that_is_broken_off_goes_on_with_the_same_colours(made: Made) -> None:
    class StopError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.done == 13:
            raise StopError

    with pytest.raises(StopError):
        colored(made.source, "resumed.mkv", MATCHED, segment_frames=4, on_progress=stop)
    resumed, _ = colored(made.source, "resumed.mkv", MATCHED, segment_frames=4)
    for one, two in zip(look(made.matched).planes, look(resumed).planes, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_part_of_a_film_has_the_colours_of_the_whole(made: Made) -> None:
    options = FilmOptions(codec="ffv1", pixel_format="yuv444p", start=str(10 / 24))
    part, _ = colored(made.source, "part.mkv", MATCHED, options=options)
    whole, alone = ([chroma_plane(frame) for frame in pictures_of(path)] for path in (made.matched, part))
    assert np.abs(whole[-1] - alone[-1]).mean() < 1


def test_what_people_say_of_a_shot_is_taken_over_and_holds(made: Made, tmp_path: Path) -> None:
    first, second, _ = (len(shot) for shot in made.shots)
    references = tmp_path / "refs"
    references.mkdir()
    frames = list(pictures_of(made.plain))
    greens = frames[3].copy()
    greens[..., (0, 2)] //= 2
    cv2.imwrite(str(references / "ref_000003.png"), greens[..., ::-1])
    guiding = FilmGuiding(references, match_shots=True)
    taken, notes = colored(made.source, "taken.mkv", guiding)
    assert any("1 of 3" in note for note in notes)
    assert made.jump(taken) < 0.6 * made.jump(colored(made.source, "said.mkv", FilmGuiding(references))[0])
    # what is said of the third shot itself goes before what an earlier one shows
    cv2.imwrite(str(references / f"ref_{first + second + 3:06d}.png"), frames[first + second + 3][..., ::-1])
    held, notes = colored(made.source, "held.mkv", guiding)
    assert any("0 of 3" in note for note in notes)
    ab = [chroma_plane(frame) for frame in pictures_of(held)]
    wanted = chroma_plane(frames[first + second + 3])
    assert np.linalg.norm(ab[first + second + 3] - wanted, axis=-1).mean() < 4


def test_previews_and_frames_to_correct_are_matched_too(made: Made, colorize: Command, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    film.write_bytes(made.source.read_bytes())
    for name, more in (("plain", []), ("matched", ["--match-shots"])):
        done = colorize("film.mkv", "--references-out", name, "--model", "lite", "--engine", "opencv", *more)
        assert done.returncode == 0, done.stderr
    for number, same in ((2, True), (7, True), (12, False)):
        one, two = (cv2.imread(str(tmp_path / name / f"ref_{number:06d}.png")) for name in ("plain", "matched"))
        assert np.array_equal(np.asarray(one), np.asarray(two)) is same
    sheets = []
    for guiding in (FilmGuiding(), MATCHED):
        assert write_preview(film, tmp_path / "sheet.png", 3, LITE, FilmOptions(), guiding=guiding) == 3
        sheets.append(cv2.imread(str(tmp_path / "sheet.png")))
    assert not np.array_equal(np.asarray(sheets[0]), np.asarray(sheets[1]))


@pytest.mark.slow
def test_in_a_long_film_places_keep_their_colours_and_frames_are_as_steady(
    photographs: list[Path], tmp_path: Path
) -> None:
    length, rounds, places = 25, 4, ("living-room", "two-dogs", "windmill")
    shots = [
        filmed(named(photographs, name), length, nearer=1 + 0.2 * turn, exposure=1 - 0.08 * turn, seed=turn)
        for turn in range(rounds)
        for name in places
    ]
    source = make_film(tmp_path / "film.mkv", [one.grey for shot in shots for one in shot], LOSSLESS)
    plain, _ = colored(source, "plain.mkv", FilmGuiding())
    matched, notes = colored(source, "matched.mkv", MATCHED)
    assert any("9 of 12" in note for note in notes)
    jumps, flickers = [], []
    for target in (plain, matched):
        ab = [chroma_plane(frame) for frame in pictures_of(target)]
        middles = [(ab[at + length // 2], shots[at // length][length // 2].place) for at in range(0, len(ab), length)]
        pairs = [(middles[at % len(places)], middles[at]) for at in range(len(places), len(middles))]
        jumps.append(np.mean([difference(one, two, (here, there)) for (one, here), (two, there) in pairs]))
        runs = [ab[at : at + length] for at in range(0, len(ab), length)]
        flickers.append(np.mean([np.abs(later - before).mean() for run in runs for before, later in pairwise(run)]))
    assert jumps[1] < 0.5 * jumps[0]
    assert flickers[1] < 1.05 * flickers[0]


def sight(frame: Filmed) -> Sight:
    small = cv2.resize(lightness(frame.grey), (224, 224), interpolation=cv2.INTER_AREA)
    return Sight.of(np.asarray(small, np.float32))


def stamped(frame: Filmed, number: int) -> Sight:
    """A frame as archives lend it: with a timecode, a name, and the gate's edge."""
    grey = np.ascontiguousarray(frame.grey[..., 0])
    cv2.putText(grey, f"00:0{number}:1{number}:07", (20, 112), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    cv2.putText(grey, "ARCHIV FILM", (5, 15), cv2.FONT_HERSHEY_TRIPLEX, 0.4, 255, 1)
    cv2.rectangle(grey, (0, 0), (VIEW[1] - 1, VIEW[0] - 1), 0, 10)
    return sight(Filmed(np.dstack([grey] * 3), frame.place))


def is_same(here: Sight, there: Sight) -> bool:
    for seen in (here, here.mirrored()):
        found = aligned(seen, there)
        if found is not None and traced(seen, there, found) is not None:
            return True
    return False


def test_places_are_recognised_again_nearer_and_turned_round(photographs: list[Path]) -> None:
    for photo in photographs[:6]:
        (first,) = filmed(photo, 1)
        (nearer,) = filmed(photo, 1, nearer=1.6, exposure=0.8, seed=2)
        turned = Filmed(np.ascontiguousarray(nearer.grey[:, ::-1]), nearer.place)
        assert is_same(sight(nearer), sight(first)), photo
        assert is_same(sight(first), sight(nearer)), photo
        assert is_same(sight(turned), sight(first)), photo


def test_points_are_found_where_they_are(photographs: list[Path]) -> None:
    (first,), (other,) = filmed(photographs[0], 1), filmed(photographs[0], 1, nearer=1.5, at=0.4)
    here, there = sight(other), sight(first)
    found = aligned(here, there)
    assert found is not None
    trace = traced(here, there, found)
    assert trace is not None
    scale = np.array([224 / VIEW[1], 224 / VIEW[0]])
    middle = np.array([112, 112]) / scale
    on_photo = other.place[:, :2] @ middle + other.place[:, 2]
    wanted = np.linalg.solve(first.place[:, :2], on_photo - first.place[:, 2]) * scale
    assert np.abs(trace.position[112, 112] - wanted).max() < 2
    assert trace.trust[40:-40, 40:-40].mean() > 0.8


def test_a_place_is_recognised_behind_people_who_move_and_they_are_told_apart(photographs: list[Path]) -> None:
    rng = np.random.default_rng(6)
    pair = filmed(named(photographs, "living-room"), 1)[0], filmed(named(photographs, "living-room"), 1, seed=2)[0]
    columns = ((20, 36), (84, 100)), ((50, 66), (112, 128))
    for frame, places in zip(pair, columns, strict=True):
        for left, right in places:
            coat = cv2.GaussianBlur(rng.normal(0, 1, (105, right - left, 1)), (0, 0), 2)[..., None]
            frame.grey[15:, left:right] = np.clip(70 + 35 * coat / coat.std(), 0, 255).astype(np.uint8)
    here, there = (sight(frame) for frame in pair)
    found = aligned(here, there)
    assert found is not None
    trace = traced(here, there, found)
    assert trace is not None
    scale = 224 / VIEW[1]
    for left, right in (*columns[0], *columns[1]):
        assert trace.trust[60:, round((left + 4) * scale) : round((right - 4) * scale)].mean() < 0.3
    assert trace.trust[:, round(142 * scale) :].mean() > 0.5


def test_other_places_are_not_taken_for_one_another_though_they_bear_the_same_stamps(photographs: list[Path]) -> None:
    frames = [filmed(photo, 1)[0] for photo in photographs[:9]]
    plain = [sight(frame) for frame in frames]
    stamps = [stamped(frame, number) for number, frame in enumerate(frames)]
    for number in range(len(frames)):
        for other in range(number):
            assert not is_same(plain[number], plain[other]), (number, other)
            assert not is_same(stamps[number], stamps[other]), (number, other)
    assert is_same(stamped(filmed(photographs[3], 1, exposure=0.8, seed=2)[0], 7), stamps[3])


def test_frames_without_anything_in_them_are_nowhere() -> None:
    nothing = Sight.of(np.full((224, 224), 50, np.float32))
    assert not is_same(nothing, nothing)


def test_what_is_known_of_places_holds_for_their_things_and_not_for_others() -> None:
    light = np.full((64, 64), 60, np.float32)
    ab = np.zeros((64, 64, 2), np.float32)
    ab[:, :32], ab[:, 32:] = (20, 10), (-15, 20)
    wanted = ab + np.array([6, -4], np.float32) * (np.arange(64) < 32)[None, :, None]
    wanted[40:, :24] += 30  # somebody who was not there before: what is found there means nothing
    trust, seen = np.ones((64, 64), np.float32), np.ones((64, 64), np.float32)
    trust[40:, :24] = 0
    light[40:, :24] = 15
    shift = Shift.fitted([Told.of(light, ab, np.asarray(wanted, np.float32), trust, seen)])
    added = shift.here(light, ab)
    assert np.abs(added - (6, -4))[4:32, 4:28].max() < 0.7
    assert np.abs(added)[:, 36:].max() < 0.7
    assert np.abs(added)[46:, 4:18].max() < 1.5
    # in another frame, colours alone say it, somewhat less firmly
    turned = shift.anywhere(np.ascontiguousarray(light[:36, ::-1]), np.ascontiguousarray(ab[:36, ::-1]))
    a, b = turned[:, 40:].mean(axis=(0, 1))
    assert 3 < a < 6.5
    assert -4.5 < b < -2
    assert np.abs(turned[:, :24]).max() < 1
    blue = shift.anywhere(light, np.full((16, 16, 2), (5, -45), np.float32))
    assert np.abs(blue).max() < 0.5


def test_what_changes_its_colour_within_a_shot_changes_it_as_much() -> None:
    """A lamp lights up half of a room that is shown again: the same is added to what was there, and to what comes."""
    rng = np.random.default_rng(4)
    light = np.asarray(40 + 8 * cv2.GaussianBlur(rng.normal(0, 20, (64, 64)), (0, 0), 2), np.float32)
    frames = ShotFrames(64, 64)
    for _ in range(6):
        frames.add(light)
    ab = np.full((64, 64, 2), (4, 12), np.float32)
    whole = np.ones((64, 64), np.float32)
    shift = Shift.fitted([Told.of(light, ab, ab + np.float32(5), whole, whole)])
    shot = ShotShift(shift, frames, [(1, shift.here(light, ab)), (4, shift.here(light, ab))])
    lit = ab.copy()
    lit[:, 32:] += (9, 14)
    for place in range(6):
        before, after = (shot.at(place).applied(each, light) for each in (ab, lit))
        assert np.abs(before - ab - 5).max() < 0.7
        assert np.abs((after - before) - (lit - ab))[8:-8, 8:-8].max() < 0.5
    shot.close()
    frames.close()


def test_what_is_asked_for_is_known_and_told() -> None:
    asked = read_guiding(MATCHED)
    assert asked
    assert asked.describe() == "shots matched"
    assert asked.summary()["match_shots"] is True
    assert asked.digest
    assert not FilmGuidance()


def test_frames_of_a_folder_are_matched_and_those_of_a_pipe_refused(
    made: Made, colorize: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(one for shot in made.shots for one in shot):
        cv2.imwrite(str(folder / f"f{number:04d}.png"), frame.grey)
    how = ("--model", "lite", "--engine", "opencv")
    for target, more in (("plain", ()), ("matched", ("--match-shots",))):
        done = colorize("video", "frames", "-o", target, *how, *more)
        assert done.returncode == 0, done.stderr
    assert "of the same place: 1 of 3" in done.stderr
    first, second, third = (len(shot) for shot in made.shots)
    last = [first - 1, first + second + third - 1]
    jumps = []
    for target in ("plain", "matched"):
        paths = [tmp_path / target / f"f{at:04d}.png" for at in last]
        one, two = (chroma_plane(np.asarray(cv2.imread(str(path)))[..., ::-1]) for path in paths)
        jumps.append(difference(one, two, (made.shots[0][-1].place, made.shots[2][-1].place)))
    assert jumps[1] < 0.6 * jumps[0]
    done = colorize("video", "--y4m", "-", "-o", "-", "--match-shots", *how)
    assert done.returncode == 2
    assert "--match-shots: compares shots, which have to be read ahead" in done.stderr
