"""A JPEG that keeps its grey to the bit: Y's coefficients before and after, as other programs read them.

Coefficients are read by pyjpegio and by jpegtran, the plane by OpenCV; none of them has written the files.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from media_samples import Array
from PIL import Image, ImageCms
from skimage.color import rgb2lab

from colorizer import Colorizer, Settings
from colorizer.jobs.run import OutputPolicy
from colorizer.jobs.stream import color_bytes
from colorizer.media import Output, decode_picture
from colorizer.media.labels import label_height
from colorizer.media.profiles import gamma_profile, srgb_grey_profile

PHOTO = Path(__file__).parent.parent / "photos" / "pagoda.jpg"

KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restart": {"restart_marker_blocks": 3},
    "progressive-restart": {"progressive": True, "restart_marker_rows": 1, "optimize": True},
}
QUALITIES = (30, 50, 75, 90, 100)
SUBSAMPLINGS = ("444", "422", "420")
SIZES = ((61, 47), (64, 48), (17, 33), (40, 9), (1, 1))
FACTORS = {"444": (1, 1), "422": (2, 1), "420": (2, 2)}


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    """It looks at little: what is tested here is what becomes of its colours."""
    return Colorizer(Settings(model="lite", engine="opencv", size=64))


def photo(size: tuple[int, int], mode: str = "L") -> Image.Image:
    with Image.open(PHOTO) as image:
        found: Image.Image = image.resize(size, Image.Resampling.LANCZOS).convert(mode)
        return found


def jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def grey(size: tuple[int, int] = (61, 47), **options: Any) -> bytes:
    return jpeg(photo(size), **options)


def colored(
    data: bytes, colorizer: Colorizer, source: Path | None = None, **options: Any
) -> tuple[bytes, tuple[str, ...]]:
    return color_bytes(data, colorizer, OutputPolicy(Output(**options)), source=source)


def luma(data: bytes) -> Array:
    """Y' by OpenCV, which has libjpeg give it as it is."""
    found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    return np.asarray(found)


