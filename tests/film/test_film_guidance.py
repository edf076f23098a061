"""What people say of a film: frames in colour and hints hold within their shot, against truth that is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from films import SMALL_VIEW, Picture, Recipe, look, make_film
from guided_films import KnownFrame, known_film, pictures_of

from colorizer import Colorizer, Settings
from colorizer.color.pixels import chroma_plane, lightness
from colorizer.errors import InputError
from colorizer.film import FilmOptions
from colorizer.film.encoding import Progress
from colorizer.film.guidance.files import FilmGuiding, Moment, moment_of, read_guiding
from colorizer.film.guidance.guide import Guide
from colorizer.film.guidance.layers import AbandonedError
from colorizer.film.guidance.matching import Matcher
from colorizer.film.guidance.preparing import Geometry
from colorizer.film.job import color_video
from colorizer.film.shots import SmallFrame
from colorizer.guidance import Hint
from colorizer.guidance.files import look_of

ARCHIVE = FilmOptions(codec="ffv1", pixel_format="yuv444p")
LOSSLESS = Recipe(codec="ffv1", options={}, sounds=(), time_base=Fraction(1, 1000))


def film_of(path: Path, frames: list[Picture]) -> Path:
    return make_film(path, frames, LOSSLESS)


def photo_named(photographs: list[Path], name: str) -> Path:
    return next(path for path in photographs if path.stem == name)


def colored(source: Path, name: str, guiding: FilmGuiding, settings: Settings = SMALL_VIEW, **more: Any) -> Path:
    target = source.with_name(name)
    color_video(source, target, settings, more.pop("options", ARCHIVE), guiding=guiding, **more)
    return target


def ab_of(path: Path) -> list[Any]:
    return [chroma_plane(frame) for frame in pictures_of(path)]


def error_of(path: Path, known: list[KnownFrame]) -> float:
    pairs = zip(ab_of(path), known, strict=True)
    return float(np.mean([np.linalg.norm(ab - chroma_plane(one.truth), axis=-1).mean() for ab, one in pairs]))


def write_references(folder: Path, known: list[KnownFrame], numbers: list[int]) -> Path:
    folder.mkdir()
    for number in numbers:
        cv2.imwrite(str(folder / f"ref_{number:06d}.png"), known[number].truth[..., ::-1])
    return folder


def write_hints(path: Path, *hints: dict[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"version": 1, "hints": list(hints), **more}))
    return path


def disc_hint(known: list[KnownFrame], frame: int, color: str) -> dict[str, Any]:
    """A region over most of the disc."""
    x, y = known[frame].centre
    corners = [(x + 11 / 128 * np.cos(turn), y + 11 / 96 * np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 9)[:-1]]
    return {"shape": "region", "points": [list(each) for each in corners], "color": color, "frame": frame}


def test_frames_in_colour_halve_the_error_of_their_shot_and_leave_others_alone(
    photographs: list[Path], tmp_path: Path
) -> None:
    known = known_film(photo_named(photographs, "dahlia"), 18)
    other = known_film(photo_named(photographs, "living-room"), 5)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in (*known, *other)])
    references = write_references(tmp_path / "refs", known, [3, 14])
    plain, guided = colored(source, "plain.mkv", FilmGuiding()), colored(source, "out.mkv", FilmGuiding(references))
    before, after = look(plain).planes, look(guided).planes
    assert all(np.array_equal(one[0], two[0]) for one, two in zip(before, after, strict=True))
    assert all(
        np.array_equal(a, b)
        for one, two in zip(before[18:], after[18:], strict=True)
        for a, b in zip(one, two, strict=True)
    )
    error = [
        np.linalg.norm(ab - chroma_plane(one.truth), axis=-1).mean()
        for ab, one in zip(ab_of(guided), known, strict=False)
    ]
    assert np.mean(error) < 0.5 * error_of(tmp_path / "plain.mkv", [*known, *other])
    # frames in colour come out as they were given, but for their grain
    assert error[3] < 4


def test_a_hint_holds_on_its_object_over_the_shot_and_nothing_beyond_the_cut_moves(
    photographs: list[Path], tmp_path: Path
) -> None:
    known = known_film(photo_named(photographs, "windmill"), 20)
    other = known_film(photo_named(photographs, "living-room"), 4)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in (*other, *known, *other)])
    hints = write_hints(tmp_path / "film.hints.json", disc_hint(known, 9, "#50646e") | {"frame": 13})
    plain = colored(source, "plain.mkv", FilmGuiding())
    guided = colored(source, "out.mkv", FilmGuiding(hints=hints))
    wanted = chroma_plane(np.array([[[0x50, 0x64, 0x6E]]], np.uint8))[0, 0]
    before, after = ab_of(plain), ab_of(guided)
    for number, one in enumerate(known, 4):
        assert np.linalg.norm(after[number][one.inside].mean(axis=0) - wanted) < 3, number
        assert np.linalg.norm(before[number][one.inside].mean(axis=0) - wanted) > 6, number
    for number in (*range(4), *range(24, 28)):
        assert np.array_equal(before[number], after[number])


def test_hints_on_two_frames_and_two_objects_hold_together(photographs: list[Path], tmp_path: Path) -> None:
    known = known_film(photo_named(photographs, "windmill"), 16)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in known])
    sky = {"points": [[0.9, 0.1]], "color": "#808070", "frame": 12, "size": 0.1}
    hints = write_hints(tmp_path / "film.hints.json", disc_hint(known, 2, "#50646e"), sky, carry=0)
    after = ab_of(colored(source, "out.mkv", FilmGuiding(hints=hints)))
    wanted = chroma_plane(np.array([[[0x50, 0x64, 0x6E]]], np.uint8))[0, 0]
    said = chroma_plane(np.array([[[0x80, 0x80, 0x70]]], np.uint8))[0, 0]
    for number, one in enumerate(known):
        assert np.linalg.norm(after[number][one.inside].mean(axis=0) - wanted) < 4, number
    assert np.linalg.norm(after[12][5:14, 110:120].mean(axis=(0, 1)) - said) < 3


def test_guided_film_is_no_less_steady(photographs: list[Path], tmp_path: Path) -> None:
    known = known_film(photo_named(photographs, "dahlia"), 14, grain=8)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in known])
    references = write_references(tmp_path / "refs", known, [7])

    def flicker(path: Path) -> float:
        means = [ab[one.inside].mean(axis=0) for ab, one in zip(ab_of(path), known, strict=True)]
        return float(np.mean([np.linalg.norm(b - a) for a, b in pairwise(means)]))

    guided = colored(source, "out.mkv", FilmGuiding(references))
    assert flicker(guided) < flicker(colored(source, "plain.mkv", FilmGuiding()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dahlia", "two-dogs", "coffee-cup"])
def test_three_frames_in_colour_of_three_hundred_halve_the_error(
    name: str, photographs: list[Path], tmp_path: Path
) -> None:
    known = known_film(photo_named(photographs, name), 300)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in known])
    references = write_references(tmp_path / "refs", known, [50, 150, 250])
    plain, guided = colored(source, "plain.mkv", FilmGuiding()), colored(source, "out.mkv", FilmGuiding(references))
    assert error_of(guided, known) < 0.5 * error_of(plain, known)


def test_a_guided_film_that_is_broken_off_goes_on_with_the_same_colours(
    photographs: list[Path], tmp_path: Path
) -> None:
    known = known_film(photo_named(photographs, "dahlia"), 12)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in known])
    guiding = FilmGuiding(
        write_references(tmp_path / "refs", known, [3]),
        hints=write_hints(tmp_path / "film.hints.json", disc_hint(known, 8, "#50646e")),
    )

    class StopError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.done == 7:
            raise StopError

    whole = colored(source, "whole.mkv", guiding, segment_frames=100)
    with pytest.raises(StopError):
        colored(source, "out.mkv", guiding, segment_frames=4, on_progress=stop)
    resumed = colored(source, "out.mkv", guiding, segment_frames=4)
    part = colored(source, "part.mkv", guiding, options=FilmOptions(codec="ffv1", pixel_format="yuv444p", start="0.25"))
    for one, two in zip(look(whole).planes, look(resumed).planes, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    # steadying begins anew at the part's first frame; what was said holds on
    late, same = ab_of(whole)[-3], ab_of(part)[-3]
    assert np.abs(late - same)[known[-3].inside].mean() < 2
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("frames", [6, 1000], ids=["once it is read", "while it is read"])
def test_a_long_shot_that_nobody_wants_any_more_is_abandoned(
    frames: int, photographs: list[Path], tmp_path: Path
) -> None:
    known = known_film(photo_named(photographs, "dahlia"), 6)
    hints = write_hints(tmp_path / "film.hints.json", disc_hint(known, 2, "#50646e"))

    def small_frames() -> Iterator[SmallFrame]:
        for number in range(frames):
            assert number < 7, "it is read on"
            if number == 6:
                guide.stop()
            yield SmallFrame(number, Fraction(number), lightness(known[number % 6].grey))
        guide.stop()

    said, matcher = read_guiding(FilmGuiding(hints=hints)), Matcher(Colorizer(SMALL_VIEW), 96, 128)
    guide = Guide(said, small_frames(), matcher, Geometry(96, 128, 0, Fraction(1, 50)))
    with pytest.raises(AbandonedError):
        guide.at(0)
    guide.close()


def test_shots_have_looks_of_their_own(photographs: list[Path], tmp_path: Path) -> None:
    first, second, third = (
        known_film(photo_named(photographs, name), 4) for name in ("dahlia", "living-room", "windmill")
    )
    source = film_of(tmp_path / "film.mkv", [one.grey for one in (*first, *second, *third)])
    looks = [{"frame": 2, "grey": True}, {"frame": 5, "saturation": 0.5}, {"frame": 9, "variant": 1}]
    plain = ab_of(colored(source, "plain.mkv", FilmGuiding()))
    after = ab_of(colored(source, "out.mkv", FilmGuiding(hints=write_hints(tmp_path / "film.hints.json", shots=looks))))
    assert all(np.abs(ab).mean() < 1 for ab in after[:4])
    for number in range(4, 8):
        assert np.abs(after[number]).mean() / np.abs(plain[number]).mean() == pytest.approx(0.5, abs=0.1)
    assert np.abs(after[9] - plain[9]).mean() > 3


def test_what_does_not_fit_the_film_is_said(photographs: list[Path], tmp_path: Path) -> None:
    known = known_film(photo_named(photographs, "dahlia"), 4)
    other = known_film(photo_named(photographs, "living-room"), 1)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in known])
    folder = write_references(tmp_path / "refs", known, [1])
    cv2.imwrite(str(folder / "00-00-00.080.png"), other[0].truth[..., ::-1])
    hints = write_hints(tmp_path / "film.hints.json", {"points": [[0.5, 0.5]], "color": "navy", "frame": 99})
    result = color_video(source, tmp_path / "out.mkv", SMALL_VIEW, ARCHIVE, guiding=FilmGuiding(folder, hints=hints))
    assert any("00-00-00.080.png: shows something else than 0.080 s" in note for note in result.notes)
    assert any("nothing is at frame 99: the film ends before" in note for note in result.notes)
    assert "guided by 2 frames in colour, 1 hint" in result.recipe
    said = json.loads(look(tmp_path / "out.mkv").metadata["COLORIZE"])["guidance"]
    assert (said["frames"], said["hints"]) == (2, 1)


def test_names_tell_numbers_and_times() -> None:
    assert moment_of(Path("ref_001200.png")) == Moment(number=1200)
    assert moment_of(Path("00-01-30.500.jpg")) == Moment(seconds=Fraction("90.5"))
    assert moment_of(Path("take2_01-00-00.png")) == Moment(seconds=Fraction(3600))
    assert moment_of(Path("ref_001200.hints.json")) == moment_of(Path("ref_001200.png.hints.json")) == Moment(1200)
    assert moment_of(Path("frame.png")) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("frame.png", "does not say which frame it is"),
        ("notes.txt", "holds no frames"),
        ("ref_1.png", "without colour"),
    ],
)
def test_folders_that_hold_no_frames_in_colour_are_refused(name: str, words: str, tmp_path: Path) -> None:
    if name.endswith("png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4), np.uint8))
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=words):
        read_guiding(FilmGuiding(tmp_path))


def test_hints_on_turned_film_are_where_the_viewer_sees_them() -> None:
    picture = np.arange(24).reshape(4, 6)
    for turn in (0, 90, 180, 270):
        geometry = Geometry(4, 6, turn, Fraction(1, 50))
        seen = np.rot90(picture, turn // 90)
        assert geometry.shown_size == seen.shape
        hint = geometry.stored(Hint([((1 + 0.5) / seen.shape[1], (2 + 0.5) / seen.shape[0])], "navy"))
        (x, y) = hint.points[0]
        assert picture[int(y * 4), int(x * 6)] == seen[2, 1]


def test_what_is_said_is_the_colour_also_where_half_of_the_films_own_stays(
    photographs: list[Path], tmp_path: Path
) -> None:
    known = known_film(photo_named(photographs, "windmill"), 3)
    source = film_of(tmp_path / "film.mkv", [one.truth for one in known])
    hints = write_hints(tmp_path / "film.hints.json", disc_hint(known, 1, "#50646e"))
    settings = Settings(model="lite", engine="opencv", size=64, strength=0.5)
    wanted = chroma_plane(np.array([[[0x50, 0x64, 0x6E]]], np.uint8))[0, 0]
    after = ab_of(colored(source, "out.mkv", FilmGuiding(hints=hints), settings))
    assert np.linalg.norm(after[1][known[1].inside].mean(axis=0) - wanted) < 4


def test_hints_files_of_single_frames_lie_in_a_folder_and_are_checked(photographs: list[Path], tmp_path: Path) -> None:
    known = known_film(photo_named(photographs, "windmill"), 4)
    other = known_film(photo_named(photographs, "living-room"), 1)
    source = film_of(tmp_path / "film.mkv", [one.grey for one in known])
    folder = tmp_path / "hints"
    folder.mkdir()
    looks = [look_of(lightness(np.ascontiguousarray(one.truth))) for one in (known[1], other[0])]
    hint = {key: value for key, value in disc_hint(known, 1, "#50646e").items() if key != "frame"}
    for number, signs in zip((1, 2), looks, strict=True):
        picture = {"name": "ref.png", "width": 128, "height": 96, "look": signs}
        write_hints(folder / f"ref_{number:06d}.png.hints.json", hint, picture=picture)
    guiding = FilmGuiding(hints=folder)
    result = color_video(source, tmp_path / "out.mkv", SMALL_VIEW, ARCHIVE, guiding=guiding)
    (note,) = result.notes
    assert "ref_000002.png.hints.json: frame 2: the hints are for another picture" in note
    wanted = chroma_plane(np.array([[[0x50, 0x64, 0x6E]]], np.uint8))[0, 0]
    assert np.linalg.norm(ab_of(tmp_path / "out.mkv")[1][known[1].inside].mean(axis=0) - wanted) < 3
