"""Damaged files: whatever happened to a caffemodel or a prototxt, it loads or is refused, with one line, at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import caffe_by_hand as hand
import numpy as np
import pytest

from colorizer.caffe.caffemodel import check_finite, read_caffemodel
from colorizer.caffe.network import read_network
from colorizer.errors import WeightsError
from colorizer.networks.zhang.checks import check_contract, check_pair

MUTATIONS = 500
SECONDS_EACH = 5.0  # a thousand times what one takes


def in_old_form(weights: dict[str, list[hand.Floats]]) -> bytes:
    return b"".join(
        hand.v1_layer(name, hand.TINY_SHAPES[name][1], *(hand.old_shape(*b.shape) + hand.halves(b) for b in blobs))
        for name, blobs in weights.items()
    )


def one_by_one(weights: dict[str, list[hand.Floats]]) -> bytes:
    return b"".join(
        hand.layer(name, hand.TINY_SHAPES[name][0], *(hand.unpacked(b) + hand.new_shape(*b.shape) for b in blobs))
        for name, blobs in weights.items()
    )


def mutated(data: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Some bytes changed, the end cut off, a piece taken out, doubled, or replaced by a piece of another file."""
    # half of the time near the beginning, where the structure is denser than the numbers
    limit = len(data) if rng.random() < 0.5 else min(len(data), 700)
    start, length = int(rng.integers(limit)), int(rng.integers(1, 60))
    kind = rng.integers(6)
    if kind <= 1:
        flipped = bytearray(data)
        for position in rng.integers(0, limit, rng.integers(1, 9)):
            flipped[position] = rng.choice([rng.integers(256), flipped[position] ^ (1 << rng.integers(8))])
        return bytes(flipped)
    if kind == 2:
        return data[:start]
    if kind == 3:
        return data[:start] + data[start + length :]
    if kind == 4:
        return data[: start + length] + data[start:]
    other = others[rng.integers(len(others))]
    cut = int(rng.integers(len(other)))
    return data[:start] + other[cut : cut + length] + data[start + length :]


def survive(originals: list[bytes], path: Path, load: Callable[[Path], None]) -> int:
    """How many of the mutated files were refused; any error but WeightsError passes through."""
    rng = np.random.default_rng(1603_08511)
    refused = 0
    for i in range(MUTATIONS):
        one = path.with_stem(f"{path.stem}-{i}")
        one.write_bytes(mutated(originals[i % len(originals)], originals, rng))
        began = time.perf_counter()
        error = refusal(load, one)
        assert time.perf_counter() - began < SECONDS_EACH
        refused += error is not None
        assert error is None or ("\n" not in error and path.stem in error)
    return refused


def refusal(load: Callable[[Path], None], path: Path) -> str | None:
    try:
        load(path)
    except WeightsError as error:
        return str(error)
    return None


@pytest.fixture
def intact(tmp_path: Path) -> tuple[Path, Path]:
    """The tiny network's prototxt and caffemodel."""
    prototxt, caffemodel = tmp_path / "intact.prototxt", tmp_path / "intact.caffemodel"
    prototxt.write_text(hand.TINY_PROTOTXT)
    caffemodel.write_bytes(hand.tiny_caffemodel(hand.tiny_weights()))
    return prototxt, caffemodel


def test_mutated_caffemodels_load_or_are_refused(intact: tuple[Path, Path], tmp_path: Path) -> None:
    network = read_network(intact[0])

    def load(path: Path) -> None:
        model = read_caffemodel(path)
        check_pair(network, model)
        check_finite(model)

    weights = hand.tiny_weights()
    originals = [hand.tiny_caffemodel(weights), in_old_form(weights), one_by_one(weights)]
    refused = survive(originals, tmp_path / "mutated.caffemodel", load)
    assert MUTATIONS / 2 < refused < MUTATIONS


def test_mutated_prototxts_load_or_are_refused(intact: tuple[Path, Path], tmp_path: Path) -> None:
    model = read_caffemodel(intact[1])

    def load(path: Path) -> None:
        network = read_network(path)
        check_contract(network)
        assert network.stride >= 1
        check_pair(network, model)

    old_input = 'input: "data_l" input_dim: 1 input_dim: 1 input_dim: 32 input_dim: 32'
    layers = hand.TINY_PROTOTXT.splitlines()
    old_form = "\n".join(old_input if '"Input"' in line else line for line in layers)
    dense = " ".join(hand.TINY_PROTOTXT.replace("kernel_size: 4", "kernel_h: 4 kernel_w: 4").split())
    originals = [text.encode() for text in (hand.TINY_PROTOTXT, old_form, dense)]
    refused = survive(originals, tmp_path / "mutated.prototxt", load)
    assert MUTATIONS / 2 < refused < MUTATIONS


def test_noise_after_a_plausible_beginning_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for i in range(100):
        path = tmp_path / f"{i}.caffemodel"
        path.write_bytes(b"\n\x05LtoAB" + hand.varint(100 * 8 + 2) + rng.bytes(300))
        with suppress(WeightsError):
            read_caffemodel(path)
