"""Whole evaluations of free photographs: figures against independent computations, orderings, and what is left out."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from evaluations import QUICK, Listening, blobs, evaluated, small_copies
from PIL import Image
from skimage.color import lab2rgb, rgb2lab

from colorizer import Settings
from colorizer.color.pixels import lightness, recombine
from colorizer.errors import InputError, UsageError
from colorizer.evaluate.candidates import combinations, networks
from colorizer.evaluate.figures import FIGURES
from colorizer.evaluate.measure import Measured, measure
from colorizer.evaluate.protocol import DDCOLOR, NATIVE, ZHANG16
from colorizer.evaluate.sources import Entry
from colorizer.evaluate.totals import Column, Evaluation
from colorizer.metrics import area_under


class Keeping(list[Measured]):
    """Keeps every picture's figures."""

    def record(self, measured: Measured, names: Sequence[str]) -> None:
        assert len(names) == len(measured.measurements)
        self.append(measured)


@pytest.fixture(scope="module")
def folder(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_copies(photographs[:12], tmp_path_factory.mktemp("set") / "photos", 160)


@pytest.fixture(scope="module")
def kept() -> Keeping:
    return Keeping()


@pytest.fixture(scope="module")
def evaluation(folder: Path, kept: Keeping) -> Evaluation:
    lite = Settings(model="lite", engine="opencv", fast=True, precision="fp32", device="cpu")
    return evaluated(folder, [lite], recorder=kept)


def column(evaluation: Evaluation, name: str) -> Column:
    (found,) = [column for column in evaluation.columns if column.name == name]
    return found


def figure(column: Column, key: str) -> float:
    return {figure.key: value.value for figure, value in zip(FIGURES, column.values, strict=True)}[key]


def test_figures_of_grey_are_those_of_scikit_image(evaluation: Evaluation, folder: Path) -> None:
    psnr, errors, distances, accurate = [], [], [], []
    for path in sorted(folder.iterdir()):
        true = np.asarray(Image.open(path))
        lab = rgb2lab(true)
        grey = np.rint(lab2rgb(np.concatenate([lab[..., :1], lab[..., 1:] * 0], axis=-1)) * 255) / 255
        errors.append(np.mean((true / 255 - grey) ** 2))
        psnr.append(10 * np.log10(1 / errors[-1]))
        chroma = np.hypot(*np.moveaxis(lab[..., 1:], -1, 0))
        distances.append(chroma.ravel())
        accurate.append((chroma <= 10).mean())
    grey_column = column(evaluation, "grey")
    assert figure(grey_column, "psnr") == pytest.approx(np.mean(psnr), abs=0.01)
    assert figure(grey_column, "rgb_rmse") == pytest.approx(np.sqrt(np.mean(errors)), abs=1e-4)
    assert figure(grey_column, "accuracy_10") == pytest.approx(100 * np.mean(accurate), abs=0.5)
    within = np.minimum(np.concatenate(distances), 150).mean()
    assert figure(grey_column, "auc_raw") == pytest.approx(100 * (1 - within / 150), abs=0.1)
    assert figure(grey_column, "absolute_colorfulness") == 0
    assert figure(grey_column, "chroma_ratio") == pytest.approx(0, abs=1e-6)


def test_figures_are_made_of_the_tables_and_of_the_pictures(evaluation: Evaluation, kept: Keeping) -> None:
    for place, found in enumerate(evaluation.columns):
        result = found.errors.result()
        assert figure(found, "auc_raw") == pytest.approx(100 * result.auc_raw, abs=1e-9)
        assert figure(found, "auc_equal_bins") == pytest.approx(100 * result.auc_equal_bins, abs=1e-9)
        assert figure(found, "auc_inverse_prior") == pytest.approx(100 * result.auc_inverse_prior, abs=1e-6)
        scores = [picture.measurements[place].scores for picture in kept]
        assert len(scores) == evaluation.tally.measured == 12
        assert figure(found, "ssim") == pytest.approx(np.mean([score.ssim for score in scores]))
        faded = sum(score.mean_chroma for score in scores) / sum(score.true_mean_chroma for score in scores)
        assert figure(found, "chroma_ratio") == pytest.approx(faded)
        gap = np.mean([score.absolute_colorfulness - score.true_absolute_colorfulness for score in scores])
        assert figure(found, "delta_colorfulness") == pytest.approx(abs(gap))
        assert sum(found.chroma) == sum(evaluation.true_chroma) == found.errors.counts.sum()


def test_a_tint_beats_grey_where_it_is_the_best_and_lite_beats_both(evaluation: Evaluation) -> None:
    grey, raw, equal, lite = evaluation.columns
    assert [grey.name, raw.name, equal.name, lite.name] == ["grey", "tint, raw", "tint, equal", "lite"]
    assert figure(raw, "auc_raw") > figure(grey, "auc_raw")
    assert figure(equal, "auc_equal_bins") > max(figure(grey, "auc_equal_bins"), figure(raw, "auc_equal_bins"))
    assert figure(lite, "auc_equal_bins") > figure(equal, "auc_equal_bins")
    assert figure(lite, "ciede2000") < figure(grey, "ciede2000")


def test_every_interval_holds_its_value_but_those_that_rare_classes_lift(evaluation: Evaluation) -> None:
    for found in evaluation.columns:
        for row, value in zip(FIGURES, found.values, strict=True):
            if math.isnan(value.value):  # one colour has no second one to bleed
                assert row.key == "bleeding"
                assert found.baseline
                continue
            assert value.low is not None
            assert value.high is not None
            assert value.low <= value.high
            if row.key not in ("auc_equal_bins", "auc_inverse_prior", "delta_colorfulness"):
                assert value.low <= value.value <= value.high, row.key


def test_threads_do_not_change_a_digit(folder: Path) -> None:
    one, three = evaluated(folder, jobs=1), evaluated(folder, jobs=3)
    assert [found.values for found in one.columns] == [found.values for found in three.columns]
    np.testing.assert_array_equal(one.points.distance, three.points.distance)


def test_nothing_of_the_originals_colour_reaches_the_result(folder: Path) -> None:
    """Other colours of the same lightness come back the same."""
    lite = Settings(model="lite", engine="opencv", fast=True, precision="fp32", device="cpu")
    (candidate,) = networks([lite], NATIVE, Listening().remark)
    true = np.asarray(Image.open(sorted(folder.iterdir())[0])) / 255
    light = lightness(true)
    grey = recombine(light, np.zeros((*light.shape, 2), np.float32), np.float64)
    np.testing.assert_allclose(candidate.color(true), candidate.color(grey), atol=2e-3)
    assert np.abs(candidate.color(true) - true).max() > 0.05


def test_grey_and_unreadable_pictures_are_left_out_and_counted(photographs: list[Path], tmp_path: Path) -> None:
    folder = small_copies(photographs[:3], tmp_path / "photos", 96)
    grey = np.asarray(Image.open(folder / f"{photographs[0].stem}.png").convert("L"))
    cast = recombine(lightness(grey), np.full((*grey.shape, 2), [1.0, 1.5], np.float32), np.uint8)
    Image.fromarray(grey).save(folder / "grey.png")
    Image.fromarray(np.dstack([grey] * 3)).save(folder / "grey-scan.jpg", quality=70)
    Image.fromarray(cast).save(folder / "cast.png")
    (folder / "bad.jpg").write_text("no picture")
    buffer = io.BytesIO()
    Image.fromarray(blobs(1, 64)).save(buffer, format="PNG")
    (folder / "half.png").write_bytes(buffer.getvalue()[:900])
    listening = Listening()
    evaluation = evaluated(folder, listener=listening)
    tally = evaluation.tally
    assert (tally.measured, tally.grey, tally.unreadable) == (3, 3, 2)
    assert len(listening.failures) == 2
    assert "bad.jpg: text, not a picture" in listening.failures[0]
    assert "half.png" in listening.failures[1]
    assert listening.passes == [("looking", None), ("measuring", 8)]
    assert listening.steps == 16


def test_photographs_count_as_coloured(photographs: list[Path]) -> None:
    entries = [Entry(path.name, path) for path in photographs]
    assert all(measure(entry, [], DDCOLOR, max_pixels=10**9, examples=False) for entry in entries)


def test_a_set_without_colour_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10)).save(tmp_path / "set" / "grey.png")
    with pytest.raises(InputError, match="none of 1 files is a colour photograph"):
        evaluated(tmp_path / "set")


