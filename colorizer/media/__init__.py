"""Pictures in files: reading, writing, and what belongs to them besides their pixels. Knows nothing of networks."""

from colorizer.media.picture import DEFAULT_MAX_PIXELS, SUFFIXES, Picture, read_picture, write_picture

__all__ = ["DEFAULT_MAX_PIXELS", "SUFFIXES", "Picture", "read_picture", "write_picture"]
