"""Pieces of pictures at full size, over HTTP: what they show, where they end, and that they go with their picture."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image
from serving import Server, photo

SIDE = 512


def image_of(data: bytes) -> NDArray[np.int64]:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image).astype(int)


def sepia(width: int, height: int, *, opaque: bool = True) -> tuple[bytes, NDArray[np.int64]]:
    """A brown print with noise, as a PNG file, and its pixels."""
    with Image.open(io.BytesIO(photo(width, height, kind="PNG"))) as grey:
        tones = np.asarray(grey).astype(float)
    pixels = np.rint(tones[..., None] * (0.9, 0.75, 0.55)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels if opaque else np.dstack([pixels, np.zeros_like(pixels[..., 0])])).save(file, "PNG")
    return file.getvalue(), pixels.astype(int)


@pytest.fixture(scope="module")
def print_and_address(server: Server) -> tuple[NDArray[np.int64], str]:
    data, pixels = sepia(1100, 700)
    address = server.add(data, "print.png")
    assert server.ended(address)["state"] == "ready"
    return pixels, address


def test_pieces_of_the_original_are_its_own_pixels(
    server: Server, print_and_address: tuple[NDArray[np.int64], str]
) -> None:
    pixels, address = print_and_address
    for row in range(2):
        for column in range(3):
            piece = image_of(server.get(f"{address}/before/tile?row={row}&column={column}").content)
            part = pixels[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
            assert np.array_equal(piece, part)


def test_pieces_in_colour_are_the_saved_files_pixels(
    server: Server, print_and_address: tuple[NDArray[np.int64], str]
) -> None:
    _, address = print_and_address
    for options in ("", "&saturation=0.5"):
        saved = image_of(server.get(f"{address}/result?format=png{options}").content)
        piece = image_of(server.get(f"{address}/after/tile?column=1{options}").content)
        # the network's answer is kept in 16 bits for looking
        assert np.abs(piece - saved[:SIDE, SIDE : 2 * SIDE]).max() <= 1


def test_pieces_show_what_hints_say(server: Server) -> None:
    data, _ = sepia(600, 400)
    address = server.add(data, "said.png")
    server.ended(address)
    plain = image_of(server.get(f"{address}/after/tile").content)
    said = json.dumps({"version": 1, "hints": [{"points": [[0.3, 0.5]], "color": "#208060"}]}).encode()
    assert server.put(f"{address}/hints", said, headers={"Content-Type": "application/json"}).status_code == 200
    piece = image_of(server.get(f"{address}/after/tile").content)
    assert np.abs(piece - plain)[195:205, 175:185].mean() > 10
    saved = image_of(server.get(f"{address}/result?format=png").content)
    # hints are spread over the reduced picture where the saved file spreads them over the whole one
    assert np.abs(piece - saved[:SIDE, :SIDE]).mean() < 1


def test_a_level_halves_the_size(server: Server, print_and_address: tuple[NDArray[np.int64], str]) -> None:
    pixels, address = print_and_address
    piece = image_of(server.get(f"{address}/before/tile?level=1&column=1").content)
    part = pixels[:, 2 * SIDE :]
    assert piece.shape == (350, 38, 3)
    halved = part.reshape(350, 2, 38, 2, 3).mean(axis=(1, 3))
    assert np.abs(piece - halved).max() <= 1


@pytest.mark.parametrize("query", ["column=3", "row=2", "level=1&column=2", "level=8&row=1", "level=9", "column=-1"])
def test_pieces_beyond_the_picture_are_refused(
    server: Server, print_and_address: tuple[NDArray[np.int64], str], query: str
) -> None:
    answer = server.get(f"{print_and_address[1]}/before/tile?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].partition(":")[0] in query


def test_the_whole_original_keeps_its_brown(server: Server, print_and_address: tuple[NDArray[np.int64], str]) -> None:
    pixels, address = print_and_address
    with Image.open(io.BytesIO(server.get(f"{address}/before").content)) as image:
        small = np.asarray(image).astype(int)
    assert np.abs(small.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() < 1


def test_what_is_transparent_is_white(server: Server) -> None:
    address = server.add(sepia(96, 64, opaque=False)[0], "clear.png")
    server.ended(address)
    assert image_of(server.get(f"{address}/before/tile").content).min() == 255


def test_drawings_go_with_their_picture(server: Server) -> None:
    before = set(server.files())
    address = server.add(photo(), "x.jpg")
    server.ended(address)
    kept = len(set(server.files()) - before)
    for side in ("before", "after"):
        assert server.get(f"{address}/{side}/tile").status_code == 200
    assert len(set(server.files()) - before) == kept + 2
    server.delete(address)
    assert set(server.files()) <= before


def test_what_was_said_of_the_colours_is_in_the_pieces(server: Server) -> None:
    data, _ = sepia(600, 400)
    address = server.add(data, "dress.png")
    server.ended(address)
    usual = image_of(server.get(f"{address}/after/tile").content)
    said = {"version": 1, "hints": [{"points": [[0.4, 0.5]], "color": "#1030c0"}]}
    answer = requests.put(server.url(f"{address}/hints"), json=said, timeout=60)
    assert answer.status_code == 200, answer.text
    piece = image_of(server.get(f"{address}/after/tile").content)
    saved = image_of(server.get(f"{address}/result?format=png").content)[:SIDE, :SIDE]
    assert np.abs(piece - saved).max() <= 2
    assert np.abs(piece - usual)[190:210, 230:250].mean() > 5
