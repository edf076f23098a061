"""Steadiness in time: against plain loops, and on films whose motion and flicker are made by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from colorizer.errors import InputError
from colorizer.metrics import chroma_flicker, color_distribution_consistency, warp_error
from colorizer.metrics.video import fetch_along, jensen_shannon, object_means, object_spread

Frames = list[npt.NDArray[np.uint8]]


def film(seed: int, length: int = 9) -> Frames:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (20, 30, 3))
    return [np.clip(first + rng.normal(0, 4, first.shape) + 3 * t, 0, 255).astype(np.uint8) for t in range(length)]


def still(length: int, height: int, width: int) -> tuple[list[Any], list[Any]]:
    """Flow and masks of a film in which nothing moves."""
    flow = np.zeros((height, width, 2), np.float32)
    return [flow] * (length - 1), [np.ones((height, width), bool)] * (length - 1)


def cdc_by_loops(frames: Frames) -> float:
    """As codes/compute_hist.py of TCVC goes about it: one list per channel and step, averaged at the end."""

    def entropy(p: list[float], q: list[float]) -> float:
        return sum(x * math.log(x / y) for x, y in zip(p, q, strict=True) if x > 0)

    by_channel = []
    for channel in range(3):
        histograms = []
        for frame in frames:
            values = frame[..., channel].ravel().tolist()
            histograms.append([values.count(code) / len(values) for code in range(256)])
        by_step = []
        for step in (1, 2, 4):
            divergences = []
            for i in range(len(frames) - step):
                p, q = histograms[i], histograms[i + step]
                middle = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
                divergences.append(entropy(p, middle) / 2 + entropy(q, middle) / 2)
            by_step.append(sum(divergences) / len(divergences))
        by_channel.append(sum(by_step) / 3)
    return sum(by_channel) / 3


@pytest.mark.parametrize("length", [5, 9])
def test_cdc_equals_the_published_computation(length: int) -> None:
    frames = film(1, length)
    assert color_distribution_consistency(frames) == pytest.approx(cdc_by_loops(frames), rel=1e-12)


def test_cdc_streams_and_does_not_mind_the_order_of_channels() -> None:
    frames = film(2)

    def stream() -> Iterator[npt.NDArray[np.uint8]]:
        yield from frames

    expected = color_distribution_consistency(frames)
    assert color_distribution_consistency(stream()) == expected
    assert color_distribution_consistency([frame[..., ::-1] for frame in frames]) == pytest.approx(expected)


def test_cdc_of_a_frozen_film_is_zero_and_of_alternating_colours_done_by_hand() -> None:
    frame = film(3)[0]
    assert color_distribution_consistency([frame] * 6) == 0
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    # neighbours have nothing in common (ln 2); two or four apart are equal
    assert color_distribution_consistency([black, white] * 4) == pytest.approx(math.log(2) / 3)


def test_fading_lowers_cdc() -> None:
    frames = film(4)
    faded = [np.rint(128 + 0.2 * (frame.astype(float) - 128)).astype(np.uint8) for frame in frames]
    assert color_distribution_consistency(faded) < color_distribution_consistency(frames)


def test_divergence_of_known_distributions() -> None:
    assert jensen_shannon(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(math.log(2))
    half = np.array([0.5, 0.5])
    assert jensen_shannon(half, half) == 0
    expected = 0.5 * math.log(1 / 0.75) + 0.5 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert jensen_shannon(np.array([1.0, 0]), half) == pytest.approx(expected)


def test_cdc_refuses_short_films_and_other_depths() -> None:
    with pytest.raises(InputError, match="needs 5; got 4"):
        color_distribution_consistency(film(5, 4))
    with pytest.raises(InputError, match="uint8"):
        color_distribution_consistency([np.zeros((4, 4, 3), np.float32)] * 6)


def test_fetching_along_a_flow_interpolates_between_pixels() -> None:
    y, x = np.indices((12, 15)).astype(float)
    plane = np.stack([2 * x - y, x * 0 + 5, 3 * y], axis=-1)
    flow = np.random.default_rng(6).uniform(-2.5, 2.5, (12, 15, 2))
    valid = (x + flow[..., 0] >= 0) & (x + flow[..., 0] <= 14) & (y + flow[..., 1] >= 0) & (y + flow[..., 1] <= 11)
    there_x, there_y = (x + flow[..., 0])[valid], (y + flow[..., 1])[valid]
    expected = np.stack([2 * there_x - there_y, np.full(len(there_x), 5.0), 3 * there_y], axis=-1)
    assert np.allclose(fetch_along(plane, flow, valid), expected, atol=1e-12)


def test_a_panning_film_is_steady_along_its_motion_and_not_without() -> None:
    wide = np.random.default_rng(7).integers(0, 256, (16, 60, 3), dtype=np.uint8)
    frames = [wide[:, 3 * t : 3 * t + 30] for t in range(5)]
    # what stands at x in one frame stands at x - 3 in the next
    flow = np.zeros((16, 30, 2), np.float32)
    flow[..., 0] = -3
    valid = np.ones((16, 30), bool)
    valid[:, :3] = False
    assert warp_error(frames, [flow] * 4, [valid] * 4) == 0
    assert warp_error(frames, *still(5, 16, 30)) > 0.05
    assert warp_error(frames, [-flow] * 4, [valid] * 4) > 0.05


def test_warp_error_is_the_mean_square_over_valid_pixels_and_channels() -> None:
    dark = np.full((4, 6, 3), 51, np.uint8)
    light = dark.copy()
    light[:, :3, 0] += 51
    flows, valid = still(3, 4, 6)
    # a third of the channels of half the pixels change by 0.2 in both pairs
    assert warp_error([dark, light, dark], flows, valid) == pytest.approx(0.04 / 6)
    mask = np.zeros((4, 6), np.uint8)
    mask[:, :3] = 1
    assert warp_error([dark, light, dark], flows, [mask, mask]) == pytest.approx(0.04 / 3)


def test_warp_error_is_the_same_at_every_bit_depth() -> None:
    frames = film(8, 3)
    flows, valid = still(3, 20, 30)
    deep = [frame.astype(np.uint16) * 257 for frame in frames]
    assert warp_error(deep, flows, valid) == pytest.approx(warp_error(frames, flows, valid), rel=1e-9)


def test_flicker_is_the_mean_distance_in_ab_between_neighbours() -> None:
    rng = np.random.default_rng(9)
    planes = [rng.normal(0, 20, (10, 12, 2)).astype(np.float32) for _ in range(4)]
    expected = np.mean([np.hypot(*np.moveaxis(b.astype(float) - a, -1, 0)).mean() for a, b in pairwise(planes)])
    assert chroma_flicker(planes, *still(4, 10, 12)) == pytest.approx(expected)


def test_a_hue_that_jumps_by_a_known_step_flickers_by_that_step() -> None:
    plane = np.zeros((5, 5, 2), np.float32)
    planes = [plane, plane + np.array([6, 8], np.float32), plane]
    assert chroma_flicker(planes, *still(3, 5, 5)) == pytest.approx(10)
    assert chroma_flicker([plane] * 3, *still(3, 5, 5)) == 0


def test_occluded_pixels_do_not_count_and_their_flow_may_be_anything() -> None:
    plane = np.zeros((5, 8, 2), np.float32)
    changed = plane.copy()
    changed[:, 4:] = 50
    flow = np.zeros((5, 8, 2))
    flow[:, 4:] = np.nan
    mask = np.ones((5, 8), bool)
    mask[:, 4:] = False
    assert chroma_flicker([plane, changed], [flow], [mask]) == 0


def test_pairs_without_a_valid_pixel_are_left_out() -> None:
    plane = np.zeros((3, 3, 2))
    flow, seen, hidden = np.zeros((3, 3, 2)), np.ones((3, 3), bool), np.zeros((3, 3), bool)
    planes = [plane, plane + np.array([3, 4]), plane]
    assert chroma_flicker(planes, [flow, flow], [seen, hidden]) == pytest.approx(5)
    with pytest.raises(InputError, match="valid pixel"):
        chroma_flicker(planes, [flow, flow], [hidden, hidden])
    frames = [np.zeros((3, 3, 3)), np.full((3, 3, 3), 0.5), np.zeros((3, 3, 3))]
    assert warp_error(frames, [flow, flow], [seen, hidden]) == pytest.approx(0.25)


def test_flows_and_masks_that_do_not_fit_are_refused_in_one_line() -> None:
    frames = film(10, 3)
    flows, valid = still(3, 20, 30)
    cases: list[tuple[list[Any], list[Any], str]] = [
        (flows[:1], valid, "missing"),
        (flows, valid[:1], "missing"),
        (flows * 2, valid, "more flows"),
        ([flow[:5] for flow in flows], valid, "do not fit"),
        ([np.full_like(flow, np.nan) for flow in flows], valid, "not finite"),
    ]
    for bad_flows, bad_valid, said in cases:
        with pytest.raises(InputError, match=said) as refusal:
            warp_error(frames, bad_flows, bad_valid)
        assert "\n" not in str(refusal.value)
    with pytest.raises(InputError, match="valid pixel"):
        warp_error(frames[:1], [], [])


def test_an_object_spreads_by_what_its_mean_colour_wanders() -> None:
    inside = np.zeros((4, 6), bool)
    inside[1:3, 2:4] = True
    planes = [np.full((4, 6, 2), 50.0, np.float32) for _ in range(3)]
    for plane, (a, b) in zip(planes, ((10, 0), (16, 0), (13, 4)), strict=True):
        plane[inside] = a, b
    # the means' mean is (13, 4/3): squared distances 9 + 16/9, 9 + 16/9, 64/9
    assert object_spread(planes, [inside] * 3) == pytest.approx(np.sqrt((18 + 32 / 9 + 64 / 9) / 3))
    assert object_means(planes, [inside, ~inside, np.zeros((4, 6), bool)]).tolist() == [[10, 0], [50, 50]]
    for masks in ([inside] * 2, [inside] * 4, [~inside & inside] * 3, [inside[1:]] * 3):
        with pytest.raises(InputError):
            object_spread(planes, masks)
