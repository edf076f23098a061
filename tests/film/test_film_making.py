"""What films say of their making, in their containers' tags."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import av
import jsonschema
import pytest
from conftest import Command
from films import SMALL_VIEW, Picture, Recipe, make_film, pan, to_grey
from PIL import Image

import colorizer
from colorizer.film.job import color_video
from colorizer.film.numbered import color_numbered
from colorizer.film.options import FilmOptions

SCHEMA = json.loads((Path(colorizer.__file__).parent / "networks" / "making.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[0], 3, (48, 64)))


def tags(path: Path) -> dict[str, str]:
    with av.open(str(path)) as film:
        return {key.lower(): value for key, value in film.metadata.items()}


@pytest.mark.parametrize(
    ("name", "own", "key"),
    [
        ("film.mkv", {"comment": "from the estate"}, "colorize"),
        ("film.mp4", {"title": "A film"}, "comment"),
        ("film.mp4", {"comment": "from the estate"}, None),
    ],
)
def test_a_film_says_how_it_was_made_and_loses_no_tag(
    name: str, own: dict[str, str], key: str | None, shots: list[Picture], tmp_path: Path
) -> None:
    source = make_film(tmp_path / name, shots, Recipe(sounds=(), metadata=own))
    target = tmp_path / f"out-{name}"
    color_video(source, target, SMALL_VIEW)
    found = tags(target)
    assert own.items() <= found.items()
    said = [value for value in found.values() if '"version":1' in value]
    if key is None:
        assert not said
        return
    assert said == [found[key]]
    made: dict[str, Any] = json.loads(found[key].removeprefix("COLORIZE "))
    jsonschema.validate(made, SCHEMA)
    assert made["source"] == {"name": name, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
    assert made["model"]["name"] == "lite"
    assert made["settings"]["size"] == [64]


def test_nothing_is_said_where_that_is_asked_for(shots: list[Picture], tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mkv", shots, Recipe(sounds=()))
    color_video(source, tmp_path / "out.mkv", SMALL_VIEW, FilmOptions(no_mark=True))
    assert "colorize" not in tags(tmp_path / "out.mkv")


def test_each_numbered_frame_says_of_which_file_it_is(shots: list[Picture], tmp_path: Path) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    for number, shot in enumerate(shots):
        Image.fromarray(shot[..., 0] if shot.ndim == 3 else shot).save(folder / f"frame{number}.png")
    color_numbered(folder, tmp_path / "out", SMALL_VIEW)
    for source in folder.iterdir():
        (said,) = re.findall(rb'"source":(\{.*?\})', (tmp_path / "out" / source.name).read_bytes())
        assert json.loads(said) == {"name": source.name, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}


def test_films_are_verified_by_what_they_say_and_by_their_length(
    photographs: list[Path], colorize: Command, tmp_path: Path
) -> None:
    make_film(tmp_path / "film.mkv", to_grey(pan(photographs[0], 48, (48, 64))), Recipe(sounds=()))
    target = tmp_path / "out" / "film.mkv"
    target.parent.mkdir()
    color_video(tmp_path / "film.mkv", target, SMALL_VIEW, FilmOptions(every="auto"))
    assert colorize("verify", "out").returncode == colorize("verify", "out/film.mkv").returncode == 0
    done = colorize("verify", "film.mkv")
    assert done.stdout == "unmarked: film.mkv: it does not say how it was made\n"
    target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
    done = colorize("verify", "out/film.mkv")
    assert done.returncode == 1
    assert done.stdout.startswith(f"damaged: {Path('out', 'film.mkv')}: it ends after")
