"""The script that fits a network's metric: what it samples is the photographs', and what it fits is read and helps."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from oracle import lab_of

sys.path.append(str(Path(__file__).parent.parent / "scripts"))

import fit_guidance

from colorizer.guidance.metric import load_metric

PHOTOS = Path(__file__).parent / "photos"
SIDE = 256


def sampled(folder: Path, count: int) -> Path:
    """Points of some photographs of the tests, by the script."""
    with tarfile.open(folder / "some.tar", "w") as archive:
        for path in sorted(PHOTOS.glob("*.jpg"))[:count]:
            archive.add(path, path.name)
    out = folder / "samples.npz"
    done = CliRunner().invoke(fit_guidance.main, ["sample", str(folder / "some.tar"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.slow
def test_points_have_the_photographs_own_colours(tmp_path: Path) -> None:
    with np.load(sampled(tmp_path, 1)) as found:
        kept = {name: found[name] for name in found.files}
    bgr = cv2.imread(str(sorted(PHOTOS.glob("*.jpg"))[0]))
    assert bgr is not None
    lab = lab_of(cv2.resize(bgr, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., ::-1])
    columns, rows = np.rint(kept["xy"][0] * SIDE).astype(int).T
    assert kept["logits"].shape[:2] == (1, fit_guidance.POINTS)
    np.testing.assert_allclose(kept["L"][0, :, 0], lab[rows, columns, 0] / 100, atol=0.005)
    mean = cv2.blur(np.ascontiguousarray(lab[..., 1:]), (3, 3))
    np.testing.assert_allclose(kept["truth"][0], mean[rows, columns], atol=0.3)


@pytest.mark.slow
def test_what_is_fitted_is_read_by_the_program_and_lowers_the_error_that_is_left(tmp_path: Path) -> None:
    pytest.importorskip("jax", reason="JAX is not installed")
    samples, out = sampled(tmp_path, 20), tmp_path / "made.npz"
    arguments = ["fit", str(samples), "--out", str(out), "--epochs", "3", "--batch", "4", "--dimensions", "8"]
    done = CliRunner().invoke(fit_guidance.main, arguments)
    assert done.exit_code == 0, done.output
    metric = load_metric(out)
    assert metric.alike is not None
    assert metric.alike.shape == (313, 8)
    (line,) = (line for line in done.output.splitlines() if line.startswith("held out: "))
    gained = [float(value) for value in line.removeprefix("held out: ").strip("[]").split(",")]
    # in dB of the error elsewhere: the more hints at random, the more
    assert gained[5] > gained[0] > 0
