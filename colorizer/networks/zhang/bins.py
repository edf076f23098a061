"""The 313 bin centres of Zhang, Isola and Efros 2016: how the network's classes stand for colours.

The paper cuts the ab plane into squares of side 10 and keeps the 313 that hold colours of the sRGB gamut. The release
ships their centres as `pts_in_hull.npy`; the same table is so regular (for each a, the b values are contiguous) that it
is generated here, and the file is optional.

A network of this contract ends in a softmax over the 313 classes. Its colour is the *annealed mean* (paper,
equation 5): the distribution is sharpened by a temperature T, z -> exp(log(z) / T) / sum, and the mean of the centres
under it is taken. T = 1 is the plain mean (calm, brownish), T towards 0 the mode (vivid, patchy); the paper settles on
T = 0.38. In the network that is a factor 1/T on the logits; the release ships 2.606 (`contract.RELEASE_SCALE`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from colorizer.color.lab import AB_LIMIT
from colorizer.errors import Remedy, WeightsError, shown
from colorizer.networks.zhang.contract import BIN_COUNT

BIN_STEP = 10

# for each a: the first and the last b, in steps of BIN_STEP
_B_RANGES = {
    -90: (50, 90),
    -80: (20, 90),
    -70: (0, 90),
    -60: (-20, 90),
    -50: (-30, 100),
    -40: (-40, 100),
    -30: (-50, 100),
    -20: (-50, 100),
    -10: (-60, 100),
    0: (-70, 100),
    10: (-80, 90),
    20: (-80, 90),
    30: (-90, 90),
    40: (-100, 90),
    50: (-100, 80),
    60: (-110, 80),
    70: (-110, 80),
    80: (-110, 70),
    90: (-110, 70),
    100: (-90, 0),
}


def bin_centres() -> npt.NDArray[np.int64]:
    """The centres of the 313 classes.

    Returns
    -------
    ndarray, (313, 2) int64, CIE Lab units
        Columns a and b, rows sorted by a, then b; equal to the release's `pts_in_hull.npy`.
    """
    rows = [(a, b) for a, (first, last) in _B_RANGES.items() for b in range(first, last + 1, BIN_STEP)]
    return np.array(rows, dtype=np.int64)


def load_bin_centres(path: Path) -> npt.NDArray[np.float32]:
    """Bin centres from a `.npy` file that a user brings along.

    Parameters
    ----------
    path
        A NumPy file holding 313 rows of a and b, any numeric dtype.

    Returns
    -------
    ndarray, (313, 2) float32, CIE Lab units

    Raises
    ------
    WeightsError
        The file is missing, is no NumPy array, or does not hold 313 colours.
    """
    try:
        with path.open("rb") as file:
            centres = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise WeightsError(
            f"{shown(path)}: cannot read the bin centres ({error.strerror})", remedy=Remedy.BUILT_IN_TABLE
        ) from error
    except (ValueError, EOFError) as error:
        raise WeightsError(
            f"{shown(path)}: not a NumPy file of bin centres; expected pts_in_hull.npy", remedy=Remedy.BUILT_IN_TABLE
        ) from error
    if centres.shape != (BIN_COUNT, 2) or not np.issubdtype(centres.dtype, np.number) or np.iscomplexobj(centres):
        raise WeightsError(
            f"{shown(path)}: holds {centres.dtype} of shape {centres.shape}, but bin centres are 313 rows of a and b",
            remedy=Remedy.BUILT_IN_TABLE,
        )
    centres = centres.astype(np.float32)
    if not np.all(np.abs(centres) <= AB_LIMIT):
        raise WeightsError(
            f"{shown(path)}: holds values that are no colours (beyond {AB_LIMIT:g} in a or b)",
            remedy=Remedy.BUILT_IN_TABLE,
        )
    return centres
