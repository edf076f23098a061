"""Upsampling of ab: bilinear, and the same however the picture is cut into strips."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from colorizer.color.upsample import Upsampler


@settings(deadline=None)
@given(height=st.integers(1, 200), width=st.integers(1, 200), cut=st.integers(0, 200), seed=st.integers(0, 99))
def test_strips_of_upsampled_chroma_are_rows_of_the_whole(height: int, width: int, cut: int, seed: int) -> None:
    ab = np.random.default_rng(seed).normal(0, 40, (14, 20, 2)).astype(np.float32)
    cut = min(cut, height - 1)
    upsampler = Upsampler(ab, height, width)
    np.testing.assert_array_equal(upsampler.rows(cut, height), upsampler.rows(0, height)[cut:])


def test_upsampling_is_bilinear_between_pixel_centres() -> None:
    ab = np.random.default_rng(6).normal(0, 40, (56, 56, 2)).astype(np.float32)
    expected = cv2.resize(ab.astype(np.float64), (500, 333), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(Upsampler(ab, 333, 500).rows(0, 333), expected, atol=1e-3)
