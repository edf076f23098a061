"""The pictures of docs/guidance.md: black-and-white photographs before and after a person's hints.

    pip install scikit-image PyWavelets; python scripts/guidance_pictures.py docs/guidance

Photographs come from tests/photos, without their colours, and from two packages that state their licences. What was
said of each stands below, and is written as a hints file beside its picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import numpy.typing as npt

from colorizer import Colorizer, Settings
from colorizer.guidance import Guidance, Hint, write_guidance
from colorizer.guidance.files import MadeFor

Pixels = npt.NDArray[np.uint8]

PHOTOS = Path(__file__).parent.parent / "tests" / "photos"
SIDE = 260
"""Height of a picture on its page, in pixels."""

GAP = 8
QUALITY = 82


def of_tests(name: str) -> Callable[[], Pixels]:
    """A photograph of the tests: (H, W, 3) RGB."""

    def load() -> Pixels:
        found = cv2.imread(str(PHOTOS / name))
        if found is None:
            raise click.ClickException(f"{PHOTOS / name}: cannot be read")
        return np.ascontiguousarray(found[..., ::-1], np.uint8)

    return load


def of_skimage(name: str) -> Callable[[], Pixels]:
    """One of scikit-image's pictures."""

    def load() -> Pixels:
        import skimage.data

        return np.asarray(getattr(skimage.data, name)(), np.uint8)

    return load


def ascent() -> Pixels:
    """One of PyWavelets' pictures."""
    import pywt.data  # type: ignore[import-not-found]

    return np.asarray(pywt.data.ascent(), np.uint8)


@dataclass(frozen=True)
class Case:
    """A photograph, and what a person said of it, one after the other; the last is all."""

    name: str
    load: Callable[[], Pixels]
    said: tuple[Guidance, ...]


def line(*places: tuple[float, float], color: str) -> Hint:
    """A stroke."""
    return Hint(places, color)


BOWL = line((0.3, 0.42), (0.53, 0.2), (0.83, 0.35), color="#d03008")
CASES = (
    Case(
        "fig-in-bowl",
        of_tests("fig-in-bowl.jpg"),
        (
            Guidance([BOWL]),
            Guidance(
                [
                    BOWL,
                    line((0.55, 0.82), (0.7, 0.75), (0.88, 0.6), color="#c03f1f"),
                    Hint([(0.1, 0.75)], "grey"),
                    Hint([(0.25, 0.2)], "grey"),
                ]
            ),
        ),
    ),
    Case(
        "paint-brushes",
        of_tests("paint-brushes.jpg"),
        (
            Guidance(
                [
                    line((0.08, 0.15), (0.2, 0.3), (0.1, 0.7), color="#1f55b0"),
                    Hint([(0.31, 0.3)], "#099ea4"),
                    line((0.44, 0.35), (0.45, 0.6), color="#f61491"),
                    Hint([(0.62, 0.3)], "#d8d020"),
                    Hint([(0.92, 0.15)], "#8a5a30"),
                ]
            ),
        ),
    ),
    Case(
        "dahlia",
        of_tests("dahlia.jpg"),
        (
            Guidance([Hint([(0.62, 0.35)], "#eab47e")]),
            Guidance(
                [
                    Hint([(0.62, 0.35)], "#eab47e"),
                    Hint([(0.55, 0.5)], "#db613a"),
                    Hint([(0.42, 0.6)], "#e8a070"),
                    Hint([(0.8, 0.3)], "#005650"),
                    Hint([(0.1, 0.6)], "#00463d"),
                ]
            ),
        ),
    ),
    Case(
        "camera",
        of_skimage("camera"),
        (Guidance([Hint([(0.24, 0.58)], "#26304d"), Hint([(0.2, 0.9)], "#26304d"), Hint([(0.42, 0.27)], "keep")]),),
    ),
    Case(
        "coins",
        of_skimage("coins"),
        (
            Guidance(
                [
                    *(line((0.04, y), (0.75, y), color="grey") for y in (0.04, 0.29, 0.52, 0.76)),
                    Hint([(0.88, 0.14)], "#8a6a3c"),
                ]
            ),
        ),
    ),
    Case("ascent", ascent, (Guidance([Hint([(0.88, 0.61)], "#c8a030"), Hint([(0.5, 0.6)], "keep")]),)),
)


def side_by_side(pictures: list[Pixels]) -> Pixels:
    """(SIDE, W, 3) RGB."""
    parts: list[Any] = []
    for picture in pictures:
        height, width = picture.shape[:2]
        how = cv2.INTER_AREA if height >= SIDE else cv2.INTER_CUBIC
        parts += [
            np.full((SIDE, GAP, 3), 255, np.uint8),
            cv2.resize(np.ascontiguousarray(picture), (round(width * SIDE / height), SIDE), interpolation=how),
        ]
    return np.concatenate(parts[1:], axis=1)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--only", multiple=True, help="Names of pictures.")
def main(folder: Path, only: tuple[str, ...]) -> None:
    """Write NAME.jpg, before and after, and NAME.hints.json for each photograph."""
    folder.mkdir(exist_ok=True, parents=True)
    colorizer = Colorizer(Settings(model="lite"), pictures=len(CASES))
    for case in CASES:
        if only and case.name not in only:
            continue
        photograph = case.load()
        grey = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY) if photograph.ndim == 3 else photograph
        session = colorizer.session(grey)
        shown = [session.render(each) for each in (Guidance(), *case.said)]
        # of a photograph that had colours, those come last
        shown += [photograph] if photograph.ndim == 3 else []
        path = folder / f"{case.name}.jpg"
        cv2.imwrite(str(path), side_by_side(shown)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        height, width = grey.shape
        write_guidance(folder / f"{case.name}.hints.json", case.said[-1], MadeFor(case.name, width, height))
        click.echo(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
