"""Files of several pictures: what is read, and what is said of the rest."""

from __future__ import annotations

import io
import re
import struct
from xml.etree import ElementTree

import numpy as np
import pillow_heif
import pytest
from decoder_cases import around, box
from media_samples import by_pillow, pnm, scene
from PIL import Image

from colorizer.media import Output, decode_picture, encode_picture


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


MOTION = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:Container="http://ns.google.com/photos/1.0/container/"
 xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" GCamera:MicroVideoOffset="3000" hdrgm:Version="1.0"
 dc:source="album 7">
 <Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4"
  Item:Length="3000"/></rdf:li></rdf:Seq></Container:Directory>
 <GCamera:SpecialTypeID>kept</GCamera:SpecialTypeID>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def with_xmp(packet: bytes, *more: bytes) -> bytes:
    """A JPEG with an XMP packet, further APP2 segments, and something behind the picture."""
    plain = by_pillow(scene(), "JPEG")
    segment = b"http://ns.adobe.com/xap/1.0/\0" + packet
    parts = [b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment]
    parts += [b"\xff\xe2" + struct.pack(">H", len(content) + 2) + content for content in more]
    return plain[:2] + b"".join(parts) + plain[2:] + b"\0\0\0\x18ftypmp42" + bytes(2988)


def test_a_motion_photo_no_longer_announces_its_film() -> None:
    picture = decode_picture(with_xmp(MOTION), "x.jpg")
    assert "the film of a motion photo is left out" in picture.notes
    assert "the gain map for HDR displays is left out" in picture.notes
    written, notes = encode_picture(picture, Output())
    assert set(picture.notes) <= set(notes)
    with Image.open(io.BytesIO(written)) as image:  # Pillow's own reading of the packet
        packet = image.info["xmp"]
    kept = ElementTree.fromstring(packet.partition(b"<?xpacket end")[0])  # noqa: S314 - our own
    names = [name for element in kept.iter() for name in (element.tag, *element.attrib)]
    assert not [name for name in names if re.search(r"Motion|MicroVideo|gain-map|container", name)]
    assert any(name.endswith("}source") for name in names)
    assert any(name.endswith("}SpecialTypeID") for name in names)


@pytest.mark.parametrize(
    ("segment", "note"),
    [
        (b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4), "the gain map for HDR displays is left out"),
        (b"MPF\0" + bytes(40), "further pictures of the file are left out"),
    ],
)
def test_what_a_segment_says_of_further_pictures_is_noted(segment: bytes, note: str) -> None:
    packet = MOTION.replace(b"/camera/", b"/other/").replace(b"/hdr-gain-map/", b"/other/")
    packet = packet.replace(b'1.0/container/"', b'1.0/other/"')
    assert decode_picture(with_xmp(packet, segment), "x.jpg").notes == (note,)
    assert decode_picture(with_xmp(packet), "x.jpg").notes == ()
