"""Film: files by PyAV, pipes of Y'CbCr frames, folders of numbered frames.

`is_video` is cheap to import and to call; everything else is imported where it is used.
"""

from colorizer.film.formats import FILM_SUFFIXES, has_video_name, is_video
from colorizer.film.options import Film

__all__ = ["FILM_SUFFIXES", "Film", "has_video_name", "is_video"]
