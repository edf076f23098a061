"""Failures of `lite` for its model card: photographs beside what it makes of them.

    python scripts/failure_pictures.py docs/lite-failures.jpg PHOTOGRAPH...

Left of each pair the photograph as it is, right `lite` at its defaults, which saw the lightness alone.
"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

from colorizer import Colorizer, Settings

HEIGHT, COLUMNS, GAP = 200, 2, 6
WHITE, QUALITY = 255, 88

Pixels = npt.NDArray[np.uint8]


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("photographs", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def failure_pictures(output: Path, photographs: tuple[Path, ...]) -> None:
    """Put photographs and their colours by `lite` side by side."""
    colorizer = Colorizer(Settings(model="lite"))
    pairs = [_pair(photograph, colorizer) for photograph in photographs]
    width = max(pair.shape[1] for pair in pairs)
    cells = [cv2.copyMakeBorder(p, GAP, GAP, GAP, width - p.shape[1] + GAP, cv2.BORDER_CONSTANT, value=(WHITE,) * 3)
             for p in pairs]  # fmt: skip
    cells += [np.full_like(cells[0], WHITE)] * (-len(cells) % COLUMNS)
    rows = [cv2.hconcat(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    if not cv2.imwrite(str(output), cv2.vconcat(rows), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise click.ClickException(f"{output} cannot be written")


def _pair(photograph: Path, colorizer: Colorizer) -> Pixels:
    """(H, W, 3) BGR: a photograph and its colours by the network, `HEIGHT` pixels high."""
    original = cv2.imread(str(photograph))
    if original is None:
        raise click.ClickException(f"{photograph} is no picture that can be read")
    colored = colorizer.colorize(cv2.cvtColor(cv2.cvtColor(original, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))
    scale = HEIGHT / original.shape[0]
    sides = [cv2.resize(each, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for each in (original, colored)]
    return np.asarray(cv2.hconcat(sides), np.uint8)


if __name__ == "__main__":
    failure_pictures()
