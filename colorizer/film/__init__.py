"""Film: files by PyAV, pipes of Y'CbCr frames, folders of numbered frames.

What this module names is cheap to import. The work is done by `colorizer.film.job.color_video`,
`colorizer.film.pipe.color_stream` and `colorizer.film.numbered.color_numbered`, which load networks and codecs.
"""

from colorizer.film.formats import FILM_SUFFIXES, has_video_name, is_video
from colorizer.film.options import FilmOptions

__all__ = ["FILM_SUFFIXES", "FilmOptions", "has_video_name", "is_video"]
