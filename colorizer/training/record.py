"""What is written down of a run: a row of figures for each validation, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from colorizer.io.atomic import write_atomically

LOG_NAME = "log.csv"


@dataclass(frozen=True)
class Row:
    """Figures of one validation; `validation.Figures` defines them."""

    step: int
    epoch: float
    seconds: float
    training_loss: float  # mean over the steps since the last validation
    loss: float
    mse: float
    mae: float
    rmse: float
    psnr: float
    accuracy: float
    auc: float
    colorfulness: float
    true_colorfulness: float

    def as_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


def write_log(folder: Path, rows: Sequence[Row]) -> None:
    """Write all rows of a run.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([item.name for item in fields(Row)])
    for row in rows:
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row.as_dict().values()])
    write_atomically(folder / LOG_NAME, text.getvalue().encode())
