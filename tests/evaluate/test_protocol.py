"""What is compared: crops, sizes and depths, against plain arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorizer import Settings
from colorizer.errors import UsageError
from colorizer.evaluate.protocol import DDCOLOR, NATIVE, PROTOCOLS, ZHANG16, resized


def checks(height: int, width: int) -> npt.NDArray[np.uint16]:
    """Each pixel tells where it is: red its row, green its column."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, rows * 0], axis=-1).astype(np.uint16)


def test_native_leaves_pictures_as_they_are() -> None:
    picture = checks(30, 50)
    assert NATIVE.prepare(picture) is picture
    assert not NATIVE.enlarges(picture)


def test_ddcolor_takes_the_middle_square_and_zhang16_the_whole_picture() -> None:
    wide = checks(512, 1024)
    middle = DDCOLOR.prepare(wide).astype(float)
    assert middle.shape == (256, 256, 3)
    # columns 256 to 767, two to each pixel
    np.testing.assert_allclose(middle[..., 1], np.broadcast_to(256.5 + 2 * np.arange(256), (256, 256)), atol=0.51)
    whole = ZHANG16.prepare(wide).astype(float)
    assert whole.shape == (256, 256, 3)
    np.testing.assert_allclose(whole[..., 1], np.broadcast_to(1.5 + 4 * np.arange(256), (256, 256)), atol=0.51)
    np.testing.assert_allclose(whole[..., 0], whole[..., :1, 0] + 0 * whole[..., 0])


@settings(max_examples=40, deadline=None)
@given(
    factors=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 99),
)
def test_shrinking_by_whole_factors_is_the_mean_of_blocks(
    factors: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    (down, across), (height, width) = factors, size
    picture = np.random.default_rng(seed).random((height * down, width * across, 3))
    blocks = picture.reshape(height, down, width, across, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resized(picture, height, width), blocks, atol=1e-5)


def test_a_side_may_shrink_by_averaging_while_the_other_grows() -> None:
    stripes = np.zeros((4, 8, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.unique(resized(stripes, 8, 4)).tolist() == [100]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_depth_is_kept_and_integers_are_rounded(dtype: type) -> None:
    full = 1 if dtype is np.float32 else np.iinfo(dtype).max
    picture: npt.NDArray[Any] = (np.ones((300, 400, 3)) * full).astype(dtype)
    small = DDCOLOR.prepare(picture)
    assert small.dtype == dtype
    np.testing.assert_array_equal(small, np.full_like(small, full))


def test_small_pictures_are_enlarged_and_known_to_be() -> None:
    picture = np.full((100, 300, 3), 7, np.uint8)
    for protocol in (DDCOLOR, ZHANG16):
        assert protocol.enlarges(picture)
        np.testing.assert_array_equal(protocol.prepare(picture), np.full((256, 256, 3), 7))


def test_zhang16_fixes_the_networks_view_and_refuses_another() -> None:
    fixed = ZHANG16.settings(Settings(model="lite"))
    assert (fixed.fit, fixed.size, fixed.model) == ("stretch", 224, "lite")
    for asked in (Settings(size=320), Settings(fit="aspect")):
        with pytest.raises(UsageError, match=r"leave out (size|fit)="):
            ZHANG16.settings(asked)
    assert DDCOLOR.settings(Settings(size=320)).size == 320
    assert ZHANG16.settings(Settings(compat=True)).compat


def test_every_protocol_says_crop_size_and_whose_lightness() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.definition.startswith(f"{name}: ")
        assert "lightness" in protocol.definition
        assert protocol.side is None or f"{protocol.side} x {protocol.side}" in protocol.definition
