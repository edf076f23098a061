"""Damaged files of every format: read or refused, and nothing else.

Mutants are decoded in processes of their own, so that a crash of a decoder is seen as one, and whatever a library
prints by itself is seen too. All seeds are fixed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from media_samples import EVERY_FORMAT
from metadata_samples import SOURCES

EVERY_KIND = EVERY_FORMAT | {f"{name.lower()}-with-metadata": make for name, make in SOURCES.items()}

PER_FORMAT = 50
"""Times the number of sample files: more than a thousand."""

SLOW_PER_FORMAT = 600

SECONDS_FOR_ALL = 120

CHILD = """
import sys, time
from pathlib import Path
from colorizer.errors import InputError, OutputError
from colorizer.media import Mark, Output, decode_picture, encode_picture, open_document
formats = ["auto", "jpeg", "tiff", "png", "jp2", "webp"]
for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, end=" ", flush=True)
    begin = time.perf_counter()
    try:
        with open_document(path, max_pixels=4_000_000) as document:
            for picture in document:
                assert picture.pixels.size
                assert picture.pixels.ndim == 2 or picture.pixels.shape[2] == 3
                assert picture.alpha is None or picture.alpha.shape == picture.pixels.shape[:2]
                number = int(path.name[-5:])
                try:
                    marked = picture.with_pixels(picture.pixels, Mark("m", "s"))
                    written, _ = encode_picture(marked, Output(format=formats[number % len(formats)]))
                except OutputError:
                    continue
                decode_picture(written, "what was written of " + path.name, max_pixels=4_000_000)
    except InputError as error:
        message = str(error)
        assert "\\n" not in message and message.startswith(str(path)), message
        print("refused", end=" ")
    else:
        print("read", end=" ")
    print(f"{time.perf_counter() - begin:.3f}", flush=True)
"""


def mutant(data: bytes, seed: int) -> bytes:
    """Bytes changed at random (mostly in the head, where the structure is), cut off, doubled or blotted out."""
    generator = np.random.default_rng(seed)
    result = bytearray(data)
    kind = seed % 8
    if kind == 0:
        return bytes(result[: int(generator.integers(1, len(data)))])
    if kind == 1:
        start = int(generator.integers(0, len(data)))
        stop = min(len(data), start + int(generator.integers(1, 64)))
        result[start:stop] = bytes([int(generator.choice([0, 255]))]) * (stop - start)
        return bytes(result)
    if kind == 2:
        start = int(generator.integers(0, len(data)))
        return bytes(result[:start] + result[max(0, start - 40) :])
    reach = len(data) if kind < 5 else min(len(data), 600)
    for place in generator.integers(0, reach, 1 + int(generator.integers(0, 12))):
        result[place] = generator.integers(0, 256)
    return bytes(result)


def trial(folder: Path, kinds: list[str], per_format: int, first_seed: int = 0) -> list[str]:
    """Decode mutants in a child process; the lines it prints, one for each."""
    for kind in kinds:
        data = EVERY_KIND[kind]()
        for seed in range(first_seed, first_seed + per_format):
            (folder / f"{kind}-{seed:05}").write_bytes(mutant(data, seed))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)],
        capture_output=True,
        text=True,
        timeout=SECONDS_FOR_ALL,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"{lines[-1:]}\n{done.stderr[-2000:]}"
    assert done.stderr == ""
    assert len(lines) == len(kinds) * per_format
    return lines


def test_every_sample_is_read_undamaged(tmp_path: Path) -> None:
    from colorizer.media import read_picture

    for kind, make in EVERY_KIND.items():
        (tmp_path / kind).write_bytes(make())
        assert read_picture(tmp_path / kind).pixels.shape[:2] in ((48, 64), (64, 48)), kind


def test_a_thousand_mutants_are_read_or_refused_in_time_and_in_silence(tmp_path: Path) -> None:
    lines = trial(tmp_path, list(EVERY_KIND), PER_FORMAT)
    assert len(lines) > 1000
    assert sum(" refused " in line for line in lines) > len(lines) // 4
    assert max(float(line.split()[2]) for line in lines) < 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY_KIND)
def test_many_more_mutants_are_read_or_refused(kind: str, tmp_path: Path) -> None:
    trial(tmp_path, [kind], SLOW_PER_FORMAT, first_seed=PER_FORMAT)
