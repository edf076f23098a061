"""The yardstick: what people run today, OpenCV 4's sample (samples/dnn/colorization.py), as a program that also saves.

    python sample.py PROTOTXT CAFFEMODEL OUTPUT_FOLDER PICTURE...

It is the recipe of `colorizer/compat.py` in a loop over files: cv2.dnn as it comes, and none of this project's code.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

DNN: Any = cv2.dnn  # OpenCV 5 declares no importer of Caffe files

# for each a from -90 in steps of 10: the first and the last b
_FIRST = (50, 20, 0, -20, -30, -40, -50, -50, -60, -70, -80, -80, -90, -100, -100, -110, -110, -110, -110, -90)
_LAST = (90, 90, 90, 90, 100, 100, 100, 100, 100, 100, 90, 90, 90, 90, 80, 80, 80, 70, 70, 0)


def main(prototxt: str, caffemodel: str, output: str, *pictures: str) -> None:
    """Colour each picture and save it as JPEG of quality 95."""
    net = DNN.readNetFromCaffe(prototxt, caffemodel)
    rows = zip(range(-90, 101, 10), _FIRST, _LAST, strict=True)
    centres = np.array([(a, b) for a, first, last in rows for b in range(first, last + 1, 10)], np.float32)
    net.getLayer(net.getLayerId("class8_ab")).blobs = [np.ascontiguousarray(centres.T).reshape(2, 313, 1, 1)]
    net.getLayer(net.getLayerId("conv8_313_rh")).blobs = [np.full([1, 313], 2.606, np.float32)]
    for picture in pictures:
        rgb = (np.asarray(cv2.imread(picture))[:, :, ::-1] * 1.0 / 255).astype(np.float32)
        light = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[:, :, 0]
        small = cv2.cvtColor(cv2.resize(rgb, (224, 224)), cv2.COLOR_RGB2Lab)[:, :, 0] - 50
        net.setInput(cv2.dnn.blobFromImage(small))
        ab = cv2.resize(net.forward()[0].transpose((1, 2, 0)), (rgb.shape[1], rgb.shape[0]))
        bgr = np.clip(cv2.cvtColor(np.concatenate((light[:, :, None], ab), axis=2), cv2.COLOR_Lab2BGR), 0, 1)
        target = Path(output, Path(picture).name)
        cv2.imwrite(str(target), (bgr * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 95])


if __name__ == "__main__":
    main(*sys.argv[1:])