def luma_by_pillow(data: bytes) -> Array:
    """Likewise; OpenCV would print what it thinks of damaged files."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", image.size)
        return np.asarray(image.convert("L"))


def rgb(data: bytes) -> Array:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def coefficients(data: bytes, folder: Path) -> tuple[Array, Array]:
    """Quantized coefficients of Y, and their quantization table."""
    jpegio = pytest.importorskip("jpegio")
    path = folder / "read.jpg"
    path.write_bytes(data)
    coded = jpegio.read(str(path))
    return np.array(coded.coef_arrays[0]), np.array(coded.quant_tables[coded.comp_info[0].quant_tbl_no])


def transformed(data: bytes, *options: str) -> bytes:
    found = subprocess.run(
        ["jpegtran", "-copy", "none", *options], input=data, capture_output=True, check=True, timeout=60
    )
    return found.stdout


def unkept(data: bytes, folder: Path, result: bytes) -> bool:
    before, after = coefficients(data, folder), coefficients(result, folder)
    return not all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(("kind", "quality"), [(kind, quality) for quality in QUALITIES for kind in KINDS])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_every_coefficient_of_y_and_its_table_stay(
    kind: str, quality: int, subsampling: str, colorizer: Colorizer, tmp_path: Path
) -> None:
    size = SIZES[(QUALITIES.index(quality) + SUBSAMPLINGS.index(subsampling)) % len(SIZES)]
    data = grey(size, quality=quality, **KINDS[kind])
    result, notes = colored(data, colorizer, subsampling=subsampling)
    assert notes == ()
    with Image.open(io.BytesIO(result)) as image:
        assert image.mode == "RGB"
        assert image.size == size
        assert ("progressive" in image.info) is ("progressive" in kind)
        assert [layer[1:3] for layer in image.layer] == [FACTORS[subsampling], (1, 1), (1, 1)]
    assert np.array_equal(luma(data), luma(result))
    assert not unkept(data, tmp_path, result)
    if shutil.which("jpegtran"):
        assert transformed(result, "-grayscale") == transformed(data)


def luma_by_ffmpeg(data: bytes) -> Array:
    """Y' by a decoder that is not libjpeg's."""
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(data), format="jpeg_pipe") as container:
        frame = next(container.decode(video=0))
    plane = frame.planes[0]
    found: Array = np.asarray(plane).reshape(-1, plane.line_size)[: frame.height, : frame.width].copy()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_another_decoder_sees_the_same_luma(kind: str, subsampling: str, colorizer: Colorizer) -> None:
    data = grey((61, 47), quality=85, **KINDS[kind])
    own = luma_by_ffmpeg(data)
    assert np.array_equal(own, luma_by_ffmpeg(colored(data, colorizer, subsampling=subsampling)[0]))
    anew = colored(data, colorizer, subsampling=subsampling, keep_luma=False)[0]
    assert not np.array_equal(own, luma_by_ffmpeg(anew))


def test_encoding_anew_does_not_pass_these_tests(colorizer: Colorizer, tmp_path: Path) -> None:
    data = grey(quality=75)
    result, notes = colored(data, colorizer, keep_luma=False)
    assert notes == ()
    assert not np.array_equal(luma(data), luma(result))
    assert unkept(data, tmp_path, result)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_colours_are_those_of_the_usual_way(subsampling: str) -> None:
    colorizer = Colorizer(Settings(model="lite", engine="opencv"))
    data = grey((161, 147), quality=90)
    kept, usual = (
        rgb2lab(rgb(colored(data, colorizer, keep_luma=keep, subsampling=subsampling)[0])) for keep in (True, False)
    )
    assert np.linalg.norm(kept - usual, axis=-1).mean() < 1.5
    assert np.hypot(usual[..., 1], usual[..., 2]).mean() > 5  # there are colours


def test_a_flat_grey_gets_the_very_colour_that_the_library_says() -> None:
    from colorizer.color.chroma_for_luma import chroma_for_luma, rgb_of

    levels = np.repeat(np.arange(40, 216, dtype=np.uint8)[:, None], 4, axis=1)
    for a, b in ((12.0, 8.0), (-10.0, 14.0), (3.0, -20.0)):
        planes = chroma_for_luma(levels, np.array([[[a, b]]], np.float32))
        found = rgb2lab(rgb_of(levels, planes))
        # a code value of Cb or Cr is about half a unit; rounding of R'G'B' comes on top
        assert np.abs(found[..., 1] - a).max() < 1.6
        assert np.abs(found[..., 2] - b).max() < 1.6


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 2)])
def test_wild_colours_stay_in_gamut(subsampling: tuple[int, int]) -> None:
    from colorizer.color.chroma_for_luma import chroma_for_luma

    levels = np.repeat(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 2, axis=0), 64, axis=1)
    angle = np.linspace(0, 2 * np.pi, 32)
    ab = (120 * np.stack([np.cos(angle), np.sin(angle)], axis=-1))[None].astype(np.float32)
    blue, red = (np.repeat(p, subsampling[1], 1) for p in chroma_for_luma(levels, ab, subsampling))
    y = levels[:: subsampling[0]].astype(float)
    cb, cr = blue - 128.0, red - 128.0
    shown = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb])
    # half a code value of Cb and Cr, as the matrix has it
    assert shown.min() > -1.0
    assert shown.max() < 256.0


def test_quality_is_that_of_the_chroma(colorizer: Colorizer) -> None:
    data = grey(quality=37)
    with Image.open(io.BytesIO(data)) as source:
        own = source.quantization[0]
    reference = jpeg(photo((16, 16), "RGB"), quality=62)
    with (
        Image.open(io.BytesIO(reference)) as usual,
        Image.open(io.BytesIO(colored(data, colorizer, quality=62)[0])) as image,
    ):
        assert image.quantization[0] == own
        assert image.quantization[1] == usual.quantization[1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_stays_a_tag_and_the_network_sees_the_picture_upright(
    orientation: int, colorizer: Colorizer, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = grey((61, 47), quality=90, exif=exif, dpi=(300, 150))
    result, _ = colored(data, colorizer, subsampling="420")
    assert not unkept(data, tmp_path, result)
    with Image.open(io.BytesIO(result)) as image:
        assert image.getexif()[0x0112] == orientation
        assert tuple(map(round, image.info["dpi"])) == (300, 150)
    kept = decode_picture(result, "kept").pixels
    usual = decode_picture(colored(data, colorizer, keep_luma=False)[0], "usual").pixels
    assert kept.shape == usual.shape
    assert np.linalg.norm(rgb2lab(kept) - rgb2lab(usual), axis=-1).mean() < 2.5


def test_the_mark_says_it(colorizer: Colorizer) -> None:
    data = grey()
    assert b"luma coefficients kept" in colored(data, colorizer)[0]
    assert b"luma coefficients kept" not in colored(data, colorizer, keep_luma=False)[0]
    assert b"luma coefficients kept" not in colored(data, colorizer, no_mark=True)[0]


def test_metadata_are_kept(colorizer: Colorizer) -> None:
    exif = Image.Exif()
    exif[0x010E] = "bridge, 1923"
    data = grey(exif=exif, comment=b"box 7")
    with Image.open(io.BytesIO(colored(data, colorizer)[0])) as image:
        assert image.getexif()[0x010E] == "bridge, 1923"
        assert image.info["comment"] == b"box 7"


def test_a_grey_profile_of_srgb_is_replaced_by_srgb(colorizer: Colorizer, tmp_path: Path) -> None:
    data = grey(icc_profile=srgb_grey_profile())
    result, notes = colored(data, colorizer)
    assert notes == ()
    assert not unkept(data, tmp_path, result)
    with Image.open(io.BytesIO(result)) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert profile.profile.xcolor_space.strip() == "RGB"


def test_a_profile_of_another_tone_curve_has_the_picture_encoded_anew(colorizer: Colorizer) -> None:
    result, notes = colored(grey(icc_profile=gamma_profile(1.8, None, grey=True)), colorizer)
    assert [note for note in notes if "tone curve" in note]
    assert b"luma coefficients kept" not in result


def arithmetic(data: bytes, folder: Path) -> bytes:
    jpegio = pytest.importorskip("jpegio")
    source, target = folder / "huffman.jpg", folder / "arithmetic.jpg"
    source.write_bytes(data)
    coded = jpegio.read(str(source))
    coded.arith_code = True
    coded.write(str(target))
    return target.read_bytes()


@pytest.mark.parametrize("kind", ["baseline", "progressive"])
def test_arithmetic_coding_becomes_huffmans_with_the_same_coefficients(
    kind: str, colorizer: Colorizer, tmp_path: Path
) -> None:
    data = arithmetic(grey(quality=80, **KINDS[kind]), tmp_path)
    assert b"\xff\xc9" in data or b"\xff\xca" in data
    result, notes = colored(data, colorizer)
    assert notes == ()
    assert np.array_equal(luma(data), luma(result))
    assert not unkept(data, tmp_path, result)


def sepia(size: tuple[int, int] = (61, 47)) -> Image.Image:
    tone = np.asarray(photo(size), np.float64)
    return Image.fromarray(np.rint(np.dstack([tone, tone * 0.9, tone * 0.7])).astype(np.uint8))


@pytest.mark.parametrize(("subsampling", "written"), list(product((0, 1, 2), ("444", "420"))))
def test_of_a_sepia_print_luma_is_kept_if_asked_for(
    subsampling: int, written: str, colorizer: Colorizer, tmp_path: Path
) -> None:
    pytest.importorskip("jpegio")
    data = jpeg(sepia(), quality=80, subsampling=subsampling)
    result, notes = colored(data, colorizer, keep_luma=True, subsampling=written)
    assert notes == ()
    assert np.array_equal(luma(data), luma(result))
    assert not unkept(data, tmp_path, result)
    assert unkept(data, tmp_path, colored(data, colorizer)[0])  # nobody asked


def test_strength_blends_with_the_print_s_own_colour(colorizer: Colorizer) -> None:
    pytest.importorskip("jpegio")
    data = jpeg(sepia(), quality=95, subsampling=0)
    own = colorizer.with_settings(Settings(model="lite", engine="opencv", size=64, strength=0.0))
    found = rgb2lab(rgb(colored(data, own, keep_luma=True)[0])) - rgb2lab(rgb(data))
    assert np.linalg.norm(found, axis=-1).mean() < 1.5


def test_without_the_package_the_picture_is_encoded_anew_and_says_so(
    colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jpegio", None)
    result, notes = colored(jpeg(sepia()), colorizer, keep_luma=True)
    assert [note for note in notes if "pyjpegio" in note]
    assert rgb(result).shape == (47, 61, 3)
    assert colored(grey(), colorizer)[1] == ()  # grey ones need nothing


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: jpeg(photo((61, 47), "CMYK")), "Y'CbCr"),
        (lambda: jpeg(photo((61, 47), "RGB"), keep_rgb=True), "Y'CbCr"),
        (lambda: png_of(photo((61, 47))), "JPEG to JPEG"),
    ],
    ids=["cmyk", "rgb", "png"],
)
def test_where_there_is_no_luma_to_keep_it_is_said(
    data: Callable[[], bytes], reason: str, colorizer: Colorizer
) -> None:
    _, notes = colored(data(), colorizer, keep_luma=True)
    assert [note for note in notes if reason in note]
    assert colored(data(), colorizer)[1] == ()


def test_twelve_bits_are_encoded_anew_in_eight_and_it_is_said(colorizer: Colorizer) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    deep = np.asarray(photo((61, 47)), np.uint16) << 4
    data = bytes(imagecodecs.jpeg8_encode(deep, level=95, bitspersample=12))
    for wanted in (None, True):
        result, notes = colored(data, colorizer, keep_luma=wanted)
        assert [note for note in notes if "12 bits" in str(note)]
        found = rgb2lab(rgb(result))[..., 0]
        assert np.abs(found - rgb2lab(np.dstack([deep / 4095] * 3))[..., 0]).mean() < 1


def png_of(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_compat_is_as_it_was(tmp_path: Path) -> None:
    data = grey(quality=75)
    result, notes = colored(data, Colorizer(Settings(model="lite", compat=True)))
    assert notes == ()
    assert unkept(data, tmp_path, result)
    both, notes = colored(data, Colorizer(Settings(model="lite", compat=True)), keep_luma=True)
    assert both == result
    assert [note for note in notes if "compat" in note]


def test_before_and_after_show_the_result(colorizer: Colorizer, tmp_path: Path) -> None:
    from colorizer.jobs.plan import Task
    from colorizer.jobs.run import color_file

    (tmp_path / "in.jpg").write_bytes(grey((61, 47), quality=95))
    task = Task(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert color_file(task, colorizer, OutputPolicy(compare=True)).error is None
    both, result = (rgb(Path(str(path)).read_bytes()) for path in (task.comparison, task.target))
    assert both.shape == (47 + label_height(47), 122, 3)
    assert np.linalg.norm(rgb2lab(both[:47, 61:]) - rgb2lab(result), axis=-1).mean() < 2


def mutants(data: bytes, count: int) -> list[bytes]:
    """Files with bytes changed behind the start, or cut off, or with a stretch left out or doubled."""
    generator = np.random.default_rng(3)
    found = []
    for number in range(count):
        changed = bytearray(data)
        place = int(generator.integers(2, len(data)))
        if number % 4 == 0:
            del changed[place : place + int(generator.integers(1, 9))]
        elif number % 4 == 1:
            changed[place:place] = data[place : place + 40]
        else:
            for each in generator.integers(2, len(data), 1 + number % 3):
                changed[int(each)] = int(generator.integers(0, 256))
        found.append(bytes(changed[: len(changed) - (number % 5 == 4) * 30]))
    return found


@pytest.mark.parametrize("kind", ["baseline", "progressive-restart", "arithmetic", "colour"])
def test_damaged_files_show_the_luma_that_they_had_or_are_refused(
    kind: str,
    colorizer: Colorizer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from colorizer.errors import InputError

    if kind == "arithmetic":
        data = arithmetic(grey((40, 33)), tmp_path)
    elif kind == "colour":
        pytest.importorskip("jpegio")
        data = jpeg(sepia((40, 33)))
    else:
        data = grey((40, 33), quality=85, **KINDS[kind])
    ab = np.full((4, 4, 2), 20, np.float32)
    monkeypatch.setattr(colorizer, "predict", lambda _: ab)
    kept = 0
    for number, mutant in enumerate(mutants(data, 40)):
        try:
            result, _ = color_bytes(mutant, colorizer, OutputPolicy(Output(keep_luma=True), max_pixels=1_000_000))
        except InputError:
            continue
        if b"luma coefficients kept" in result:
            kept += 1
            assert np.array_equal(luma_by_pillow(mutant), luma_by_pillow(result)), number
    assert kept > 3
    assert capfd.readouterr() == ("", "")


def test_the_command_and_the_library_write_the_same_bytes(
    colorizer: Colorizer, colorize: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "in.jpg").write_bytes(grey())  # the page's: tests/web
    options = ("--model", "lite", "--engine", "opencv", "--size", "64", "--subsampling", "420", "-q")
    done = colorize("in.jpg", "-o", "out.jpg", *options)
    assert (done.returncode, done.stderr) == (0, "")
    source = tmp_path / "in.jpg"
    assert (tmp_path / "out.jpg").read_bytes() == colored(grey(), colorizer, source, subsampling="420")[0]
    done = colorize("in.jpg", "-o", "anew.jpg", *options, "--no-keep-luma")
    assert (done.returncode, done.stderr) == (0, "")
    anew = colored(grey(), colorizer, source, subsampling="420", keep_luma=False)[0]
    assert (tmp_path / "anew.jpg").read_bytes() == anew
