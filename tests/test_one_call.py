"""`colorizer.colorize`: each kind of picture comes back as what it was, and says in Python's words what is wrong."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

import colorizer
from colorizer import Colorizer, ColorizerError, Settings
from colorizer.errors import InputError, OutputError, UsageError
from colorizer.media import read_picture
from colorizer.one_call import _opened


@pytest.fixture(scope="module")
def rgb(photographs: list[Path]) -> Any:
    return np.asarray(Image.open(photographs[0]).convert("RGB").resize((96, 64)))


@pytest.fixture(scope="module")
def grey(rgb: Any) -> Any:
    return np.asarray(Image.fromarray(rgb).convert("L"))


def by_class(pixels: Any) -> Any:
    """What the class makes of an array, in RGB."""
    return Colorizer(Settings(model="lite", fast=True)).colorize(pixels, "rgb")


@pytest.mark.parametrize("kind", [str, Path, lambda path: str(path).encode()], ids=["text", "path", "pathlike bytes"])
def test_a_path_gives_the_path_of_what_was_written(kind: Any, grey: Any, tmp_path: Path) -> None:
    Image.fromarray(grey).save(tmp_path / "in.png")
    given = kind(tmp_path / "in.png")
    if isinstance(given, bytes):  # bytes are a picture's, never a name
        with pytest.raises(InputError, match="picture"):
            colorizer.colorize(given)
        return
    written = colorizer.colorize(given, kind(tmp_path / "out.png"), model="lite", fast=True)
    assert written == tmp_path / "out.png"
    np.testing.assert_array_equal(read_picture(written).pixels, by_class(grey))


def test_without_an_output_the_result_lies_beside_it_as_from_the_command(grey: Any, tmp_path: Path) -> None:
    Image.fromarray(grey).save(tmp_path / "in.jpg")
    assert colorizer.colorize(tmp_path / "in.jpg") == tmp_path / "in.color.jpg"
    assert colorizer.colorize(tmp_path / "in.jpg", format="png") == tmp_path / "in.color.png"
    (tmp_path / "colored").mkdir()
    assert colorizer.colorize(tmp_path / "in.jpg", tmp_path / "colored") == tmp_path / "colored" / "in.jpg"


def test_a_file_that_exists_is_kept_unless_asked_for(grey: Any, tmp_path: Path) -> None:
    Image.fromarray(grey).save(tmp_path / "in.png")
    (tmp_path / "out.png").write_text("mine")
    with pytest.raises(OutputError, match=r"exists, kept; overwrite=True replaces it"):
        colorizer.colorize(tmp_path / "in.png", tmp_path / "out.png")
    assert (tmp_path / "out.png").read_text() == "mine"
    colorizer.colorize(tmp_path / "in.png", tmp_path / "out.png", overwrite=True)
    assert read_picture(tmp_path / "out.png").pixels.ndim == 3
    with pytest.raises(UsageError, match="same file"):
        colorizer.colorize(tmp_path / "in.png", tmp_path / "in.png", overwrite=True)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_give_bytes_in_the_same_format(kind: Any, grey: Any) -> None:
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "TIFF")
    given = kind(file.getvalue())
    colored = colorizer.colorize(given, model="lite", fast=True)
    assert type(colored) is bytes
    with Image.open(io.BytesIO(colored)) as back:
        assert back.format == "TIFF"
        np.testing.assert_array_equal(np.asarray(back), by_class(grey))
    with Image.open(io.BytesIO(colorizer.colorize(given, format="png"))) as back:
        assert back.format == "PNG"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_an_image_gives_an_image_of_its_own_size_and_transparency(mode: str, rgb: Any) -> None:
    image = Image.fromarray(rgb).convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    before = image.tobytes()
    colored = colorizer.colorize(image, model="lite", fast=True)
    assert isinstance(colored, Image.Image)
    assert (colored.size, colored.mode) == (image.size, "RGBA" if mode in ("LA", "RGBA") else "RGB")
    # Pillow's own words for the same picture, but for inks, which it reads in its own way
    if mode != "CMYK":
        seen = image.convert("L" if mode in ("1", "L", "LA") else "RGB")
        np.testing.assert_array_equal(np.asarray(colored)[..., :3], by_class(np.asarray(seen)))
    if colored.mode == "RGBA":
        np.testing.assert_array_equal(np.asarray(colored)[..., 3], np.asarray(image)[..., -1])
    assert image.tobytes() == before


def test_deep_grey_images_are_seen_at_their_depth(grey: Any) -> None:
    deep = grey.astype(np.uint16) * 257
    for pixels in (deep, deep.astype(np.int32), grey / np.float32(255)):
        image = Image.fromarray(pixels)
        difference = np.asarray(colorizer.colorize(image, model="lite", fast=True)).astype(int) - by_class(grey)
        assert np.abs(difference).max() <= 1, image.mode
    with pytest.raises(InputError, match=r"tones from 0 to 70000; scale them to 0\.\.65535 first"):
        colorizer.colorize(Image.fromarray(np.array([[0, 70000]], np.int32)))


def test_an_images_profile_is_heeded_and_what_belongs_to_it_kept(rgb: Any) -> None:
    image = Image.fromarray(rgb)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    srgb, xyz = (ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes() for space in ("sRGB", "XYZ"))
    image.save(file, "PNG", exif=exif, dpi=(300, 300), icc_profile=srgb)
    with Image.open(file) as opened:
        colored = colorizer.colorize(opened, model="lite", fast=True)
    assert "icc_profile" not in colored.info  # it is sRGB now
    assert colored.getexif()[0x0112] == 6
    assert round(colored.info["dpi"][0]) == 300
    np.testing.assert_array_equal(np.asarray(colored), by_class(rgb))
    image.info["icc_profile"] = xyz  # none for RGB: left aside, as for files
    np.testing.assert_array_equal(np.asarray(colorizer.colorize(image, model="lite", fast=True)), by_class(rgb))


def test_an_array_gives_an_array_as_the_class_does(rgb: Any, grey: Any) -> None:
    for pixels in (grey, rgb, np.dstack([grey, grey]), rgb.astype(np.uint16) * 257, grey / 255):
        colored = colorizer.colorize(pixels, model="lite", fast=True)
        assert colored.dtype == pixels.dtype
        np.testing.assert_array_equal(colored, Colorizer(Settings(model="lite", fast=True)).colorize(pixels))
    np.testing.assert_array_equal(colorizer.colorize(rgb, order="rgb", model="lite", fast=True), by_class(rgb))


def test_a_loop_over_pictures_opens_the_network_once(grey: Any) -> None:
    _opened.cache_clear()
    for tone in range(3):
        colorizer.colorize(grey // (tone + 1), saturation=1.25)
    assert _opened.cache_info().misses == 1


def test_a_model_that_was_replaced_is_opened_anew(grey: Any, tmp_path: Path) -> None:
    packaged = Colorizer(Settings(model="lite", fast=True)).model.files
    for path in packaged.values():
        shutil.copy(path, tmp_path / path.name)
    weights = next(tmp_path / path.name for path in packaged.values() if path.suffix == ".caffemodel")
    colorizer.colorize(grey, model=str(weights))
    weights.write_bytes(b"no network any more")
    with pytest.raises(ColorizerError, match=weights.name):
        colorizer.colorize(grey, model=str(weights))


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((None,), {}, "not NoneType; cv2.imread gives that for a file it cannot read"),
        ((3,), {}, "expected a path, bytes, an image of Pillow's or an array of NumPy's, not int"),
        ((["a.jpg"],), {}, "not list"),
        (("missing.jpg",), {}, "missing.jpg: no such file"),
        (("",), {}, "is a folder"),
        ((".",), {}, "is a folder; name the picture files in it, one at a time"),
        ((b"abc",), {}, "the picture: "),
        (("a.jpg",), {"saturatoin": 2}, "saturatoin: there is no such option; did you mean saturation?"),
        (("a.jpg",), {"xyz": 2}, "xyz: there is no such option; there are .*saturation"),
        (("a.jpg",), {"saturation": 99}, "saturation=99: expected a number from 0 to 4"),
        (("a.jpg",), {"order": "rgb"}, "order: goes with a picture that is given as an array; leave it out"),
        ((np.zeros((9, 9), np.uint8), "b.png"), {}, "output: goes with a picture that is given as a path"),
        ((np.zeros((9, 9), np.uint8),), {"overwrite": True}, "overwrite: goes with a picture that is given as a path"),
        ((np.zeros((9, 9), np.uint8),), {"quality": 90}, "quality: goes with .* a path or bytes; leave it out"),
        ((np.zeros((9, 9), np.int64),), {}, "int64"),
    ],
)
def test_what_is_wrong_is_said_in_pythons_words(
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ColorizerError, match=said) as caught:
        colorizer.colorize(*arguments, **options)
    assert "--" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_notebooks_and_prompts_show(grey: Any, tmp_path: Path) -> None:
    assert repr(Settings()) == "Settings()"
    changed = Settings(model="lite", size=(224, 448), prototxt=Path("a"), keep_color=True)
    assert eval(repr(changed), {"Settings": Settings, "PosixPath": Path, "WindowsPath": Path}) == changed  # noqa: S307
    assert repr(Colorizer(Settings(model="lite", fast=True))).startswith("<Colorizer: lite in ")
    Image.fromarray(np.tile(grey, (20, 20))).save(tmp_path / "large.png")
    picture = read_picture(tmp_path / "large.png")
    assert repr(picture) == "<Picture: PNG, 1920 x 1280, grey, uint8>"
    with Image.open(io.BytesIO(picture._repr_png_())) as shown:
        assert (shown.format, shown.size) == ("PNG", (1024, 683))
        wanted = cv2.resize(picture.pixels, (1024, 683), interpolation=cv2.INTER_AREA)
        assert np.abs(np.asarray(shown).astype(int) - wanted).mean() < 4
