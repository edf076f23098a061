"""Film: files by PyAV, pipes of Y'CbCr frames, folders of numbered frames.

`is_video` is cheap to import and to call; everything else is imported where it is used.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> import av
>>> import numpy as np
>>> from colorizer import Settings
>>> from colorizer.film.options import FilmOptions
>>> from colorizer.film.job import color_video
>>> with TemporaryDirectory() as folder:
...     source = Path(folder, "wedge.mkv")
...     with av.open(str(source), "w") as file:  # or any film that you have
...         stream = file.add_stream("ffv1", 24, width=96, height=64, pix_fmt="gray")
...         for shift in range(3):
...             wedge = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
...             _ = file.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(wedge, shift, 1), "gray")))
...         _ = file.mux(stream.encode())
...     result = color_video(source, Path(folder, "wedge.color.mkv"), Settings(model="lite"), FilmOptions(every="auto"))
>>> result.frames, result.network_calls
(3, 1)
"""

from colorizer.film.formats import FILM_SUFFIXES, has_video_name, is_video
from colorizer.film.options import FilmOptions

__all__ = ["FILM_SUFFIXES", "FilmOptions", "has_video_name", "is_video"]
