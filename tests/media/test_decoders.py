"""Tones against decoders of another house; `pytest -s tests/media/test_decoders.py` prints docs/formats.md's table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from decoder_cases import CASES, lightness, srgb_luminance

from colorizer.media import decode_picture

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
LEAST_RANGE = 25  # of L in a scene with tones that could be wrong


@pytest.mark.parametrize("name", CASES)
def test_tones_are_those_of_an_independent_decoder(name: str) -> None:
    case = CASES[name]()
    pixels = decode_picture(case.data, "picture").pixels
    expected = lightness(case.luminance)
    difference = np.abs(lightness(srgb_luminance(pixels / np.iinfo(pixels.dtype).max)) - expected)
    print(f"\n| {name} | {case.decoder} | {difference.mean():.3f} | {difference.max():.3f} |")
    assert np.ptp(expected) > LEAST_RANGE
    assert difference.max() <= case.largest


def test_the_page_has_a_row_for_every_picture() -> None:
    for name in CASES:
        assert f"\n| {name} | " in PAGE
