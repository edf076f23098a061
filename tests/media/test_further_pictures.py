"""Files of several pictures: what is read, and what is said of the rest."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from decoder_cases import around, box
from media_samples import pnm, scene
from PIL import Image

from colorizer.media import decode_picture


@pytest.mark.parametrize("kind", [4, 5, 6])
def test_further_pictures_of_a_pnm_are_noted(kind: int) -> None:
    samples = scene(3 if kind == 6 else 1)
    samples = (samples > 99).astype(np.uint8) if kind == 4 else samples
    one = pnm(kind, samples, 255)
    assert decode_picture(one, "x.pnm").notes == ()
    assert decode_picture(one * 2, "x.pnm").notes == ("1 further picture of the file is left out",)
    assert decode_picture(one + b"\n" + one, "x.pnm").notes == ()  # what follows is no picture of the series
    assert decode_picture(one * 3 + b"P5", "x.pnm").notes == ("2 further pictures of the file are left out",)


def test_further_pictures_of_a_pam_are_noted() -> None:
    one = b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n" + bytes(4)
    assert decode_picture(one * 3, "x.pam").notes == ("2 further pictures of the file are left out",)


def test_further_pictures_of_a_heic_are_noted() -> None:
    file = pillow_heif.from_pillow(Image.fromarray(scene(3)))
    file.add_from_pillow(Image.fromarray(scene(3)[::-1].copy()))
    buffer = io.BytesIO()
    file.save(buffer, quality=90)
    assert decode_picture(buffer.getvalue(), "x.heic").notes == ("1 further picture of the file is left out",)


def test_the_thumbnail_of_a_heic_is_no_further_picture() -> None:
    file = pillow_heif.from_pillow(Image.fromarray(np.tile(scene(3), (4, 4, 1))))
    buffer = io.BytesIO()
    file.save(buffer, quality=90, thumbnails=[64])
    assert b"thmb" in buffer.getvalue()
    assert decode_picture(buffer.getvalue(), "x.heic").notes == ()


def test_further_code_streams_of_a_jpx_are_noted() -> None:
    import imagecodecs

    stream = bytes(imagecodecs.jpeg2k_encode(scene(), codecformat="j2k", reversible=True))
    data = around(stream, 17) + box(b"jp2c", stream)
    assert decode_picture(data, "x.jpx").notes == ("1 further picture of the file is left out",)
