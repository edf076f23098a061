"""Film: files by PyAV, pipes of Y'CbCr frames, folders of numbered frames.

`is_video` is cheap to import and to call; everything else is imported where it is used.
"""

from colorizer.video.formats import FILM_SUFFIXES, has_video_name, is_video
from colorizer.video.options import Film

__all__ = ["FILM_SUFFIXES", "Film", "has_video_name", "is_video"]
