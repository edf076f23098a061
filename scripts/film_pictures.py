"""The picture of docs/video.md: a made film before and after, by itself and with what a person said of it.

    python scripts/film_pictures.py docs/film-guided.jpg

A camera goes over three photographs of tests/photos, without their colours and with grain. Of the first shot one frame
is given in colour, of the second five hints on one frame, of the third nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import click
import cv2
import numpy as np
import numpy.typing as npt

from colorizer import Settings
from colorizer.film import FilmOptions
from colorizer.film.guidance.files import FilmGuiding
from colorizer.film.job import color_video
from colorizer.film.picking import labelled, timecode

Pixels = npt.NDArray[np.uint8]

PHOTOS = Path(__file__).parent.parent / "tests" / "photos"
SHOTS = ("paint-brushes", "fig-in-bowl", "two-dogs")
LENGTH = 48
"""Frames of each shot."""

RATE = 24
SIZE = (240, 320)
WAY = (36.0, 14.0)
"""Pixels that the camera goes over a shot, to the right and down."""

GRAIN = 5.0
IN_COLOR = 24
"""The frame of the first shot that is given in colour."""

HINTED = LENGTH + 24
HINTS = (
    ((0.8, 0.27), "#d03008"),  # the bowl, twice
    ((0.45, 0.75), "#c02c08"),
    ((0.62, 0.57), "#c03f1f"),  # the fig
    ((0.28, 0.14), "grey"),  # the shadow
    ((0.08, 0.8), "grey"),  # the wall
)
"""On that frame of the film, in fractions of it."""

SHOWN = tuple(shot * LENGTH + place for shot in range(len(SHOTS)) for place in (2, LENGTH - 3))
QUALITY = 84


def shot_of(name: str) -> Iterator[Pixels]:
    """The frames of a shot, in colour: (H, W, 3) RGB."""
    photograph = cv2.imread(str(PHOTOS / f"{name}.jpg"))
    if photograph is None:
        raise click.ClickException(f"{PHOTOS / name}.jpg: cannot be read")
    height, width = SIZE
    scale = max((width + WAY[0]) / photograph.shape[1], (height + WAY[1]) / photograph.shape[0])
    large = cv2.resize(photograph[..., ::-1].copy(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for number in range(LENGTH):
        across, down = (way * number / (LENGTH - 1) for way in WAY)
        place = np.array([[1, 0, across], [0, 1, down]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        yield np.asarray(cv2.warpAffine(large, place, (width, height), flags=flags), np.uint8)


def write_grey(path: Path, frames: list[Pixels]) -> None:
    """A film of frames without their colours, with grain."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=Fraction(RATE))
        stream.height, stream.width = SIZE
        stream.pix_fmt = "gray"
        for frame in frames:
            grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) + rng.normal(0, GRAIN, SIZE)
            native = av.VideoFrame.from_ndarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8), format="gray")
            out.mux(stream.encode(native))
        out.mux(stream.encode(None))


def write_said(folder: Path, frames: list[Pixels]) -> FilmGuiding:
    """What is said of the film, in files as people write them."""
    references = folder / "refs"
    references.mkdir()
    cv2.imwrite(str(references / f"ref_{IN_COLOR:06d}.png"), frames[IN_COLOR][..., ::-1])
    hints = folder / "film.hints.json"
    said = [{"points": [place], "color": color, "frame": HINTED} for place, color in HINTS]
    hints.write_text(json.dumps({"version": 1, "hints": said}))
    return FilmGuiding(references, hints=hints)


def pictures_of(path: Path) -> list[Pixels]:
    """The frames of a film: (H, W, 3) RGB."""
    with av.open(str(path)) as film:
        return [np.asarray(native.to_ndarray(format="rgb24"), np.uint8) for native in film.decode(video=0)]


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def main(target: Path) -> None:
    """Write TARGET: of each shot two frames, as they came, coloured, coloured as was said, and the photograph's own."""
    frames = [frame for name in SHOTS for frame in shot_of(name)]
    with TemporaryDirectory() as folder:
        film = Path(folder) / "film.mkv"
        write_grey(film, frames)
        columns = [pictures_of(film)]
        for name, said in (("alone", FilmGuiding()), ("guided", write_said(Path(folder), frames))):
            done = film.with_name(f"{name}.mkv")
            color_video(film, done, Settings(model="lite"), FilmOptions(codec="ffv1"), guiding=said)
            columns.append(pictures_of(done))
    columns.append(frames)
    rows = []
    for number in SHOWN:
        words = f"shot {number // LENGTH + 1}   {timecode(Fraction(number, RATE))}   frame {number}"
        rows.append(labelled([column[number] for column in columns], words, SIZE[1] * 3 // 4))
    cv2.imwrite(str(target), np.vstack(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    click.echo(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