def test_pictures_too_small_for_ssim_have_the_other_figures(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for seed in range(2):
        Image.fromarray(blobs(seed, 8)).save(tmp_path / "set" / f"{seed}.png")
    evaluation = evaluated(tmp_path / "set")
    assert np.isnan(figure(evaluation.columns[-1], "ssim"))
    assert figure(evaluation.columns[-1], "psnr") > 0


@pytest.mark.parametrize("protocol", [DDCOLOR, ZHANG16])
def test_protocols_that_enlarge_say_so(protocol: object, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Image.fromarray(blobs(1, 40)).save(tmp_path / "set" / "a.png")
    quick = QUICK if protocol is DDCOLOR else Settings(model="lite", engine="opencv", precision="fp32", device="cpu")
    evaluation = evaluated(tmp_path / "set", [quick], protocol=protocol)  # type: ignore[arg-type]
    assert evaluation.tally.enlarged == 1
    assert evaluation.columns[0].errors.counts.sum() == 256 * 256
    assert evaluation.columns[-1].values[0].low is None


def test_every_combination_has_a_column_and_is_called_by_what_differs(folder: Path) -> None:
    settings = combinations(
        {"model": ["lite"], "temperature": [0.4, 1.0], "size": [64], "engine": ["opencv"], "saturation": ()}
    )
    evaluation = evaluated(folder, settings)
    assert [found.name for found in evaluation.columns[3:]] == ["lite, temperature 0.4", "lite, temperature 1.0"]
    vivid, calm = evaluation.columns[3:]
    for column, own in zip((vivid, calm), settings, strict=True):
        assert figure(column, "chroma_ratio") == figure(evaluated(folder, [own]).columns[3], "chroma_ratio")
    assert area_under(vivid.errors.curve()) != area_under(calm.errors.curve())
    assert len(combinations({"temperature": [0.4, 1.0], "size": [64, 96, 128]})) == 6
    assert combinations({}) == [Settings()]
    with pytest.raises(UsageError, match="temperature=99"):
        combinations({"temperature": [0.4, 99.0]})


def test_results_that_keep_luma_have_the_picture_s_own(photographs: list[Path]) -> None:
    from colorizer.color.chroma_for_luma import luma_of

    settings = [Settings(model="lite", engine="opencv", fast=True)]
    said: list[object] = []
    (kept,) = networks(settings, NATIVE.with_luma_kept(), said.append)
    (usual,) = networks(settings, NATIVE, said.append)
    with Image.open(photographs[0]) as image:
        rgb = np.asarray(image.convert("RGB").resize((96, 64)))
    luma, result = luma_of(rgb).astype(int), kept.color(rgb)
    # R, G and B are rounded, each by half a code value at most
    assert np.abs(luma_of(result).astype(int) - luma).max() <= 1
    assert np.abs(luma_of(usual.color(rgb)).astype(int) - luma).max() > 1
    assert np.linalg.norm(rgb2lab(result) - rgb2lab(usual.color(rgb)), axis=-1).mean() < 1.5
    assert "Y'" in NATIVE.with_luma_kept().definition


def test_compat_keeps_no_luma() -> None:
    with pytest.raises(UsageError, match="keep_luma"):
        networks([Settings(model="lite", compat=True)], NATIVE.with_luma_kept(), lambda _: None)
