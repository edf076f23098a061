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
class Figures:
    """Means over the validation pictures.

    Attributes
    ----------
    loss
        What is trained, without a discriminator.
    mse, mae, rmse
        Of the network's answer, in its own scale; `rmse` is the root of the mean `mse`.
    psnr
        Of the coloured pictures, dB: the mean of each picture's, range 1, RGB.
    accuracy
        As Keras computes it for `metrics=["accuracy"]`: the share of pixels whose largest channel is the same. With two
        channels half is right by chance, with three a third; of how far off a colour is it says nothing.
    auc
        Area under the curve of how many pixels lie within 0..150 Lab units of the truth (Zhang et al. 2016), 0..1.
    colorfulness, true_colorfulness
        Hasler and Suesstrunk 2003, of results and of originals.
    """

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


@dataclass(frozen=True)
class Row(Figures):
    """Figures of one validation, and when it was.

    Attributes
    ----------
    step, epoch, seconds
        Of the run so far.
    training_loss
        Mean over the steps since the last validation.
    """

    step: int
    epoch: float
    seconds: float
    training_loss: float

    def as_dict(self) -> dict[str, float]:
        """By name, in the order of the log."""
        values = super().as_dict()
        return {name: values[name] for name in COLUMNS}


COLUMNS = ("step", "epoch", "seconds", "training_loss", *(item.name for item in fields(Figures)))


def write_log(folder: Path, rows: Sequence[Row]) -> None:
    """Write all rows of a run.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row.as_dict().values()])
    write_atomically(folder / LOG_NAME, text.getvalue().encode())
