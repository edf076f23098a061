"""`--compat` against the recipe of OpenCV 4's Caffe-era sample, computed anew here, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from conftest import Command
from synthetic import small_pair

from colorizer import Colorizer, ColorizerError, Settings
from colorizer.caffe.caffemodel import read_caffemodel
from colorizer.caffe.network import read_network
from colorizer.caffe.onnx_export import convert
from colorizer.networks import resolve_model
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.colors import Colors

DNN: Any = cv2.dnn  # OpenCV 5 declares no Caffe importer


def sample_recipe(frame: npt.NDArray[np.uint8], prototxt: Path, caffemodel: Path) -> npt.NDArray[np.uint8]:
    """What the sample shows for a BGR frame, 255 times its floats, rounded as its window does."""
    net = sample_network(prototxt, caffemodel)
    rgb = (frame[:, :, [2, 1, 0]] * 1.0 / 255).astype(np.float32)
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[:, :, 0]
    small = cv2.cvtColor(cv2.resize(rgb, (224, 224)), cv2.COLOR_RGB2Lab)[:, :, 0] - 50
    net.setInput(cv2.dnn.blobFromImage(small))
    ab = cv2.resize(net.forward()[0].transpose((1, 2, 0)), (rgb.shape[1], rgb.shape[0]))
    bgr = np.clip(cv2.cvtColor(np.concatenate((light[:, :, None], ab), axis=2), cv2.COLOR_Lab2BGR), 0, 1)
    return np.round(bgr * 255).astype(np.uint8)


def sample_network(prototxt: Path, caffemodel: Path) -> Any:
    """The network as the sample loads it; on OpenCV 5, which reads no Caffe, as the sample of today does."""
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        colors = Colors(1 / 2.606, bin_centres())
        model = convert(read_network(prototxt), read_caffemodel(caffemodel), colors)
        return cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    net = DNN.readNetFromCaffe(str(prototxt), str(caffemodel))
    centres = bin_centres().transpose().reshape(2, 313, 1, 1)
    net.getLayer(net.getLayerId("class8_ab")).blobs = [centres.astype(np.float32)]
    net.getLayer(net.getLayerId("conv8_313_rh")).blobs = [np.full([1, 313], 2.606, np.float32)]
    return net


@pytest.mark.parametrize("model", ["lite", "release"])
def test_compat_equals_the_sample_byte_for_byte(model: str, photographs: list[Path], tmp_path: Path) -> None:
    name = model if model == "lite" else str(small_pair(tmp_path)[1])
    files = resolve_model(name)
    colorizer = Colorizer(Settings(model=name, compat=True))
    for path in photographs[:3]:
        frame = np.asarray(cv2.imread(str(path)), np.uint8)
        np.testing.assert_array_equal(
            colorizer.colorize(frame), sample_recipe(frame, files.files["prototxt"], files.files["caffemodel"])
        )


def test_the_command_writes_what_the_recipe_gives(colorize: Command, photographs: list[Path], tmp_path: Path) -> None:
    frame = np.asarray(cv2.imread(str(photographs[0]), cv2.IMREAD_GRAYSCALE), np.uint8)
    cv2.imwrite(str(tmp_path / "grey.png"), frame)
    done = colorize("grey.png", "--compat", "--model", "lite")
    assert done.returncode == 0, done.stderr
    files = resolve_model("lite")
    np.testing.assert_array_equal(
        cv2.imread(str(tmp_path / "grey.color.png")),
        sample_recipe(np.dstack([frame] * 3), files.files["prototxt"], files.files["caffemodel"]),
    )


def test_compat_refuses_more_than_8_bits() -> None:
    with pytest.raises(ColorizerError, match="8 bits"):
        Colorizer(Settings(model="lite", compat=True)).colorize(np.zeros((8, 8), np.uint16))
