"""Small pictures laid out in rows, on one large one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def contact_sheet(
    cells: Sequence[npt.NDArray[np.uint8]], *, gap: int, paper: int, columns: int | None = None
) -> npt.NDArray[np.uint8]:
    """Lay pictures out, row by row.

    Parameters
    ----------
    cells
        (h, w, 3) each, all of one size; one at least.
    gap
        Pixels between two, and around all.
    paper
        Grey level of what no picture covers.
    columns
        Pictures in a row; None: about as many as there are rows.

    Returns
    -------
    ndarray, (H, W, 3) uint8
    """
    columns = columns or max(1, round(len(cells) ** 0.5))
    rows = -(-len(cells) // columns)
    height, width = cells[0].shape[:2]
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), paper, np.uint8)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        sheet[top : top + height, left : left + width] = cell
    return sheet
